"""How the command line shows a stream: what its settings mean, and how far it is."""

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

if TYPE_CHECKING:
    from vidmem.models.interface import ModelCard
    from vidmem.streaming import Engine, LiveFigures, Prediction, StreamSettings, VideoRun

PLAIN_LINE_SECONDS = 10.0
"""Between two progress lines where no terminal redraws them."""

MAX_LABELS_SUMMED_UP = 6


def clock_text(seconds: float) -> str:
    """A place in a video: `1:02:03`, or `2:03` within the first hour."""
    minutes, whole_seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole_seconds:02}" if hours else f"{minutes}:{whole_seconds:02}"


def duration_text(seconds: float) -> str:
    """A stretch of time in its two largest units: `3 min 20 s`, `2 h 5 min`, `0.5 s`."""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.2g} s"
    whole = round(seconds)
    units = (("h", whole // 3600), ("min", whole % 3600 // 60), ("s", whole % 60))
    first = next((i for i, (_, amount) in enumerate(units) if amount), 2)
    return (
        " ".join(f"{amount} {unit}" for unit, amount in units[first : first + 2] if amount) or "0 s"
    )


def size_text(num_bytes: int) -> str:
    """Bytes in units of 1024: `3.2 MiB`."""
    amount = float(num_bytes)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def settings_text(settings: StreamSettings) -> list[str]:
    """What the settings of a stream mean, a sentence each."""
    lines = [
        f"clips of {settings.clip_frames} frames at {settings.fps:g} per second: "
        f"{duration_text(settings.seconds_per_clip)} each, "
        f"one every {duration_text(settings.seconds_between_predictions)}",
        _memory_text(settings),
        f"shortest bout that can be told: {duration_text(settings.shortest_bout_seconds)}",
    ]
    if settings.latency_seconds:
        lines.append(
            f"looks {settings.local_frame_range} frames ahead in {settings.lookahead_layers} "
            f"layers: a prediction is final {duration_text(settings.latency_seconds)} after its "
            "clip ends"
        )
    if settings.unseen_seconds:
        lines.append(f"no clip sees {duration_text(settings.unseen_seconds)} between two clips")
    return lines


def _memory_text(settings: StreamSettings) -> str:
    span = duration_text(settings.memory_span_seconds)
    if settings.local_frame_range is not None:
        whole = duration_text(settings.memory_span_seconds + settings.seconds_per_clip)
        return f"sees the last {settings.window_frames} frames at once: {whole}"
    if not settings.l_mem:
        return "memory is off: each clip is judged on its own"
    return f"remembers the last {settings.l_mem} clips: {span}"


def introduce(console: Console, engine: Engine, card: ModelCard) -> None:
    """Say what is about to be watched, with what, and what the settings mean."""
    info = engine.info
    size = "" if info.is_live else f", {size_text(info.size_bytes)}"
    console.print(
        f"[bold]{escape(info.name)}[/]: {length_text(engine)}, {info.width} x {info.height}, "
        f"{info.codec}, {info.fps:.4g} frames per second{size}"
    )
    lines = [
        f"read with {engine.reader_name}: {engine.reader_reason}",
        f"model: {card.title}, {card.trained_on}" if card.trained_on else f"model: {card.title}",
        *settings_text(engine.settings),
        *([engine.resumed] if engine.resumed else []),
    ]
    for line in lines:
        console.print(line, markup=False)


def length_text(run: VideoRun) -> str:
    """How long a video is; a live one has no length."""
    return "live" if run.info.is_live else duration_text(run.info.duration_seconds)


def live_text(figures: LiveFigures | None) -> str:
    """How a live source is, in a few words; empty for a file."""
    if figures is None:
        return ""
    words = [f"{figures.seconds_behind:.1f} s behind"]
    if figures.clips_dropped:
        words.append(f"{figures.clips_dropped} clips left out")
    if figures.reconnects:
        words.append(f"connected again {times_text(figures.reconnects)}")
    if not figures.is_connected and figures.reason:
        words = [f"no connection, trying again: {figures.reason}", *words[1:]]
    return ", ".join(words)


def live_summary(figures: LiveFigures | None) -> list[str]:
    """What became of a live source, a sentence each; none for a file."""
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
    """How a live source is, now: also while no prediction comes."""

    def __init__(self, figures: Callable[[Task], LiveFigures | None]) -> None:
        super().__init__()
        self.figures = figures

    def render(self, task: Task) -> Text:
        """The words of `live_text`."""
        return Text(live_text(self.figures(task)))


class WatchReport:
    """Follows a stream on the console: one line that is redrawn, or now and then a plain line.

    Args:
        console: Where.
        duration_seconds: Of the video; infinite for a live one.
        start_seconds: Where it begins.
        live: How a live source is now; gives `None` for a file.
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
        self.labels: Counter[str] = Counter()
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
        """Since the report began."""
        return time.perf_counter() - self._began

    @property
    def times_real_time(self) -> float:
        """Seconds of video per second of waiting."""
        return (self.end_seconds - self.start_seconds) / max(self.wall_seconds, 1e-9)

    def update(self, prediction: Prediction) -> None:
        """Take one more prediction into account, and show it."""
        self.count(*prediction.settled)
        self.end_seconds = max(self.end_seconds, prediction.end_seconds)
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
        """Take final predictions into account, without showing them."""
        for prediction in predictions:
            self.num_predictions += 1
            self.labels[prediction.label] += 1
            self.end_seconds = max(self.end_seconds, prediction.end_seconds)

    def summary(self) -> list[str]:
        """What was seen and how fast, a sentence each."""
        if not self.num_predictions:
            return ["no new predictions", *live_summary(self.live())]
        span = duration_text(self.end_seconds - self.start_seconds)
        began = f", from {clock_text(self.start_seconds)} on" if self.start_seconds else ""
        speed = f"{duration_text(self.wall_seconds)} ({self.times_real_time:.1f} x real time)"
        amount = f"{self.num_predictions} prediction{'s' * (self.num_predictions != 1)}"
        common = self.labels.most_common(MAX_LABELS_SUMMED_UP)
        shares = [f"{label} {count / self.num_predictions:.0%}" for label, count in common]
        others = [] if len(self.labels) == len(common) else ["others"]
        return [
            f"{amount} for {span} of video{began}, in {speed}",
            f"labels: {', '.join([*shares, *others])}",
            *live_summary(self.live()),
        ]

    def _place(self) -> str:
        if self.is_live:
            return clock_text(self.end_seconds)
        return f"{clock_text(self.end_seconds)} of {clock_text(self.duration_seconds)}"

    def _now(self, prediction: Prediction) -> str:
        if self.is_live:
            return f"{prediction.label} ({prediction.probability:.2f})"
        clips_per_second = self.num_predictions / max(self.wall_seconds, 1e-9)
        left = max(self.duration_seconds - self.end_seconds, 0) / max(self.times_real_time, 1e-9)
        return (
            f"{prediction.label} ({prediction.probability:.2f})  {clips_per_second:.2f} clips/s  "
            f"{self.times_real_time:.1f} x real time  {duration_text(round(left))} left"
        )
