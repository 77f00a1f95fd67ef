"""ELAN's `.eaf`, XML by the schema EAFv3.0; a file per video.

A tier is one subject's one axis, in which annotations exclude each other, as ELAN wants it; points
of one behaviour and subject are a tier of their own, each a millisecond long. Comments, scores and
authors are a tier beside (`posture@sow_12 notes`), with the same times. What ELAN has no place for
(axes of points, what was scored, colours) is a property of the file, which ELAN keeps.

Written by hand, since pympi writes the elements in another order than the schema has them.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree
from xml.parsers import expat

from vidmem.errors import LabelError
from vidmem.labels.bout import LabelledVideo
from vidmem.labels.ethogram import NOT_SCORED
from vidmem.labels.formats.collecting import BoutEntry, Collector, clean_name, number_or_none
from vidmem.labels.formats.format import Drafted, Format, Holds, WriteOptions
from vidmem.labels.formats.remarks import (
    Remark,
    facts_of,
    parse_remark,
    remark_of,
    take_facts,
    video_in,
)
from vidmem.labels.formats.source import Source, path_for
from vidmem.labels.labels import Labels

SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
STATE_TYPE, POINT_TYPE, NOTES_TYPE = "behaviour", "point", "notes"
NOTES_SUFFIX = " notes"
PROPERTY = "vidmem"
MAX_DEPTH = 20
"""Of elements: ELAN has six."""


def recognise(source: Source) -> bool:
    """Whether it is XML with ELAN's document element."""
    return "<ANNOTATION_DOCUMENT" in source.head[:4096]


def read(source: Source, collector: Collector) -> None:
    """Give all annotations with a time of their own to a collector."""
    _check_xml(source)
    eaf = _parsed(source)
    facts = _facts_in(eaf.properties)
    take_facts(collector, facts, spans=("scored",))
    video = _video_of(collector, eaf.media_descriptors, facts)
    remarks: dict[tuple[str, str, str], Remark] = {}
    tiers = [(str(id), *tier[:3]) for id, tier in eaf.tiers.items()]
    for id, aligned, _, attributes in tiers:
        if _is_notes(id, attributes):
            for start, end, value, _ in aligned.values():
                remarks[id.removesuffix(NOTES_SUFFIX), start, end] = parse_remark(value)
    # Notes name slots of their own, so they are found by times.
    slots = eaf.timeslots
    by_time = {(id, slots.get(a), slots.get(b)): one for (id, a, b), one in remarks.items()}
    for id, aligned, references, attributes in tiers:
        if references:
            collector.note(f"tier {id} refers to another tier; its annotations are not kept")
        if _is_notes(id, attributes):
            continue
        for name, (start, end, value, _) in aligned.items():
            times = slots.get(start), slots.get(end)
            remark = by_time.get((id, *times), Remark(""))
            place = f"annotation {name} in tier {id}"
            _take_annotation(collector, place, (video, *times, value), attributes, id, remark)


def _check_xml(source: Source) -> None:
    """See that it is XML without what is made to blow up readers: entities, and endless depth."""
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise LabelError(f"{source.path} is nested too deep for an ELAN file")

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        raise LabelError(f"{source.path} has a document type, which no ELAN file has; not read")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(_undeclared(source), True)
    except (expat.ExpatError, ValueError) as error:
        raise LabelError(f"{source.path} is no XML: {error}") from error


def _undeclared(source: Source) -> bytes:
    """The text as UTF-8, without a declaration that may name another encoding."""
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", source.text).encode("utf-8", errors="replace")


def _parsed(source: Source) -> Any:
    import pympi

    # pympi reads paths alone; what was checked is what it gets, not what lies there by now.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checked.eaf"
        path.write_bytes(_undeclared(source))
        try:
            return pympi.Eaf(str(path), suppress_version_warning=True)
        except Exception as error:  # it raises KeyError, ValueError, IndexError, Exception
            raise LabelError(
                f"{source.path} is no ELAN file that can be read ({error!r:.100}); open and save "
                "it in ELAN"
            ) from error


