"""How the command line shows a stream: what its settings mean, and its progress."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from vidmem.units import clock, file_size, span, visible

if TYPE_CHECKING:
    from vidmem.models.interface import ModelCard
    from vidmem.streaming import Engine, LiveFigures, Prediction, StreamSettings, VideoRun

PLAIN_LINE_SECONDS = 10.0
"""Between two lines of progress where there is no terminal to redraw one."""

MAX_LABELS_SUMMED_UP = 6
"""Labels in the summary, the commonest first."""


def settings_text(settings: StreamSettings) -> list[str]:
    """What the settings of a stream mean, a sentence each."""
    lines = [
        f"clips of {settings.clip_frames} frames at {settings.fps:g} per second: "
        f"{span(settings.seconds_per_clip)} each, "
        f"one every {span(settings.seconds_between_predictions)}",
        _memory_text(settings),
        f"shortest bout that can be seen: {span(settings.shortest_bout_seconds)}",
    ]
    if settings.latency_seconds:
        lines.append(
            f"looks {settings.local_frame_range} frames ahead in {settings.lookahead_layers} "
            f"layers: a prediction is final {span(settings.latency_seconds)} after its "
            "clip ends"
        )
    if settings.unseen_seconds:
        lines.append(f"no clip sees {span(settings.unseen_seconds)} between two clips")
    return lines


def _memory_text(settings: StreamSettings) -> str:
    if settings.local_frame_range is not None:
        whole = span(settings.memory_span_seconds + settings.seconds_per_clip)
        return f"sees the last {settings.window_frames} frames at once: {whole}"
    if not settings.l_mem:
        return "memory is off: each clip is judged on its own"
    return f"remembers the last {settings.l_mem} clips: {span(settings.memory_span_seconds)}"


def introduce(console: Console, engine: Engine, card: ModelCard) -> None:
    """Print what will be watched, with which model and reader, and what the settings mean."""
    info = engine.info
    size = "" if info.is_live else f", {file_size(info.size_bytes)}"
    name = escape(visible(info.name))
    console.print(
        f"[bold]{name}[/]: {length_text(engine)}, {info.width} x {info.height}, "
        f"{info.codec}, {info.fps:.4g} frames per second{size}"
    )
    lines = [
        f"read with {engine.reader_name}: {engine.reader_reason}",
        ". ".join(filter(None, (f"model: {card.title}", card.training_note))),
        *settings_text(engine.settings),
        *([engine.resumed] if engine.resumed else []),
    ]
    for line in lines:
        console.print(line, markup=False)


def length_text(run: VideoRun) -> str:
    """How long a video is; a live one has no length."""
    return "live" if run.info.is_live else span(run.info.duration_seconds)


def what_is_missing(run: VideoRun, end_seconds: float) -> str | None:
    """What a finished run has not seen of its video, as a sentence; `None` where it saw the end.

    Args:
        run: At its end.
        end_seconds: Of its last prediction.
    """
    info, settings = run.info, run.settings
    if info.is_live:
        return None
    # Containers round their length; and windows that leave frames out may leave the last ones out.
    slack_seconds = max(0.5, 3 / info.fps, 2 / settings.fps) + settings.unseen_seconds
    missing_seconds = info.duration_seconds - end_seconds
    if missing_seconds <= slack_seconds or not (info.has_own_duration or info.is_truncated):
        return None
    return (
        f"incomplete: the predictions end at {clock(end_seconds)} of "
        f"{clock(info.duration_seconds)}; the rest of {visible(info.name)} is missing or damaged"
    )


def label_text(prediction: Prediction) -> str:
    """What was predicted, and how probable it is, on each axis."""
    best = prediction.best_classes
    shares = (f"{prediction.probabilities[index]:.2f}" for index in best)
    pairs = zip(prediction.labels, shares, strict=True)
    return ", ".join(f"{label} ({share})" for label, share in pairs)


def unlike_text(count: int, num_predictions: int) -> str:
    """How many predictions, at least one, are of footage that the model knows nothing of."""
    how_many = f"{count} of {num_predictions} prediction{'s' * (num_predictions != 1)}"
    verb, whose = ("is", "its label means") if count == 1 else ("are", "their labels mean")
    return (
        f"{how_many} {verb} of footage that looks unlike what the model was trained on: "
        f"it knows other scenes only, and {whose} nothing"
    )


def live_text(figures: LiveFigures | None) -> str:
    """The state of a live source: how far behind it is, clips left out, outages; "" for a file."""
    if figures is None:
        return ""
    words = [f"{span(figures.seconds_behind)} behind"]
    if figures.clips_dropped:
        words.append(f"{figures.clips_dropped} clips left out")
    if figures.reconnects:
        words.append(f"connected again {times_text(figures.reconnects)}")
    if not figures.is_connected and figures.reason:
        words = [f"no connection, trying again: {figures.reason}", *words[1:]]
    return ", ".join(words)


def live_summary(figures: LiveFigures | None) -> list[str]:
    """How a live source went, from its start on, a sentence each; none for a file."""
    if figures is None or figures.started_at is None:
        return []
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(figures.started_at))
    lines = [f"second 0 was {began} by the clock of this machine"]
    if figures.clips_dropped:
        lines.append(
            f"the model was slower than the camera: {figures.clips_dropped} clips were left out"
        )
    if figures.reconnects:
        lines.append(
            f"the connection broke and was made again {times_text(figures.reconnects)}; the last "
            f"reason: {figures.reason}"
        )
    return lines


def times_text(number: int) -> str:
    """How often: `once`, `3 times`."""
    return "once" if number == 1 else f"{number} times"


class LiveColumn(ProgressColumn):
    """A column with the state of a live source, kept up to date while no prediction comes."""

    def __init__(self, figures: Callable[[Task], LiveFigures | None]) -> None:
        super().__init__()
        self.figures = figures

    def render(self, task: Task) -> Text:
        """The state now, by `live_text`."""
        return Text(live_text(self.figures(task)))


class WatchReport:
    """Follows a stream on the console: one line that is redrawn, or now and then a plain line.

    Args:
        console: Where.
        duration_seconds: Of the video; infinite for a live one.
        start_seconds: Where it begins.
        live: Gives the figures of a live source now; `None` for a file.
    """

    def __init__(
        self,
        console: Console,
        *,
        duration_seconds: float,
        start_seconds: float = 0.0,
        live: Callable[[], LiveFigures | None] = lambda: None,
    ) -> None:
        self.console = console
        self.live = live
        self.is_live = math.isinf(duration_seconds)
        self.duration_seconds = duration_seconds
        self.start_seconds = start_seconds
        self.end_seconds = start_seconds
        self.num_predictions = 0
        self.labels: list[Counter[str]] = []  # one for each axis
        self.num_unlike = 0
        self._missed_seconds = 0.0  # up to `end_seconds`
        self._gaps_ahead: list[tuple[float, float]] = []  # told of, and not behind that end yet
        self._gaps_until = start_seconds  # where the last gap that was counted ends
        self._began = time.perf_counter()
        self._last_line = self._began
        self._progress = Progress(
            TextColumn("{task.fields[place]}"),
            *([] if self.is_live else [BarColumn(bar_width=20)]),
            TextColumn("{task.fields[now]}"),
            *([LiveColumn(lambda task: live())] if self.is_live else []),
            console=console,
            disable=not console.is_terminal,
        )
        total = None if self.is_live else duration_seconds
        self._task = self._progress.add_task("", total=total, place="", now="starting")

    def __enter__(self) -> WatchReport:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @property
    def wall_seconds(self) -> float:
        """Seconds since the report began."""
        return time.perf_counter() - self._began

    @property
    def missed_seconds(self) -> float:
        """Seconds of video of which there was no picture, from the start to the last prediction."""
        ahead = (self.end_seconds - start for start, _ in self._gaps_ahead)
        return self._missed_seconds + sum(max(seconds, 0.0) for seconds in ahead)

    @property
    def seen_seconds(self) -> float:
        """Seconds of video that were watched: holes are none."""
        return self.end_seconds - self.start_seconds - self.missed_seconds

    @property
    def times_real_time(self) -> float:
        """Seconds of video that were seen per second of waiting."""
        return self.seen_seconds / max(self.wall_seconds, 1e-9)

    def update(self, prediction: Prediction) -> None:
        """Count a prediction that has just come, and show it."""
        self.count(*prediction.settled)
        self._come_to(prediction)
        if self.console.is_terminal:
            self._progress.update(
                self._task,
                completed=self.end_seconds,
                place=self._place(),
                now=self._now(prediction),
            )
        elif time.perf_counter() - self._last_line >= PLAIN_LINE_SECONDS:
            self._last_line = time.perf_counter()
            words = [self._place(), self._now(prediction), live_text(self.live())]
            self.console.print("  ".join(filter(None, words)), markup=False)

    def count(self, *predictions: Prediction) -> None:
        """Count final predictions, without showing them."""
        for prediction in predictions:
            self.num_predictions += 1
            while len(self.labels) < len(prediction.labels):
                self.labels.append(Counter())
            for counted, label in zip(self.labels, prediction.labels, strict=False):
                counted[label] += 1
            self.num_unlike += prediction.is_unlike_training
            self._come_to(prediction)

    def summary(self) -> list[str]:
        """How many predictions, their commonest labels and the speed, a sentence each."""
        if not self.num_predictions:
            return ["no new predictions", *live_summary(self.live())]
        length = span(self.seen_seconds)
        began = f", from {clock(self.start_seconds)} on" if self.start_seconds else ""
        speed = f"{span(self.wall_seconds)} ({self.times_real_time:.1f} x real time)"
        amount = f"{self.num_predictions} prediction{'s' * (self.num_predictions != 1)}"
        return [
            f"{amount} for {length} of video{began}, in {speed}",
            *self._missed_text(),
            *self._labels_text("; ".join(map(self._shares_text, self.labels))),
            *live_summary(self.live()),
        ]

    def _come_to(self, prediction: Prediction) -> None:
        """Note how far the video was watched, and what could not be seen on the way."""
        self.end_seconds = max(self.end_seconds, prediction.end_seconds)
        # The same gap comes again where a prediction is judged anew.
        for gap in prediction.gaps:
            if gap.end_seconds > self._gaps_until:
                start = max(gap.start_seconds, self._gaps_until)
                self._gaps_ahead.append((start, gap.end_seconds))
                self._gaps_until = gap.end_seconds
        # A gap is told of with the window that it breaks off, which may end before it.
        while self._gaps_ahead and self._gaps_ahead[0][1] <= self.end_seconds:
            start, end = self._gaps_ahead.pop(0)
            self._missed_seconds += end - start

    def _missed_text(self) -> list[str]:
        if self.missed_seconds < 0.005:  # else it would read as 0 s
            return []
        return [f"not seen: {span(self.missed_seconds)} of the video, missing or damaged"]

    def _shares_text(self, labels: Counter[str]) -> str:
        """Of the labels of an axis."""
        common = labels.most_common(MAX_LABELS_SUMMED_UP)
        shares = [f"{label} {count / self.num_predictions:.0%}" for label, count in common]
        others = [] if len(labels) == len(common) else ["others"]
        return ", ".join([*shares, *others])

    def _labels_text(self, shares: str) -> list[str]:
        """The shares of labels, and how many of them mean nothing."""
        if not self.num_unlike:
            return [f"labels: {shares}"]
        unlike = unlike_text(self.num_unlike, self.num_predictions)
        if self.num_unlike * 2 > self.num_predictions:
            # One line, so that the shares are not read, copied or searched for alone.
            return [f"labels: {shares}; but {unlike}"]
        return [f"labels: {shares}", unlike]

    def _place(self) -> str:
        if self.is_live:
            return clock(self.end_seconds)
        return f"{clock(self.end_seconds)} of {clock(self.duration_seconds)}"

    def _now(self, prediction: Prediction) -> str:
        if self.is_live:
            return label_text(prediction)
        clips_per_second = self.num_predictions / max(self.wall_seconds, 1e-9)
        left = max(self.duration_seconds - self.end_seconds, 0) / max(self.times_real_time, 1e-9)
        return (
            f"{label_text(prediction)}  {clips_per_second:.2f} clips/s  "
            f"{self.times_real_time:.1f} x real time  {span(round(left))} left"
        )
