"""Label Studio's timeline labels: JSON of tasks, a task per video, to be imported or exported.

    {"data": {"video": "pen3.mp4", "fps": 25.0}, "predictions": [{"result": [
      {"type": "timelinelabels", "from_name": "posture", "to_name": "video", "score": 0.93,
       "value": {"ranges": [{"start": 1, "end": 250}], "timelinelabels": ["lying"]}}]}]}

Frames count from 1 and the end is part of the range: `[s, e)` from 0 is `s + 1` to `e`. They are of
the player's `frameRate`, which must be that of the video. What a model said goes to predictions,
what a person said to annotations. The exact times are kept beside each range, and count as long as
they give its frames; a region that somebody moved has those of its frames.

Beside the tasks, `<name>.config.xml` is the labelling interface to set up the project with.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vidmem.errors import LabelError
from vidmem.labels.bout import Bout, BoutSource, LabelledVideo
from vidmem.labels.ethogram import NOT_SCORED
from vidmem.labels.formats.collecting import (
    BoutEntry,
    Collector,
    fps_or_none,
    number_or_none,
    score_or_none,
)
from vidmem.labels.formats.format import Drafted, Format, Holds, WriteOptions
from vidmem.labels.formats.remarks import facts_of, take_facts, video_in
from vidmem.labels.formats.source import Source
from vidmem.labels.labels import Labels

KEY = "vidmem"
"""Of what Label Studio has no place for: in a task's data and a region's meta."""

MAX_FRAME = 10**10


def recognise(source: Source) -> bool:
    """Whether it is JSON of tasks, or of one with timeline labels."""
    head = source.head.lstrip()
    is_tasks = head.startswith("[") and '"data"' in head
    return is_tasks or (head.startswith("{") and "timelinelabels" in source.text)


def read(source: Source, collector: Collector) -> None:
    """Give the regions of all tasks to a collector."""
    tasks = source.json
    tasks = tasks if isinstance(tasks, list) else [tasks]
    if not any(isinstance(one, dict) and isinstance(one.get("data"), dict) for one in tasks):
        raise LabelError(f"{source.path} has no tasks of Label Studio; export as JSON")
    for index, task in enumerate(tasks):
        place = f"$[{index}]"
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            collector.problem(place, "unreadable", "is no task")
            continue
        _read_task(collector, place, task)


def _read_task(collector: Collector, place: str, task: dict[str, Any]) -> None:
    data = task["data"]
    facts = data.get(KEY)
    is_ours = take_facts(collector, facts, spans=("scored",))
    url = data.get("video") or next((one for one in data.values() if isinstance(one, str)), "")
    name = video_in(facts) or (url if isinstance(url, str) else "")
    # `/data/local-files/?d=pens/pen3.mp4`, `/data/upload/1/pen3.mp4`
    name = name if is_ours else name.rpartition("?d=")[2].rpartition("/")[2]
    video = collector.known_name(name or f"task {place}")
    regions = list(_regions(collector, place, task, is_ours=is_ours))
    if not regions:
        collector.video(LabelledVideo(video))
        return
    fps = collector.fps(video, fps_or_none(data.get("fps")), place)
    if not is_ours:
        collector.video(LabelledVideo(video, None, fps), place)
    for at, region, source, author in regions:
        _take_region(collector, at, region, (video, fps, source, author))


_Set = tuple[str, str, dict[str, Any]]  # annotations or predictions, place, and the JSON


def _regions(
    collector: Collector, place: str, task: dict[str, Any], *, is_ours: bool
) -> Iterator[tuple[str, dict[str, Any], BoutSource, str]]:
    """Regions with their place, source and author."""
    sets = list(_sets_of(place, task))
    for kind, at, one in sets if is_ours else _one_account(collector, place, sets):
        source: BoutSource = "human" if kind == "annotations" else "model"
        author = _author_of(one)
        result = one.get("result")
        for index, region in enumerate(result if isinstance(result, list) else []):
            where = f"{at}.result[{index}]"
            if isinstance(region, dict) and region.get("type") == "timelinelabels":
                yield where, region, source, author
            elif isinstance(region, dict):
                collector.problem(where, "unreadable", f"is no timeline label, but {_kind(region)}")


def _sets_of(place: str, task: dict[str, Any]) -> Iterator[_Set]:
    for kind in ("annotations", "predictions"):
        listed = task.get(kind)
        for index, one in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(one, dict) and not one.get("was_cancelled"):
                yield kind, f"{place}.{kind}[{index}]", one


def _one_account(collector: Collector, place: str, sets: list[_Set]) -> list[_Set]:
    """What the first person annotated, else what models predicted: one value is one account."""
    people = [one for one in sets if one[0] == "annotations"]
    if not people:
        return sets
    for _, at, _ in people[1:]:
        what = "is another annotation of the same task"
        collector.problem(at, "overlap", what, "it is left out; import it by itself")
    if len(sets) > len(people):
        collector.note(f"{place}: predictions are left out, as a person annotated it")
    return people[:1]


def _kind(region: dict[str, Any]) -> str:
    return str(region.get("type", "of no type"))[:60]


def _author_of(one: dict[str, Any]) -> str:
    by = one.get("completed_by", one.get("model_version"))
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    return "" if by is None or isinstance(by, dict | list) else str(by)[:200]


def _take_region(
    collector: Collector,
    place: str,
    region: dict[str, Any],
    of: tuple[str, float, BoutSource, str],
) -> None:
    video, fps, source, author = of
    value = region.get("value")
    value = value if isinstance(value, dict) else {}
    ranges, names = value.get("ranges"), value.get("timelinelabels")
    meta = region.get("meta")
    ours = meta.get(KEY) if isinstance(meta, dict) else None
    ours = ours if isinstance(ours, dict) else {}
    is_read = False
    for one in ranges if isinstance(ranges, list) else []:
        for name in names if isinstance(names, list) else []:
            times = _times_of(one, fps, ours)
            if times is None or not isinstance(name, str) or not name.strip():
                continue
            is_read = True
            comment = ours.get("comment") if "comment" in ours else _notes_of(meta)
            said = ours.get("author") if "author" in ours else author
            collector.entry(
                BoutEntry(
                    place=place,
                    video=video,
                    behaviour=name,
                    start_seconds=times[0],
                    end_seconds=times[1],
                    kind="point" if ours.get("kind") == "point" else None,
                    axis=_text(region.get("from_name")),
                    subject=_text(ours.get("subject")),
                    author=_text(said),
                    comment=_text(comment),
                    score=score_or_none(region.get("score")),
                    source=source,
                )
            )
    if not is_read:
        what = f"has no frames and labels: {json.dumps(value)[:80]}"
        collector.problem(place, "unreadable", what)


def _times_of(range_: object, fps: float, ours: dict[str, Any]) -> tuple[float, float] | None:
    """Start and end in seconds of a range of frames; `None`: it is none."""
    ends = [range_.get("start"), range_.get("end")] if isinstance(range_, dict) else []
    frames = [number_or_none(one) for one in ends]
    if len(frames) != 2 or any(one is None or not 0 <= one <= MAX_FRAME for one in frames):
        return None
    first, last = (one or 0.0 for one in frames)
    exact = [number_or_none(ours.get(name)) for name in ("start_seconds", "end_seconds")]
    if None not in exact:
        start, end = (one or 0.0 for one in exact)
        if _frames_of(start, end, fps) == (first, last):
            return start, end
    return max(first - 1, 0) / fps, last / fps


def _frames_of(start: float, end: float, fps: float) -> tuple[int, int]:
    """First and last frame, from 1; at least one."""
    first = round(start * fps) + 1
    return first, max(round(end * fps), first)


def _notes_of(meta: object) -> str:
    """What a person noted on a region."""
    text = meta.get("text") if isinstance(meta, dict) else None
    lines = text if isinstance(text, list) else [text]
    return "\n".join(one for one in lines if isinstance(one, str))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def write(labels: Labels, path: Path, options: WriteOptions) -> Drafted:
    """A task per video, and the labelling interface."""
    tasks = []
    rates = set()
    for video in labels.videos:
        fps = options.fps_of(video, FORMAT.title)
        rates.add(fps)
        facts = facts_of(labels, options.about, [video])
        task: dict[str, Any] = {"data": {"video": video.name, "fps": fps, KEY: facts}}
        bouts = labels.bouts_of(video=video.name)
        people = [_region(labels, one, fps) for one in bouts if one.is_human]
        people += [
            _span_region(one.axis, one.subject, one.interval, fps)
            for one in labels.not_scored
            if one.video == video.name
        ]
        model = [_region(labels, one, fps) for one in bouts if not one.is_human]
        if people:
            task["annotations"] = [{"result": people}]
        if model:
            scores = [one.score for one in bouts if not one.is_human and one.score is not None]
            version = options.about.model or next(
                (one.author for one in bouts if not one.is_human and one.author), "vidmem"
            )
            prediction: dict[str, Any] = {"model_version": version, "result": model}
            if scores:
                prediction["score"] = sum(scores) / len(scores)
            task["predictions"] = [prediction]
        tasks.append(task)
    data = json.dumps(tasks, ensure_ascii=False, indent=1).encode(errors="backslashreplace")
    config = path.with_name(f"{path.stem}.config.xml")
    return Drafted({path: data, config: _interface(labels, rates).encode(errors="replace")})


def _region(labels: Labels, bout: Bout, fps: float) -> dict[str, Any]:
    ours: dict[str, Any] = {"start_seconds": bout.start_seconds, "end_seconds": bout.end_seconds}
    ours |= {"subject": bout.subject, "author": bout.author, "comment": bout.comment}
    if bout.is_point:
        ours["kind"] = "point"
    axis = labels.ethogram[bout.behaviour].axis
    region = _plain_region(axis, bout.behaviour, (bout.start_seconds, bout.end_seconds), fps, ours)
    if bout.comment:
        region["meta"]["text"] = [bout.comment]
    if bout.score is not None:
        region["score"] = bout.score
    return region


def _span_region(
    axis: str, subject: str, interval: tuple[float, float], fps: float
) -> dict[str, Any]:
    ours = {"start_seconds": interval[0], "end_seconds": interval[1], "subject": subject}
    return _plain_region(axis, NOT_SCORED, interval, fps, ours)


def _plain_region(
    axis: str, name: str, interval: tuple[float, float], fps: float, ours: dict[str, Any]
) -> dict[str, Any]:
    first, last = _frames_of(*interval, fps)
    plain = json.dumps([axis, name, ours], ensure_ascii=True).encode()
    return {
        "id": hashlib.sha256(plain).hexdigest()[:10],
        "type": "timelinelabels",
        "from_name": axis,
        "to_name": "video",
        "value": {"ranges": [{"start": first, "end": last}], "timelinelabels": [name]},
        "meta": {KEY: ours},
    }


def _attribute(text: str) -> str:
    return f'"{html.escape(text)}"'


def _interface(labels: Labels, rates: set[float]) -> str:
    """The configuration of a project: a row of labels per axis, and the video."""
    lines = ["<View>"]
    for axis in labels.ethogram.axes:
        lines.append(f'  <TimelineLabels name={_attribute(axis)} toName="video">')
        for one in labels.ethogram:
            if one.axis == axis:
                value, colour = _attribute(one.name), _attribute(one.colour)
                lines.append(f"    <Label value={value} background={colour}/>")
        lines += [f'    <Label value="{NOT_SCORED}" background="#999999"/>', "  </TimelineLabels>"]
    rate = f"{rates.pop():g}" if len(rates) == 1 else "$fps"
    lines.append(f'  <Video name="video" value="$video" frameRate="{rate}" timelineHeight="120"/>')
    return "\n".join([*lines, "</View>", ""])


FORMAT = Format(
    name="label-studio",
    title="Label Studio timeline",
    endings=(".json",),
    holds=Holds(
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
        ethogram=True,
        resolution="1 µs",
    ),
    needs_fps=True,
    recognise=recognise,
    read=read,
    write=write,
)
