"""A folder per class, as many tools want it: `<class>/*.mp4`, or `train/<class>/*.mp4`.

Kinetics without its CSV looks like this, too; then clips of one YouTube video are a group.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import AnnotationFile, DatasetFiles
from vidmem.data.manifest.formats.format import DatasetFormat, is_subset, subset_called

_KINETICS_CLIP = re.compile(r"(?P<youtube_id>.{11})_\d{6}_\d{6}")


def recognise_folder(files: DatasetFiles) -> bool:
    """By videos that lie in folders."""
    return any(len(_parts(files, path)) > 1 for path in files.video_paths)


def read(collector: SampleCollector, files: Sequence[AnnotationFile]) -> None:
    """Every video below the folder; there are no files of annotations."""
    for path in collector.files.video_paths:
        parts = _parts(collector.files, path)
        collector.path = path
        subset = subset_called(parts[0]) if is_subset(parts[0]) and len(parts) > 1 else ""
        folders = parts[1:-1] if subset else parts[:-1]
        if not folders:
            collector.broken("", "lies in no folder of a class")
            continue
        clip = _KINETICS_CLIP.fullmatch(path.stem)
        group = clip["youtube_id"] if clip else ""
        collector.sample("", path, (folders[0],), subset=subset, group=group)


def _parts(files: DatasetFiles, path: Path) -> tuple[str, ...]:
    return path.relative_to(files.videos.folder).parts


FORMAT = DatasetFormat(
    name="folders",
    title="A folder per class",
    how="its folders of videos",
    recognise_folder=recognise_folder,
    read=read,
)
