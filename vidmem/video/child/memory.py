"""What memory a child takes, now and at most, held against its own limit."""

from __future__ import annotations

import contextlib
import re
import subprocess
from pathlib import Path

import psutil

from vidmem.units import memory_size

_PEAK = re.compile(rb"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


class ChildMemory:
    """Resident memory of one child, in bytes.

    Its peak counts, not what is found at some moment: a picture that swells for a tenth of a second
    is seen by whoever looks later, as long as the child lives.
    """

    def __init__(self, process: subprocess.Popen[bytes], max_rss_bytes: int) -> None:
        self._process = process
        self._max_rss_bytes = max_rss_bytes
        self.last_rss_bytes = 0
        """When it was looked at last."""

    @property
    def rss_bytes(self) -> int:
        """Held now; 0 when the child has ended."""
        try:
            is_running = self._process.poll() is None
            return psutil.Process(self._process.pid).memory_info().rss if is_running else 0
        except psutil.Error:
            return 0

    def look(self) -> str:
        """Look at it now. Gives what speaks against letting it go on, or nothing."""
        self.last_rss_bytes = self.rss_bytes
        most = max(self.last_rss_bytes, _peak_bytes(self._process.pid))
        if not self.last_rss_bytes or most <= self._max_rss_bytes:
            return ""
        return (
            f"grew to {memory_size(most)}, above its limit of {memory_size(self._max_rss_bytes)}, "
            "and was ended"
        )


def _peak_bytes(pid: int) -> int:
    """The most that a process has held; 0 where the system does not tell (other than Linux)."""
    with contextlib.suppress(OSError):
        if found := _PEAK.search(Path(f"/proc/{pid}/status").read_bytes()):
            return int(found[1]) * 1024
    return 0
