"""What is labelled in the project: by behaviour, animal and video, and what is missing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from app.pages.teach import wording
from vidmem.labels import NONE_OF_THESE, NOT_SCORED, Labels, Stretch, Track
from vidmem.teaching import USABLE_F1

MAX_VIDEOS = 60
"""That have a strip; the labels of all count."""

MAX_STRETCHES, NUM_PLACES = 300, 600
"""Of a strip: with more it is drawn in so many places, which is finer than a screen shows."""

NOT_SCORED_CODE, NONE_CODE = -2, -1


@dataclass
class _Amount:
    """Of one behaviour."""

    seconds: float = 0.0
    num_bouts: int = 0
    videos: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class LabelledTime:
    """The states of one animal, of the only one that there is, or of all."""

    labels: Labels
    subject: str | None
    """`None`: of all."""

    @classmethod
    def of(cls, labels: Labels, subject: str | None, *, is_all: bool = False) -> LabelledTime:
        """Of an animal; `None`: the one of whom most is labelled. Or of all."""
        if is_all:
            return cls(labels, None)
        seconds = seconds_by_subject(labels)
        if subject is None or subject not in seconds:
            subject = max(seconds, key=lambda one: seconds[one], default="")
        return cls(labels, subject)

    def tracks(self) -> list[tuple[Track, tuple[Stretch, ...]]]:
        """What is said of each axis of each video, in order."""
        return [
            (one, self.labels.timeline(one.video, one.axis, one.subject))
            for one in self.labels.tracks
            if self.subject in (None, one.subject) and self.labels.ethogram.states_of(one.axis)
        ]

    def amounts(self) -> dict[tuple[str, str], _Amount]:
        """By axis and behaviour, *none of these* too; behaviours without a bout as well."""
        found: dict[tuple[str, str], _Amount] = {
            (one.axis, one.name): _Amount() for one in self.labels.ethogram if one.is_state
        }
        for track, stretches in self.tracks():
            for one in stretches:
                if one.what == NOT_SCORED:
                    continue
                amount = found.setdefault((track.axis, one.what), _Amount())
                seconds = one.end_seconds - one.start_seconds
                amount.seconds += seconds
                amount.num_bouts += 1
                amount.videos[track.video] += seconds  # type: ignore[assignment]
        return found


def seconds_by_subject(labels: Labels) -> dict[str, float]:
    """Labelled time of states of each animal, all axes together."""
    found: defaultdict[str, float] = defaultdict(float)
    for track in labels.tracks:
        if labels.ethogram.states_of(track.axis):
            for one in labels.timeline(track.video, track.axis, track.subject):
                found[track.subject] += (one.end_seconds - one.start_seconds) * (
                    one.what != NOT_SCORED
                )
    return {name: seconds for name, seconds in found.items() if seconds}


def labelled_answer(labels: Labels, subject: str | None, *, is_all: bool = False) -> dict[str, Any]:
    """All that the page shows of what is labelled; see `LabelledTime.of`."""
    time = LabelledTime.of(labels, subject, is_all=is_all)
    amounts = time.amounts()
    behaviours = [
        {
            "axis": axis,
            "name": name,
            "colour": labels.ethogram[name].colour if name in labels.ethogram else "",
            "seconds": round(one.seconds, 3),
            "num_bouts": one.num_bouts,
            "num_videos": len(one.videos),
        }
        for (axis, name), one in amounts.items()
    ]
    order = {one.name: number for number, one in enumerate(labels.ethogram)}
    by_subject = seconds_by_subject(labels)
    return {
        "subject": time.subject,  # null: of all
        "subjects": [[name, round(seconds, 1)] for name, seconds in by_subject.items()],
        "axes": sorted({axis for axis, _ in amounts}, key=labels.ethogram.axes.index),
        "behaviours": behaviours,
        "order": order,
        "num_bouts": sum(one.num_bouts for one in amounts.values()),
        "seconds": round(_covered(time.tracks()), 3),
        "videos": _strips(time, order),
        "num_videos": len({track.video for track, _ in time.tracks()}),
    }


def missing(
    labels: Labels,
    subject: str | None,
    report: Mapping[str, Any],
    title: str,
    *,
    is_all: bool = False,
) -> list[str]:
    """What is missing, in sentences: what matters most first.

    Args:
        labels: Of the project.
        subject: As `labelled_answer` has it.
        report: Of the newest model; empty: there is none.
        title: Of that model.
        is_all: Each animal is taught, in a region of its own.
    """
    time = LabelledTime.of(labels, subject, is_all=is_all)
    said = {key: one for key, one in time.amounts().items() if one.num_bouts}
    if not said:
        return [wording.NOTHING]
    is_one_of_several = not is_all and subject is None and len(seconds_by_subject(labels)) > 1
    found = [wording.SEVERAL] if is_one_of_several else []
    axes = list(dict.fromkeys(axis for axis, _ in said))
    for axis in axes:
        own = [name for one, name in said if one == axis]
        if len(own) == 1:
            found.append(wording.ONE_ANSWER.format(axis=axis, behaviour=own[0]))
    scarce = sorted(said.items(), key=lambda one: one[1].seconds)
    found += [wording.one_bout(name, one.seconds) for (_, name), one in scarce if one.num_bouts < 2]
    found += [
        wording.too_short(name, one.seconds, one.num_bouts)
        for (_, name), one in scarce
        if one.num_bouts > 1 and one.seconds < wording.ENOUGH_SECONDS
    ]
    short = {name for (_, name), one in said.items() if one.seconds < wording.ENOUGH_SECONDS}
    for name, f1 in weak_behaviours(report):
        if name not in short:
            found.append(wording.WEAK.format(behaviour=name, model=title, f1=f1))
    return found[: wording.MAX_SAID]


def weak_behaviours(report: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Those that a model finds badly, with their F1, the worst first."""
    candidates = report.get("candidates") or [{}]
    scores = (candidates[0].get("seeds") or [[]])[0]
    found = [
        (one["behaviour"], one["f1"])
        for score in scores
        for one in score["per_class"]
        if one["support_seconds"] and one["f1"] is not None and one["f1"] < USABLE_F1
    ]
    return sorted(found, key=lambda one: one[1])


