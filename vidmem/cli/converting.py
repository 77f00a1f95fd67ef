"""`vidmem convert`: labels, or predictions, from one format to another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

import vidmem
from vidmem.cli.terminal import new_console, plural
from vidmem.errors import SettingError, StorageError

if TYPE_CHECKING:
    from vidmem.labels import Ethogram, LabelledVideo, Labels
    from vidmem.labels.formats import Exported, Imported, OnProblem

MOST_SHOWN = 50
"""Problems printed of a file; more are counted."""


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="Labels or predictions.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="The file to write; its ending says the format. Formats of one video or subject "
            "write a file for each, named after it.",
            show_default=False,
        ),
    ],
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Format of IN. Default: by its content.", show_default=False),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help="Format of OUT. Default: by its ending.", show_default=False),
    ] = None,
    video: Annotated[
        str | None,
        typer.Option(
            help="The video, for formats that name none or count frames: a file, whose duration "
            "and frame rate are looked at, or just its name.",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            help="Frames per second, for formats that count frames. Default: the video's.",
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Least probability of a bout, 0 to 1.", show_default=False),
    ] = None,
    fill_gap: Annotated[
        float | None,
        typer.Option(
            help="Predictions: seconds of no behaviour that a bout goes on over.",
            show_default=False,
        ),
    ] = None,
    join: Annotated[
        float | None,
        typer.Option(
            help="Predictions: seconds of anything else over which two bouts become one.",
            show_default=False,
        ),
    ] = None,
    min_bout: Annotated[
        float | None,
        typer.Option(help="Leave out states shorter than so many seconds.", show_default=False),
    ] = None,
    all_scored: Annotated[
        bool,
        typer.Option(
            "--all-scored",
            help="All of each video was looked at: where nothing is labelled, nothing happened. "
            "Else it is unlabelled.",
        ),
    ] = False,
    ethogram: Annotated[
        str | None,
        typer.Option(
            help="The behaviours that there are, others are problems: a preset (sow, growing pigs, "
            "cattle, mouse), or labels or a project that have them.",
            show_default=False,
        ),
    ] = None,
    on_problem: Annotated[
        str,
        typer.Option(help="skip: leave out what is wrong and say it; stop: at the first problem."),
    ] = "skip",
    force: Annotated[bool, typer.Option("--force", help="Write over OUT.")] = False,
) -> None:
    """Convert labels or predictions from one format to another: BORIS, ELAN, WebVTT, ..."""
    from vidmem.labels import PostProcessing
    from vidmem.labels.formats import ReadOptions, format_for, format_named, import_file, write

    console = new_console()
    if on_problem not in ("skip", "stop"):
        raise SettingError(f"--on-problem must be skip or stop, got {on_problem!r}")
    policy: OnProblem = "stop" if on_problem == "stop" else "skip"
    # Both are looked up before anything is read, so that a typing error is said at once.
    target = format_named(to) if to else format_for(out)
    if source.exists() and out.exists() and source.samefile(out):
        raise StorageError(f"{out} is what is read; give another name")
    processing = PostProcessing(
        threshold=threshold or 0.0,
        fill_gap_seconds=fill_gap or 0.0,
        join_seconds=join or 0.0,
        min_bout_seconds=min_bout or 0.0,
    )
    known = _video(video) if video else None
    options = ReadOptions(
        video=known.name if known else "",
        videos=(known,) if known else (),
        has_other_videos=True,
        fps=fps,
        ethogram=_ethogram(ethogram) if ethogram else None,
        on_problem=policy,
        processing=processing,
    )
    imported = import_file(source, options, format=from_)
    labels = imported.labels
    if imported.format != "predictions":
        if fill_gap is not None or join is not None:
            raise SettingError("--fill-gap and --join are for predictions: leave them out")
        labels = _only_long(console, labels, threshold or 0.0, min_bout or 0.0)
    labels = _all_scored(labels) if all_scored else labels
    about = replace(imported.about, versions=f"vidmem {vidmem.__version__}")
    exported = write(labels, out, format=target.name, fps=fps, about=about, overwrite=force)
    _report(console, source, imported, labels, exported)


def _video(video: str) -> LabelledVideo:
    """What is known of a video: of a file its duration and frame rate, else its name."""
    from vidmem.labels import LabelledVideo

    path = Path(video)
    if not path.exists():
        return LabelledVideo(path.name)
    from vidmem.video import probe_safely

    info = probe_safely(path)
    duration = info.duration_seconds if info.duration_seconds > 0 else None
    return LabelledVideo(path.name, duration, info.fps if info.fps > 0 else None)


def _ethogram(name: str) -> Ethogram:
    from vidmem.labels import PRESETS, preset
    from vidmem.labels.formats import import_file

    return preset(name) if name in PRESETS else import_file(name).labels.ethogram


def _only_long(console: Console, labels: Labels, threshold: float, min_seconds: float) -> Labels:
    """Without what is short or doubtful, and that said."""
    short = [one for one in labels.bouts if not one.is_point and one.num_seconds < min_seconds]
    doubtful = [one for one in labels.bouts if one.score is not None and one.score < threshold]
    for what, found in (
        (f"shorter than {min_seconds:g} s", short),
        (f"with a probability below {threshold:g}", doubtful),
    ):
        if found:
            console.print(f"left out: {plural(len(found), 'bout')} {what}", markup=False)
    return labels.remove(*{*short, *doubtful})


def _all_scored(labels: Labels) -> Labels:
    """Labels with every subject of a video looked at from its start to its end."""
    from vidmem.labels import Span

    spans = []
    for video in labels.videos:
        tracks = {one for one in labels.tracks if one.video == video.name}
        ends = [one.end_seconds for one in labels.bouts_of(video=video.name)]
        seconds = video.duration_seconds or max(ends, default=0.0)
        if seconds:
            subjects = {one.subject for one in tracks}
            spans += [Span(video.name, 0, seconds, subject) for subject in sorted(subjects)]
    return replace(labels, scored=(*labels.scored, *spans))


def _report(
    console: Console, source: Path, imported: Imported, labels: Labels, exported: Exported
) -> None:
    """Print what was read, what was wrong, what was written and what is not in it."""
    lines = [f"{source.name}: {note}" for note in imported.notes]
    lines += [f"problem: {problem}" for problem in imported.problems[:MOST_SHOWN]]
    if imported.problems:
        kinds = Counter(one.kind for one in imported.problems)
        listed = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        lines.append(f"{plural(len(imported.problems), 'problem')}: {listed}")
    lines.append(_summary(labels))
    lines += [f"not in it: {loss}" for loss in exported.losses]
    lines += [f"note: {note}" for note in exported.notes]
    for line in [*lines, *(f"written: {path}" for path in exported.paths)]:
        console.print(line, markup=False)


def _summary(labels: Labels) -> str:
    counts = Counter(one.behaviour for one in labels.bouts)
    behaviours = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    found = f"{plural(len(labels.bouts), 'bout')} of {plural(len(counts), 'behaviour')}"
    videos = plural(len(labels.videos), "video")
    return f"{found} in {videos}{f': {behaviours}' if behaviours else ''}"
