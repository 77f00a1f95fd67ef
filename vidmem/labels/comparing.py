"""Where two accounts of the same videos differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from vidmem.errors import LabelError
from vidmem.labels.bout import Bout
from vidmem.labels.checks import INSTANT_SECONDS
from vidmem.labels.labels import Labels, Stretch
from vidmem.labels.spans import Track, lasts

UNLABELLED = ""
"""What a side of a difference is called where nobody said anything."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A span of a track, as long as it can be, of which two accounts say two things."""

    video: str
    subject: str
    axis: str
    start_seconds: float
    end_seconds: float
    """Half open; of a point event, its start."""

    first: str
    """What the first says: a behaviour, `NOT_SCORED`, `NONE_OF_THESE` or `UNLABELLED`."""

    second: str

    @property
    def num_seconds(self) -> float:
        """How long it lasts; 0 for a point."""
        return self.end_seconds - self.start_seconds


def compare(
    first: Labels,
    second: Labels,
    *,
    tolerance_seconds: float = 0.0,
    point_tolerance_seconds: float = 0.0,
    has_unlabelled: bool = True,
) -> tuple[Difference, ...]:
    """Every span, and every point event, of which two accounts differ; authors do not matter.

    Args:
        first: One account.
        second: Another; the ethograms need not be equal, a behaviour counts by its name and axis.
        tolerance_seconds: Differences of states shorter than this are left out, such as edges that
            two observers set a little apart.
        point_tolerance_seconds: Point events of one behaviour this close are one; each is matched
            once, the closest first.
        has_unlabelled: Whether a span of which only one says something is a difference.

    Returns:
        By video, subject and axis, in order of time.

    Raises:
        LabelError: If a behaviour is a state in one and a point in the other.
    """
    for behaviour in first.ethogram:
        name = behaviour.name
        if name in second.ethogram and second.ethogram[name].kind != behaviour.kind:
            raise LabelError(f"{name} is a state in one ethogram and a point in the other")
    found: list[Difference] = []
    for track in sorted({*first.tracks, *second.tracks}):
        for difference in _of_states(track, first, second):
            is_long = difference.num_seconds >= tolerance_seconds - INSTANT_SECONDS
            found += [difference] if is_long else []
        found += _of_points(track, first, second, point_tolerance_seconds)
    found = [one for one in found if has_unlabelled or UNLABELLED not in (one.first, one.second)]
    return tuple(
        sorted(found, key=lambda one: (one.video, one.subject, one.axis, one.start_seconds))
    )


def side_by_side(
    first: Labels, second: Labels, track: Track
) -> Iterator[tuple[float, float, str, str]]:
    """Spans of a track in order, of each of which two accounts say one thing throughout.

    Yields:
        Start and end in seconds, half open, and what each says, as in `Difference`.
    """
    timelines = (_timeline(first, track), _timeline(second, track))
    edges = sorted({x for one in timelines for s in one for x in (s.start_seconds, s.end_seconds)})
    at = [0, 0]
    for start, end in pairwise(edges):
        said = []
        for side, one in enumerate(timelines):
            while at[side] < len(one) and one[at[side]].end_seconds <= start:
                at[side] += 1
            is_in = at[side] < len(one) and one[at[side]].start_seconds <= start
            said.append(one[at[side]].what if is_in else UNLABELLED)
        if lasts(start, end):
            yield start, end, said[0], said[1]


def _of_states(track: Track, first: Labels, second: Labels) -> list[Difference]:
    found: list[Difference] = []
    for start, end, mine, theirs in side_by_side(first, second, track):
        if mine != theirs:
            _extend(found, _difference(track, start, end, mine, theirs))
    return found


def _extend(found: list[Difference], one: Difference) -> None:
    """Append a difference, or make the last one longer where it goes on."""
    last = found[-1] if found else None
    is_same = last is not None and (last.first, last.second) == (one.first, one.second)
    if last and is_same and not lasts(last.end_seconds, one.start_seconds):
        found[-1] = replace(last, end_seconds=one.end_seconds)
    else:
        found.append(one)


def _of_points(
    track: Track, first: Labels, second: Labels, tolerance_seconds: float
) -> list[Difference]:
    mine, theirs = _points(first, track), _points(second, track)
    pairs = sorted(
        (abs(a.start_seconds - b.start_seconds), i, j)
        for i, a in enumerate(mine)
        for j, b in enumerate(theirs)
        if a.behaviour == b.behaviour
        and abs(a.start_seconds - b.start_seconds) <= tolerance_seconds + 1.5 * INSTANT_SECONDS
    )
    matched: tuple[set[int], set[int]] = (set(), set())
    for _, i, j in pairs:
        if i not in matched[0] and j not in matched[1]:
            matched[0].add(i)
            matched[1].add(j)
    only_mine = (one for i, one in enumerate(mine) if i not in matched[0])
    only_theirs = (one for j, one in enumerate(theirs) if j not in matched[1])
    return [
        *(_of_point(track, one, one.behaviour, UNLABELLED) for one in only_mine),
        *(_of_point(track, one, UNLABELLED, one.behaviour) for one in only_theirs),
    ]


def _timeline(labels: Labels, track: Track) -> tuple[Stretch, ...]:
    if track.axis not in labels.ethogram.axes:
        return ()
    return labels.timeline(track.video, track.axis, track.subject)


def _points(labels: Labels, track: Track) -> list[Bout]:
    bouts: Iterable[Bout] = labels.bouts_of(
        video=track.video, subject=track.subject, axis=track.axis
    )
    return [one for one in bouts if one.is_point]


def _of_point(track: Track, point: Bout, first: str, second: str) -> Difference:
    return _difference(track, point.start_seconds, point.start_seconds, first, second)


def _difference(track: Track, start: float, end: float, first: str, second: str) -> Difference:
    return Difference(
        video=track.video,
        subject=track.subject,
        axis=track.axis,
        start_seconds=start,
        end_seconds=end,
        first=first,
        second=second,
    )
