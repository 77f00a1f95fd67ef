"""The table of an ablation: a row for each variant, mean and interval over its seeds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Student's t, 97.5th percentile, for 1, 2, ... degrees of freedom; beyond them the last is near.
_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
)


@dataclass(frozen=True, kw_only=True)
class AblationRow:
    """One variant, with the scores of its runs."""

    name: str
    scores: tuple[Mapping[str, float], ...]
    """Of each run that ended well, a score by its name."""

    failures: tuple[str, ...] = ()
    """Why runs failed, a sentence each."""

    learned_parameters: int = 0
    """Weights that were learnt."""

    seconds: float = 0.0
    """Of all its runs together."""


@dataclass(frozen=True)
class SeedMean:
    """A score over seeds."""

    mean: float
    half_width: float
    """Half of the 95 % interval for the mean, by Student's t; NaN for a single seed."""

    num_seeds: int

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The upper end of the interval; it may lie beyond what a score can be."""
        return self.mean + self.half_width


@dataclass(frozen=True, kw_only=True)
class AblationTable:
    """All rows, and which scores are shown of them."""

    title: str
    rows: tuple[AblationRow, ...]

    columns: tuple[str, ...] = ()
    """Scores; empty: all that a run has, in its order."""

    note: str = ""
    """What was the same for all."""

    @property
    def shown_columns(self) -> tuple[str, ...]:
        """Scores that the table shows."""
        named = (name for row in self.rows for scores in row.scores for name in scores)
        return self.columns or tuple(dict.fromkeys(named))

    def cell(self, row: AblationRow, column: str) -> SeedMean | None:
        """A score of a row over its seeds; `None` where no run has it."""
        return seed_mean([scores[column] for scores in row.scores if column in scores])


def seed_mean(values: Sequence[float]) -> SeedMean | None:
    """Mean and interval of a score over seeds; `None` without any."""
    if not values:
        return None
    count, half_width = len(values), math.nan
    if count > 1:
        quantile = _T[min(count - 1, len(_T)) - 1]
        half_width = quantile * float(np.std(values, ddof=1)) / math.sqrt(count)
    return SeedMean(float(np.mean(values)), half_width, count)


def ablation_as_markdown(table: AblationTable) -> str:
    """The title, the table, what failed, and how to read it."""
    columns = table.shown_columns
    head = ["variant", *columns, "seeds", "weights", "minutes"]
    lines = [f"**{table.title}**", ""]
    if table.note:
        lines += [table.note, ""]
    lines += [_line(head), _line(["---"] * len(head))]
    lines += [_line(_cells(table, row, columns)) for row in table.rows]
    minutes = sum(row.seconds for row in table.rows) / 60
    lines += [
        "",
        "Mean over seeds ± half of its 95 % interval (Student's t). Minutes are of all seeds "
        f"of a row together. All rows: {minutes:.1f} minutes.",
    ]
    failures = [f"- {row.name}: {text}" for row in table.rows for text in row.failures]
    if failures:
        lines += ["", f"Failed, and not in the table ({len(failures)}):", "", *failures]
    return "\n".join(lines)


def ablation_as_csv(table: AblationTable) -> str:
    """A line for each row and score."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["variant", "score", "mean", "low", "high", "seeds", "failed", "weights"])
    for row in table.rows:
        for column in table.shown_columns:
            cell = table.cell(row, column)
            ends = [] if cell is None else [cell.mean, cell.low, cell.high]
            numbers = ["" if math.isnan(one) else f"{one:.6g}" for one in ends] or ["", "", ""]
            counts = [0 if cell is None else cell.num_seeds, len(row.failures)]
            writer.writerow([row.name, column, *numbers, *counts, row.learned_parameters])
    return file.getvalue()


def _cells(table: AblationTable, row: AblationRow, columns: Sequence[str]) -> list[str]:
    return [
        row.name,
        *(_in_words(table.cell(row, column)) for column in columns),
        str(len(row.scores)) + (f", {len(row.failures)} failed" if row.failures else ""),
        f"{row.learned_parameters:,}",
        f"{row.seconds / 60:.1f}",
    ]


def _in_words(cell: SeedMean | None) -> str:
    if cell is None:
        return ""
    interval = "" if math.isnan(cell.half_width) else f" ± {cell.half_width:.2f}"
    return f"{cell.mean:.2f}{interval}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(one.replace("|", "\\|").replace("\n", " ") for one in cells) + " |"
