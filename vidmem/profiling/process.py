"""What this process and the one it started hold and use, now."""

from __future__ import annotations

import time

import psutil

START_ROUNDING_SECONDS = 2.0
"""Linux tells when a process began to within a second, as it does for the system itself."""


class ProcessGauge:
    """Reads memory and processor time; made once, as finding a process is what costs."""

    def __init__(self) -> None:
        self._here = psutil.Process()
        self._child: psutil.Process | None = None
        self._child_seconds = 0.0
        self._asked_at = time.time()

    def resident_bytes(self, child_pid: int | None = None) -> int:
        """Bytes of main memory held by this process and by a child (0 for one that is gone).

        Pages that both share are counted twice, so the sum errs upwards.
        """
        return self._here.memory_info().rss + self.child_bytes(child_pid)

    def child_bytes(self, child_pid: int | None) -> int:
        """Bytes of main memory held by a child; 0 for one that is gone."""
        try:
            child = self._find(child_pid)
            return child.memory_info().rss if child else 0
        except psutil.Error:
            return 0

    def processor_seconds(self, child_pid: int | None = None) -> float:
        """Processor time a child used, all cores added up, since this was last asked.

        A child that others have had before counts from when it is first asked about.
        """
        try:
            child = self._find(child_pid)
            times = child.cpu_times() if child else None
        except psutil.Error:
            return 0.0
        finally:
            self._asked_at = time.time()
        if times is None:
            return 0.0
        before, self._child_seconds = self._child_seconds, times.user + times.system
        return max(self._child_seconds - before, 0.0)

    def _find(self, child_pid: int | None) -> psutil.Process | None:
        if child_pid is None:
            return None
        if self._child is None or self._child.pid != child_pid:
            self._child = child = psutil.Process(child_pid)
            is_new = child.create_time() >= self._asked_at - START_ROUNDING_SECONDS
            times = child.cpu_times()
            self._child_seconds = 0.0 if is_new else times.user + times.system
        return self._child
