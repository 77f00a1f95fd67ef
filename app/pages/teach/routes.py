"""The addresses of the Teach page.

GET  teach/labelled?subject=      what is labelled, what is missing, a name for the next model
GET  teach/preview?model=&...     how the labels would be split; an error says what is in the way
GET  teach/preview?corrects=      so of a correction of a model
GET  teach/state                  jobs and models; asked for while the page is on view
POST teach/begin                  {name, model, encoder, fps, axes, subject, follow, regions,
                                  baselines}, or {name, corrects}: the model to be corrected
POST teach/cancel, teach/again    {id} of a job
GET  teach/report?model=          of a model, with what lies behind each cell of its confusion
POST teach/rename, teach/delete   {model, title}
GET  teach/model.zip?model=       its folder
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI

from app.pages.api import Download, MalformedRequestError, PageRequest, Routes
from app.pages.services import Services
from app.pages.teach.labelled import labelled_answer, missing
from app.pages.teach.models import model_rows, report_answer
from app.projects.open_file import open_original
from app.projects.taught_models import IN_USE, TaughtModel
from app.projects.without_paths import without_paths
from app.teaching.request import FEATURE_FPS, TeachRequest, correction_of
from vidmem.errors import SettingError
from vidmem.files import parse_json
from vidmem.labels import Labels
from vidmem.projects import Project
from vidmem.teaching import (
    TeachPreview,
    checked_regions,
    preview_teaching,
    regions_from_json,
)

MAX_AXES = 50
ALL_SUBJECTS = "all"
"""In place of a subject, where each is seen in a region of its own."""


def add_teach_routes(api: FastAPI, services: Services) -> None:
    """Answer what the Teach page asks for."""
    page, routes = _Teaching(services), Routes(api, services.registry.find)
    routes.json("/teach/labelled", page.labelled, work="figure")
    routes.json("/teach/preview", page.preview, work="figure")
    routes.json("/teach/state", page.state)
    routes.json("/teach/report", page.report)
    routes.post_json("/teach/begin", page.begin)
    routes.post_json("/teach/cancel", page.cancel)
    routes.post_json("/teach/again", page.go_on)
    routes.post_json("/teach/rename", page.rename)
    routes.post_json("/teach/delete", page.delete)
    routes.file("/teach/model.zip", page.download, work="upload")


class _Teaching:
    """The functions of the addresses."""

    def __init__(self, services: Services) -> None:
        self._services, self._project = services, services.project

    def labelled(self, request: PageRequest) -> dict[str, Any]:
        models, jobs = self._services.teaching.models, self._services.teaching
        at = self._project.labels.all()
        subject, is_all = _subject_of(request), request.text("subject") == ALL_SUBJECTS
        newest = next(iter(models.list()), None)
        report = models.report_of(newest) if newest else {}
        return {
            **labelled_answer(at.labels, subject, is_all=is_all),
            "revision": at.revision,
            "missing": missing(
                at.labels, subject, report, newest.title if newest else "", is_all=is_all
            ),
            "label_next": report.get("label_next") or [],
            "newest": newest and self._newest(newest),
            "next_name": models.next_name(_name_of(self._project), jobs.names()),
            "num_videos_here": len(self._project.videos.list()),
        }

    def _newest(self, model: TaughtModel) -> dict[str, Any]:
        """The newest model, and whether labels are others since it was taught."""
        revision = model.about.get("revision")
        changes = self._project.changes_since(revision) if isinstance(revision, int) else None
        has_changed = changes is None or bool(
            changes.videos or changes.shown_videos_changed or not changes.is_complete
        )
        own = {"model": model.name, "title": model.title, "has_changed": has_changed}
        return model.about | own

    def preview(self, request: PageRequest) -> dict[str, Any]:
        _, found = self._look_ahead(request, name="preview")
        return {
            "axes": {axis.name: list(axis.class_names) for axis in found.axes},
            "split": found.split.as_dict(),
            "words": found.split.words(),
        }

    def state(self, request: PageRequest) -> dict[str, Any]:
        jobs = self._services.teaching
        return {
            "jobs": jobs.rows(),
            "models": model_rows(jobs.models),
            "revision": self._project.revision,
        }

    def report(self, request: PageRequest) -> dict[str, Any]:
        models = self._services.teaching.models
        model = models.find(request.text("model"))
        return report_answer(model, models.report_of(model), self._project.ethogram)

    def begin(self, request: PageRequest) -> dict[str, Any]:
        # What is in the way is said now, and not by a process in a minute.
        wanted, _ = self._look_ahead(request, name=request.text("name"))
        return {"id": self._services.teaching.begin(wanted)}

    def _look_ahead(self, request: PageRequest, name: str) -> tuple[TeachRequest, TeachPreview]:
        """What is asked for, and what it would come to with the labels as they are."""
        labels = self._project.labels.all().labels
        self._check_files(labels)
        earlier, models = None, self._services.teaching.models
        if corrects := request.text("corrects"):
            model = models.find(corrects)
            earlier = models.to_correct(model)
            wanted = correction_of(model, earlier, name)
        else:
            wanted = _request_of(request, name)
        found = preview_teaching(
            labels,
            self._lengths(labels),
            wanted.config(earlier),
            regions=wanted.by_video,
            warm_start=earlier,
        )
        return wanted, found

    def cancel(self, request: PageRequest) -> dict[str, Any]:
        self._services.teaching.cancel(request.text("id"))
        return {}

    def go_on(self, request: PageRequest) -> dict[str, Any]:
        self._services.teaching.go_on(request.text("id"))
        return {}

    def rename(self, request: PageRequest) -> dict[str, Any]:
        models = self._services.teaching.models
        return {"title": models.rename(request.text("model"), request.text("title")).title}

    def delete(self, request: PageRequest) -> dict[str, Any]:
        models, name = self._services.teaching.models, request.text("model")
        model = models.find(name)
        if name in self._services.registry.models_in_use | self._services.pools.models_in_use:
            raise SettingError(IN_USE.format(name=model.title))
        models.delete(name)
        return {}

    def download(self, request: PageRequest) -> Download:
        name, content = self._services.teaching.models.zipped(request.text("model"))
        return Download(name, "application/zip", content)

    def _lengths(self, labels: Labels) -> Mapping[str, float]:
        """How long each labelled video is; one that nobody has opened yet is opened now."""
        named = {track.video for track in labels.tracks}
        found: dict[str, float] = {}
        for video in self._project.videos.list():
            seconds = video.facts.duration_seconds
            if video.name in named and seconds is None and video.path is not None:
                with without_paths(video.name, video.path):
                    seconds = self._services.tools.probe(video.path).duration_seconds
            if video.name in named:
                found[video.name] = float(seconds or 0.0)
        return found

    def _check_files(self, labels: Labels) -> None:
        """See that each labelled video is there, with the content that was labelled."""
        named = {track.video for track in labels.tracks}
        for video in self._project.videos.list():
            if video.name in named:
                open_original(self._project, video).close()


def _request_of(request: PageRequest, name: str) -> TeachRequest:
    """What is asked for, by the fields of the settings."""
    fps = request.number_or_none("fps")
    return TeachRequest(
        name=name,
        model=request.text("model") or "spool",
        encoder=request.text("encoder") or "lite2",
        feature_fps=FEATURE_FPS[1] if fps is None else fps,
        axes=_axes_of(request),
        subject=_subject_of(request),
        is_followed=request.text("follow") == "1",
        regions=_regions_of(request),
        has_baselines=request.text("baselines", "1") != "0",
    )


def _axes_of(request: PageRequest) -> tuple[str, ...]:
    """A list of axes: names have any characters. Empty: all."""
    axes = _json_of(request, "axes") or []
    if not isinstance(axes, list) or not all(isinstance(one, str) for one in axes):
        raise MalformedRequestError("axes must be a list of names in JSON")
    return tuple(axes[:MAX_AXES])


def _regions_of(request: PageRequest) -> dict[str, Any]:
    """Regions by video, as plain values; those of one list are the same for all. Empty: none."""
    values = _json_of(request, "regions")
    if values is None:
        return {}
    by_video = checked_regions(regions_from_json(values, "The file of regions"))
    return {name: [asdict(one) for one in own] for name, own in by_video.items()}


def _json_of(request: PageRequest, field: str) -> Any:
    """What a field has as JSON in a text; `None`: it is empty.

    Raises:
        MalformedRequestError: If it is no JSON.
    """
    text = request.text(field)
    try:
        return parse_json(text) if text else None
    except ValueError as error:
        raise MalformedRequestError(f"{field} must be JSON: {error}") from error


def _subject_of(request: PageRequest) -> str | None:
    """`=NAME`: an animal, or no one in particular; `all`, or empty: nobody was chosen."""
    text = request.text("subject")
    return text.removeprefix("=") if text.startswith("=") else None


def _name_of(project: Project) -> str:
    """The folder's name, where it is more than that of the user's only project."""
    name = project.folder.name
    return "model" if name == "project" else name
