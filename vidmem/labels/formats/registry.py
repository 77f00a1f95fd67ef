"""The formats, told apart by ending and content; reading and writing any of them."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from vidmem.errors import LabelError
from vidmem.labels.ethogram import Ethogram
from vidmem.labels.formats import (
    deepethogram,
    elan,
    label_studio,
    predictions_csv,
    srt,
    via_csv,
    vidmem_csv,
    webvtt,
)
from vidmem.labels.formats.arranging import arrange
from vidmem.labels.formats.boris import aggregated, binary_table, project, tabular
from vidmem.labels.formats.collecting import Collector
from vidmem.labels.formats.format import (
    About,
    Exported,
    Format,
    Imported,
    OnProblem,
    ReadOptions,
    WriteOptions,
)
from vidmem.labels.formats.losses import losses_of
from vidmem.labels.formats.source import Source, write_files
from vidmem.labels.labels import Labels

FORMATS: tuple[Format, ...] = (
    predictions_csv.FORMAT,
    project.FORMAT,
    tabular.FORMAT,
    aggregated.FORMAT,
    deepethogram.FORMAT,
    binary_table.FORMAT,
    webvtt.FORMAT,
    srt.FORMAT,
    elan.FORMAT,
    label_studio.FORMAT,
    via_csv.FORMAT,
    vidmem_csv.FORMAT,
)
"""A file is of the first that recognises it: the special before the general."""

MAX_WARNINGS = 20

logger = logging.getLogger(__name__)


def format_named(name: str) -> Format:
    """The format of a name, such as `boris`.

    Raises:
        LabelError: If there is none; the message has the names there are.
    """
    for one in FORMATS:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in FORMATS)
    raise LabelError(f"there is no format {name!r:.60}; formats: {names}")


def format_of_source(source: Source) -> Format:
    """The format of a file, by its content: the first that recognises it.

    Raises:
        LabelError: If it is of none that can be read.
    """
    name = source.path.name.casefold()
    for one in FORMATS:
        if one.read and one.recognise(source):
            return one
    by_ending = [one for one in FORMATS if name.endswith(one.endings)]
    only_written = [one for one in by_ending if not one.read]
    if only_written and len(only_written) == len(by_ending):
        raise LabelError(f"{source.path} is {only_written[0].title}, which is only written")
    names = ", ".join(one.name for one in FORMATS if one.read)
    raise LabelError(
        f"{source.path} is of no format that is known by its content; `vidmem convert --from` "
        f"reads it as one of {names}"
    )


def format_for(path: Path) -> Format:
    """The format that a new file gets by its ending, the longest that fits.

    Raises:
        LabelError: If it is the ending of none that can be written.
    """
    name = path.name.casefold()
    fitting = [
        (len(ending), -index)
        for index, one in enumerate(FORMATS)
        for ending in one.endings
        if one.write and name.endswith(ending)
    ]
    if not fitting:
        endings = ", ".join(dict.fromkeys(one.endings[0] for one in FORMATS if one.write))
        raise LabelError(
            f"{path} has an ending of no format that can be written; endings: {endings}, or say "
            "the format (--to)"
        )
    return FORMATS[-max(fitting)[1]]


def import_file(
    path: str | Path, options: ReadOptions | None = None, *, format: str | None = None
) -> Imported:
    """What a file of labels says, and every problem in it.

    Args:
        path: The file.
        options: What it may not say itself, and what is done about problems.
        format: Name of its format; `None`: by its content.

    Raises:
        LabelError: If it cannot be read as labels at all, or something is wrong in it and problems
            are to stop the reading.
        MissingPackageError: If its format needs a package that is not installed.
    """
    source = Source.open(Path(path))
    kind = format_named(format) if format else format_of_source(source)
    if kind.read is None:
        raise LabelError(f"{kind.title} is only written; it cannot be read")
    collector = Collector(source.path, options or ReadOptions())
    try:
        kind.read(source, collector)
        return replace(arrange(collector), format=kind.name)
    except RecursionError as error:
        raise LabelError(f"{path} is nested too deep") from error


def read(
    path: str | Path,
    *,
    format: str | None = None,
    video: str = "",
    fps: float | None = None,
    ethogram: Ethogram | None = None,
    on_problem: OnProblem = "stop",
) -> Labels:
    """Labels of a file, of any format that can be read.

    Args:
        path: The file.
        format: Name of its format; `None`: by its content.
        video: Name of the video, for files that name none.
        fps: Frames per second, for files that count frames.
        ethogram: The behaviours that there are; `None`: those of the file.
        on_problem: "stop" at the first problem, or "skip" what is wrong and log each as a warning;
            `import_file` returns them instead.

    Raises:
        LabelError: If it cannot be read as labels, or something is wrong in it.
        MissingPackageError: If its format needs a package that is not installed.
    """
    options = ReadOptions(video=video, fps=fps, ethogram=ethogram, on_problem=on_problem)
    imported = import_file(path, options, format=format)
    for problem in imported.problems[:MAX_WARNINGS]:
        logger.warning("%s", problem)
    if (more := len(imported.problems) - MAX_WARNINGS) > 0:
        logger.warning("%s: %d more problems", path, more)
    return imported.labels


def write(
    labels: Labels,
    path: str | Path,
    *,
    format: str | None = None,
    fps: float | None = None,
    about: About | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write labels to a file, or where the format wants it to several beside it, named after it.

    Args:
        labels: Of any videos.
        path: The file; its folder exists.
        format: Name of the format; `None`: by the ending of the path.
        fps: Frames or samples per second of formats that count them; `None`: each video's.
        about: Where the labels come from; `None`: nothing is said of it.
        overwrite: Take the place of files that are there.

    Returns:
        The files, and what the format cannot hold and is therefore not in them.

    Raises:
        LabelError: If there is no such format, or it needs what is not known, such as a frame rate.
        StorageError: If a file is there already, or cannot be written.
    """
    path = Path(path)
    kind = format_named(format) if format else format_for(path)
    if kind.write is None:
        raise LabelError(f"{kind.title} is only read; it cannot be written")
    drafted = kind.write(labels, path, WriteOptions(fps=fps, about=about or About()))
    write_files(drafted.files, overwrite=overwrite)
    losses = (*losses_of(labels, kind), *drafted.losses)
    return Exported(paths=tuple(drafted.files), losses=losses, notes=drafted.notes)
