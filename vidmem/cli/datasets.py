"""`vidmem data check`: what a folder of videos and annotations is, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidmem.cli.terminal import counting, new_console, plural
from vidmem.plain import to_json
from vidmem.units import span

if TYPE_CHECKING:
    from vidmem.data import Manifest
    from vidmem.data.manifest.summary import ManifestSummary

MOST_SHOWN = 20
"""Problems printed; more are counted."""

data = typer.Typer(no_args_is_help=True)


@data.callback()
def general() -> None:
    """Look at datasets: Kinetics, Something-Something, UCF101, AVA, a folder per class, ..."""


@data.command()
def check(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER_OR_FILE",
            help="A dataset, a file of its annotations, or a project.",
            show_default=False,
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            help="What it is: project, kinetics, something, ucf101, hmdb51, activitynet, ava, "
            "list, folders or labels. Default: by what lies there.",
            show_default=False,
        ),
    ] = None,
    videos: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the videos, where they do not lie with the annotations.",
            show_default=False,
        ),
    ] = None,
    fold: Annotated[
        int, typer.Option(min=1, help="Which split of a dataset with several, such as UCF101.")
    ] = 1,
    decode: Annotated[
        bool,
        typer.Option(
            "--decode",
            help="Open every video, with a time limit, and measure its length.",
        ),
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, max=16, help="--decode: videos opened together.")
    ] = 2,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON, all classes too.")
    ] = False,
) -> None:
    """Say what a dataset is, how much is in it, and what is wrong with it.

    Ends with 1 if anything is wrong, or no sample can be used.
    """
    from vidmem.data import Manifest

    manifest = Manifest.read(path, kind, videos=videos, fold=fold)
    if decode:
        with counting(f"opening the videos of {manifest.folder}", "videos") as progress:
            manifest = manifest.check_videos(workers=workers, progress=progress)
    if as_json:
        print(to_json(_as_data(manifest)))
    else:
        console = new_console()
        for line in _lines(manifest):
            console.print(line, markup=False)
    if manifest.problem_counts or not len(manifest):
        raise typer.Exit(1)


def _lines(manifest: Manifest) -> list[str]:
    from vidmem.data.manifest.summary import ManifestSummary

    summary = ManifestSummary.of(manifest)
    lines = [f"{manifest.folder}: {manifest.title}, recognised by {manifest.how}"]
    lines.append(f"samples: {summary.num_samples} of {summary.num_named} can be used")
    if summary.num_without_label:
        lines.append(f"without a label: {plural(summary.num_without_label, 'sample')}")
    lines += [_videos(manifest, summary), *_classes(summary)]
    subsets = ", ".join(f"{name} {count}" for name, count in summary.subset_counts.items())
    lines.append(f"subsets: {subsets or 'none'}")
    if summary.num_divided_groups:
        named = ", ".join(manifest.divided_groups[:3])
        lines.append(
            f"note: {plural(summary.num_divided_groups, 'group')} cut from one recording in more "
            f"than one subset, such as {named:.200}: scores are too good"
        )
    lines += [f"note: {note}" for note in manifest.notes]
    return lines + _problems(manifest)


def _videos(manifest: Manifest, summary: ManifestSummary) -> str:
    known = summary.num_videos_of_known_length
    if not known:
        return f"videos: {summary.num_videos}, their lengths are not known; --decode measures them"
    of = "" if known == summary.num_videos else f", {known} of them"
    how = "measured" if manifest.is_checked else "as the annotations say"
    return f"videos: {summary.num_videos}{of} with {span(summary.video_seconds)} ({how})"


def _classes(summary: ManifestSummary) -> list[str]:
    found = summary.samples_per_class
    if found is None:
        return ["classes: none"]
    least, median, most = found
    lines = [
        f"classes: {len(summary.class_counts)}, with {least} (min), {median:g} (median) and "
        f"{most} (max) samples"
    ]
    empty = [name for name, count in summary.class_counts.items() if not count]
    if empty:
        lines.append(f"classes without a sample: {len(empty)}, such as {', '.join(empty[:3]):.200}")
    return lines


def _problems(manifest: Manifest) -> list[str]:
    counts = manifest.problem_counts
    if not counts:
        looked = "" if manifest.is_checked else "; no video was opened (--decode)"
        return [f"nothing is wrong{looked}"]
    lines = [f"problem: {one}" for one in manifest.problems[:MOST_SHOWN]]
    total = sum(counts.values())
    listed = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
    return [*lines, f"{plural(total, 'problem')}: {listed}"]


def _as_data(manifest: Manifest) -> dict[str, Any]:
    from vidmem.data.manifest.summary import ManifestSummary

    return {
        "folder": str(manifest.folder),
        "kind": manifest.kind,
        "title": manifest.title,
        "recognised_by": manifest.how,
        **ManifestSummary.of(manifest).to_json(),
        "is_decoded": manifest.is_checked,
        "notes": list(manifest.notes),
        "problem_counts": dict(manifest.problem_counts),
        "problems": [
            {
                "file": str(one.path),
                "place": one.place,
                "kind": one.kind,
                "what": one.what,
                "done": one.done,
            }
            for one in manifest.problems
        ],
    }
