"""Something-Something V2: templates of sentences, with what was meant by *something* beside them.

    labels.json      {"Holding something next to something": "32", ...}
    train.json       [{"id": "78687", "label": "holding potato next to vicks vaporub bottle",
                       "template": "Holding [something] next to [something]",
                       "placeholders": ["potato", "vicks vaporub bottle"]}, ...]
    test.json        [{"id": "1420"}, ...]
    test-answers.csv 1420;Holding something next to something

Names may begin with `something-something-v2-`. The class of a video is its template without the
brackets. Videos are `<id>.webm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import AnnotationFile
from vidmem.data.manifest.formats.format import DatasetFormat, subset_in_name
from vidmem.errors import DatasetError


def recognise(file: AnnotationFile) -> bool:
    """By its list of ids with templates, or of ids alone where labels lie beside it."""
    begins = "".join(file.head[:2000].split())
    if file.ending != ".json" or not begins.startswith('[{"'):
        return False
    first = begins.partition("}")[0]
    has_id = '"id":"' in first
    return has_id and ('"template":"' in first or _labels_beside(file.path) is not None)


def read(collector: SampleCollector, files: Sequence[AnnotationFile]) -> None:
    """All subsets, with the classes of `labels.json` in their order."""
    labels = _labels_beside(files[0].path)
    if labels is not None:
        collector.path = labels
        collector.classes(_class_names(labels))
    else:
        collector.note("labels.json is not beside it, so classes are in alphabetical order")
    for file in files:
        collector.path = file.path
        subset = subset_in_name(file.path.name)
        answers = _answers(collector, file.path) if subset == "test" else {}
        entries = file.json()
        if not isinstance(entries, list):
            raise DatasetError(f"{file.path} must be a list of videos")
        for index, entry in enumerate(entries):
            _take(collector, f"$[{index}]", entry, subset, answers)


def _take(
    collector: SampleCollector, place: str, entry: Any, subset: str, answers: dict[str, str]
) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str | int):
        collector.broken(place, "is no video with an id")
        return
    name = str(entry["id"])
    template = entry.get("template")
    if template is None and subset != "test":
        collector.broken(place, f"video {name:.40} has no template")
        return
    video = collector.find(place, name, (subset,))
    if video is not None:
        label = answers.get(name) if template is None else _without_brackets(str(template))
        collector.sample(place, video, () if label is None else (label,), subset=subset)


def _class_names(path: Path) -> list[str]:
    labels = AnnotationFile(path).json()
    if not isinstance(labels, dict) or not all(str(one).isdecimal() for one in labels.values()):
        raise DatasetError(f"{path} must say a number for each template")
    if sorted(map(int, labels.values())) != list(range(len(labels))):
        raise DatasetError(f"{path} must number its templates from 0 on, each once")
    return sorted(labels, key=lambda name: int(labels[name]))


def _answers(collector: SampleCollector, path: Path) -> dict[str, str]:
    beside = path.with_name("test-answers.csv")
    if not beside.is_file():
        return {}
    collector.note(f"the labels of its test subset are from {beside.name}")
    pairs = (line.partition(";") for _, line in AnnotationFile(beside).lines())
    return {name.strip(): _without_brackets(label.strip()) for name, _, label in pairs}


def _labels_beside(path: Path) -> Path | None:
    for name in ("labels.json", "something-something-v2-labels.json"):
        if path.with_name(name).is_file():
            return path.with_name(name)
    return None


def _without_brackets(template: str) -> str:
    return template.replace("[", "").replace("]", "")


FORMAT = DatasetFormat(
    name="something",
    title="Something-Something V2",
    how="its lists of ids and templates",
    recognise=recognise,
    read=read,
)
