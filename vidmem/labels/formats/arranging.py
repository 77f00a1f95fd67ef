"""From what a file says to labels that hold together; what does not fit is named and left out.

names      a known behaviour that is written in another way is that one
kinds      what lasts no time anywhere is a point event
spans      rows of *not scored* and *none of these* are no behaviours
checks     videos and behaviours that are known, times inside the video, nothing twice
axes       where a file does not say which exclude each other, what overlaps gets its own axis
overlaps   on one axis: the later one is left out
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from vidmem.errors import LabelError
from vidmem.labels.bout import Bout
from vidmem.labels.ethogram import (
    DEFAULT_AXIS,
    NOT_SCORED,
    Behaviour,
    BehaviourKind,
    Ethogram,
    reserved_name,
)
from vidmem.labels.formats.collecting import BoutEntry, Collector, SpanEntry
from vidmem.labels.formats.format import Imported
from vidmem.labels.labels import Labels
from vidmem.labels.spans import (
    Interval,
    Span,
    Track,
    lasts,
    shown,
    spans_of,
    united,
    without,
)
from vidmem.labels.spelling import like_spelled

EDGE_SECONDS = 0.0021
"""Formats round edges to a millisecond, so two states of one axis may overlap by two."""

OUTSIDE_SECONDS = 0.05
"""What programs say of a video's end differs by a frame."""

MAX_BEHAVIOURS = 300
MAX_SUBJECTS = 2000
"""Of all videos together: what is done for each takes a time that grows with all bouts."""

_Row = TypeVar("_Row", BoutEntry, SpanEntry)

Placed = tuple[str, Bout]
"""Where a bout stands in the file, and the bout."""


def arrange(collector: Collector) -> Imported:
    """Labels of all that a reader collected.

    Raises:
        LabelError: If the first problem stops the reading.
    """
    _take_reserved(collector)
    _name_behaviours(collector)
    _name_videos(collector)
    given = collector.options.ethogram
    kinds = _kinds(collector)
    if given is None and len(kinds) > MAX_BEHAVIOURS:
        raise LabelError(
            f"{collector.path} has more than {MAX_BEHAVIOURS} behaviours, so it is another format; "
            "say which with --from"
        )
    if len({(one.video, one.subject) for one in collector.entries}) > MAX_SUBJECTS:
        raise LabelError(
            f"{collector.path} has more than {MAX_SUBJECTS} videos and subjects, so it is another "
            "format, or must be split"
        )
    bouts = _checked_bouts(collector, kinds)
    behaviours = list(given) if given else _behaviours(collector, bouts, kinds)
    axes = {one.name: one.axis for one in behaviours}
    if given is None and not collector.axes_exclude:
        axes = _axes_apart(collector, axes, bouts)
        behaviours = [replace(one, axis=axes[one.name]) for one in behaviours]
    ethogram = given or Ethogram(tuple(behaviours))
    states = _without_overlaps(collector, ethogram, bouts)
    scored = _spans(collector, collector.scored, ethogram)
    scored += _scored_axes(collector, ethogram)
    not_scored = _spans(collector, collector.not_scored, ethogram)
    not_scored = _free_of_states(collector, ethogram, states, not_scored)
    points = [one for _, one in bouts if not ethogram[one.behaviour].is_state]
    labels = Labels(
        ethogram,
        (*states, *points),
        tuple(not_scored),
        tuple(scored),
        tuple(collector.videos.values()),
    )
    return Imported(
        labels=labels,
        problems=tuple(collector.problems),
        notes=tuple(collector.notes),
        about=collector.about,
    )


def _take_reserved(collector: Collector) -> None:
    """Make spans of entries that are no behaviours."""
    kept = []
    for entry in collector.entries:
        reserved = reserved_name(entry.behaviour)
        if reserved is None:
            kept.append(entry)
            continue
        span = SpanEntry(
            place=entry.place,
            video=entry.video,
            start_seconds=entry.start_seconds,
            end_seconds=entry.end_seconds,
            subject=entry.subject,
            axis=entry.axis,
        )
        collector.span(span, is_scored=reserved != NOT_SCORED)
    collector.entries = kept


