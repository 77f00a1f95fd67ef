"""The addresses of the Masks page: figures and files of a mask, saved masks, Plotly's own script.

Nothing here keeps anything between requests, or reads anything of a run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response

from app.explain.mask_catalogue import catalogue
from app.pages.api import Routes
from app.pages.masks.saved import MAX_BYTES, saved_fields, saved_figures
from app.pages.masks.views import download, figures
from app.run.run import Run

ARRIVE_SECONDS = 60.0
"""In which a saved mask has to arrive."""


def plotly_script() -> Path:
    """The script that draws Plotly's figures; it comes with the package, so none is fetched."""
    spec = importlib.util.find_spec("plotly")
    assert spec is not None, "the app needs plotly, which comes with it"
    assert spec.origin is not None
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"


def add_mask_routes(
    api: FastAPI, find_run: Callable[[str], Run | None] = lambda run_id: None
) -> None:
    """Answer what the Masks page asks for; a run that it names has a share of the work."""
    routes = Routes(api, find_run)
    routes.json("/masks/catalogue", lambda request: catalogue())
    routes.json(
        "/masks/figures", lambda request: figures(request.query, request.theme), work="figure"
    )
    routes.file(
        "/masks/data.{kind}",
        lambda request: download(request.query, request.path["kind"]),
        work="figure",
    )
    routes.json("/masks/saved/fields", lambda request: saved_fields())
    routes.upload(
        "/masks/saved/figures",
        saved_figures,
        max_bytes=MAX_BYTES,
        body="two saved masks",
        work="exchange",
        seconds=ARRIVE_SECONDS,
    )
    api.add_api_route("/plotly.js", _script, response_model=None)


def _script() -> Response:
    return FileResponse(plotly_script(), media_type="text/javascript")
