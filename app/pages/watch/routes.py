"""The addresses of the Watch page: predictions, corrections, webcam pictures, uploads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI

from app.pages.api import Download, NoFileError, PageRequest, Routes
from app.pages.services import Services
from app.pages.watch.corrections import correction_place
from app.pages.watch.uploads import add_upload_route
from app.projects.labelled_file import labelled_file
from app.run.registry import RunRegistry
from app.sources.webcam import MAX_BYTES, Webcam
from app.sources.wording import NO_WEBCAM
from vidmem.errors import SettingError

NO_PREDICTIONS = "There are no predictions of this run (any more)."


def add_watch_routes(api: FastAPI, services: Services) -> None:
    """Answer what the Watch page asks for."""

    def predictions(request: PageRequest) -> Download:
        file = services.files.open(request.path["run_id"], request.path["name"])
        if file is None:
            raise NoFileError(NO_PREDICTIONS)
        return Download(file.name, "text/csv", file.pieces, file.num_bytes)

    def bouts(request: PageRequest) -> Download:
        run = request.run
        if run.view is None or run.source is None or not len(run.view.timeline):
            raise NoFileError(NO_PREDICTIONS)
        path, is_live = run.source.video.path, run.source.video.is_live
        info = None if is_live else run.source.info
        video = labelled_file(services.project, Path(path.stem) if is_live else path, info)
        return Download(f"{path.stem}-bouts.csv", "text/csv", run.view.bouts_csv(video))

    def correction(request: PageRequest) -> dict[str, Any]:
        return correction_place(request.run, services.project)

    def close_page(request: PageRequest) -> None:
        services.actions.close_page(request.path["page"])

    routes = Routes(api, services.registry.find)
    routes.post("/left/{page}", close_page)
    routes.file("/bouts.csv", bouts)
    routes.json("/watch/correction", correction)
    routes.file("/runs/{run_id}/{name}", predictions)
    add_webcam_routes(api, services.registry)
    add_upload_route(api, services.registry, services.pools.shelf.upload_folder)


def add_webcam_routes(api: FastAPI, registry: RunRegistry) -> None:
    """Take pictures for runs that watch a webcam."""
    routes = Routes(api, registry.find)
    routes.post("/webcam/picture", _take_picture, max_bytes=MAX_BYTES, body="a picture")


def _take_picture(request: PageRequest) -> dict[str, bool]:
    webcam, seconds = _webcam(request), request.number("seconds", "a time from 0 on")
    if seconds < 0:
        raise SettingError(f"seconds must be a time from 0 on, got {seconds:g}")
    return {"is_taken": webcam.push(request.body, seconds)}


def _webcam(request: PageRequest) -> Webcam:
    video = request.run.video
    if video is None or video.webcam is None:
        raise SettingError(NO_WEBCAM)
    return video.webcam