def _name_behaviours(collector: Collector) -> None:
    """Give what is written in another way the name that is known."""
    options = collector.options
    spans = (*collector.scored, *collector.not_scored)
    used = (*collector.behaviours, *(one.behaviour for one in (*collector.entries, *spans)))
    names: dict[str, str] = {}
    for name in dict.fromkeys(used):
        meant = options.meant_behaviours.get(name) or like_spelled(name, options.behaviours)
        if meant is not None:
            names[name] = meant
            collector.note(f"says {name}, which is taken for {meant}")
    if not names:
        return

    def named(ones: list[_Row]) -> list[_Row]:
        return [replace(one, behaviour=names.get(one.behaviour, one.behaviour)) for one in ones]

    collector.entries = named(collector.entries)
    collector.scored, collector.not_scored = named(collector.scored), named(collector.not_scored)
    behaviours: dict[str, Behaviour] = {}
    for one in collector.behaviours.values():
        name = names.get(one.name, one.name)
        behaviours.setdefault(name, replace(one, name=name))
    collector.behaviours = behaviours


def _name_videos(collector: Collector) -> None:
    """Give entries the names of the videos that are meant; leave out those of unknown ones."""

    def kept(ones: list[_Row]) -> list[_Row]:
        named = []
        for one in ones:
            if one.video not in names:
                single = collector.single_video
                names[one.video] = single or collector.known_name(one.video)
            name = names[one.video]
            if collector.is_unknown(name):
                collector.problem(one.place, "unknown video", f"is of {name}, which is not here")
            else:
                named.append(replace(one, video=name))
        return named

    names: dict[str, str] = {}
    collector.entries = kept(collector.entries)
    collector.scored, collector.not_scored = kept(collector.scored), kept(collector.not_scored)
    for name in [one for one in collector.videos if collector.is_unknown(one)]:
        del collector.videos[name]
    used = {one.video for one in (*collector.entries, *collector.scored, *collector.not_scored)}
    for video in collector.options.videos:
        if video.name in used or not collector.options.has_other_videos:
            collector.videos[video.name] = collector.facts(video.name)


def _kinds(collector: Collector) -> dict[str, BehaviourKind]:
    """State or point, by name: as is known, as the file says, or as most of its entries are."""
    given = collector.options.ethogram
    if given is not None:
        return {one.name: one.kind for one in given}
    kinds: dict[str, BehaviourKind] = {}
    said: defaultdict[str, list[BehaviourKind]] = defaultdict(list)
    lasting = set()
    for entry in collector.entries:
        if entry.kind:
            said[entry.behaviour].append(entry.kind)
        if entry.end_seconds != entry.start_seconds:  # one that ends before it starts, too
            lasting.add(entry.behaviour)
    for name in dict.fromkeys(one.behaviour for one in collector.entries):
        guess: BehaviourKind = "state" if name in lasting else "point"
        kinds[name] = max(said[name], key=said[name].count) if said[name] else guess
    kinds.update((one.name, one.kind) for one in collector.behaviours.values())
    return kinds


def _checked_bouts(collector: Collector, kinds: dict[str, BehaviourKind]) -> list[Placed]:
    """Bouts that can stand by themselves, in the file's order."""
    bouts: list[Placed] = []
    seen: dict[tuple[object, ...], str] = {}
    for entry in collector.entries:
        if entry.behaviour not in kinds:
            what = (
                f"{entry.behaviour} is not in the ethogram"
                if entry.behaviour
                else "has no behaviour"
            )
            collector.problem(entry.place, "unknown behaviour", what)
            continue
        bout = _checked_bout(collector, entry, kinds[entry.behaviour])
        if bout is None:
            continue
        key = (bout.video, bout.subject, bout.behaviour, bout.start_seconds, bout.end_seconds)
        if key in seen:
            collector.problem(entry.place, "duplicate", f"{bout} is there already, {seen[key]}")
            continue
        seen[key] = entry.place
        bouts.append((entry.place, bout))
    return bouts


def _checked_bout(collector: Collector, entry: BoutEntry, kind: BehaviourKind) -> Bout | None:
    end_seconds = entry.end_seconds
    is_backwards = lasts(end_seconds, entry.start_seconds)
    is_instant = not lasts(entry.start_seconds, end_seconds)
    if kind == "point" and not is_instant:
        what = f"{entry.behaviour} is a point event, and lasts from {entry.start_seconds:.10g} to "
        done = "it is taken at its start"
        collector.problem(entry.place, "not a state", f"{what}{end_seconds:.10g} s", done)
        end_seconds = entry.start_seconds
    if kind == "state" and is_instant and end_seconds >= entry.start_seconds:
        what = f"{entry.behaviour} is a state, and lasts no time at {entry.start_seconds:.10g} s"
        collector.problem(entry.place, "not a state", what)
        return None
    try:
        bout = Bout(
            entry.video,
            entry.start_seconds,
            entry.start_seconds if kind == "point" and not is_backwards else end_seconds,
            entry.behaviour,
            entry.subject,
            entry.author,
            entry.comment,
            entry.score,
            entry.source,
        )
    except LabelError as error:
        collector.problem(entry.place, "no time", str(error))
        return None
    return _inside(collector, entry.place, bout)


