"""Results as tables for spreadsheets: a line of names, then a row for each number's place."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from vidmem.files import guarded
from vidmem.labels.results.agreement import Agreement, AgreementRow
from vidmem.labels.results.budget import BUDGET_COLUMNS, TimeBudget
from vidmem.labels.results.figures import AgreementFigures
from vidmem.labels.results.transitions import Transitions

DIGITS = {"percent_of_scored": 4, "rate_per_hour": 4}
"""Behind the point; times are to the microsecond as they come."""

AGREEMENT_COLUMNS = (
    "axis",
    "video",
    "subject",
    "method",
    "counted",
    "unit",
    "percent_agreement",
    "kappa",
    "kappa_undefined_because",
    "ac1",
    "ac1_undefined_because",
    "chance_percent",
    "ac1_chance_percent",
    "num_classes",
    "left_out_only_first_seconds",
    "left_out_only_second_seconds",
    "left_out_not_scored_seconds",
)


def budget_csv(found: TimeBudget) -> str:
    """A row for each behaviour of each subject in each period."""
    rows = [
        [_rounded(cell, DIGITS.get(name)) for name, cell in row.as_dict().items()]
        for row in found.rows
    ]
    return table_csv([BUDGET_COLUMNS, *rows])


def transitions_csv(found: Iterable[Transitions]) -> str:
    """A row for each pair of behaviours of each axis: how often the second follows the first."""
    rows: list[Sequence[Any]] = [
        ("axis", "from", "to", "count", "probability", "max_gap_seconds", "num_left_out")
    ]
    for one in found:
        for before, counts, shares in zip(one.names, one.counts, one.probabilities, strict=True):
            for after, count, share in zip(one.names, counts, shares, strict=True):
                probability = _rounded(share, 6)
                more = (one.max_gap_seconds, one.num_left_out)
                rows.append((one.axis, before, after, count, probability, *more))
    return table_csv(rows)


def agreement_csv(found: Agreement) -> str:
    """Two rows, by scans and by seconds, for each axis, and each video and subject of it."""
    rows: list[Sequence[Any]] = [AGREEMENT_COLUMNS]
    for axis in found.axes:
        for row in (axis.pooled, *axis.by_video, *axis.by_subject, *axis.by_track):
            rows += _agreement_rows(row, found.interval_seconds)
    if len(found.axes) > 1:
        rows += _agreement_rows(found.pooled, found.interval_seconds)
    return table_csv(rows)


def confusion_csv(found: Agreement) -> str:
    """A row for each pair of classes of each axis: seconds, and scans."""
    rows: list[Sequence[Any]] = [("axis", "first", "second", "seconds", "scans")]
    for axis in found.axes:
        seconds, scans = axis.pooled.duration_weighted, axis.pooled.scan_sampled
        counted = _cells(scans)
        for pair, amount in _cells(seconds).items():
            rows.append((axis.axis, *pair, amount, int(counted.get(pair, 0))))
    return table_csv(rows)


def table_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as text; a cell that begins like a formula is made harmless, and `None` is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow(guarded(cell) if isinstance(cell, str) else cell for cell in row)
    return text.getvalue()


def _agreement_rows(row: AgreementRow, interval_seconds: float) -> list[list[Any]]:
    left_out = row.left_out
    where = [
        "all axes" if row.axis is None else row.axis,
        "all" if row.video is None else row.video,
        "all" if row.subject is None else row.subject,
    ]
    out = [
        round(value, 6)
        for value in (
            left_out.only_first_seconds,
            left_out.only_second_seconds,
            left_out.not_scored_seconds,
        )
    ]
    return [
        [*where, method, *_figure_cells(figures), *out]
        for method, figures in (
            (f"scans every {interval_seconds:g} s", row.scan_sampled),
            ("weighted by duration", row.duration_weighted),
        )
    ]


def _figure_cells(one: AgreementFigures) -> list[Any]:
    return [
        one.total,
        one.unit,
        _rounded(one.percent_agreement, 4),
        _rounded(one.kappa, 6),
        one.kappa_undefined,
        _rounded(one.ac1, 6),
        one.ac1_undefined,
        _rounded(one.chance_percent, 4),
        _rounded(one.ac1_chance_percent, 4),
        one.num_classes,
    ]


def _cells(one: AgreementFigures) -> dict[tuple[str, str], float]:
    return {
        (first, second): amount
        for first, row in zip(one.class_names, one.confusion, strict=True)
        for second, amount in zip(one.class_names, row, strict=True)
    }


def _rounded(value: Any, digits: int | None) -> Any:
    return value if value is None or digits is None else round(value, digits)
