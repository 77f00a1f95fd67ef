"""Agreement, scores, time budgets and what teaching gave, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vidmem.labels.results import (
    DENOMINATOR,
    Agreement,
    AgreementFigures,
    AgreementRow,
    BudgetRow,
    EdgeErrors,
    EventAgreement,
    LeftOut,
    PredictionScore,
    TimeBudget,
)
from vidmem.units import clock, span

if TYPE_CHECKING:
    from vidmem.teaching import TeachReport

NOTHING = "-"


def agreement_lines(found: Agreement) -> Iterator[str]:
    """What both scored, the figures of each axis, video and subject, and who called what what."""
    if not found.axes:
        yield "Neither says anything of a state."
    for one in found.axes:
        yield from _agreement_of(one.axis, one.pooled, found.interval_seconds)
        parts = [*(one.by_video if len(one.by_video) > 1 else ())]
        parts += one.by_subject if len(one.by_subject) > 1 else ()
        if parts:
            yield ""
            yield from _agreement_parts(parts)
        yield ""
        yield from _confusion(one.pooled.duration_weighted)
        yield ""
    if len(found.axes) > 1:
        yield from _agreement_of("all axes", found.pooled, found.interval_seconds)
        yield ""
    if found.events:
        yield from _events(found.events, ("first", "second"))


def score_lines(found: PredictionScore) -> Iterator[str]:
    """What counted, the scores beside the majority's, the classes, bouts and edges."""
    by = "all time" if found.fps is None else f"{found.fps:g} samples a second"
    yield f"{found.axis}: {span(found.scored_seconds)} that both scored, {by}"
    yield _left_out(found.left_out, "labels", "predictions")
    yield ""
    majority, interval = found.majority, found.macro_f1_interval
    sure = (
        f"95 % interval {_number(interval.low)} to {_number(interval.high)}, of "
        f"{interval.num_blocks} blocks of {interval.block_seconds:g} s"
    )
    if interval.low is None:
        sure = f"no interval, there are {interval.undefined}"
    kappa = _number(found.kappa) if found.kappa is not None else found.kappa_undefined
    yield from _table(
        [
            ["", "predictions", f"always {majority.behaviour or NOTHING}"],
            ["macro-F1, of behaviours", _number(found.macro_f1), _number(majority.macro_f1)],
            [
                "macro-F1, with none of these",
                _number(found.macro_f1_with_none),
                _number(majority.macro_f1_with_none),
            ],
            [
                "same, % of time",
                _number(found.percent_agreement, 1),
                _number(majority.percent_agreement, 1),
            ],
        ]
    )
    yield f"macro-F1: {sure}"
    yield f"Cohen's kappa, {found.kappa_method}: {kappa}"
    yield ""
    yield from _classes(found)
    yield ""
    yield from _bouts(found)
    if found.events:
        yield ""
        yield from _events(found.events, ("labels", "predicted"))
    yield ""
    yield from _confusion_rows(found.class_names, found.confusion_seconds, "labels", "predictions")


def budget_lines(found: TimeBudget) -> Iterator[str]:
    """A row for each behaviour, period by period."""
    if not found.rows:
        yield "Nothing is labelled."
        return
    rows = found.rows
    shown = [name for name in ("video", "subject", "axis") if _differs(rows, name)]
    has_periods = found.every_seconds is not None
    head = [*shown, *(["from"] if has_periods else []), "behaviour"]
    head += ["seconds", "% of scored", "bouts", "mean s", "median s", "min s", "max s"]
    head += ["latency s", "per hour"]
    table = [head]
    for row in rows:
        cells = [str(getattr(row, name) or NOTHING) for name in shown]
        cells += [_period(row)] if has_periods else []
        table.append([*cells, row.behaviour, *_budget_cells(row)])
    yield from _table(table, num_texts=len(shown) + has_periods + 1)
    yield ""
    yield f"100 % is {DENOMINATOR}."
    seconds = {(r.video, r.subject, r.axis, r.period): r.scored_seconds for r in rows}
    not_scored = {(r.video, r.subject, r.axis, r.period): r.not_scored_seconds for r in rows}
    together, apart = (span(sum(one.values())) for one in (seconds, not_scored))
    yield f"Of all subjects and axes together, scored: {together}; not scored: {apart}."


