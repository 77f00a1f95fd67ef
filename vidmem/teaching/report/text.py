"""A report as Markdown: tables and sentences, with what each number means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vidmem.labels.results import PredictionScore
from vidmem.teaching.report.report import CandidateReport, TeachReport, macro_f1_of, majority_f1_of
from vidmem.units import clock_range, span


def report_markdown(report: TeachReport) -> str:
    """The report as a page."""
    parts = [
        f"# {report.facts.get('title', report.model)}: how good it is",
        "\n".join(f"* {sentence}" for sentence in report.verdict()),
        f"Split: {report.split.words()}. Never by frame.",
        _before_and_after(report),
        _candidates(report),
    ]
    for index, axis in enumerate(report.axes):
        parts.append(_axis(axis.name, report.chosen.seeds[0][index]))
    parts += [
        _subjects(report),
        _memory(report),
        _curve(report),
        _calibration(report),
        _next(report),
        _facts(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _candidates(report: TeachReport) -> str:
    header = ["", *(f"{axis.name}" for axis in report.axes), "seconds to teach"]
    majority = [_number(majority_f1_of(one)) for one in report.chosen.seeds[0]]
    rows = [["always the most common", *majority, ""]]
    for one in reversed(report.candidates):
        cells = [_with_interval(one, index) for index in range(len(report.axes))]
        name = f"**{one.title}** (the model)" if one is report.chosen else one.title
        rows.append([name, *cells, f"{one.seconds:.1f}"])
    num_seeds = len(report.chosen.seeds)
    seeds = "one seed" if num_seeds == 1 else f"mean of {num_seeds} seeds"
    that = "it" if num_seeds == 1 else "that of the first seed"
    return (
        "## Beside the baselines\n\n"
        f"Macro-F1 on the time kept to test with ({seeds}); in brackets where {that} lies with 95 "
        "% probability when blocks of that time are drawn anew.\n\n" + _table(header, rows)
    )


def _before_and_after(report: TeachReport) -> str:
    if report.earlier is None:
        return ""
    rows = [
        [title, *(_with_interval(one, index) for index in range(len(report.axes)))]
        for title, one in (("before", report.earlier), ("now", report.chosen))
    ]
    return (
        "## Before and after the correction\n\n"
        "Macro-F1 on the same time kept to test with, which neither model has learnt from, by the "
        "labels as they are now.\n\n" + _table(["", *(axis.name for axis in report.axes)], rows)
    )


def _axis(name: str, score: PredictionScore) -> str:
    rows = [
        [
            one.behaviour,
            _number(one.precision),
            _number(one.recall),
            _number(one.f1),
            span(one.support_seconds),
            f"{one.num_bouts} / {one.num_predicted_bouts}",
        ]
        for one in score.per_class
    ]
    header = ["", "precision", "recall", "F1", "labelled", "bouts labelled / predicted"]
    kappa = score.kappa_undefined or _number(score.kappa)
    segmental = ", ".join(f"{_number(one.f1)} at {one.iou_percent:g} %" for one in score.segmental)
    edges = (
        f"{_number(score.start_errors.median_seconds)} s at starts, "
        f"{_number(score.end_errors.median_seconds)} s at ends"
    )
    lines = [
        f"## {name}",
        _table(header, rows),
        f"Cohen's kappa {kappa} ({score.kappa_method}). Segmental F1 {segmental} overlap. Median "
        f"error of edges: {edges}.",
        _confusion(score),
    ]
    return "\n\n".join(lines)


def _confusion(score: PredictionScore) -> str:
    rows = [
        [name, *(f"{seconds:.1f}" for seconds in row)]
        for name, row in zip(score.class_names, score.confusion_seconds, strict=True)
    ]
    header = ["labelled \\ predicted, seconds", *score.class_names]
    return _table(header, rows)


def _subjects(report: TeachReport) -> str:
    if not report.subjects:
        return ""
    rows = [
        [
            one.subject,
            span(one.labelled_seconds),
            span(one.tested_seconds),
            *("not tested" if f1 is None else f"{f1:.2f}" for f1 in one.macro_f1),
        ]
        for one in report.subjects
    ]
    header = ["", "labelled", "tested with", *(axis.name for axis in report.axes)]
    return (
        "## Each subject\n\nMacro-F1 of the model on each, over the classes that the tested time "
        "of it has: with little of that it says little.\n\n" + _table(header, rows)
    )


def _memory(report: TeachReport) -> str:
    if not report.memory:
        return ""
    rows = [[one.words, *(_number(f1) for f1 in one.macro_f1)] for one in report.memory]
    header = [report.memory_name, *(axis.name for axis in report.axes)]
    return "## With less memory\n\n" + _table(header, rows)


def _curve(report: TeachReport) -> str:
    if not report.curve:
        return ""
    rows = []
    for point in report.curve:
        cells = (
            f"{mean:.2f} ({low:.2f} to {high:.2f})"
            for mean, low, high in zip(point.macro_f1, point.lowest, point.highest, strict=True)
        )
        rows.append([span(point.seconds), *cells])
    header = ["labels", *(axis.name for axis in report.axes)]
    return (
        "## What more labels would bring\n\nMacro-F1 of the linear head from fewer labels, in "
        "pieces drawn several times: mean, lowest and highest.\n\n" + _table(header, rows)
    )


def _calibration(report: TeachReport) -> str:
    lines = []
    for axis, one in zip(report.axes, report.calibration, strict=True):
        text = (
            f"* {axis.name}: probabilities are off by {one.error:.0%} on average, once logits are "
            f"divided by {one.temperature:.2f}."
        )
        if one.estimated_accuracy is not None:
            text += (
                f" By them about {one.estimated_accuracy:.0%} of the time that nobody labelled is "
                "named rightly, if it is like the labelled time."
            )
        lines.append(text)
    return "## How sure it is\n\n" + "\n".join(lines)


def _next(report: TeachReport) -> str:
    if not report.suggestions:
        return ""
    has_subjects = any(one.subject for one in report.suggestions)
    rows = [
        [
            one.video,
            *([one.subject] if has_subjects else []),
            clock_range(one.start_seconds, one.end_seconds),
            f"{one.doubt:.0%}",
        ]
        for one in report.suggestions
    ]
    header = ["video", *(["subject"] if has_subjects else []), "time", "doubt"]
    return "## What to label next\n\n" + _table(header, rows)


def _facts(report: TeachReport) -> str:
    lines = [f"* {name}: {value}" for name, value in report.facts.items()]
    lines += [
        f"* final after: {span(report.latency_seconds)}",
        f"* features made in {span(report.encoding_seconds)}, taught in "
        f"{span(report.teaching_seconds)} with all that is reported here",
    ]
    if report.left_out:
        lines.append(f"* left out of this report: {', '.join(report.left_out)}")
    return "## What it was taught\n\n" + "\n".join(lines)


def _with_interval(one: CandidateReport, index: int) -> str:
    interval = one.seeds[0][index].macro_f1_interval
    value = _number(one.axis_macro_f1(index))
    has_none = one.seeds[0][index].macro_f1 != macro_f1_of(one.seeds[0][index])
    if interval.low is None or interval.high is None or has_none:
        return value
    return f"{value} ({interval.low:.2f} to {interval.high:.2f})"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(one) for one in row) + " |" for row in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
