"""Which videos a visitor may open: the sample, the files of a folder, and what was uploaded."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.webcam import Webcam
from app.words import WORDS
from vidmem.errors import UnreadableVideoError, VideoNotFoundError

VIDEO_SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("3gp", "avi", "flv", "gif", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts"),
        *("ogv", "ts", "webm", "wmv"),
    )
)
MAX_LISTED = 500


@dataclass(frozen=True)
class Video:
    """A video that can be chosen. The page knows its key only, never its path."""

    key: str
    title: str
    path: Path
    """Of a live source: what its files are called by, as a name that ends in `.csv`."""

    address: str = field(default="", repr=False)
    """Of a live source, with its credentials: not for people."""

    webcam: Webcam | None = None
    """The visitor's, whose pictures come from the page."""

    @property
    def is_live(self) -> bool:
        """Whether it is watched as it happens: it has no length, and no past to go back to."""
        return bool(self.address) or self.webcam is not None


class VideoShelf:
    """The videos of this machine; uploads belong to the run that brought them."""

    def __init__(self, sample: Path | None, folder: Path | None, upload_folder: Path) -> None:
        self._sample = sample
        self._folder = folder.resolve() if folder else None
        self._upload_folder = upload_folder.resolve()
        self._lock = threading.Lock()
        self._uploads: dict[str, list[Video]] = {}
        self._num_uploads = 0

    @property
    def first(self) -> Video | None:
        """The sample, where there is one; else the folder's first file."""
        videos = [*self._samples(), *self._in_folder()]
        return videos[0] if videos else None

    def _samples(self) -> list[Video]:
        if self._sample is None or not self._sample.is_file():
            return []
        return [Video("sample", WORDS["sample_title"], self._sample)]

    def _in_folder(self) -> list[Video]:
        if self._folder is None:
            return []
        paths = sorted(_video_files(self._folder), key=lambda path: str(path).lower())[:MAX_LISTED]
        names = [path.relative_to(self._folder).as_posix() for path in paths]
        return [Video(f"folder/{n}", n, path) for n, path in zip(names, paths, strict=True)]

    def groups(self, run_id: str) -> list[tuple[str, list[tuple[str, str]]]]:
        """For the list on the page: `(group, [(key, title), ...])`."""
        with self._lock:
            uploads = list(self._uploads.get(run_id, ()))
        named = [
            (WORDS["sample_group"], self._samples()),
            (WORDS["folder_group"], self._in_folder()),
            (WORDS["upload_group"], uploads),
        ]
        return [(n, [(v.key, v.title) for v in videos]) for n, videos in named if videos]

    def find(self, run_id: str, key: str) -> Video:
        """The video of a key that `groups` gave.

        Raises:
            VideoNotFoundError: If there is none, or its file is gone.
        """
        with self._lock:
            uploads = list(self._uploads.get(run_id, ()))
        for video in (*self._samples(), *self._in_folder(), *uploads):
            if video.key == key and video.path.is_file():
                return video
        raise VideoNotFoundError(f"{key.rsplit('/', 1)[-1]} is not there (any more)")

    def add_upload(self, run_id: str, path: str, name: str) -> Video:
        """Take a file that the page uploaded; anything outside the upload folder is refused."""
        resolved = Path(path).resolve()
        if not resolved.is_relative_to(self._upload_folder) or not resolved.is_file():
            raise UnreadableVideoError(f"{name} did not arrive; upload it again")
        with self._lock:
            uploads = self._uploads.setdefault(run_id, [])
            self._num_uploads += 1
            video = Video(f"upload/{self._num_uploads}", name[:120] or resolved.name, resolved)
            uploads.append(video)
        return video

    def drop_upload(self, run_id: str, video: Video) -> None:
        """Delete an upload that is no video."""
        with self._lock:
            self._uploads[run_id] = [v for v in self._uploads.get(run_id, ()) if v != video]
            is_shared = any(v.path == video.path for vs in self._uploads.values() for v in vs)
        if not is_shared:
            video.path.unlink(missing_ok=True)

    def forget(self, run_id: str) -> None:
        """Delete what a run uploaded."""
        with self._lock:
            uploads = self._uploads.pop(run_id, [])
            shared = {v.path for videos in self._uploads.values() for v in videos}
        for video in uploads:
            if video.path not in shared:  # Gradio names an upload by its content
                video.path.unlink(missing_ok=True)


def _video_files(folder: Path) -> Iterator[Path]:
    """Videos in a folder and in the folders right below it; hidden ones are left out."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from (p for p in path.iterdir() if _is_video(p))
            elif _is_video(path):
                yield path


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
