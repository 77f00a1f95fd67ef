"""What `vidmem watch` writes, `predictions.csv`, as bouts; read only.

    start_seconds,end_seconds,label,probability,remembered,lying,standing,gap,...,model,settings
    0.000,2.000,lying,0.930000,0,0.930000,0.070000,,0.41,memvit,fps=4

The file of a model of several axes ends with a column that says which classes are of which
(`axes`: `posture: lying, standing; place: wall, centre`); `label` is that of the first axis.

A row is a window, and windows may overlap: over each moment the probabilities of all its windows
are averaged, as the app does, and bouts are made of the moments with the given post-processing
(`vidmem.labels.postprocess`; as it is, the most probable behaviour). Time that windows cover was
scored; stretches without a picture were not, and no bout reaches over a change of the model.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from vidmem.errors import LabelError
from vidmem.files import read_axes_cell, unguarded
from vidmem.labels.bout import Bout, LabelledVideo
from vidmem.labels.checks import INSTANT_SECONDS
from vidmem.labels.ethogram import (
    DEFAULT_AXIS,
    Behaviour,
    Ethogram,
    reserved_name,
)
from vidmem.labels.formats.collecting import (
    BoutEntry,
    Collector,
    SpanEntry,
    clean_name,
    number_or_none,
    score_or_none,
)
from vidmem.labels.formats.format import About, Format, Holds, ProblemKind
from vidmem.labels.formats.source import Source
from vidmem.labels.formats.tables import read_rows
from vidmem.labels.labels import Labels
from vidmem.labels.postprocessing import ClassProbabilities, PostProcessing, postprocess
from vidmem.labels.spans import Interval, Span, united

FIRST_COLUMNS = ("start_seconds", "end_seconds", "label", "probability", "remembered")
LAST_COLUMNS = ("gap", "unlikeness", "model", "settings")
"""As `vidmem.streaming` writes them; files of earlier versions end with the classes."""
AXES_COLUMN = "axes"
"""The last one where a model has several axes."""

MAX_WINDOWS = 500_000
_GAP = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


@dataclass(frozen=True, eq=False)
class ModelPredictions:
    """What one model gave from its first clip to its last, before another one took its place."""

    model: str
    """Empty: the file does not say."""

    moments: ClassProbabilities
    """Each with the mean of all windows over it."""


@dataclass(frozen=True)
class RunCondition:
    """With what a run went on from a time."""

    start_seconds: float
    model: str
    settings: str


def about_run(
    conditions: Sequence[RunCondition], start_seconds: float = 0.0, end_seconds: float = math.inf
) -> About:
    """The models and settings of a part of a run, each once.

    Args:
        conditions: In order of time; the first holds from the start on, and each until the next.
        start_seconds: Of the part.
        end_seconds: Not part of it.
    """
    starts = [one.start_seconds for one in conditions]
    first = max(bisect_right(starts, start_seconds + 1e-6) - 1, 0)
    last = max(bisect_left(starts, end_seconds - 1e-6), first + 1)
    models = dict.fromkeys(one.model for one in conditions[first:last] if one.model)
    settings = dict.fromkeys(one.settings for one in conditions[first:last] if one.settings)
    return About(model=", ".join(models), settings=" | ".join(settings))


@dataclass(frozen=True)
class PredictedAxis:
    """Classes of a model that exclude each other."""

    name: str
    class_names: tuple[str, ...]

    @property
    def behaviours(self) -> tuple[str, ...]:
        """The classes that are behaviours."""
        return tuple(name for name in self.class_names if reserved_name(name) is None)


@dataclass(frozen=True, eq=False)
class RecordedPredictions:
    """All that a predictions.csv has, read once, to make bouts of with any post-processing."""

    class_names: tuple[str, ...]
    """Of all axes."""

    parts: tuple[ModelPredictions, ...]
    """One for each time that another model went on; empty: nothing was predicted yet."""

    conditions: tuple[RunCondition, ...]
    """In order of time; the first holds from the start on, and each until the next."""

    num_predictions: int
    num_unlike: int = 0
    """Of clips that look unlike what their model was trained on: what was predicted of them means
    nothing."""

    axes: tuple[PredictedAxis, ...] = ()
    """Of which each class is of one; empty: the file names none, and all classes are of one."""

    @property
    def all_axes(self) -> tuple[PredictedAxis, ...]:
        """The axes, at least one."""
        return self.axes or (PredictedAxis(DEFAULT_AXIS, self.class_names),)

    @property
    def end_seconds(self) -> float:
        """How far it came; 0: nothing was predicted yet."""
        return max((float(one.moments.end_seconds[-1]) for one in self.parts), default=0.0)

    @property
    def probabilities(self) -> ClassProbabilities | None:
        """All moments, of whichever model, in order of time; `None`: there are none."""
        import numpy as np

        if not self.parts:
            return None
        whole = [
            np.concatenate([getattr(one.moments, name) for one in self.parts])
            for name in ("probabilities", "start_seconds", "end_seconds")
        ]
        order = np.argsort(whole[1], kind="stable")
        return ClassProbabilities(self.class_names, *(one[order] for one in whole))

    @property
    def about(self) -> About:
        """The models and settings of all of it, each once."""
        return about_run(self.conditions)

    def bouts(
        self, processing: PostProcessing | None = None, *, video: str, author: str = ""
    ) -> tuple[Bout, ...]:
        """Bouts of all of it, in order, axis by axis; none reaches over a change of the model.

        Args:
            processing: `None`: the most probable behaviour as it is.
            video: Of the bouts.
            author: Of the bouts where the file does not say which model it was.
        """
        return tuple(
            bout
            for axis in self.all_axes
            for bout in self.bouts_of(axis, processing, video=video, author=author)
        )

    def bouts_of(
        self,
        axis: PredictedAxis,
        processing: PostProcessing | None = None,
        *,
        video: str,
        author: str = "",
    ) -> tuple[Bout, ...]:
        """As `bouts`, of one of `all_axes`."""
        return tuple(
            bout
            for one in self.parts
            for bout in postprocess(
                one.moments.of_classes(axis.class_names),
                processing,
                video=video,
                author=one.model or author,
            )
        )

    def labels(
        self,
        processing: PostProcessing | None = None,
        *,
        video: LabelledVideo,
        author: str = "",
    ) -> Labels:
        """The bouts, and all time that was predicted as scored, on each axis.

        Args:
            processing: `None`: the most probable behaviour as it is.
            video: Of the bouts, with what is known of it.
            author: Of the bouts where the file does not say which model it was.
        """
        bouts, untold, scored = list[Bout](), list[Span](), list[Span]()
        axes = [axis for axis in self.all_axes if axis.behaviours]
        for axis in axes:
            found = self.bouts_of(axis, processing, video=video.name, author=author)
            bouts += [one for one in found if reserved_name(one.behaviour) is None]
            # A class named "not scored" is what the model says that it cannot tell.
            untold += [
                Span(video.name, one.start_seconds, one.end_seconds, axis=axis.name)
                for one in found
                if reserved_name(one.behaviour) is not None
            ]
            scored += [
                Span(video.name, start, end, axis=axis.name) for start, end in self._scored()
            ]
        behaviours = (Behaviour(name, axis=axis.name) for axis in axes for name in axis.behaviours)
        return Labels(
            Ethogram(tuple(behaviours)),
            tuple(bouts),
            not_scored=tuple(untold),
            scored=tuple(scored),
            videos=(video,),
        )

    def about_of(self, bout: Bout) -> About:
        """The models and settings that it was predicted with, each once."""
        return about_run(self.conditions, bout.start_seconds, bout.end_seconds)

    @property
    def has_changes(self) -> bool:
        """Whether the model or a setting was changed on the way."""
        return len({(one.model, one.settings) for one in self.conditions}) > 1

    def _scored(self) -> list[Interval]:
        return [
            interval
            for one in self.parts
            for interval in united(
                zip(
                    one.moments.start_seconds.tolist(),
                    one.moments.end_seconds.tolist(),
                    strict=True,
                )
            )
        ]


@dataclass(frozen=True)
class _Window:
    start: float
    end: float
    probabilities: tuple[float, ...]
    gaps: tuple[Interval, ...]
    model: str
    settings: str
    is_unlike: bool


@dataclass(frozen=True)
class _Rows:
    """All that a file says."""

    names: tuple[str, ...]
    axes: tuple[PredictedAxis, ...]
    windows: tuple[_Window, ...]


def recognise(source: Source) -> bool:
    """Whether its header is that of predictions."""
    return source.head.startswith(",".join(FIRST_COLUMNS))


def read(source: Source, collector: Collector) -> None:
    """Give the bouts of a run to a collector."""
    rows = _rows_of(source, collector.problem)
    recorded = _recorded(rows)
    for axis in recorded.all_axes:
        for name in axis.behaviours:  # also one that was never predicted
            collector.behaviour(Behaviour(name, axis=axis.name))
    # After `pen 2.predictions.csv`, as `vidmem watch` names it.
    stem = source.path.name.casefold().removesuffix(".csv").removesuffix(".predictions")
    video = collector.only_video(source.path.name[: len(stem)])
    _take_bouts(collector, video, rows, recorded)


def read_recorded(path: str | Path) -> RecordedPredictions | None:
    """All of a predictions.csv, which may still grow; rows that are no predictions are left out.

    Returns:
        `None` if the file is no predictions.csv.

    Raises:
        LabelError: If it cannot be read.
    """
    source = Source.open(Path(path))
    if not recognise(source):
        return None
    return _recorded(_rows_of(source, lambda place, kind, what: None))


def read_probabilities(path: str | Path) -> ClassProbabilities | None:
    """What a predictions.csv has, moment by moment, over all its windows; rows that are none apart.

    Returns:
        `None` if the file is no predictions.csv.

    Raises:
        LabelError: If it cannot be read, or has no predictions.
    """
    source = Source.open(Path(path))
    if not recognise(source):
        return None
    rows = _rows_of(source, lambda place, kind, what: None)
    moments = _moments_of(rows.names, rows.windows) if rows.windows else None
    if moments is None:
        raise LabelError(f"{source.path} has no predictions")
    return moments


def _rows_of(source: Source, on_problem: Callable[[str, ProblemKind, str], None]) -> _Rows:
    try:
        lines = list(read_rows(source.text, ","))
    except LabelError as error:
        raise LabelError(f"{source.path}: {error}") from error
    header = lines[0][1] if lines else []
    names, last = _classes_of(source, header)
    # The last row of a run that was killed is none; before the first one nobody asks for axes.
    whole = next((cells for _, cells in lines[1:] if len(cells) == len(header)), None)
    axes = _axes_of(source, names, whole[-1]) if whole and AXES_COLUMN in last else ()
    names = [clean_name(one) for one in names]
    if len(lines) > MAX_WINDOWS:
        raise LabelError(f"{source.path} has more than {MAX_WINDOWS} rows; split it")
    windows = []
    for number, cells in lines[1:]:
        window = _window_of(cells, len(names), last) if any(cells) else None
        if window is None and any(cells):
            what = f"is no prediction: {','.join(cells)[:60]!r}"
            on_problem(f"row {number}", "unreadable", what)
        windows += [window] if window else []
    return _Rows(tuple(names), axes, tuple(windows))


def _classes_of(source: Source, header: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The names of the classes, between the first and the last columns, and those columns."""
    if tuple(header[: len(FIRST_COLUMNS)]) != FIRST_COLUMNS:
        raise LabelError(f"{source.path} is no predictions.csv: its header is another")
    ends = ((*LAST_COLUMNS, AXES_COLUMN), LAST_COLUMNS)
    last = next((one for one in ends if tuple(header[-len(one) :]) == one), ())
    classes = [unguarded(one) for one in header[len(FIRST_COLUMNS) : len(header) - len(last)]]
    names = {clean_name(one) for one in classes}
    if not names or len(names) < len(classes) or not all(names):
        raise LabelError(f"{source.path} has no classes, or two of one name")
    return classes, last


