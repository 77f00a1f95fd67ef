"""Files a run writes: never its input, never each other, never those of a run that still goes on.

All of it is checked before anything is opened, by what a name leads to: links, hard or symbolic,
are other names of one file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from vidmem.errors import SettingError, StorageError
from vidmem.files import open_regular, other_kind

try:
    import fcntl
except ImportError:  # Windows: there a file that is being written cannot be replaced anyway
    fcntl = None


def check_outputs(
    outputs: Mapping[str, str | Path | None], inputs: Iterable[str | Path] = ()
) -> None:
    """Refuse files to write that are no files, read by the run, one and the same, or in use.

    Args:
        outputs: By what they are called where they are given; `None`: not given.
        inputs: What the run reads.

    Raises:
        StorageError: If one is a folder, a pipe or a device, or another run writes to it.
        SettingError: If two are one file, or one is an input.
    """
    read = {_file_of(path): Path(path) for path in inputs}
    written: dict[object, str] = {}
    for name, given in outputs.items():
        if given is None:
            continue
        path, file = Path(given), _file_of(given)
        if (kind := other_kind(path)) is not None:
            raise StorageError(f"{name} {path} cannot be written: it is {kind}; name a file")
        if file in read:
            raise SettingError(
                f"{name} {path} is {read[file]} itself, which is read; give {name} another name"
            )
        if file in written:
            raise SettingError(
                f"{written[file]} and {name} are both {path}: give each a file of its own"
            )
        written[file] = name
        check_is_free(path)


def check_is_free(path: Path) -> None:
    """Raise `StorageError` where another run writes to the file."""
    try:
        descriptor = open_regular(path)
    except OSError:  # none is there, or it cannot be read: writing says so
        return
    try:
        lock(descriptor, path)
    finally:
        os.close(descriptor)


def lock(descriptor: int, path: Path) -> None:
    """Hold an open file against other runs, until the descriptor is closed or the process ends.

    Raises:
        StorageError: If another run holds it; it says which process that is.
    """
    if fcntl is None:
        return
    for is_last_try in (False, True):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                return  # a file system without locks: better without them than not at all
            if is_last_try:
                raise StorageError(
                    f"{path} is being written by another run{_holder(descriptor)}; wait until it "
                    "ends, or give this one another file"
                ) from error
            time.sleep(0.1)  # it may only be looked at (`check_is_free`), or be about to end
        else:
            return


def unlock(descriptor: int) -> None:
    """Let other runs have an open file; it stays open."""
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def open_locked(path: Path, flags: int) -> int:
    """Open a regular file and `lock` it; returns its descriptor.

    Raises:
        OSError: As `open_regular`.
        StorageError: If another run holds it.
    """
    while True:
        descriptor = open_regular(path, flags)
        try:
            lock(descriptor, path)
            # A run that ended meanwhile may have put another file in its place.
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def keep_previous(path: Path) -> Path | None:
    """Rename a file so that its name is free; returns its new path, `None` where none was there.

    Further ones are `<name>.previous-2` and so on: they are for people to delete, not for us.

    Raises:
        OSError: If it cannot be renamed.
    """
    if not os.path.lexists(path):
        return None
    first = path.with_name(f"{path.name}.previous")
    previous, number = first, 1
    while os.path.lexists(previous):
        number += 1
        previous = first.with_name(f"{first.name}-{number}")
    path.rename(previous)
    return previous


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on the disk itself."""
    # A renaming is on the disk once its folder is; Windows sees to that, and cannot open folders.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file_of(path: str | Path) -> object:
    """The same for all names of one file: its inode, or where nothing is there, its real path."""
    try:
        found = os.stat(path)
    except OSError:
        return os.path.normcase(os.path.realpath(path))
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)


def _holder(descriptor: int) -> str:
    """Which process holds the lock, in words, where the system says so."""
    inode = f":{os.fstat(descriptor).st_ino}"
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            words = line.split()
            if words[1] == "FLOCK" and words[5].endswith(inode) and int(words[4]) > 0:
                number = int(words[4])
                return " in this process" if number == os.getpid() else f", process {number}"
    return ""
