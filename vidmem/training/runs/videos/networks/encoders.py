"""Networks on an image encoder: Spool, and pooled or recurrent ones that it is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vidmem.errors import SettingError
from vidmem.models import Backbone, Spool, SpoolConfig, load_backbone
from vidmem.models.baselines.on_features import RecurrentBaseline, WindowBaseline
from vidmem.models.baselines.pooling import PooledFrames
from vidmem.nn.masks import ContextScope
from vidmem.training.runs.kinds import NetworkKind, PixelFacts
from vidmem.training.runs.sequences.networks import FrameNetwork
from vidmem.training.runs.videos.networks.lora import add_lora


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """The image encoder that a network is on."""

    backbone: str = ""
    """`lite2`, `lite0`, a folder as transformers writes it, or a name on the Hugging Face hub whose
    files are on this machine. Empty: made of `backbone_config`."""

    backbone_config: Mapping[str, Any] | None = None
    """An encoder with random weights: `model_type` and `options`, as `BackboneConfig` has them."""

    is_backbone_frozen: bool = True
    """Frozen: no gradients, always in eval mode."""

    lora_rank: int = 0
    """Above 0: the encoder stays as it is, and low-rank matrices beside its linear layers learn
    (Hu et al., arXiv:2106.09685), through the package `peft`."""

    tokens_per_frame: int = 16
    """Tokens to which a frame's are averaged; an encoder with fewer keeps its own."""

    def __post_init__(self) -> None:
        if bool(self.backbone) == (self.backbone_config is not None):
            raise SettingError("give one of backbone and backbone_config")
        if self.lora_rank < 0:
            raise SettingError(f"lora_rank must be at least 0, got {self.lora_rank}")
        if self.lora_rank and not self.is_backbone_frozen:
            raise SettingError("lora_rank above 0 needs is_backbone_frozen = true")

    def make_backbone(self) -> Backbone:
        """The encoder.

        Raises:
            CheckpointError: If its files or its config are none of an encoder.
            WeightsNotAvailableError: If its files are not on this machine.
            MissingPackageError: If `peft` is wanted and not installed.
        """
        # One with LoRA learns, too: the frozen weights inside of it are frozen by peft.
        is_frozen = self.is_backbone_frozen and not self.lora_rank
        if self.backbone_config is not None:
            values = {"tokens_per_frame": self.tokens_per_frame, "is_frozen": is_frozen}
            backbone = Backbone.from_config({**self.backbone_config, **values})
        else:
            backbone = load_backbone(
                self.backbone, tokens_per_frame=self.tokens_per_frame, is_frozen=is_frozen
            )
        if self.lora_rank:
            add_lora(backbone, self.lora_rank)
        return backbone


@dataclass(frozen=True, kw_only=True)
class SpoolPixelsConfig(EncoderConfig):
    """A Spool; see `vidmem.models.SpoolConfig`."""

    num_layers: int = 4
    num_heads: int = 6
    num_lookback_heads: int = 3
    num_lookahead_heads: int = 3
    local_frame_range: int = 4
    context_scope: ContextScope = "global"
    has_context_frames: bool = True
    has_offset_bias: bool = False
    dropout: float = 0.0


class SpoolClips(nn.Module):
    """A Spool on clips: what its context frames say.

    While it learns, the mean of its frames is a second answer: a stream asks these.

    Args:
        spool: The Spool.
    """

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self.spool = spool

    def forward(self, clips: Tensor) -> Tensor:
        """`[B, T, 3, H, W]` to logits `[B, C]`, in training mode `[B, 2, C]`."""
        scores = self.spool(clips)
        if not self.training:
            return scores.clip_logits
        return torch.stack([scores.clip_logits, scores.frame_logits.mean(1)], 1)


class SavedSpoolClips(SpoolClips):
    """One whose folder has all that it learnt; the matrices of LoRA have no place in it."""

    @property
    def model(self) -> Spool:
        """See `HoldsModel`."""
        return self.spool


class OnEncoder(nn.Module):
    """A network on what an image encoder makes of clips.

    Args:
        backbone: The encoder.
        network: `[B, T, P, D]` to logits `[B, C]`.
    """

    def __init__(self, backbone: Backbone, network: nn.Module) -> None:
        super().__init__()
        self.backbone, self.network = backbone, network

    def forward(self, clips: Tensor) -> Tensor:
        """`[B, T, 3, H, W]` to logits `[B, C]`."""
        return self.network(self.backbone(clips))


