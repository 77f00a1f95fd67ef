"""Scores of predictions against labels, beside what naming the most common behaviour would get.

Only time that both scored counts. A class counts in macro-F1 if the labels or the predictions have
it there: `macro_f1` is of behaviours alone, `macro_f1_with_none` takes *none of these* as one more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from vidmem.errors import LabelError, SettingError
from vidmem.labels.ethogram import NONE_OF_THESE
from vidmem.labels.labels import Labels
from vidmem.labels.postprocessing import ClassProbabilities
from vidmem.labels.results import sklearn_figures
from vidmem.labels.results.agreement import DEFAULT_TOLERANCE_SECONDS
from vidmem.labels.results.aligning import aligned
from vidmem.labels.results.events import EventAgreement, match_events
from vidmem.labels.results.figures import agreement_figures
from vidmem.labels.results.intervals import (
    DEFAULT_BLOCK_SECONDS,
    ScoreInterval,
    block_confusions,
    macro_f1_interval,
)
from vidmem.labels.results.pairing import LeftOut, PairedTrack, pair, sum_left_out
from vidmem.labels.results.probabilities import average_precisions
from vidmem.labels.results.segments import (
    EDGES_AT_IOU_PERCENT,
    EdgeErrors,
    SegmentalScore,
    edge_errors,
    edit_score,
    segmental_scores,
    segments_of,
)
from vidmem.labels.results.sklearn_figures import Amounts, ClassFigures


@dataclass(frozen=True, kw_only=True)
class BehaviourScore:
    """How well one class is found, in what both scored."""

    behaviour: str
    """Or `NONE_OF_THESE`."""

    precision: float | None
    """0 to 1; `None`: it was never predicted."""

    recall: float | None
    """`None`: the labels do not have it."""

    f1: float | None
    """`None`: neither has it."""

    average_precision: float | None
    """Of probabilities; `None`: there are none, or the labels do not have it."""

    support_seconds: float
    """In the labels."""

    predicted_seconds: float
    num_bouts: int
    """In the labels."""

    num_predicted_bouts: int
    duration_error_percent: float
    """Predicted less labelled, of all time that both scored."""

    @property
    def duration_error_seconds(self) -> float:
        """Predicted less labelled."""
        return round(self.predicted_seconds - self.support_seconds, 6)

    @property
    def bout_count_error(self) -> int:
        """Predicted less labelled."""
        return self.num_predicted_bouts - self.num_bouts

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "behaviour": self.behaviour,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "average_precision": self.average_precision,
            "support_seconds": self.support_seconds,
            "predicted_seconds": self.predicted_seconds,
            "duration_error_seconds": self.duration_error_seconds,
            "duration_error_percent": self.duration_error_percent,
            "num_bouts": self.num_bouts,
            "num_predicted_bouts": self.num_predicted_bouts,
            "bout_count_error": self.bout_count_error,
        }


@dataclass(frozen=True, kw_only=True)
class MajorityScore:
    """What somebody gets who names the most common class of these labels, always."""

    behaviour: str
    """Empty: nothing was scored."""

    macro_f1: float | None
    macro_f1_with_none: float | None
    percent_agreement: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "behaviour": self.behaviour,
            "macro_f1": self.macro_f1,
            "macro_f1_with_none": self.macro_f1_with_none,
            "percent_agreement": self.percent_agreement,
        }


@dataclass(frozen=True, kw_only=True)
class PredictionScore:
    """Scores of one axis, over all videos and subjects."""

    axis: str
    fps: float | None
    """Samples per second that were compared; `None`: all time, to a microsecond."""

    scored_seconds: float
    macro_f1: float | None
    """Of behaviours, 0 to 1; `None`: neither has any in what both scored."""

    macro_f1_with_none: float | None
    """With *none of these* as one more class."""

    macro_f1_interval: ScoreInterval
    mean_average_precision: float | None
    """Of behaviours that have one."""

    percent_agreement: float | None
    """Accuracy, 0 to 100: where one behaviour has most of the time, no score of anything."""

    kappa: float | None
    """Cohen's, weighted by duration; of samples where `fps` is given."""

    kappa_undefined: str
    """Why; empty: it is defined."""

    majority: MajorityScore
    per_class: tuple[BehaviourScore, ...]
    class_names: tuple[str, ...]
    confusion_seconds: tuple[tuple[float, ...], ...]
    """Rows are labels, columns predictions, in the order of `class_names`."""

    segmental: tuple[SegmentalScore, ...]
    edit_score: float | None
    start_errors: EdgeErrors
    end_errors: EdgeErrors
    events: tuple[EventAgreement, ...]
    """Point behaviours; *first* are the labels."""

    left_out: LeftOut
    """*First* are the labels."""

    @property
    def kappa_method(self) -> str:
        """How kappa was counted."""
        return "duration-weighted" if self.fps is None else f"sampled {self.fps:g} times a second"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "axis": self.axis,
            "fps": self.fps,
            "scored_seconds": self.scored_seconds,
            "macro_f1": self.macro_f1,
            "macro_f1_with_none": self.macro_f1_with_none,
            "macro_f1_interval": self.macro_f1_interval.as_dict(),
            "mean_average_precision": self.mean_average_precision,
            "percent_agreement": self.percent_agreement,
            "kappa": self.kappa,
            "kappa_undefined_because": self.kappa_undefined or None,
            "kappa_method": self.kappa_method,
            "majority": self.majority.as_dict(),
            "per_class": [one.as_dict() for one in self.per_class],
            "class_names": list(self.class_names),
            "confusion_seconds": [list(row) for row in self.confusion_seconds],
            "segmental": [one.as_dict() for one in self.segmental],
            "edit_score": self.edit_score,
            "edges": {
                "matched_at_iou_percent": EDGES_AT_IOU_PERCENT,
                "start": self.start_errors.as_dict(),
                "end": self.end_errors.as_dict(),
            },
            "events": [one.as_dict() for one in self.events],
            "left_out": self.left_out.as_dict(),
        }


