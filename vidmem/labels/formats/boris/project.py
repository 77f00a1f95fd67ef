"""BORIS projects: `.boris`, JSON, or `.boris.gz`.

    "events": [[0.0, "sow", "lying", "", "p=0.93", 0], [612.499, "sow", "lying", "", "", 1224]]

An event is time, subject, code, modifiers (`a|b`), comment and frame; whether it starts or stops a
state is told by counting. Format 7.0, which BORIS 7 to 9 read.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from vidmem.errors import LabelError
from vidmem.labels.bout import LabelledVideo
from vidmem.labels.ethogram import BehaviourKind
from vidmem.labels.formats.boris.observations import (
    HOLDS,
    UNKNOWN_DATE,
    VARIABLES,
    BorisEvent,
    Coded,
    MediaPart,
    Observation,
    axis_of_code,
    coded_behaviours,
    free_keys,
    observations_of,
    parse_date,
    parse_description,
    take_observation,
    take_variables,
)
from vidmem.labels.formats.collecting import (
    Collector,
    clean_name,
    duration_or_none,
    fps_or_none,
    number_or_none,
)
from vidmem.labels.formats.format import Drafted, Format, WriteOptions
from vidmem.labels.formats.remarks import take_behaviour
from vidmem.labels.formats.source import Source
from vidmem.labels.labels import Labels

NUM_PLAYERS = 8


def recognise(source: Source) -> bool:
    """Whether it is JSON with observations and behaviours."""
    head = source.head.lstrip()
    return head.startswith("{") and (
        source.path.name.casefold().endswith((".boris", ".boris.gz"))
        or ('"behaviors_conf"' in source.text and '"observations"' in source.text)
    )


def read(source: Source, collector: Collector) -> None:
    """Give all observations to a collector."""
    project = source.json
    if not isinstance(project, dict) or not isinstance(project.get("observations"), dict):
        raise LabelError(f"{source.path} is no BORIS project: it has no observations")
    kinds, categories = _read_behaviours(collector, project.get("behaviors_conf"))
    videos: dict[str, int] = {}
    for id, observation in project["observations"].items():
        place = f"$.observations[{id!r}]"
        if not isinstance(observation, dict):
            collector.problem(place, "unreadable", "is no observation")
            continue
        parts = _parts_of(collector, id, observation, place)
        for part in parts:
            videos[part.video] = videos.get(part.video, 0) + 1
        events = _events_of(collector, observation, place)
        take_observation(collector, events, parts, kinds=kinds, categories=categories)
    for name, count in videos.items():
        if count > 1:
            collector.note(f"has {count} observations of {name}, taken as one account")


def _read_behaviours(
    collector: Collector, listed: object
) -> tuple[dict[str, BehaviourKind], dict[str, str]]:
    """Kind and category by code."""
    kinds: dict[str, BehaviourKind] = {}
    categories: dict[str, str] = {}
    values = list(listed.values()) if isinstance(listed, dict) else []
    for index, one in enumerate(values):
        code = _text(one.get("code")) if isinstance(one, dict) else ""
        if not code.strip():
            what = "is a behaviour without a code"
            collector.problem(f"$.behaviors_conf[{index}]", "unreadable", what)
            continue
        is_point = _text(one.get("type")).casefold().startswith("point")
        kinds[code] = "point" if is_point else "state"
        categories[code] = clean_name(_text(one.get("category")))
        if axis_of_code(code, categories[code]) is not None:
            continue
        take_behaviour(
            collector,
            {
                "name": code,
                "kind": kinds[code],
                "axis": categories[code],
                "colour": one.get("color"),
                "key": one.get("key"),
                "description": one.get("description"),
            },
        )
    return kinds, categories


def _parts_of(
    collector: Collector, id: str, observation: dict[str, Any], place: str
) -> list[MediaPart]:
    """The files of the first player, in order; a live observation is called by its id."""
    files = _dict(observation.get("file"))
    played = files.get("1")
    names = [one for one in played if isinstance(one, str)] if isinstance(played, list) else []
    info = _dict(observation.get("media_info"))
    lengths, rates = _dict(info.get("length")), _dict(info.get("fps"))
    players = [files.get(str(number)) for number in range(2, NUM_PLAYERS + 1)]
    others = [one[0] for one in players if isinstance(one, list) and one]
    if others:
        shown = f"{others[0]!s:.100}"
        collector.note(f"observation {id} was coded beside {shown}; its times are the first one's")
    offset = number_or_none(observation.get("time offset"))
    if offset:
        collector.note(f"observation {id} has a time offset of {offset:g} s, which is left out")
    variables = {
        name: value
        for name, value in _dict(observation.get("independent_variables")).items()
        if isinstance(value, str)
    }
    _note_rest(collector, observation, variables)
    start = parse_date(_text(observation.get("date")))
    if not names:
        video = LabelledVideo(clean_name(id) or "observation", None, None, start)
        take_variables(collector, video, variables, place)
        return [MediaPart(collector.known_name(video.name), 0.0, float("inf"))]
    parts: list[MediaPart] = []
    at = 0.0
    for index, name in enumerate(names):
        length, fps = duration_or_none(lengths.get(name)), fps_or_none(rates.get(name))
        known = LabelledVideo(collector.known_name(name), length, fps, None if index else start)
        take_variables(collector, known, {} if index else variables, place)
        if length is None and index < len(names) - 1:
            what = f"does not say how long {name:.100} lasts, so what follows it cannot be placed"
            collector.problem(place, "damaged", what, "all is taken to be of that video")
            return [*parts, MediaPart(known.name, at, float("inf"))]
        parts.append(MediaPart(known.name, at, float("inf") if length is None else at + length))
        at += length or 0.0
    return parts


def _note_rest(
    collector: Collector, observation: dict[str, Any], variables: dict[str, str]
) -> None:
    """Say what of an observation is not kept."""
    description = _text(observation.get("description"))
    about = parse_description(description)
    if about is not None:
        collector.about = about
    elif description:
        collector.note("has descriptions of observations, which are not kept")
    if any(variables[name] for name in variables.keys() - VARIABLES.keys()):
        collector.note("has independent variables, which are not kept")


def _events_of(collector: Collector, observation: dict[str, Any], place: str) -> list[BorisEvent]:
    listed = observation.get("events")
    if not isinstance(listed, list):
        collector.problem(place, "damaged", "has no list of events", "it is taken as empty")
        return []
    events = []
    for index, one in enumerate(listed):
        at = f"{place}.events[{index}]"
        if not isinstance(one, list) or len(one) < 3:
            collector.problem(at, "unreadable", f"is no event: {one!r:.60}")
            continue
        seconds = number_or_none(one[0])
        texts = [x if isinstance(x, str) else "" for x in (*one[1:5], "", "")][:4]
        if seconds is None:
            what = f"{texts[1]} has no time, but {one[0]!r:.40}"
            collector.problem(at, "no time", what)
            continue
        events.append(
            BorisEvent(
                seconds=seconds,
                subject=texts[0],
                code=texts[1],
                modifiers=texts[2],
                comment=texts[3],
                place=at,
            )
        )
    return events


def write(labels: Labels, path: Path, options: WriteOptions) -> Drafted:
    """A project with an observation per video."""
    coding = observations_of(labels, options)
    observations = coding.observations
    coded = coded_behaviours(labels)
    categories = list(dict.fromkeys(one.category for one in coded))
    subjects = [one for one in labels.subjects if one]
    keys = free_keys({one.key for one in coded})
    project = {
        "time_format": "hh:mm:ss",
        # Not the clock: the same labels give the same file.
        "project_date": min((one.date for one in observations), default=UNKNOWN_DATE).isoformat(),
        "project_name": path.name.split(".")[0],
        "project_description": "",
        "project_format_version": "7.0",
        "subjects_conf": {
            str(n): {"key": next(keys), "name": name, "description": ""}
            for n, name in enumerate(subjects)
        },
        "behaviors_conf": {str(n): _behaviour(one) for n, one in enumerate(coded)},
        "behavioral_categories": categories,
        "behavioral_categories_config": {
            str(n): {"name": name, "color": ""} for n, name in enumerate(categories)
        },
        "independent_variables": {
            str(n): {
                "label": name,
                "description": description,
                "type": "text",
                "default value": "",
                "possible values": "",
            }
            for n, (name, description) in enumerate(VARIABLES.items())
        },
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
        "observations": {one.id: _observation(one) for one in observations},
    }
    data = json.dumps(project, ensure_ascii=False, indent=1).encode(errors="backslashreplace")
    is_packed = path.name.casefold().endswith(".gz")
    return Drafted(
        {path: gzip.compress(data, mtime=0) if is_packed else data}, coding.losses, coding.notes
    )


def _behaviour(one: Coded) -> dict[str, Any]:
    return {
        "type": "Point event" if one.kind == "point" else "State event",
        "key": one.key,
        "code": one.code,
        "description": one.description,
        "color": one.colour,
        "category": one.category,
        "modifiers": {},
        "excluded": "",
        "coding map": "",
    }


def _observation(one: Observation) -> dict[str, Any]:
    name = one.video.name
    return {
        "file": {"1": [name], **{str(n): [] for n in range(2, NUM_PLAYERS + 1)}},
        "type": "MEDIA",
        "date": one.date.isoformat(timespec="milliseconds"),
        "description": one.description,
        "time offset": 0.0,
        "events": [_event(one, event) for event in one.events],
        "observation time interval": [0, 0],
        "independent_variables": one.variables,
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "media_creation_date_as_offset": False,
        "media_scan_sampling_duration": 0,
        "image_display_duration": 1,
        "close_behaviors_between_videos": False,
        "media_info": {
            "length": {name: one.duration_seconds},
            "fps": {name: one.fps},
            "hasVideo": {name: True},
            "hasAudio": {name: False},
            "offset": {"1": 0.0},
        },
    }


def _event(of: Observation, event: BorisEvent) -> list[Any]:
    frame = of.frame_index(event.seconds)
    last = [] if frame is None else [frame]
    return [event.seconds, event.subject, event.code, event.modifiers, event.comment, *last]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


FORMAT = Format(
    name="boris",
    title="BORIS project",
    endings=(".boris", ".boris.gz"),
    holds=replace(HOLDS, ethogram=True),
    recognise=recognise,
    read=read,
    write=write,
)
