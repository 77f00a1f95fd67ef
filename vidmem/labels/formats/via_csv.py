"""VGG Image Annotator 3, CSV of temporal segments; read only, as VIA itself reads none back.

    # CSV_HEADER = metadata_id,file_list,temporal_segment_start,temporal_segment_end,metadata
    "1_ab","[""v.mp4""]",0,612.5,"{""behaviour"":""lying""}"

Or with the columns `flags,temporal_coordinates,spatial_coordinates,metadata`, and options by their
number, which a comment resolves: `# ATTRIBUTE = {"1": {"options": {"0": "lying"}}}`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from vidmem.errors import LabelError
from vidmem.files import parse_json, unguarded
from vidmem.labels.formats.collecting import BoutEntry, Collector, number_or_none
from vidmem.labels.formats.format import Format, Holds
from vidmem.labels.formats.source import Source
from vidmem.labels.formats.tables import read_rows

SUBJECT_ATTRIBUTES = ("subject", "animal", "individual")
_HEADER = re.compile(r"#\s*CSV_HEADER\s*=\s*(.*)")
_ATTRIBUTE = re.compile(r"#\s*ATTRIBUTE\s*=\s*(.*)")


def recognise(source: Source) -> bool:
    """Whether a comment names VIA's columns."""
    return source.head.startswith("#") and "CSV_HEADER" in source.head and "metadata" in source.head


def read(source: Source, collector: Collector) -> None:
    """Give all temporal segments to a collector."""
    columns: list[str] = []
    attributes: dict[str, Any] = {}
    lines = source.text.split("\n")
    for line in lines:
        if found := _HEADER.match(line):
            columns = [one.strip().strip('"') for one in found[1].split(",")]
        if found := _ATTRIBUTE.match(line):
            attributes = _json_object(found[1])
    needed = {"file_list", "metadata"}
    if not needed <= set(columns):
        raise LabelError(f"{source.path} has no line CSV_HEADER with file_list and metadata")
    # Comments stay as empty lines, so that rows have the numbers of the file.
    table = "\n".join("" if one.startswith("#") else one for one in lines)
    try:
        rows = [(number, cells) for number, cells in read_rows(table, ",") if cells]
    except LabelError as error:
        raise LabelError(f"{source.path}: {error}") from error
    for number, cells in rows:
        row = dict(zip(columns, cells, strict=False))
        _read_row(collector, f"row {number}", row, attributes)


def _read_row(
    collector: Collector, place: str, row: dict[str, str], attributes: dict[str, Any]
) -> None:
    files = _json(row.get("file_list", ""))
    files = [one for one in files if isinstance(one, str)] if isinstance(files, list) else []
    if row.get("spatial_coordinates", "[]") not in ("", "[]"):
        what = "is a shape in a frame"
        collector.problem(place, "unreadable", what, "its place is left out")
    times = _times_of(row)
    if times is None:
        collector.problem(place, "no time", "has no temporal segment")
        return
    values = _named_values(_json_object(row.get("metadata", "")), attributes)
    subject = next((value for name, value in values if name.casefold() in SUBJECT_ATTRIBUTES), "")
    labels = [one for one in values if one[0].casefold() not in SUBJECT_ATTRIBUTES and one[1]]
    if not labels:
        collector.problem(place, "unknown behaviour", "has no attribute that could be a behaviour")
    for name, value in labels:
        collector.entry(
            BoutEntry(
                place=place,
                video=files[0] if files else collector.only_video(),
                behaviour=unguarded(value),
                start_seconds=times[0],
                end_seconds=times[1],
                axis=name,
                subject=unguarded(subject),
            )
        )


def _times_of(row: dict[str, str]) -> tuple[float, float] | None:
    """Start and end of a segment; of a still frame both are its time."""
    ends = [row.get("temporal_segment_start"), row.get("temporal_segment_end")]
    if ends == [None, None]:
        listed = _json(row.get("temporal_coordinates", ""))
        listed = listed if isinstance(listed, list) else []
        ends = [listed[0], listed[-1]] if 1 <= len(listed) <= 2 else []
    numbers = [number_or_none(one) for one in ends]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        return None
    return numbers[0], numbers[1]


def _named_values(metadata: dict[str, Any], attributes: dict[str, Any]) -> list[tuple[str, str]]:
    """Attributes by name, with the words of their options."""
    pairs = []
    for id, value in metadata.items():
        attribute = attributes.get(id)
        attribute = attribute if isinstance(attribute, dict) else {}
        name = attribute.get("aname")
        options = attribute.get("options")
        text = value if isinstance(value, str) else json.dumps(value)
        if isinstance(options, dict) and isinstance(options.get(text), str):
            text = options[text]
        pairs.append((name if isinstance(name, str) and name else id, text))
    return pairs


def _json(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return None


def _json_object(text: str) -> dict[str, Any]:
    value = _json(text)
    return value if isinstance(value, dict) else {}


FORMAT = Format(
    name="via",
    title="VIA CSV",
    endings=(".via.csv",),
    holds=Holds(axes=True, subjects=True, points=True, many_videos=True),
    recognise=recognise,
    read=read,
)
