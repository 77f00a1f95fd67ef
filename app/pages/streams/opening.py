"""Opening the videos of streams, a few at a time, while those that run go on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from app.pages.streams.tile import Tile
from vidmem.errors import VidmemError
from vidmem.streaming import RegionFeeds, RunFiles, StreamPool, VideoRun

logger = logging.getLogger(__name__)

OPENING_AT_ONCE = 2


class StreamOpener:
    """Opens streams in threads, and holds the decoders that regions of one picture share.

    Args:
        pool: That the streams join.
        new_path: Where the predictions of a tile are written.
        on_joined: Called in a thread when the stream of a tile has joined.
    """

    def __init__(
        self,
        pool: StreamPool,
        new_path: Callable[[Tile], Path],
        on_joined: Callable[[Tile, VideoRun], None],
    ) -> None:
        self._pool, self._new_path, self._on_joined = pool, new_path, on_joined
        self._lock = threading.Lock()
        self._shared: list[RegionFeeds] = []
        self._is_stopped = False
        self._threads = ThreadPoolExecutor(OPENING_AT_ONCE, thread_name_prefix="streams-opening")

    def open(self, tiles: Sequence[Tile]) -> None:
        """Open videos, or regions of one picture, which are decoded once for all of them."""
        if tiles and tiles[0].request.region is not None:
            self._threads.submit(self._open_regions, tiles)
            return
        for tile in tiles:
            self._threads.submit(self._open, tile)

    def release(self, tile: Tile, others: Iterable[Tile]) -> None:
        """Close the decoder of a tile that has left, unless others share it."""
        with self._lock:
            feeds = tile.feeds
            is_shared = any(other.feeds is feeds for other in others)
            if feeds is None or is_shared or feeds not in self._shared:
                return
            self._shared.remove(feeds)
        feeds.close()

    def stop(self) -> None:
        """Open no more; errors of what is being opened are not shown any more."""
        self._is_stopped = True

    def close(self) -> None:
        """Wait for the threads, after `stop` and when the pool is closed."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for feeds in self._shared:
            feeds.close()

    def _open_regions(self, tiles: Sequence[Tile]) -> None:
        try:
            regions = [tile.request.region for tile in tiles if tile.request.region is not None]
            feeds = RegionFeeds(tiles[0].request.video.path, regions)
        except (VidmemError, OSError) as error:
            for tile in tiles:
                tile.on_failed(error)
            return
        with self._lock:
            self._shared.append(feeds)
            for tile in tiles:
                tile.feeds = feeds
        for tile, region in zip(tiles, regions, strict=True):
            self._open(tile, open_feed=feeds.open_feed(region))

    def _open(self, tile: Tile, **options: Any) -> None:
        if tile.has_left or self._is_stopped:
            return
        try:
            # A full disk ends the file, not the stream.
            files = RunFiles(out=self._new_path(tile), on_storage_error="continue")
            video = tile.request.video
            source = video.address or video.path
            options = {**video.feed_options, **options}
            run = self._pool.add(tile.stream_id, source, tile.settings, files=files, **options)
        except Exception as error:  # of this stream alone: the others go on
            if self._is_stopped:  # the pool was closed under it
                return
            if not isinstance(error, VidmemError | OSError):
                logger.exception("a stream could not be opened")
            tile.on_failed(error)
        else:
            self._on_joined(tile, run)
