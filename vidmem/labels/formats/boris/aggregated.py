"""BORIS aggregated events: a row per bout; CSV or TSV.

    Observation id,...,Behavior,Behavioral category,Behavior type,Start (s),Stop (s),...
    pen3_day1,...,lying,posture,STATE,0.000,612.499,...
    pen3_day1,...,drinking,activity,POINT,700.250,700.250,...

Written as by BORIS 8.27 to 9; earlier layouts, which have other columns before these, are read too.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from vidmem.files import guarded, unguarded
from vidmem.labels.bout import LabelledVideo
from vidmem.labels.formats.boris.observations import (
    HOLDS,
    VARIABLES,
    BorisEvent,
    MediaPart,
    Observation,
    coded_behaviours,
    observations_of,
    parse_date,
    parse_description,
    take_observation,
    take_variables,
)
from vidmem.labels.formats.boris.tabular import boris_date, silent_videos
from vidmem.labels.formats.collecting import Collector, duration_or_none, fps_or_none
from vidmem.labels.formats.format import Drafted, Format, WriteOptions
from vidmem.labels.formats.source import Source
from vidmem.labels.formats.tables import Row, csv_text, seconds_of, table_of
from vidmem.labels.labels import Labels

COLUMNS = (
    "Observation id",
    "Observation date",
    "Description",
    "Observation type",
    "Source",
    "Time offset (s)",
    "Coding duration",
    "Media duration (s)",
    "FPS (frame/s)",
    *VARIABLES,
    "Subject",
    "Observation duration by subject by observation",
    "Behavior",
    "Behavioral category",
    "Behavior type",
    "Start (s)",
    "Stop (s)",
    "Duration (s)",
    "Media file name",
    "Image index start",
    "Image index stop",
    "Image file path start",
    "Image file path stop",
    "Comment start",
    "Comment stop",
)


def recognise(source: Source) -> bool:
    """Whether its header has a behaviour's start and stop, as BORIS calls them."""
    header = source.head.split("\n", 1)[0]
    return all(name in header for name in ("Behavior", "Start (s)", "Stop (s)"))


def read(source: Source, collector: Collector) -> None:
    """Give all bouts to a collector."""
    by_media: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    needed = (("behavior",), ("start (s)",), ("stop (s)",))
    for row in table_of(collector, source.text, needed):
        id = unguarded(row.get("observation id")) or "observation"
        media = unguarded(row.get("media file name", "media file")) or id
        by_media[id, media].append(row)
    for (_, media), rows in by_media.items():
        _read_media(collector, media, rows)


def _read_media(collector: Collector, media: str, rows: list[Row]) -> None:
    first = rows[0]
    length = duration_or_none(first.get("media duration (s)", "total length"))
    fps = fps_or_none(first.get("fps (frame/s)", "fps"))
    name = collector.known_name(media)
    video = LabelledVideo(name, length, fps, parse_date(first.get("observation date")))
    variables = {one: unguarded(first.get(one)) for one in VARIABLES}
    take_variables(collector, video, variables, first.place)
    about = parse_description(unguarded(first.get("description")))
    if about is not None:
        collector.about = about
    events: list[BorisEvent] = []
    categories: dict[str, str] = {}
    for row in rows:
        edges = _edges_of(collector, row)
        events += edges
        category = unguarded(row.get("behavioral category"))
        if edges and category and category != "None":
            categories[edges[0].code] = category
    part = MediaPart(name, 0.0, float("inf"))
    take_observation(collector, events, [part], kinds={}, categories=categories)


