"""The addresses of the Label page: the labels of a video, what is new of them, and edits."""

from __future__ import annotations

from fastapi import FastAPI

from app.pages.api import Routes
from app.pages.label.behaviours.routes import add_ethogram_routes
from app.pages.label.editing.answers import changes_answer, labels_answer
from app.pages.label.editing.sending import redo, send_edits, undo
from app.pages.label.exchange.routes import add_exchange_routes
from app.pages.services import Services
from vidmem.projects import Project


def add_label_routes(api: FastAPI, services: Services) -> None:
    """Answer all that the Label page asks for."""
    add_coding_routes(api, services.project)
    add_ethogram_routes(api, services)
    add_exchange_routes(api, services)


def add_coding_routes(api: FastAPI, project: Project) -> None:
    """Answer what its store asks for."""
    routes = Routes(api)
    routes.json("/label/labels", lambda request: labels_answer(project, request.text("video")))
    routes.json(
        "/label/changes",
        lambda request: changes_answer(
            project, project.changes_since(request.whole("since")), request.text("video")
        ),
    )
    routes.post_json("/label/edit", lambda request: send_edits(project, request))
    routes.post_json("/label/undo", lambda request: undo(project, request))
    routes.post_json("/label/redo", lambda request: redo(project, request))
