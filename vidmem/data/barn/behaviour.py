"""What the focal sow does, and when: bouts drawn from a seed, no geometry and no pixels.

A video is a chain of *visits* (feeding at the trough or drinking at the nipple), and after each
visit a stretch of other bouts. Two of the labels, `LOOK_ALIKES`, are one posture: which of the two
a rest is, only the last visit before it decides. That visit is the toss of a coin from a stream of
random numbers that nothing else draws from, so nothing that can be seen between the visit and the
rest, nor the rest itself, depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

VISIBLE_CLASSES = (
    "standing",
    "walking",
    "feeding",
    "drinking",
    "nursing",
    "lying lateral",
    "lying sternal",
)
"""Behaviours that a single clip shows."""

LOOK_ALIKES = ("resting after feeding", "resting after drinking")
"""One posture, two labels: the visit before decides."""

CLASS_NAMES = VISIBLE_CLASSES + LOOK_ALIKES

TROUGH, DRINKER = -1, -2
"""The places of the two visits; others count from 0 in the order in which she takes them."""

REST = "resting"

# Median length in minutes of real time and the spread of its logarithm. A feeding bout of a
# loose-housed sow takes 5 to 10 minutes, a nursing with its massages 4 to 8 (Valros et al. 2002);
# lying bouts are cut short and drinking is stretched, so that no behaviour is rare. Both visits
# share one distribution: a swap of feeding for drinking must move nothing else in time.
_MEDIAN_MINUTES = {
    "standing": (3.6, 0.35),
    "visit": (4.6, 0.30),
    "nursing": (5.0, 0.35),
    "lying lateral": (4.8, 0.40),
    "lying sternal": (4.6, 0.40),
    REST: (4.6, 0.40),
}
_WEIGHTS = {
    "standing": 0.21,
    "nursing": 0.18,
    "lying lateral": 0.18,
    "lying sternal": 0.19,
    REST: 0.31,
}
_STAY_PROBABILITY = 0.6
_SECOND_VISIT_PROBABILITY = 0.12
_MIN_BOUT_SECONDS, _MIN_WALK_SECONDS = 8.0, 6.0


@dataclass(frozen=True, kw_only=True)
class BarnConfig:
    """Everything that a barn video depends on."""

    minutes: float = 30.0
    """Length of the video."""

    seed: int = 0
    """Chooses the pen, the animals and what they do."""

    pace: float = 12.0
    """Time-lapse of the schedule: bouts are this many times shorter than in a barn; movements are
    not faster. 1 is real time."""

    light: Literal["auto", "day", "night"] = "auto"
    """Day, infra-red night, or both in turn."""

    light_seconds: float = 150.0
    """With light "auto": mean time from one switch between day and night to the next."""

    visit_gap_minutes: tuple[float, float] = (1.5, 42.0)
    """From one visit of trough or drinker to the next: shortest and longest, in real time before
    `pace`. The longest one bounds how far back the event that decides a rest's label can be."""

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= 24 * 60:
            raise ValueError(f"minutes must be above 0 and at most 1440, got {self.minutes}")
        if not 0.1 <= self.pace <= 60:
            raise ValueError(f"pace must be from 0.1 to 60 (1: real time), got {self.pace}")
        if self.light not in ("auto", "day", "night"):
            raise ValueError(f'light must be "auto", "day" or "night", got {self.light!r}')
        if self.light_seconds < 5:
            raise ValueError(f"light_seconds must be at least 5 seconds, got {self.light_seconds}")
        if not 0 <= self.visit_gap_minutes[0] <= self.visit_gap_minutes[1]:
            raise ValueError(
                f"visit_gap_minutes must rise from at least 0, got {self.visit_gap_minutes}"
            )

    @property
    def duration_seconds(self) -> float:
        """Length of the video in seconds."""
        return 60.0 * self.minutes


@dataclass(frozen=True, kw_only=True)
class DrawnBout:
    """One behaviour from its start until the next one's, `[start_seconds, end_seconds)`."""

    start_seconds: float
    end_seconds: float
    label: str
    deciding_seconds: float | None = None
    """For a rest: when the visit that decides its label ended."""

    place: int = 0
    """Where the sow is, or for walking, where she goes: `TROUGH`, `DRINKER`, or a number from 0."""


def random_stream(seed: int, *names: object) -> Random:
    """Random numbers for one purpose of one seed, the same on every machine."""
    return Random("/".join(map(str, (seed, *names))))


