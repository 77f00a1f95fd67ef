"""Scores of overlapping windows to one score per moment, and moments to bouts, while they come.

    window 0  |-----------|
    window 1        |-----------|
    window 2              |-----------|
    moments   |--1--|--2--|--2--|--1--|      how many windows each is the mean of

Both classes hold what is still open and nothing else, so a day costs what a minute does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from vidmem.streaming.prediction import Prediction

SAME_INSTANT_SECONDS = 1e-6
"""Two times closer than this are one: no source has frames so short."""


@dataclass(frozen=True, kw_only=True)
class MomentScore:
    """A stretch of time that the same windows cover, with their mean probabilities."""

    start_seconds: float
    end_seconds: float
    """Half open."""

    probabilities: tuple[float, ...]
    """One per class."""

    num_windows: int
    """How many windows the mean is of."""

    @property
    def best_class(self) -> int:
        """Index of the most probable class; of a model of one axis (else `best_classes`)."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)


@dataclass(frozen=True)
class _Span:
    start_seconds: float
    end_seconds: float
    probabilities: tuple[float, ...]


class ScoreMerger:
    """Averages the probabilities of all windows over each moment.

    A moment is returned once no later window can reach it: as soon as a window starts after it.
    Windows come in order of their start. Going back in time (a seek) closes all that is open first.
    """

    def __init__(self) -> None:
        self._open: list[_Span] = []
        self._final_seconds = float("-inf")  # before this, everything is final

    @property
    def num_open(self) -> int:
        """Windows held: at most those that cover one instant."""
        return len(self._open)

    def add(self, prediction: Prediction) -> list[MomentScore]:
        """Take the next window; returns the moments that are now final, in order."""
        return self.add_window(
            prediction.start_seconds, prediction.end_seconds, prediction.probabilities
        )

    def add_window(
        self, start_seconds: float, end_seconds: float, probabilities: Sequence[float]
    ) -> list[MomentScore]:
        """As `add`, from plain numbers."""
        is_going_back = any(start_seconds < span.start_seconds for span in self._open)
        if is_going_back or start_seconds < self._final_seconds - SAME_INSTANT_SECONDS:
            moments = self.flush()
            # The same times are scored anew, so what was final before must not hide them.
            self._final_seconds = float("-inf")
        else:
            moments = self._close_until(start_seconds)
        self._open.append(_Span(start_seconds, end_seconds, tuple(probabilities)))
        return moments

    def flush(self) -> list[MomentScore]:
        """The moments that are still open, at the end of a video."""
        return self._close_until(float("inf"))

    def _close_until(self, until_seconds: float) -> list[MomentScore]:
        # Windows begin and end at edges only, so between two of them one mean holds throughout. The
        # first edge may be minus infinity; no window covers the stretch from there.
        edges = {span.start_seconds for span in self._open} | {self._final_seconds, until_seconds}
        edges |= {span.end_seconds for span in self._open}
        is_in_reach = [edge for edge in edges if self._final_seconds <= edge <= until_seconds]
        moments = [
            _mean(spans, start, end)
            for start, end in pairwise(sorted(is_in_reach))
            if (spans := self._covering(start, end))
        ]
        if moments:
            self._final_seconds = moments[-1].end_seconds
        self._open = [span for span in self._open if span.end_seconds > until_seconds]
        return moments

    def _covering(self, start_seconds: float, end_seconds: float) -> list[_Span]:
        # Two edges this close are one time, computed in two ways.
        if end_seconds - start_seconds <= SAME_INSTANT_SECONDS:
            return []
        return [
            span
            for span in self._open
            if span.start_seconds <= start_seconds and end_seconds <= span.end_seconds
        ]


def _mean(spans: Sequence[_Span], start_seconds: float, end_seconds: float) -> MomentScore:
    columns = zip(*(span.probabilities for span in spans), strict=True)
    return MomentScore(
        start_seconds=start_seconds,
        end_seconds=end_seconds,
        probabilities=tuple(sum(column) / len(spans) for column in columns),
        num_windows=len(spans),
    )


@dataclass(frozen=True, kw_only=True)
class ClassBout:
    """A stretch of time with one behaviour."""

    start_seconds: float
    end_seconds: float
    """Half open."""

    class_index: int

    @property
    def num_seconds(self) -> float:
        """How long it lasts."""
        return self.end_seconds - self.start_seconds


