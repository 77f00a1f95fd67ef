"""The address to which the Watch page uploads a video: no form, and straight to disk."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from app import sentences
from app.pages.api import NO_RUN
from app.pages.bodies import read_rest
from app.run.registry import RunRegistry
from app.sources.uploads import NoRoomError, TooLargeError, TooSlowError, UploadFolder
from vidmem.errors import VidmemError

MAX_NAME = 120
LEFT_SECONDS, LEFT_BYTES = 2.0, 16 << 20
"""How long, and how much of, the body of an upload that is refused is still read."""

STATUS = {TooLargeError: 413, TooSlowError: 429, NoRoomError: 507}


def add_upload_route(api: FastAPI, registry: RunRegistry, uploads: UploadFolder) -> None:
    """Take uploads for runs: `POST /uploads?run=<id>&name=<file name>`, the file in the body.

    Answers `{"path": name}`, by which the run takes it, or `{"error": sentence}` with 400 for no
    such run, 413 for too large a file, 429 for another one under way, 507 for no room.
    """

    async def upload(request: Request) -> Response:
        run_id, name = request.query_params.get("run", ""), request.query_params.get("name", "")
        try:
            if registry.find(run_id) is None:
                return await _refused(request, NO_RUN, 400)
            path = await uploads.receive(
                run_id, name[:MAX_NAME] or "the video", request.stream(), _length(request)
            )
        except ClientDisconnect:  # broken off on the page: nobody hears an answer
            return Response(status_code=400)
        except (VidmemError, OSError) as error:
            return await _refused(request, sentences.sentence_for(error), _status(error))
        if registry.find(run_id) is None:  # freed while it arrived
            uploads.forget(run_id)
            return JSONResponse({"error": NO_RUN}, 400)
        return JSONResponse({"path": path})

    api.router.routes.append(Route("/uploads", upload, methods=["POST"]))


def _status(error: Exception) -> int:
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 507)


def _length(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


async def _refused(request: Request, sentence: str, status: int) -> Response:
    """Refuse an upload, once some of what is on its way has arrived."""
    await read_rest(request, seconds=LEFT_SECONDS, max_bytes=LEFT_BYTES)
    # Whatever is still unread would be taken for the next request.
    return JSONResponse({"error": sentence}, status, headers={"Connection": "close"})
