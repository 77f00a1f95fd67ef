"""`vidmem watch a.mp4 b.mp4 ...`: several videos, or regions of one, through one model at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from vidmem.cli.memory_report import MemoryReport
from vidmem.cli.stopping import StopRequest, stopping_after
from vidmem.cli.terminal import note
from vidmem.console import (
    PLAIN_LINE_SECONDS,
    LiveColumn,
    WatchReport,
    clock_text,
    duration_text,
    length_text,
    settings_text,
    size_text,
)
from vidmem.errors import StorageError, VidmemError
from vidmem.models.interface import StreamModel
from vidmem.streaming import (
    Feed,
    FeedRequest,
    Prediction,
    Region,
    RegionFeeds,
    RunFiles,
    StreamPool,
    StreamSettings,
    VideoRun,
    is_live,
)
from vidmem.streaming.opening import open_source
from vidmem.video.live_address import file_stem

OPENING_AT_ONCE = 4


@dataclass(frozen=True)
class Listed:
    """A stream to watch: a video, or a region of one."""

    name: str
    source: str = field(repr=False)
    open_feed: Callable[[FeedRequest], Feed] = open_source


@dataclass(frozen=True, kw_only=True)
class Several:
    """What the streams have in common, beside model and settings."""

    out: Path
    start: float
    reader: str
    resume: bool
    for_seconds: float | None
    """Live ones end then."""

    memory_log: Path | None
    """Of the process, with all of them."""

    def files_of(self, video: str, out: Path) -> RunFiles:
        """What one of them writes; a live one cannot be resumed, so it saves no state."""
        if is_live(video):
            return RunFiles(out=out)
        return RunFiles(out=out, state_path=out.with_suffix(".state"), resume=self.resume)


def watch_regions(
    console: Console,
    video: str,
    regions: Sequence[Region],
    model: StreamModel,
    settings: StreamSettings | None,
    several: Several,
) -> None:
    """Stream regions of one video, decoded once, each to a file of its own.

    Raises:
        VidmemError: If the video cannot be read, or has no room for a region.
    """
    with RegionFeeds(video, regions) as feeds:
        listed = [Listed(one.name, video, feeds.open_feed(one)) for one in regions]
        what = f"regions of {feeds.source.name}"
        watch_many(console, listed, model, settings, several, what=what)
        console.print(f"decoders started for {len(listed)} {what}: {feeds.num_decoders_started}")


def watch_many(
    console: Console,
    listed: Sequence[Listed],
    model: StreamModel,
    settings: StreamSettings | None,
    several: Several,
    *,
    what: str = "videos",
) -> None:
    """Stream them all, each to a file of its own; one that fails disturbs no other.

    Raises:
        StorageError: If the folder for the files cannot be made.
        Exit: With 1 where a video failed, after all others went through; after Ctrl-C as well.
    """
    names = [one.name for one in listed]
    runs: dict[str, VideoRun] = {}
    folder = made_folder(several.out.with_suffix(""))
    memory = MemoryReport(console, several.memory_log, names) if several.memory_log else None

    def join(one: Listed) -> VideoRun | VidmemError:
        try:
            return pool.add(
                one.name,
                one.source,
                settings,
                start_seconds=several.start,
                reader=several.reader,
                files=several.files_of(one.source, folder / f"{one.name}.csv"),
                open_feed=one.open_feed,
            )
        except VidmemError as error:
            note(f"vidmem: {one.name} is left out: {error}")
            return error

    with (
        memory or nullcontext(),
        StreamPool(model) as pool,
        StopRequest(console, lambda: _finish(runs)) as stop,
    ):
        with ThreadPoolExecutor(OPENING_AT_ONCE) as opening:
            joined = dict(zip(names, opening.map(join, listed), strict=True))
        runs |= {name: one for name, one in joined.items() if isinstance(one, VideoRun)}
        _finish(runs if stop.is_made else {})  # while they were opened, there was none to finish
        failed = {name: one for name, one in joined.items() if isinstance(one, VidmemError)}
        reports = _introduce(console, runs, model, what)
        with stopping_after(several.for_seconds, lambda: _finish(runs)):
            _follow(pool, console, stop, reports, memory)
        if not stop.is_made:  # else a terminal's Ctrl-C has ended decoders too
            failed |= pool.errors
        _sum_up(pool, console, reports, runs)
    if stop.is_made and not all(is_live(one.source) for one in listed):
        stop.leave()
    if failed:
        note(f"vidmem: {len(failed)} of {len(names)} {what} failed: {', '.join(failed)}")
        raise typer.Exit(1)


def _finish(runs: dict[str, VideoRun]) -> None:
    """Take no more of those that are live."""
    for run in list(runs.values()):
        run.finish()


def list_videos(videos: Sequence[str]) -> list[Listed]:
    """Each video as a stream."""
    return [Listed(*pair) for pair in zip(stream_names(videos), videos, strict=True)]


def stream_names(videos: Sequence[str | Path]) -> list[str]:
    """A name for each: that of the file without its ending, numbered where it comes again.

    Of a live source: its host and path, without credentials.
    """
    names: list[str] = []
    for video in videos:
        stem = file_stem(video) if is_live(video) else Path(video).stem
        name, number = stem, 1
        while name in names:
            number += 1
            name = f"{stem}-{number}"
        names.append(name)
    return names


def made_folder(folder: Path) -> Path:
    """The folder, made if need be; raises `StorageError`."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be made: {error.strerror or error}") from error
    return folder


