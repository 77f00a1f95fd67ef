"""Videos that visitors bring: written to a folder of this process alone, within limits, for a time.

The folder is nobody else's to read (0700), and says by a lock that its process lives: names and
process ids say nothing where several machines or containers share a disk. Each upload lies in a
folder of its own there, by the name that its owner knows: logs, sentences and predictions are named
after the file.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import anyio.to_thread

from app.budget import Budget, process_budget
from app.sources.names import clean_stem
from vidmem.errors import StorageError, VidmemError
from vidmem.units import file_size

PREFIX = "vidmem-uploads-"
LOCK = ".lock"
UNLOCKED_SECONDS = 24 * 3600.0
"""A folder without a lock is of an older version, or was made a moment ago: kept for so long."""

UNCLAIMED_SECONDS = 300.0
"""An upload that no run takes within this time is deleted: its page takes it at once."""

MAX_TIMES = 4
"""All uploads of the process together, in units of the largest one that is allowed."""

MAX_RUN_TIMES = 2
"""The same of one run."""

SPARE_BYTES, SPARE_SHARE = 256 << 20, 0.05
"""Left free on the disk: whichever is less, so that small disks can be used too."""

PIECE_BYTES = 1 << 20
MIN_BYTES, MIN_SECONDS = 64 << 10, 60.0
"""An upload that brings less than so many bytes in so many seconds makes room for others."""


class TooLargeError(VidmemError):
    """An upload is larger than uploads may be (HTTP 413)."""


class NoRoomError(StorageError):
    """There is no room for an upload, on the disk or in what uploads may take (HTTP 507)."""


class TooSlowError(VidmemError):
    """An upload hardly arrives, or another one of its run is under way (HTTP 429 or 408)."""


@dataclass
class _Upload:
    run_id: str
    num_bytes: int = 0
    is_complete: bool = False
    is_claimed: bool = False
    arrived_at: float = field(default_factory=time.monotonic)


class UploadFolder:
    """The folder with its uploads, by the run that brought them.

    Args:
        path: Where; it is made where it is missing. `None`: a new one in the folder for temporary
            files, deleted by `close`.
        max_bytes: Of one upload.
        budget: Whose places for uploads they take.
    """

    def __init__(self, path: Path | None, max_bytes: int, budget: Budget = process_budget) -> None:
        self._lock_file: int | None = None
        if path is None:
            path = Path(tempfile.mkdtemp(prefix=PREFIX))  # 0700, and never one that was there
            self._lock_file = _lock(path)
        else:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path, self.max_bytes = path.resolve(), max_bytes
        self._budget = budget
        self._lock = threading.Lock()
        self._uploads: dict[Path, _Upload] = {}

    # What arrives

    async def receive(
        self, run_id: str, name: str, pieces: AsyncIterator[bytes], num_bytes: int | None
    ) -> str:
        """Write an upload; returns the name by which its run takes it.

        Args:
            run_id: Of the run that brings it: one at a time.
            name: Of the file, for sentences and its ending.
            pieces: What arrives.
            num_bytes: As the visitor's browser says; `None` where it does not.

        Raises:
            TooLargeError: If it is larger than `max_bytes`.
            NoRoomError: If there is no room for it.
            TooSlowError: If it hardly arrives, or its run already brings another one.
        """
        lease = self._budget.take("upload", run_id)
        if lease is None:
            raise TooSlowError(
                f"{name} has to wait: another upload of yours, or several of others, are under way"
            )
        with lease:
            self._check(run_id, name, num_bytes or 0)
            path = self.path / uuid.uuid4().hex / _file_name(name)
            upload = self._uploads[path] = _Upload(run_id)
            try:
                path.parent.mkdir(mode=0o700)
                await self._write(path, upload, name, pieces)
            except BaseException:
                self._delete(path)
                raise
            upload.is_complete, upload.arrived_at = True, time.monotonic()
        return path.relative_to(self.path).as_posix()

    async def _write(
        self, path: Path, upload: _Upload, name: str, pieces: AsyncIterator[bytes]
    ) -> None:
        since, arrived = time.monotonic(), 0
        with open(path, "xb", opener=_for_us_alone) as file:
            held = bytearray()
            async for piece in _in_time(pieces, name):
                held += piece
                arrived += len(piece)
                if upload.num_bytes + len(held) > self.max_bytes:
                    raise self._too_large(name)
                now = time.monotonic()
                if now - since > MIN_SECONDS:
                    if arrived < MIN_BYTES:
                        raise TooSlowError(f"{name} arrives too slowly; upload it again")
                    since, arrived = now, 0
                if len(held) >= PIECE_BYTES:
                    # Checked as it grows: others write to the same disk.
                    self._check(upload.run_id, name, len(held))
                    await _append(file, held, name)
                    upload.num_bytes += len(held)
                    held = bytearray()
            self._check(upload.run_id, name, len(held))
            await _append(file, held, name)
            upload.num_bytes += len(held)

    def _check(self, run_id: str, name: str, num_bytes: int) -> None:
        """Whether so many bytes more may be written."""
        if num_bytes > self.max_bytes:
            raise self._too_large(name)
        with self._lock:
            uploads = list(self._uploads.values())
        own = sum(one.num_bytes for one in uploads if one.run_id == run_id)
        total = sum(one.num_bytes for one in uploads)
        if own + num_bytes > MAX_RUN_TIMES * self.max_bytes:
            raise NoRoomError(
                f"{name} is not uploaded: the videos that you uploaded take {file_size(own)} here. "
                "Reload the page to delete them, or open the video from a folder (--videos)"
            )
        if total + num_bytes > MAX_TIMES * self.max_bytes:
            raise NoRoomError(
                f"{name} is not uploaded: all uploads together take {file_size(total)} here. "
                "Try again later, or open the video from a folder (--videos)"
            )
        usage = shutil.disk_usage(self.path)
        spare = min(SPARE_BYTES, int(SPARE_SHARE * usage.total))
        if usage.free - spare < num_bytes:
            raise NoRoomError(
                f"{name} is not uploaded: the disk of the app is full "
                f"({file_size(max(0, usage.free - spare))} can be used)"
            )

    def _too_large(self, name: str) -> TooLargeError:
        return TooLargeError(
            f"{name} is larger than the {file_size(self.max_bytes)} that may be uploaded here. "
            "Start the app with --videos FOLDER to open large files where they lie."
        )

    # What is there

    def claim(self, run_id: str, name: str) -> Path | None:
        """The file that a run brought, by the name that `receive` gave; from then on it is kept.

        `None` where there is none, or another run brought it: names of others are of no use.
        """
        # The name comes from a browser; resolved, no link or `..` leads out of the folder.
        path = (self.path / name).resolve()
        if not path.is_relative_to(self.path) or path.name.startswith("."):
            return None
        upload = self._uploads.get(path)
        if upload is not None:
            if upload.run_id != run_id or not upload.is_complete:
                return None
            upload.is_claimed = True
        return path if path.is_file() else None

    def delete(self, path: Path) -> None:
        """Delete an upload that is no video, or whose run is gone."""
        self._delete(path)

    def forget(self, run_id: str) -> None:
        """Delete what a run brought, claimed or not; what still arrives is deleted at its end."""
        for path, upload in list(self._uploads.items()):
            if upload.run_id == run_id and upload.is_complete:
                self._delete(path)

    def sweep(self, now: float | None = None) -> list[Path]:
        """Delete what no run took; returns it."""
        now = time.monotonic() if now is None else now
        unclaimed = [
            path
            for path, upload in list(self._uploads.items())
            if upload.is_complete
            and not upload.is_claimed
            and now - upload.arrived_at >= UNCLAIMED_SECONDS
        ]
        for path in unclaimed:
            self._delete(path)
        return unclaimed

    def _delete(self, path: Path) -> None:
        with self._lock:
            self._uploads.pop(path, None)
        path.unlink(missing_ok=True)
        if path.parent != self.path:
            with contextlib.suppress(OSError):  # never made, or not empty: then it is not ours
                path.parent.rmdir()

    def close(self) -> None:
        """Delete the folder with all uploads, at the end of the process."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None


