"""FAM Swin on pixels: on clips one by one, or in lanes with memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vidmem.errors import CheckpointError, SettingError
from vidmem.models import FamSwin, FamSwinConfig, FamSwinState, MemoryConfig, load, load_folder
from vidmem.models.fam_swin.checkpoint import load_torchvision_swin, torchvision_key
from vidmem.models.weights import check_same_weights
from vidmem.training.runs.kinds import NetworkKind, PixelFacts

PRESETS = ("fam-swin-t", "fam-swin-s", "fam-swin-b")


@dataclass(frozen=True, kw_only=True)
class FamSwinPixelsConfig:
    """A FAM Swin; see `vidmem.models.FamSwinConfig`. The defaults are the size of `fam-swin-t`."""

    tubelet_size: tuple[int, ...] = (2, 4, 4)
    embed_dim: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    num_heads: tuple[int, ...] = (3, 6, 12, 24)
    attention_window: tuple[int, ...] = (8, 7, 7)

    memory: MemoryConfig = field(default_factory=MemoryConfig)
    """Clips one by one do not read it."""

    gate: float | None = None
    """What the gates of memory begin at: at 0 memory is not read at first. None: what they are in
    the pretrained model, or 0."""

    pretrained: str = ""
    """What its weights begin as: a file of torchvision's weights of this size (`swin3d_t...pth`),
    `fam-swin-t`, `-s` or `-b` (fetched once, if that is allowed), or the folder of a FAM Swin. The
    head is kept where there are as many classes. Empty: random."""

    def architecture(self, num_classes: int) -> FamSwinConfig:
        """The config of such a model."""
        return FamSwinConfig(
            tubelet_size=self.tubelet_size,  # type: ignore[arg-type]
            embed_dim=self.embed_dim,
            depths=self.depths,  # type: ignore[arg-type]
            num_heads=self.num_heads,  # type: ignore[arg-type]
            attention_window=self.attention_window,  # type: ignore[arg-type]
            num_classes=num_classes,
            memory=self.memory,
        )

    def __post_init__(self) -> None:
        self.architecture(1)  # checks all but what is pretrained


class FamSwinLanes(nn.Module):
    """A FAM Swin in lanes; see `LaneNetwork`.

    Args:
        model: The FAM Swin.
    """

    def __init__(self, model: FamSwin) -> None:
        super().__init__()
        self.model = model

    @property
    def l_mem(self) -> int:
        """See `LaneNetwork`."""
        return self.model.traits.l_mem

    def init_state(self, batch_size: int, l_mem: int) -> FamSwinState:
        """See `LaneNetwork`."""
        # Not projected: weights change while a state lasts, and memory tokens outlive them.
        return self.model.init_state(batch_size, l_mem=l_mem, is_projected=False)

    def state_from_tensors(self, tensors: dict[str, Tensor]) -> FamSwinState:
        """See `LaneNetwork`."""
        return self.model.state_from_tensors(tensors)

    def forward(self, clips: Tensor, state: FamSwinState) -> tuple[Tensor, FamSwinState]:
        """See `LaneNetwork`."""
        return self.model.forward_trunks(self.model.trunk(clips.flatten(0, 1)), state)


class FamSwinClips(nn.Module):
    """A FAM Swin on clips one by one, none of which is remembered.

    Args:
        model: The FAM Swin.
    """

    def __init__(self, model: FamSwin) -> None:
        super().__init__()
        self.fam = model
        for attention in model.memory.values():
            attention.requires_grad_(False)  # nothing would teach it

    @property
    def model(self) -> FamSwin:
        """The model, its memory as of one that is made from pretrained weights: nothing taught it.

        See `FamSwin.copy_memory_projections`.
        """
        self.fam.copy_memory_projections()
        return self.fam

    def forward(self, clips: Tensor) -> Tensor:
        """`[B, T, 3, H, W]` to logits `[B, C]`."""
        return self.fam(clips)


def make_fam_swin(config: FamSwinPixelsConfig, facts: PixelFacts) -> FamSwin:
    """A FAM Swin that fits a task, with its first weights.

    Raises:
        CheckpointError: If the pretrained weights are damaged, or of another size.
        SettingError: If `pretrained` names nothing that is there.
    """
    model = FamSwin(config.architecture(facts.num_classes), facts.card)
    if config.pretrained:
        _begin_as(model, config.pretrained)
    if config.gate is not None:
        for stage in model.memory_stages:
            nn.init.constant_(model.memory_attention(stage).gate, config.gate)
    return model


def _begin_as(model: FamSwin, pretrained: str) -> None:
    path = Path(pretrained)
    if path.is_file():
        _load_torchvision_file(model, path)
        return
    if pretrained not in PRESETS and not path.is_dir():
        known = ", ".join(PRESETS)
        raise SettingError(
            f"pretrained must be a file of weights, the folder of a model, or one of {known}, got "
            f"{pretrained!r}"
        )
    other: Any = load_folder(path) if path.is_dir() else load(pretrained, "cpu", "float32")
    if not isinstance(other, FamSwin):
        raise CheckpointError(f"{pretrained} is no FAM Swin")
    weights = other.state_dict()
    if other.config.memory != model.config.memory:
        # Another memory has other weights: it begins anew, as copies of the blocks' attention.
        weights = {name: one for name, one in weights.items() if not name.startswith("memory.")}
    _load_but_head(model, weights, pretrained)
    if not any(name.startswith("memory.") for name in weights):
        model.copy_memory_projections()


def _load_torchvision_file(model: FamSwin, path: Path) -> None:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch.load raises depends on how the file is damaged
        raise CheckpointError(f"{path} cannot be read as weights: {error}") from error
    if not isinstance(found, dict) or "head.weight" not in found:
        raise CheckpointError(f"{path} holds no weights of torchvision's swin3d")
    if len(found["head.weight"]) == model.config.num_classes:
        load_torchvision_swin(model, found)
        return
    own = {torchvision_key(name): one for name, one in found.items()}
    own = {name: one for name, one in own.items() if not name.endswith("position_index")}
    name = "patch_embedding.proj.weight"
    if name in own:
        own[name] = own[name].flatten(1)
    _load_but_head(model, own, str(path))
    model.copy_memory_projections()


def _load_but_head(model: FamSwin, weights: dict[str, Tensor], name: str) -> None:
    """Load weights; the head only where it has as many classes."""
    own = model.state_dict()
    if weights["head.weight"].shape != own["head.weight"].shape:
        weights = {key: one for key, one in weights.items() if not key.startswith("head.")}
    has_memory = any(key.startswith("memory.") for key in weights)
    wanted = {
        key: one
        for key, one in own.items()
        if (has_memory or not key.startswith("memory."))
        and ("head.weight" in weights or not key.startswith("head."))
    }
    try:
        check_same_weights(wanted, weights)
    except CheckpointError as error:
        raise CheckpointError(f"{name} is of another size than [model]: {error}") from error
    model.load_state_dict(weights, strict=False)


def _clips(config: FamSwinPixelsConfig, facts: PixelFacts) -> nn.Module:
    return FamSwinClips(make_fam_swin(config, facts))


def _lanes(config: FamSwinPixelsConfig, facts: PixelFacts) -> nn.Module:
    return FamSwinLanes(make_fam_swin(config, facts))


FAM_SWIN_CLIPS = NetworkKind(name="fam-swin", form="clips", config=FamSwinPixelsConfig, make=_clips)
FAM_SWIN_LANES = NetworkKind(name="fam-swin", form="lanes", config=FamSwinPixelsConfig, make=_lanes)