def _inside(collector: Collector, place: str, bout: Bout) -> Bout | None:
    """What of a bout lies in its video."""
    duration, latest = _limits(collector, bout.video)
    if bout.start_seconds >= latest or (
        bout.end_seconds > latest and duration <= bout.start_seconds
    ):
        what = f"{bout} is after the end of the video, {duration:.10g} s"
        collector.problem(place, "outside", what)
        return None
    if bout.end_seconds > latest:
        what = f"{bout} goes beyond the end of the video, {duration:.10g} s"
        collector.problem(place, "outside", what, "it is cut there")
        return bout.changed(end_seconds=duration)
    return bout


def _limits(collector: Collector, video: str) -> tuple[float, float]:
    """How long a video lasts, and the latest time that may still be meant to be in it."""
    facts = collector.facts(video)
    if facts.duration_seconds is None:
        return float("inf"), float("inf")
    frame = 1 / facts.fps if facts.fps else 0.0
    return facts.duration_seconds, facts.duration_seconds + max(OUTSIDE_SECONDS, frame)


def _behaviours(
    collector: Collector, bouts: Iterable[Placed], kinds: dict[str, BehaviourKind]
) -> list[Behaviour]:
    """Those that the file describes, then those that it only uses."""
    axes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entry in collector.entries:
        axes[entry.behaviour][entry.axis] += 1
    found = dict(collector.behaviours)
    for name in dict.fromkeys(bout.behaviour for _, bout in bouts):
        said = [axis for axis, _ in axes[name].most_common() if axis]
        if len(said) > 1:
            what = f"{name} is said to be of {len(said)} axes: {', '.join(said)}"
            collector.problem("", "axes", what, f"it is of {said[0]}")
        of = Behaviour(name, kind=kinds[name], axis=(said or [DEFAULT_AXIS])[0])
        found.setdefault(name, of)
    keys: set[str] = set()
    behaviours = []
    for one in found.values():
        key = "" if one.key in keys else one.key
        keys.add(key)
        behaviours.append(replace(one, key=key))
    return behaviours


def _axes_apart(
    collector: Collector, axes: dict[str, str], bouts: Iterable[Placed]
) -> dict[str, str]:
    """Axes on which nothing overlaps: of those that do, the ones with most others go first."""
    rivals = _rivals(axes, bouts)
    apart, moved = dict(axes), []
    while any(rivals.values()):
        name = max(sorted(rivals), key=lambda one: len(rivals[one]))
        for other in rivals.pop(name):
            rivals[other].discard(name)
        taken = set(apart.values()) | set(axes)
        apart[name] = name if name not in apart.values() else _free_name(name, taken)
        moved.append(name)
    if moved:
        collector.note(
            f"{', '.join(moved)}: at the same time as others, so on an axis of its own each"
        )
    return apart


def _rivals(axes: dict[str, str], bouts: Iterable[Placed]) -> defaultdict[str, set[str]]:
    """By behaviour, those of its axis that happen at the same time."""
    rivals: defaultdict[str, set[str]] = defaultdict(set)
    for group in _by_track(axes, bouts).values():
        latest: dict[str, float] = {}  # of each behaviour, the end of what goes on
        for _, bout in sorted(group, key=lambda one: one[1].sort_key):
            start, name = bout.start_seconds + EDGE_SECONDS, bout.behaviour
            latest = {other: end for other, end in latest.items() if end > start}
            for other in latest.keys() - {name}:
                rivals[name].add(other)
                rivals[other].add(name)
            latest[name] = max(bout.end_seconds, latest.get(name, 0.0))
    return rivals


