"""States of one track: apart from each other, and what gives way to a new one; and points.

    before     |-- lying --|-- standing --|
    put              |-- sitting --|
    cut        |-----|-------------|------|
    replaced         |-------------|

Adding with "refuse" is an error instead.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Literal

from vidmem.errors import LabelError
from vidmem.labels.bout import Bout
from vidmem.labels.checks import is_one_instant
from vidmem.labels.ethogram import Ethogram
from vidmem.labels.spans import Interval, lasts, shown, within, without

OnOverlap = Literal["cut", "replace", "refuse"]
"""What becomes of the states that a new one overlaps: cut to what is left of them, removed whole,
or nothing: the new one is refused."""


def check_kind(bout: Bout, ethogram: Ethogram) -> None:
    """See that a state lasts and a point does not.

    Raises:
        LabelError: If not, or the behaviour is not in the ethogram.
    """
    is_state = ethogram[bout.behaviour].is_state
    if is_state and not lasts(bout.start_seconds, bout.end_seconds):
        raise LabelError(
            f"{bout.behaviour} is a state and must last longer than a microsecond, got {bout}"
        )
    if not is_state and not bout.is_point:
        raise LabelError(
            f"{bout.behaviour} is a point event and must start and end at one time, got {bout}"
        )


def check_points(points: Iterable[Bout]) -> None:
    """See that no point is there twice.

    Raises:
        LabelError: If one is.
    """
    seen: dict[tuple[str, float, str, str], Bout] = {}
    for one in points:
        key = (one.video, one.start_seconds, one.subject, one.behaviour)
        if key in seen:
            raise LabelError(f"{one} is there twice; keep one of them")
        seen[key] = one


def disjoint(states: Iterable[Bout]) -> tuple[Bout, ...]:
    """States of one track in order; an overlap of a microsecond is an edge said in two ways."""
    apart: list[Bout] = []
    for bout in sorted(states, key=lambda one: one.sort_key):
        before = apart[-1] if apart else None
        if before and before.end_seconds > bout.start_seconds:
            if lasts(bout.start_seconds, before.end_seconds):
                raise LabelError(
                    f"{before} and {bout} overlap, but exclude each other; cut one of them"
                )
            apart[-1:] = pieces_around(before, (bout.start_seconds, bout.end_seconds))
        apart.append(bout)
    return tuple(apart)


def check_apart(states: Sequence[Bout], not_scored: Sequence[Interval]) -> None:
    """See that no state lies where it is not scored.

    Raises:
        LabelError: If one does.
    """
    for one in states:
        if found := within(not_scored, one.start_seconds, one.end_seconds):
            raise LabelError(f"{one} overlaps what is not scored, {shown(found[0])}; cut it")


def with_point(points: list[Bout], point: Bout, on_overlap: OnOverlap) -> list[Bout]:
    """Points with one more, in the place of the same one if it is there."""
    same = [
        one
        for one in points
        if (one.video, one.subject, one.behaviour) == (point.video, point.subject, point.behaviour)
        and is_one_instant(one.start_seconds, point.start_seconds)
    ]
    if same and on_overlap == "refuse":
        raise LabelError(f"{point} is there already; change that one instead")
    return [*(one for one in points if one not in same), point]


def put(states: list[Bout], bout: Bout, on_overlap: OnOverlap) -> None:
    """Add a state to those of its track, in order and disjoint, and make room for it."""
    start, end = bout.start_seconds, bout.end_seconds
    first = bisect_right(states, start, key=lambda one: one.end_seconds)
    last = bisect_left(states, end, key=lambda one: one.start_seconds)
    under = states[first:last]
    kept: list[Bout] = []
    for one in under:
        is_overlap = lasts(max(start, one.start_seconds), min(end, one.end_seconds))
        if is_overlap and on_overlap == "refuse":
            raise LabelError(f"{bout} overlaps {one}, and they exclude each other; cut one of them")
        if not is_overlap or on_overlap == "cut":
            kept += pieces_around(one, (start, end))
    states[first:last] = sorted([*kept, bout], key=lambda one: one.start_seconds)


def pieces_around(bout: Bout, *holes: Interval) -> list[Bout]:
    """What of a state lies outside of the holes, in order."""
    at = without([(bout.start_seconds, bout.end_seconds)], holes)
    if at == [(bout.start_seconds, bout.end_seconds)]:
        return [bout]
    return [bout.changed(start_seconds=start, end_seconds=end) for start, end in at]


def joined(first: Bout, second: Bout) -> Bout:
    """What two said, of both: the score weighed by their lengths, and a human's if one is."""
    lines = dict.fromkeys(text for text in (first.comment, second.comment) if text)
    return first.changed(
        end_seconds=max(first.end_seconds, second.end_seconds),
        author=first.author or second.author,
        comment="\n".join(lines),
        score=_mean_score(first, second),
        source="human" if first.is_human or second.is_human else "model",
    )


def _mean_score(first: Bout, second: Bout) -> float | None:
    if first.score is None or second.score is None or first.score == second.score:
        return first.score if second.score is not None else None
    weights = first.num_seconds, second.num_seconds
    return (first.score * weights[0] + second.score * weights[1]) / sum(weights)
