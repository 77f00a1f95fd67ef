"""Playable copies of the project's videos: made one after the other, kept within bounds.

They lie in the project's folder `proxies`, by the content of their video, so that one that has
moved keeps its copy, and one that has changed does not. What was not used for longest goes first.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.projects.open_file import NoMediaError, OpenFile, open_file, open_original
from app.sentences import sentence_for
from vidmem.errors import ProjectError, StorageError, VidmemError
from vidmem.projects import Project, ProjectVideo
from vidmem.units import file_size
from vidmem.video import ProxyMaker

PROXIES = "proxies"
MAX_BYTES, MAX_SHARE = 20 * 10**9, 0.10
"""Of all copies, and as a share of the disk: whichever is less."""

SPARE_BYTES = 512 << 20
"""Left free on the disk."""

MAX_WAITING = 20
MAX_WIDTH = 1280
CANCEL_SECONDS = 5.0
STALE_PART_SECONDS = 3600.0
"""A copy under way that was not written to for so long is of a process that is gone."""

BITS_PER_PIXEL, SOUND_BYTES_PER_SECOND = 0.08, 16_000
PIXELS_PER_SECOND = 110e6
"""What is decoded and encoded by two cores; estimates say "about"."""


@dataclass
class _Job:
    video: ProjectVideo
    path: Path
    """Of the copy."""

    total_seconds: float
    state: str = "queued"
    done_seconds: float = 0.0
    num_bytes: int = 0
    sentence: str = ""
    began_at: float = 0.0
    maker: ProxyMaker | None = None
    is_cancelled: bool = False
    changed: threading.Event = field(default_factory=threading.Event)


class Proxies:
    """The playable copies of a project; safe to use from all threads.

    Args:
        project: Whose.
        max_bytes: Of all copies together, besides `MAX_SHARE`.
        open_maker: Makes one; tests replace it.
    """

    def __init__(
        self,
        project: Project,
        *,
        max_bytes: int = MAX_BYTES,
        open_maker: Callable[..., ProxyMaker] = ProxyMaker,
    ) -> None:
        self._project, self._max_bytes, self._open_maker = project, max_bytes, open_maker
        self.folder = project.folder / PROXIES
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        self._waiting: list[str] = []
        self._worker: threading.Thread | None = None
        self._is_closed = False
        self._delete_stale_parts()

    def status(self, video: ProjectVideo, facts: dict[str, Any]) -> dict[str, Any]:
        """How far the copy of a video is, in plain values, with what it is expected to take.

        Args:
            video: Of the project.
            facts: Its record.
        """
        with self._lock:
            job = self._jobs.get(video.fingerprint or "")
            shown = _shown(job) if job is not None else {"state": "none"}
        path = self._path(video)
        if shown["state"] in ("none", "failed", "done"):
            if path is not None and path.is_file():
                shown = {"state": "done", "size_bytes": path.stat().st_size}
            elif shown["state"] == "done":
                shown = {"state": "none"}  # it had to make room
        return {**shown, "estimate": _estimate(facts)}

    def begin(self, video: ProjectVideo, facts: dict[str, Any]) -> None:
        """Begin a copy, or have it made after those that are under way.

        Raises:
            VidmemError: If the video is missing or changed, or too many are waiting.
        """
        open_original(self._project, video).close()
        path = self._path(video)
        if path is None or path.is_file():
            return
        key = video.fingerprint or ""
        with self._lock:
            job = self._jobs.get(key)
            if self._is_closed or (job is not None and job.state in ("queued", "making")):
                return
            if len(self._waiting) >= MAX_WAITING:
                raise ProjectError(
                    f"{MAX_WAITING} playable copies wait to be made; begin this one later"
                )
            self._forget_old_jobs()
            self._jobs[key] = _Job(video, path, facts.get("duration_seconds") or 0.0)
            self._waiting.append(key)
            if self._worker is None:
                self._worker = threading.Thread(
                    target=self._work, name="vidmem-proxies", daemon=True
                )
                self._worker.start()

    def cancel(self, video: ProjectVideo) -> None:
        """Give a copy up; nothing of it is left."""
        key = video.fingerprint or ""
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.state not in ("queued", "making"):
                return
            job.is_cancelled = True
            if job.state == "queued":
                self._waiting.remove(key)
                del self._jobs[key]
                return
        if job.maker is not None:
            job.maker.close()
        job.changed.wait(CANCEL_SECONDS)

    def open(self, video: ProjectVideo) -> OpenFile:
        """The copy of a video, for reading.

        Raises:
            NoMediaError: If there is none.
        """
        path = self._path(video)
        opened = open_file(path or self.folder / "none", f"the playable copy of {video.name}")
        with contextlib.suppress(OSError):  # of a project that cannot be written
            # When it was used last; when it was made stays, since browsers know it by that.
            os.utime(path or "", ns=(time.time_ns(), opened.modified_ns))
        return opened

    def close(self) -> None:
        """Give up all that is under way."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
            makers = [job.maker for job in self._jobs.values() if job.maker is not None]
            for job in self._jobs.values():
                job.is_cancelled = True
            worker = self._worker
        for maker in makers:
            maker.close()
        if worker is not None:
            worker.join(CANCEL_SECONDS)

    # Inner workings.

    def _path(self, video: ProjectVideo) -> Path | None:
        return None if video.fingerprint is None else self.folder / f"{video.fingerprint}.mp4"

    def _work(self) -> None:
        """Thread: make what waits, and end."""
        while True:
            with self._lock:
                if not self._waiting or self._is_closed:
                    self._worker = None
                    return
                job = self._jobs[self._waiting.pop(0)]
                job.state, job.began_at = "making", time.monotonic()
            try:
                self._make(job)
                outcome, sentence = "done", ""
            except (VidmemError, OSError) as error:
                outcome, sentence = "failed", _sentence_of(error, job)
            except BaseException:
                self._end(job, "failed", "Something unexpected went wrong.")
                raise
            self._end(job, outcome, sentence)

    def _make(self, job: _Job) -> None:
        self.folder.mkdir(exist_ok=True, mode=0o700)
        video = job.video
        most = self._make_room(_estimated_bytes_of(job))
        assert video.path is not None, "it was looked at when this began"
        with self._open_maker(video.path, job.path, max_width=MAX_WIDTH, max_bytes=most) as maker:
            with self._lock:
                job.maker = maker
                job.total_seconds = maker.info.duration_seconds
                is_cancelled = job.is_cancelled
            if is_cancelled:
                return
            for progress in maker:
                job.done_seconds, job.num_bytes = progress.seconds, progress.num_bytes
        try:
            open_original(self._project, video).close()
        except NoMediaError:  # changed meanwhile: it would be a copy of another content
            job.path.unlink(missing_ok=True)
            raise
        self._make_room(0, keep=job.path)

    def _end(self, job: _Job, state: str, sentence: str) -> None:
        with self._lock:
            job.maker = None
            job.state, job.sentence = state, sentence
            if job.is_cancelled and state != "done":
                self._jobs.pop(job.video.fingerprint or "", None)
            job.changed.set()

    def _make_room(self, num_bytes: int, keep: Path | None = None) -> int:
        """Delete copies until so many bytes more may be written; returns how many may be at most.

        Raises:
            StorageError: If there is no room.
        """
        usage = shutil.disk_usage(self.folder)
        limit = min(self._max_bytes, int(MAX_SHARE * usage.total))
        copies = sorted(
            (path.stat().st_atime_ns, path.stat().st_size, path)
            for path in self.folder.glob("*.mp4")
            if path != keep
        )
        kept_bytes = keep.stat().st_size if keep is not None else 0
        held = sum(size for _, size, _ in copies) + kept_bytes
        free = usage.free - SPARE_BYTES
        for _, size, path in copies:
            if held + num_bytes <= limit and num_bytes <= free:
                break
            path.unlink(missing_ok=True)
            held, free = held - size, free + size
        most = min(limit - held, free)
        if num_bytes and most < num_bytes:
            raise StorageError(
                f"the playable copy would take about {file_size(num_bytes)}, and "
                f"{file_size(max(0, most))} can be used: make room on the disk"
            )
        return max(0, most)

    def _delete_stale_parts(self) -> None:
        for part in self.folder.glob(".*.part"):
            with contextlib.suppress(OSError):
                if time.time() - part.stat().st_mtime > STALE_PART_SECONDS:
                    part.unlink()

    def _forget_old_jobs(self) -> None:
        """Called with the lock held: what is over is known for a while only."""
        over = [key for key, job in self._jobs.items() if job.state in ("done", "failed")]
        for key in over[:-MAX_WAITING]:
            del self._jobs[key]


