"""A lock that a process holds for as long as it lives, however it ends.

The system lets go of it when the process is gone, killed or not, so nobody has to ask whether a
number of a process is still the same process.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path
from typing import Self

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_PAUSE_SECONDS = 0.05


class HeldFile:
    """A locked file; let go of by `release`, or with the process."""

    def __init__(self, descriptor: int) -> None:
        """Of a file that `take` has locked."""
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path, *, is_shared: bool = False, tries: int = 4) -> Self | None:
        """Lock a file, which is made if it is not there; `None`: another one holds it.

        Args:
            path: Nothing is written to it.
            is_shared: Beside others that share it; on Windows nothing is locked then.
            tries: Somebody may only be looking whether it is free.

        Raises:
            OSError: If the file cannot be opened.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            for number in range(tries):
                if try_lock(descriptor, is_shared=is_shared):
                    return cls(descriptor)
                if number + 1 < tries:
                    time.sleep(_PAUSE_SECONDS)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def release(self) -> None:
        """Let others have it; the file stays."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def is_at(self, path: Path) -> bool:
        """Whether the file that is held still has this name: it may have been deleted meanwhile."""
        try:
            return self._descriptor is not None and os.path.samestat(
                os.fstat(self._descriptor), path.stat()
            )
        except FileNotFoundError:
            return False

    def __del__(self) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Whether a living process holds a file; one that is not there nobody holds.

    Raises:
        OSError: If it cannot be opened.
    """
    if not path.exists():
        return False
    held = HeldFile.take(path, tries=1)
    if held is not None:
        held.release()
    return held is None


def try_lock(descriptor: int, *, is_shared: bool = False) -> bool:
    """Lock an open file, for as long as it or a mapping of it is open; False: another holds it."""
    try:
        _lock(descriptor, is_shared=is_shared)
    except OSError as error:
        # A file system without locks has no WAL either (see database.py): better without the lock
        # than not at all.
        return error.errno not in _TAKEN
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, is_shared: bool) -> None:
        if not is_shared:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, *, is_shared: bool) -> None:
        # flock, not lockf: of the open file, so that two places of one process exclude each other.
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