def _axes_of(source: Source, classes: list[str], cell: str) -> tuple[PredictedAxis, ...]:
    """The axes that a row names; all rows of a file have the same."""
    axes = tuple(
        PredictedAxis(clean_name(axis), tuple(map(clean_name, names)))
        for axis, names in read_axes_cell(cell, classes)
    )
    names = {axis.name for axis in axes}
    if not axes or len(names) < len(axes) or not all(names):
        raise LabelError(
            f"{source.path} must say in its column {AXES_COLUMN} which classes are of which axis, "
            f"such as 'posture: lying, standing; place: wall', got {cell!r:.200}"
        )
    return axes


def _window_of(cells: list[str], num_classes: int, last_columns: tuple[str, ...]) -> _Window | None:
    """A row; `None`: it is none, such as the last one of a run that was killed."""
    first = len(FIRST_COLUMNS)
    if len(cells) != first + num_classes + len(last_columns):
        return None
    start, end = number_or_none(cells[0]), number_or_none(cells[1])
    scores = [score_or_none(one) for one in cells[first : first + num_classes]]
    # Nothing is predicted of less than a microsecond, or of half a life.
    if start is None or end is None or None in scores or not 0 <= start < end - 2e-6 < 1e9:
        return None
    last = dict(zip(last_columns, cells[first + num_classes :], strict=True))
    gaps = [(float(a), float(b)) for a, b in _GAP.findall(last.get("gap", ""))]
    return _Window(
        start,
        end,
        tuple(one or 0.0 for one in scores),
        tuple((a, b) for a, b in gaps if a < b),
        clean_name(unguarded(last.get("model", ""))),
        clean_name(last.get("settings", "")),
        (number_or_none(last.get("unlikeness") or 0) or 0.0) > 1,
    )