def log_normal(rng: Random, median: float, spread: float) -> float:
    """Draw from a log-normal distribution, within two spreads of its median."""
    # By Box and Muller and not by `Random.gauss`: of all its methods only `Random.random` is
    # guaranteed to give the same numbers in later versions of Python.
    radius = math.sqrt(-2 * math.log(1 - rng.random()))
    normal = radius * math.cos(2 * math.pi * rng.random())
    return median * math.exp(spread * min(max(normal, -2.0), 2.0))


def make_bouts(config: BarnConfig, *, swap_visits: bool = False) -> tuple[DrawnBout, ...]:
    """Draw the bouts of a whole video, without gaps between them.

    Args:
        config: Of the video.
        swap_visits: Feed where the seed says drink and the reverse, which swaps the look-alike
            labels and moves nothing else. For tests.
    """
    return _Schedule(config, swap_visits).bouts()


class _Schedule:
    """Draws bout after bout; every purpose has its own stream of random numbers."""

    def __init__(self, config: BarnConfig, swap_visits: bool) -> None:
        self._config = config
        self._kinds = random_stream(config.seed, "kinds")
        self._lengths = random_stream(config.seed, "lengths")
        self._gaps = random_stream(config.seed, "gaps")
        self._coin = random_stream(config.seed, "visits")
        self._swap_visits = swap_visits
        self._bouts: list[DrawnBout] = []
        self._now = 0.0
        self._num_places = 0
        self._visit = ""
        self._visit_end: float | None = None

    def bouts(self) -> tuple[DrawnBout, ...]:
        """All bouts, the last one cut at the end of the video."""
        end = self._config.duration_seconds
        while self._now < end:
            self._add_visit()
            if self._gaps.random() >= _SECOND_VISIT_PROBABILITY:
                self._add_stretch()
        last = self._bouts.pop()
        while last.start_seconds >= end:  # a stretch may add several bouts beyond the end
            last = self._bouts.pop()
        fields = {**vars(last), "end_seconds": end}
        return (*self._bouts, DrawnBout(**fields))

    def _new_place(self) -> int:
        self._num_places += 1
        return self._num_places - 1

    def _add(self, kind: str, place: int) -> None:
        median, spread = _MEDIAN_MINUTES.get("visit" if place < 0 else kind, (0.0, 0.0))
        seconds = log_normal(self._lengths, 60 * median / self._config.pace, spread)
        if kind == "walking":  # a walk across the pen takes as long at any pace
            seconds = max(log_normal(self._lengths, 8.6, 0.2), _MIN_WALK_SECONDS)
        else:
            seconds = max(seconds, _MIN_BOUT_SECONDS)
        end = round(self._now + seconds, 3)
        label = f"resting after {self._visit}" if kind == REST else kind
        deciding = self._visit_end if kind == REST else None
        self._bouts.append(
            DrawnBout(
                start_seconds=self._now,
                end_seconds=end,
                label=label,
                deciding_seconds=deciding,
                place=place,
            )
        )
        self._now = end

    def _add_visit(self) -> None:
        is_feeding = (self._coin.random() < 0.5) != self._swap_visits
        self._visit = "feeding" if is_feeding else "drinking"
        place = TROUGH if is_feeding else DRINKER
        self._add("walking", place)
        self._add(self._visit, place)
        self._visit_end = self._now

    def _add_stretch(self) -> None:
        """Bouts that are no visits, until the next visit is due."""
        shortest, longest = self._config.visit_gap_minutes
        due = 60 / self._config.pace * (shortest + (longest - shortest) * self._gaps.random())
        start, kind = self._now, ""
        place = self._new_place()
        self._add("walking", place)
        while not kind or self._now - start < due:
            if kind and self._kinds.random() >= _STAY_PROBABILITY:
                place = self._new_place()
                self._add("walking", place)
            kind = _choose(self._kinds, {k: w for k, w in _WEIGHTS.items() if k != kind})
            self._add(kind, place)


def _choose(rng: Random, weights: dict[str, float]) -> str:
    threshold = rng.random() * sum(weights.values())
    for kind, weight in weights.items():
        threshold -= weight
        if threshold < 0:
            return kind
    return next(iter(weights))


def majority_label(
    bouts: Sequence[DrawnBout], start_seconds: float, end_seconds: float
) -> tuple[str, float]:
    """The label that lasts longest in a window, the earlier at a tie, and its share of it."""
    seconds: dict[str, float] = {}
    for bout in bouts:
        overlap = min(bout.end_seconds, end_seconds) - max(bout.start_seconds, start_seconds)
        if overlap > 0:
            seconds[bout.label] = seconds.get(bout.label, 0.0) + overlap
    if not seconds:
        raise ValueError(f"no bout between {start_seconds} s and {end_seconds} s")
    label = max(seconds, key=lambda name: seconds[name])
    return label, seconds[label] / (end_seconds - start_seconds)