def teaching_lines(found: TeachReport) -> Iterator[str]:
    """Is it good enough, and macro-F1 of each axis beside the baselines'."""
    yield from found.verdict()
    yield ""
    yield "Macro-F1 on labelled time that was kept to test with:"
    majority = [_number(one.majority.macro_f1_with_none) for one in found.chosen.seeds[0]]
    table = [["", *(axis.name for axis in found.axes), "s to teach"]]
    for one in (*found.candidates, *(() if found.earlier is None else (found.earlier,))):
        title = f"{one.title} (the model)" if one is found.chosen else one.title
        scores = [_number(one.axis_macro_f1(index)) for index in range(len(found.axes))]
        seconds = NOTHING if one is found.earlier else f"{one.seconds:.1f}"
        table.append([title, *scores, seconds])
    table.append(["Always the most common", *majority, NOTHING])
    yield from _table(table)
    yield ""
    if found.subjects:
        yield from _subjects(found)
        yield ""
    took = span(found.teaching_seconds)
    yield f"encoding took {span(found.encoding_seconds)}, teaching and the report {took}"
    if found.left_out:
        yield f"left out of the report: {', '.join(found.left_out)}"


def _subjects(found: TeachReport) -> Iterator[str]:
    yield "Macro-F1 of the model on each subject, with seconds labelled and of these tested with:"
    table = [["", *(axis.name for axis in found.axes), "labelled", "tested"]]
    for one in found.subjects:
        seconds = (f"{each:.0f}" for each in (one.labelled_seconds, one.tested_seconds))
        table.append([one.subject, *map(_number, one.macro_f1), *seconds])
    yield from _table(table)


def _agreement_of(name: str, row: AgreementRow, interval_seconds: float) -> Iterator[str]:
    seconds = row.duration_weighted
    yield f"{name}: {span(seconds.total)} that both scored"
    yield _left_out(row.left_out, "the first", "the second")
    yield ""
    scans = f"scans every {interval_seconds:g} s ({row.scan_sampled.total:.0f})"
    table = [["", scans, "weighted by duration"]]
    for title, figure, digits in (
        ("Cohen's kappa", "kappa", 2),
        ("Gwet's AC1", "ac1", 2),
        ("same, %", "percent_agreement", 1),
    ):
        values = (getattr(one, figure) for one in (row.scan_sampled, seconds))
        table.append([title, *(_or_undefined(value, digits) for value in values)])
    yield from _table(table)
    if reason := row.scan_sampled.kappa_undefined or seconds.kappa_undefined:
        yield f"undefined: {reason}"


def _agreement_parts(rows: Sequence[AgreementRow]) -> Iterator[str]:
    table = [["", "kappa, scans", "kappa, duration", "AC1, duration", "same, %", "seconds"]]
    for row in rows:
        seconds = row.duration_weighted
        name = row.video if row.video is not None else (row.subject or "no one in particular")
        table.append(
            [
                name,
                _or_undefined(row.scan_sampled.kappa),
                _or_undefined(seconds.kappa),
                _or_undefined(seconds.ac1),
                _or_undefined(seconds.percent_agreement, 1),
                f"{seconds.total:.1f}",
            ]
        )
    yield from _table(table)


def _confusion(figures: AgreementFigures) -> Iterator[str]:
    yield from _confusion_rows(figures.class_names, figures.confusion, "the first", "the second")


def _confusion_rows(
    names: Sequence[str], amounts: Sequence[Sequence[float]], rows: str, columns: str
) -> Iterator[str]:
    if not names:
        return
    yield f"Seconds; rows are what {rows} say, columns {columns}:"
    table = [["", *names]]
    for name, row in zip(names, amounts, strict=True):
        table.append([name, *(f"{amount:.1f}" for amount in row)])
    yield from _table(table)