def score(
    predicted: Labels,
    labels: Labels,
    *,
    axis: str | None = None,
    fps: float | None = None,
    probabilities: Mapping[str, ClassProbabilities] | None = None,
    block_seconds: float = DEFAULT_BLOCK_SECONDS,
    seed: int = 0,
) -> PredictionScore:
    """How well predictions agree with labels, on what both scored.

    Args:
        predicted: What a model said; where it says nothing, nothing counts, so mark as scored what
            it was asked about (`Labels.mark_scored`) if it may predict no behaviour.
        labels: What a person said; their axes hold for both.
        axis: Which one; `None`: the only one of which both say something.
        fps: Compare samples at 0, 1/fps, 2/fps, ... of each video; `None`: all time.
        probabilities: By video, for average precision; of a model that tells no subjects apart.
        block_seconds: Length of the blocks that the interval of macro-F1 is made of.
        seed: Of that interval.

    Raises:
        LabelError: If there is no such axis, or several and none was chosen.
        SettingError: If `fps` or `block_seconds` is not above 0.
    """
    _check("fps", fps)
    _check("block_seconds", block_seconds)
    predicted = aligned(predicted, labels.ethogram)
    axis = _chosen_axis(predicted, labels) if axis is None else axis
    whole = pair(labels, predicted, axis=axis)
    pairs = [one.sampled(fps) for one in whole]
    ethogram = labels.ethogram.united(predicted.ethogram)
    names = (*(one.name for one in ethogram.states_of(axis)), NONE_OF_THESE)
    codes = {name: index for index, name in enumerate(names)}
    amounts = _amounts(pairs, codes)
    figures = sklearn_figures.class_figures(amounts)
    agreement = agreement_figures(amounts, names, unit="seconds", num_classes=len(names))
    precisions = average_precisions(pairs, names, probabilities or {})
    per_class = _per_class(names, amounts, figures, precisions, pairs)
    is_behaviour = [name != NONE_OF_THESE for name in names]
    starts, ends = edge_errors(pairs)
    blocks = block_confusions(pairs, codes, block_seconds)
    return PredictionScore(
        axis=axis,
        fps=fps,
        scored_seconds=agreement.total,
        macro_f1=_mean([one.f1 for one in per_class if one.behaviour != NONE_OF_THESE]),
        macro_f1_with_none=_mean([one.f1 for one in per_class]),
        macro_f1_interval=macro_f1_interval(
            blocks, is_behaviour, block_seconds=block_seconds, seed=seed
        ),
        mean_average_precision=_mean(
            [one.average_precision for one in per_class if one.behaviour != NONE_OF_THESE]
        ),
        percent_agreement=agreement.percent_agreement,
        kappa=agreement.kappa,
        kappa_undefined=agreement.kappa_undefined,
        majority=_majority(names, amounts),
        per_class=per_class,
        class_names=agreement.class_names,
        confusion_seconds=agreement.confusion,
        segmental=segmental_scores(pairs),
        edit_score=edit_score(pairs),
        start_errors=starts,
        end_errors=ends,
        events=match_events(labels, predicted, whole, tolerance_seconds=DEFAULT_TOLERANCE_SECONDS),
        left_out=sum_left_out(whole),
    )


