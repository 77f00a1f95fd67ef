"""The layouts, told apart by what lies in a folder and by how its files begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidmem.data.manifest.files import AnnotationFile, DatasetFiles
from vidmem.data.manifest.formats import (
    activitynet,
    ava,
    class_folders,
    hmdb51,
    kinetics,
    labelled,
    path_list,
    something,
    ucf101,
)
from vidmem.data.manifest.formats.format import DatasetFormat
from vidmem.errors import DatasetError

FORMATS: tuple[DatasetFormat, ...] = (
    labelled.PROJECT,
    kinetics.FORMAT,
    something.FORMAT,
    ucf101.FORMAT,
    hmdb51.FORMAT,
    activitynet.FORMAT,
    ava.FORMAT,
    path_list.FORMAT,
    class_folders.FORMAT,
    labelled.LABELS,
)
"""A dataset is of the first that recognises it: the special before the general."""

MAX_LOOKED_AT = 2000
"""Files of a folder whose head is read, the topmost first."""


@dataclass(frozen=True, kw_only=True)
class OpenedDataset:
    """Which layout a dataset has, and its files."""

    format: DatasetFormat
    files: DatasetFiles
    annotations: tuple[AnnotationFile, ...]
    """Those that are to be read; none: the folder itself says all."""

    notes: tuple[str, ...] = ()


def dataset_format(name: str) -> DatasetFormat:
    """The layout of a name, such as `kinetics`.

    Raises:
        DatasetError: If there is none; the message has the names there are.
    """
    for one in FORMATS:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in FORMATS)
    raise DatasetError(f"there is no kind of dataset {name!r:.60}; kinds: {names}")


def open_dataset(path: Path, kind: str | None, videos: Path | None) -> OpenedDataset:
    """The layout and the files of a dataset.

    Args:
        path: Its folder, or a file of its annotations.
        kind: Name of its layout; `None`: the first that recognises it.
        videos: The folder of its videos; `None`: below `path`, or for a file below its folder or
            the one above.

    Raises:
        DatasetError: If there is no such dataset, or none that is known.
    """
    wanted = FORMATS if kind is None else (dataset_format(kind),)
    if path.is_dir():
        return _open_folder(path, wanted, videos)
    if not path.is_file():
        raise DatasetError(f"{path} is not there; give a folder or a file of annotations")
    file = AnnotationFile(path)
    found = next((one for one in wanted if one.recognise(file)), None)
    if found is None:
        raise DatasetError(f"{path} has no annotations that are known; {_known_by(wanted)}")
    files = DatasetFiles.of(path.parent, videos)
    notes = []
    if videos is None and not len(files.videos):
        files = DatasetFiles.of(path.parent, path.parent.absolute().parent)
        notes.append(f"videos are looked for below {files.videos.folder}")
    return OpenedDataset(
        format=found, files=files, annotations=(file,), notes=(*notes, *_notes_on(files))
    )


def _open_folder(
    folder: Path, wanted: Sequence[DatasetFormat], videos: Path | None
) -> OpenedDataset:
    files = DatasetFiles.of(folder, videos)
    looked_at = files.annotations[:MAX_LOOKED_AT]
    fitting = []
    for one in wanted:
        # Any file of labels in a folder of a hundred does not make it a dataset.
        is_meant = len(wanted) == 1 or one is not labelled.LABELS
        annotations = _annotations_of(one, looked_at) if is_meant else ()
        if annotations or one.recognise_folder(files):
            fitting.append((one, annotations))
    if not fitting:
        raise DatasetError(
            f"{folder} ({len(files.videos)} videos, {len(looked_at)} files that could be "
            f"annotations) is no dataset that is known; {_known_by(wanted)}"
        )
    notes = _notes_on(files)
    found, annotations = fitting[0]
    others = [one.name for one, more in fitting[1:] if set(more) - set(annotations)]
    if others:
        notes.append(f"there are also annotations of the kind {', '.join(others)}; see --kind")
    return OpenedDataset(format=found, files=files, annotations=annotations, notes=tuple(notes))


def _annotations_of(
    one: DatasetFormat, files: Sequence[AnnotationFile]
) -> tuple[AnnotationFile, ...]:
    """Its files, of one folder: copies and other versions elsewhere are not mixed in."""
    found = [file for file in files if one.recognise(file)]
    return tuple(file for file in found if file.path.parent == found[0].path.parent)


def _notes_on(files: DatasetFiles) -> list[str]:
    if files.num_pictures and not len(files.videos):
        return [
            f"no videos are there, but pictures: {files.num_pictures}; frames that were written as "
            "pictures have to be made a video first, such as with ffmpeg"
        ]
    return []


def _known_by(wanted: Sequence[DatasetFormat]) -> str:
    return "kinds are known by: " + "; ".join(f"{one.name}: {one.how}" for one in wanted)
