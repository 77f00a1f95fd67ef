"""The addresses of live teaching. A lesson is that of a run; its fields are in the query.

GET  lesson/state?run=                      the lesson, if there is one, and the project's axes
POST lesson/start                           {run, behaviours, axis, video}; "": a camera
POST lesson/pictures?run=&seconds=&apart=   two in one JPEG, one above the other
POST lesson/begin?run=&behaviour=&seconds=  a behaviour is shown from now on
POST lesson/end?run=&seconds=               until now
POST lesson/clear?run=&what=                the last example, or all
POST lesson/keep?run=&author=               examples become labels of the video
POST lesson/stop?run=

Each answers with the lesson as it is then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from app.pages.api import MalformedRequestError, PageRequest, Routes
from app.pages.lesson.views import axes_answer, lesson_answer
from app.pages.lesson.wording import NO_VIDEO, NOTHING_TO_KEEP, WRONG_AXIS, kept
from app.pages.services import Services
from app.sources.webcam import MAX_BYTES
from app.teaching.live_lessons import MAX_SECONDS, OpenLesson
from vidmem.errors import ProjectError, SettingError
from vidmem.labels import DEFAULT_AXIS, Behaviour, Ethogram
from vidmem.teaching import MAX_BEHAVIOURS

Change = Callable[[OpenLesson, PageRequest], None]


def add_lesson_routes(api: FastAPI, services: Services) -> None:
    """Answer what the page asks for."""
    page, routes = _Lessons(services), Routes(api, services.registry.find)
    routes.json("/lesson/state", page.state)
    routes.post_json("/lesson/start", page.start)
    routes.post(
        "/lesson/pictures",
        page.changed(_add_pictures),
        max_bytes=MAX_BYTES,
        body="a picture",
        work="lesson",
    )
    routes.post("/lesson/begin", page.changed(_begin), work="lesson")
    routes.post("/lesson/end", page.changed(_end), work="lesson")
    routes.post("/lesson/clear", page.changed(_clear), work="lesson")
    routes.post("/lesson/keep", page.keep)
    routes.post("/lesson/stop", page.stop)


class _Lessons:
    """The functions of the addresses."""

    def __init__(self, services: Services) -> None:
        self._lessons, self._project = services.lessons, services.project

    def state(self, request: PageRequest) -> dict[str, Any]:
        opened, axes = self._lessons.find(request.text("run")), axes_answer(self._project.ethogram)
        if opened is None:
            return {"lesson": None, "axes": axes}
        with opened.lock:
            return {"lesson": lesson_answer(opened), "axes": axes}

    def start(self, request: PageRequest) -> dict[str, Any]:
        run_id, video = request.run_id, request.text("video")
        if video and all(one.name != video for one in self._project.videos.list()):
            raise ProjectError(NO_VIDEO.format(video=video[:100]))
        opened = self._lessons.begin(run_id, self._ethogram(request), video)
        if request.find_run(run_id) is None:  # freed meanwhile, with the lesson that it had then
            self._lessons.end(run_id)
        return {"lesson": lesson_answer(opened)}

    def changed(self, change: Change) -> Callable[[PageRequest], dict[str, Any]]:
        def answer(request: PageRequest) -> dict[str, Any]:
            opened = self._lessons.get(request.text("run"))
            with opened.lock:
                change(opened, request)
                return {"lesson": lesson_answer(opened)}

        return answer

    def keep(self, request: PageRequest) -> dict[str, Any]:
        opened = self._lessons.get(request.text("run"))
        with opened.lock:
            labels = opened.lesson.labels
            if not opened.video or not labels.bouts:
                raise SettingError(NOTHING_TO_KEEP)
            preview = self._project.preview_import(labels)
            if preview.unknown_videos:
                raise ProjectError(NO_VIDEO.format(video=opened.video))
            # What a person labelled there before stays.
            self._project.apply_import(preview, on_conflict="fill", author=request.author)
            opened.kept = labels
            text = kept(len(labels.bouts), opened.video, has_conflicts=bool(preview.conflicts))
            return {"lesson": lesson_answer(opened), "text": text}

    def stop(self, request: PageRequest) -> dict[str, Any]:
        self._lessons.end(request.text("run"))
        return {"lesson": None}

    def _ethogram(self, request: PageRequest) -> Ethogram:
        """The behaviours that are asked for: the project's, or new ones of one axis."""
        names, axis = request.fields.get("behaviours"), request.text("axis") or DEFAULT_AXIS
        # One more than may be, of which the lesson itself says so.
        if not isinstance(names, list) or len(names) > MAX_BEHAVIOURS + 1:
            raise MalformedRequestError("behaviours must be a list of a few names")
        if not all(isinstance(one, str) for one in names):
            raise MalformedRequestError("behaviours must be names")
        known = {one.name: one for one in self._project.ethogram}
        for name in names:
            if name in known and known[name].axis != axis:
                raise SettingError(WRONG_AXIS.format(name=name, axis=known[name].axis))
        return Ethogram(tuple(known.get(one) or Behaviour(one, axis=axis) for one in names))


def _add_pictures(opened: OpenLesson, request: PageRequest) -> None:
    opened.add_pictures(request.body, _seconds(request), request.number("apart"))


def _begin(opened: OpenLesson, request: PageRequest) -> None:
    opened.lesson.begin(request.text("behaviour"), _seconds(request))


def _end(opened: OpenLesson, request: PageRequest) -> None:
    opened.lesson.end(_seconds(request))


def _clear(opened: OpenLesson, request: PageRequest) -> None:
    what = request.text("what")
    if what not in ("last", "all"):
        raise MalformedRequestError(f"what must be last or all, got {what!r:.60}")
    if what == "last":
        opened.lesson.clear_last()
    else:
        opened.lesson.clear()


def _seconds(request: PageRequest) -> float:
    seconds = request.number("seconds", "a time from 0 on")
    if not 0 <= seconds <= MAX_SECONDS:
        raise MalformedRequestError(
            f"seconds must be a time from 0 to {MAX_SECONDS:g}, got {seconds:g}"
        )
    return seconds
