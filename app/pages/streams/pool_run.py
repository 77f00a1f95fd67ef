"""One page's streams: a pool in a thread, whose streams come, change and go."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.pages.streams import wording as streams_wording
from app.pages.streams.opening import StreamOpener
from app.pages.streams.pool_thread import PoolThread
from app.pages.streams.report import PoolReport, TileNow
from app.pages.streams.tile import OVER, StreamRequest, Tile
from app.pages.streams.tiles import Tiles
from app.run.board import Board
from app.run.results.files import CsvFolder
from app.run.results.timeline import Columns
from app.tools import Tools
from vidmem.errors import SettingError, VidmemError
from vidmem.profiling import FootprintRecord
from vidmem.streaming import PoolFigures, Prediction, StreamPool, StreamSettings, VideoRun

_pools = itertools.count(1)


class PoolRun:
    """A `StreamPool` that runs until `close`, and the commands that a page gives its streams.

        tiles    its streams, as the page knows them
        opener   opens the videos of streams that join
        thread   takes predictions
        report   what the page is sent

    Commands come from requests; predictions come in the pool's thread.
    """

    def __init__(self, run_id: str, tools: Tools, model_name: str, files: CsvFolder) -> None:
        self.pool_id = next(_pools)
        self.model_name = model_name
        self.model = tools.load_model(model_name)
        self._run_id, self._files = run_id, files
        columns = Columns(self.model.card.class_names, self.model.card.several_axes)
        self._news = Board()
        self._lock = threading.Lock()
        self._tiles = Tiles(StreamSettings.for_model(self.model), columns, self._news)
        self._is_closed = False
        self._report = PoolReport(model_name, self.model, columns, self._news)
        self._pool: StreamPool = tools.open_pool(self.model)
        self._opener = StreamOpener(self._pool, self._new_path, self._join)
        self._thread = PoolThread(
            self._pool, lambda: tools.fit_threads(self.model), self._on_prediction
        )

    def __len__(self) -> int:
        return len(self._tiles)

    # Commands

    def add(self, requests: Sequence[StreamRequest]) -> None:
        """Let videos join; each is opened while the others go on, and may fail by itself.

        Raises:
            SettingError: If they are more than a page may run, or it is being closed.
        """
        with self._lock:
            if self._is_closed:
                raise SettingError(streams_wording.GONE)
            self._opener.open(self._tiles.add(requests))

    def pause(self, stream_id: str) -> None:
        """Hold a stream before its next clip."""
        with self._lock:
            tile = self._tiles.get(stream_id)
            tile.is_paused = True
            if tile.run is not None:
                self._pool.pause(stream_id)

    def resume(self, stream_id: str) -> None:
        """Let a stream go on."""
        with self._lock:
            tile = self._tiles.get(stream_id)
            tile.is_paused = False
            tile.strip.restart_meter()
            if tile.run is not None:
                self._pool.resume(stream_id)
        self._thread.wake()

    def jump(self, stream_id: str, seconds: float) -> str:
        """Let a stream go on elsewhere, also where it had ended.

        Returns:
            What that does to its memory.

        Raises:
            SettingError: If the time is not in its video, or the video is not open yet.
        """
        tile = self._tiles.get_opened(stream_id)
        was_over = self._pool.stream_figures(stream_id).status in OVER
        sentence = self._pool.seek(stream_id, seconds)
        tile.strip.restart_meter()
        if was_over:  # it may have been paused in its last clip
            self.resume(stream_id)
        self._thread.wake()
        return sentence

    def change(self, stream_id: str, setting: str, value: Any) -> str | None:
        """Change a setting of a stream from its next clip on.

        Returns:
            What that does to its memory; `None` where it is kept.

        Raises:
            SettingError: If the value is not allowed; it names the allowed ones.
        """
        self._tiles.get_opened(stream_id)
        # No page names these; as settings they would pass for other arguments of `update`.
        if setting in {"self", "stream_id", "model"}:
            raise SettingError(f"{setting} cannot be changed")
        return self._pool.update(stream_id, **{setting: value}).restarted

    def leave(self, stream_id: str) -> None:
        """Let a stream leave; its file stays."""
        with self._lock:
            tile = self._tiles.remove(stream_id)
            others = self._tiles.all()
        self._news.drop(stream_id)
        if tile.run is not None:
            self._remove(tile)
            self._report.footprint.restart_trend(f"{tile.request.title} left")
        self._opener.release(tile, others)

    def close(self) -> None:
        """Let all leave, and end the threads; from any thread but theirs."""
        with self._lock:
            self._is_closed = True
        self._opener.stop()
        self._thread.stop()
        # Before the threads are waited for: it ends the reading and opening that they are in.
        with contextlib.suppress(VidmemError):
            self._pool.close()
        self._opener.close()
        self._thread.join()

    def _remove(self, tile: Tile) -> None:
        with contextlib.suppress(ValueError, VidmemError):  # left already, or its file fails
            self._pool.remove(tile.stream_id)

    # From the threads

    def _new_path(self, tile: Tile) -> Path:
        return self._files.new_path(self._run_id, tile.number, tile.request.file_name)

    def _join(self, tile: Tile, run: VideoRun) -> None:
        with self._lock:
            tile.on_opened(run)
            if tile.is_paused and not tile.has_left:  # paused while it was opened
                self._pool.pause(tile.stream_id)
        self._report.footprint.restart_trend(f"{tile.request.title} joined")
        if tile.has_left:  # while it was opened
            self._remove(tile)
        self._thread.wake()

    def _on_prediction(self, stream_id: str, prediction: Prediction) -> None:
        tile = self._tiles.find(stream_id)
        if tile is None:
            return
        tile.on_prediction(prediction)
        self._report.count_clip()
        if self._report.footprint.is_due:
            self.figures()  # which take a sample

    # For the page

    def streams(self) -> list[TileNow]:
        """The streams as they are now, in the order in which they joined."""
        return self._now()[1]

    def _now(self) -> tuple[PoolFigures, list[TileNow]]:
        pool = self._pool.figures()
        figures = {one.stream_id: one for one in pool.streams}
        with self._lock:
            tiles = self._tiles.all()
        return pool, [(tile, figures.get(tile.stream_id)) for tile in tiles]

    def outs(self) -> list[Path]:
        """The files of the streams that have not left."""
        with self._lock:
            runs = [tile.run for tile in self._tiles.all() if tile.run is not None]
        return [run.out for run in runs if run.out is not None]

    def figures(self) -> dict[str, Any]:
        """The pool in numbers."""
        return self._report.figures(*self._now())

    def footprint(self) -> FootprintRecord:
        """What the process held over time."""
        return self._report.footprint.record()

    def news(self, version: int) -> dict[str, Any]:
        """What is new since a version of this pool; -1: all of it."""
        pool, tiles = self._now()
        return {
            "pool": self.pool_id,
            **self._report.news(version, pool, tiles, self._thread.problem),
        }
