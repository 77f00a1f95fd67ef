"""What a page is sent of a pool: its figures, and what is new of its streams."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from app.pages.streams import wording as streams_wording
from app.pages.streams.memory import PoolFootprint
from app.pages.streams.tile import OVER, Tile
from app.run.board import Board
from app.run.results.timeline import Columns
from app.run.sections import allowed_settings
from vidmem.profiling import HostGauge, weights_bytes
from vidmem.streaming import PoolFigures, RegionFeeds, StreamFigures, StreamSettings

RATE_SECONDS = 10.0

TileNow = tuple[Tile, StreamFigures | None]
"""A tile, and its stream's figures; `None` before it has joined."""


class PoolReport:
    """The numbers of a pool over time, and the topics that a page gets by version.

    Args:
        model_name: As the page names it.
        model: Of all streams.
        columns: Of all strips.
        news: Where tiles put their versions too.
    """

    def __init__(self, model_name: str, model: Any, columns: Columns, news: Board) -> None:
        self.footprint = PoolFootprint()
        self._model, self._news = model, news
        self._host, self._weights_bytes = HostGauge(), weights_bytes(model)
        self._judged_at: deque[float] = deque(maxlen=1000)
        settings = StreamSettings.for_model(model)
        self._about = {
            "model": model_name,
            "title": model.card.title,
            "where": streams_wording.where(model),
            "trained_on": model.card.training_note,
            "l_mems": allowed_settings(model, settings)["l_mem"],
            "is_window": settings.is_back_to_back,
            "seconds_per_place": settings.memory_every * settings.seconds_between_predictions,
            "has_provisional": settings.latency_clips > 0,
        }
        self._columns = columns

    def count_clip(self) -> None:
        """A clip was judged."""
        self._judged_at.append(time.monotonic())

    def figures(self, pool: PoolFigures, tiles: Sequence[TileNow]) -> dict[str, Any]:
        """The pool in numbers; they are kept over time too."""
        figures = {
            "num_streams": len(pool.streams),
            "clips_done": pool.clips_done,
            "clips_per_second": round(self._clips_per_second(), 2),
            "mean_batch_size": round(pool.mean_batch_size, 3),
            "batch_counts": pool.batch_counts,
            "judging_seconds": round(pool.judging_seconds, 3),
            "worst_lag_seconds": round(pool.worst_lag_seconds, 2),
            "state_bytes": pool.state_bytes,
            "weights_bytes": self._weights_bytes,
            "process_bytes": self._host.read().process_bytes,
            **_decoders(tiles),
        }
        self.footprint.sample(figures)
        return figures

    def _clips_per_second(self) -> float:
        now = time.monotonic()
        # A copy, since the pool's thread adds meanwhile.
        recent = [at for at in tuple(self._judged_at) if now - at <= RATE_SECONDS]
        return len(recent) / max(now - recent[0], 1.0) if recent else 0.0

    def news(
        self, version: int, pool: PoolFigures, tiles: Sequence[TileNow], problem: str
    ) -> dict[str, Any]:
        """What is new since a version; -1: all of it.

        Args:
            version: That the page has.
            pool: Its figures now.
            tiles: In the order in which they joined.
            problem: Why all stand still, in words; empty where they do not.
        """
        statuses = []
        for tile, figures in tiles:
            facts = tile.facts(figures)
            statuses.append(facts["status"])
            self._news.put(tile.stream_id, facts)
        self._put_pool(statuses, self.figures(pool, tiles), problem)
        self._news.put("order", [tile.stream_id for tile, _ in tiles])
        for tile, _ in tiles:
            if tile.has_left:  # meanwhile, and `put` above has brought it back
                self._news.drop(tile.stream_id)
        # Read first: what changes in between is sent twice, and not missed.
        newest = self._news.version
        topics = self._news.since(version)
        of_pool = [name for name in ("about", "figures", "order") if name in topics]
        return {
            "version": newest,
            **{name: topics.pop(name) for name in of_pool},
            "streams": topics,
            "strips": _present({tile.stream_id: tile.strip.since(version) for tile, _ in tiles}),
            "pictures": _present(
                {tile.stream_id: tile.picture.since(version) for tile, _ in tiles}
            ),
        }

    def _put_pool(self, statuses: list[str], figures: dict[str, Any], problem: str) -> None:
        self._news.put("about", {**self._about, "classes": self._columns.names})
        counts = {name: statuses.count(name) for name in ("opening", "failed")}
        shown = {
            "playing": statuses.count("playing"),
            "headline": streams_wording.headline(self._model, len(statuses), **counts),
            "sentence": problem,
            "facts": streams_wording.figures(figures, self.footprint.trend_text),
        }
        self._news.put("figures", shown)


def _decoders(tiles: Sequence[TileNow]) -> dict[str, int]:
    # An estimate: each stream has a figure of its decoder, so of one that regions share there are
    # several, and the largest counts.
    alone: list[int] = []
    shared: dict[RegionFeeds, int] = {}
    for tile, figures in tiles:
        num_bytes = tile.decoder_bytes
        if num_bytes is None or figures is None or figures.status in OVER:
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


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