def _facts_in(properties: Iterable[tuple[str, str | None]]) -> dict[str, Any]:
    for name, text in properties:
        if name == PROPERTY:
            try:
                facts = json.loads(text or "")
            except (ValueError, RecursionError):
                return {}
            return facts if isinstance(facts, dict) else {}
    return {}


def _video_of(collector: Collector, media: list[dict[str, str]], facts: dict[str, Any]) -> str:
    """The name of the video: of the file's own block, or of its first medium."""
    name = video_in(facts)
    if not name and media:
        name = unquote(media[0].get("RELATIVE_MEDIA_URL") or media[0].get("MEDIA_URL") or "")
    if len(media) > 1:
        collector.note(f"has {len(media)} media; its times are those of the first")
    return collector.only_video(said=name)


def _is_notes(id: str, attributes: dict[str, str]) -> bool:
    return attributes.get("LINGUISTIC_TYPE_REF") == NOTES_TYPE and id.endswith(NOTES_SUFFIX)


def _take_annotation(
    collector: Collector,
    place: str,
    said: tuple[str, int | None, int | None, str],
    attributes: dict[str, str],
    tier: str,
    remark: Remark,
) -> None:
    video, start, end, value = said
    subject = attributes.get("PARTICIPANT", "")
    label = clean_name(value)
    if start is None or end is None or not label:
        what = "has no value" if not label else f"{label} has no time of its own"
        collector.problem(place, "no time" if label else "unreadable", what)
        return
    is_point = attributes.get("LINGUISTIC_TYPE_REF") == POINT_TYPE
    axis = tier.removesuffix(f"@{subject}") if subject else tier
    seconds = number_or_none(start), number_or_none(end)
    if seconds[0] is None or seconds[1] is None:
        collector.problem(place, "no time", f"{label} has a time of {len(str(start))} digits")
        return
    collector.entry(
        BoutEntry(
            place=place,
            video=video,
            behaviour=label,
            start_seconds=seconds[0] / 1000,
            end_seconds=(seconds[0] if is_point else seconds[1]) / 1000,
            kind="point" if is_point else None,
            axis="" if is_point else axis,
            subject=subject,
            author=remark.author or attributes.get("ANNOTATOR", ""),
            comment=remark.comment,
            score=remark.score,
            source=remark.source,
        )
    )


@dataclass(frozen=True)
class Annotation:
    """A span of a tier, in milliseconds."""

    start: int
    end: int
    value: str
    remark: str


def write(labels: Labels, path: Path, options: WriteOptions) -> Drafted:
    """A file per video."""
    files: dict[Path, bytes] = {}
    losses = []
    for video in labels.videos:
        tiers = _tiers_of(labels, video.name)
        lost = sum(_without_overlaps(one) for one in tiers.values())
        if lost:
            losses.append(f"{lost} annotations of {video.name} within a millisecond of another")
        at = path_for(path, [video.name], len(labels.videos) == 1)
        if at in files:
            raise LabelError(f"two videos would be written to {at}; rename one of them")
        facts = json.dumps(facts_of(labels, options.about, [video]), ensure_ascii=False)
        files[at] = _document(video, tiers, facts)
    return Drafted(files, tuple(losses))


_TierKey = tuple[str, str, str]  # id, type and participant


def _tiers_of(labels: Labels, video: str) -> dict[_TierKey, list[Annotation]]:
    tiers: defaultdict[_TierKey, list[Annotation]] = defaultdict(list)
    for bout in labels.bouts_of(video=video):
        start, end = round(bout.start_seconds * 1000), round(bout.end_seconds * 1000)
        axis = labels.ethogram[bout.behaviour].axis
        name, kind = (axis, STATE_TYPE)
        if bout.is_point:
            name, kind = (f"{bout.behaviour} (point)", POINT_TYPE)
        key = (f"{name}@{bout.subject}" if bout.subject else name, kind, bout.subject)
        end = start + 1 if bout.is_point else end
        tiers[key].append(Annotation(start, end, bout.behaviour, remark_of(bout)))
    for span in labels.not_scored:
        if span.video == video:
            id = f"{span.axis}@{span.subject}" if span.subject else span.axis
            start, end = round(span.start_seconds * 1000), round(span.end_seconds * 1000)
            tiers[id, STATE_TYPE, span.subject].append(Annotation(start, end, NOT_SCORED, ""))
    return dict(sorted(tiers.items()))


