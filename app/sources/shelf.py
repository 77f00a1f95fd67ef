"""Which videos a visitor may open: the sample, the files of a folder, and what was uploaded."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from app.sources import wording
from app.sources.past import PastInfo
from app.sources.uploads import UploadFolder
from app.sources.webcam import Webcam
from vidmem.errors import UnreadableVideoError, VideoNotFoundError
from vidmem.streaming import ConnectionLimits, LiveFeed, LiveLimits
from vidmem.video import AddressPolicy

VIDEO_SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("3gp", "avi", "flv", "gif", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts"),
        *("ogv", "ts", "webm", "wmv"),
    )
)
MAX_LISTED = 500
MAX_UPLOAD_BYTES = 4 * 10**9
MAX_OPENED = 20
"""Videos of the project that one run has on its list, the newest."""

_UPLOAD = "upload/"


@dataclass(frozen=True)
class Video:
    """A video that can be chosen. The page knows its key only, never its path."""

    key: str
    title: str
    path: Path
    """Of a live source no file, but the name after which its predictions file is named."""

    address: str = field(default="", repr=False)
    """Of a live source, with its credentials: not for people."""

    policy: AddressPolicy | None = None
    """Where the address may lead, which another than the owner of this machine may have typed."""

    webcam: Webcam | None = None
    """The visitor's, whose pictures come from the page."""

    past: PastInfo | None = None
    """Set where it cannot be read now: only what was predicted of it is there."""

    @property
    def is_upload(self) -> bool:
        """Whether a visitor brought it: its file is deleted with the run that it belongs to."""
        return self.key.startswith(_UPLOAD)

    @property
    def is_live(self) -> bool:
        """Whether it is watched as it happens: it has no length, and no past to go back to."""
        return bool(self.address) or self.webcam is not None

    @property
    def feed_options(self) -> dict[str, Any]:
        """How it is opened, for `Engine` and `StreamPool.add`; nothing for a file."""
        if self.webcam is not None:
            return {"open_feed": self.webcam.open_feed}
        if self.policy is not None:
            limits = LiveLimits(connection=ConnectionLimits(policy=self.policy))
            return {"open_feed": partial(LiveFeed, limits=limits)}
        return {}