def _covered(tracks: Sequence[tuple[Track, tuple[Stretch, ...]]]) -> float:
    """Seconds in which anything is said of an animal: two axes of one moment are one moment."""
    spans: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for track, stretches in tracks:
        spans[track.video, track.subject] += [
            (one.start_seconds, one.end_seconds) for one in stretches if one.what != NOT_SCORED
        ]
    total = 0.0
    for own in spans.values():
        reached = -math.inf
        for start, end in sorted(own):
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
    return total


def _strips(time: LabelledTime, order: Mapping[str, int]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, list[list[float]]]] = {}
    lengths: dict[str, float] = {}
    for track, stretches in time.tracks():
        known = time.labels.video(track.video).duration_seconds
        last = max((one.end_seconds for one in stretches), default=0.0)
        lengths[track.video] = max(lengths.get(track.video, 0.0), known or 0.0, last)
    for track, stretches in time.tracks():
        name = track.axis if time.subject is not None else f"{track.subject}: {track.axis}"
        own = rows.setdefault(track.video, {})
        own[name] = _strip(stretches, order, lengths[track.video])
    return [
        {"name": video, "seconds": lengths[video], "rows": own}
        for video, own in list(rows.items())[:MAX_VIDEOS]
    ]


def _strip(
    stretches: Sequence[Stretch], order: Mapping[str, int], seconds: float
) -> list[list[float]]:
    """Start, end and the number of the behaviour of each stretch."""
    special = {NOT_SCORED: NOT_SCORED_CODE, NONE_OF_THESE: NONE_CODE}
    coded = [
        [one.start_seconds, one.end_seconds, special.get(one.what, order.get(one.what, NONE_CODE))]
        for one in stretches
    ]
    if len(coded) <= MAX_STRETCHES:
        return coded
    empty = NOT_SCORED_CODE - 1
    places, each = np.full(NUM_PLACES, empty), seconds / NUM_PLACES
    for start, end, code in coded:
        first = int(start / each)
        places[first : max(first + 1, math.ceil(end / each))] = int(code)
    edges = [0, *(np.flatnonzero(np.diff(places)) + 1).tolist(), NUM_PLACES]
    return [
        [first * each, last * each, int(places[first])]
        for first, last in pairwise(edges)
        if places[first] != empty
    ]
