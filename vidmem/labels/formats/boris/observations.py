"""Observations as BORIS has them: events in order, each an edge of a state or a point.

    lying     |----------||-----------|       START 0.000, STOP 9.999, START 10.000, STOP 20.000

States that touch get a gap of a millisecond, as BORIS pairs events by their order in time; it is
closed again when they are read. What is not scored is a state of its own (`not_scored`; of several
axes one for each), so that time budgets stay honest; so is what is unlabelled, told apart by its
comment. BORIS 7 to 9 were looked at; their code is GPL, and none of it is here.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

from vidmem.labels.bout import LabelledVideo
from vidmem.labels.ethogram import (
    NONE_OF_THESE,
    NOT_SCORED,
    BehaviourKind,
    reserved_name,
)
from vidmem.labels.formats.collecting import BoutEntry, Collector, SpanEntry, number_or_none
from vidmem.labels.formats.format import About, Holds, WriteOptions
from vidmem.labels.formats.remarks import about_of, parse_remark, remark_of
from vidmem.labels.formats.source import stem_of
from vidmem.labels.labels import Labels
from vidmem.labels.spans import Track, lasts, without

CODE = "not_scored"
UNLABELLED = "unlabelled"
"""Comment of a `not_scored` state of which nobody said anything; it is dropped when read."""

MOST_EVENTS = 5000
"""Of an observation: BORIS pairs them in a time that grows with their square (FORMATS 4.3)."""

MAX_DESCRIPTION = 10_000
"""Characters: a longer one is a person's."""

GAP_SECONDS = 0.001
UNKNOWN_FPS = 25.0
"""Written where the frame rate is not known, as BORIS opens nothing without one."""

UNKNOWN_DATE = datetime(1970, 1, 1)
SCORED_VARIABLE, UNKNOWN_VARIABLE = "vidmem_scored", "vidmem_unknown"
VARIABLES = {
    SCORED_VARIABLE: "Spans of which all was looked at: subject, axis, start and end in seconds",
    UNKNOWN_VARIABLE: "What vidmem did not know and wrote a default for",
}

Status = Literal["START", "STOP", "POINT"]

HOLDS = Holds(
    axes=True,
    subjects=True,
    points=True,
    scores=True,
    comments=True,
    authors=True,
    not_scored=True,
    unlabelled=True,
    many_videos=True,
    facts=True,
)
"""Of observations, however they are written: what BORIS has no place for goes into comments and
independent variables."""


@dataclass(frozen=True, kw_only=True)
class BorisEvent:
    """An edge of a state, or a point."""

    seconds: float
    """In the observation, to a millisecond."""

    subject: str
    code: str
    status: Status | None = None
    """`None`: a project does not say; of a state the first starts, the second stops, and so on."""

    modifiers: str = ""
    """`a|b`"""

    comment: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One video's events."""

    id: str
    video: LabelledVideo
    """Without what is not known."""

    events: tuple[BorisEvent, ...]
    description: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def date(self) -> datetime:
        """Start of the recording by the clock, or the date for "not known"."""
        return self.video.start or UNKNOWN_DATE

    @property
    def fps(self) -> float:
        """Frames per second, or the rate for "not known"."""
        return self.video.fps or UNKNOWN_FPS

    @cached_property  # rows ask for it, each
    def duration_seconds(self) -> float:
        """Of the video; where it is not known, to the last event."""
        last = max((one.seconds for one in self.events), default=1.0)
        return self.video.duration_seconds or max(last, 1.0)

    def frame_index(self, seconds: float) -> int | None:
        """The frame that is shown at a time; `None`: the frame rate is not known."""
        return None if self.video.fps is None else int(seconds * self.video.fps + 1e-6)


@dataclass(frozen=True, kw_only=True)
class Coded:
    """A behaviour as BORIS lists it."""

    code: str
    kind: BehaviourKind
    category: str
    colour: str
    key: str
    description: str


# Writing.


def coded_behaviours(labels: Labels) -> list[Coded]:
    """The ethogram, and the states for what is not scored; each with a key of one character."""
    listed = [
        Coded(
            code=one.name,
            kind=one.kind,
            category=one.axis,
            colour=one.colour,
            key=one.key,
            description=one.description,
        )
        for one in labels.ethogram
    ]
    for axis in _state_axes(labels):
        code, description = code_of_axis(labels, axis), "It cannot be told, or nobody looked"
        listed.append(
            Coded(
                code=code,
                kind="state",
                category=axis,
                colour="#999999",
                key="",
                description=description,
            )
        )
    free = free_keys({one.key for one in listed})
    return [one if one.key else replace(one, key=next(free)) for one in listed]


