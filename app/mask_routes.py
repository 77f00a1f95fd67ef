"""The addresses of the Masks page: figures and files of a mask, and Plotly's own script.

Nothing here knows of runs, or keeps anything between requests.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from app import masks
from app.mask_catalogue import catalogue
from vidmem.errors import VidmemError


def plotly_script() -> Path:
    """The script that draws Plotly's figures; it comes with the package, so none is fetched."""
    found = importlib.util.find_spec("plotly")
    assert found is not None, "the app needs plotly, which comes with it"
    assert found.origin is not None
    return Path(found.origin).parent / "package_data" / "plotly.min.js"


def add_mask_routes(api: FastAPI) -> None:
    """Answer what the Masks page asks for."""
    api.add_api_route("/masks/catalogue", _all_masks, response_model=None)
    api.add_api_route("/masks/figures", _figures, response_model=None)
    api.add_api_route("/masks/data.{kind}", _data, response_model=None)
    api.add_api_route("/plotly.js", _script, response_model=None)


def _all_masks() -> Response:
    return JSONResponse(catalogue())


def _figures(request: Request) -> Response:
    try:
        drawn = masks.figures(request.query_params)
    except VidmemError as error:  # an answer to a slider: a browser would log any other status
        return JSONResponse({"error": str(error)})
    return Response(drawn, media_type="application/json")


def _data(kind: str, request: Request) -> Response:
    try:
        file = masks.download(request.query_params, kind)
    except VidmemError as error:
        return JSONResponse({"error": str(error)}, 400)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, media_type=file.media_type, headers=headers)


def _script() -> Response:
    return FileResponse(plotly_script(), media_type="text/javascript")
