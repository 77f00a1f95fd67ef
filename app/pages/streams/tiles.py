"""The tiles of a page's pool: one for each stream from its request until it leaves."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from app.pages.streams import wording as streams_wording
from app.pages.streams.tile import StreamRequest, Tile
from app.run.board import Board
from app.run.results.timeline import Columns
from vidmem.errors import SettingError
from vidmem.streaming import StreamSettings

_streams = itertools.count(1)


class Tiles:
    """In the order in which they were requested; its owner holds the lock where they change.

    Args:
        settings: That each begins with.
        columns: Of all strips.
        news: Where they put their versions.
    """

    def __init__(self, settings: StreamSettings, columns: Columns, news: Board) -> None:
        self._settings, self._columns, self._news = settings, columns, news
        self._tiles: dict[str, Tile] = {}

    def __len__(self) -> int:
        return len(self._tiles)

    def all(self) -> list[Tile]:
        """Those that have not left."""
        return list(self._tiles.values())

    def add(self, requests: Sequence[StreamRequest]) -> list[Tile]:
        """One more for each.

        Raises:
            SettingError: If they are more than a page may run.
        """
        if len(self) + len(requests) > streams_wording.MAX_STREAMS:
            raise SettingError(streams_wording.too_many(len(self), len(requests)))
        tiles = [
            Tile(next(_streams), request, self._settings, self._columns, self._news)
            for request in requests
        ]
        self._tiles |= {tile.stream_id: tile for tile in tiles}
        return tiles

    def find(self, stream_id: str) -> Tile | None:
        """One of them; `None` where it has left."""
        return self._tiles.get(stream_id)

    def get(self, stream_id: str) -> Tile:
        """One of them.

        Raises:
            SettingError: If it has left.
        """
        tile = self.find(stream_id)
        if tile is None:
            raise SettingError(streams_wording.NO_STREAM)
        return tile

    def get_opened(self, stream_id: str) -> Tile:
        """One whose video is open.

        Raises:
            SettingError: If it has left, or says why its video is not open.
        """
        tile = self.get(stream_id)
        if tile.run is None:
            raise SettingError(tile.why_not_open)
        return tile

    def remove(self, stream_id: str) -> Tile:
        """Let one leave, which is then no tile any more.

        Raises:
            SettingError: If it has left already.
        """
        tile = self.get(stream_id)
        del self._tiles[stream_id]
        # One that is still being opened has no run yet: the pool lets it go once it joins.
        tile.has_left = True
        return tile
