"""`vidmem score`, `vidmem agree` and `vidmem budget`: results, from labels in files."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidmem.cli.terminal import new_console, tell
from vidmem.errors import SettingError, StorageError
from vidmem.plain import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vidmem.labels import Labels
    from vidmem.labels.results import TimeBudget

SECONDS_OF_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}

LABELS_HELP = "Labels, of any format that `vidmem convert` reads."


def score(
    predictions: Annotated[
        Path, typer.Argument(help="What a model predicted, such as pen.predictions.csv.")
    ],
    labels: Annotated[Path, typer.Argument(help=LABELS_HELP)],
    video: Annotated[
        str | None, typer.Option(help="Only this video of the labels. Default: by its name.")
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="Whose labels; needed where they have several animals."),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Compare samples, so many a second. Default: all time, exactly."),
    ] = None,
    axis: Annotated[
        str | None, typer.Option(help="Which axis; needed where there are several.")
    ] = None,
    block_seconds: Annotated[
        float, typer.Option(help="Blocks of time that the interval of macro-F1 is made of.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Of that interval.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Numbers for a program.")] = False,
) -> None:
    """Score predictions against labels: F1, kappa, bouts, edges, beside the majority's.

    Only time that both scored counts; the rest is told.
    """
    from vidmem.cli.label_files import on_videos_of, read_labels
    from vidmem.cli.result_tables import score_lines
    from vidmem.labels.formats import read_probabilities
    from vidmem.labels.results import about_subject_of
    from vidmem.labels.results import score as score_labels

    predicted, truth = read_labels(predictions), read_labels(labels)
    if video is not None:
        truth = _of_video(truth, video, labels)
    predicted = on_videos_of(predicted, truth, chosen=video, what=str(predictions))
    predicted = predicted.for_video(video) if video is not None else predicted
    truth = truth.for_subject(subject) if subject is not None else truth
    given = read_probabilities(predictions)
    names = {track.video for track in predicted.tracks}
    result = score_labels(
        about_subject_of(predicted, truth),
        truth,
        axis=axis,
        fps=fps,
        probabilities=dict.fromkeys(names, given) if given is not None else None,
        block_seconds=block_seconds,
        seed=seed,
    )
    _print(result.as_dict(), score_lines(result), as_json=as_json)


def agree(
    first: Annotated[Path, typer.Argument(help=f"{LABELS_HELP} Or predictions.")],
    second: Annotated[Path, typer.Argument(help="The same, by another rater or a model.")],
    video_seconds: Annotated[
        float | None,
        typer.Option(
            help="Both looked at each video from its start to here: without a bout it is none of "
            "these. Default: only time in which both have a bout counts."
        ),
    ] = None,
    interval: Annotated[float, typer.Option(help="Seconds between two scans.")] = 1.0,
    tolerance: Annotated[
        float, typer.Option(help="Seconds that two point events may be apart to be one.")
    ] = 1.0,
    video: Annotated[
        str | None, typer.Option(help="Only this video of the first. Default: all.")
    ] = None,
    axis: Annotated[str | None, typer.Option(help="Only this axis. Default: all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Numbers for a program.")] = False,
) -> None:
    """Say how far two raters, or a rater and a model, agree: kappa, AC1, percent, confusion.

    Cohen's kappa is given scan-sampled (every interval, both ends included) and weighted by
    duration. Where it is undefined, the reason stands in its place.
    """
    from vidmem.cli.label_files import on_videos_of, read_labels
    from vidmem.cli.result_tables import agreement_lines
    from vidmem.labels.results import agree as agree_labels

    mine, theirs = read_labels(first), read_labels(second)
    if video is not None:
        mine = _of_video(mine, video, first)
    theirs = on_videos_of(theirs, mine, chosen=video, what=str(second))
    theirs = theirs.for_video(video) if video is not None else theirs
    if video_seconds is not None:
        mine, theirs = _all_scored(mine, theirs, video_seconds)
    result = agree_labels(
        mine, theirs, interval_seconds=interval, point_tolerance_seconds=tolerance, axis=axis
    )
    _print(result.as_dict(), agreement_lines(result), as_json=as_json)


def budget(
    labels: Annotated[Path, typer.Argument(help=f"{LABELS_HELP} Or predictions.")],
    every: Annotated[
        str | None,
        typer.Option(help="A row for each 30min, 1h, 1d, ... Default: for all time."),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"],
            help="When the recording began, such as 2026-05-01T06:00: hours are the clock's then.",
        ),
    ] = None,
    video_seconds: Annotated[
        float | None,
        typer.Option(
            help="All of each video was scored, from its start to here: without a bout it is none "
            "of these. Default: only what has a bout is scored."
        ),
    ] = None,
    per_video: Annotated[
        bool, typer.Option("--per-video", help="Each video by itself. Default: together.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write it there, as CSV.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Numbers for a program.")] = False,
) -> None:
    """Say how the scored time of each animal is spent: share, bouts, lengths, latency, rates."""
    from vidmem.cli.label_files import read_labels
    from vidmem.cli.result_tables import budget_lines
    from vidmem.labels.results import time_budget

    read = read_labels(labels)
    if start is not None:
        read = _started(read, start)
    if video_seconds is not None:
        read, _ = _all_scored(read, read, video_seconds)
    every_seconds = None if every is None else _period_seconds(every)
    result = time_budget(read, every_seconds=every_seconds, per_video=per_video)
    if out is not None:
        _write_budget(out, result, labels)
    _print(result.as_dict(), budget_lines(result), as_json=as_json)


def _print(numbers: dict[str, object], lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        print(to_json(numbers, indent=2))
        return
    console = new_console()
    for line in lines:
        console.print(line, markup=False)


def _of_video(labels: Labels, video: str, path: Path) -> Labels:
    names = sorted({track.video for track in labels.tracks})
    if video not in names:
        raise SettingError(
            f"{path} says nothing of the video {video}; it has {', '.join(names)[:200] or 'none'}"
        )
    return labels.for_video(video)


def _all_scored(first: Labels, second: Labels, num_seconds: float) -> tuple[Labels, Labels]:
    """Both as accounts of whole videos; what lies behind their end is cut off, and told."""
    from vidmem.labels.results import as_whole_videos

    if not 0 < num_seconds < float("inf"):
        raise SettingError(f"--video-seconds must be above 0, got {num_seconds:g}")
    longest = max(
        (one.end_seconds for labels in (first, second) for one in labels.bouts), default=0.0
    )
    if longest > num_seconds + 0.001:
        tell(f"bouts go on to {longest:g} s: what is behind --video-seconds {num_seconds:g} is cut")
    return as_whole_videos(first, second, num_seconds)


def _started(labels: Labels, start: datetime) -> Labels:
    names = sorted({track.video for track in labels.tracks})
    if len(names) != 1:
        raise SettingError(
            f"--start is of one video, and there are {len(names)}; give each a start in its labels"
        )
    return labels.with_video(replace(labels.video(names[0]), start=start))


def _period_seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)", text)
    if match is None:
        raise SettingError(f"--every must be a time such as 30min, 1h or 1d, got {text!r}")
    return float(match[1]) * SECONDS_OF_UNITS[match[2]]


def _write_budget(out: Path, result: TimeBudget, read: Path) -> None:
    from vidmem.labels.results import budget_csv
    from vidmem.streaming import check_outputs
    from vidmem.streaming.saving.outputs import keep_previous
    from vidmem.streaming.saving.predictions_csv import storage_errors

    check_outputs({"--out": out}, [read])
    if not out.absolute().parent.is_dir():
        raise StorageError(f"{out} cannot be written: there is no folder {out.absolute().parent}")
    unfinished = out.with_name(f"{out.name}.unfinished-{os.getpid()}")
    with storage_errors(out):
        try:
            unfinished.write_text(budget_csv(result), encoding="utf-8")
            previous = keep_previous(out)
            unfinished.replace(out)
        finally:
            unfinished.unlink(missing_ok=True)
    if previous is not None:
        tell(f"{out} was there already and is now {previous.name}")
