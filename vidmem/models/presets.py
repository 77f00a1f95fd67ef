"""Models by name: those in `assets/`, the pretrained sizes, and folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import torch

from vidmem.errors import CheckpointError, SettingError
from vidmem.models.architectures import ARCHITECTURES, architecture_of
from vidmem.models.backbones.backbone import load_backbone
from vidmem.models.backbones.files import is_here
from vidmem.models.checkpoint import CONFIG_FILE, load_folder, read_description
from vidmem.models.device import check_dtype, resolve_device, resolve_dtype
from vidmem.models.download import PretrainedFile, cache_folder, fetch
from vidmem.models.fam_swin.checkpoint import load_torchvision_swin
from vidmem.models.fam_swin.config import FamSwinConfig, MemoryConfig
from vidmem.models.fam_swin.model import FamSwin
from vidmem.models.features.config import FeatureConfig
from vidmem.models.interface import ModelCard, ModelConfig, Network, Preprocessing
from vidmem.models.spool.config import SpoolConfig
from vidmem.models.spool.model import Spool

_PACKAGE = Path(__file__).resolve().parents[1]
_ASSET_FOLDERS = (_PACKAGE / "assets", _PACKAGE.parent / "assets")  # installed; in a checkout
_UNTRAINED_CLASSES = 2  # the fewest that can be scored against each other


def fam_swin_t() -> FamSwinConfig:
    """The size of torchvision's `swin3d_t`, with memory."""
    return FamSwinConfig()


def fam_swin_s() -> FamSwinConfig:
    """The size of torchvision's `swin3d_s`, with memory."""
    return FamSwinConfig(depths=(2, 2, 18, 2))


def fam_swin_b() -> FamSwinConfig:
    """The size of torchvision's `swin3d_b`, with memory."""
    return FamSwinConfig(embed_dim=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32))


def fam_swin_on_features(
    features: FeatureConfig, num_classes: int, *, clip_frames: int = 2, l_mem: int = 50
) -> FamSwinConfig:
    """The FAM Swin that `vidmem.teach` makes: few weights, since minutes of labels teach few.

    All feature frames of a clip make one token of each place; a clip writes 3 x 3 memory tokens
    per stage.

    Args:
        features: What it is taught on.
        num_classes: Logits.
        clip_frames: Feature frames of a clip.
        l_mem: Clips remembered; 50 of 0.4 s are 20 s.
    """
    side = round(features.tokens_per_frame**0.5)
    return FamSwinConfig(
        tubelet_size=(clip_frames, 1, 1),
        embed_dim=8,
        depths=(1, 1, 1, 1),
        num_heads=(1, 1, 2, 4),
        attention_window=(2, side, side),
        num_classes=num_classes,
        memory=MemoryConfig(l_mem=l_mem, tokens_per_clip=9),
        features=features,
    )


def spool_s() -> SpoolConfig:
    """Spool on `facebook/dinov2-small`."""
    return SpoolConfig()


def spool_b() -> SpoolConfig:
    """Spool on `facebook/dinov2-base`."""
    return SpoolConfig(
        backbone="facebook/dinov2-base",
        embed_dim=768,
        num_heads=12,
        num_lookback_heads=6,
        num_lookahead_heads=6,
    )


class Preset(Protocol):
    """A named size of a model, with pretrained parts that others publish."""

    @property
    def title(self) -> str:
        """The name that people read."""
        ...

    @property
    def needs(self) -> str:
        """What would have to be fetched, and from where; empty where all is here."""
        ...

    def describe(self, name: str) -> tuple[ModelConfig, ModelCard]:
        """The architecture and the card, without the weights."""
        ...

    def load(self, name: str) -> Network:
        """The network on the CPU, in eval mode; what is missing is fetched."""
        ...


