"""What the figures of a report read in it: plain values, of a report at hand or of one on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Self

from vidmem.errors import SettingError
from vidmem.labels import NONE_OF_THESE, Ethogram
from vidmem.teaching import TeachReport

UNDEFINED = "undefined"
OUTSIDE_ROOM = 1.45
"""Where the axis of bars from 0 to 1 ends: beyond 1 there are words."""

Report = TeachReport | Mapping[str, Any]
"""Or what `vidmem.teaching.read_report` found of one."""


@dataclass(frozen=True)
class CandidateScore:
    """Macro-F1 of one candidate."""

    title: str
    value: float | None
    low: float | None
    high: float | None
    """`None`: no interval is known."""


@dataclass(frozen=True)
class ReadReport:
    """A report as plain values, and which of its axes is drawn."""

    values: Mapping[str, Any]
    axis: str

    @classmethod
    def of(cls, report: Report, axis: str | None) -> Self:
        """Take an axis; None: the first.

        Raises:
            SettingError: If there is no such axis.
        """
        values = report.as_dict() if isinstance(report, TeachReport) else report
        names = list(values["axes"])
        if axis is not None and axis not in names:
            raise SettingError(f"axis must be one of {', '.join(names)}, got {axis!r:.60}")
        return cls(values, names[0] if axis is None else axis)

    @property
    def index(self) -> int:
        """The number of the axis."""
        return list(self.values["axes"]).index(self.axis)

    @property
    def axis_words(self) -> str:
        """A line under a title: which axis it is; empty where there is only one."""
        return self.axis if len(self.values["axes"]) > 1 else ""

    @property
    def score(self) -> Mapping[str, Any]:
        """The scores of the model, of its first seed."""
        return self.scores(self.values["candidates"][0])[0]

    def scores(self, candidate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Those of each seed."""
        return [seed[self.index] for seed in candidate["seeds"]]

    def score_of(self, candidate: Mapping[str, Any], title: str) -> CandidateScore:
        """The mean over seeds; the interval is that of the first, of behaviours alone."""
        scores = self.scores(candidate)
        known = [one["macro_f1_with_none"] for one in scores]
        value = None if None in known else fmean(known)
        interval = scores[0]["macro_f1_interval"]
        if scores[0]["macro_f1"] != scores[0]["macro_f1_with_none"]:
            return CandidateScore(title, value, None, None)
        return CandidateScore(title, value, interval["low"], interval["high"])

    def colours(self, given: Mapping[str, str] | None, other: str) -> dict[str, str]:
        """Of each class: as given, else the one that it gets by default.

        Args:
            given: By name.
            other: Of none of these.
        """
        names = [name for own in self.values["axes"].values() for name in own]
        behaviours = [name for name in names if not name.startswith(NONE_OF_THESE)]
        default = {one.name: one.colour for one in Ethogram.of(*behaviours)}
        return {NONE_OF_THESE: other, **dict.fromkeys(names, other), **default, **(given or {})}


def number(value: float | None) -> str:
    """Two digits, or that it is undefined."""
    return UNDEFINED if value is None else f"{value:.2f}"
