"""The addresses of the Cost page: what a run held over its time, and its files."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from app import cost_text, costs
from app.inside_routes import run_of
from app.registry import RunRegistry
from vidmem.errors import SettingError, VidmemError
from vidmem.figures import ThemeName
from vidmem.profiling import MemoryRecord


def add_cost_routes(api: FastAPI, registry: RunRegistry) -> None:
    """Answer what the Cost page asks for."""

    def figure(request: Request) -> Response:
        theme: ThemeName = "dark" if request.query_params.get("theme") == "dark" else "light"
        try:
            answer = costs.page_answer(_record(registry, request), theme)
        except VidmemError as error:  # a browser would log any other status
            return JSONResponse({"error": str(error)})
        return Response(answer, media_type="application/json")

    def data(kind: str, request: Request) -> Response:
        try:
            file = costs.page_download(_record(registry, request), kind)
        except VidmemError as error:
            return JSONResponse({"error": str(error)}, 400)
        headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return Response(file.content, media_type=file.media_type, headers=headers)

    api.add_api_route("/cost/figure", figure, response_model=None)
    api.add_api_route("/cost/data.{kind}", data, response_model=None)


def _record(registry: RunRegistry, request: Request) -> MemoryRecord:
    view = run_of(registry, request.query_params).view
    record = view.costs.record() if view is not None else None
    if record is None:
        raise SettingError(cost_text.NOTHING_MEASURED)
    return record