def free_keys(taken: set[str]) -> Iterator[str]:
    """Single characters that are not taken, those of any keyboard first."""
    codes = (*b"abcdefghijklmnopqrstuvwxyz0123456789", *range(65, 91), *range(192, 9000))
    return (chr(n) for n in codes if chr(n) not in taken and chr(n).isalnum())


def code_of_axis(labels: Labels, axis: str) -> str:
    """What the state for *not scored* is called: of the only axis, or of one of several."""
    return CODE if len(_state_axes(labels)) == 1 else f"{CODE} {axis}"


@dataclass(frozen=True)
class Coding:
    """Labels as observations."""

    observations: tuple[Observation, ...]
    losses: tuple[str, ...]
    notes: tuple[str, ...]


def observations_of(labels: Labels, options: WriteOptions) -> Coding:
    """An observation per video, what is lost, and what to know."""
    taken: Counter[str] = Counter()
    losses: list[str] = []
    notes: list[str] = []
    found = []
    for video in labels.videos:
        stem = stem_of(video.name)
        taken[stem] += 1
        id = stem if taken[stem] == 1 else f"{stem} ({taken[stem]})"
        known = replace(video, fps=video.fps or options.fps)
        events, too_short = _events_of(labels, known)
        if too_short:
            losses.append(f"{too_short} states of {video.name} of at most a millisecond")
        if len(events) > MOST_EVENTS:
            notes.append(
                f"BORIS is slow with the {len(events)} events of {video.name}, more than "
                f"{MOST_EVENTS}; leave out short bouts (--min-bout)"
            )
        if known.start is not None and known.start.tzinfo is not None:
            losses.append(f"the time zone of the start of {video.name}")
            known = replace(known, start=known.start.replace(tzinfo=None))
        found.append(
            Observation(
                id=id,
                video=known,
                events=tuple(events),
                description=describe(options.about),
                variables=_variables_of(labels, known),
            )
        )
    return Coding(tuple(found), tuple(losses), tuple(notes))


def _state_axes(labels: Labels) -> list[str]:
    return [axis for axis in labels.ethogram.axes if labels.ethogram.states_of(axis)]


def _variables_of(labels: Labels, video: LabelledVideo) -> dict[str, str]:
    spans = [
        [one.subject, one.axis, one.start_seconds, one.end_seconds]
        for one in labels.scored
        if one.video == video.name
    ]
    facts = {"date": video.start, "fps": video.fps, "length": video.duration_seconds}
    unknown = " ".join(name for name, value in facts.items() if value is None)
    scored = json.dumps(spans, ensure_ascii=False, separators=(",", ":")) if spans else ""
    return {SCORED_VARIABLE: scored, UNKNOWN_VARIABLE: unknown}


def _events_of(labels: Labels, video: LabelledVideo) -> tuple[list[BorisEvent], int]:
    """Events in the order of BORIS, and how many states were too short to be two of them."""
    events = [
        BorisEvent(
            seconds=round(one.start_seconds, 3),
            subject=one.subject,
            code=one.behaviour,
            status="POINT",
            comment=remark_of(one),
        )
        for one in labels.bouts_of(video=video.name)
        if one.is_point
    ]
    too_short = 0
    ends = [one.end_seconds for one in labels.bouts_of(video=video.name)]
    ends += [
        one.end_seconds for one in (*labels.scored, *labels.not_scored) if one.video == video.name
    ]
    duration = video.duration_seconds or max(ends, default=0.0)
    for track in labels.tracks:
        is_state = track.axis in labels.ethogram.axes and labels.ethogram.states_of(track.axis)
        if track.video != video.name or not is_state:
            continue
        pairs, short = _pairs_of(labels, track, duration)
        too_short += short
        events += pairs
    return sorted(events, key=lambda one: (one.seconds, one.subject, one.code)), too_short


@dataclass(frozen=True)
class _Stretch:
    start: int  # milliseconds
    end: int
    code: str
    comment: str