@dataclass(frozen=True, kw_only=True)
class ClassTotal:
    """All finished bouts of one class."""

    num_bouts: int = 0
    num_seconds: float = 0.0


class BoutTracker:
    """Joins equal moments to bouts, leaving out those too short to believe.

    A stretch shorter than `min_bout_seconds` joins the bout before it; the first one of a video
    joins the one after it. Neighbours that are equal then become one bout. Predictions stay as they
    are.

    Args:
        num_classes: Totals are kept for each.
        min_bout_seconds: May be set anew at any time, and holds from then on.
        bridge_seconds: Time without a score that a bout may span (`StreamSettings.unseen_seconds`).
        max_bouts: Finished bouts that are kept; `totals` count all of them.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        min_bout_seconds: float = 0.0,
        bridge_seconds: float = 0.0,
        max_bouts: int = 500,
    ) -> None:
        self.min_bout_seconds = min_bout_seconds
        self.bridge_seconds = bridge_seconds
        self.totals = [ClassTotal() for _ in range(num_classes)]
        self.recent: deque[ClassBout] = deque(maxlen=max_bouts)
        self.num_bouts = 0
        self._current: ClassBout | None = None
        self._candidate: ClassBout | None = None  # another behaviour, maybe too short to count

    @property
    def open_bout(self) -> ClassBout | None:
        """The bout that is going on; a change too short to count yet is still part of it."""
        if self._current is None or self._candidate is None:
            return self._current
        return replace(self._current, end_seconds=self._candidate.end_seconds)

    def add(self, moment: MomentScore) -> list[ClassBout]:
        """Take the next moment; returns the bouts that are now finished."""
        return self.add_stretch(
            ClassBout(
                start_seconds=moment.start_seconds,
                end_seconds=moment.end_seconds,
                class_index=moment.best_class,
            )
        )

    def add_stretch(self, stretch: ClassBout) -> list[ClassBout]:
        """As `add`, from a stretch of time with one behaviour; it may be part of a longer bout."""
        finished = [] if self._is_continued_by(stretch) else self.flush()
        return finished + self._take(stretch)

    def flush(self) -> list[ClassBout]:
        """Finish the bout that is going on: the end of a video, or a jump."""
        last = self.open_bout
        self._current = self._candidate = None
        return [self._finish(last)] if last else []

    def _take(self, stretch: ClassBout) -> list[ClassBout]:
        current, candidate = self._current, self._candidate
        if current is None:
            self._current = stretch
            return []
        is_candidate_over = candidate is not None and candidate.class_index != stretch.class_index
        if candidate is not None and is_candidate_over:  # too short: it joins the bout before
            current = self._current = replace(current, end_seconds=candidate.end_seconds)
            candidate = self._candidate = None
        if candidate is None and stretch.class_index == current.class_index:
            self._current = replace(current, end_seconds=stretch.end_seconds)
            return []
        start_seconds = candidate.start_seconds if candidate else stretch.start_seconds
        self._candidate = replace(stretch, start_seconds=start_seconds)
        return self._promote(current, self._candidate)

    def _promote(self, current: ClassBout, candidate: ClassBout) -> list[ClassBout]:
        """Make a candidate that is long enough the current bout."""
        if not self._is_long(candidate):
            return []
        self._candidate = None
        if self._is_long(current):
            self._current = candidate
            return [self._finish(current)]
        # Too short itself: the first bout of a video, or `min_bout_seconds` was raised meanwhile.
        self._current = replace(candidate, start_seconds=current.start_seconds)
        return []

    def _is_long(self, bout: ClassBout) -> bool:
        return bout.num_seconds >= self.min_bout_seconds - SAME_INSTANT_SECONDS

    def _is_continued_by(self, stretch: ClassBout) -> bool:
        before = self.open_bout
        if before is None:
            return True
        gap_seconds = stretch.start_seconds - before.end_seconds
        return -SAME_INSTANT_SECONDS <= gap_seconds <= self.bridge_seconds + SAME_INSTANT_SECONDS

    def _finish(self, bout: ClassBout) -> ClassBout:
        total = self.totals[bout.class_index]
        self.totals[bout.class_index] = ClassTotal(
            num_bouts=total.num_bouts + 1, num_seconds=total.num_seconds + bout.num_seconds
        )
        self.recent.append(bout)
        self.num_bouts += 1
        return bout
