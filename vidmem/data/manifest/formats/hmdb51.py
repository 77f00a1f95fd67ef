"""HMDB51: three official splits, a file for each of them and each class.

    brush_hair_test_split1.txt   April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1

1 is train, 2 is test, and 0 neither. Clips are `<class>/<name>.avi`; those whose names agree up to
the class were cut from one video.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import AnnotationFile
from vidmem.data.manifest.formats.format import DatasetFormat
from vidmem.data.manifest.formats.splits import files_of_fold
from vidmem.errors import DatasetError

_FILE = re.compile(r"(?P<label>.+)_test_split(?P<fold>\d)\.txt")
_LINE = re.compile(r"(?P<name>.+?)\s+(?P<use>[012])")
_SUBSETS = {"1": "train", "2": "test"}


def recognise(file: AnnotationFile) -> bool:
    """By its name and its first line."""
    is_called_so = _FILE.fullmatch(file.path.name) is not None
    return is_called_so and _LINE.fullmatch(file.first_line) is not None


def read(collector: SampleCollector, files: Sequence[AnnotationFile]) -> None:
    """Train and test of one split."""
    chosen = files_of_fold(collector, files, _fold_of)
    collector.classes(sorted({_matched(file)["label"] for file in chosen}))
    num_unused = 0
    for file in chosen:
        collector.path = file.path
        num_unused += _read_class(collector, file, _matched(file)["label"])
    if num_unused:
        collector.note(f"left out, since the split uses them in neither subset: clips {num_unused}")


def _read_class(collector: SampleCollector, file: AnnotationFile, label: str) -> int:
    """Read a file; how many clips of it are in neither subset."""
    num_unused = 0
    for number, line in file.lines():
        place = f"row {number}"
        found = _LINE.fullmatch(line)
        if found is None:
            collector.broken(place, f"{line:.100} is no clip with 0, 1 or 2 behind it")
        elif found["use"] == "0":
            num_unused += 1
        elif (video := collector.find(place, found["name"], (label,))) is not None:
            group = video.stem.partition(f"_{label}_")[0]
            subset = _SUBSETS[found["use"]]
            collector.sample(place, video, (label,), subset=subset, group=f"{label}/{group}")
    return num_unused


def _matched(file: AnnotationFile) -> re.Match[str]:
    found = _FILE.fullmatch(file.path.name)
    if found is None:
        raise DatasetError(f"{file.path} must be called like brush_hair_test_split1.txt")
    return found


def _fold_of(file: AnnotationFile) -> int:
    return int(_matched(file)["fold"])


FORMAT = DatasetFormat(
    name="hmdb51",
    title="HMDB51",
    how="its files called <class>_test_split1.txt",
    recognise=recognise,
    read=read,
)
