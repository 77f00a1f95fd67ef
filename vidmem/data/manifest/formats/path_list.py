"""Lists of paths and labels, as MMAction2, SlowFast and VideoMAE read them.

    some/path/000.mp4 1
    some/path/001.mp4 1 4

Labels are numbers from 0, several for a video of several classes; between them stand spaces, or
commas. Names of classes are lines of a file `label_map*.txt` beside the list, in their order.
Lists of folders with pictures (path, number of frames, label) name no videos, and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import VIDEO_ENDINGS, AnnotationFile
from vidmem.data.manifest.formats.format import DatasetFormat, subset_in_name

MAX_CLASSES = 100_000
"""A larger number is none of a class."""

MAX_LINE_CHARACTERS = 8192
"""Longer is no line of a list; and to match one could take for ever."""

_LINE = re.compile(r"(?P<path>.*?[^\s,])[\s,]+(?P<labels>\d+(?:[\s,]+\d+)*)")


def recognise(file: AnnotationFile) -> bool:
    """By its first line: a video, and numbers."""
    found = _matched(file.first_line)
    return file.ending in (".txt", ".csv") and found is not None and _is_video(found)


def read(collector: SampleCollector, files: Sequence[AnnotationFile]) -> None:
    """All lists, with the classes of the label map beside them."""
    names = collector.given_classes or _class_names(collector, files)
    collector.classes(names)
    for file in files:
        collector.path = file.path
        subset = subset_in_name(file.path.name)
        for number, line in file.lines():
            _take(collector, f"row {number}", line, subset, names)


def _take(
    collector: SampleCollector, place: str, line: str, subset: str, names: Sequence[str]
) -> None:
    found = _matched(line)
    if found is None or not _is_video(found):
        collector.broken(place, f"{line:.100} is no path of a video and a label")
        return
    numbers = _numbers(found)
    if max(numbers) >= len(names):
        collector.num_named += 1
        what = f"{max(numbers)} is no class: there are {len(names)}, from 0"
        collector.problem(place, "unknown class", what)
        return
    video = collector.find(place, found["path"], (subset,))
    if video is not None:
        collector.sample(place, video, [names[one] for one in numbers], subset=subset)


def _class_names(collector: SampleCollector, files: Sequence[AnnotationFile]) -> list[str]:
    maps = sorted(files[0].path.parent.glob("label_map*.txt"))
    if maps:
        collector.note(f"its classes are called as in {maps[0].name}")
        return [line for _, line in AnnotationFile(maps[0]).lines()]
    most = -1
    for file in files:
        found = (_matched(line) for _, line in file.lines())
        numbers = [max(_numbers(one)) for one in found if one and _is_video(one)]
        most = max([most, *(one for one in numbers if one < MAX_CLASSES)])
    collector.note("no label_map*.txt is beside it, so classes are called by their numbers")
    return [str(number) for number in range(most + 1)]


def _matched(line: str) -> re.Match[str] | None:
    return _LINE.fullmatch(line) if len(line) <= MAX_LINE_CHARACTERS else None


def _numbers(found: re.Match[str]) -> list[int]:
    return [int(one[:9]) for one in re.split(r"[\s,]+", found["labels"])]


def _is_video(found: re.Match[str]) -> bool:
    return PurePath(found["path"]).suffix.casefold() in VIDEO_ENDINGS


FORMAT = DatasetFormat(
    name="list",
    title="A list of paths and labels",
    how="its lines of a video's path and a number",
    recognise=recognise,
    read=read,
)