def _without_overlaps(tier: list[Annotation]) -> int:
    """Leave out, in place, what rounding made overlap or last no time; how many that is."""
    kept: list[Annotation] = []
    for one in sorted(tier, key=lambda one: (one.start, one.end)):
        if one.end > one.start and (not kept or kept[-1].end <= one.start):
            kept.append(one)
    lost = len(tier) - len(kept)
    tier[:] = kept
    return lost


def _document(video: LabelledVideo, tiers: dict[_TierKey, list[Annotation]], facts: str) -> bytes:
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "vidmem",
            # Not the clock: the same labels give the same file.
            "DATE": (video.start.isoformat() if video.start else "1970-01-01T00:00:00+00:00"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": SCHEMA,
        },
    )
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    url = f"./{quote(video.name)}"
    ElementTree.SubElement(
        header,
        "MEDIA_DESCRIPTOR",
        MEDIA_URL=f"file:///{url}",
        MIME_TYPE="video/mp4" if video.name.casefold().endswith(".mp4") else "video/*",
        RELATIVE_MEDIA_URL=url,
    )
    spans = [(key, one) for key, tier in tiers.items() for one in tier]
    notes = [
        ((f"{key[0]}{NOTES_SUFFIX}", NOTES_TYPE, key[2]), one) for key, one in spans if one.remark
    ]
    every = [(key, one, one.value) for key, one in spans]
    every += [(key, one, one.remark) for key, one in notes]
    for name, text in ((PROPERTY, facts), ("lastUsedAnnotationId", str(len(every)))):
        ElementTree.SubElement(header, "PROPERTY", NAME=name).text = text
    order = ElementTree.SubElement(root, "TIME_ORDER")
    elements: dict[_TierKey, ElementTree.Element] = {}
    for number, ((id, kind, subject), one, value) in enumerate(every, start=1):
        slots = f"ts{2 * number - 1}", f"ts{2 * number}"
        for slot, time in zip(slots, (one.start, one.end), strict=True):
            ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(time))
        key = (id, kind, subject)
        if key not in elements:
            attributes = {"LINGUISTIC_TYPE_REF": kind, "TIER_ID": id}
            attributes |= {"PARTICIPANT": subject} if subject else {}
            elements[key] = ElementTree.Element("TIER", attributes)
        annotation = ElementTree.SubElement(elements[key], "ANNOTATION")
        aligned = ElementTree.SubElement(
            annotation,
            "ALIGNABLE_ANNOTATION",
            ANNOTATION_ID=f"a{number}",
            TIME_SLOT_REF1=slots[0],
            TIME_SLOT_REF2=slots[1],
        )
        ElementTree.SubElement(aligned, "ANNOTATION_VALUE").text = value
    root.extend(elements.values())
    for kind in (STATE_TYPE, POINT_TYPE, NOTES_TYPE):
        ElementTree.SubElement(
            root,
            "LINGUISTIC_TYPE",
            LINGUISTIC_TYPE_ID=kind,
            TIME_ALIGNABLE="true",
            GRAPHIC_REFERENCES="false",
        )
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode(errors="replace")


FORMAT = Format(
    name="elan",
    title="ELAN",
    endings=(".eaf",),
    holds=Holds(
        axes=True,
        subjects=True,
        points=True,
        scores=True,
        comments=True,
        authors=True,
        not_scored=True,
        unlabelled=True,
        facts=True,
        ethogram=True,
    ),
    recognise=recognise,
    read=read,
    write=write,
)
