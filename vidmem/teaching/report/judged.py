"""Where in the time kept to test with a model says what: the spans behind a confusion matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vidmem.labels.results.pairing import pair
from vidmem.teaching.report.scoring import Examination, Logits

MOST_SPANS = 40
"""Of one cell of the matrix: the longest, which is more than anybody looks at."""


@dataclass(frozen=True, kw_only=True)
class JudgedSpan:
    """A span of which a person says one thing and the model another, or the same."""

    axis: str
    labelled: str
    """A behaviour, or *none of these*."""

    predicted: str
    video: str
    start_seconds: float
    end_seconds: float
    """Half open."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def judged_spans(test: Examination, logits: Mapping[str, Logits]) -> tuple[JudgedSpan, ...]:
    """The spans behind each cell of the confusion matrices, in order of video and time.

    Args:
        test: Of the time kept to test with.
        logits: Of the model, by video.
    """
    found: list[JudgedSpan] = []
    for index, axis in enumerate(test.axes):
        cells: defaultdict[tuple[str, str], list[JudgedSpan]] = defaultdict(list)
        accounts = test.accounts(index, logits)
        for pair_of_track in pair(accounts.said, accounts.predicted, axis=axis.name):
            for one in (stretch for run in pair_of_track.runs for stretch in run):
                span = JudgedSpan(
                    axis=axis.name,
                    labelled=one.first,
                    predicted=one.second,
                    video=pair_of_track.track.video,
                    start_seconds=one.start_seconds,
                    end_seconds=one.end_seconds,
                )
                cells[one.first, one.second].append(span)
        for own in cells.values():
            longest = sorted(own, key=lambda one: one.start_seconds - one.end_seconds)[:MOST_SPANS]
            found += sorted(longest, key=lambda one: (one.video, one.start_seconds))
    return tuple(found)