@dataclass(frozen=True)
class FamSwinPreset:
    """A FAM Swin with torchvision's weights; its memory is untrained."""

    title: str
    make_config: Callable[[], FamSwinConfig]
    file: PretrainedFile

    @property
    def needs(self) -> str:
        """What would have to be fetched, and from where; empty where all is here."""
        is_cached = (cache_folder() / self.file.name).is_file()
        return "" if is_cached else f"fetches {self.file.url} on first use"

    def describe(self, name: str) -> tuple[FamSwinConfig, ModelCard]:
        """The architecture and the card, without the weights."""
        return self.make_config(), _kinetics_card(name, self.title)

    def load(self, name: str) -> FamSwin:
        """The network on the CPU, in eval mode; what is missing is fetched."""
        path = fetch(self.file)
        model = FamSwin(*self.describe(name)).eval()
        try:
            state_dict = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # what torch.load raises depends on how the file is damaged
            raise CheckpointError(
                f"{path} is damaged; delete it and load again: {error}"
            ) from error
        load_torchvision_swin(model, state_dict)
        return model


@dataclass(frozen=True)
class SpoolPreset:
    """A pretrained image encoder under temporal blocks that are still to be trained."""

    title: str
    make_config: Callable[[], SpoolConfig]

    @property
    def needs(self) -> str:
        """What would have to be fetched, and from where; empty where all is here."""
        backbone = self.make_config().backbone
        fetches = f"fetches {backbone} from the Hugging Face hub on first use"
        return "" if is_here(backbone) else fetches

    def describe(self, name: str) -> tuple[SpoolConfig, ModelCard]:
        """The architecture and the card, with default preprocessing: the encoder's is unknown."""
        return self._config(), self._card(name, Preprocessing())

    def load(self, name: str) -> Spool:
        """The network on the CPU, in eval mode; what is missing is fetched."""
        config = self._config()
        backbone = load_backbone(
            config.backbone, tokens_per_frame=config.tokens_per_frame, may_fetch=True
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # so that a saved stream finds the same weights again
            model = Spool(config, backbone=backbone)
        model.card = self._card(name, backbone.preprocessing)
        return model.eval()

    def _config(self) -> SpoolConfig:
        return replace(self.make_config(), num_classes=_UNTRAINED_CLASSES)

    def _card(self, name: str, preprocessing: Preprocessing) -> ModelCard:
        return ModelCard(
            name=name,
            title=self.title,
            class_names=tuple(f"untrained {number + 1}" for number in range(_UNTRAINED_CLASSES)),
            **asdict(preprocessing),
            trained_on=(
                f"Its image encoder is {self.make_config().backbone}; its temporal blocks are "
                "untrained, so its labels mean nothing until you train it."
            ),
        )


def _kinetics_card(name: str, title: str) -> ModelCard:
    """How torchvision's `Swin3D_*_Weights.KINETICS400_V1` want their clips."""
    names = (Path(__file__).parent / "kinetics400.txt").read_text(encoding="utf-8").splitlines()
    return ModelCard(
        name=name,
        title=title,
        class_names=tuple(names),
        fps=15.0,
        clip_frames=32,
        window_stride=32,
        trained_on=(
            "Trained on Kinetics-400, videos of people. Its memory is untrained: the gate is shut."
        ),
    )


_TORCH_MODELS = "https://download.pytorch.org/models/"
_PRESETS: dict[str, Preset] = {
    "fam-swin-t": FamSwinPreset(
        "FAM Swin T",
        fam_swin_t,
        PretrainedFile(
            _TORCH_MODELS + "swin3d_t-7615ae03.pth",
            "7615ae035996b65eb38dad437ae533d2dfcd36f9f89d28c0f0fa7bfb8e6b3130",
        ),
    ),
    "fam-swin-s": FamSwinPreset(
        "FAM Swin S",
        fam_swin_s,
        PretrainedFile(_TORCH_MODELS + "swin3d_s-da41c237.pth", "da41c237"),
    ),
    "fam-swin-b": FamSwinPreset(
        "FAM Swin B",
        fam_swin_b,
        PretrainedFile(_TORCH_MODELS + "swin3d_b_1k-24f7c7c6.pth", "24f7c7c6"),
    ),
    "spool-s": SpoolPreset("Spool S", spool_s),
    "spool-b": SpoolPreset("Spool B", spool_b),
}


@dataclass(frozen=True)
class ModelListing:
    """A model that `load` knows by name."""

    name: str
    title: str
    is_available: bool
    """Whether it loads without fetching anything."""

    needs: str
    """What would have to be fetched, and from where; empty where nothing."""


def list_models() -> list[ModelListing]:
    """The bundled models, then the pretrained presets, with what is missing."""
    bundled = [ModelListing(name, name, True, "") for name in bundled_models()]
    needs = {name: preset.needs for name, preset in _PRESETS.items()}
    presets = [
        ModelListing(name, preset.title, not needs[name], needs[name])
        for name, preset in _PRESETS.items()
    ]
    return [*bundled, *presets]


def bundled_models() -> dict[str, Path]:
    """Names and folders of the models that come with vidmem."""
    return {
        path.parent.name: path.parent
        for assets in reversed(_ASSET_FOLDERS)  # where both have a name, the first folder's counts
        for path in sorted(assets.glob(f"*/{CONFIG_FILE}"))
    }


def asset(name: str) -> Path:
    """The path of a file in `assets/`.

    Raises:
        CheckpointError: If it is not there.
    """
    for folder in _ASSET_FOLDERS:
        if (folder / name).exists():
            return folder / name
    raise CheckpointError(f"the bundled file {name} is missing; install vidmem again")


def load(
    name_or_folder: str | Path,
    device: str = "auto",
    dtype: str = "auto",
    *,
    compile: bool = False,
) -> Network:
    """Load a model, ready to stream.

    Args:
        name_or_folder: A bundled model (`fam-swin-nano`, `spool-nano`), a preset, or a folder that
            `vidmem.save` wrote. What a preset is pretrained with is fetched on first use, checked
            and kept: `fam-swin-t`, `-s`, `-b` have the weights of Kinetics-400, `spool-s`, `-b` the
            image encoder DINOv2 under untrained temporal blocks.
        device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`, ...
        dtype: `auto`, `float32`, `bfloat16` or `float16`. `auto` is bfloat16 on CUDA, and on CPUs
            that have it for models of more than 10 million weights; else float32.
        compile: Compile a FAM Swin's step at its first clip (half a minute to minutes), as one CUDA
            graph on CUDA. A batch, clip or `l_mem` of another size is compiled anew.

    Raises:
        CheckpointError: If there is no such model, or it is damaged.
        WeightsNotAvailableError: If pretrained weights can be neither found nor fetched.
        SettingError: If the device or dtype is unknown or not there, or a model is to be
            compiled that cannot be.
    """
    where = resolve_device(device)
    check_dtype(dtype)
    model = _load_network(name_or_folder)
    if compile:
        _use_compiled(model, str(name_or_folder))
    return model.to(where, resolve_dtype(model, where, dtype))


def describe(name_or_folder: str | Path) -> tuple[ModelConfig, ModelCard]:
    """The architecture and the card of a model that `load` knows, without its weights.

    The card of a Spool preset has default preprocessing: the encoder's own is in its files.

    Raises:
        CheckpointError: If there is no such model, or its config is damaged.
    """
    name = str(name_or_folder)
    if name in _PRESETS and name not in bundled_models():
        return _PRESETS[name].describe(name)
    return read_description(_folder_of(name_or_folder))


def _load_network(name_or_folder: str | Path) -> Network:
    name = str(name_or_folder)
    if name in _PRESETS and name not in bundled_models():  # a bundled model goes first
        return _PRESETS[name].load(name)
    return load_folder(_folder_of(name_or_folder))


def _folder_of(name_or_folder: str | Path) -> Path:
    """The folder of a bundled model, or the one that was named.

    Raises:
        CheckpointError: If there is no such model.
    """
    name, bundled = str(name_or_folder), bundled_models()
    if name in bundled:
        return bundled[name]
    if Path(name_or_folder).is_dir():
        return Path(name_or_folder)
    known = ", ".join([*bundled, *_PRESETS])
    raise CheckpointError(f"there is no model {name!r}: it is neither a folder nor one of {known}")


def _use_compiled(model: Network, name: str) -> None:
    """Have the step compiled at the first clip.

    Raises:
        SettingError: If models of this kind cannot be compiled.
    """
    kind = architecture_of(model.config)
    if kind.use_compiled is None:
        others = " and ".join(one.title for one in ARCHITECTURES.values() if one.use_compiled)
        raise SettingError(
            f"only {others} can be compiled, and {name} is a {kind.title}: {kind.why_not_compiled}"
        )
    kind.use_compiled(model, True)
