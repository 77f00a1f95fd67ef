"""The addresses of the Memory and Heads pages: views of a moment, their files, past clips."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from app import text
from app.inside import NEWEST, Look, WaitingError
from app.inside_heads import heads_answer, heads_download
from app.inside_memory import memory_answer, memory_download
from app.inside_views import Frame
from app.masks import Download
from app.registry import RunRegistry
from app.runs import Run
from vidmem.errors import SettingError, VidmemError

MAX_WAIT_SECONDS = 120.0

DOWNLOADS: dict[str, Callable[[Look, Mapping[str, str], Frame, str], Download]] = {
    "memory": memory_download,
    "heads": heads_download,
}


def add_inside_routes(api: FastAPI, registry: RunRegistry) -> None:
    """Answer what the Memory and Heads pages ask for."""

    def view(page: str, request: Request) -> Response:
        return _guarded(registry, request, lambda run, asked: _view(page, run, asked))

    def data(page: str, kind: str, request: Request) -> Response:
        return _guarded(registry, request, lambda run, asked: _data(page, kind, run, asked), 400)

    def frames(request: Request) -> Response:
        return _guarded(registry, request, _frames)

    api.add_api_route("/inside/frames", frames, response_model=None)
    for name in DOWNLOADS:
        api.add_api_route(f"/inside/{name}", _bound(view, name), response_model=None)
        api.add_api_route(f"/inside/{name}.{{kind}}", _bound_data(data, name), response_model=None)


def run_of(registry: RunRegistry, asked: Mapping[str, str]) -> Run:
    """The run that a request names.

    Raises:
        SettingError: If there is none, any more.
    """
    run = registry.find(asked.get("run", ""))
    if run is None:
        raise SettingError(text.NO_RUN)
    return run


def _bound(view: Callable[[str, Request], Response], page: str) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return view(page, request)

    return answer


def _bound_data(
    data: Callable[[str, str, Request], Response], page: str
) -> Callable[[str, Request], Response]:
    def answer(kind: str, request: Request) -> Response:
        return data(page, kind, request)

    return answer


def _guarded(
    registry: RunRegistry,
    request: Request,
    answer: Callable[[Run, Mapping[str, str]], Response],
    status: int = 200,
) -> Response:
    """An answer, or a sentence; with status 200, since a browser would log any other."""
    asked, run = request.query_params, None
    try:
        run = run_of(registry, asked)
        return answer(run, asked)
    except WaitingError as wait:
        said = {"waiting": text.coming_to(wait.done, wait.total)}
        return JSONResponse({**said, "done": wait.done, "total": wait.total})
    except (VidmemError, OSError) as error:
        sentence = text.sentence_about(error, run.video if run else None)
        return JSONResponse({"error": sentence}, status)


def _look(run: Run, asked: Mapping[str, str]) -> Look:
    at = asked.get("at") or NEWEST
    try:
        return run.inside.find(at if at == NEWEST else float(at))
    except ValueError as error:
        if isinstance(error, VidmemError):
            raise
        raise SettingError(f"at must be newest or a time in seconds, got {at!r}") from None


def _look_in_the_end(run: Run, asked: Mapping[str, str]) -> Look:
    """The same, for a file: who saves one does not ask again."""
    until = time.monotonic() + MAX_WAIT_SECONDS
    while True:
        try:
            return _look(run, asked)
        except WaitingError:
            if time.monotonic() > until:
                raise SettingError(text.TOO_FAR) from None


def _frame(run: Run, look: Look) -> Frame:
    info = run.inside.info
    return Frame.of(look.model.card, info.width, info.height) if info else Frame()


def _view(page: str, run: Run, asked: Mapping[str, str]) -> Response:
    look = _look(run, asked)
    if look.model is not run.live.model:
        raise SettingError(text.takes_over(run.live.model.card.title))
    frame = _frame(run, look)
    if page == "memory":
        answer = memory_answer(look, asked, frame, run.inside.mattered.found)
    else:
        answer = heads_answer(look, asked, frame)
    return Response(answer, media_type="application/json")


def _data(page: str, kind: str, run: Run, asked: Mapping[str, str]) -> Response:
    look = _look_in_the_end(run, asked)
    file = DOWNLOADS[page](look, asked, _frame(run, look), kind)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, media_type=file.media_type, headers=headers)


def _frames(run: Run, asked: Mapping[str, str]) -> Response:
    try:
        start, end = float(asked.get("start", "")), float(asked.get("end", ""))
        count = int(asked.get("count", "8"))
    except ValueError:
        raise SettingError("start and end must be times in seconds, count a number") from None
    return JSONResponse({"frames": run.inside.frames(start, end, count)})
