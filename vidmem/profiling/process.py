"""How much memory this process and the ones it started hold, now."""

from __future__ import annotations

import contextlib

import psutil


class ProcessGauge:
    """Reads resident bytes; made once, since looking a process up costs more than asking it."""

    def __init__(self) -> None:
        self._here = psutil.Process()
        self._others: dict[int, psutil.Process] = {}

    def resident_bytes(self, *process_ids: int | None) -> int:
        """Bytes of main memory held by this process and by the given ones (gone ones count 0).

        Pages that two processes share are counted in both, so the sum errs upwards.
        """
        total = self._here.memory_info().rss
        wanted = [process_id for process_id in process_ids if process_id is not None]
        self._others = {key: one for key, one in self._others.items() if key in wanted}
        for process_id in wanted:
            with contextlib.suppress(psutil.Error):
                if process_id not in self._others:
                    self._others[process_id] = psutil.Process(process_id)
                total += self._others[process_id].memory_info().rss
        return total
