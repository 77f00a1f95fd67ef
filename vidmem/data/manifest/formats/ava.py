"""AVA 2.1 and 2.2, and what is published in its form, such as CVB (cattle) and CBVD-5 (cows).

    ava_train_v2.2.csv   -5KQ66BBWC4,0902,0.077,0.151,0.283,0.811,80,1

No header: video, second of the middle frame, box as shares of the picture, action, person. Each
action of a person stands in a row of its own; AVA 2.0 has no person. Actions are named in a list
beside it, as protocol buffers (`ava_action_list_v2.2.pbtxt`, `behaviour_list.pbtx` of CVB) or, of
AVA 2.0, a CSV `label_id,label_name,label_type`. Numbers begin at 1 and may have holes. Seconds that
`ava_val_excluded_timestamps_v2.2.csv` names are left out.

Labels are one a second, so a sample is the second around its middle frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import AnnotationFile
from vidmem.data.manifest.formats.format import DatasetFormat, subset_in_name
from vidmem.data.manifest.sample import Box
from vidmem.errors import DatasetError
from vidmem.labels.formats.collecting import number_or_none

HALF_SECONDS = 0.5
"""To either side of the middle frame."""

_SHARE = r"-?\d*\.?\d+(?:[eE]-?\d+)?"
_LINE = re.compile(rf"[^,\s][^,]*,\d+(?:\.\d+)?(?:,{_SHARE}){{4}},\d+(?:,\d+)?")
_PBTXT_ENTRY = re.compile(r'name:\s*"(?P<name>[^"]*)"\s*(?:label_)?id:\s*(?P<number>\d+)')
# A name of CVB says the camera and the minute it was cut from: ..._gopro4_20200324_040135_beh5_...
_CVB_RECORDING = re.compile(r"(?:.*_)?(?P<recording>gopro\d+_\d{8}_\d{6})_.*")

Key = tuple[str, float, Box, str]
"""Video, second, box and person: what the rows of one person's actions agree in."""


def recognise(file: AnnotationFile) -> bool:
    """By its first line; boxes that a detector predicted have no whole number at their end."""
    is_boxes = file.ending == ".csv" and _LINE.fullmatch(file.first_line) is not None
    return is_boxes and "predicted" not in file.path.name


def read(collector: SampleCollector, files: Sequence[AnnotationFile]) -> None:
    """A sample for each box, with all actions of it."""
    names = _read_actions(collector, files)
    collector.classes(names[number] for number in sorted(names))
    for file in files:
        collector.path = file.path
        _read_boxes(collector, file, names)


def _read_boxes(collector: SampleCollector, file: AnnotationFile, names: dict[int, str]) -> None:
    excluded = _read_excluded(collector, file)
    videos: dict[str, Path | None] = {}
    boxes: dict[Key, tuple[str, list[str]]] = {}
    num_excluded = 0
    for place, cells in collector.rows(file.text()):
        row = _parsed(collector, place, cells)
        if row is None:
            continue
        key, number = row
        if (key[0], key[1]) in excluded:
            num_excluded += 1
            continue
        if number not in names:
            collector.num_named += 1
            collector.problem(place, "unknown class", f"{number} is no action of the list")
            continue
        if key[0] not in videos:
            videos[key[0]] = collector.files.videos.find(key[0])
        actions = boxes.setdefault(key, (place, []))[1]
        if names[number] in actions:
            collector.num_named += 1
            collector.problem(place, "duplicate", f"says again what {boxes[key][0]} says")
        else:
            actions.append(names[number])
    if num_excluded:
        collector.note(
            f"left out, since their seconds are excluded: rows of {file.path.name} {num_excluded}"
        )
    _take(collector, boxes.items(), videos, subset_in_name(file.path.name))


def _take(
    collector: SampleCollector,
    boxes: Iterable[tuple[Key, tuple[str, list[str]]]],
    videos: dict[str, Path | None],
    subset: str,
) -> None:
    for (name, second, box, person), (place, actions) in boxes:
        video = videos[name]
        if video is None:
            collector.find(place, name)  # names the problem
            continue
        recording = _CVB_RECORDING.fullmatch(name)
        collector.sample(
            place,
            video,
            actions,
            start_seconds=max(0.0, second - HALF_SECONDS),
            end_seconds=second + HALF_SECONDS,
            subset=subset,
            group=recording["recording"] if recording else name,
            subject=person,
            box=box,
        )


def _parsed(collector: SampleCollector, place: str, cells: list[str]) -> tuple[Key, int] | None:
    if len(cells) not in (7, 8):
        collector.broken(place, f"has {len(cells)} cells; a box has 8, or 7 without a person")
        return None
    times = collector.times(place, cells[1])
    if times is None:
        return None
    sides = [number_or_none(cell) for cell in cells[2:6]]
    left, top, right, bottom = (-1.0 if side is None else side for side in sides)
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        shown = ", ".join(cells[2:6])
        collector.broken(place, f"{shown:.100} is no box in shares of the picture, 0 to 1")
        return None
    if not cells[6].isdecimal():
        collector.broken(place, f"{cells[6][:40]!r} is no number of an action")
        return None
    person = cells[7] if len(cells) == 8 else ""
    return (cells[0], times[0], (left, top, right, bottom), person), int(cells[6][:9])


def _read_actions(collector: SampleCollector, files: Sequence[AnnotationFile]) -> dict[int, str]:
    """Names of actions by their numbers: of the longest list, since others leave rare ones out."""
    folders = dict.fromkeys(file.path.parent for file in files)
    candidates = [path for folder in folders for path in sorted(folder.iterdir())]
    lists = {path: _actions_of(path) for path in candidates if path.is_file()}
    path = max(lists, key=lambda one: len(lists[one]), default=None)
    if path is None or not lists[path]:
        raise DatasetError(
            f"{files[0].path.parent} has no list of actions; put ava_action_list_v2.2.pbtxt, or "
            "the one of the dataset, beside its CSV"
        )
    collector.note(f"its actions are called as in {path.name}")
    return lists[path]


def _actions_of(path: Path) -> dict[int, str]:
    file = AnnotationFile(path)
    if file.ending in (".pbtxt", ".pbtx"):
        found = _PBTXT_ENTRY.finditer(file.text())
        return {int(entry["number"]): entry["name"] for entry in found}
    if file.ending == ".csv" and file.first_line.startswith("label_id,label_name"):
        rows = (line.split(",") for number, line in file.lines() if number > 1)
        return {int(row[0]): row[1] for row in rows if len(row) > 1 and row[0].isdecimal()}
    return {}


def _read_excluded(collector: SampleCollector, file: AnnotationFile) -> set[tuple[str, float]]:
    """Video and second of what is not to be judged."""
    name = re.sub(r"(ava_(?:train|val|test))_", r"\1_excluded_timestamps_", file.path.name)
    beside = file.path.with_name(name)
    if name == file.path.name or not beside.is_file():
        return set()
    pairs = (cells for _, cells in collector.rows(AnnotationFile(beside).text()))
    return {(one[0], float(one[1])) for one in pairs if len(one) == 2 and one[1].isdecimal()}


FORMAT = DatasetFormat(
    name="ava",
    title="AVA, or another dataset in its form",
    how="its rows of a video, a second, a box and an action",
    recognise=recognise,
    read=read,
)
