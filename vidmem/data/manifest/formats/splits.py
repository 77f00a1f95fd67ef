"""Datasets with several official splits: which of their files are of the one that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import AnnotationFile
from vidmem.errors import DatasetError


def files_of_fold(
    collector: SampleCollector,
    files: Sequence[AnnotationFile],
    fold_of: Callable[[AnnotationFile], int],
) -> list[AnnotationFile]:
    """The files of the split that is wanted; a file that was given alone is read whatever it is of.

    Raises:
        DatasetError: If there are splits, and not this one.
    """
    folds = sorted(set(map(fold_of, files)))
    fold = fold_of(files[0]) if len(files) == 1 else collector.fold
    if fold not in folds:
        there = ", ".join(map(str, folds))
        raise DatasetError(f"{files[0].path.parent} has no split {fold}; its splits are {there}")
    if len(folds) > 1:
        collector.note(f"split {fold} of {len(folds)} is read")
    return [file for file in files if fold_of(file) == fold]
