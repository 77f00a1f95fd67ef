"""The address to which a page sends the pictures of its visitor's webcam."""

from __future__ import annotations

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from app import live_text
from app.bodies import bounded_body
from app.inside_routes import run_of
from app.registry import RunRegistry
from app.webcam import MAX_BYTES, Webcam
from vidmem.errors import SettingError, VidmemError


def add_webcam_routes(api: FastAPI, registry: RunRegistry) -> None:
    """Take pictures for runs that watch a webcam."""

    async def picture(request: Request) -> Response:
        try:
            webcam = _webcam(registry, request)
            seconds = _seconds(request.query_params.get("seconds", ""))
            jpeg = await bounded_body(request, MAX_BYTES, "a picture")
            # Decoding takes a while: not in the thread that all pages are answered from.
            is_taken = await anyio.to_thread.run_sync(webcam.push, jpeg, seconds)
        except VidmemError as error:  # a browser would log any other status
            return JSONResponse({"error": str(error)})
        return JSONResponse({"is_taken": is_taken})

    api.add_api_route("/webcam/picture", picture, methods=["POST"], response_model=None)


def _webcam(registry: RunRegistry, request: Request) -> Webcam:
    video = run_of(registry, request.query_params).video
    if video is None or video.webcam is None:
        raise SettingError(live_text.NO_WEBCAM)
    return video.webcam


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise SettingError(f"seconds must be a time from 0 on, got {text!r}")
    return seconds
