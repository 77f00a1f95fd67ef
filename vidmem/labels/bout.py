"""A bout: what was said of one behaviour and one span of a video."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from numbers import Real
from typing import Any, Literal, Self, get_args

from vidmem.errors import LabelError
from vidmem.labels.checks import (
    checked_name,
    checked_range,
    checked_seconds,
    checked_text,
    is_one_instant,
)

BoutSource = Literal["human", "model"]

SAME_DURATION_SECONDS = 0.0011
SAME_FPS = 0.005


@dataclass(frozen=True)
class Bout:
    """A span of one behaviour, half open, on true presentation times.

    Raises:
        LabelError: If it ends before it starts, a time is no finite number from 0, or a name has
            line breaks or control characters.
    """

    video: str
    """The name by which its video is known, such as a file's name."""

    start_seconds: float
    """From the first frame; kept to a microsecond."""

    end_seconds: float
    """Not part of it; of a point, its start."""

    behaviour: str
    subject: str = ""
    """Which animal; empty: no one in particular."""

    author: str = ""
    """Who said so: a person, or a model's name."""

    comment: str = ""
    """May have several lines."""

    score: float | None = None
    """Probability that a model gave, 0 to 1."""

    source: BoutSource = "human"
    """A prediction that a person confirmed is a human's."""

    def __post_init__(self) -> None:
        checked_name("the video of a bout", self.video)
        checked_name("the behaviour of a bout", self.behaviour)
        of = f"a bout of {self.behaviour}"
        start, end = checked_range(self.start_seconds, self.end_seconds, of)
        object.__setattr__(self, "start_seconds", start)
        object.__setattr__(self, "end_seconds", end)
        checked_name(f"the subject of {of}", self.subject, may_be_empty=True)
        checked_name(f"the author of {of}", self.author, may_be_empty=True)
        checked_text(f"the comment of {of}", self.comment)
        if self.score is not None:
            object.__setattr__(self, "score", _checked_score(of, self.score))
        if self.source not in get_args(BoutSource):
            raise LabelError(f"the source of {of} must be 'human' or 'model', got {self.source!r}")

    @property
    def num_seconds(self) -> float:
        """How long it lasts; 0 for a point."""
        return self.end_seconds - self.start_seconds

    @property
    def is_point(self) -> bool:
        """Whether it is an instant."""
        return self.start_seconds == self.end_seconds

    @property
    def is_human(self) -> bool:
        """Whether a person said it, or confirmed it."""
        return self.source == "human"

    def changed(self, **changes: Any) -> Self:
        """This bout with some fields changed."""
        return replace(self, **changes)

    def clipped(self, start_seconds: float, end_seconds: float) -> Self | None:
        """What of it lies in a span; `None`: nothing that lasts longer than a microsecond."""
        if self.is_point:
            return self if start_seconds <= self.start_seconds < end_seconds else None
        start = max(self.start_seconds, start_seconds)
        end = min(self.end_seconds, end_seconds)
        if end <= start or is_one_instant(start, end):
            return None
        if (start, end) == (self.start_seconds, self.end_seconds):
            return self
        return replace(self, start_seconds=start, end_seconds=end)

    @property
    def sort_key(self) -> tuple[Any, ...]:
        """By video and time; the rest only makes the order one."""
        return (
            self.video,
            self.start_seconds,
            self.end_seconds,
            self.subject,
            self.behaviour,
            self.source,
            self.author,
            self.comment,
            -1.0 if self.score is None else self.score,
        )

    def __str__(self) -> str:
        times = f"at {self.start_seconds:.10g} s"
        if not self.is_point:
            times = f"{self.start_seconds:.10g} to {self.end_seconds:.10g} s"
        of = f" of {self.subject}" if self.subject else ""
        return f"{self.behaviour}{of}, {times} in {self.video}"


@dataclass(frozen=True)
class LabelledVideo:
    """What is known of a video; the rest is `None`."""

    name: str
    """As its bouts call it."""

    duration_seconds: float | None = None
    """From its first frame to the end of its last."""

    fps: float | None = None
    """Frames per second, for formats that count frames; times never come from it."""

    start: datetime | None = None
    """When the recording began, by the clock."""

    def __post_init__(self) -> None:
        checked_name("the name of a video", self.name)
        if self.duration_seconds is not None:
            duration = checked_seconds(f"the duration of {self.name}", self.duration_seconds)
            object.__setattr__(self, "duration_seconds", duration)
        if self.fps is not None:
            object.__setattr__(self, "fps", _checked_fps(self.name, self.fps))
        if self.start is not None and not isinstance(self.start, datetime):
            raise LabelError(f"the start of {self.name} must be a datetime, got {self.start!r:.60}")

    def agrees(self, other: LabelledVideo) -> bool:
        """Whether two say nothing that differs: formats round durations to a millisecond."""
        return (
            _is_near(self.duration_seconds, other.duration_seconds, SAME_DURATION_SECONDS)
            and _is_near(self.fps, other.fps, SAME_FPS)
            and (None in (self.start, other.start) or self.start == other.start)
        )

    def completed(self, other: LabelledVideo) -> LabelledVideo:
        """This one, with what it lacks from what another says of the same video."""
        return LabelledVideo(
            self.name,
            other.duration_seconds if self.duration_seconds is None else self.duration_seconds,
            other.fps if self.fps is None else self.fps,
            other.start if self.start is None else self.start,
        )


def _is_near(first: float | None, second: float | None, within: float) -> bool:
    return first is None or second is None or abs(first - second) <= within


def _checked_score(of: str, score: float) -> float:
    is_number = isinstance(score, Real) and not isinstance(score, bool)
    if not is_number or not 0 <= float(score) <= 1:  # NaN is not either
        raise LabelError(f"the score of {of} must be from 0 to 1, got {score!r}")
    return float(score)


def _checked_fps(name: str, fps: float) -> float:
    is_number = isinstance(fps, Real) and not isinstance(fps, bool)
    if not is_number or not math.isfinite(fps) or fps <= 0:
        raise LabelError(f"the fps of {name} must be above 0 and finite, got {fps!r}")
    return float(fps)