def _recorded(rows: _Rows) -> RecordedPredictions:
    names, windows = rows.names, rows.windows
    runs = [list(group) for _, group in groupby(windows, key=lambda one: one.model)]
    parts: list[ModelPredictions] = []
    taken: list[Interval] = []  # what later models said of a time holds
    for run in reversed(runs):
        moments = _moments_of(names, run, _taken_by(run, taken))
        if moments is not None:
            parts.insert(0, ModelPredictions(run[0].model, moments))
    alike = groupby(windows, key=lambda one: (one.model, one.settings))
    firsts = [next(group) for _, group in alike]
    # After a jump back the times of later rows are earlier.
    conditions = sorted(
        (RunCondition(one.start, one.model, one.settings) for one in firsts),
        key=lambda one: one.start_seconds,
    )
    return RecordedPredictions(
        names,
        tuple(parts),
        tuple(conditions),
        num_predictions=len(windows),
        num_unlike=sum(one.is_unlike for one in windows),
        axes=rows.axes,
    )


def _taken_by(run: list[_Window], taken: list[Interval]) -> list[Interval]:
    """What was taken already of the time of a run, whose time is added to it.

    Only what the run touches is looked at, and becomes one with it: a file may go to and fro
    between two models with every row.
    """
    own = united((one.start, one.end) for one in run)
    touched = [one for start, end in own for one in taken[_touched(taken, start, end)]]
    for start, end in own:
        place = _touched(taken, start, end)
        taken[place] = united([*taken[place], (start, end)])
    return touched


