"""Many streams of one visitor: a pool in a thread of its own, and what the page shows of it."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from app import streams_text
from app.downloads import CsvFolder
from app.sections import allowed_settings
from app.streams_memory import PoolMemory
from app.streams_news import News
from app.streams_tile import OVER, Place, Tile
from app.timeline import Columns
from app.tools import Tools
from vidmem.errors import SettingError, VidmemError
from vidmem.profiling import HostGauge, weights_bytes
from vidmem.streaming import PoolFigures, RegionFeeds, RunFiles, StreamFigures, StreamSettings

logger = logging.getLogger(__name__)

OPENING_AT_ONCE = 2
RATE_SECONDS = 10.0
MAX_FAILURES = 3
"""In a row, of the pool itself: then its streams stand still."""

_pools, _streams = itertools.count(1), itertools.count(1)


class PoolRun:
    """A `StreamPool` that runs until `close`; its streams open, play, fail and leave one by one.

    Commands come from requests; predictions come in the pool's thread. A page asks for `news` since
    the version that it has.
    """

    def __init__(self, run_id: str, tools: Tools, model_name: str, files: CsvFolder) -> None:
        self.pool_id = next(_pools)
        self.model_name = model_name
        self.model = tools.load_model(model_name)
        self._run_id, self._tools, self._files = run_id, tools, files
        self._pool = tools.open_pool(self.model)
        self._settings = StreamSettings.for_model(self.model)
        self._columns = Columns(self.model.card.class_names)
        self._news = News()
        self._lock = threading.Lock()
        self._tiles: dict[str, Tile] = {}
        self._taken: deque[float] = deque(maxlen=1000)
        self._decoder_bytes: dict[str, int] = {}
        self._shared: list[RegionFeeds] = []
        self._host, self.memory = HostGauge(), PoolMemory()
        self._weights = weights_bytes(self.model)
        self._sentence = ""
        self._wake, self._is_closed = threading.Event(), False
        self._opening = ThreadPoolExecutor(OPENING_AT_ONCE, thread_name_prefix="streams-opening")
        self._thread = threading.Thread(target=self._work, name="streams", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._tiles)

    # Commands

    def add(self, places: Sequence[Place]) -> None:
        """Let videos join; each is opened while the others go on, and may fail by itself.

        Raises:
            SettingError: If they are more than a page may run, or it is being closed.
        """
        with self._lock:
            if self._is_closed:
                raise SettingError(streams_text.GONE)
            if len(self._tiles) + len(places) > streams_text.MAX_STREAMS:
                raise SettingError(streams_text.too_many(len(self._tiles), len(places)))
            tiles = [self._new_tile(place) for place in places]
            if places and places[0].region is not None:
                self._opening.submit(self._open_regions, tiles)
                return
            for tile in tiles:
                self._opening.submit(self._open, tile)

    def _new_tile(self, place: Place) -> Tile:
        tile = Tile(next(_streams), place, self._settings, self._columns, self._news)
        self._tiles[tile.stream_id] = tile
        return tile

    def pause(self, stream_id: str) -> None:
        """Hold a stream before its next clip."""
        with self._lock:
            tile = self._tile(stream_id)
            tile.is_paused = True
            if tile.run is not None:
                self._pool.pause(stream_id)

    def resume(self, stream_id: str) -> None:
        """Let it go on."""
        with self._lock:
            tile = self._tile(stream_id)
            tile.is_paused = False
            tile.restart_meter()
            if tile.run is not None:
                self._pool.resume(stream_id)
        self._wake.set()

    def jump(self, stream_id: str, seconds: float) -> str:
        """Let it go on elsewhere, also where it had ended; returns what that does to its memory.

        Raises:
            SettingError: If the time is not in its video, or the video is not open yet.
        """
        tile = self._opened(stream_id)
        was_over = self._pool.stream_figures(stream_id).status in OVER
        said = self._pool.seek(stream_id, seconds)
        tile.restart_meter()
        if was_over:  # it may have been paused in its last clip
            self.resume(stream_id)
        self._wake.set()
        return said

    def set_l_mem(self, stream_id: str, l_mem: int) -> None:
        """Let it remember more or less, from its next clip on.

        Raises:
            SettingError: If it cannot be so many; it says how many can.
        """
        tile = self._opened(stream_id)
        changed = tile.settings.changed(l_mem=l_mem)
        self._pool.update(stream_id, l_mem=l_mem)
        tile.settings = changed

    def leave(self, stream_id: str) -> None:
        """Let a stream leave; its file stays."""
        with self._lock:
            tile = self._tile(stream_id)
            del self._tiles[stream_id]
            self._decoder_bytes.pop(stream_id, None)
            tile.has_left = True
            is_last = tile.feeds in self._shared and not self._is_shared(tile.feeds)
            if tile.feeds is not None and is_last:
                self._shared.remove(tile.feeds)
        self._news.drop(stream_id)
        if tile.run is not None:
            self._let_go(tile)
            self.memory.changed(f"{tile.place.title} left")
        if tile.feeds is not None and is_last:
            tile.feeds.close()

    def _is_shared(self, feeds: RegionFeeds | None) -> bool:
        return any(tile.feeds is feeds for tile in self._tiles.values())

    def _let_go(self, tile: Tile) -> None:
        with contextlib.suppress(ValueError, VidmemError):  # gone already, or its file is
            self._pool.remove(tile.stream_id)

    def close(self) -> None:
        """Let all leave, and end the threads; from any thread but theirs."""
        with self._lock:
            self._is_closed = True
        self._wake.set()
        with contextlib.suppress(VidmemError):
            self._pool.close()
        self._opening.shutdown(wait=True, cancel_futures=True)
        for feeds in self._shared:
            feeds.close()
        self._thread.join()

    def _tile(self, stream_id: str) -> Tile:
        tile = self._tiles.get(stream_id)
        if tile is None:
            raise SettingError(streams_text.NO_STREAM)
        return tile

    def _opened(self, stream_id: str) -> Tile:
        tile = self._tile(stream_id)
        if tile.run is None:
            raise SettingError(tile.sentence or streams_text.NOT_OPEN)
        return tile

    # Threads

    def _open_regions(self, tiles: list[Tile]) -> None:
        """Regions of one picture: decoded once, as long as they go together."""
        try:
            found = [tile.place.region for tile in tiles if tile.place.region is not None]
            feeds = RegionFeeds(tiles[0].place.video.path, found)
        except (VidmemError, OSError) as error:
            for tile in tiles:
                tile.failed(error)
            return
        with self._lock:
            self._shared.append(feeds)
            for tile in tiles:
                tile.feeds = feeds
        for tile, region in zip(tiles, found, strict=True):
            self._open(tile, open_feed=feeds.open_feed(region))

    def _open(self, tile: Tile, **how: Any) -> None:
        if tile.has_left or self._is_closed:
            return
        try:
            path = self._files.new_path(self._run_id, tile.number, tile.place.file_name)
            files = RunFiles(out=path, on_storage_error="continue")
            video = tile.place.video
            source = video.address or video.path
            run = self._pool.add(tile.stream_id, source, tile.settings, files=files, **how)
        except Exception as error:
            if self._is_closed:
                return
            if not isinstance(error, VidmemError | OSError):
                logger.exception("a stream could not be opened")
            tile.failed(error)
        else:
            self._joined(tile, run)

    def _joined(self, tile: Tile, run: Any) -> None:
        with self._lock:
            tile.opened(run)
            if tile.is_paused and not tile.has_left:
                self._pool.pause(tile.stream_id)
        self.memory.changed(f"{tile.place.title} joined")
        if tile.has_left:
            self._let_go(tile)
        self._wake.set()

    def _work(self) -> None:
        """Thread: judge whatever comes, until `close`."""
        self._tools.fit_threads(self.model)
        num_failures = 0
        while not self._is_closed and num_failures < MAX_FAILURES:
            self._wake.clear()
            try:
                for stream_id, prediction in self._pool:
                    num_failures = 0
                    self._took(stream_id, prediction)
            except Exception as problem:
                logger.exception("a pool's thread failed")
                num_failures += not self._is_of_one_stream(problem)
                if num_failures == MAX_FAILURES:
                    self._sentence = streams_text.ENDED.format(name=type(problem).__name__)
            else:
                self._wake.wait()

    def _is_of_one_stream(self, problem: Exception) -> bool:
        """Whether it stopped one of them, and the others can go on."""
        return any(error.__cause__ is problem for error in self._pool.errors.values())

    def _took(self, stream_id: str, prediction: Any) -> None:
        tile = self._tiles.get(stream_id)
        if tile is None:
            return
        tile.took(prediction)
        self._decoder_bytes[stream_id] = prediction.decoder_bytes
        self._taken.append(time.monotonic())
        if self.memory.is_due:
            self.figures()

    # For the page

    def figures(self) -> dict[str, Any]:
        """The pool in numbers."""
        told = self._told(self._pool.figures())
        self.memory.sample(told)
        return told

    def _told(self, now: PoolFigures) -> dict[str, Any]:
        return {
            "num_streams": len(now.streams),
            "clips_done": now.clips_done,
            "clips_per_second": round(self._clips_per_second(), 2),
            "mean_batch_size": round(now.mean_batch_size, 3),
            "batch_counts": now.batch_counts,
            "judging_seconds": round(now.judging_seconds, 3),
            "worst_lag_seconds": round(now.worst_lag_seconds, 2),
            "state_bytes": now.state_bytes,
            "weights_bytes": self._weights,
            "process_bytes": self._host.read().process_bytes,
            **self._decoders(now.streams),
        }

    def _decoders(self, streams: Sequence[StreamFigures]) -> dict[str, int]:
        """About: decoders that regions share are each as large as the largest of their figures."""
        alone: list[int] = []
        shared: dict[RegionFeeds, int] = {}
        for one in streams:
            tile, num_bytes = self._tiles.get(one.stream_id), self._decoder_bytes.get(one.stream_id)
            if tile is None or num_bytes is None or one.status in OVER:
                continue
            if tile.feeds is None:
                alone.append(num_bytes)
            else:
                shared[tile.feeds] = max(shared.get(tile.feeds, 0), num_bytes)
        return {
            "num_decoders": len(alone) + sum(feeds.num_decoders for feeds in shared),
            "decoder_bytes": sum(alone)
            + sum(feeds.num_decoders * most for feeds, most in shared.items()),
        }

    def _clips_per_second(self) -> float:
        """Over the last few seconds; 0 where nothing was judged in them."""
        now = time.monotonic()
        taken = [at for at in tuple(self._taken) if now - at <= RATE_SECONDS]
        return len(taken) / max(now - taken[0], 1.0) if taken else 0.0

    def streams(self) -> Iterator[tuple[Tile, StreamFigures | None]]:
        """The streams as they are now, in the order in which they joined."""
        found = {one.stream_id: one for one in self._pool.figures().streams}
        with self._lock:
            tiles = list(self._tiles.values())
        return ((tile, found.get(tile.stream_id)) for tile in tiles)

    def outs(self) -> list[Path]:
        """The files of the streams that have not left."""
        with self._lock:
            runs = [tile.run for tile in self._tiles.values() if tile.run is not None]
        return [run.out for run in runs if run.out is not None]

    def news(self, version: int) -> dict[str, Any]:
        """What is new since a version of this pool; -1: all of it."""
        told = [(tile, tile.facts(figures)) for tile, figures in self.streams()]
        for tile, facts in told:
            self._news.put(tile.stream_id, facts)
        self._put_pool([facts["status"] for _, facts in told])
        self._news.put("order", [tile.stream_id for tile, _ in told])
        for tile in (tile for tile, _ in told if tile.has_left):
            self._news.drop(tile.stream_id)
        newest = self._news.version
        topics = self._news.since(version)
        answer: dict[str, Any] = {
            "pool": self.pool_id,
            "version": newest,
            **{name: topics.pop(name) for name in ("about", "figures", "order") if name in topics},
            "streams": topics,
        }
        answer["strips"] = _present({t.stream_id: t.strip(version) for t, _ in told})
        answer["pictures"] = _present({t.stream_id: t.picture(version) for t, _ in told})
        return answer

    def _put_pool(self, statuses: list[str]) -> None:
        settings = self._settings
        about = {
            "model": self.model_name,
            "title": self.model.card.title,
            "where": streams_text.where(self.model),
            "trained_on": self.model.card.trained_on,
            "classes": self._columns.names,
            "l_mems": allowed_settings(self.model, settings)["l_mem"],
            "is_window": settings.is_back_to_back,
            "seconds_per_place": settings.memory_every * settings.seconds_between_predictions,
            "has_provisional": settings.latency_clips > 0,
        }
        self._news.put("about", about)
        told = self.figures()
        beside = {name: statuses.count(name) for name in ("opening", "failed")}
        figures = {
            "playing": statuses.count("playing"),
            "headline": streams_text.headline(self.model, len(statuses), **beside),
            "sentence": self._sentence,
            "facts": streams_text.figures(told, self.memory.said),
        }
        self._news.put("figures", figures)


def _present(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}
