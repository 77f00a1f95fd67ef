"""Networks on sequences of features: FAM Swin, Spool, and the baselines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from vidmem.errors import SettingError
from vidmem.models import FamSwin, FamSwinConfig, FeatureConfig, MemoryConfig, Spool, SpoolConfig
from vidmem.models.baselines.on_features import RecurrentBaseline, WindowBaseline
from vidmem.models.fam_swin.through_memory import run_through_memory
from vidmem.nn.masks import ContextScope
from vidmem.training.runs.kinds import NetworkKind, SequenceFacts, SequenceScores


@dataclass(frozen=True, kw_only=True)
class FamConfig:
    """A FAM Swin on features; see `vidmem.models.fam_swin.config`."""

    clip_frames: int = 2
    """Frames of a clip, which are merged into one token of each place."""

    embed_dim: int = 8
    """Of stage 1, which is not there: stage 3 is four times as wide, stage 4 eight times."""

    depths: tuple[int, ...] = (1, 1)
    """Blocks of stages 3 and 4."""

    num_heads: tuple[int, ...] = (2, 4)
    """Heads of stages 3 and 4."""

    attention_window: tuple[int, ...] = (2, 8, 8)
    """Tokens per axis, at most."""

    memory: MemoryConfig = field(default_factory=lambda: MemoryConfig(l_mem=4, tokens_per_clip=4))

    gate: float = 0.0
    """What the gates of memory begin at: at 0 memory is not read at first."""

    l_mem_shortest: int | None = None
    """While it learns, the memory of each batch is of a length drawn from this one to `l_mem`;
    none: it is `l_mem` always."""

    gradient: Literal["newest", "all"] = "newest"
    """How far back gradients go through memory: into the clip before, or to the first one, which
    takes memory for all clips of a sequence."""

    has_linear_head: bool = True
    """A linear head beside it, on the mean features of a clip."""

    def __post_init__(self) -> None:
        if self.clip_frames < 1:
            raise SettingError(f"clip_frames must be at least 1, got {self.clip_frames}")
        for name, values, length in (
            ("depths", self.depths, 2),
            ("num_heads", self.num_heads, 2),
            ("attention_window", self.attention_window, 3),
        ):
            if len(values) != length or min(values) < 1:
                raise SettingError(f"{name} must be {length} numbers of at least 1, got {values}")
        shortest = self.l_mem_shortest
        if shortest is not None and not 0 <= shortest <= self.memory.l_mem:
            raise SettingError(
                f"l_mem_shortest must be from 0 to l_mem, {self.memory.l_mem}, got {shortest}"
            )


class FamSequences(nn.Module):
    """A FAM Swin over sequences, clip by clip: all frames of a clip have its score.

    The last clip of a sequence that breaks off is filled up with its last frame.

    Args:
        config: The architecture.
        facts: Of the task.
    """

    def __init__(self, config: FamConfig, facts: SequenceFacts) -> None:
        super().__init__()
        self._config = config
        self.fam = FamSwin(
            FamSwinConfig(
                tubelet_size=(config.clip_frames, 1, 1),
                embed_dim=config.embed_dim,
                depths=(1, 1, *config.depths),  # type: ignore[arg-type]
                num_heads=(1, 1, *config.num_heads),  # type: ignore[arg-type]
                attention_window=config.attention_window,  # type: ignore[arg-type]
                num_classes=facts.num_classes,
                memory=config.memory,
                features=_features(facts),
            )
        )
        for stage in self.fam.memory_stages:
            nn.init.constant_(self.fam.memory_attention(stage).gate, config.gate)
        if not config.has_linear_head and self.fam.linear_head is not None:
            self.fam.linear_head.requires_grad_(False)  # it is zero, and stays so

    def forward(self, values: Tensor) -> SequenceScores:
        """See `SequenceNetwork`."""
        num_frames, clip_frames = values.shape[1], self._config.clip_frames
        missing = -num_frames % clip_frames
        if missing:
            values = torch.cat([values, values[:, -1:].expand(-1, missing, -1, -1)], 1)
        clips, l_mem = values.unflatten(1, (-1, clip_frames)), self._l_mem()
        if self.training and self._config.gradient == "all":
            logits = run_through_memory(self.fam, clips, l_mem=l_mem)
        else:
            state = self.fam.init_state(len(values), l_mem=l_mem)
            logits, _ = self.fam.forward_clip_features(clips, state)
        frame_logits = logits.repeat_interleave(clip_frames, 1)[:, :num_frames]
        return SequenceScores(frame_logits, frame_logits[:, -1])

    def _l_mem(self) -> int:
        longest, shortest = self._config.memory.l_mem, self._config.l_mem_shortest
        if not self.training or shortest is None:
            return longest
        return int(torch.randint(shortest, longest + 1, ()))


@dataclass(frozen=True, kw_only=True)
class SpoolSequencesConfig:
    """A Spool on features; see `vidmem.models.spool.config`."""

    embed_dim: int = 32
    num_layers: int = 1
    num_heads: int = 4
    """Must be `num_lookback_heads + num_lookahead_heads`."""

    num_lookback_heads: int = 2
    num_lookahead_heads: int = 2
    local_frame_range: int = 4
    context_scope: ContextScope = "global"
    has_context_frames: bool = True
    has_offset_bias: bool = False
    dropout: float = 0.0
    linear_reach: int = 0
    """Frames to each side that the linear head sees."""

    has_linear_head: bool = True
    """A linear head beside it, on the mean features of a frame."""

    has_positions: bool = False
    """A learned vector for each frame's place in the sequence is added to its features: what Spool
    does without, and other networks have. Sequences are then no longer than those learnt from."""


class SpoolSequences(nn.Module):
    """A Spool over whole sequences.

    Args:
        config: The architecture.
        facts: Of the task.
    """

    def __init__(self, config: SpoolSequencesConfig, facts: SequenceFacts) -> None:
        super().__init__()
        self.spool = Spool(
            SpoolConfig(
                embed_dim=config.embed_dim,
                num_layers=config.num_layers,
                num_heads=config.num_heads,
                num_lookback_heads=config.num_lookback_heads,
                num_lookahead_heads=config.num_lookahead_heads,
                local_frame_range=config.local_frame_range,
                context_scope=config.context_scope,
                has_context_frames=config.has_context_frames,
                has_offset_bias=config.has_offset_bias,
                dropout=config.dropout,
                linear_reach=config.linear_reach,
                tokens_per_frame=facts.tokens_per_frame,
                window_frames=facts.num_frames,
                num_classes=facts.num_classes,
                features=_features(facts),
            )
        )
        if not config.has_linear_head and self.spool.linear_head is not None:
            self.spool.linear_head.requires_grad_(False)  # it is zero, and stays so
        self.times = None
        if config.has_positions:
            self.times = nn.Parameter(torch.empty(facts.num_frames, 1, facts.feature_dim))
            nn.init.trunc_normal_(self.times, std=0.02)

    def forward(self, values: Tensor) -> SequenceScores:
        """See `SequenceNetwork`; the score of a sequence is that of its context frames."""
        if self.times is not None:
            values = values + self.times[: values.shape[1]]
        scores = self.spool.forward_features(values)
        return SequenceScores(scores.frame_logits, scores.clip_logits)


@dataclass(frozen=True, kw_only=True)
class GruConfig:
    """A causal GRU over frames (`RecurrentBaseline`)."""

    hidden: int = 32
    """Width of its state."""

    def __post_init__(self) -> None:
        if self.hidden < 1:
            raise SettingError(f"hidden must be at least 1, got {self.hidden}")


@dataclass(frozen=True, kw_only=True)
class CbasConfig(GruConfig):
    """The head of CBAS, a biLSTM over the frames around each one (`WindowBaseline`)."""

    reach_frames: int = 15
    """Frames seen to each side; CBAS sees 15."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reach_frames < 0:
            raise SettingError(f"reach_frames must be at least 0, got {self.reach_frames}")


