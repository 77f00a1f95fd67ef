"""ActivityNet 1.2 and 1.3: one JSON of all videos, their subsets, and segments with labels.

    {"version": "VERSION 1.3",
     "taxonomy": [{"nodeId": 269, "nodeName": "Fun sliding down", "parentId": 268, ...}, ...],
     "database": {"sJbNS3TxTSs": {"duration": 94.05, "subset": "training", "url": "...",
        "annotations": [{"segment": [0.01, 12.64], "label": "Preparing salad"}]}}}

Subsets are training, validation and testing, whose annotations are empty. Videos are `v_<id>.mp4`,
or `<id>.mp4`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import AnnotationFile
from vidmem.data.manifest.formats.format import DatasetFormat, subset_called
from vidmem.errors import DatasetError
from vidmem.labels.formats.collecting import duration_or_none


def recognise(file: AnnotationFile) -> bool:
    """By the keys that it begins with; results of a method have others."""
    begins = "".join(file.head.split())
    has_keys = '"database":{' in begins or '"taxonomy":[{' in begins
    return file.ending == ".json" and begins.startswith("{") and has_keys


def read(collector: SampleCollector, files: Sequence[AnnotationFile]) -> None:
    """A sample for each segment; the classes are the taxonomy's leaves, in alphabetical order."""
    collector.is_multi_label = True
    contents = [(file, _checked(file)) for file in files]
    collector.classes(sorted({name for _, one in contents for name in _class_names(one)}))
    for file, content in contents:
        collector.path = file.path
        for name, entry in content["database"].items():
            place = f"$.database[{name!r}]"
            if not isinstance(entry, dict) or not isinstance(entry.get("annotations"), list):
                collector.broken(place, "is no video with annotations")
                continue
            _take_video(collector, place, name, entry)


def _take_video(collector: SampleCollector, place: str, name: str, entry: dict[str, Any]) -> None:
    subset = subset_called(str(entry.get("subset", "")))
    videos = collector.files.videos
    called = name if videos.find(f"v_{name}") is None else f"v_{name}"
    video = collector.find(place, called, (subset,))
    if video is None:
        return
    if duration := duration_or_none(entry.get("duration")):
        collector.stated_seconds[video] = duration
    if not entry["annotations"]:
        collector.sample(place, video, (), subset=subset, group=name)
    for index, annotation in enumerate(entry["annotations"]):
        _take_segment(collector, f"{place}.annotations[{index}]", annotation, video, subset, name)


def _take_segment(
    collector: SampleCollector, place: str, annotation: Any, video: Path, subset: str, name: str
) -> None:
    segment = annotation.get("segment") if isinstance(annotation, dict) else None
    if not isinstance(segment, list) or len(segment) != 2:
        collector.broken(place, "is no annotation with a segment of two times")
        return
    times = collector.times(place, *segment)
    if times is None:
        return
    start, end = times
    collector.sample(
        place,
        video,
        (str(annotation.get("label", "")),),
        start_seconds=start,
        end_seconds=end,
        subset=subset,
        group=name,
    )


def _checked(file: AnnotationFile) -> dict[str, Any]:
    content = file.json()
    if not isinstance(content, dict) or not isinstance(content.get("database"), dict):
        raise DatasetError(f"{file.path} must have a database of videos")
    return content


def _class_names(content: dict[str, Any]) -> set[str]:
    taxonomy = content.get("taxonomy")
    nodes = [one for one in taxonomy if isinstance(one, dict)] if isinstance(taxonomy, list) else []
    if nodes:
        parents = {one.get("parentId") for one in nodes}
        return {str(one.get("nodeName")) for one in nodes if one.get("nodeId") not in parents}
    entries = [one for one in content["database"].values() if isinstance(one, dict)]
    lists = [one["annotations"] for one in entries if isinstance(one.get("annotations"), list)]
    annotations = [one for annotations in lists for one in annotations if isinstance(one, dict)]
    return {one["label"] for one in annotations if isinstance(one.get("label"), str)}


FORMAT = DatasetFormat(
    name="activitynet",
    title="ActivityNet",
    how="its taxonomy or its database of videos in JSON",
    recognise=recognise,
    read=read,
)