def _pairs_of(labels: Labels, track: Track, duration: float) -> tuple[list[BorisEvent], int]:
    code = code_of_axis(labels, track.axis)
    stretches = [
        _in_milliseconds(one.start_seconds, one.end_seconds, one.behaviour, remark_of(one))
        for one in labels.states_of(track)
    ]
    timeline = labels.timeline(track.video, track.axis, track.subject)
    if not timeline:  # points alone: nobody looked at states
        return [], 0
    said = [(one.start_seconds, one.end_seconds) for one in timeline]
    marks = [(one.start_seconds, one.end_seconds, "") for one in timeline if one.what == NOT_SCORED]
    marks += [(start, end, UNLABELLED) for start, end in without([(0.0, duration)], said)]
    stretches += [_in_milliseconds(start, end, code, text) for start, end, text in marks]
    stretches.sort(key=lambda one: (one.start, one.end))
    events: list[BorisEvent] = []
    too_short = 0
    for index, one in enumerate(stretches):
        later = stretches[index + 1].start if index + 1 < len(stretches) else one.end + 1
        end = min(one.end, later - 1)
        if end <= one.start:
            too_short += one.comment != UNLABELLED
            continue
        start = BorisEvent(
            seconds=one.start / 1000,
            subject=track.subject,
            code=one.code,
            status="START",
            comment=one.comment,
        )
        events += [start, replace(start, seconds=end / 1000, status="STOP", comment="")]
    return events, too_short


def _in_milliseconds(start: float, end: float, code: str, comment: str) -> _Stretch:
    return _Stretch(round(start * 1000), round(end * 1000), code, comment)


def describe(about: About) -> str:
    """Where labels come from, on one line; `parse_description` reads it."""
    pairs = (("model", about.model), ("versions", about.versions), ("settings", about.settings))
    return "; ".join(f"{name}={value}" for name, value in pairs if value)


def parse_description(text: str) -> About | None:
    """What `describe` wrote; `None`: a person's own words."""
    pattern = r"(?:model=(?P<model>.*?)(?:; |$))?(?:versions=(?P<versions>.*?)(?:; |$))?"
    if len(text) > MAX_DESCRIPTION:
        return None
    found = re.fullmatch(pattern + r"(?:settings=(?P<settings>.*))?", text)
    if found is None or not any(found.groups()):
        return None
    return about_of(dict(found.groupdict()))


# Reading.


@dataclass(frozen=True)
class MediaPart:
    """One of the files that were played one after the other in an observation."""

    video: str
    start_seconds: float
    """In the observation."""

    end_seconds: float
    """Infinite for the last one whose length is not known."""


def take_observation(
    collector: Collector,
    events: Iterable[BorisEvent],
    parts: Sequence[MediaPart],
    *,
    kinds: dict[str, BehaviourKind],
    categories: dict[str, str],
) -> None:
    """Give a collector the bouts of an observation; what cannot be paired is named.

    Args:
        collector: Takes them.
        events: In the order in which the file has them.
        parts: The files that were played, at least one, in order.
        kinds: By code, where that is known.
        categories: By code.
    """
    groups: defaultdict[tuple[str, str, str], list[BorisEvent]] = defaultdict(list)
    for event in events:
        groups[event.subject, event.code, event.modifiers].append(event)
    entries: list[BoutEntry] = []
    for (_, code, _), group in groups.items():
        kind = kinds.get(code)
        if kind is None and all(one.status == "POINT" for one in group):
            kind = "point"
        if kind == "point":
            entries += [_entry(one, one, "point", categories) for one in group]
        else:
            entries += [_entry(*pair, "state", categories) for pair in _paired(collector, group)]
    for entry in _without_gaps(entries):
        for one in _in_parts(entry, parts):
            _take(collector, one, categories)


def _paired(collector: Collector, group: list[BorisEvent]) -> list[tuple[BorisEvent, BorisEvent]]:
    """Starts with their stops, in order of time."""
    pairs = []
    open_event: BorisEvent | None = None
    for event in sorted(group, key=lambda one: one.seconds):
        status = event.status or ("START" if open_event is None else "STOP")
        if status == "POINT":
            pairs.append((event, event))
        elif status == "START":
            if open_event is not None:
                _name_unpaired(collector, open_event, "stop")
            open_event = event
        elif open_event is None:
            _name_unpaired(collector, event, "start")
        else:
            pairs.append((open_event, event))
            open_event = None
    if open_event is not None:
        _name_unpaired(collector, open_event, "stop")
    return pairs


def _name_unpaired(collector: Collector, event: BorisEvent, lacking: str) -> None:
    of = f" of {event.subject}" if event.subject else ""
    what = f"{event.code}{of} at {event.seconds:.10g} s has no {lacking}"
    collector.problem(event.place, "unpaired", what)


def _entry(
    start: BorisEvent, stop: BorisEvent, kind: BehaviourKind, categories: dict[str, str]
) -> BoutEntry:
    remark = parse_remark(start.comment)
    lines = [remark.comment]
    modifiers = [one for one in start.modifiers.split("|") if one and one != "None"]
    if modifiers:
        lines.append(f"modifiers: {', '.join(modifiers)}")
    if stop is not start and stop.comment:
        lines.append(stop.comment)
    return BoutEntry(
        place=start.place,
        video="",
        behaviour=start.code,
        start_seconds=start.seconds,
        end_seconds=stop.seconds,
        kind=kind,
        axis=categories.get(start.code, ""),
        subject=start.subject,
        author=remark.author,
        comment="\n".join(one for one in lines if one),
        score=remark.score,
        source=remark.source,
    )


