"""Edits as a page sends them, drawn at random from what it shows."""

from __future__ import annotations

import random
from typing import Any

from app.pages.label.editing.answers import bout_answers
from vidmem.labels import Labels

VIDEO = "a.mp4"
STATES, POINTS = ("lying", "standing", "feeding"), ("rolling",)
SUBJECTS = ("", "sow 12")


def random_edit(draw: random.Random, labels: Labels, number: int, author: str = "Zoë") -> dict:
    """One edit; some cannot be done, such as a split at an edge."""
    bouts = bout_answers(labels.bouts)
    kind = draw.choice(["begin", "begin", "add", "mark", "mark", "confirm", *_OF_BOUTS])
    if kind in _OF_BOUTS and not bouts:
        kind = "add"
    edit = {"id": f"{author}-{number}", "do": kind, "author": author}
    if kind in _OF_BOUTS:
        return edit | _OF_BOUTS[kind](draw, bouts)
    if kind == "mark":
        start = draw.randrange(20)
        what = draw.choice(("scored", "not scored", "nothing"))
        axis = draw.choice(("", *labels.ethogram.axes))
        subject = draw.choice(SUBJECTS)
        end = start + draw.randint(1, 6)
        return edit | {"what": what, "start": start, "end": end, "subject": subject, "axis": axis}
    bout = new_bout(draw, author, is_point=kind == "add" and draw.random() < 0.3)
    if kind == "confirm":
        bout |= {"source": "model", "score": 0.5}
    if kind != "begin":
        return edit | {"bout": bout}
    axis = labels.ethogram[bout["behaviour"]].axis
    ends = [
        one
        for one in bouts
        if one["start"] <= bout["start"]
        and one["subject"] == bout["subject"]
        and one["start"] != one["end"]
        and labels.ethogram[one["behaviour"]].axis == axis
    ]
    return edit | {"bout": bout, "ends": ends[-1:] if draw.random() < 0.5 else []}


def new_bout(draw: random.Random, author: str, *, is_point: bool = False) -> dict[str, Any]:
    """Of a coarse grid, so that edges meet, or of frames."""
    start = draw.choice((draw.randrange(20), round(draw.randrange(600) * 1001 / 30000, 6)))
    long = 0 if is_point else draw.choice((1 / 25, draw.randint(1, 6)))
    return {
        "behaviour": draw.choice(POINTS if is_point else STATES),
        "start": start,
        "end": round(start + long, 6),
        "subject": draw.choice(SUBJECTS),
        "author": author,
        "comment": "",
        "source": "human",
        "score": None,
    }


def _end(draw: random.Random, bouts: list) -> dict:
    bout = _state(draw, bouts)
    return {"bout": bout, "at": bout["start"] + draw.randint(-1, 5)}


def _keep(draw: random.Random, bouts: list) -> dict:
    bout = _state(draw, bouts)
    return {"bouts": [bout], "at": bout["end"] + draw.randint(1, 3)}


def _change(draw: random.Random, bouts: list) -> dict:
    bout = draw.choice(bouts)
    is_point = bout["start"] == bout["end"]
    start = max(0, bout["start"] + draw.choice((-1, -0.5, 0, 0.5)))
    end = start if is_point else bout["end"] + draw.choice((-0.5, 0, 0.5, 2))
    return {"old": bout, "new": {**bout, "start": start, "end": end}}


def _reclassify(draw: random.Random, bouts: list) -> dict:
    bout = draw.choice(bouts)
    return {"old": bout, "behaviour": draw.choice((*STATES, *POINTS))}


def _note(draw: random.Random, bouts: list) -> dict:
    return {"old": draw.choice(bouts), "comment": draw.choice(("", "two\nlines", "é"))}


def _split(draw: random.Random, bouts: list) -> dict:
    bout = draw.choice(bouts)
    return {"bout": bout, "at": bout["start"] + draw.choice((0, 0.02, 0.5, 1))}


def _join(draw: random.Random, bouts: list) -> dict:
    first = draw.choice(bouts)
    alike = [one for one in bouts if one["behaviour"] == first["behaviour"] and one is not first]
    return {"first": first, "second": draw.choice(alike or bouts)}


def _remove(draw: random.Random, bouts: list) -> dict:
    return {"bouts": draw.sample(bouts, min(len(bouts), draw.choice((1, 1, 2))))}


def _state(draw: random.Random, bouts: list) -> dict:
    return draw.choice([one for one in bouts if one["start"] != one["end"]] or bouts)


_OF_BOUTS = {
    "end": _end,
    "keep": _keep,
    "change": _change,
    "reclassify": _reclassify,
    "note": _note,
    "split": _split,
    "join": _join,
    "remove": _remove,
}
