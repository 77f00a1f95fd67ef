"""Models by name: those in `assets/`, the pretrained sizes, and folders."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from http.client import HTTPException
from pathlib import Path

import torch

from vidmem.errors import CheckpointError, SettingError, WeightsNotAvailableError
from vidmem.models.backbone_files import is_here
from vidmem.models.backbones import load_backbone
from vidmem.models.cache_folder import cache_folder
from vidmem.models.checkpoint import (
    CONFIG_FILE,
    load_folder,
    load_torchvision_swin,
    read_description,
)
from vidmem.models.fam_swin import FamSwin
from vidmem.models.fam_swin_config import FamSwinConfig
from vidmem.models.interface import ModelCard, Preprocessing
from vidmem.models.spool import Spool
from vidmem.models.spool_config import SpoolConfig

_PACKAGE = Path(__file__).resolve().parents[1]
_ASSET_FOLDERS = (_PACKAGE / "assets", _PACKAGE.parent / "assets")
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_LARGE_PARAMETERS = 10_000_000
"""Models larger than this run in bf16 on CPUs that have it; in small ones it gains nothing."""


@dataclass(frozen=True)
class PretrainedFile:
    """A file of weights that someone else publishes."""

    url: str
    sha256_prefix: str

    @property
    def name(self) -> str:
        """Its name in the cache."""
        return self.url.rsplit("/", 1)[1]


def fam_swin_t() -> FamSwinConfig:
    """The size of torchvision's `swin3d_t`, with memory."""
    return FamSwinConfig()


def fam_swin_s() -> FamSwinConfig:
    """The size of torchvision's `swin3d_s`, with memory."""
    return FamSwinConfig(depths=(2, 2, 18, 2))


def fam_swin_b() -> FamSwinConfig:
    """The size of torchvision's `swin3d_b`, with memory."""
    return FamSwinConfig(embed_dim=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32))


def spool_s() -> SpoolConfig:
    """On `facebook/dinov2-small`."""
    return SpoolConfig()


def spool_b() -> SpoolConfig:
    """On `facebook/dinov2-base`."""
    return SpoolConfig(
        backbone="facebook/dinov2-base",
        embed_dim=768,
        num_heads=12,
        num_lookback_heads=6,
        num_lookahead_heads=6,
    )


_TORCH_MODELS = "https://download.pytorch.org/models/"
_PRESETS: dict[str, tuple[str, Callable[[], FamSwinConfig], PretrainedFile]] = {
    "fam-swin-t": (
        "FAM Swin T",
        fam_swin_t,
        PretrainedFile(_TORCH_MODELS + "swin3d_t-7615ae03.pth", "7615ae03"),
    ),
    "fam-swin-s": (
        "FAM Swin S",
        fam_swin_s,
        PretrainedFile(_TORCH_MODELS + "swin3d_s-da41c237.pth", "da41c237"),
    ),
    "fam-swin-b": (
        "FAM Swin B",
        fam_swin_b,
        PretrainedFile(_TORCH_MODELS + "swin3d_b_1k-24f7c7c6.pth", "24f7c7c6"),
    ),
}

_SPOOL_PRESETS: dict[str, tuple[str, Callable[[], SpoolConfig]]] = {
    "spool-s": ("Spool S", spool_s),
    "spool-b": ("Spool B", spool_b),
}
_UNTRAINED_CLASSES = 2


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
    listings = [ModelListing(name, name, True, "") for name in bundled_models()]
    for name, (title, _, file) in _PRESETS.items():
        is_cached = (cache_folder() / file.name).is_file()
        needs = "" if is_cached else f"fetches {file.url} on first use"
        listings.append(ModelListing(name, title, is_cached, needs))
    for name, (title, make_config) in _SPOOL_PRESETS.items():
        backbone = make_config().backbone
        is_cached = is_here(backbone)
        needs = "" if is_cached else f"fetches {backbone} from the Hugging Face hub on first use"
        listings.append(ModelListing(name, title, is_cached, needs))
    return listings


