"""The pools of all visitors: at most one each, so many at once, closed with their runs."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from app.pages.streams import wording as streams_wording
from app.pages.streams.pool_run import PoolRun
from app.pages.streams.tile import StreamRequest
from app.run.results.files import CsvFolder
from app.sources.live import Reach
from app.sources.shelf import VideoShelf
from app.tools import Tools
from vidmem.errors import SettingError


class StreamPools:
    """Pools by the id of the run they belong to.

    Args:
        tools: Models and pools.
        shelf: The videos.
        files: Where predictions are kept.
        max_pools: At once.
        reach: Which addresses that visitors type are opened.
    """

    def __init__(
        self,
        tools: Tools,
        shelf: VideoShelf,
        files: CsvFolder,
        *,
        max_pools: int,
        reach: Reach | None = None,
    ) -> None:
        self.shelf, self.files = shelf, files
        self.reach = reach or Reach()
        self._tools, self._max_pools = tools, max_pools
        self._lock = threading.Lock()
        self._pools: dict[str, PoolRun] = {}

    def __len__(self) -> int:
        return len(self._pools)

    def all(self) -> list[PoolRun]:
        """The pools that there are."""
        with self._lock:
            return list(self._pools.values())

    def files_in_use(self) -> set[str]:
        """Names of the files of all streams that have not left."""
        return {path.name for pool in self.all() for path in pool.outs()}

    @property
    def models_in_use(self) -> set[str]:
        """Of the pools that there are, by name."""
        return {pool.model_name for pool in self.all()}

    def find(self, run_id: str) -> PoolRun | None:
        """The pool of a run, where it has one."""
        return self._pools.get(run_id)

    def get(self, run_id: str) -> PoolRun:
        """The pool of a run.

        Raises:
            SettingError: If it has none.
        """
        pool = self.find(run_id)
        if pool is None:
            raise SettingError(streams_wording.GONE)
        return pool

    def start(self, run_id: str, model_name: str, requests: Sequence[StreamRequest]) -> PoolRun:
        """Let videos join the pool of a run, which is made for the first of them.

        Raises:
            SettingError: If there is no room, or the model is another than the pool's.
            VidmemError: If the model cannot be loaded.
        """
        if not requests:
            raise SettingError(streams_wording.NOTHING_CHOSEN)
        self._check_model(model_name)
        self._tools.load_model(model_name)  # which may take long, so not under the lock
        with self._lock:
            pool = self._pools.get(run_id)
            if pool is None:
                if len(self._pools) >= self._max_pools:
                    raise SettingError(streams_wording.busy(self._max_pools))
                pool = PoolRun(run_id, self._tools, model_name, self.files)
                self._pools[run_id] = pool
            if pool.model_name != model_name:
                raise SettingError(streams_wording.other_model(pool.model.card.title))
            pool.add(requests)
        return pool

    def _check_model(self, name: str) -> None:
        choices = {one.name for one in self._tools.list_models() if one.is_available}
        if name not in choices:
            raise SettingError(f"the model {name} is not on this machine")

    def leave(self, run_id: str, stream_id: str) -> None:
        """Let one stream leave, and close the pool after the last of them.

        Raises:
            SettingError: If there is no such stream.
        """
        pool = self.get(run_id)
        pool.leave(stream_id)
        with self._lock:  # so that no stream joins the pool that is about to be closed
            is_over = not len(pool) and self._pools.get(run_id) is pool
            if is_over:
                del self._pools[run_id]
        if is_over:
            pool.close()

    def close(self, run_id: str) -> None:
        """End the pool of a run, if it has one."""
        with self._lock:
            pool = self._pools.pop(run_id, None)
        if pool is not None:
            pool.close()

    def on_run_freed(self, run_id: str) -> None:
        """Close the pool of a run that was freed, and delete what it uploaded."""
        try:
            self.close(run_id)
        finally:  # last, since streams may read the uploads
            self.shelf.forget(run_id)
