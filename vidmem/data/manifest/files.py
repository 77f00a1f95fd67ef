"""The files of a dataset: which videos and which annotations lie in a folder, in one look."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vidmem.errors import DatasetError
from vidmem.files import parse_json, read_bounded
from vidmem.labels.formats.source import Source

VIDEO_ENDINGS = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".3gp", ".webm", ".mkv", ".avi", ".wmv", ".flv", ".gif"),
        *(".mpg", ".mpeg", ".ts", ".mts", ".m2ts"),
    )
)
PICTURE_ENDINGS = frozenset((".jpg", ".jpeg", ".png"))
ANNOTATION_ENDINGS = frozenset((".csv", ".tsv", ".txt", ".json", ".pbtxt", ".pbtx"))

MAX_FILES = 5_000_000
"""Of a folder: seven times as many as the largest dataset that is known here has."""

MAX_ANNOTATION_BYTES = 256 * 2**20
HEAD_BYTES = 16 * 2**10


@dataclass(frozen=True)
class AnnotationFile:
    """A file of annotations, known by its head until all of it is read."""

    path: Path

    @cached_property
    def head(self) -> str:
        """How its text begins; empty where it is none."""
        try:
            with open(self.path, "rb") as file:
                data = file.read(HEAD_BYTES)
        except OSError:
            return ""
        # The head may end in the middle of a character.
        return data.decode("utf-8-sig", errors="ignore") if b"\0" not in data else ""

    @property
    def first_line(self) -> str:
        """The first line that is not empty, without space around it."""
        return next((line.strip() for line in self.head.splitlines() if line.strip()), "")

    @property
    def ending(self) -> str:
        """Of its name, in small letters with the dot."""
        return self.path.suffix.casefold()

    def text(self) -> str:
        """All of it, lines ended by a line feed alone.

        Raises:
            DatasetError: If it cannot be read or is too large.
            LabelError: If it is no text.
        """
        try:
            data = read_bounded(self.path, MAX_ANNOTATION_BYTES)
        except OSError as error:
            reason = error.strerror or error
            raise DatasetError(f"{self.path} cannot be read: {reason}") from error
        return Source(self.path, data).text

    def lines(self) -> Iterator[tuple[int, str]]:
        """Its lines that are not empty, without space around them, with their number from 1."""
        for number, line in enumerate(self.text().split("\n"), start=1):
            if line.strip():
                yield number, line.strip()

    def json(self) -> object:
        """What it holds as JSON.

        Raises:
            DatasetError: If it is none.
        """
        try:
            return parse_json(self.text())
        except ValueError as error:
            raise DatasetError(f"{self.path} is no JSON: {error}") from error


class VideoFiles:
    """The videos of a folder, found by name: annotations rarely say all of a path."""

    def __init__(self, paths: Sequence[Path], folder: Path) -> None:
        """Of these files, all in or below a folder."""
        self.folder = folder
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in paths:
            self._by_stem[path.stem].append(path)

    def __len__(self) -> int:
        return sum(map(len, self._by_stem.values()))

    def find(self, stem: str, folders: Sequence[str] = ()) -> Path | None:
        """The video of a name without its ending: people convert videos, so endings differ.

        Args:
            stem: The name, without ending.
            folders: Of several, the one that has most of these folders in its path is meant.
        """
        candidates = self._by_stem.get(stem)
        if not candidates:
            return None
        wanted = set(folders)
        return max(candidates, key=lambda path: len(wanted.intersection(path.parts)))


@dataclass(frozen=True)
class DatasetFiles:
    """What lies in the folder of a dataset, and in that of its videos."""

    folder: Path
    annotations: tuple[AnnotationFile, ...]
    """By depth and name, the topmost first."""

    videos: VideoFiles
    video_paths: tuple[Path, ...]
    """Those of the folder, in order of their paths."""

    num_pictures: int
    """Frames that were written as pictures, which are no videos."""

    @classmethod
    def of(cls, folder: Path, videos: Path | None = None) -> DatasetFiles:
        """Look through a folder, and through another one for the videos.

        Links are followed: large datasets often lie elsewhere.

        Raises:
            DatasetError: If there is no such folder, or it has more files than a dataset.
        """
        annotations, found, num_pictures = [], [], 0
        for path in _walk(folder):
            ending = path.suffix.casefold()
            if ending in ANNOTATION_ENDINGS:
                annotations.append(path)
            elif ending in VIDEO_ENDINGS:
                found.append(path)
            num_pictures += ending in PICTURE_ENDINGS
        if videos is not None and videos != folder:
            found = [p for p in _walk(videos) if p.suffix.casefold() in VIDEO_ENDINGS]
        found.sort()
        annotations.sort(key=lambda path: (len(path.parts), path))
        return cls(
            folder=folder,
            annotations=tuple(map(AnnotationFile, annotations)),
            videos=VideoFiles(found, videos or folder),
            video_paths=tuple(found),
            num_pictures=num_pictures,
        )


def stem_of_path(name: str) -> str:
    """The name of a video in an annotation, without its folders and the ending of a video."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, ending = last.rpartition(".")
    return stem if dot and f".{ending.casefold()}" in VIDEO_ENDINGS else last


def folders_of_path(name: str) -> tuple[str, ...]:
    """The folders before the name of a video in an annotation."""
    return tuple(name.replace("\\", "/").split("/")[:-1])


def _walk(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder; give the folder of the dataset or its videos")
    seen: set[tuple[int, int]] = set()
    num_files = 0
    for place, folders, names in os.walk(folder, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:  # a link that leads in a circle
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        num_files += len(names)
        if num_files > MAX_FILES:
            raise DatasetError(f"{folder} has more than {MAX_FILES} files; give a smaller folder")
        yield from (Path(place, name) for name in names if not name.startswith("."))
