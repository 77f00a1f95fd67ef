"""Effects, at each rest of one barn video, of the clips that decided its label."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from vidmem.data.barn import (
    CLASS_NAMES,
    BarnConfig,
    BarnVideo,
    LabelledClips,
    render_clips,
)
from vidmem.inspection import (
    RecordedClip,
    RecordedReplay,
    Score,
    continue_step,
    empty_slots,
    score_of,
    see,
)
from vidmem.inspection.attribution.subject import Seen
from vidmem.models import StreamModel
from vidmem.streaming import neutral_pixels
from vidmem.streaming.batching import to_model_clip


@dataclass(frozen=True)
class Move:
    """How far a score moves, in either direction."""

    log_odds: float
    probability: float

    @classmethod
    def between(cls, before: Score, after: Score) -> Move:
        """The move from one score to another."""
        return cls(
            abs(before.log_odds - after.log_odds), abs(before.probability - after.probability)
        )

    @classmethod
    def mean(cls, moves: Sequence[Move]) -> Move:
        """The mean of at least one move."""
        return cls(
            fmean(move.log_odds for move in moves), fmean(move.probability for move in moves)
        )


@dataclass(frozen=True)
class Comparison:
    """How far a score moves without the clips of the deciding visit, and without others."""

    visit: Move
    others: Move

    num_visit_clips: float
    """Clips of the visit taken away; a mean where several moments are compared."""

    num_other_clips: float
    """Other clips taken away: as many, or all others where there are fewer."""

    @property
    def log_odds_ratio(self) -> float | None:
        """How many times farther it moves without the visit; None where others move nothing."""
        return self.visit.log_odds / self.others.log_odds if self.others.log_odds else None

    @property
    def probability_ratio(self) -> float | None:
        """The same in probability."""
        others = self.others.probability
        return self.visit.probability / others if others else None


@dataclass(frozen=True, kw_only=True)
class KnownMoment:
    """One rest whose deciding visit is known."""

    seed: int
    clip: int
    delay_clips: int
    """Since the visit ended, from 1."""

    label: str
    score: Score
    """The score of the right label."""

    is_right: bool

    total: Comparison | None
    """Replayed with neutral pixels in all clips of the visit; None: there are no other clips."""

    total_in_queue: Comparison | None
    """Replayed with only those of its clips neutral that are still in the queue; None: there are
    none."""

    direct: Comparison | None
    """With the slots of those clips emptied; the others are in the queue too."""


@torch.no_grad()
def known_moments(
    model: StreamModel, seed: int, num_clips: int, l_mem: int, delays: Collection[int]
) -> list[KnownMoment]:
    """The look-alike rests of a video whose visit ended so many clips ago.

    Args:
        model: Trained on the barn's classes.
        seed: Seed of the video.
        num_clips: Length of the video.
        l_mem: Clips to remember.
        delays: In clips; other rests are left out.
    """
    card = model.card
    clip_seconds = card.clip_frames / card.fps
    # A second more, so that rounding cannot cost the last clip a frame.
    config = BarnConfig(minutes=(num_clips * clip_seconds + 1) / 60, seed=seed)
    drawn = render_clips(
        config,
        fps=card.fps,
        clip_frames=card.clip_frames,
        width=card.frame_width,
        height=card.frame_height,
        num_clips=num_clips,
    )
    watched, video = _Watched.watch(model, drawn, l_mem), BarnVideo(config)
    moments = []
    for clip in range(num_clips):
        delay, label = int(drawn.delay_clips[clip]), int(drawn.labels[clip])
        if delay not in delays:
            continue
        visit = visit_clips(video, clip, clip_seconds, CLASS_NAMES[label])
        total, total_in_queue, direct = _compare(watched, clip, label, visit)
        moments.append(
            KnownMoment(
                seed=seed,
                clip=clip,
                delay_clips=delay,
                label=CLASS_NAMES[label],
                score=score_of(watched.logits[clip], label),
                is_right=int(watched.logits[clip].argmax()) == label,
                total=total,
                total_in_queue=total_in_queue,
                direct=direct,
            )
        )
    return moments


@dataclass(frozen=True)
class _Watched:
    """One video, watched from its start, with all that is needed to watch parts of it again."""

    model: StreamModel
    clips: tuple[RecordedClip, ...]
    states: tuple[Any, ...]
    """The state before each clip."""

    logits: tuple[Tensor, ...]
    neutral: Seen

    @classmethod
    def watch(cls, model: StreamModel, drawn: LabelledClips, l_mem: int) -> _Watched:
        """All clips of a video, in order."""
        state = model.init_state(1, l_mem=l_mem, clip_frames=model.card.clip_frames)
        clips, states, logits = [], [], []
        for index, pixels in enumerate(drawn.pixels):
            encoded = see(model, to_model_clip(torch.from_numpy(pixels), model))
            output = continue_step(model, encoded, state)
            clips.append(RecordedClip(index=index, encoded=encoded))
            states.append(state)
            logits.append(output.logits)
            state = output.state
        blank = neutral_pixels(torch.from_numpy(drawn.pixels[0]), model)
        neutral = see(model, to_model_clip(blank, model))
        return cls(model, tuple(clips), tuple(states), tuple(logits), neutral)

    def replayed(self, clip: int, label: int, neutral: Collection[int]) -> Score:
        """The score at a clip, when the pixels of some before it were neutral."""
        first = min(neutral)
        replay = RecordedReplay(
            model=self.model,
            state=self.states[first],
            clips=self.clips[first : clip + 1],
            neutral=self.neutral,
        )
        return score_of(replay.logits([neutral]), label)

    def emptied(self, clip: int, label: int, gone: Collection[int]) -> Score:
        """The score at a clip, without the slots of some."""
        state = empty_slots(self.states[clip], gone)
        return score_of(continue_step(self.model, self.clips[clip].encoded, state).logits, label)

    def remembered(self, clip: int) -> set[int]:
        """The clips in the queue."""
        return {number for number in self.states[clip].slot_clips[0].tolist() if number >= 0}


def visit_clips(video: BarnVideo, clip: int, clip_seconds: float, label: str) -> list[int]:
    """The clips before a rest that show something of the visit that decides its label."""
    start = clip * clip_seconds
    # Where two rests of the label meet in the clip, the later one's visit counts. Its end is the
    # very number that the rest was given, so equality is exact.
    rests = [b for b in video.bouts_between(start, start + clip_seconds) if b.label == label]
    visit = next(b for b in video.bouts if b.end_seconds == rests[-1].deciding_seconds)
    return [
        number
        for number in range(clip)
        if number * clip_seconds < visit.end_seconds
        and (number + 1) * clip_seconds > visit.start_seconds
    ]


def _compare(
    watched: _Watched, clip: int, label: int, visit: Sequence[int]
) -> tuple[Comparison | None, Comparison | None, Comparison | None]:
    """`total`, `total_in_queue` and `direct` of a `KnownMoment`."""
    # The newest others are the hardest case; see `vidmem.evaluation.barn.known_answer`.
    newest_others = [number for number in reversed(range(clip)) if number not in visit]
    queue = watched.remembered(clip)
    in_queue = [number for number in visit if number in queue]
    pairs = [
        (visit, newest_others[: len(visit)]),
        (in_queue, newest_others[: len(in_queue)]),
        (in_queue, [number for number in newest_others if number in queue][: len(in_queue)]),
    ]
    score = score_of(watched.logits[clip], label)

    def replay(gone: Collection[int]) -> Score:
        return watched.replayed(clip, label, gone)

    def empty(gone: Collection[int]) -> Score:
        return watched.emptied(clip, label, gone)

    compared = [
        Comparison(
            Move.between(score, without(own)),
            Move.between(score, without(others)),
            len(own),
            len(others),
        )
        if own and others
        else None
        for (own, others), without in zip(pairs, (replay, replay, empty), strict=True)
    ]
    return compared[0], compared[1], compared[2]