def _free_name(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"


def _by_track(
    axes: dict[str, str], bouts: Iterable[Placed]
) -> dict[tuple[str, str, str], list[Placed]]:
    tracks: defaultdict[tuple[str, str, str], list[Placed]] = defaultdict(list)
    for place, bout in bouts:
        if not bout.is_point:
            tracks[bout.video, bout.subject, axes[bout.behaviour]].append((place, bout))
    return tracks


def _without_overlaps(
    collector: Collector, ethogram: Ethogram, bouts: Iterable[Placed]
) -> list[Bout]:
    """States that do not overlap on their track; an edge said in two ways is one."""
    states: list[Bout] = []
    axes = {one.name: one.axis for one in ethogram}
    for group in _by_track(axes, bouts).values():
        kept: list[Bout] = []
        for place, bout in sorted(group, key=lambda one: one[1].start_seconds):
            last = kept[-1] if kept else None
            if last and last.end_seconds - bout.start_seconds > EDGE_SECONDS:
                collector.problem(
                    place, "overlap", f"{bout} overlaps {last}, and they exclude each other"
                )
                continue
            if last and last.end_seconds > bout.start_seconds:
                kept.pop()
                if lasts(last.start_seconds, bout.start_seconds):
                    kept.append(last.changed(end_seconds=bout.start_seconds))
            kept.append(bout)
        states += kept
    return states


def _spans(collector: Collector, entries: Iterable[SpanEntry], ethogram: Ethogram) -> list[Span]:
    spans = []
    for entry in entries:
        if entry.behaviour:
            continue
        if not ethogram.axes or (entry.axis and entry.axis not in ethogram.axes):
            what = f"is a span of the axis {entry.axis or '(all)'}, which no behaviour has"
            collector.problem(entry.place, "unknown behaviour", what)
            continue
        span = _checked_span(collector, entry)
        spans += [span] if span else []
    return spans


def _checked_span(collector: Collector, entry: SpanEntry) -> Span | None:
    duration, latest = _limits(collector, entry.video)
    try:
        start, end, axis = entry.start_seconds, entry.end_seconds, entry.axis
        span = Span(entry.video, start, end, entry.subject, axis)
    except LabelError as error:
        collector.problem(entry.place, "no time", str(error))
        return None
    if span.end_seconds <= latest:
        return span
    what = f"{span} goes beyond the end of the video, {duration:.10g} s"
    if not lasts(span.start_seconds, duration):
        collector.problem(entry.place, "outside", what)
        return None
    collector.problem(entry.place, "outside", what, "it is cut there")
    return span.changed(end_seconds=duration)


def _scored_axes(collector: Collector, ethogram: Ethogram) -> list[Span]:
    """An axis was scored where each of its behaviours was."""
    by_subject: defaultdict[tuple[str, str], defaultdict[str, list[Interval]]]
    by_subject = defaultdict(lambda: defaultdict(list))
    for entry in collector.scored:
        if entry.behaviour and lasts(entry.start_seconds, entry.end_seconds):
            interval = (entry.start_seconds, entry.end_seconds)
            by_subject[entry.video, entry.subject][entry.behaviour].append(interval)
    spans = []
    for (video, subject), found in by_subject.items():
        for axis in ethogram.axes:
            names = [one.name for one in ethogram if one.axis == axis and one.name in found]
            if names:
                both = united(found[names[0]])
                for name in names[1:]:
                    both = _intersection(both, united(found[name]))
                spans += [Span(video, start, end, subject, axis) for start, end in both]
    return spans


def _intersection(first: list[Interval], second: list[Interval]) -> list[Interval]:
    if not first or not second:
        return []
    everything = [(min(first[0][0], second[0][0]), max(first[-1][1], second[-1][1]))]
    return without(first, without(everything, second))


def _free_of_states(
    collector: Collector, ethogram: Ethogram, states: list[Bout], spans: list[Span]
) -> list[Span]:
    """What is not scored, without where a state is said to happen."""
    busy: defaultdict[Track, list[Interval]] = defaultdict(list)
    for one in states:
        track = Track(one.video, one.subject, ethogram[one.behaviour].axis)
        busy[track].append((one.start_seconds, one.end_seconds))
    united_spans: defaultdict[Track, list[Interval]] = defaultdict(list)
    for span in spans:
        for axis in [span.axis] if span.axis else ethogram.axes:
            united_spans[Track(span.video, span.subject, axis)].append(span.interval)
    kept: list[Span] = []
    for track, intervals in united_spans.items():
        taken = sorted(busy[track])
        free = without(united(intervals), taken)
        kept += spans_of(track, free)
        for start, end in without(united(intervals), free):
            if end - start > EDGE_SECONDS:
                what = (
                    f"{track.axis} is not scored from {shown((start, end))}, and has states there"
                )
                collector.problem("", "overlap", what, "the states stay")
    return kept
