"""What can be taught: each kind of network behind one face.

A learner gives logits of every feature frame, of segments while it learns and of whole videos when
it is scored. All begin as the linear head that is inside of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vidmem.models import (
    FamSwin,
    FamSwinState,
    FeatureConfig,
    FeatureEncoder,
    ModelCard,
    Spool,
    SpoolConfig,
)
from vidmem.models.baselines.on_features import RecurrentBaseline, WindowBaseline
from vidmem.models.features.linear_head import FeatureHead
from vidmem.models.presets import fam_swin_on_features

N = TypeVar("N", bound=nn.Module)

CHUNK_FRAMES = 512
"""Feature frames of a whole video that are judged at a time, beside what they look at."""

GRU_SECONDS = 30.0
"""Farther back a GRU of this size remembers next to nothing."""

LINEAR_REACH_SECONDS = 0.4
"""To each side, that the linear head of a Spool may see."""

CBAS_SECONDS = 3.1
"""31 frames at 10 per second."""


class Learner(ABC, Generic[N]):
    """A network that is taught on features, starting from a linear head."""

    remembers = ""
    """What `memory` counts, in words; empty: there is nothing to set."""

    full_memory = 0
    """What it remembers as it is taught."""

    segment_multiple = 1
    """Feature frames of a segment are a multiple of it."""

    frames_before: int | None = None
    """That matter to a frame: so many before it, about; None: all."""

    frames_after = 0
    """That matter to a frame, after it."""

    def __init__(self, network: N, linear_head: FeatureHead, heads: list[nn.Linear]) -> None:
        self.network = network
        self.linear_head = linear_head
        for head in heads:  # at first nothing is added to what the linear head says
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    @abstractmethod
    def segments(self, values: Tensor, memory: int) -> Tensor:
        """Logits `[B, L, C]` of segments `[B, L, P, F]`, with gradients."""

    @abstractmethod
    def video(self, values: Tensor, memory: int) -> Tensor:
        """Logits `[T, C]` of a whole video `[T, P, F]`, as a stream of it would give them."""

    def lengthened(self, values: Tensor, num_frames: int) -> Tensor:
        """A video `[T, P, F]` whose last picture goes on for so many frames more."""
        return torch.cat([values, values[-1:].expand(num_frames, *values.shape[1:])])

    def linear(self, values: Tensor, memory: int) -> Tensor:
        """What the linear head alone says of segments, `[B, L, C]`."""
        del memory
        return self.linear_head(values)

    def memory_choices(self) -> tuple[int, ...]:
        """Drawn from while it learns: people switch memory off and make it shorter."""
        return (self.full_memory,)

    def finish(self) -> None:
        """Once it has learnt: see to what no gradient came to, and stop dropping out."""
        self.network.eval()

    def near(self, values: Tensor, is_wanted: NDArray[np.bool_], memory: int) -> Tensor:
        """As `video`, for some frames `[T]` and what lies around these: the rest is NaN.

        What matters little is left out: what a recurrent network or a memory might still hold of
        times that lie farther back than it remembers.
        """
        logits: Tensor | None = None
        for stretch in self._stretches(is_wanted):
            own = self.video(values[stretch], memory)
            if logits is None:
                logits = own.new_full((len(values), own.shape[1]), torch.nan)
            logits[stretch] = own
        assert logits is not None, "some frame is wanted"
        return logits

    def _stretches(self, is_wanted: NDArray[np.bool_]) -> list[slice]:
        """Wanted frames with all that they see; those that meet are one."""
        multiple, found = self.segment_multiple, []
        before = len(is_wanted) if self.frames_before is None else self.frames_before
        for frame in np.flatnonzero(is_wanted).tolist():
            # Where a stream's clips begin: its clips and these are the same.
            start = max(0, frame - before) // multiple * multiple
            stop = min(len(is_wanted), -(-(frame + self.frames_after + 1) // multiple) * multiple)
            if found and start <= found[-1].stop:
                found[-1] = slice(found[-1].start, max(stop, found[-1].stop))
            else:
                found.append(slice(start, stop))
        return found


class BaselineLearner(Learner[nn.Module]):
    """A baseline: it sees the mean over the places of each frame, of a segment or of a video."""

    def __init__(
        self, network: RecurrentBaseline | WindowBaseline, frames_before: int, frames_after: int = 0
    ) -> None:
        super().__init__(network, network.linear_head, [network.head])
        self.frames_before, self.frames_after = frames_before, frames_after

    def segments(self, values: Tensor, memory: int) -> Tensor:
        """See `Learner`."""
        return self.network(values)

    def video(self, values: Tensor, memory: int) -> Tensor:
        """See `Learner`."""
        means = torch.cat([piece.float().mean(1) for piece in values.split(CHUNK_FRAMES)])
        return self.network(means[None, :, None])[0]


class SpoolLearner(Learner[Spool]):
    """A Spool on features."""

    remembers = "feature frames that it looks back and ahead"

    def __init__(self, network: Spool) -> None:
        head = network.linear_head
        assert head is not None, "it is on features"
        super().__init__(network, head, [network.frame_head, network.clip_head])
        self.full_memory = network.config.local_frame_range
        self.frames_before = self.frames_after = network.config.num_layers * self.full_memory

    def finish(self) -> None:
        """See `Learner`."""
        super().finish()
        # Only frames are taught; without context frames the score of a clip is that of its frames.
        if not self.network.config.has_context_frames:
            self.network.clip_head.load_state_dict(self.network.frame_head.state_dict())

    def memory_choices(self) -> tuple[int, ...]:
        """See `Learner`."""
        full = self.full_memory
        return tuple(dict.fromkeys((full, full, full // 2, 0)))

    def segments(self, values: Tensor, memory: int) -> Tensor:
        """See `Learner`."""
        return self.network.forward_features(values, local_frame_range=memory).frame_logits

    def linear(self, values: Tensor, memory: int) -> Tensor:
        """See `Learner`."""
        return self.network.linear_logits(values, memory)

    def video(self, values: Tensor, memory: int) -> Tensor:
        """See `Learner`."""
        # No frame sees farther than this, since there are no context frames: pieces are as a whole.
        margin = self.network.config.num_layers * memory
        logits = []
        for start in range(0, len(values), CHUNK_FRAMES):
            first = max(0, start - margin)
            piece = values[first : start + CHUNK_FRAMES + margin][None].float()
            own = self.segments(piece, memory)[0, start - first :]
            logits.append(own[:CHUNK_FRAMES])
        return torch.cat(logits)


class FamLearner(Learner[FamSwin]):
    """A FAM Swin on features: clip by clip, each judged as one.

    Args:
        network: In training mode.
        clip_frames: Feature frames of a clip.
    """

    remembers = "clips remembered"

    def __init__(self, network: FamSwin, clip_frames: int) -> None:
        head = network.linear_head
        assert head is not None, "it is on features"
        super().__init__(network, head, [network.head])
        self.segment_multiple = clip_frames
        self.full_memory = network.traits.l_mem
        # What was written a memory ago had itself read memory.
        self.frames_before = 2 * self.full_memory * clip_frames

    def memory_choices(self) -> tuple[int, ...]:
        """See `Learner`."""
        full = self.full_memory
        return tuple(dict.fromkeys((full, full // 2, 0)))

    def segments(self, values: Tensor, memory: int) -> Tensor:
        """See `Learner`."""
        state = self.network.init_state(len(values), l_mem=memory)
        return self._judged(values, state)[0]

    def linear(self, values: Tensor, memory: int) -> Tensor:
        """See `Learner`: of whole clips, as all that it says."""
        del memory
        logits = self.network.linear_logits(values.unflatten(1, (-1, self.segment_multiple)))
        return logits.repeat_interleave(self.segment_multiple, 1)

    def video(self, values: Tensor, memory: int) -> Tensor:
        """See `Learner`."""
        whole = self.lengthened(values, -len(values) % self.segment_multiple)
        state, logits = self.network.init_state(1, l_mem=memory), []
        for piece in whole.split(-(-CHUNK_FRAMES // self.segment_multiple) * self.segment_multiple):
            own, state = self._judged(piece[None].float(), state)
            logits.append(own[0])
        return torch.cat(logits)[: len(values)]

    def lengthened(self, values: Tensor, num_frames: int) -> Tensor:
        """See `Learner`: as a stream fills up the last clip, so nothing moves there."""
        encoder, last = self.network.encoder, values[-1:]
        repeated = last if encoder is None else encoder.reduction.stilled(last)
        return torch.cat([values, repeated.expand(num_frames, *values.shape[1:])])

    def _judged(self, values: Tensor, state: FamSwinState) -> tuple[Tensor, FamSwinState]:
        """Logits `[B, L, C]` of all frames of clips, and the state after these."""
        clips_BNTPF = values.unflatten(1, (-1, self.segment_multiple))
        logits_BNC, after = self.network.forward_clip_features(clips_BNTPF, state)
        return logits_BNC.repeat_interleave(self.segment_multiple, 1), after


@dataclass(frozen=True, kw_only=True)
class LearnerFacts:
    """What a network has to fit to."""

    features: FeatureConfig
    card: ModelCard
    """Classes, and how a video is sampled: the model's own."""

    encoder: FeatureEncoder | None = None
    """What made the features, which the model gets; None: they come from elsewhere."""

    memory_seconds: float
    """That FAM Swin shall remember."""

    context_seconds: float
    """That a Spool's window holds."""

    reach_seconds: float
    """That its heads look back and ahead."""

    @property
    def feature_fps(self) -> float:
        """Feature frames per second."""
        return self.card.fps / self.features.encode_every

    @property
    def num_classes(self) -> int:
        """Of all axes."""
        return len(self.card.class_names)

    @property
    def clip_frames(self) -> int:
        """Feature frames of a clip."""
        return self.features.num_feature_frames(self.card.clip_frames)


