"""Two accounts made one, with a list of where they contradict each other.

    mine       |-- lying --|
    theirs           |-- standing --|
    keep       |-- lying --|                   theirs is left out
    fill       |-- lying --|-- st. -|          theirs where mine says nothing
    take       |-----|-- standing --|          theirs, and mine where theirs says nothing

A model's bout never takes the place of a person's, whatever is chosen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from typing import Literal, get_args

from vidmem.errors import LabelError
from vidmem.labels.bout import Bout, LabelledVideo
from vidmem.labels.checks import is_one_instant
from vidmem.labels.labels import Labels
from vidmem.labels.spans import Span, spans_of, within, without
from vidmem.labels.tracks import pieces_around

OnConflict = Literal["keep", "fill", "take", "refuse"]
"""What becomes of their bout that contradicts mine: it is left out, it fills what mine leaves free,
it takes the place of mine, or nothing is merged."""

ConflictKind = Literal["overlap", "not scored", "details", "video"]


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Two statements that cannot both stand."""

    kind: ConflictKind
    """States of one track that overlap; a state where the other says that it was not scored; one
    bout with another author, comment, score or source; one video described in two ways."""

    mine: Bout | Span | LabelledVideo
    theirs: Bout | Span | LabelledVideo

    def __str__(self) -> str:
        says = {
            "overlap": "overlaps",
            "not scored": "contradicts what is not scored:",
            "details": "has other details than",
            "video": "is described otherwise than",
        }[self.kind]
        return f"{self.theirs} {says} {self.mine}"


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What a merge gives."""

    labels: Labels
    conflicts: tuple[Conflict, ...]
    """Of videos, then bouts, then spans, each in order; empty: either order gives the same labels
    (but for the order of the ethogram)."""


def merge(mine: Labels, theirs: Labels, *, on_conflict: OnConflict = "keep") -> Merged:
    """Two accounts as one.

    What is equal in both is there once. The ethograms are united (`Ethogram.united`): behaviours of
    one name are one, with my colour, key and axis. Of the same bout with other details, mine stays,
    unless only theirs is a person's or theirs is taken. Scored and not scored spans are united; my
    states stay where theirs says that it was not scored, unless theirs is taken.

    Args:
        mine: In doubt, these stay.
        theirs: Such as an import, another observer's, or a model's.
        on_conflict: See `OnConflict`. A model's bout never takes the place of a person's, nor of
            a span that is not scored: under "take" it fills what those leave free.

    Raises:
        LabelError: If a behaviour is a state in one and a point in the other; with "refuse", if
            there is a conflict (the first is named).
    """
    if on_conflict not in get_args(OnConflict):
        raise ValueError(f"on_conflict must be one of {get_args(OnConflict)}, got {on_conflict!r}")
    ethogram = mine.ethogram.united(theirs.ethogram)
    mine, theirs = mine.with_ethogram(ethogram), theirs.with_ethogram(ethogram)
    videos, conflicts = _videos(mine, theirs)
    bouts: list[Bout] = []
    for bout in theirs.bouts:
        taken, found = _taken_bouts(mine, bout, on_conflict)
        bouts += taken
        conflicts += found
    spans: list[Span] = []
    for span in theirs.not_scored:
        taken, found = _taken_spans(mine, span, on_conflict)
        spans += taken
        conflicts += found
    if on_conflict == "refuse" and conflicts:
        raise LabelError(
            f"{conflicts[0]} ({len(conflicts)} such in all); choose which is kept, or mend one"
        )
    labels = mine
    for span in spans:
        labels = labels.mark_not_scored(span)
    scored = (*mine.scored, *theirs.scored)
    labels = replace(labels.add(*bouts), scored=scored, videos=videos)
    return Merged(labels=labels, conflicts=tuple(conflicts))


def _taken_bouts(
    mine: Labels, bout: Bout, on_conflict: OnConflict
) -> tuple[list[Bout], list[Conflict]]:
    """What of their bout is taken, and what of mine it contradicts."""
    same = [one for one in _rivals(mine, bout) if _is_same(one, bout)]
    if same:
        is_taken = _gives_way(same[0], bout, on_conflict)
        differs = same[0] != bout
        conflicts = [Conflict(kind="details", mine=same[0], theirs=bout)] if differs else []
        return ([bout] if differs and is_taken else []), conflicts
    if bout.is_point:
        return [bout], []
    start, end = bout.start_seconds, bout.end_seconds
    under = _rivals(mine, bout)
    marks = [one for one in mine.not_scored if one.track == mine.track_of(bout)]
    marks = [one for one in marks if within([one.interval], start, end)]
    conflicts = [Conflict(kind="overlap", mine=one, theirs=bout) for one in under]
    conflicts += [Conflict(kind="not scored", mine=one, theirs=bout) for one in marks]
    if on_conflict in ("keep", "refuse"):
        return ([] if conflicts else [bout]), conflicts
    if on_conflict == "take":  # what a person said stays before a model, whatever was chosen
        under = [] if bout.is_human else [one for one in under if one.is_human]
        marks = [] if bout.is_human else marks
    holes = [(one.start_seconds, one.end_seconds) for one in (*under, *marks)]
    return pieces_around(bout, *holes), conflicts


def _taken_spans(
    mine: Labels, span: Span, on_conflict: OnConflict
) -> tuple[list[Span], list[Conflict]]:
    """As `_taken_bouts`, of a span that theirs says was not scored."""
    states = mine.states_of(span.track)
    busy = [one for one in states if one.clipped(*span.interval)]
    conflicts = [Conflict(kind="not scored", mine=one, theirs=span) for one in busy]
    if on_conflict == "take":
        return [span], conflicts
    holes = [(one.start_seconds, one.end_seconds) for one in busy]
    return spans_of(span.track, without([span.interval], holes)), conflicts


def _rivals(mine: Labels, bout: Bout) -> list[Bout]:
    """My states that overlap a state; of a point, my same one."""
    if bout.is_point:
        points = mine.bouts_of(video=bout.video, behaviour=bout.behaviour, subject=bout.subject)
        return [one for one in points if _is_same(one, bout)]
    states = mine.states_of(mine.track_of(bout))
    first = bisect_right(states, bout.start_seconds, key=lambda one: one.end_seconds)
    last = bisect_left(states, bout.end_seconds, key=lambda one: one.start_seconds)
    return [one for one in states[first:last] if bout.clipped(one.start_seconds, one.end_seconds)]


def _is_same(mine: Bout, theirs: Bout) -> bool:
    return (
        mine.behaviour == theirs.behaviour
        and is_one_instant(mine.start_seconds, theirs.start_seconds)
        and is_one_instant(mine.end_seconds, theirs.end_seconds)
    )


def _gives_way(mine: Bout, theirs: Bout, on_conflict: OnConflict) -> bool:
    if mine.is_human != theirs.is_human:
        return theirs.is_human
    return on_conflict == "take"


def _videos(mine: Labels, theirs: Labels) -> tuple[tuple[LabelledVideo, ...], list[Conflict]]:
    known = {one.name: one for one in mine.videos}
    conflicts = []
    for video in theirs.videos:
        before = known.get(video.name, video)
        known[video.name] = before.completed(video)
        if not before.agrees(video):
            conflicts.append(Conflict(kind="video", mine=before, theirs=video))
    return tuple(known.values()), conflicts
