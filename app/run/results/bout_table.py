"""Bouts so far as tables: one row per behaviour for the page, one per bout for a file."""

from __future__ import annotations

import csv
import io
from typing import Any

from app.run.results.bouts import BoutBook, BoutFacts
from app.run.results.timeline import Timeline

BOUT_COLUMNS = (
    "behaviour",
    "start_seconds",
    "end_seconds",
    "duration_seconds",
    "mean_probability",
    "min_bout_seconds",
)


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


def bouts_csv(book: BoutBook, timeline: Timeline, min_seconds: float) -> bytes:
    """The bouts of at least `min_seconds`, one a row, with their mean probability.

    To two places: a timeline keeps probabilities as bytes.
    """
    rows: list[tuple[str, ...]] = [BOUT_COLUMNS]
    for bout in book.listed(min_seconds).bouts:
        start, end, column = bout.start_seconds, bout.end_seconds, bout.class_index
        share = timeline.mean_probability(column, start, end)
        times = (f"{start:.3f}", f"{end:.3f}", f"{end - start:.3f}")
        name = timeline.columns.names[column]
        rows.append((name, *times, f"{share:.2f}", f"{min_seconds:g}"))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