def bundled_models() -> dict[str, Path]:
    """Names and folders of the models that come with vidmem."""
    return {
        path.parent.name: path.parent
        for assets in reversed(_ASSET_FOLDERS)
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
) -> FamSwin | Spool:
    """Load a model, ready to stream.

    Args:
        name_or_folder: A bundled model (`fam-swin-nano`, `spool-nano`), a preset, or a folder that
            `vidmem.save` wrote. What a preset is pretrained with is fetched on first use, checked
            and kept: `fam-swin-t`, `-s`, `-b` have the weights of Kinetics-400, `spool-s`, `-b` the
            image encoder DINOv2 under temporal blocks that know nothing yet.
        device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`, ...
        dtype: `auto`, `float32`, `bfloat16` or `float16`. `auto` is bfloat16 on CUDA, and on CPUs
            that have it for models of more than 10 million weights; else float32.
        compile: Compile a FAM Swin's step at its first clip (half a minute to minutes), as one CUDA
            graph on CUDA. A batch, clip or `l_mem` of another size is compiled anew.

    Raises:
        CheckpointError: If there is no such model, or it is damaged.
        WeightsNotAvailableError: If pretrained weights can be neither found nor fetched.
        SettingError: If the device or dtype is unknown or not there, or a Spool is to be compiled.
    """
    where = resolve_device(device)
    if dtype != "auto" and dtype not in _DTYPES:
        raise SettingError(f"dtype must be auto, {', '.join(_DTYPES)}, got {dtype!r}")
    model = _load_weights(name_or_folder)
    if compile and isinstance(model, Spool):
        raise SettingError(
            f"only FAM Swin can be compiled, and {name_or_folder} is a Spool: its attention over "
            "frames is compiled on CUDA by itself"
        )
    if isinstance(model, FamSwin):
        model.use_compiled(compile)
    return model.to(where, resolve_dtype(model, where) if dtype == "auto" else _DTYPES[dtype])


def describe(name_or_folder: str | Path) -> tuple[FamSwinConfig | SpoolConfig, ModelCard]:
    """The architecture and the card of a model that `load` knows, without its weights.

    The card of a Spool preset says nothing of the pictures that its encoder wants: they stand in
    the encoder's files.

    Raises:
        CheckpointError: If there is no such model, or its config is damaged.
    """
    name = str(name_or_folder)
    if name in bundled_models():
        return read_description(bundled_models()[name])
    if name in _PRESETS:
        title, make_config, _ = _PRESETS[name]
        return make_config(), _kinetics_card(name, title)
    if name in _SPOOL_PRESETS:
        title, make_config = _SPOOL_PRESETS[name]
        return _spool_preset_config(make_config), _untrained_card(name, title, Preprocessing())
    if Path(name_or_folder).is_dir():
        return read_description(name_or_folder)
    raise _unknown_model(name)


def resolve_device(device: str) -> torch.device:
    """`auto` or a device's name to a device that is there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
    except RuntimeError as error:
        raise SettingError(f"device must be auto, cpu or cuda, got {device!r}") from error
    if where.type == "cuda" and (where.index or 0) >= torch.cuda.device_count():
        raise SettingError(
            f"device {device} is not there: {torch.cuda.device_count()} CUDA devices"
        )
    if where.type not in {"cpu", "cuda"}:
        raise SettingError(f"device must be auto, cpu or cuda, got {device!r}")
    return where


def resolve_dtype(model: FamSwin | Spool, device: torch.device) -> torch.dtype:
    """The dtype that runs a model fastest on a device, at inference."""
    return fastest_dtype(sum(p.numel() for p in model.parameters()), device)


def fastest_dtype(num_parameters: int, device: torch.device) -> torch.dtype:
    """As `resolve_dtype`, for so many weights; a CUDA device that is not here has bf16."""
    if device.type == "cuda":
        has_bf16 = not torch.cuda.is_available() or torch.cuda.is_bf16_supported()
        return torch.bfloat16 if has_bf16 else torch.float32
    is_large = num_parameters > _LARGE_PARAMETERS
    return torch.bfloat16 if is_large and has_fast_bf16() else torch.float32


def has_fast_bf16() -> bool:
    """Whether this CPU multiplies bf16 matrices in hardware."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _load_weights(name_or_folder: str | Path) -> FamSwin | Spool:
    name = str(name_or_folder)
    bundled = bundled_models()
    if name in bundled:
        return load_folder(bundled[name])
    if name in _PRESETS:
        return _load_preset(name)
    if name in _SPOOL_PRESETS:
        return _load_spool_preset(name)
    if Path(name_or_folder).is_dir():
        return load_folder(name_or_folder)
    raise _unknown_model(name)


