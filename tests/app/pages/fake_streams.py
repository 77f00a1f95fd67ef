"""Pools over made-up videos: files that say how many frames they have, a model of one number."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.pages.streams.pool_run import PoolRun
from app.pages.streams.pools import StreamPools
from app.pages.streams.tile import StreamRequest
from app.run.results.files import CsvFolder
from app.sources.shelf import Video, VideoShelf
from app.tools import ModelChoice, Tools
from tests.app import conftest
from tests.streaming.doubles import FakeModel, FakeVideo
from vidmem.errors import NotAVideoError
from vidmem.streaming import Feed, FeedRequest, StreamPool

RUN = "0123456789abcdef" * 2


def open_made_up(request: FeedRequest) -> Feed:
    """A feed of as many frames as the file says; anything else is no video."""
    words = request.path.read_text().split()
    if words[:1] != ["frames"]:
        raise NotAVideoError(f"{request.path.name} is not a video: it begins like a text")
    return FakeVideo(int(words[1]))(request)


class HeldPool(StreamPool):
    """Gives predictions as long as its gate is open."""

    def __init__(self, model: Any, gate: threading.Event, problems: list[Exception]) -> None:
        super().__init__(model)
        self._gate, self._problems = gate, problems

    def __next__(self) -> Any:
        while not self._gate.wait(0.02) and not self._is_closed:
            pass
        if self._problems:
            raise self._problems.pop()
        return super().__next__()

    def add(self, stream_id: str, source: Any, settings: Any = None, **kwargs: Any) -> Any:
        return super().add(stream_id, source, settings, **{"open_feed": open_made_up, **kwargs})


class StreamDesk:
    """Pools, their files and videos in a folder; `gate` lets predictions through."""

    def __init__(
        self, folder: Path, make_model: Callable[[], Any] = FakeModel, max_pools: int = 2
    ) -> None:
        self.folder = folder
        self.gate, self.problems = threading.Event(), list[Exception]()
        self.gate.set()
        self.models = {"fake": make_model(), "another": make_model()}
        (folder / "uploads").mkdir()
        (folder / "videos").mkdir()
        self.shelf = VideoShelf(None, folder / "videos", folder / "uploads")
        tools = Tools(
            load_model=self.models.__getitem__,
            list_models=lambda: [ModelChoice(name, name, True) for name in self.models],
            probe=lambda path: None,
            open_pictures=lambda path: None,  # type: ignore[arg-type,return-value]
            open_engine=lambda request: None,  # type: ignore[arg-type,return-value]
            fit_threads=lambda model: None,
            open_pool=lambda model: HeldPool(model, self.gate, self.problems),
        )
        files = CsvFolder(folder / "runs")
        self.pools = StreamPools(tools, self.shelf, files, max_pools=max_pools)

    def video(self, name: str, num_frames: int | None = 40) -> StreamRequest:
        path = self.folder / "videos" / name
        path.write_text("This is a text.\n" if num_frames is None else f"frames {num_frames}")
        return StreamRequest(video=Video(f"folder/{name}", name, path), title=name)

    def start(self, *places: StreamRequest, run_id: str = RUN, model: str = "fake") -> PoolRun:
        return self.pools.start(run_id, model, places)


def wait_until(is_true: Callable[[], Any]) -> None:
    """As long as a loaded machine may take."""
    conftest.wait_until(is_true)


def facts_of(pool: PoolRun) -> dict[str, dict[str, Any]]:
    """What tiles show, by title."""
    return {one["title"]: one for one in pool.news(-1)["streams"].values()}


def stream_of(pool: PoolRun, title: str) -> str:
    told = pool.news(-1)["streams"]
    return next(stream for stream, facts in told.items() if facts["title"] == title)


def merged(pieces: list[list[float]], fresh: list[list[float]]) -> list[list[float]]:
    """What a page makes of newer pieces; as `mergePieces` in `streams/strip.js`."""
    for piece in fresh:
        start, end = piece[:2]
        pieces = [one for one in pieces if not start <= (one[0] + one[1]) / 2 < end]
        pieces.append(piece)
    return sorted(pieces)