def _spool(facts: LearnerFacts) -> Learner[Spool]:
    reach = max(1, round(facts.reach_seconds * facts.feature_fps))
    # At least what a clip in the middle sees to both sides, or a stream would judge it by less.
    least = (1 + 2 * -(-reach // facts.clip_frames)) * facts.clip_frames
    window = max(8, least, round(facts.context_seconds * facts.feature_fps))
    config = SpoolConfig(
        backbone=facts.features.backbone,
        features=facts.features,
        embed_dim=32,
        num_layers=1,
        num_heads=4,
        num_lookback_heads=2,
        num_lookahead_heads=2,
        local_frame_range=reach,
        linear_reach=min(reach, round(LINEAR_REACH_SECONDS * facts.feature_fps)),
        # Without context frames no frame sees farther than its heads reach: what a stream says is
        # what one pass over the whole video says.
        has_context_frames=False,
        has_offset_bias=True,
        tokens_per_frame=facts.features.tokens_per_frame,
        window_frames=window,
        dropout=0.1,
        num_classes=facts.num_classes,
    )
    return SpoolLearner(Spool(config, facts.card, encoder=facts.encoder))


def _fam(facts: LearnerFacts) -> Learner[FamSwin]:
    clip_seconds = facts.clip_frames / facts.feature_fps
    config = fam_swin_on_features(
        facts.features,
        facts.num_classes,
        clip_frames=facts.clip_frames,
        l_mem=max(1, round(facts.memory_seconds / clip_seconds)),
    )
    network = FamSwin(config, facts.card, encoder=facts.encoder)
    return FamLearner(network, facts.clip_frames)


def _gru(facts: LearnerFacts) -> Learner[nn.Module]:
    network = RecurrentBaseline(facts.features.feature_dim, facts.num_classes)
    return BaselineLearner(network, round(GRU_SECONDS * facts.feature_fps))


def _cbas(facts: LearnerFacts) -> Learner[nn.Module]:
    reach = max(1, round(CBAS_SECONDS * facts.feature_fps / 2))
    network = WindowBaseline(facts.features.feature_dim, facts.num_classes, reach)
    return BaselineLearner(network, reach, reach)


@dataclass(frozen=True, kw_only=True)
class LearnerKind:
    """A kind of network that can be taught."""

    name: str
    title: str
    make: Callable[[LearnerFacts], Learner]
    is_model: bool
    """Whether it streams, is saved and looked into; else it is a baseline of the report."""

    fills_clips: bool = False
    """Whether a stream of it fills up a clip that the video breaks off in."""


LEARNERS = {
    kind.name: kind
    for kind in (
        LearnerKind(name="spool", title="Spool", make=_spool, is_model=True),
        LearnerKind(name="fam", title="FAM Swin", make=_fam, is_model=True, fills_clips=True),
        LearnerKind(name="gru", title="GRU, causal", make=_gru, is_model=False),
        LearnerKind(name="cbas", title="CBAS head (biLSTM)", make=_cbas, is_model=False),
    )
}
"""By the name that `vidmem teach --model` takes."""

MODEL_NAMES = tuple(name for name, kind in LEARNERS.items() if kind.is_model)
