"""The addresses of import and export: files in, what they would do, and files out."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.pages.api import Download, MalformedRequestError, NoFileError, PageRequest, Routes
from app.pages.label.behaviours.routes import ethogram_view
from app.pages.label.exchange.views import (
    export_choices,
    export_view,
    for_page,
    format_choices,
    import_view,
)
from app.pages.services import Services
from app.projects.label_exports import ExportRequest, MadeExport, make_export
from app.projects.label_files import MAX_BYTES, HowToRead
from app.projects.label_imports import LabelImports, Wanted
from app.projects.run_bouts import read_processing
from vidmem.errors import LabelError, SettingError
from vidmem.labels import OnConflict
from vidmem.labels.formats import OnProblem

ARRIVE_SECONDS = 120.0
"""In which a file has to arrive."""

MAX_PAIRS = 1000
MAX_TEXT = 500
ON_PROBLEM: dict[str, OnProblem] = {"skip": "skip", "stop": "stop"}
ON_CONFLICT: dict[str, OnConflict] = {
    "keep": "keep",
    "fill": "fill",
    "take": "take",
    "refuse": "refuse",
}
NO_FILE = "There is no such file in this export (any more). Look at it again."


def add_exchange_routes(api: FastAPI, services: Services) -> None:
    """Answer what the dialogs for import and export ask for."""
    routes, exchange = Routes(api, services.registry.find), _Exchange(services)
    routes.json("/label/formats", lambda request: format_choices())
    routes.upload(
        "/label/import/file",
        exchange.take_file,
        max_bytes=MAX_BYTES,
        body="a file of labels",
        work="exchange",
        seconds=ARRIVE_SECONDS,
    )
    routes.post_json("/label/import/look", exchange.look)
    routes.post_json("/label/import/apply", exchange.apply)
    routes.post_json("/label/import/forget", exchange.forget)
    routes.json("/label/export/choices", exchange.choices, work="exchange")
    routes.json("/label/export/preview", exchange.preview, work="exchange")
    routes.file("/label/export/file", exchange.file, work="exchange")


class _Exchange:
    """The functions of the addresses."""

    def __init__(self, services: Services) -> None:
        self._project, self._imports = services.project, LabelImports(services.project)

    # Import

    def take_file(self, request: PageRequest) -> dict[str, Any]:
        is_first = request.text("first") == "1"
        name = request.text("name")[:MAX_TEXT] or "labels"
        files = self._imports.take_file(request.run_id, name, request.body, is_first=is_first)
        return {"files": files}

    def look(self, request: PageRequest) -> dict[str, Any]:
        try:
            looked = self._imports.look(request.run_id, _wanted(request))
        except LabelError as error:
            raise LabelError(for_page(str(error))) from error
        return import_view(self._project, looked)

    def apply(self, request: PageRequest) -> dict[str, Any]:
        on_conflict = request.text("on_conflict", "keep")
        if on_conflict not in ON_CONFLICT:
            raise MalformedRequestError(f"on_conflict must be one of {', '.join(ON_CONFLICT)}")
        changes = self._imports.apply(
            request.run_id,
            _wanted(request),
            ON_CONFLICT[on_conflict],
            author=request.author,
        )
        edit = changes.edits[-1].revision if changes.edits else None
        return {**ethogram_view(self._project), "words": changes.words, "edit": edit}

    def forget(self, request: PageRequest) -> dict[str, Any]:
        self._imports.forget(request.run_id)
        return {}

    # Export

    def choices(self, request: PageRequest) -> dict[str, Any]:
        return export_choices(self._project)

    def preview(self, request: PageRequest) -> dict[str, Any]:
        return export_view(self._made(request))

    def file(self, request: PageRequest) -> Download:
        """One file of an export; all of them, where no name is given."""
        made, name = self._made(request), request.text("name")
        if not name and len(made.files) > 1:
            return Download(made.name, "application/zip", made.zipped())
        content = made.files.get(name or made.name)
        if content is None:
            raise NoFileError(NO_FILE)
        return Download(name or made.name, "application/octet-stream", content)

    def _made(self, request: PageRequest) -> MadeExport:
        wanted = ExportRequest(
            format=request.text("format"),
            video=request.text("video"),
            author=request.text("author") if "author" in request.fields else None,
            run_id=request.text("kept_run"),
            processing=read_processing(request.number_or_none),
            fps=request.number_or_none("fps"),
        )
        try:
            return make_export(self._project, wanted)
        except LabelError as error:
            raise LabelError(for_page(str(error))) from error


def _wanted(request: PageRequest) -> Wanted:
    """What a page wants to know of its import.

    Raises:
        SettingError: If something cannot be that.
    """
    on_problem = request.text("on_problem", "skip")
    if on_problem not in ON_PROBLEM:
        raise MalformedRequestError(f"on_problem must be one of {', '.join(ON_PROBLEM)}")
    video = request.text("video").strip()
    if len(video) > MAX_TEXT:
        raise SettingError(f"The name of a video has at most {MAX_TEXT} characters here.")
    how = HowToRead(
        format=request.text("format"),
        on_problem=ON_PROBLEM[on_problem],
        video=video,
        fps=request.number_or_none("fps"),
        behaviours=_pairs(request, "behaviours"),
    )
    return Wanted(how=how, videos=_pairs(request, "videos"), number=request.whole("number", 0))


def _pairs(request: PageRequest, field: str) -> tuple[tuple[str, str], ...]:
    """What is meant by names in the files: `[[name in the files, name here or ""], ...]`."""
    given = request.fields.get(field, [])
    if not isinstance(given, list) or len(given) > MAX_PAIRS:
        raise MalformedRequestError(f"{field} must be a list of at most {MAX_PAIRS} pairs")
    pairs = []
    for one in given:
        match one:
            case [str(name), str(to)]:
                pairs.append((name, to))
            case _:
                raise MalformedRequestError(f"{field} must be pairs of names")
    return tuple(pairs)
