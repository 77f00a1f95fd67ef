"""A file of predictions as a run writes it, made by hand."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

Row = tuple[float, float, Sequence[float]]


def write_predictions(
    path: Path,
    names: Sequence[str],
    rows: Iterable[Row],
    *,
    model: str = "tiny",
    settings: str = "fps=4",
    unlikeness: float | None = None,
    is_more: bool = False,
    axes: str = "",
) -> Path:
    """Windows from start to end with a probability of each class; `is_more`: below those there."""
    header = ["start_seconds", "end_seconds", "label", "probability", "remembered", *names]
    header += ["gap", "unlikeness", "model", "settings", *["axes"] * bool(axes)]
    lines = [] if is_more else [header]
    for start, end, probabilities in rows:
        best = max(range(len(names)), key=lambda at: probabilities[at])
        cells = [f"{start:.3f}", f"{end:.3f}", names[best], f"{probabilities[best]:.6f}", "0"]
        cells += [f"{one:.6f}" for one in probabilities]
        unlike = "" if unlikeness is None else f"{unlikeness:.2f}"
        lines.append([*cells, "", unlike, model, settings, *[axes] * bool(axes)])
    with path.open("a" if is_more else "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
    return path


def steps(*labels: int, seconds: float = 4.0, sure: float = 0.9, num: int = 2) -> list[Row]:
    """Windows one after the other, each sure of one class."""
    rest = (1 - sure) / (num - 1)
    return [
        (at * seconds, (at + 1) * seconds, [sure if at_ == label else rest for at_ in range(num)])
        for at, label in enumerate(labels)
    ]
