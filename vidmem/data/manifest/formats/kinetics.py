"""Kinetics-400, 600 and 700: a CSV per subset, and clips that were cut from YouTube.

    label,youtube_id,time_start,time_end,split
    testifying,---QUuC4vJs,84,94,val

Some releases have a column `is_cc` more; `kinetics-600_test.csv` has no labels. A clip is a file
`<youtube_id>_<start>_<end>.mp4` with seconds of six digits, in a folder of its subset, its class or
both, or in none; a video that was not cut is `<youtube_id>.mp4`.
"""

from __future__ import annotations

from collections.abc import Sequence

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import AnnotationFile
from vidmem.data.manifest.formats.format import DatasetFormat, subset_called, subset_in_name

COLUMNS = ("youtube_id", "time_start", "time_end")


def recognise(file: AnnotationFile) -> bool:
    """By the names of its columns."""
    cells = [cell.strip().casefold() for cell in file.first_line.split(",")]
    return file.ending == ".csv" and set(COLUMNS) <= set(cells)


def read(collector: SampleCollector, files: Sequence[AnnotationFile]) -> None:
    """All subsets; the classes are those of all of them in alphabetical order."""
    for file in files:
        collector.path = file.path
        rows = collector.rows(file.text())
        columns = [name.casefold() for name in next(rows)[1]]
        for place, cells in rows:
            if len(cells) != len(columns):
                what = f"has {len(cells)} cells, and the header names {len(columns)} columns"
                collector.broken(place, what)
                continue
            _take(collector, place, dict(zip(columns, cells, strict=True)))


def _take(collector: SampleCollector, place: str, row: dict[str, str]) -> None:
    times = collector.times(place, row["time_start"], row["time_end"])
    if times is None:
        return
    start, end = times
    youtube_id, label = row["youtube_id"], row.get("label")
    subset = subset_called(row.get("split", "")) or subset_in_name(collector.path.name)
    folders = (subset, row.get("split", ""), *_folders_of(label or ""))
    clip = f"{youtube_id}_{start:06.0f}_{end:06.0f}"
    whole = collector.files.videos.find(youtube_id, folders)
    is_cut = whole is None or collector.files.videos.find(clip, folders) is not None
    video = collector.find(place, clip if is_cut else youtube_id, folders)
    if video is None:
        return
    collector.sample(
        place,
        video,
        () if label is None else (label,),
        start_seconds=0.0 if is_cut else start,
        end_seconds=None if is_cut else end,
        subset=subset,
        group=youtube_id,
    )
    if is_cut and end > start:
        collector.stated_seconds[video] = end - start


def _folders_of(label: str) -> tuple[str, ...]:
    """The folders that a class may have: its label, or as torchvision and others spell it."""
    plain = label
    for character in "'()":
        plain = plain.replace(character, "")
    return label, label.replace(" ", "_"), plain.replace(" ", "_")


FORMAT = DatasetFormat(
    name="kinetics",
    title="Kinetics",
    how="the columns youtube_id, time_start and time_end",
    recognise=recognise,
    read=read,
)
