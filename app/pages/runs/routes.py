"""The addresses of the Runs page."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI

from app.pages.api import Download, MalformedRequestError, NoFileError, PageRequest, Routes
from app.pages.runs import wording
from app.pages.runs.listing import RunListing
from app.pages.services import Services
from app.projects.run_bouts import video_of_run
from app.run.kept.play import prediction_files
from app.run.kept.reopening import bouts_csv_of

_RUN_ID = re.compile(r"[0-9a-f]{32}")


def add_runs_routes(api: FastAPI, services: Services) -> None:
    """Answer what the Runs page asks for.

    Whoever got into the app sees all runs of the project: a project is one team's. An id only looks
    a run up; files are those that its folder lists.
    """
    listing = RunListing(services.project, services.registry)

    def runs(request: PageRequest) -> dict[str, Any]:
        return listing.rows(request.text("video") or None)

    def stop(request: PageRequest) -> dict[str, Any]:
        listing.stop(_id(request))
        return {}

    def delete(request: PageRequest) -> dict[str, Any]:
        listing.delete(_id(request))
        return {}

    def leave(request: PageRequest) -> dict[str, Any]:
        listing.leave_interrupted()
        return {}

    def bouts(request: PageRequest) -> Download:
        kept = services.project.runs[_id(request)]
        written = prediction_files(kept.folder)
        if not written:
            raise NoFileError(wording.NO_BOUTS)
        stem = written[-1].stem.replace("-predictions", "")
        video = video_of_run(services.project, kept, written[-1])
        return Download(f"{stem}-bouts.csv", "text/csv", bouts_csv_of(kept, video))

    routes = Routes(api, services.registry.find)
    routes.json("/project/runs", runs)
    routes.post_json("/project/runs/stop", stop)
    routes.post_json("/project/runs/delete", delete)
    routes.post_json("/project/runs/leave", leave)
    routes.file("/project/runs/bouts.csv", bouts, work="figure")


def _id(request: PageRequest) -> str:
    run_id = request.text("id")
    if not _RUN_ID.fullmatch(run_id):
        raise MalformedRequestError("id must be that of a run")
    return run_id