def _events(events: Sequence[EventAgreement], sides: tuple[str, str]) -> Iterator[str]:
    yield f"Events, one if at most {events[0].tolerance_seconds:g} s apart:"
    table = [["", *sides, "matched", "same, %", "F1", "left out"]]
    for one in events:
        counts = (one.num_first, one.num_second, one.num_matched)
        table.append(
            [
                one.behaviour,
                *map(str, counts),
                _number(one.percent_agreement, 1),
                _number(one.f1),
                str(one.num_left_out),
            ]
        )
    yield from _table(table)


def _classes(found: PredictionScore) -> Iterator[str]:
    has_ap = found.mean_average_precision is not None
    table = [["", "precision", "recall", "F1", *(["AP"] if has_ap else []), "seconds", "predicted"]]
    table[0] += ["bouts", "predicted"]
    for one in found.per_class:
        if one.f1 is None:
            continue
        figures = [one.precision, one.recall, one.f1, *([one.average_precision] * has_ap)]
        table.append(
            [
                one.behaviour,
                *map(_number, figures),
                f"{one.support_seconds:.1f}",
                f"{one.predicted_seconds:.1f}",
                str(one.num_bouts),
                str(one.num_predicted_bouts),
            ]
        )
    yield from _table(table)
    if absent := [one.behaviour for one in found.per_class if one.f1 is None]:
        yield f"In neither: {', '.join(absent)}"


def _bouts(found: PredictionScore) -> Iterator[str]:
    for one in found.segmental:
        yield f"F1 of bouts at {one.iou_percent} % overlap: {_number(one.f1)}"
    yield f"order of bouts (edit score): {_number(found.edit_score)}"
    for name, errors in (("starts", found.start_errors), ("ends", found.end_errors)):
        yield f"{name}: {_edges(errors)}"


def _edges(errors: EdgeErrors) -> str:
    if errors.median_seconds is None or errors.percentile_90_seconds is None:
        return "no bout matches whose edge was seen"
    return (
        f"off by {errors.median_seconds:.2f} s in the median, {errors.percentile_90_seconds:.2f} s "
        f"at 90 %, of {errors.num_edges}"
    )


def _left_out(left_out: LeftOut, first: str, second: str) -> str:
    text = (
        f"left out: {span(left_out.only_first_seconds)} only in {first}, "
        f"{span(left_out.only_second_seconds)} only in {second}, "
        f"{span(left_out.not_scored_seconds)} not scored"
    )
    if left_out.unlabelled_seconds:
        text += f", {span(left_out.unlabelled_seconds)} in neither"
    return text


def _budget_cells(row: BudgetRow) -> list[str]:
    lengths = (
        row.mean_bout_seconds,
        row.median_bout_seconds,
        row.min_bout_seconds,
        row.max_bout_seconds,
        row.latency_seconds,
    )
    return [
        NOTHING if row.kind == "point" else f"{row.duration_seconds:.1f}",
        _number(row.percent_of_scored, 1),
        NOTHING if row.kind == "none" else str(row.num_bouts),
        *(_number(value, 1) for value in lengths),
        _number(row.rate_per_hour, 1),
    ]


def _period(row: BudgetRow) -> str:
    if row.period is None:
        return NOTHING
    if row.period.start is not None:
        is_fine = row.period.start.second or row.period.end_seconds % 60
        return row.period.start.isoformat(sep=" ", timespec="seconds" if is_fine else "minutes")
    return clock(row.period.start_seconds)


def _differs(rows: Sequence[BudgetRow], name: str) -> bool:
    values = {getattr(row, name) for row in rows}
    return len(values) > 1


def _number(value: float | None, digits: int = 2) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def _or_undefined(value: float | None, digits: int = 2) -> str:
    return "undefined" if value is None else f"{value:.{digits}f}"


def _table(rows: Sequence[Sequence[str]], num_texts: int = 1) -> Iterator[str]:
    """Columns in line; the first are texts, the others numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            f"{cell:{'<' if at < num_texts else '>'}{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