class FrameNetwork(nn.Module):
    """A network that scores frames: a sequence as a whole has the score of one of them.

    Args:
        network: `[B, T, P, F]` to `[B, T, C]`.
        is_causal: The last frame has seen the whole sequence; else the mean of all frames counts.
    """

    def __init__(self, network: nn.Module, *, is_causal: bool) -> None:
        super().__init__()
        self.network = network
        self._is_causal = is_causal

    def forward(self, values: Tensor) -> SequenceScores:
        """See `SequenceNetwork`."""
        logits = self.network(values).float()
        return SequenceScores(logits, logits[:, -1] if self._is_causal else logits.mean(1))


def _features(facts: SequenceFacts) -> FeatureConfig:
    # One frame each, and no motion in it that vidmem measured: only the width matters here.
    return FeatureConfig(
        tokens_per_frame=facts.tokens_per_frame,
        encode_every=1,
        cell_components=facts.feature_dim - 1,
        frame_components=1,
        has_motion=False,
    )


def _gru(config: GruConfig, facts: SequenceFacts) -> nn.Module:
    network = RecurrentBaseline(facts.feature_dim, facts.num_classes, config.hidden)
    return FrameNetwork(network, is_causal=True)


def _cbas(config: CbasConfig, facts: SequenceFacts) -> nn.Module:
    network = WindowBaseline(
        facts.feature_dim, facts.num_classes, config.reach_frames, config.hidden
    )
    return FrameNetwork(network, is_causal=False)


FAM = NetworkKind(name="fam", form="sequences", config=FamConfig, make=FamSequences)
SPOOL = NetworkKind(
    name="spool", form="sequences", config=SpoolSequencesConfig, make=SpoolSequences
)
GRU = NetworkKind(name="gru", form="sequences", config=GruConfig, make=_gru)
CBAS = NetworkKind(name="cbas", form="sequences", config=CbasConfig, make=_cbas)
