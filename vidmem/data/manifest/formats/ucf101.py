"""UCF101: three official splits into train and test.

    classInd.txt      1 ApplyEyeMakeup
    trainlist01.txt   ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1
    testlist01.txt    ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi

The class of a clip is its folder, and in train lists its number as well. Clips of a group (`g08`)
were cut from one video.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import AnnotationFile
from vidmem.data.manifest.formats.format import DatasetFormat
from vidmem.data.manifest.formats.splits import files_of_fold
from vidmem.errors import DatasetError

CLASSES = "classInd.txt"

_FILE = re.compile(r"(?P<subset>train|test)list(?P<fold>\d+)\.txt")
_LINE = re.compile(r"(?P<name>(?P<label>[^/]+)/.+?)(?:\s+(?P<number>\d+))?")
_CLASS = re.compile(r"(?P<number>\d+)\s+(?P<label>\S.*)")
_CLIP = re.compile(r"(?P<group>.+_g\d+)_c\d+")


def recognise(file: AnnotationFile) -> bool:
    """By the name of a list, and the list of classes beside it."""
    is_called_so = _FILE.fullmatch(file.path.name) is not None
    return is_called_so and file.path.with_name(CLASSES).is_file()


def read(collector: SampleCollector, files: Sequence[AnnotationFile]) -> None:
    """Train and test of one split, with the classes in the order of their numbers."""
    chosen = files_of_fold(collector, files, _fold_of)
    classes = _read_classes(chosen[0].path.with_name(CLASSES))
    collector.classes(classes.values())
    for file in chosen:
        collector.path = file.path
        for number, line in file.lines():
            _take(collector, f"row {number}", line, _matched(file)["subset"], classes)


def _take(
    collector: SampleCollector, place: str, line: str, subset: str, classes: dict[int, str]
) -> None:
    found = _LINE.fullmatch(line)
    if found is None:
        collector.broken(place, f"{line:.100} is no clip in the folder of its class")
        return
    label = found["label"]
    if found["number"] and classes.get(int(found["number"])) != label:
        said = classes.get(int(found["number"]), "no class")
        collector.broken(place, f"is in {label}, and {found['number']} is {said}")
        return
    video = collector.find(place, found["name"])
    if video is not None:
        clip = _CLIP.fullmatch(video.stem)
        collector.sample(place, video, (label,), subset=subset, group=clip["group"] if clip else "")


def _read_classes(path: Path) -> dict[int, str]:
    """By their numbers, which are from 1."""
    if not path.is_file():
        raise DatasetError(f"{path} is not there; UCF101 lists its classes in it")
    classes: dict[int, str] = {}
    for number, line in AnnotationFile(path).lines():
        found = _CLASS.fullmatch(line)
        if found is None:
            raise DatasetError(f"{path}, row {number}: {line:.100} is no number and a class")
        classes[int(found["number"])] = found["label"]
    return dict(sorted(classes.items()))


def _matched(file: AnnotationFile) -> re.Match[str]:
    found = _FILE.fullmatch(file.path.name)
    if found is None:
        raise DatasetError(f"{file.path} must be called like trainlist01.txt or testlist01.txt")
    return found


def _fold_of(file: AnnotationFile) -> int:
    return int(_matched(file)["fold"])


FORMAT = DatasetFormat(
    name="ucf101",
    title="UCF101",
    how="its trainlist and testlist files beside classInd.txt",
    recognise=recognise,
    read=read,
)