def _check(name: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise SettingError(f"{name} must be above 0, got {value:g}")


def _chosen_axis(predicted: Labels, labels: Labels) -> str:
    known = [one for one in labels.ethogram.axes if labels.ethogram.states_of(one)]
    both = [one for one in known if any(track.axis == one for track in predicted.tracks)]
    if len(both) == 1:
        return both[0]
    if not both:
        raise LabelError(
            f"predictions and labels have no behaviour in common; the labels have "
            f"{', '.join(labels.ethogram.names)[:200] or 'none'}, the predictions "
            f"{', '.join(predicted.ethogram.names)[:200] or 'none'}"
        )
    raise LabelError(f"there are several axes, choose one: {', '.join(both)}")


def _amounts(pairs: Sequence[PairedTrack], codes: Mapping[str, int]) -> Amounts:
    stretches = [stretch for one in pairs for run in one.runs for stretch in run]
    return sklearn_figures.confusion(
        [codes[one.first] for one in stretches],
        [codes[one.second] for one in stretches],
        [one.num_seconds for one in stretches],
        len(codes),
    )


def _per_class(
    names: Sequence[str],
    amounts: Amounts,
    figures: ClassFigures,
    precisions: Mapping[str, float | None],
    pairs: Sequence[PairedTrack],
) -> tuple[BehaviourScore, ...]:
    """Of all behaviours, and of *none of these* where either says it."""
    sides = [
        [one.behaviour for pair in pairs for one in segments_of(pair.runs, side)]
        for side in ("first", "second")
    ]
    total = amounts.sum()
    rows = []
    for index, name in enumerate(names):
        support, found = float(amounts[index].sum()), float(amounts[:, index].sum())
        if name == NONE_OF_THESE and not support and not found:
            continue
        rows.append(
            BehaviourScore(
                behaviour=name,
                precision=figures.precision[index],
                recall=figures.recall[index],
                f1=figures.f1[index],
                average_precision=precisions.get(name),
                support_seconds=round(support, 6),
                predicted_seconds=round(found, 6),
                num_bouts=sides[0].count(name),
                num_predicted_bouts=sides[1].count(name),
                duration_error_percent=float(100 * (found - support) / total) if total else 0.0,
            )
        )
    return tuple(rows)


def _majority(names: Sequence[str], amounts: Amounts) -> MajorityScore:
    """The figures of predictions that are all the labels' most common class."""
    support = amounts.sum(1)
    if not support.any():
        return MajorityScore(
            behaviour="", macro_f1=None, macro_f1_with_none=None, percent_agreement=None
        )
    best = int(support.argmax())
    constant = np.zeros_like(amounts)
    constant[:, best] = support
    figures = sklearn_figures.class_figures(constant).f1
    return MajorityScore(
        behaviour=names[best],
        macro_f1=_mean(
            [f1 for f1, name in zip(figures, names, strict=True) if name != NONE_OF_THESE]
        ),
        macro_f1_with_none=_mean(figures),
        percent_agreement=float(100 * support[best] / support.sum()),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
