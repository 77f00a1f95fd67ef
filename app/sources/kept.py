"""What was read of a video file, kept for those who open the same file next.

Each visitor's page opens the sample first. To decode it anew for every page would let page loads
alone start as many decoders as there are loads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Value = TypeVar("Value")
FileKey = tuple[str, int, int]
"""Path, size and time of the last change: with another one it is another file."""


def file_key(path: Path) -> FileKey | None:
    """What a file is kept under; `None` where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return str(path.absolute()), status.st_size, status.st_mtime_ns


class KeptOfFiles(Generic[Value]):
    """One value for each of the files used last; made once, also for many who ask at a time.

    Args:
        max_files: Kept at most.
    """

    def __init__(self, max_files: int) -> None:
        self._max_files = max_files
        self._lock = threading.Lock()
        self._values: OrderedDict[FileKey, Value] = OrderedDict()
        self._making: dict[FileKey, threading.Lock] = {}

    def find(self, path: Path) -> Value | None:
        """The value of a file as it is now, where one was made."""
        key = file_key(path)
        with self._lock:
            if key is None or key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def get(self, path: Path, make: Callable[[Path], Value]) -> Value:
        """The value of a file, made now if there is none; errors are not kept.

        Threads that ask for the same file meanwhile wait for the one that makes it.
        """
        key = file_key(path)
        if key is None:
            return make(path)  # which says what is wrong
        with self._lock:
            turn = self._making.setdefault(key, threading.Lock())
        try:
            with turn:
                kept = self.find(path)
                return kept if kept is not None else self.keep(path, make(path), key)
        finally:
            with self._lock:
                self._making.pop(key, None)

    def keep(self, path: Path, value: Value, key: FileKey | None = None) -> Value:
        """Keep a value for a file; it is under `key` if that was read before the file was."""
        key = key or file_key(path)
        if key is not None:
            with self._lock:
                self._values[key] = value
                self._values.move_to_end(key)
                while len(self._values) > self._max_files:
                    self._values.popitem(last=False)
        return value