def _unknown_model(name: str) -> CheckpointError:
    known = ", ".join([*bundled_models(), *_PRESETS, *_SPOOL_PRESETS])
    return CheckpointError(f"there is no model {name!r}: it is neither a folder nor one of {known}")


def _load_preset(name: str) -> FamSwin:
    title, make_config, file = _PRESETS[name]
    path = fetch(file)
    model = FamSwin(make_config(), _kinetics_card(name, title)).eval()
    try:
        state_dict = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{path} is damaged; delete it and load again: {error}") from error
    load_torchvision_swin(model, state_dict)
    return model


def _load_spool_preset(name: str) -> Spool:
    """A pretrained image encoder under temporal blocks that are still to be trained."""
    title, make_config = _SPOOL_PRESETS[name]
    config = _spool_preset_config(make_config)
    backbone = load_backbone(
        config.backbone, tokens_per_frame=config.tokens_per_frame, may_fetch=True
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # so that a saved stream finds the same weights again
        model = Spool(config, backbone=backbone)
    model.card = _untrained_card(name, title, backbone.preprocessing)
    return model.eval()


def _spool_preset_config(make_config: Callable[[], SpoolConfig]) -> SpoolConfig:
    return replace(make_config(), num_classes=_UNTRAINED_CLASSES)


def _untrained_card(name: str, title: str, preprocessing: Preprocessing) -> ModelCard:
    backbone = _SPOOL_PRESETS[name][1]().backbone
    return ModelCard(
        name=name,
        title=title,
        class_names=tuple(f"untrained {number}" for number in range(1, _UNTRAINED_CLASSES + 1)),
        **asdict(preprocessing),
        trained_on=(
            f"Its image encoder is {backbone}; its temporal blocks are untrained, so its "
            "labels mean nothing until you train it."
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


def fetch(file: PretrainedFile, timeout_seconds: float = 30.0) -> Path:
    """The path of a published file: from the cache, else fetched, checked and kept.

    Raises:
        WeightsNotAvailableError: If it cannot be fetched, with where to get it and where to put it.
    """
    path = cache_folder() / file.name
    if path.is_file():
        _check_hash(path, path, file)
        return path
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(file.url, timeout=timeout_seconds) as answer,
            part.open("wb") as out,
        ):
            while block := answer.read(1 << 20):
                out.write(block)
        _check_hash(part, path, file)
        part.replace(path)
    except (OSError, HTTPException) as error:  # a URLError is an OSError
        raise WeightsNotAvailableError(
            f"{file.name} could not be fetched ({error}). Download {file.url} on a machine with "
            f"network and put it at {path}"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _check_hash(source: Path, path: Path, file: PretrainedFile) -> None:
    """Refuse what is not the published file; `path` is where it is, or would have been put."""
    with source.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if not digest.startswith(file.sha256_prefix):
        raise WeightsNotAvailableError(
            f"{file.name} is not the published file: its SHA-256 begins {digest[:8]}, expected "
            f"{file.sha256_prefix}; delete {path} if it is there and download {file.url} again"
        )
