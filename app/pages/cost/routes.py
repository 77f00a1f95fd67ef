"""The addresses of the Cost page: what a run held over its time, and its files."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.pages.api import Download, PageRequest, Routes
from app.pages.cost.views import NOTHING_MEASURED, page_answer, page_download
from app.run.registry import RunRegistry
from vidmem.errors import SettingError
from vidmem.profiling import FootprintRecord


def add_cost_routes(api: FastAPI, registry: RunRegistry) -> None:
    """Answer what the Cost page asks for."""
    routes = Routes(api, registry.find)
    routes.json("/cost/figure", _figure, work="figure")
    routes.file("/cost/data.{kind}", _file, work="figure")


def _figure(request: PageRequest) -> dict[str, Any]:
    return page_answer(_record(request), request.theme)


def _file(request: PageRequest) -> Download:
    return page_download(_record(request), request.path["kind"])


def _record(request: PageRequest) -> FootprintRecord:
    view = request.run.view
    record = view.costs.record() if view is not None else None
    if record is None:
        raise SettingError(NOTHING_MEASURED)
    return record
