"""The addresses of the Streams page: what is new, changes, and files."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.pages.api import Download, NoFileError, PageRequest, Routes
from app.pages.streams.files import all_predictions, figures_json
from app.pages.streams.pool_run import PoolRun
from app.pages.streams.pools import StreamPools
from app.pages.streams.request import stream_requests
from app.pages.streams.wording import NO_STREAMS
from app.run.registry import RunRegistry

MAX_FILES = 24
NO_FILE = "There are no predictions of this stream (any more)."


def add_streams_routes(api: FastAPI, registry: RunRegistry, pools: StreamPools) -> None:
    """Answer what the Streams page asks for."""
    routes, streams = Routes(api, registry.find), _Streams(pools)
    for change in (
        streams.start,
        streams.jump,
        streams.pause,
        streams.resume,
        streams.set,
        streams.leave,
        streams.close,
    ):
        routes.post_json(f"/streams/{change.__name__}", change)
    routes.json("/streams/news", streams.news)
    routes.file("/streams/files/{run_id}/all.zip", streams.all_files)
    routes.file("/streams/files/{run_id}/figures.json", streams.figures)
    routes.file("/streams/files/{run_id}/{name}", streams.file)


class _Streams:
    """The functions of the addresses.

    None reads `request.run`: sentences about errors would then name the video of the Watch page,
    not that of the stream.
    """

    def __init__(self, pools: StreamPools) -> None:
        self._pools = pools

    # Changes

    def start(self, request: PageRequest) -> dict[str, Any]:
        run_id, pools = request.run_id, self._pools
        policy = pools.reach.policy_for(request.visitor)
        wanted = stream_requests(pools.shelf, run_id, request.fields, policy=policy)
        pools.start(run_id, request.text("model"), wanted)
        if request.find_run(run_id) is None:  # freed meanwhile, with the pool that it had then
            pools.close(run_id)
        return {}

    def jump(self, request: PageRequest) -> dict[str, Any]:
        stream, seconds = request.text("stream"), request.number("seconds")
        return {"text": self._pool(request).jump(stream, seconds)}

    def pause(self, request: PageRequest) -> dict[str, Any]:
        self._pool(request).pause(request.text("stream"))
        return {}

    def resume(self, request: PageRequest) -> dict[str, Any]:
        self._pool(request).resume(request.text("stream"))
        return {}

    def set(self, request: PageRequest) -> dict[str, Any]:
        setting, value = request.text("setting"), request.fields.get("value")
        sentence = self._pool(request).change(request.text("stream"), setting, value)
        return {} if sentence is None else {"text": sentence}

    def leave(self, request: PageRequest) -> dict[str, Any]:
        self._pools.leave(request.text("run"), request.text("stream"))
        return {}

    def close(self, request: PageRequest) -> dict[str, Any]:
        self._pools.close(request.text("run"))
        return {}

    def _pool(self, request: PageRequest) -> PoolRun:
        return self._pools.get(request.text("run"))

    # What is new, and files

    def news(self, request: PageRequest) -> dict[str, Any]:
        """What the page does not have yet; all, if it names another pool."""
        run_id, since = request.text("run"), request.whole("since", -1)
        pool = self._pools.find(run_id)
        earlier = {"files": self._pools.files.names(run_id)[-MAX_FILES:]}
        if pool is None:
            return {"pool": None, **earlier}
        is_same = request.text("pool") == str(pool.pool_id)
        return {**pool.news(since if is_same else -1), **earlier}

    def file(self, request: PageRequest) -> Download:
        file = self._pools.files.open(request.path["run_id"], request.path["name"])
        if file is None:
            raise NoFileError(NO_FILE)
        return Download(file.name, "text/csv", file.pieces, file.num_bytes)

    def all_files(self, request: PageRequest) -> Download:
        pieces = all_predictions(self._pools.files, request.path["run_id"])
        return Download("streams-predictions.zip", "application/zip", pieces)

    def figures(self, request: PageRequest) -> Download:
        pool = self._pools.find(request.path["run_id"])
        if pool is None:
            raise NoFileError(NO_STREAMS)
        return Download("streams-figures.json", "application/json", figures_json(pool))
