"""How good a taught model is: numbers with what they are worth, and in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from vidmem.errors import StorageError
from vidmem.labels.results import PredictionScore
from vidmem.models import CardAxis
from vidmem.plain import to_json
from vidmem.teaching.report.judged import JudgedSpan
from vidmem.teaching.report.scoring import CalibrationBin
from vidmem.teaching.splits import Split

JSON_FILE, MARKDOWN_FILE = "report.json", "report.md"

GOOD_F1, USABLE_F1 = 0.9, 0.75
"""Of macro-F1, in words: what people use after a look, and what they have to go over."""

NO_CHANGE_F1 = 0.01
"""Of macro-F1: less is no difference between two models."""


@dataclass(frozen=True, kw_only=True)
class CandidateReport:
    """The scores of one network or baseline on the time kept to test with."""

    name: str
    title: str
    seeds: tuple[tuple[PredictionScore, ...], ...]
    """For each seed, the scores of each axis."""

    num_steps: tuple[int, ...] = ()
    """Of each seed, after which held-out time was told best; 0: the linear head alone."""

    continues_earlier: bool = False
    """Whether it began as the network of an earlier model: then 0 steps leave that as it was."""

    seconds: float = 0.0
    """It took to teach it, all seeds; the linear heads that are fitted to all that is learnt from
    count for themselves alone, since every network begins with them."""

    @property
    def macro_f1(self) -> float | None:
        """The mean over axes and seeds; `None`: undefined."""
        return _mean([self.axis_macro_f1(index) for index in range(len(self.seeds[0]))])

    def axis_macro_f1(self, axis: int) -> float | None:
        """The mean over seeds; *none of these* counts as one more class where it is taught."""
        return _mean([macro_f1_of(scores[axis]) for scores in self.seeds])

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "macro_f1": self.macro_f1,
            "num_steps": list(self.num_steps),
            "continues_earlier": self.continues_earlier,
            "seconds": round(self.seconds, 2),
            "seeds": [[one.as_dict() for one in scores] for scores in self.seeds],
        }


@dataclass(frozen=True)
class MemoryRow:
    """The scores of a model that remembers less, or more."""

    memory: int
    words: str
    macro_f1: tuple[float | None, ...]
    """Of each axis."""


@dataclass(frozen=True)
class CurvePoint:
    """What the linear head gets from fewer labels."""

    seconds: float
    """Labelled time that it learnt from."""

    macro_f1: tuple[float, ...]
    """Of each axis: the mean over draws."""

    lowest: tuple[float, ...]
    highest: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class AxisCalibration:
    """Whether probabilities come true, on the time kept to test with."""

    temperature: float
    """What logits are divided by; found on the time that tells when to stop."""

    error: float
    """Expected calibration error after that, 0 to 1."""

    estimated_accuracy: float | None
    """Of the time that nobody labelled: the mean probability of what is named there. `None`: there
    is no such time."""

    bins: tuple[CalibrationBin, ...] = ()
    """Of the time kept to test with, after that."""


@dataclass(frozen=True)
class Suggestion:
    """A stretch worth labelling next: there the model is in most doubt."""

    video: str
    start_seconds: float
    end_seconds: float
    doubt: float
    """Mean of one minus the probability of what it names."""

    subject: str = ""
    """Whose; with regions, of which one."""


@dataclass(frozen=True, kw_only=True)
class SubjectScore:
    """How the model does on one subject, or on one region."""

    subject: str
    labelled_seconds: float
    """Of this subject, in all videos."""

    tested_seconds: float
    """Of that, kept to test with."""

    macro_f1: tuple[float | None, ...]
    """Of each axis, over the classes that are there in what was tested; `None`: nothing was."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "subject": self.subject,
            "labelled_seconds": round(self.labelled_seconds, 3),
            "tested_seconds": round(self.tested_seconds, 3),
            "macro_f1": list(self.macro_f1),
        }


