"""The addresses of the Streams page: what is new, changes, and files."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from app import streams_text, text
from app.bodies import bounded_body
from app.inside_routes import run_of
from app.registry import RunRegistry
from app.streams import StreamPools
from app.streams_asked import places_asked
from app.streams_files import all_predictions, figures_json
from vidmem.errors import VidmemError

Asked = dict[str, Any]
Change = Callable[[Asked], dict[str, Any] | None]
MAX_FILES = 24
MAX_ASKED_BYTES = 100_000
UNREADABLE = (
    *(AttributeError, KeyError, TypeError, ValueError),
    *(OverflowError, RecursionError),
)
"""What a request raises that no page of ours sends."""

NO_FILE = "There are no predictions of this stream (any more)."


def add_streams_routes(api: FastAPI, registry: RunRegistry, pools: StreamPools) -> None:
    """Answer what the Streams page asks for."""

    def start(asked: Asked) -> dict[str, Any]:
        run_id = run_of(registry, asked).run_id
        places = places_asked(
            pools.shelf, run_id, asked, may_watch_addresses=pools.may_watch_addresses
        )
        pools.start(run_id, str(asked.get("model")), places)
        if registry.find(run_id) is None:  # freed meanwhile, with the pool that it had then
            pools.close(run_id)
        return {}

    def jump(asked: Asked) -> dict[str, Any]:
        seconds = float(asked["seconds"])
        return {"said": pools.get(asked["run"]).jump(asked["stream"], seconds)}

    changes: dict[str, Change] = {
        "start": start,
        "jump": jump,
        "pause": lambda asked: pools.get(asked["run"]).pause(asked["stream"]),
        "resume": lambda asked: pools.get(asked["run"]).resume(asked["stream"]),
        "l_mem": lambda asked: pools.get(asked["run"]).set_l_mem(
            asked["stream"], int(asked["l_mem"])
        ),
        "leave": lambda asked: pools.leave(asked["run"], asked["stream"]),
        "close": lambda asked: pools.close(asked["run"]),
    }
    for name, change in changes.items():
        api.add_api_route(
            f"/streams/{name}", _posted(change), methods=["POST"], response_model=None
        )

    def news(request: Request) -> Response:
        return JSONResponse(_news(pools, request.query_params))

    api.add_api_route("/streams/news", news, response_model=None)
    _add_files(api, pools)


def _posted(change: Change) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        try:
            body = await bounded_body(request, MAX_ASKED_BYTES, "what a page asks")
        except VidmemError as error:
            return JSONResponse({"error": str(error)})
        return await anyio.to_thread.run_sync(_answer, change, body)  # it may wait for a clip

    return respond


def _answer(change: Change, body: bytes) -> Response:
    """What came of it, or a sentence; with status 200, since a browser would log any other."""
    try:
        return JSONResponse(change(json.loads(body)) or {})
    except (VidmemError, OSError) as error:
        return JSONResponse({"error": text.sentence_for(error)})
    except UNREADABLE as error:
        return JSONResponse({"error": f"that cannot be done: {error!r}"}, 400)


def _news(pools: StreamPools, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the page does not have; of another pool than it names, all."""
    run_id = asked.get("run", "")
    pool, since = pools.find(run_id), asked.get("since", "")
    earlier = {"files": pools.files.names(run_id)[-MAX_FILES:]}
    if pool is None:
        return {"pool": None, **earlier}
    is_same = asked.get("pool") == str(pool.pool_id) and since.isdigit()
    return {**pool.news(int(since) if is_same else -1), **earlier}


def _add_files(api: FastAPI, pools: StreamPools) -> None:
    def predictions(run_id: str, name: str) -> Response:
        found = pools.files.open(run_id, name)
        if found is None:
            return PlainTextResponse(NO_FILE, 404)
        headers = {"Content-Length": str(found.num_bytes), **_named(found.name)}
        return StreamingResponse(found.pieces, media_type="text/csv", headers=headers)

    def everything(run_id: str) -> Response:
        pieces = all_predictions(pools.files, run_id)
        headers = _named("streams-predictions.zip")
        return StreamingResponse(pieces, media_type="application/zip", headers=headers)

    def figures(run_id: str) -> Response:
        pool = pools.find(run_id)
        if pool is None:
            return PlainTextResponse(streams_text.NO_STREAMS, 404)
        headers = _named("streams-figures.json")
        return Response(figures_json(pool), media_type="application/json", headers=headers)

    api.add_api_route("/streams/files/{run_id}/all.zip", everything, response_model=None)
    api.add_api_route("/streams/files/{run_id}/figures.json", figures, response_model=None)
    api.add_api_route("/streams/files/{run_id}/{name}", predictions, response_model=None)


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}"}