def _touched(intervals: list[Interval], start: float, end: float) -> slice:
    """Where those lie that touch or overlap a part; they are in order and disjoint."""
    first = bisect_left(intervals, start - 2 * INSTANT_SECONDS, key=lambda one: one[1])
    last = bisect_right(intervals, end + 2 * INSTANT_SECONDS, key=lambda one: one[0])
    return slice(first, last)


def _take_bouts(
    collector: Collector, video: str, rows: _Rows, recorded: RecordedPredictions
) -> None:
    processing, windows = collector.options.processing or PostProcessing(), rows.windows
    # Of several axes each by its behaviours, which a given ethogram may have on other axes.
    names = [name for axis in recorded.axes for name in axis.behaviours] or [""]
    for start, end in recorded._scored():
        for name in names:
            span = SpanEntry(
                place="", video=video, start_seconds=start, end_seconds=end, behaviour=name
            )
            collector.span(span, is_scored=True)
    for axis in recorded.all_axes:
        for bout in recorded.bouts_of(axis, processing, video=video):
            collector.entry(
                BoutEntry(
                    place=f"at {bout.start_seconds:.10g} s",
                    video=video,
                    behaviour=bout.behaviour,
                    start_seconds=bout.start_seconds,
                    end_seconds=bout.end_seconds,
                    kind="state",
                    axis=_axis_in(collector, axis) if recorded.axes else "",
                    author=bout.author,
                    score=bout.score,
                    source="model",
                )
            )
    # In the order of the rows, whatever the times.
    models = dict.fromkeys(one.model for one in windows if one.model)
    settings = dict.fromkeys(one.settings for one in windows if one.settings)
    collector.about = About(
        model=", ".join(models), settings=" | ".join([*settings, processing.summary()])
    )
    collector.note(f"has {len(windows)} predictions; bouts: {processing.summary()}")