def _shown(job: _Job) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "state": job.state,
        "done_seconds": job.done_seconds,
        "total_seconds": job.total_seconds,
        "size_bytes": job.num_bytes,
    }
    if job.state == "failed":
        shown["error"] = job.sentence
    if job.state == "making" and job.done_seconds > 0 and job.total_seconds > 0:
        since = time.monotonic() - job.began_at
        shown["left_seconds"] = since * max(0.0, job.total_seconds / job.done_seconds - 1)
    return shown


def _estimate(facts: dict[str, Any]) -> dict[str, float] | None:
    """Bytes and seconds that a copy takes, about; `None` where nothing is known of the video."""
    width, height = facts.get("width"), facts.get("height")
    duration, fps = facts.get("duration_seconds"), facts.get("fps")
    if not (width and height and duration and fps):
        return None
    share = min(1.0, MAX_WIDTH / width)
    written = duration * fps * width * height * share**2
    return {
        "bytes": round(written * BITS_PER_PIXEL / 8 + duration * SOUND_BYTES_PER_SECOND),
        "seconds": (written + duration * fps * width * height / 2) / PIXELS_PER_SECOND,
    }


def _estimated_bytes_of(job: _Job) -> int:
    """At least so many: a second takes some 50 kB, whatever is in it."""
    return round(50_000 * job.total_seconds)


def _sentence_of(error: Exception, job: _Job) -> str:
    if isinstance(error, StorageError):
        return str(error)
    return sentence_for(error, job.video.name, job.video.path)
