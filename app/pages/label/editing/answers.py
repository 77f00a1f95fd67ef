"""What the Label page is told of labels, in plain values."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import Any

from vidmem.labels import Bout, Ethogram, Span
from vidmem.projects import Changes, Edit, EditHistory, Project


def labels_answer(project: Project, video: str) -> dict[str, Any]:
    """All that the page shows of a video's labels; of no video (`""`) the ethogram alone.

    Raises:
        ProjectError: If there is no such video.
    """
    if not video:
        at = project.revision  # before the ethogram: what comes in between is told again
        ethogram, labels = project.ethogram, None
    else:
        found = project.labels.of(video)
        at, labels, ethogram = found.revision, found.labels, found.labels.ethogram
    return {
        "project": project_mark(project),
        "video": video,
        "revision": at,
        "ethogram": ethogram_answer(ethogram),
        "bouts": bout_answers(labels.bouts if labels else ()),
        "scored": span_answers(labels.scored if labels else ()),
        "not_scored": span_answers(labels.not_scored if labels else ()),
        **history_answer(project.history),
    }


def changes_answer(project: Project, changes: Changes, video: str) -> dict[str, Any]:
    """What is new, for a page that shows a video; marks are left out where none changed."""
    answer: dict[str, Any] = {
        "revision": changes.revision,
        "is_complete": changes.is_complete,
        "words": changes.words,
        "removed": [],
        "added": [],
        "scored": None,
        "not_scored": None,
    }
    if changes.ethogram is not None:
        answer["ethogram"] = ethogram_answer(changes.ethogram)
    for one in changes.videos:
        if one.video == video:
            answer |= {
                "removed": bout_answers(one.removed),
                "added": bout_answers(one.added),
                "scored": span_answers(one.scored),
                "not_scored": span_answers(one.not_scored),
            }
    return answer | history_answer(project.history) if changes.edits else answer


def history_answer(history: EditHistory) -> dict[str, Any]:
    """What would be undone, and what would be done again."""
    return {"undo": _edit(history.next_undo), "redo": _edit(history.next_redo)}


def ethogram_answer(ethogram: Ethogram) -> list[dict[str, str]]:
    """Its behaviours, in order."""
    fields = ("name", "colour", "key", "kind", "axis", "description")
    return [{name: getattr(one, name) for name in fields} for one in ethogram]


def bout_answers(bouts: Iterable[Bout]) -> list[dict[str, Any]]:
    """Bouts; `start` and `end` are seconds from the video's start."""
    return [
        {
            "behaviour": one.behaviour,
            "start": one.start_seconds,
            "end": one.end_seconds,
            "subject": one.subject,
            "author": one.author,
            "comment": one.comment,
            "source": one.source,
            "score": one.score,
        }
        for one in bouts
    ]


def span_answers(spans: Iterable[Span]) -> list[dict[str, Any]]:
    """Spans of one axis each."""
    return [
        {
            "start": one.start_seconds,
            "end": one.end_seconds,
            "subject": one.subject,
            "axis": one.axis,
        }
        for one in spans
    ]


def project_mark(project: Project) -> str:
    """Tells projects apart without saying where they lie: what waits in a browser is of one."""
    return hashlib.sha256(os.fsencode(os.path.realpath(project.folder))).hexdigest()[:16]


def _edit(edit: Edit | None) -> dict[str, Any] | None:
    if edit is None:
        return None
    return {
        "revision": edit.revision,
        "words": edit.words,
        "author": edit.author,
    }
