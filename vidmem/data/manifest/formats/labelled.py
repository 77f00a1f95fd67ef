"""What people labelled with vidmem: the labels of a project, or a file of labels of any format.

A sample is a bout of a person, and its class a behaviour that lasts. Point events have no length,
and what a model predicted is no truth to learn from: both are left out, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import AnnotationFile, DatasetFiles
from vidmem.data.manifest.formats.format import DatasetFormat
from vidmem.errors import LabelError
from vidmem.labels import Bout, Labels
from vidmem.labels.formats import ReadOptions, import_file
from vidmem.labels.formats.registry import format_of_source
from vidmem.labels.formats.source import Source
from vidmem.projects import Project
from vidmem.projects.storage.places import DATABASE


def is_project(files: DatasetFiles) -> bool:
    """By its database."""
    return (files.folder / DATABASE).is_file()


def read_project(collector: SampleCollector, files: Sequence[AnnotationFile]) -> None:
    """The bouts of a project; the file of each video as the project knows it."""
    folder = collector.files.folder
    collector.path = folder / DATABASE
    with Project.open(folder) as project:
        labels = project.labels.all().labels
        videos = {one.name: one for one in project.videos.list()}
        states = {name: project.videos.state_of(one) for name, one in videos.items()}

    def find(place: str, name: str) -> Path | None:
        if states[name] == "here":
            return videos[name].path
        what = {"missing": "is not where it was", "changed": "has other content than when labelled"}
        collector.num_named += 1
        collector.problem(place, "missing video", f"the file of {name} {what[states[name]]}")
        return None

    _take_labels(collector, labels, find)


def is_labels(file: AnnotationFile) -> bool:
    """By any format of labels that vidmem reads."""
    try:
        format_of_source(Source.open(file.path))
    except LabelError:
        return False
    return True


def read_labels(collector: SampleCollector, files: Sequence[AnnotationFile]) -> None:
    """The bouts of files of labels; what is wrong in them is a problem here, too."""
    for file in files:
        imported = import_file(file.path, ReadOptions(on_problem="skip"))
        collector.path = file.path
        for one in imported.problems:
            collector.num_named += 1
            collector.problem(one.place, one.kind, one.what, one.done)
        _take_labels(collector, imported.labels, collector.find)


def _take_labels(
    collector: SampleCollector, labels: Labels, find: Callable[[str, str], Path | None]
) -> None:
    collector.is_multi_label = True  # several axes may say something of one span
    collector.classes(one.name for one in labels.ethogram if one.kind == "state")
    bouts = [one for one in labels.bouts if one.is_human and not one.is_point]
    _note_left_out(collector, labels.bouts)
    for bout in bouts:
        place = str(bout)
        video = find(place, bout.video)
        if video is not None:
            collector.sample(
                place,
                video,
                (bout.behaviour,),
                start_seconds=bout.start_seconds,
                end_seconds=bout.end_seconds,
                group=bout.video,
                subject=bout.subject,
            )
    for known in labels.videos:
        path = collector.files.videos.find(Path(known.name).stem)
        if path is not None and known.duration_seconds:
            collector.stated_seconds.setdefault(path, known.duration_seconds)


def _note_left_out(collector: SampleCollector, bouts: Sequence[Bout]) -> None:
    num_points = sum(one.is_point for one in bouts)
    num_predicted = sum(not one.is_human and not one.is_point for one in bouts)
    if num_points:
        collector.note(f"left out, since they have no length: point events {num_points}")
    if num_predicted:
        collector.note(f"left out, since a model said so and no person: bouts {num_predicted}")


PROJECT = DatasetFormat(
    name="project",
    title="A vidmem project",
    how=f"its {DATABASE}",
    recognise_folder=is_project,
    read=read_project,
)
LABELS = DatasetFormat(
    name="labels",
    title="Labels of videos",
    how="a format of labels",
    recognise=is_labels,
    read=read_labels,
)