def _introduce(
    console: Console, runs: dict[str, VideoRun], model: StreamModel, what: str
) -> dict[str, WatchReport]:
    """Say what is about to be watched; returns a report for each."""
    lines = [f"model: {model.card.title}, for {len(runs)} {what} at once"]
    if runs:
        lines += settings_text(next(iter(runs.values())).settings)
    reports = {}
    for name, run in runs.items():
        length = length_text(run)
        said = f"; {run.resumed}" if run.resumed else ""
        lines.append(f"{name}: {length}, {run.info.width} x {run.info.height}{said}")
        reports[name] = WatchReport(
            console,
            duration_seconds=run.info.duration_seconds,
            start_seconds=run.position_seconds,
            live=run.live_figures,
        )
    for line in lines:
        console.print(line, markup=False)
    return reports


def _follow(
    pool: StreamPool,
    console: Console,
    stop: StopRequest,
    reports: dict[str, WatchReport],
    memory: MemoryReport | None,
) -> None:
    """Take all predictions, or those up to Ctrl-C."""
    show = _Show(console, reports)
    with show.progress:
        try:
            for name, prediction in pool:
                reports[name].count(*prediction.settled)
                show.update(name, prediction)
                if memory is not None:
                    memory.took(prediction, pool.model, name)
                if stop.is_made:
                    return
        except KeyboardInterrupt:  # the second one
            stop.is_made = True


def _sum_up(
    pool: StreamPool, console: Console, reports: dict[str, WatchReport], runs: dict[str, VideoRun]
) -> None:
    """Let the streams leave, and say what was written of each and how fast all were."""
    figures = pool.figures()
    wall_seconds = max((report.wall_seconds for report in reports.values()), default=0.0)
    for name, report in reports.items():
        report.count(*pool.remove(name))
        for line in report.summary():
            console.print(f"{name}: {line}", markup=False)
        console.print(f"{name}: predictions are in {runs[name].out}", markup=False)
    rate = figures.clips_done / max(wall_seconds, 1e-9)
    console.print(
        f"together: {figures.clips_done} clips in {duration_text(wall_seconds)}, {rate:.2f} "
        f"clips/s, {figures.mean_batch_size:.1f} at a time; the streams' memories take "
        f"{size_text(figures.state_bytes)}",
        markup=False,
    )


class _Show:
    """A bar for each stream on a terminal, now and then a plain line elsewhere."""

    def __init__(self, console: Console, reports: dict[str, WatchReport]) -> None:
        self.console, self.reports = console, reports
        self._last_line = time.perf_counter()
        self.progress = Progress(
            TextColumn("{task.fields[name]}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[now]}", markup=False),
            LiveColumn(lambda task: reports[task.fields["name"]].live()),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks = {
            name: self.progress.add_task(
                "",
                total=None if report.is_live else report.duration_seconds,
                name=name,
                now="starting",
            )
            for name, report in reports.items()
        }

    def update(self, name: str, prediction: Prediction) -> None:
        """One more prediction."""
        now = f"{clock_text(prediction.end_seconds)}  {prediction.label}"
        self.progress.update(self._tasks[name], completed=prediction.end_seconds, now=now)
        if self.console.is_terminal:
            return
        if time.perf_counter() - self._last_line >= PLAIN_LINE_SECONDS:
            self._last_line = time.perf_counter()
            places = (f"{one} {clock_text(r.end_seconds)}" for one, r in self.reports.items())
            self.console.print(", ".join(places), markup=False)