def _without_gaps(entries: list[BoutEntry]) -> list[BoutEntry]:
    """States end where the next of their axis starts, if that is a millisecond later."""
    tracks: defaultdict[tuple[str, str], list[BoutEntry]] = defaultdict(list)
    rest = []
    for one in entries:
        if one.end_seconds > one.start_seconds:
            tracks[one.subject, one.axis].append(one)
        else:
            rest.append(one)
    for track in tracks.values():
        track.sort(key=lambda one: (one.start_seconds, one.end_seconds))
        for one, later in zip(track, [*track[1:], None], strict=True):
            if later and 0 < later.start_seconds - one.end_seconds < 1.5 * GAP_SECONDS:
                rest.append(replace(one, end_seconds=later.start_seconds))
            else:
                rest.append(one)
    return rest


def _in_parts(entry: BoutEntry, parts: Sequence[MediaPart]) -> list[BoutEntry]:
    """An entry in the times of the files that it was seen in: a bout in each."""
    found = []
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        end_of_part = float("inf") if is_last else part.end_seconds
        begins = entry.start_seconds < end_of_part
        if entry.end_seconds <= entry.start_seconds:
            if begins and (entry.start_seconds >= part.start_seconds or index == 0):
                at = entry.start_seconds - part.start_seconds
                end = entry.end_seconds - part.start_seconds
                return [replace(entry, video=part.video, start_seconds=at, end_seconds=end)]
            continue
        # Times before the first file are named as a problem later on.
        start = entry.start_seconds if index == 0 else max(entry.start_seconds, part.start_seconds)
        end = min(entry.end_seconds, end_of_part)
        if lasts(start, end):
            found.append(
                replace(
                    entry,
                    video=part.video,
                    start_seconds=start - part.start_seconds,
                    end_seconds=end - part.start_seconds,
                )
            )
    return found


def _take(collector: Collector, entry: BoutEntry, categories: dict[str, str]) -> None:
    """Give a collector a bout, or a span where it is a state for *not scored*."""
    axis = axis_of_code(entry.behaviour, categories.get(entry.behaviour, ""))
    if axis is None:
        collector.entry(entry)
        return
    if entry.comment == UNLABELLED:
        return
    span = SpanEntry(
        place=entry.place,
        video=entry.video,
        start_seconds=entry.start_seconds,
        end_seconds=entry.end_seconds,
        subject=entry.subject,
        axis=axis,
    )
    collector.span(span, is_scored=reserved_name(entry.behaviour) == NONE_OF_THESE)


def axis_of_code(code: str, category: str) -> str | None:
    """The axis that a state for *not scored* is of, empty where it does not say; else `None`."""
    if reserved_name(code):
        return category
    return category if category and code == f"{CODE} {category}" else None


def take_variables(
    collector: Collector, video: LabelledVideo, variables: dict[str, str], place: str
) -> None:
    """Give a collector what vidmem wrote into an observation's variables, and the video's facts."""
    unknown = variables.get(UNKNOWN_VARIABLE, "").split()
    if "date" in unknown:
        video = replace(video, start=None)
    if "fps" in unknown:
        video = replace(video, fps=None)
    if "length" in unknown:
        video = replace(video, duration_seconds=None)
    collector.video(video, place)
    text = variables.get(SCORED_VARIABLE, "")
    if not text:
        return
    try:
        spans = json.loads(text)
    except (ValueError, RecursionError):
        spans = None
    for span in spans if isinstance(spans, list) else [None]:
        entry = _span_of(video.name, place, span)
        if entry is None:
            what = f"{SCORED_VARIABLE} is no list of spans: {text[:60]!r}"
            collector.problem(place, "unreadable", what)
            return
        collector.span(entry, is_scored=True)


def _span_of(video: str, place: str, span: object) -> SpanEntry | None:
    if not isinstance(span, list) or len(span) != 4:
        return None
    subject, axis = span[:2]
    start, end = (number_or_none(one) for one in span[2:])
    if not isinstance(subject, str) or not isinstance(axis, str) or start is None or end is None:
        return None
    return SpanEntry(
        place=place,
        video=video,
        start_seconds=start,
        end_seconds=end,
        subject=subject,
        axis=axis,
    )


def parse_date(text: str) -> datetime | None:
    """An observation's date; `None`: it is none."""
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None
