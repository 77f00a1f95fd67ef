"""What a format has no place for, written where it has room: in a comment, or as a block of JSON.

A comment keeps a bout's score, source and author on its last line, so that people can read them:
`lying down fast` and below it `p=0.93; author=memvit`. A block keeps what is known of the videos,
the behaviours with their axes, and what was scored.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vidmem.errors import LabelError
from vidmem.labels.bout import Bout, BoutSource, LabelledVideo
from vidmem.labels.ethogram import Behaviour, reserved_name
from vidmem.labels.formats.collecting import (
    Collector,
    SpanEntry,
    clean_name,
    duration_or_none,
    fps_or_none,
    number_or_none,
)
from vidmem.labels.formats.format import About
from vidmem.labels.labels import Labels

VERSION = 1
SPANS = ("scored", "not_scored")

_TAGS = re.compile(
    r"(?:p=(?P<score>1(?:\.0+)?|0(?:\.\d+)?))?(?:; )?"
    r"(?:source=(?P<source>human|model))?(?:; )?(?:author=(?P<author>.+))?"
)


@dataclass(frozen=True)
class Remark:
    """What a comment says."""

    comment: str
    score: float | None = None
    source: BoutSource = "human"
    author: str = ""


def remark_of(bout: Bout) -> str:
    """A bout's comment, score, source and author as one comment; `parse_remark` reads it."""
    tags = []
    if bout.score is not None:
        tags.append(f"p={bout.score:.6f}".rstrip("0").rstrip("."))
    if bout.is_human == (bout.score is not None):  # the rule is: what has a score is a model's
        tags.append(f"source={bout.source}")
    if bout.author:
        tags.append(f"author={bout.author}")
    if not tags and parse_remark(bout.comment).comment != bout.comment:
        tags.append("source=human")  # lest the last line of the comment is taken for them
    return "\n".join([*([bout.comment] if bout.comment else []), *(["; ".join(tags)] * bool(tags))])


def parse_remark(text: str) -> Remark:
    """What `remark_of` wrote; any other comment is one."""
    comment, _, last = text.rpartition("\n")
    found = _TAGS.fullmatch(last)
    if not last or found is None or not any(found.groups()):
        return Remark(text)
    score = found["score"]
    source: BoutSource = "human" if score is None else "model"
    if found["source"]:
        source = "human" if found["source"] == "human" else "model"
    return Remark(comment, None if score is None else float(score), source, found["author"] or "")


def facts_of(labels: Labels, about: About, videos: Iterable[LabelledVideo]) -> dict[str, Any]:
    """What is known of labels besides their bouts, as JSON may hold it.

    Args:
        labels: Those of these videos.
        about: Where they come from.
        videos: Whose facts and spans are wanted.
    """
    known = list(videos)
    names = {one.name for one in known}
    return {
        "vidmem": VERSION,
        "about": {"model": about.model, "settings": about.settings, "versions": about.versions},
        "videos": [_video_facts(one) for one in known],
        "behaviours": [
            {
                "name": one.name,
                "kind": one.kind,
                "axis": one.axis,
                "colour": one.colour,
                "key": one.key,
                "description": one.description,
            }
            for one in labels.ethogram
        ],
        "scored": _plain_spans(labels, "scored", names),
        "not_scored": _plain_spans(labels, "not_scored", names),
    }


def _video_facts(video: LabelledVideo) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": video.name}
    if video.duration_seconds is not None:
        facts["duration_seconds"] = video.duration_seconds
    if video.fps is not None:
        facts["fps"] = video.fps
    if video.start is not None:
        facts["start"] = video.start.isoformat()
    return facts


def _plain_spans(labels: Labels, name: str, videos: set[str]) -> list[dict[str, Any]]:
    return [
        {
            "video": one.video,
            "subject": one.subject,
            "axis": one.axis,
            "start_seconds": one.start_seconds,
            "end_seconds": one.end_seconds,
        }
        for one in getattr(labels, name)
        if one.video in videos
    ]


def is_facts(value: object) -> bool:
    """Whether JSON is what `facts_of` made, of a version that is known."""
    return isinstance(value, dict) and value.get("vidmem") == VERSION


def take_facts(collector: Collector, facts: object, *, spans: tuple[str, ...] = SPANS) -> bool:
    """Give a collector what `facts_of` made, as far as it is fit; what is not is left out.

    Args:
        collector: Takes it.
        facts: JSON, from anybody.
        spans: Which of them are wanted, too.

    Returns:
        Whether it was such a block at all.
    """
    if not is_facts(facts) or not isinstance(facts, dict):
        return False
    about = _dict(facts.get("about"))
    collector.about = about_of(about)
    for one in _dicts(facts.get("videos")):
        take_video(collector, one)
    for one in _dicts(facts.get("behaviours")):
        take_behaviour(collector, one)
    for name in spans:
        for index, one in enumerate(_dicts(facts.get(name))):
            take_span(collector, f"{name}[{index}]", one, is_scored=name == "scored")
    collector.axes_exclude = bool(collector.behaviours)
    return True


def video_in(facts: object) -> str:
    """The name of the first video of a block; empty: there is none."""
    videos = _dicts(facts.get("videos")) if isinstance(facts, dict) else []
    return _text(videos[0].get("name")) if videos else ""


def about_of(values: dict[str, Any]) -> About:
    """Where labels come from, of plain texts; anything else is left out."""
    texts = {
        name: clean_name(_text(values.get(name))) for name in ("model", "settings", "versions")
    }
    return About(**texts)


def take_video(collector: Collector, one: dict[str, Any]) -> None:
    """Give a collector the facts of a video."""
    start = None
    with contextlib.suppress(ValueError):
        start = datetime.fromisoformat(_text(one.get("start")))
    name = clean_name(_text(one.get("name")))
    if name:
        duration = duration_or_none(one.get("duration_seconds"))
        collector.video(LabelledVideo(name, duration, fps_or_none(one.get("fps")), start))


def take_behaviour(collector: Collector, one: dict[str, Any]) -> None:
    """Give a collector a behaviour; what of it cannot be is left out."""
    name = clean_name(_text(one.get("name")))
    if not name or reserved_name(name):
        return
    axis = clean_name(_text(one.get("axis"))) or "behaviour"
    kind = "point" if one.get("kind") == "point" else "state"
    behaviour = Behaviour(name, kind=kind, axis=axis)
    for field in ("colour", "key", "description"):
        try:
            behaviour = Behaviour(**{**behaviour.__dict__, field: _text(one.get(field))})
        except LabelError:
            continue
    collector.behaviour(behaviour)


def take_span(collector: Collector, place: str, one: dict[str, Any], *, is_scored: bool) -> None:
    """Give a collector a span."""
    start, end = number_or_none(one.get("start_seconds")), number_or_none(one.get("end_seconds"))
    video = clean_name(_text(one.get("video")))
    if start is None or end is None or not video:
        collector.problem(place, "unreadable", "is a span without a video or times")
        return
    subject, axis = _text(one.get("subject")), _text(one.get("axis"))
    span = SpanEntry(
        place=place,
        video=video,
        start_seconds=start,
        end_seconds=end,
        subject=subject,
        axis=axis,
    )
    collector.span(span, is_scored=is_scored)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
