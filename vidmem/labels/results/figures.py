"""Percent agreement, Cohen's kappa and Gwet's AC1 of a matrix of two accounts.

    P0     share of the whole on which both say the same
    kappa  (P0 - Pe) / (1 - Pe), Pe = sum over classes of first's share x second's share
           (Cohen 1960, Educational and Psychological Measurement 20:37)
    AC1    (P0 - Pg) / (1 - Pg), Pg = sum of p (1 - p) / (K - 1), p the mean of both shares of a
           class, of K classes (Gwet 2008, British Journal of Mathematical and Statistical
           Psychology 61:29)

Where one class has nearly all the time, kappa is low however well two agree; AC1 is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vidmem.labels.results import sklearn_figures
from vidmem.labels.results.sklearn_figures import Amounts

Unit = Literal["seconds", "scans"]

NOTHING_SCORED = "there is no time that both scored"
ONE_CLASS = "only one class is used, so agreement by chance would be complete"


@dataclass(frozen=True, kw_only=True)
class AgreementFigures:
    """How far two accounts agree, counted in one way."""

    unit: Unit
    """What is counted: time itself, or scans."""

    total: float
    """Seconds or scans that both scored."""

    class_names: tuple[str, ...] = ()
    """Those that either uses; empty of several axes pooled."""

    confusion: tuple[tuple[float, ...], ...] = ()
    """Rows are the first's, columns the second's; in seconds or scans."""

    num_classes: int
    """K of AC1: how many classes there were to choose from, at least two."""

    percent_agreement: float | None
    """0 to 100; `None`: there is nothing that both scored."""

    chance_percent: float | None
    """Pe of kappa, 0 to 100."""

    ac1_chance_percent: float | None
    """Pg of AC1, 0 to 100."""

    kappa: float | None
    """`None`: undefined, for the reason below."""

    ac1: float | None

    kappa_undefined: str = ""
    """Why; empty: it is defined."""

    ac1_undefined: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        total, rows = self.total, [list(row) for row in self.confusion]
        if self.unit == "scans":
            total, rows = int(total), [[int(count) for count in row] for row in rows]
        return {
            f"total_{self.unit}": total,
            "percent_agreement": self.percent_agreement,
            "kappa": self.kappa,
            "kappa_undefined_because": self.kappa_undefined or None,
            "ac1": self.ac1,
            "ac1_undefined_because": self.ac1_undefined or None,
            "chance_percent": self.chance_percent,
            "ac1_chance_percent": self.ac1_chance_percent,
            "num_classes": self.num_classes,
            "class_names": list(self.class_names),
            f"confusion_{self.unit}": rows,
        }


def agreement_figures(
    amounts: Amounts, class_names: Sequence[str], *, unit: Unit, num_classes: int
) -> AgreementFigures:
    """The figures of a matrix.

    Args:
        amounts: Seconds or scans; rows are the first's classes, columns the second's.
        class_names: Of its rows.
        unit: What it counts.
        num_classes: How many there were to choose from; one that nobody used counts too.
    """
    total = float(amounts.sum())
    used = np.flatnonzero((amounts.sum(0) > 0) | (amounts.sum(1) > 0)).tolist()
    names = tuple(class_names[index] for index in used)
    rows = amounts[np.ix_(used, used)].round(6).tolist()
    common: dict[str, Any] = {
        "unit": unit,
        "total": round(total, 6),
        "class_names": names,
        "confusion": tuple(map(tuple, rows)),
        "num_classes": max(num_classes, 2),
    }
    if not len(used):
        return _undefined(common, NOTHING_SCORED)
    shares_first, shares_second = amounts.sum(1) / total, amounts.sum(0) / total
    observed = float(np.trace(amounts)) / total
    expected = float(shares_first @ shares_second)
    means = (shares_first + shares_second) / 2
    gwet = float((means * (1 - means)).sum()) / (common["num_classes"] - 1)
    is_one_class = len(used) == 1
    return AgreementFigures(
        **common,
        percent_agreement=100 * observed,
        chance_percent=100 * expected,
        ac1_chance_percent=100 * gwet,
        kappa=None if is_one_class else sklearn_figures.kappa(amounts),
        kappa_undefined=ONE_CLASS if is_one_class else "",
        ac1=(observed - gwet) / (1 - gwet),  # Pg is at most one half
    )


def pooled_figures(parts: Sequence[AgreementFigures], unit: Unit) -> AgreementFigures:
    """Of several axes, whose classes exclude each other within an axis only.

    Agreement, seen and by chance, is the mean of the axes, weighed by what both scored of each:
    pooled kappa (De Vries et al. 2008, Field Methods 20:272).
    """
    parts = [one for one in parts if one.total > 0]
    if len(parts) == 1:
        return parts[0]
    total = sum(one.total for one in parts)
    common: dict[str, Any] = {
        "unit": unit,
        "total": round(total, 6),
        "num_classes": sum(one.num_classes for one in parts),
    }
    if not parts:
        return _undefined({**common, "num_classes": 2}, NOTHING_SCORED)

    def mean(name: str) -> float:
        return sum(getattr(one, name) * one.total for one in parts) / total / 100

    observed, expected, gwet = map(
        mean, ("percent_agreement", "chance_percent", "ac1_chance_percent")
    )
    # Of each axis exactly one class: rounding must not make a number of that.
    is_one_class = all(len(one.class_names) == 1 for one in parts)
    return AgreementFigures(
        **common,
        percent_agreement=100 * observed,
        chance_percent=100 * expected,
        ac1_chance_percent=100 * gwet,
        kappa=None if is_one_class else (observed - expected) / (1 - expected),
        kappa_undefined=ONE_CLASS if is_one_class else "",
        ac1=(observed - gwet) / (1 - gwet),
    )


def _undefined(common: dict[str, Any], reason: str) -> AgreementFigures:
    return AgreementFigures(
        **common,
        percent_agreement=None,
        chance_percent=None,
        ac1_chance_percent=None,
        kappa=None,
        kappa_undefined=reason,
        ac1=None,
        ac1_undefined=reason,
    )
