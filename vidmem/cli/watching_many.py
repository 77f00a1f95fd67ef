"""`vidmem watch a.mp4 b.mp4 ...`: several videos, or regions of one, through one model at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from vidmem.cli.memory_report import FootprintReport
from vidmem.cli.stopping import StopRequest, end_broken, stopping_after
from vidmem.cli.terminal import INCOMPLETE, note, tell
from vidmem.console import (
    PLAIN_LINE_SECONDS,
    LiveColumn,
    WatchReport,
    length_text,
    settings_text,
    what_is_missing,
)
from vidmem.errors import ModelError, ModelMemoryError, StorageError, VidmemError
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
from vidmem.streaming.source import open_source
from vidmem.units import clock, memory_size, span
from vidmem.video.live.address import file_stem

OPENING_AT_ONCE = 4
"""Sources opened at a time: each waits for its file or its connection, and starts a decoder."""


@dataclass(frozen=True)
class Listed:
    """A stream to watch: a video, or a region of one."""

    name: str
    source: str = field(repr=False)
    open_feed: Callable[[FeedRequest], Feed] = open_source


@dataclass(frozen=True, kw_only=True)
class ManyWatchOptions:
    """What all streams of a command have in common, besides model and settings."""

    out: Path
    start: float
    reader: str
    resume: bool
    for_seconds: float | None
    """How long live sources are watched; `None`: up to Ctrl-C."""

    memory_log: Path | None
    """File for the footprint of the process over time, with all streams; `None`: no file."""

    @property
    def folder(self) -> Path:
        """Where all streams write."""
        return self.out.with_suffix("")

    def outputs(self, names: Sequence[str], videos: Sequence[str]) -> dict[str, Any]:
        """All files of all streams, by name, for `check_outputs`."""
        named: dict[str, Any] = {"--memory-log": self.memory_log}
        for name, video in zip(names, videos, strict=True):
            files = self.files_of(video, self.folder / f"{name}.csv")
            named |= {f"{what} of {name}": path for what, path in files.outputs.items()}
        return named

    def files_of(self, video: str, out: Path) -> RunFiles:
        """Files that the stream of one video writes."""
        if is_live(video):  # cannot be resumed, so it saves no state
            return RunFiles(out=out)
        return RunFiles(out=out, state_path=out.with_suffix(".state"), resume=self.resume)


def watch_regions(
    console: Console,
    video: str,
    regions: Sequence[Region],
    model: StreamModel,
    settings: StreamSettings | None,
    options: ManyWatchOptions,
) -> None:
    """Stream regions of one video, decoded once, each to a file of its own.

    Raises:
        VidmemError: If the video cannot be read, or has no room for a region.
    """
    with RegionFeeds(video, regions) as feeds:
        listed = [Listed(one.name, video, feeds.open_feed(one)) for one in regions]
        what = f"regions of {feeds.source.name}"
        watch_many(console, listed, model, settings, options, what=what)
        console.print(f"decoders started for {len(listed)} {what}: {feeds.num_decoders_started}")


def watch_many(
    console: Console,
    listed: Sequence[Listed],
    model: StreamModel,
    settings: StreamSettings | None,
    options: ManyWatchOptions,
    *,
    what: str = "videos",
) -> None:
    """Stream them all, each to a file of its own; one that fails disturbs no other.

    Raises:
        StorageError: If the folder for the files cannot be made.
        Exit: Once all others are done, with 1 where a video could not be opened and with 3 where
            one broke off; and after Ctrl-C.
    """
    names = [one.name for one in listed]
    runs: dict[str, VideoRun] = {}
    missing: list[str] = []
    folder = made_folder(options.folder)
    footprint = FootprintReport(console, options.memory_log, names) if options.memory_log else None

    def join(one: Listed) -> VideoRun | VidmemError:
        try:
            return pool.add(
                one.name,
                one.source,
                settings,
                start_seconds=options.start,
                reader=options.reader,
                files=options.files_of(one.source, folder / f"{one.name}.csv"),
                open_feed=one.open_feed,
            )
        except VidmemError as error:
            note(f"vidmem: {one.name} is left out: {error}")
            return error

    with (
        footprint or nullcontext(),
        StreamPool(model) as pool,
        StopRequest(console, lambda: _finish(runs)) as stop,
    ):
        with ThreadPoolExecutor(OPENING_AT_ONCE) as opening:
            joined = dict(zip(names, opening.map(join, listed), strict=True))
        runs |= {name: one for name, one in joined.items() if isinstance(one, VideoRun)}
        _finish(runs if stop.is_made else {})  # Ctrl-C while they were opened found no runs
        failed = {name: one for name, one in joined.items() if isinstance(one, VidmemError)}
        reports = _introduce(console, runs, model, what)
        with stopping_after(options.for_seconds, lambda: _finish(runs)):
            broken = _follow(pool, console, stop, reports, footprint)
        if not stop.is_made:  # else a terminal's Ctrl-C has ended decoders too
            failed |= pool.errors
            missing = _missing(runs, reports, pool.errors)
        _sum_up(pool, console, reports, runs)
    can_resume = not all(is_live(one.source) for one in listed)
    if broken is not None:
        end_broken(broken, can_resume=can_resume)
    if stop.is_made and can_resume:
        stop.leave()
    how_many, num_left_out = f"{len(failed)} of {len(names)} {what}", len(names) - len(runs)
    _leave(how_many, failed, missing, num_left_out=num_left_out)


def _leave(
    how_many: str, failed: dict[str, VidmemError], missing: list[str], *, num_left_out: int
) -> None:
    """Say which streams did not come to the end of their videos, and exit accordingly."""
    if failed:
        note(f"vidmem: {how_many} failed: {', '.join(failed)}")
    for sentence in missing:
        tell(sentence)
    # To go on would only meet them again.
    are_at_fault = num_left_out or any(type(one) is ModelError for one in failed.values())
    if failed or missing:
        raise typer.Exit(1 if are_at_fault else INCOMPLETE)


def _missing(
    runs: dict[str, VideoRun], reports: dict[str, WatchReport], errors: Mapping[str, VidmemError]
) -> list[str]:
    """A sentence for each stream that came to an end before its video does."""
    ended = {name: run for name, run in runs.items() if name not in errors}
    found = {name: what_is_missing(run, reports[name].end_seconds) for name, run in ended.items()}
    return [f"{name}: {sentence}" for name, sentence in found.items() if sentence]


def _finish(runs: dict[str, VideoRun]) -> None:
    for run in list(runs.values()):  # a copy: the signal's thread calls this while runs are opened
        run.finish()


def list_videos(videos: Sequence[str]) -> list[Listed]:
    """A stream for each video, named by `stream_names`."""
    return [Listed(*pair) for pair in zip(stream_names(videos), videos, strict=True)]


def stream_names(videos: Sequence[str | Path]) -> list[str]:
    """A name for each: of a file without its ending, of a live source its host and path.

    A name that comes again is numbered. No name holds credentials.
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
    """The folder itself, made if it is not there.

    Raises:
        StorageError: If it cannot be made.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be made: {error.strerror or error}") from error
    return folder


def _introduce(
    console: Console, runs: dict[str, VideoRun], model: StreamModel, what: str
) -> dict[str, WatchReport]:
    """Print what will be watched; gives a report for each run."""
    lines = [f"model: {model.card.title}, for {len(runs)} {what} at once"]
    if runs:
        lines += settings_text(next(iter(runs.values())).settings)
    reports = {}
    for name, run in runs.items():
        length = length_text(run)
        resumed = f"; {run.resumed}" if run.resumed else ""
        lines.append(f"{name}: {length}, {run.info.width} x {run.info.height}{resumed}")
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
    footprint: FootprintReport | None,
) -> VidmemError | None:
    """Take all predictions, or those up to Ctrl-C; returns what broke the model's steps off."""
    bars = _Bars(console, reports)
    with bars.progress:
        try:
            for name, prediction in pool:
                reports[name].count(*prediction.settled)
                bars.update(name, prediction)
                if footprint is not None:
                    footprint.add_prediction(prediction, pool.model, name)
                if stop.is_made:
                    break
        except KeyboardInterrupt:  # the second one
            stop.is_made = True
        except ModelMemoryError as error:
            return error
    return None


