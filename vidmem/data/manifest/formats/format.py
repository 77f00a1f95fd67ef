"""What the layout of a dataset is: how it is recognised, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vidmem.data.manifest.collecting import SampleCollector
from vidmem.data.manifest.files import AnnotationFile, DatasetFiles

_SUBSETS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_SUBSET_IN_NAME = re.compile(rf"(?<![a-z])({'|'.join(_SUBSETS)})(?![a-z])")


@dataclass(frozen=True, kw_only=True)
class DatasetFormat:
    """A layout: a file in this folder, and a line in the registry."""

    name: str
    """For `--kind`."""

    title: str
    """For people."""

    how: str
    """What it is recognised by, to end the sentence *recognised by*."""

    recognise: Callable[[AnnotationFile], bool] = lambda file: False
    """Whether a file has annotations of it, by its head."""

    recognise_folder: Callable[[DatasetFiles], bool] = lambda files: False
    """Whether a folder is of it, where no file says so."""

    read: Callable[[SampleCollector, Sequence[AnnotationFile]], None]
    """Give what files of annotations say to a collector; none: what the folder itself does."""


def subset_called(word: str) -> str:
    """`train`, `val` or `test`, however a dataset calls it; any other word is kept."""
    return _SUBSETS.get(word.casefold(), word)


def is_subset(word: str) -> bool:
    """Whether a word is the name of a subset, such as that of a folder."""
    return word.casefold() in _SUBSETS


def subset_in_name(name: str) -> str:
    """The subset that the name of a file has in it: `k400_val_list.txt`; empty: none."""
    found = _SUBSET_IN_NAME.search(name.casefold())
    return _SUBSETS[found[1]] if found else ""