@dataclass(frozen=True, kw_only=True)
class TeachReport:
    """What came of teaching a model."""

    model: str
    """Name of the candidate that the model is."""

    axes: tuple[CardAxis, ...]
    split: Split
    candidates: tuple[CandidateReport, ...]
    """The model first, then the baselines."""

    memory_name: str
    memory: tuple[MemoryRow, ...]
    """With memory off, half, and full."""

    curve: tuple[CurvePoint, ...]
    calibration: tuple[AxisCalibration, ...]
    suggestions: tuple[Suggestion, ...]
    latency_seconds: float
    """From the end of a clip until a stream's prediction of it is final."""

    encoding_seconds: float
    """It took to make features, what was kept from before not counted again."""

    teaching_seconds: float
    """It took from features to the model, its baselines included."""

    subjects: tuple[SubjectScore, ...] = ()
    """Of the model, first seed; empty: there are not several."""
    earlier: CandidateReport | None = None
    """The model that this one is a correction of, on the same time with the same labels; None: it
    is no correction."""

    left_out: tuple[str, ...] = ()
    """What a whole report has beside this one, in words."""
    judged: tuple[JudgedSpan, ...] = ()
    """What lies behind each cell of the confusion matrices, of the first seed."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """Of what it was taught: videos, encoder, rates."""

    @property
    def chosen(self) -> CandidateReport:
        """The candidate that the model is."""
        return self.candidates[0]

    @property
    def macro_f1(self) -> float | None:
        """Of the model, the mean over its axes."""
        return self.chosen.macro_f1

    @property
    def baselines(self) -> dict[str, float | None]:
        """Macro-F1 of each baseline, the mean over the axes; `majority` names the most common."""
        found = {one.name: one.macro_f1 for one in self.candidates[1:]}
        majority = [majority_f1_of(one) for one in self.chosen.seeds[0]]
        return {"majority": _mean(majority), **found}

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "model": self.model,
            "macro_f1": self.macro_f1,
            "baselines": self.baselines,
            "axes": {axis.name: list(axis.class_names) for axis in self.axes},
            "split": self.split.as_dict(),
            "verdict": self.verdict(),
            "candidates": [one.as_dict() for one in self.candidates],
            "subjects": [one.as_dict() for one in self.subjects],
            "earlier": None if self.earlier is None else self.earlier.as_dict(),
            "left_out": list(self.left_out),
            "memory": {
                "of": self.memory_name,
                "rows": [
                    {"memory": one.memory, "words": one.words, "macro_f1": list(one.macro_f1)}
                    for one in self.memory
                ],
            },
            "learning_curve": [
                {
                    "seconds": one.seconds,
                    "macro_f1": list(one.macro_f1),
                    "lowest": list(one.lowest),
                    "highest": list(one.highest),
                }
                for one in self.curve
            ],
            "calibration": [
                {
                    "temperature": one.temperature,
                    "error": one.error,
                    "estimated_accuracy": one.estimated_accuracy,
                    "bins": [asdict(each) for each in one.bins],
                }
                for one in self.calibration
            ],
            "label_next": [
                {
                    "video": one.video,
                    "subject": one.subject,
                    "start_seconds": one.start_seconds,
                    "end_seconds": one.end_seconds,
                    "doubt": one.doubt,
                }
                for one in self.suggestions
            ],
            "judged": [one.as_dict() for one in self.judged],
            "latency_seconds": self.latency_seconds,
            "encoding_seconds": round(self.encoding_seconds, 2),
            "teaching_seconds": round(self.teaching_seconds, 2),
            "facts": dict(self.facts),
        }

    def verdict(self) -> list[str]:
        """Sentences: is it good enough to use, and what is missing."""
        sentences = []
        for index, axis in enumerate(self.axes):
            sentences += _verdict(axis.name, self.chosen, index)
        sentences += self._correction_verdict()
        better = [
            one.title
            for one in self.candidates[1:]
            if (one.macro_f1 or 0) > (self.macro_f1 or 0) + NO_CHANGE_F1
        ]
        if better:
            sentences.append(f"On these labels {' and '.join(better)} did better than the model.")
        if set(self.chosen.num_steps) == {0}:
            sentences.append(
                "The network learnt nothing more: it is that of the model before, on a linear head "
                "that was fitted anew."
                if self.chosen.continues_earlier
                else "The network added nothing on held-out time to what its linear head says, so "
                "the model is that head alone."
            )
        return sentences

    def _correction_verdict(self) -> list[str]:
        """Of a correction: whether it is better than the model that it corrects."""
        if self.earlier is None:
            return []
        before, now = self.earlier.macro_f1, self.macro_f1
        if before is None or now is None:
            return []
        figures = f"macro-F1 {before:.2f} before, {now:.2f} now, on the same time kept to test with"
        if now < before - NO_CHANGE_F1:
            return [
                f"The correction made it worse ({figures}): keep the model before, or see whether "
                "the labels say the same of like moments."
            ]
        words = "made it better" if now > before + NO_CHANGE_F1 else "changed little there"
        return [f"The correction {words} ({figures})."]

    def markdown(self) -> str:
        """The report as a page of Markdown."""
        from vidmem.teaching.report.text import report_markdown

        return report_markdown(self)

    def write(self, folder: str | Path) -> None:
        """Write it to a folder, as JSON and as Markdown.

        Raises:
            StorageError: If the folder cannot be written.
        """
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
            text = to_json(self.as_dict())
            (path / JSON_FILE).write_text(text + "\n", encoding="utf-8")
            (path / MARKDOWN_FILE).write_text(self.markdown(), encoding="utf-8")
        except OSError as error:
            raise StorageError(f"the report could not be written to {path}: {error}") from error


def macro_f1_of(one: PredictionScore) -> float | None:
    """With *none of these*, where labels or predictions have it."""
    return one.macro_f1_with_none


def majority_f1_of(one: PredictionScore) -> float | None:
    """Of naming the most common class always."""
    return one.majority.macro_f1_with_none


def _verdict(axis: str, chosen: CandidateReport, index: int) -> list[str]:
    score = chosen.seeds[0][index]
    f1, majority = chosen.axis_macro_f1(index), majority_f1_of(score) or 0.0
    if f1 is None:
        return [f"{axis}: nothing was left to test with."]
    figures = f"macro-F1 {f1:.2f}; always naming the most common gets {majority:.2f}"
    if f1 < majority + 0.05:
        words = "not usable, it is hardly better than a guess"
    elif f1 >= GOOD_F1:
        words = "good: look through the bouts that it is unsure of before you count on them"
    elif f1 >= USABLE_F1:
        words = "usable with a person behind it: go over its bouts"
    else:
        words = "not good enough yet"
    sentences = [f"{axis}: {words} ({figures})."]
    weak = [
        one
        for one in score.per_class
        if one.support_seconds and one.f1 is not None and one.f1 < USABLE_F1
    ]
    for one in sorted(weak, key=lambda one: one.f1 or 0.0)[:2]:
        sentences.append(
            f"{one.behaviour}: F1 {one.f1:.2f} on {one.num_bouts} "
            f"{'bout' if one.num_bouts == 1 else 'bouts'}; label more of it, in other places."
        )
    untested = [one.behaviour for one in score.per_class if not one.support_seconds]
    if untested:
        sentences.append(f"{', '.join(untested)}: not in the time kept to test with.")
    return sentences


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def read_report(folder: str | Path) -> dict[str, Any] | None:
    """What `TeachReport.write` wrote as JSON; `None` where there is none, or it is damaged."""
    try:
        found = json.loads((Path(folder) / JSON_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