def sweep_dead_folders(parent: Path) -> list[Path]:
    """Delete upload folders of processes that are gone, however they ended; returns them."""
    dead = []
    for path in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else's, or deleted meanwhile
            status = path.lstat()
            is_ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
            if path.is_symlink() or not path.is_dir() or not is_ours:
                continue
            if _is_dead(path, status.st_mtime):
                shutil.rmtree(path, ignore_errors=True)
                dead.append(path)
    return dead


def _is_dead(folder: Path, changed_at: float) -> bool:
    if not (folder / LOCK).is_file():
        return time.time() - changed_at > UNLOCKED_SECONDS
    lock_file = _lock(folder)
    if lock_file is None:
        return False
    os.close(lock_file)
    return True


def _lock(folder: Path) -> int | None:
    """Lock a folder for as long as the file is open; `None` where another process has."""
    lock_file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        import fcntl
    except ImportError:  # Windows: what is open cannot be deleted there, which does as well
        return lock_file
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock_file)
        return None
    return lock_file


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


async def _append(file: IO[bytes], held: bytearray, name: str) -> None:
    try:
        await anyio.to_thread.run_sync(file.write, bytes(held))
    except OSError as error:
        raise NoRoomError(f"{name} is not uploaded: {error.strerror}") from error


async def _in_time(pieces: AsyncIterator[bytes], name: str) -> AsyncIterator[bytes]:
    """The pieces, as long as the next one does not take too long."""
    while True:
        piece: bytes | None = None
        with anyio.move_on_after(MIN_SECONDS):
            try:
                piece = await anext(pieces)
            except StopAsyncIteration:
                return
        if piece is None:
            raise TooSlowError(f"{name} does not arrive any more; upload it again")
        yield piece


def _file_name(name: str) -> str:
    """A name that a visitor gave, as a name of a file: no path, and nothing that is hidden."""
    stem, dot, kind = name.rpartition(".")
    ending = f".{kind.lower()}"
    if dot and kind.isalnum() and len(ending) <= 8 and ending.isascii():
        return f"{clean_stem(stem)}{ending}"
    return clean_stem(name)
