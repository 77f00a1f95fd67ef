"""vidmem's own CSV: a row per bout, for people and for pandas alike; a side file for the rest.

    video,start_seconds,end_seconds,label,subject,author,comment,score,source,axis,kind,model,settings
    pen 2.mp4,0.000,12.500,lying,sow 12,Zoë,,,human,posture,state,,
    pen 2.mp4,12.500,20.000,not scored,sow 12,,,,,posture,,,

A point ends where it starts. Rows labelled `not scored` and `none of these` are spans that could
not be told, and that were looked at without any behaviour of their axis; without an axis, of all.
So the file alone holds all that was said, and any reader of its first four columns survives.

Beside it lies `labels.csv.json` with what no row can say: duration, frame rate and start of the
recording, the ethogram with its colours, keys and descriptions, model, settings and versions, and
which spans were scored under the bouts. It is not needed; where the CSV was edited since (it has a
SHA-256 of it), the rows are right and its spans are not looked at.

Written as one file (`WriteOptions.is_one_file`), model, settings, versions and what is known of the
videos stand in lines above the header instead (`header_block.py`), and two columns more say how
long each bout lasts and when it began by the clock.

A CSV that was made by hand reads as well: semicolons, decimal commas, times as MM:SS, other names
of the columns (`behavior`, `start`, `stop`, `duration`), any order.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

from vidmem.files import guarded, parse_json, read_bounded, unguarded
from vidmem.labels.bout import Bout, BoutSource
from vidmem.labels.ethogram import NONE_OF_THESE, NOT_SCORED, BehaviourKind, reserved_name
from vidmem.labels.formats.collecting import BoutEntry, Collector, clean_name, score_or_none
from vidmem.labels.formats.format import About, Drafted, Format, Holds, WriteOptions
from vidmem.labels.formats.header_block import header_block, is_header_block, read_header_block
from vidmem.labels.formats.remarks import SPANS, facts_of, take_facts
from vidmem.labels.formats.source import MAX_BYTES, Source
from vidmem.labels.formats.tables import (
    Row,
    csv_text,
    decimal,
    seconds_of,
    table_of,
)
from vidmem.labels.labels import Labels, Stretch

COLUMNS = (
    "video",
    "start_seconds",
    "end_seconds",
    "label",
    "subject",
    "author",
    "comment",
    "score",
    "source",
    "axis",
    "kind",
    "model",
    "settings",
)
MORE_COLUMNS = ("duration_seconds", "began_at")
"""Of one file: for people, who would have to compute them."""

_VIDEO = ("video", "file", "filename", "video file", "media", "media file name")
_START = ("start_seconds", "start", "start_s", "start (s)", "start_time", "onset", "begin", "from")
_END = ("end_seconds", "end", "end_s", "end (s)", "end_time", "stop", "stop (s)", "offset", "to")
_DURATION = ("duration_seconds", "duration", "duration (s)", "duration_s")
_LABEL = ("label", "behaviour", "behavior", "state", "action", "code", "event")
_SUBJECT = ("subject", "animal", "id", "individual")
_AUTHOR = ("author", "observer", "annotator", "rater")
_COMMENT = ("comment", "comments", "note", "notes", "remark")


def side_path(path: Path) -> Path:
    """Where what no row can say lies."""
    return path.with_name(f"{path.name}.json")


def recognise(source: Source) -> bool:
    """Whether a file has a start, an end or a duration, and a label in its header."""
    head = source.head
    num_lines = read_header_block(head).num_lines if is_header_block(head) else 0
    header = "".join(head.split("\n", num_lines + 1)[num_lines : num_lines + 1]).casefold()
    names = {cell.strip(' "') for sign in ",;\t" for cell in header.split(sign)}
    has_end = names.intersection(_END) or names.intersection(_DURATION)
    return bool(names.intersection(_START) and has_end and names.intersection(_LABEL))


def read(source: Source, collector: Collector) -> None:
    """Give the rows, and the side file or the lines above the header, to a collector."""
    _read_side_file(source, collector)
    text = source.text
    if is_header_block(text):
        block = read_header_block(text)
        collector.about = block.about
        for video in block.videos:
            collector.video(video)
        # Empty lines in their place, so that rows keep their numbers.
        text = "\n" * block.num_lines + text.split("\n", block.num_lines)[-1]
    rows = table_of(collector, text, (_START, _LABEL))
    for row in rows:
        _read_row(collector, row)
    if collector.about == About():
        collector.about = _about_of_rows(rows)


def _about_of_rows(rows: list[Row]) -> About:
    """The models and settings that rows name, each once."""
    found = {
        name: dict.fromkeys(unguarded(row.get(name)) for row in rows if row.get(name))
        for name in ("model", "settings")
    }
    return About(
        model=clean_name(", ".join(found["model"])),
        settings=clean_name(" | ".join(found["settings"])),
    )


def _read_side_file(source: Source, collector: Collector) -> None:
    side = side_path(source.path)
    if not side.is_file():
        return
    try:
        facts = parse_json(read_bounded(side, MAX_BYTES))
    except (OSError, ValueError) as error:
        done = "the CSV is read without it"
        collector.problem(side.name, "damaged", f"cannot be read: {error}", done)
        return
    digest = hashlib.sha256(source.data).hexdigest()
    is_same = isinstance(facts, dict) and facts.get("sha256") == digest
    if take_facts(collector, facts, spans=SPANS if is_same else ()):
        collector.note(f"{side.name} beside it says more of its videos and behaviours")
        if not is_same:
            collector.note(f"{source.path.name} was changed after {side.name}: its rows count")


def _read_row(collector: Collector, row: Row) -> None:
    cells = [unguarded(row.get(*names)) for names in (_LABEL, _SUBJECT, _AUTHOR, ("axis",))]
    label, subject, author, axis = cells
    times = _times(collector, row, label)
    if times is None:
        return
    kind, source = row.get("kind").casefold(), row.get("source").casefold()
    score = score_or_none(row.get("score").replace(",", ".")) if row.get("score") else None
    if row.get("score") and score is None:
        what = f"score {row.get('score')[:40]!r} is no number from 0 to 1"
        collector.problem(row.place, "unreadable", what, "it is read without a score")
    if axis and not reserved_name(label):
        collector.axes_exclude = True
    rest: BoutSource = "human" if score is None else "model"
    kinds: dict[str, BehaviourKind] = {"state": "state", "point": "point"}
    sources: dict[str, BoutSource] = {"human": "human", "model": "model"}
    collector.entry(
        BoutEntry(
            place=row.place,
            video=unguarded(row.get(*_VIDEO)) or collector.only_video(),
            behaviour=label,
            start_seconds=times[0],
            end_seconds=times[1],
            kind=kinds.get(kind),
            axis=axis,
            subject=subject,
            author=author,
            # The cell itself: a comment may begin with a space or end with a line break.
            comment=unguarded(
                next((row.cells[name] for name in _COMMENT if name in row.cells), "")
            ),
            score=score,
            source=sources.get(source, rest),
        )
    )


def _times(collector: Collector, row: Row, label: str) -> tuple[float, float] | None:
    """Start and end in seconds; `None`: there are none, and that is named."""
    if not label:
        collector.problem(row.place, "unknown behaviour", "has no label")
        return None
    start_text, end_text, duration_text = (row.get(*names) for names in (_START, _END, _DURATION))
    start = seconds_of(collector, start_text)
    is_point = row.get("kind").casefold() == "point"
    if end_text or is_point or not duration_text:
        end = start if is_point and not end_text else seconds_of(collector, end_text)
    else:
        duration = seconds_of(collector, duration_text)
        end = None if start is None or duration is None else start + duration
    for name, text, value in (
        ("start", start_text, start),
        ("end", end_text or duration_text, end),
    ):
        if value is None:
            what = f"{name} {text[:40]!r} is no time" if text else f"{label} has no {name}"
            collector.problem(row.place, "no time", what)
            return None
    assert start is not None and end is not None
    return start, end


def write(labels: Labels, path: Path, options: WriteOptions) -> Drafted:
    """A row per bout and span, and the side file, or lines above the header."""
    rows = [_bout_cells(labels, index, options) for index in range(len(labels.bouts))]
    for track in labels.tracks:
        if track.axis not in labels.ethogram.axes:
            continue
        for one in labels.timeline(track.video, track.axis, track.subject):
            if one.what in (NOT_SCORED, NONE_OF_THESE):
                times = [decimal(one.start_seconds), decimal(one.end_seconds)]
                cells = [guarded(track.video), *times, one.what, guarded(track.subject)]
                cells += ["", "", "", "", guarded(track.axis), "", "", ""]
                rows.append(cells + _more_cells(labels, track.video, one, options))
    rows.sort(key=lambda row: (row[0], float(row[1]), float(row[2])))
    columns = (*COLUMNS, *MORE_COLUMNS) if options.is_one_file else COLUMNS
    data = csv_text([columns, *rows]).encode()
    if options.is_one_file:
        return Drafted({path: header_block(options.about, labels.videos).encode() + data})
    facts = {"sha256": hashlib.sha256(data).hexdigest()}
    facts |= facts_of(labels, options.about, labels.videos)
    side = json.dumps(facts, ensure_ascii=False, indent=1).encode(errors="backslashreplace")
    return Drafted({path: data, side_path(path): side})


def _more_cells(
    labels: Labels, video: str, one: Bout | Stretch, options: WriteOptions
) -> list[str]:
    if not options.is_one_file:
        return []
    start = labels.video(video).start
    began = "" if start is None else start + timedelta(seconds=one.start_seconds)
    length = decimal(one.end_seconds - one.start_seconds)
    return [length, began.isoformat(sep=" ", timespec="milliseconds") if began else ""]


def _bout_cells(labels: Labels, index: int, options: WriteOptions) -> list[str]:
    bout = labels.bouts[index]
    behaviour, about = labels.ethogram[bout.behaviour], options.about_of(bout)
    return [
        guarded(bout.video),
        decimal(bout.start_seconds),
        decimal(bout.end_seconds),
        guarded(bout.behaviour),
        guarded(bout.subject),
        guarded(bout.author),
        guarded(bout.comment),
        "" if bout.score is None else f"{bout.score!r}",
        bout.source,
        guarded(behaviour.axis),
        behaviour.kind,
        guarded(about.model),
        guarded(about.settings),
        *_more_cells(labels, bout.video, bout, options),
    ]


FORMAT = Format(
    name="csv",
    title="vidmem CSV",
    endings=(".csv",),
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
    recognise=recognise,
    read=read,
    write=write,
)