def _sum_up(
    pool: StreamPool, console: Console, reports: dict[str, WatchReport], runs: dict[str, VideoRun]
) -> None:
    """Take the streams out of the pool, and print a summary of each and of all."""
    figures = pool.figures()
    wall_seconds = max((report.wall_seconds for report in reports.values()), default=0.0)
    outs = {name: run.out for name, run in runs.items()}
    for name, report in reports.items():
        report.count(*pool.remove(name))
        for line in report.summary():
            console.print(f"{name}: {line}", markup=False)
        console.print(f"{name}: predictions are in {outs[name]}", markup=False)
    rate = figures.clips_done / max(wall_seconds, 1e-9)
    console.print(
        f"together: {figures.clips_done} clips in {span(wall_seconds)}, {rate:.2f} "
        f"clips/s, {figures.mean_batch_size:.1f} at a time; the streams' memories take "
        f"{memory_size(figures.state_bytes)}",
        markup=False,
    )


class _Bars:
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
        now = f"{clock(prediction.end_seconds)}  {', '.join(prediction.labels)}"
        self.progress.update(self._tasks[name], completed=prediction.end_seconds, now=now)
        if self.console.is_terminal:
            return
        if time.perf_counter() - self._last_line >= PLAIN_LINE_SECONDS:
            self._last_line = time.perf_counter()
            places = (f"{one} {clock(r.end_seconds)}" for one, r in self.reports.items())
            self.console.print(", ".join(places), markup=False)
