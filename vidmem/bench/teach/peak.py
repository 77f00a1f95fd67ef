"""The most main memory that this process holds while something is done."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import psutil

PAUSE_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class ResidentPeak:
    """The high-water marks of this process."""

    resident_bytes: int
    """All that lies in main memory, mapped files included."""

    own_bytes: int | None
    """Without pages of files, which the system takes back when somebody needs the room. `None`: the
    system does not tell the two apart."""


@dataclass
class PeakWatch:
    """Looks again and again while its `with` block runs; then `peak` has the most that it saw.

    What the process held before counts: for the footprint of one thing alone it has to come first.
    """

    _here: psutil.Process = field(default_factory=psutil.Process)
    _resident_bytes: int = 0
    _own_bytes: int | None = None
    _is_over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def peak(self) -> ResidentPeak:
        """So far."""
        return ResidentPeak(resident_bytes=self._resident_bytes, own_bytes=self._own_bytes)

    def __enter__(self) -> Self:
        self._look()
        self._thread = threading.Thread(target=self._watch, name="peak", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        assert self._thread is not None
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._is_over.wait(PAUSE_SECONDS):
            self._look()

    def _look(self) -> None:
        held = self._here.memory_info()
        self._resident_bytes = max(self._resident_bytes, held.rss)
        # Linux counts pages of files, and memory shared with others, apart.
        of_files: int | None = getattr(held, "shared", None)
        if of_files is not None:
            self._own_bytes = max(self._own_bytes or 0, held.rss - of_files)
