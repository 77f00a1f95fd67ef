"""What a run has and a page has not: points, pictures and sections of the board, as JSON."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.pages.watch.message import Known, number_in
from app.run.results.timeline import MAX_BUCKETS, Point
from app.run.run import Run
from vidmem.plain import to_json

logger = logging.getLogger(__name__)


def epoch_of(run: Run) -> int:
    """The number of its view: points and thumbnails of another one are not mixed with its own."""
    return run.view.epoch if run.view else -1


def news_of(run: Run, known: Known) -> dict[str, Any]:
    """What the run has and the page has not."""
    news: dict[str, Any] = {}
    view = run.view
    if view is not None:
        if known.epoch != view.epoch:  # what the page has is of an earlier view
            known = replace(known, point=-1, thumbnail=-1)
        points = view.timeline.since(known.point)
        if points is None:  # too many are missing: the page requests its part of the timeline
            news["is_behind"] = True
        elif points:
            width = len(view.timeline.columns.names)
            news["points"] = [_as_list(point, width) for point in points]
        if thumbnails := view.strip.thumbnails(known.thumbnail):
            news["thumbnails"] = thumbnails
    if picture := _picture(run, known.picture):
        news["picture"] = picture
    if sections := run.board.changes(known.versions):
        news["sections"] = sections
    return news


def _as_list(point: Point, num_columns: int) -> list[Any]:
    start, end, values = round(point.start, 3), round(point.end, 3), point.values[:num_columns]
    return [point.number, start, end, point.column, list(values), int(point.is_final)]


def _picture(run: Run, known: int) -> dict[str, Any] | None:
    """The newest picture, if the page does not have it: with its own video, time and label."""
    pictures = run.source.pictures if run.source else None
    shown = pictures.shown if pictures else None
    if pictures is None or shown is None or shown.number <= known:
        return None
    return {
        **(run.view.prediction_at(shown.seconds) if run.view else {}),
        "number": shown.number,
        "seconds": round(shown.seconds, 3),
        "video": pictures.video.key,
        "jpeg": base64.b64encode(shown.jpeg).decode("ascii"),
    }


def range_of(run: Run, value: Mapping[str, Any]) -> dict[str, Any]:
    """A part of the timeline that a page asks for: `from`, `to`, and at most `buckets` pieces."""
    start, end = number_in(value, "from"), number_in(value, "to")
    buckets = min(MAX_BUCKETS, int(value.get("buckets", MAX_BUCKETS)))
    if run.view is None:
        nothing = {key: [] for key in ("start", "end", "column", "values", "provisional")}
        return {"from": start, "to": end, "through": -1, **nothing}
    return {"from": start, "to": end, **run.view.timeline.range(start, end, buckets)}


def as_json(payload: Mapping[str, Any]) -> str:
    """The payload as every browser reads it: JSON knows no NaN, so that becomes `null`."""
    return to_json(payload, separators=(",", ":"))
