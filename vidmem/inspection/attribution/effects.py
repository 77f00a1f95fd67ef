"""The direct and the total effect of a remembered clip on a score.

Taking a clip away has two meanings, and they answer two questions:

    direct   its slot is emptied now                   what does the score draw on this slot?
    total    the stream is replayed without the clip   what did the clip change, on all paths?

                 ┌────────────────── total ──────────────────┐
    clip 3  ──>  memory  ──>  clip 4  ──>  memory  ──>  ...  ──>  score now
                    └───────────────── direct ──────────────────────┘

They need not agree. Memory feeds back: what a clip writes comes from features that had read memory,
so later clips carry on what the deciding clip brought. With its slot emptied now, their slots still
hold it: its direct effect can be near zero. In a replay without it, it never enters memory: its
total effect is large. (In the language of causal mediation, the later clips mediate: Pearl, Direct
and Indirect Effects, 2001.) A clip that has left the queue has no direct effect at all, and may
well have a total one.

An effect is the score with the clip less the score without it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from vidmem.inspection.attribution.subject import Score, score_of
from vidmem.inspection.attribution.work import MAX_EVALUATIONS, Tick, Work, check_evaluations


@dataclass(frozen=True, kw_only=True)
class ClipEffect:
    """The effect of one clip on a score."""

    clip: int
    """The number of its window in the stream."""

    score: Score
    """With the clip."""

    without: Score
    """Without it."""

    @property
    def log_odds(self) -> float:
        """The effect; above 0 where the clip spoke for the class."""
        return self.score.log_odds - self.without.log_odds

    @property
    def probability(self) -> float:
        """The same in probability, from -1 to 1."""
        return self.score.probability - self.without.probability


@dataclass(frozen=True, kw_only=True)
class DirectEffects:
    """The effect of each remembered clip through its own slot.

    Near zero for a clip whose content later clips carry on; see the top of this file.
    """

    score: Score
    """The score with all that is remembered."""

    nothing_remembered: Score
    """The score with all slots empty, as at the start of a stream. (With `l_mem=0`, memory off, FAM
    Swin does not even read its no-memory token; that is another score.)"""

    clips: tuple[ClipEffect, ...]
    """Oldest first; each clip's slot alone is emptied."""


@dataclass(frozen=True, kw_only=True)
class TotalEffects:
    """The effect of each clip on all paths, those through later clips included."""

    score: Score
    """The score of the stream as it was."""

    clips: tuple[ClipEffect, ...]
    """Oldest first; each clip alone has its pixels replaced by a neutral colour."""


class Replay(Protocol):
    """A stream that can be run again up to one moment; see `RecordedReplay`."""

    def num_steps(self, replays: Sequence[Collection[int]]) -> int:
        """Steps of the model that these replays take, one after the other."""
        ...

    def logits(self, replays: Sequence[Collection[int]], on_step: Tick) -> Tensor:
        """`[len(replays), num_classes]`: the logits of the moment, replay by replay.

        Each replay is the windows whose pixels are neutral; with none it is the stream as it was.
        Logarithms of probabilities do as well. `on_step` is called after every step, and may raise.
        """
        ...


def total_effects(
    replay: Replay,
    clips: Collection[int],
    class_index: int,
    *,
    among: range | None = None,
    max_evaluations: int = MAX_EVALUATIONS,
) -> Work[TotalEffects]:
    """How the score moves when the stream is replayed with one clip's pixels neutral, clip by clip.

    Args:
        replay: Of the stream, up to the moment to be explained.
        clips: Numbers of the windows, in memory or older.
        class_index: Of the score.
        among: The classes that exclude each other (`Subject.among`); `None`: all.
        max_evaluations: Refuse what takes more steps.

    Raises:
        SettingError: If it takes too many evaluations, or a window cannot be replayed.
    """
    ordered = sorted(set(clips))
    # Oldest first, as a replay is cheapest; the stream as it was comes last, and starts anywhere.
    replays: list[tuple[int, ...]] = [*((clip,) for clip in ordered), ()]
    num_steps = replay.num_steps(replays)
    check_evaluations("replaying the stream", num_steps, max_evaluations, "ask for fewer clips")

    def do(on_step: Tick) -> TotalEffects:
        *without, score = [
            score_of(logits, class_index, among) for logits in replay.logits(replays, on_step)
        ]
        effects = tuple(
            ClipEffect(clip=clip, score=score, without=other)
            for clip, other in zip(ordered, without, strict=True)
        )
        return TotalEffects(score=score, clips=effects)

    return Work(num_evaluations=num_steps, evaluate_one=lambda: _one_step(replay), do=do)


class _EnoughError(Exception):
    """Stops a replay that is only being timed."""


def _one_step(replay: Replay) -> None:
    # A `Replay` has no single step to call: the first one of a replay is timed, then it is stopped.
    def stop() -> None:
        raise _EnoughError

    with contextlib.suppress(_EnoughError):
        replay.logits([()], stop)