class SequenceOnly(nn.Module):
    """What a network on frames says of them as a whole.

    Args:
        network: See `FrameNetwork`.
    """

    def __init__(self, network: FrameNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, values: Tensor) -> Tensor:
        """`[B, T, P, D]` to logits `[B, C]`."""
        return self.network(values).sequence_logits


@dataclass(frozen=True, kw_only=True)
class ImageConfig(EncoderConfig):
    """The tokens of all frames, pooled: nothing is known of their order."""

    pooling: Literal["mean", "attentive"] = "mean"
    """`attentive`: one learned query attends to all tokens (as V-JEPA probes with)."""

    num_heads: int = 4
    """Of that attention."""


@dataclass(frozen=True, kw_only=True)
class RecurrentConfig(EncoderConfig):
    """A network over the mean token of each frame."""

    hidden: int = 256
    """Width of its state."""

    reach_frames: int = 15
    """`cbas`: frames seen to each side."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden < 1 or self.reach_frames < 0:
            raise SettingError(
                f"hidden must be at least 1 and reach_frames at least 0, got {self.hidden} and "
                f"{self.reach_frames}"
            )


def _spool(config: SpoolPixelsConfig, facts: PixelFacts) -> nn.Module:
    backbone = config.make_backbone()
    grid = backbone.token_grid(facts.card.frame_height, facts.card.frame_width)
    # A backbone of random weights or one that learns is saved with the model; a frozen one named.
    has_own = config.backbone_config is not None or not config.is_backbone_frozen
    model = SpoolConfig(
        backbone=config.backbone or "own",
        backbone_config=asdict(backbone.config) if has_own else None,
        is_backbone_frozen=config.is_backbone_frozen,
        embed_dim=backbone.embed_dim,
        num_layers=config.num_layers,
        num_heads=config.num_heads,
        num_lookback_heads=config.num_lookback_heads,
        num_lookahead_heads=config.num_lookahead_heads,
        local_frame_range=config.local_frame_range,
        context_scope=config.context_scope,
        has_context_frames=config.has_context_frames,
        has_offset_bias=config.has_offset_bias,
        dropout=config.dropout,
        tokens_per_frame=grid[0] * grid[1],
        window_frames=facts.card.clip_frames,
        num_classes=facts.num_classes,
    )
    kind = SpoolClips if config.lora_rank else SavedSpoolClips
    return kind(Spool(model, facts.card, backbone=backbone))


def _on_encoder(
    make: Callable[[Any, int, int], nn.Module],
) -> Callable[[Any, PixelFacts], nn.Module]:
    """A network made of its config, the width of tokens and the number of classes."""

    def made(config: EncoderConfig, facts: PixelFacts) -> nn.Module:
        backbone = config.make_backbone()
        return OnEncoder(backbone, make(config, backbone.embed_dim, facts.num_classes))

    return made


def _image(config: ImageConfig, width: int, num_classes: int) -> nn.Module:
    num_heads = config.num_heads if config.pooling == "attentive" else None
    return PooledFrames(width, num_classes, num_heads=num_heads)


def _gru(config: RecurrentConfig, width: int, num_classes: int) -> nn.Module:
    network = RecurrentBaseline(width, num_classes, config.hidden)
    return SequenceOnly(FrameNetwork(network, is_causal=True))


def _cbas(config: RecurrentConfig, width: int, num_classes: int) -> nn.Module:
    network = WindowBaseline(width, num_classes, config.reach_frames, config.hidden)
    return SequenceOnly(FrameNetwork(network, is_causal=False))


SPOOL_CLIPS = NetworkKind(name="spool", form="clips", config=SpoolPixelsConfig, make=_spool)
IMAGE = NetworkKind(name="image", form="clips", config=ImageConfig, make=_on_encoder(_image))
GRU_CLIPS = NetworkKind(name="gru", form="clips", config=RecurrentConfig, make=_on_encoder(_gru))
CBAS_CLIPS = NetworkKind(name="cbas", form="clips", config=RecurrentConfig, make=_on_encoder(_cbas))