def _edges_of(collector: Collector, row: Row) -> list[BorisEvent]:
    """The edges of a bout, or its point."""
    code = unguarded(row.get("behavior"))
    texts = row.get("start (s)"), row.get("stop (s)")
    start, stop = (seconds_of(collector, one) for one in texts)
    kind = row.get("behavior type").upper()
    if start is None or (stop is None and kind != "POINT"):
        what = f"{code} has no start and stop, but {texts[0][:40]!r} and {texts[1][:40]!r}"
        collector.problem(row.place, "no time", what)
        return []
    if not code or kind not in ("STATE", "POINT", ""):
        what = f"is neither STATE nor POINT of a behaviour, but {kind[:40]!r} of {code!r}"
        collector.problem(row.place, "unreadable", what)
        return []
    if stop is not None and stop < start:
        what = f"{code} stops at {stop:.10g} s, before it starts at {start:.10g} s"
        collector.problem(row.place, "no time", what)
        return []
    is_point = kind == "POINT" or (not kind and start == stop)
    modifiers = [
        unguarded(value.strip()) for name, value in row.cells.items() if name.startswith("modifier")
    ]
    subject = unguarded(row.get("subject"))
    begin = BorisEvent(
        seconds=start,
        subject="" if subject == "No focal subject" else subject,
        code=code,
        status="POINT" if is_point else "START",
        modifiers="|".join(one for one in modifiers if one),
        comment=unguarded(row.cells.get("comment start", row.cells.get("comment", ""))),
        place=row.place,
    )
    if is_point or stop is None:
        return [begin]
    comment = unguarded(row.cells.get("comment stop", ""))
    end = BorisEvent(
        seconds=stop,
        subject=begin.subject,
        code=code,
        status="STOP",
        modifiers=begin.modifiers,
        comment=comment,
        place=row.place,
    )
    return [begin, end]


def write(labels: Labels, path: Path, options: WriteOptions) -> Drafted:
    """A row per bout, by start."""
    coding = observations_of(labels, options)
    categories = {one.code: one.category for one in coded_behaviours(labels)}
    rows = [cells for one in coding.observations for cells in _rows_of(one, categories)]
    losses = (*coding.losses, *silent_videos(coding.observations))
    delimiter = "\t" if path.suffix.casefold() in (".tsv", ".txt") else ","
    return Drafted({path: csv_text([COLUMNS, *rows], delimiter).encode()}, losses, coding.notes)


def _bouts_of(one: Observation) -> list[tuple[BorisEvent, BorisEvent]]:
    """Starts with their stops, points with themselves, by start."""
    pairs, going_on = [], {}
    for event in one.events:
        key = (event.subject, event.code)
        if event.status == "POINT":
            pairs.append((event, event))
        elif event.status == "START":
            going_on[key] = event
        else:
            pairs.append((going_on.pop(key), event))
    return sorted(pairs, key=lambda pair: pair[0].seconds)


def _rows_of(one: Observation, categories: dict[str, str]) -> list[list[str]]:
    totals: defaultdict[str, float] = defaultdict(float)
    pairs = _bouts_of(one)
    for start, stop in pairs:
        totals[start.subject] += stop.seconds - start.seconds
    name, rows = one.video.name, []
    for start, stop in pairs:
        frames = [one.frame_index(edge.seconds) for edge in (start, stop)]
        is_point = start is stop
        rows.append(
            [
                guarded(one.id),
                boris_date(one),
                guarded(one.description),
                "Media file",
                f"player #1:{name}",
                "0.0",
                f"{one.duration_seconds:.3f}",
                f"{one.duration_seconds:.3f}",
                f"{one.fps:.6g}" if one.fps % 1 else f"{one.fps:.3f}",
                *(guarded(one.variables[variable]) for variable in VARIABLES),
                guarded(start.subject),
                f"{totals[start.subject]:.3f}",
                guarded(start.code),
                guarded(categories[start.code]),
                "POINT" if is_point else "STATE",
                f"{start.seconds:.3f}",
                f"{stop.seconds:.3f}",
                "NA" if is_point else f"{stop.seconds - start.seconds:.3f}",
                guarded(name),
                *("NA" if frame is None else str(frame) for frame in frames),
                "",
                "",
                guarded(start.comment),
                "",
            ]
        )
    return rows


FORMAT = Format(
    name="boris-aggregated",
    title="BORIS aggregated events",
    endings=(".aggregated.csv", ".aggregated.tsv"),
    holds=HOLDS,
    recognise=recognise,
    read=read,
    write=write,
)
