"""What the page shows of an import and of an export: plain values, in the page's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

from app.projects.label_exports import MadeExport, authors_of
from app.projects.label_imports import Looked
from app.projects.run_bouts import newest_predictions, run_title
from vidmem.labels import Bout, Conflict, LabelledVideo, Span, nearly_spelled
from vidmem.labels.formats import FORMATS, Problem, format_named
from vidmem.projects import Project
from vidmem.units import clock, clock_range

MAX_SHOWN = 200
"""Bouts, conflicts and problems that are listed; of more their number is said."""

MAX_RUNS = 100

_FOR_THE_COMMAND_LINE = (
    ("; --video names it", "; another name can be typed"),
    (
        "; give it, such as --fps 25, or the video itself with --video",
        "; type it as frames per second",
    ),
    ("; give it, such as --fps 25", "; type it as frames per second"),
    ("; `vidmem convert --from` reads it as one of", "; choose its format, one of"),
    ("; say which with --from", "; choose another"),
)
"""What sentences of the package say to people who type, and what they say here."""


def for_page(text: str) -> str:
    """A sentence of the package without what is for the command line alone."""
    for there, here in _FOR_THE_COMMAND_LINE:
        text = text.replace(there, here)
    return text


def format_choices() -> dict[str, Any]:
    """The formats, those that most people want first."""
    ordered = sorted(FORMATS, key=lambda one: one.name != "csv")
    return {
        "read": [[one.name, one.title] for one in ordered if one.read],
        "written": [
            {
                "name": one.name,
                "title": one.title,
                "ending": one.endings[0],
                "needs_fps": one.needs_fps,
                "resolution": one.holds.resolution,
            }
            for one in ordered
            if one.write
        ],
    }


def import_view(project: Project, looked: Looked) -> dict[str, Any]:
    """All that is said of an import before it is done."""
    files, preview = looked.files, looked.preview
    # The package counts what is of videos that are here; here the others come along.
    others = {*preview.unknown_videos}
    added = (*preview.added, *(one for one in preview.labels.bouts if one.video in others))
    spans = (*preview.labels.scored, *preview.labels.not_scored)
    kinds = Counter(one.kind for one in files.problems)
    coded = Counter(one.author for one in project.labels.all().labels.bouts)
    is_of_others = any(one.author and one.author not in coded for one in preview.labels.bouts)
    return {
        "formats": [[name, format_named(name).title] for name in files.formats],
        "notes": [*map(for_page, files.notes), *looked.notes],
        "about": files.about.lines(),
        "problems": _listed([_problem(one) for one in files.problems]),
        "problem_kinds": [[kind, count] for kind, count in kinds.most_common()],
        "videos": [
            {
                "name": name,
                "here": preview.videos.get(name),
                "num_bouts": count,
                "is_left_out": name in looked.left_out,
            }
            for name, count in looked.num_bouts.items()
        ],
        "project_videos": [one.name for one in project.videos.list()],
        "added": _listed([_bout(one) for one in added[:MAX_SHOWN]], len(added)),
        "conflicts": _listed(
            [_conflict(one) for one in preview.conflicts[:MAX_SHOWN]], len(preview.conflicts)
        ),
        # One bout may contradict several that are here: people count bouts, not pairs.
        "num_contradicting": len({one.theirs for one in preview.conflicts}),
        # An import makes one account of two: of no use to who wants to see how far two agree.
        "may_be_compared": bool(coded) and (is_of_others or bool(preview.conflicts)),
        "num_equal": preview.num_equal,
        "num_predictions": preview.num_predictions,
        "new_behaviours": list(preview.new_behaviours),
        "behaviours": _behaviours(project, looked),
        "has_new_spans": preview.has_new_spans or any(one.video in others for one in spans),
    }


def export_choices(project: Project) -> dict[str, Any]:
    """What can be exported."""
    at = project.labels.all()
    counts = Counter(one.video for one in at.labels.bouts)
    runs = (one for one in project.runs.list() if newest_predictions(one.folder) is not None)
    return {
        "formats": format_choices()["written"],
        "videos": [
            {"name": one.name, "num_bouts": counts[one.name], "has_fps": one.facts.fps is not None}
            for one in project.videos.list()
        ],
        "authors": list(authors_of(at.labels)),
        "runs": [
            {
                "id": one.run_id,
                "title": f"{run_title(one)} · {one.video or one.source}",
            }
            for one in islice(runs, MAX_RUNS)
        ],
    }


def export_view(made: MadeExport) -> dict[str, Any]:
    """What is said of an export before it is downloaded."""
    return {
        "name": made.name,
        "files": [
            {"name": name, "num_bytes": len(content)} for name, content in made.files.items()
        ],
        # Formats with several files may say the same of each.
        "losses": list(dict.fromkeys(made.losses)),
        "notes": list(dict.fromkeys(map(for_page, made.notes))),
        "num_bouts": len(made.labels.bouts),
        "num_videos": len(made.labels.videos),
    }


def _behaviours(project: Project, looked: Looked) -> list[dict[str, Any]]:
    """New names and those that were said to be another's: each may be a project's behaviour.

    Those that are a letter away from it come first in the list of what may be meant.
    """
    known = project.ethogram
    meant = {name: to for name, to in looked.meant if to in known}
    found = []
    for name in dict.fromkeys((*meant, *looked.preview.new_behaviours)):
        near = nearly_spelled(name, known.names)
        others = (one for one in known.names if one not in near)
        found.append({"name": name, "is": meant.get(name, ""), "near": near, "others": [*others]})
    return found


def _listed(shown: Sequence[Any], num: int | None = None) -> dict[str, Any]:
    return {"num": len(shown) if num is None else num, "shown": list(shown[:MAX_SHOWN])}


def _problem(one: Problem) -> dict[str, str]:
    return {
        "file": one.path.name,
        "place": one.place,
        "kind": one.kind,
        "what": for_page(one.what),
        "done": one.done,
    }


def _bout(one: Bout) -> dict[str, Any]:
    return {
        "behaviour": one.behaviour,
        "video": one.video,
        "subject": one.subject,
        "author": one.author,
        "time": _time(one),
    }


def _conflict(one: Conflict) -> dict[str, str]:
    return {"kind": one.kind, "mine": _said(one.mine), "theirs": _said(one.theirs)}


def _said(one: Bout | Span | LabelledVideo) -> str:
    """What somebody said, in a line."""
    if isinstance(one, LabelledVideo):
        facts = [
            None if one.duration_seconds is None else f"{one.duration_seconds:.10g} s",
            None if one.fps is None else f"{one.fps:.10g} frames per second",
            None if one.start is None else f"begun {one.start:%Y-%m-%d %H:%M:%S}",
        ]
        return ", ".join([one.name, *filter(None, facts)])
    of = f" of {one.subject}" if one.subject else ""
    if isinstance(one, Span):
        time = clock_range(one.start_seconds, one.end_seconds)
        return f"{one.axis or 'all axes'}{of} not scored, {time} in {one.video}"
    by = f", by {one.author}" if one.author else ""
    return f"{one.behaviour}{of}, {_time(one)} in {one.video}{by}"


def _time(one: Bout) -> str:
    if one.is_point:
        return f"at {clock(one.start_seconds, has_tenths=True)}"
    return clock_range(one.start_seconds, one.end_seconds)