def _axis_in(collector: Collector, axis: PredictedAxis) -> str:
    """What an axis is called in the ethogram that is given, if one is."""
    ethogram = collector.options.ethogram
    if ethogram is None:
        return axis.name
    return next((ethogram[name].axis for name in axis.behaviours if name in ethogram), axis.name)


def _moments_of(
    names: Sequence[str], windows: Sequence[_Window], taken: Sequence[Interval] = ()
) -> ClassProbabilities | None:
    """Each moment with the mean of the windows over it, without what is taken."""
    import numpy as np

    holes = united([*taken, *(gap for one in windows for gap in one.gaps)])
    ends = [x for one in windows for x in (one.start, one.end)]
    ends += [x for hole in holes for x in hole]
    edges = np.unique(np.round(np.array(ends, dtype=np.float64), 6)).astype(np.float64)
    sums = np.zeros((len(edges) - 1, len(names)))
    counts = np.zeros(len(edges) - 1, dtype=np.int64)
    for one in windows:
        first, last = np.searchsorted(edges, np.round([one.start, one.end], 6))
        sums[first:last] += one.probabilities
        counts[first:last] += 1
    starts, stops = edges[:-1], edges[1:]
    # What is shorter than a microsecond or two is an edge that was said in two ways.
    is_kept = (counts > 0) & (stops - starts > 2e-6)
    if holes:  # their edges are edges of moments, so that a moment is in one whole, or not at all
        firsts, lasts = (np.array(one) for one in zip(*holes, strict=True))
        middles = (starts + stops) / 2
        at = np.searchsorted(firsts, middles, side="right") - 1
        is_kept &= ~((at >= 0) & (middles < lasts[at]))
    if not is_kept.any():
        return None
    means = np.clip(sums[is_kept] / counts[is_kept, None], 0.0, 1.0)
    return ClassProbabilities(tuple(names), means, starts[is_kept], stops[is_kept])


FORMAT = Format(
    name="predictions",
    title="vidmem predictions",
    endings=(".predictions.csv",),
    holds=Holds(scores=True, unlabelled=True, authors=True),
    recognise=recognise,
    read=read,
)