class VideoShelf:
    """The videos of this machine; uploads belong to the run that brought them."""

    def __init__(
        self,
        sample: Path | None,
        folder: Path | None,
        uploads: UploadFolder | Path,
        *,
        follows_links: bool = False,
    ) -> None:
        """Look for the folder.

        Args:
            sample: A video that comes with the app.
            folder: Whose videos are listed.
            uploads: Where uploads arrive.
            follows_links: Whether links in the folder may lead out of it.
        """
        self._sample, self._follows_links = sample, follows_links
        self._folder = folder.resolve() if folder else None
        if isinstance(uploads, Path):
            uploads = UploadFolder(uploads, MAX_UPLOAD_BYTES)
        self.upload_folder = uploads
        self._lock = threading.Lock()
        self._uploads: dict[str, list[Video]] = {}
        self._opened: dict[str, list[Video]] = {}
        self._num_uploads = 0

    @property
    def first(self) -> Video | None:
        """The sample, where there is one; else the folder's first file."""
        videos = [*self._samples(), *self._in_folder()]
        return videos[0] if videos else None

    def _samples(self) -> list[Video]:
        if self._sample is None or not self._sample.is_file():
            return []
        return [Video("sample", wording.SAMPLE_TITLE, self._sample)]

    def _in_folder(self) -> list[Video]:
        if self._folder is None:
            return []
        paths = sorted(self._files(self._folder), key=lambda path: str(path).lower())[:MAX_LISTED]
        names = [path.relative_to(self._folder).as_posix() for path in paths]
        return [Video(f"folder/{n}", n, path) for n, path in zip(names, paths, strict=True)]

    def _files(self, folder: Path) -> Iterator[Path]:
        for path in _video_files(folder):
            if self._follows_links or path.resolve().is_relative_to(folder):
                yield path

    @property
    def num_left_out(self) -> int:
        """Videos that links in the folder lead to, and that lie outside of it."""
        if self._folder is None:
            return 0
        return len([*_video_files(self._folder)]) - len([*self._files(self._folder)])

    def groups(self, run_id: str) -> list[tuple[str, list[tuple[str, str]]]]:
        """For the list on the page: `(group, [(key, title), ...])`."""
        return [(n, [(v.key, v.title) for v in videos]) for n, videos in self.grouped(run_id)]

    def grouped(self, run_id: str) -> list[tuple[str, list[Video]]]:
        """All videos that a run may open: `(group, videos)`, where a group has any."""
        with self._lock:
            uploads = list(self._uploads.get(run_id, ()))
            opened = list(self._opened.get(run_id, ()))
        named = [
            (wording.SAMPLE_GROUP, self._samples()),
            (wording.FOLDER_GROUP, self._in_folder()),
            (wording.UPLOAD_GROUP, uploads),
            (wording.PROJECT_GROUP, opened),
        ]
        return [(name, videos) for name, videos in named if videos]

    def find(self, run_id: str, key: str) -> Video:
        """The video of a key that `groups` gave.

        Raises:
            VideoNotFoundError: If there is none, or its file is gone.
        """
        with self._lock:
            uploads = list(self._uploads.get(run_id, ()))
            opened = list(self._opened.get(run_id, ()))
        for video in (*self._samples(), *self._in_folder(), *uploads, *opened):
            if video.key == key and video.path.is_file():
                return video
        raise VideoNotFoundError(f"{key.rsplit('/', 1)[-1]} is not there (any more)")

    def add_upload(self, run_id: str, path: str, name: str) -> Video:
        """Take a file that the run uploaded, by the name it got there; all else is refused."""
        resolved = self.upload_folder.claim(run_id, path)
        if resolved is None:
            raise UnreadableVideoError(f"{name} did not arrive; upload it again")
        with self._lock:
            uploads = self._uploads.setdefault(run_id, [])
            self._num_uploads += 1
            video = Video(f"{_UPLOAD}{self._num_uploads}", name[:120] or resolved.name, resolved)
            uploads.append(video)
        return video

    def open_path(self, run_id: str, path: Path, key: str, name: str) -> Video:
        """A video of the project as a run's list has it: one of the shelf, or one more.

        Args:
            run_id: Of the run, whose list gets it.
            path: From the project, never from a page.
            key: For one more.
            name: For one more.
        """
        with self._lock:
            uploads = list(self._uploads.get(run_id, ()))
        for video in (*self._samples(), *self._in_folder(), *uploads):
            if video.path == path or video.path.resolve() == path.resolve():
                return video
        video = Video(key, name, path)
        with self._lock:
            others = [one for one in self._opened.get(run_id, ()) if one.key != key]
            self._opened[run_id] = [*others, video][-MAX_OPENED:]
        return video

    def drop_upload(self, run_id: str, video: Video) -> None:
        """Delete an upload that is no video."""
        with self._lock:
            self._uploads[run_id] = [v for v in self._uploads.get(run_id, ()) if v != video]
            # A run may have taken one upload twice.
            is_shared = any(v.path == video.path for vs in self._uploads.values() for v in vs)
        if not is_shared:
            self.upload_folder.delete(video.path)

    def forget(self, run_id: str) -> None:
        """Delete what a run uploaded, but for what others uploaded too."""
        with self._lock:
            uploads = self._uploads.pop(run_id, [])
            self._opened.pop(run_id, None)
            shared = {v.path for videos in self._uploads.values() for v in videos}
        for video in uploads:
            if video.path not in shared:
                self.upload_folder.delete(video.path)
        self.upload_folder.forget(run_id)


def _video_files(folder: Path) -> Iterator[Path]:
    """Videos in a folder and in the folders right below it; hidden ones are left out."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if path.name.startswith("."):
                continue
            for one in path.iterdir() if entry.is_dir() else (path,):
                if _is_video(one) and not one.name.startswith("."):
                    yield one


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
