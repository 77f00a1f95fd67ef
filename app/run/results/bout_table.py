"""Bouts so far as tables: one row per behaviour for the page, one per bout for a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.projects.run_bouts import VERSIONS
from app.run.results.bouts import BoutBook, BoutFacts
from app.run.results.timeline import Timeline
from vidmem.labels import (
    DEFAULT_AXIS,
    Behaviour,
    Bout,
    Ethogram,
    LabelledVideo,
    Labels,
    reserved_name,
)
from vidmem.labels.formats import About, RunCondition, WriteOptions, about_run, format_named
from vidmem.streaming import Prediction
from vidmem.units import visible

AS_IS = "bouts: the most probable behaviour, as it is"
SHORT_JOINED = "bouts: those shorter than {seconds:g} s joined to the one before"
MAX_CONDITIONS = 1_000


def bout_rows(facts: BoutFacts, timeline: Timeline) -> list[list[Any]]:
    """Name, column, bouts, seconds and share of the time, of each behaviour that was seen.

    What took most of the time comes first.
    """
    whole = sum(total.num_seconds for total in facts.totals) or 1.0
    rows = [
        [
            name,
            column,
            total.num_bouts,
            round(total.num_seconds, 2),
            round(total.num_seconds / whole, 4),
        ]
        for column, (name, total) in enumerate(
            zip(timeline.columns.names, facts.totals, strict=False)
        )
        if total.num_bouts
    ]
    return sorted(rows, key=lambda row: -row[3])


@dataclass
class RunHistory:
    """The models and settings of a run, and from when on each was in use."""

    conditions: list[RunCondition] = field(default_factory=list)

    def add(self, prediction: Prediction) -> None:
        """Note what a clip was judged with, where that is new."""
        now = (clean(prediction.model_name), clean(prediction.settings))
        last = self.conditions[-1] if self.conditions else None
        if last is None or (last.model, last.settings) != now:
            self.conditions.append(RunCondition(prediction.start_seconds, *now))
            del self.conditions[:-MAX_CONDITIONS]

    def about(self, min_bout_seconds: float) -> About:
        """Of all of the run, and how its bouts were made."""
        return self._made(about_run(self._in_order()), min_bout_seconds)

    def about_bout(self, bout: Bout, min_bout_seconds: float) -> About:
        """Of one bout."""
        of_bout = about_run(self._in_order(), bout.start_seconds, bout.end_seconds)
        return self._made(of_bout, min_bout_seconds)

    def models(self, start_seconds: float, end_seconds: float) -> str:
        """That judged a part of the video."""
        return about_run(self._in_order(), start_seconds, end_seconds).model

    def _in_order(self) -> list[RunCondition]:
        # After a jump back, what is judged later comes earlier in the video.
        return sorted(self.conditions, key=lambda one: one.start_seconds)

    def _made(self, about: About, min_bout_seconds: float) -> About:
        processing = SHORT_JOINED.format(seconds=min_bout_seconds) if min_bout_seconds else AS_IS
        settings = "; ".join(filter(None, (about.settings, processing)))
        return replace(about, settings=settings, versions=VERSIONS)


def bouts_csv(
    books: Sequence[BoutBook],
    timeline: Timeline,
    min_seconds: float,
    *,
    video: LabelledVideo,
    history: RunHistory,
) -> bytes:
    """The bouts of at least `min_seconds`, one a row, as vidmem's own CSV, in one file.

    There is a book for each axis, or for the first one where there are many classes.
    Their mean probability is to two places: a timeline keeps probabilities as bytes.
    """
    names = [clean(name) for name in timeline.columns.names]
    about = history.about(min_seconds)
    bouts = []
    for one in (one for book in books for one in book.listed(min_seconds).bouts):
        start, end, column = one.start_seconds, one.end_seconds, one.class_index
        if reserved_name(names[column]) is None:
            share = round(timeline.mean_probability(column, start, end), 2)
            author = history.models(start, end)
            bouts.append(
                Bout(
                    video.name,
                    start,
                    end,
                    names[column],
                    author=author,
                    score=share,
                    source="model",
                )
            )
    columns = timeline.columns
    of_axes = columns.of_axes or [list(range(len(names)))]
    axis_names = [clean(axis.name) for axis in columns.axes] or [DEFAULT_AXIS]
    ethogram = Ethogram(
        tuple(
            Behaviour(names[column], axis=axis)
            for axis, own in zip(axis_names, of_axes, strict=False)
            for column in own
            if reserved_name(names[column]) is None
        )
    )
    labels = Labels(ethogram, tuple(bouts), videos=(video,))
    options = WriteOptions(
        about=about,
        about_bout=lambda bout: history.about_bout(bout, min_seconds),
        is_one_file=True,
    )
    path, write = Path("bouts.csv"), format_named("csv").write
    assert write is not None, "the format is written"
    return write(labels, path, options).files[path]


def clean(name: str) -> str:
    """One line, as labels have it."""
    return visible(name.strip()).strip()
