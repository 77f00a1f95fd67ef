"""Files of labels that a person brings at once, made one account that fits a project's ethogram.

What does not fit is named row by row and left out, so that one odd row never keeps a file out.
"""

from __future__ import annotations

import contextlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from vidmem.errors import LabelError
from vidmem.labels import Ethogram, LabelledVideo, Labels, merge
from vidmem.labels.formats import About, Imported, OnProblem, Problem, ReadOptions, import_file
from vidmem.units import visible

MAX_BYTES = 64 * 2**20
"""Of all files of one import, unpacked."""

MAX_FILES = 100
MAX_NAME_CHARACTERS, MAX_NAME_BYTES = 120, 200

_UNFIT = '/\\\0:*?"<>|'


@dataclass(frozen=True, kw_only=True)
class HowToRead:
    """What files may not say themselves, as a person chose it on the page."""

    format: str = ""
    """Name of the format of all; empty: of each by its content."""

    on_problem: OnProblem = "skip"
    video: str = ""
    """Of files that name none; empty: after the file."""

    fps: float | None = None
    """Of files that count frames; `None`: the video's."""

    behaviours: tuple[tuple[str, str], ...] = ()
    """Names of behaviours in the files, and the project's that each of them means."""


@dataclass(frozen=True, kw_only=True)
class ReadFiles:
    """What several files say."""

    labels: Labels
    """With the project's behaviours as they are there, and those that are new behind them."""

    formats: tuple[str, ...]
    """Names of the formats, each once."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    about: About
    """Of the first file that says something."""


def fit_name(name: str) -> str:
    """The name of a file that a person brings, without its path, as every file system takes it."""
    return fit_stem(PureWindowsPath(PurePosixPath(name).name).name)


def fit_stem(name: str) -> str:
    """A name, of which nothing is a path, as every file system takes it; its end is kept."""
    fit = "".join("_" if one in _UNFIT else one for one in visible(name)).strip(" .")
    fit = fit[-MAX_NAME_CHARACTERS:]
    while len(fit.encode()) > MAX_NAME_BYTES:
        fit = fit[1:]
    return fit.strip(" .") or "labels"


def unpacked(name: str, data: bytes) -> dict[str, bytes]:
    """The files in what a person brings, by name: those of a ZIP, or the one that it is.

    Raises:
        LabelError: If a ZIP is damaged, encrypted, or has too much in it, or two files of one name.
    """
    if not name.casefold().endswith(".zip"):
        return {fit_name(name): data}
    files: dict[str, bytes] = {}
    size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in _files_in(name, archive):
                own = fit_name(member.filename)
                if own in files:
                    raise LabelError(f"{name} has two files named {own}; give each its own name")
                with archive.open(member) as file:
                    content = file.read(MAX_BYTES - size + 1)
                size += len(content)
                if size > MAX_BYTES:
                    raise LabelError(f"{name} has more than {MAX_BYTES >> 20} MiB; split it")
                files[own] = content
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        RuntimeError,  # encrypted; NotImplementedError is one too: packed in an unknown way
        ValueError,
    ) as error:
        raise LabelError(f"{name} cannot be unpacked: {error}; unpack it yourself") from error
    if not files:
        raise LabelError(f"{name} has no files in it")
    return files


def _files_in(name: str, archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """What a person put there: no folders, and nothing that a system added."""
    members = [
        one
        for one in archive.infolist()
        if not one.is_dir()
        and not PurePosixPath(one.filename).name.startswith(".")
        and not one.filename.startswith("__MACOSX/")
    ]
    if len(members) > MAX_FILES:
        raise LabelError(f"{name} has more than {MAX_FILES} files in it; split it")
    yield from members


def without_companions(paths: Iterable[Path]) -> list[Path]:
    """The files that are read by themselves: not those that lie beside another one of them."""
    paths = list(paths)
    names = {one.name for one in paths}
    return [
        one
        for one in sorted(paths)
        # Beside `labels.csv` lies `labels.csv.json`, and beside Label Studio's tasks its interface.
        if one.name.removesuffix(".json") not in names - {one.name}
        and not one.name.endswith(".config.xml")
    ]


def read_files(
    paths: Iterable[Path],
    how: HowToRead,
    ethogram: Ethogram,
    videos: Iterable[LabelledVideo],
) -> ReadFiles:
    """All that files say, as one account; where two of them contradict each other, the first.

    Args:
        paths: Of files in one folder.
        how: What was chosen.
        ethogram: The project's.
        videos: The project's, to know them by name and to see what lies outside of one.

    Raises:
        LabelError: If a file cannot be read as labels at all, or something is wrong in one and
            problems are to stop the reading.
        MissingPackageError: If its format needs a package that is not installed.
    """
    options = ReadOptions(
        video=how.video,
        fps=how.fps,
        videos=tuple(videos),
        has_other_videos=True,
        meant_behaviours=dict(how.behaviours),
        on_problem=how.on_problem,
    )
    mains = without_companions(paths)
    if not mains:
        raise LabelError("none of these files has labels; choose the file that they belong to, too")
    labels, known = Labels(ethogram), ethogram
    problems: list[Problem] = []
    notes: list[str] = []
    formats: dict[str, None] = {}
    about = About()
    for path in mains:
        one = _read_one(path, options, how.format, known)
        known = one.labels.ethogram
        merged = merge(labels, one.labels)
        labels = merged.labels
        problems += one.problems
        notes += [f"{path.name} {note}" for note in one.notes]
        if merged.conflicts:
            notes.append(
                f"{path.name} contradicts the files before it {len(merged.conflicts)} times, such "
                f"as: {merged.conflicts[0]}; what was there first stays"
            )
        formats[one.format] = None
        about = one.about if about == About() else about
    return ReadFiles(
        labels=labels,
        formats=tuple(formats),
        problems=tuple(problems),
        notes=tuple(notes),
        about=about,
    )


def _read_one(path: Path, options: ReadOptions, format: str, known: Ethogram) -> Imported:
    """What a file says, with the behaviours that are known as they are known."""
    options = replace(options, behaviours=known.names)
    imported = import_file(path, options, format=format or None)
    theirs = imported.labels.ethogram
    fitting = [one for one in theirs if one.name not in known or known[one.name].kind == one.kind]
    ethogram = known.united(Ethogram(tuple(fitting)))
    if len(fitting) == len(theirs):
        with contextlib.suppress(LabelError):  # what shares an axis here overlaps there
            return _with_ethogram(imported, ethogram)
    # Read again with what is known: then each row that does not fit is a problem of its own.
    return import_file(path, replace(options, ethogram=ethogram), format=imported.format)


def _with_ethogram(imported: Imported, ethogram: Ethogram) -> Imported:
    before = imported.labels
    after = before.with_ethogram(ethogram)
    num_gone = len(before.scored + before.not_scored) - len(after.scored + after.not_scored)
    if not num_gone:
        return replace(imported, labels=after)
    note = (
        f"says of {num_gone} spans whether they were scored, on an axis that its behaviours do not "
        "have here; these are left out"
    )
    return replace(imported, labels=after, notes=(*imported.notes, note))
