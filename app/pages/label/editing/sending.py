"""Edits that a page sends, done one after the other, each once, and what it is told of them.

revision    1     2     3     4
page        made on 1: a, b, c
others            x
done              x     a                  b and c are made on what the page has not seen yet:
                                           it is told of x, and sends them again on top of it
"""

from __future__ import annotations

from typing import Any

from app import sentences
from app.pages.api import MalformedRequestError, PageRequest
from app.pages.label.editing.answers import changes_answer
from app.pages.label.editing.edits import EditFields, read_step
from vidmem.errors import LabelError, ProjectError, SettingError, StaleEditError
from vidmem.projects import Changes, EditMark, Project

MAX_EDITS = 100
"""Of one request; a page sends what it has not sent yet, and the rest the next time."""

MAX_ID = 64


def send_edits(project: Project, request: PageRequest) -> dict[str, Any]:
    """Do the edits of a request, and answer with all that is new since its revision.

    `results` has one for each edit that was looked at: `{"id"}` of one that is done, now or before,
    else with `"error"` and `"is_stale"`. What came after a refused one, or after one before which
    somebody else edited, is not looked at: the page sends it again, if it still wants it.
    """
    video, first = request.text("video"), request.whole("revision")
    edits = request.fields.get("edits")
    if not isinstance(edits, list) or len(edits) > MAX_EDITS:
        raise MalformedRequestError(f"edits must be a list of at most {MAX_EDITS} edits")
    author, revision = request.author, first
    results: list[dict[str, Any]] = []
    for values in edits:
        fields = EditFields(values, video)
        mark = EditMark(_id(fields, "id"), _id(fields, "continues"))
        try:
            changes = _do(project, fields, mark, revision, author)
        except (LabelError, StaleEditError, SettingError) as error:
            results.append(_refused(mark, error))
            break
        except ProjectError as error:
            if _has_video(project, video):  # a full disk: the page keeps the edit, and tries again
                raise
            results.append(_refused(mark, error))
            break
        results.append({"id": mark.edit_id})
        made = next((one.revision for one in changes.edits if one.edit_id == mark.edit_id), None)
        if any(made is None or one.revision < made for one in changes.edits):
            break  # somebody else's came first
        revision = made or revision
    changes = project.changes_since(first)
    return {"results": results, **changes_answer(project, changes, video)}


def undo(project: Project, request: PageRequest) -> dict[str, Any]:
    """Undo the edit that the page shows as next, and answer as `send_edits`, without results."""
    changes = project.undo(
        request.whole("edit"), since=request.whole("since"), author=request.author
    )
    return changes_answer(project, changes, request.text("video"))


def redo(project: Project, request: PageRequest) -> dict[str, Any]:
    """As `undo`, of what was undone last."""
    changes = project.redo(
        request.whole("edit"), since=request.whole("since"), author=request.author
    )
    return changes_answer(project, changes, request.text("video"))


def _do(
    project: Project, fields: EditFields, mark: EditMark, revision: int, author: str
) -> Changes:
    step = read_step(fields)
    return project.labels.edit(
        fields.video,
        step.operation,
        words=step.words,
        revision=revision,
        author=author,
        mark=mark,
    )


def _id(fields: EditFields, name: str) -> str:
    value = fields.text(name, max_characters=MAX_ID)
    if name == "id" and not value:
        raise MalformedRequestError("an edit must have an id")
    return value


def _refused(mark: EditMark, error: Exception) -> dict[str, Any]:
    is_stale = isinstance(error, StaleEditError)
    return {"id": mark.edit_id, "error": sentences.sentence_for(error), "is_stale": is_stale}


def _has_video(project: Project, video: str) -> bool:
    return any(one.name == video for one in project.videos.list())
