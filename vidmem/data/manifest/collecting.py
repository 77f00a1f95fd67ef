"""What the annotations of a dataset say, row by row, with every problem named and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vidmem.data.manifest.files import DatasetFiles, folders_of_path, stem_of_path
from vidmem.data.manifest.sample import Box, DatasetSample
from vidmem.errors import DatasetError, LabelError
from vidmem.labels.checks import LONGEST_SECONDS
from vidmem.labels.formats import OnProblem, Problem
from vidmem.labels.formats.collecting import clean_name, number_or_none
from vidmem.labels.formats.format import ProblemKind
from vidmem.labels.formats.tables import read_rows
from vidmem.units import visible

MAX_PROBLEMS = 1000
"""Kept of each kind; more are counted."""


class ProblemLog:
    """Problems, the first of each kind kept and all of them counted."""

    def __init__(self, on_problem: OnProblem) -> None:
        """`on_problem` is what becomes of the first one."""
        self._on_problem = on_problem
        self.kept: list[Problem] = []
        self.counts: Counter[ProblemKind] = Counter()

    def add(
        self,
        path: Path,
        place: str,
        kind: ProblemKind,
        what: str,
        done: str = "it is left out",
    ) -> None:
        """Name a problem.

        Raises:
            DatasetError: If the first problem stops the reading.
        """
        problem = Problem(path=path, place=place, kind=kind, what=visible(what), done=done)
        if self._on_problem == "stop":
            where = f", {place}" if place else ""
            raise DatasetError(f"{path}{where}: {problem.what}; nothing was read")
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_PROBLEMS:
            self.kept.append(problem)


@dataclass
class SampleCollector:
    """Takes what the annotations of a dataset say."""

    files: DatasetFiles
    log: ProblemLog
    fold: int = 1
    """Which of several official splits is wanted."""

    given_classes: tuple[str, ...] = ()
    """The classes that there are, whatever the dataset says."""

    path: Path = field(default_factory=Path)
    """The file that is being read."""

    is_multi_label: bool = False
    """Whether one span may have several classes, each in a row of its own."""

    num_named: int = 0
    """Samples that the annotations name, also those that were left out."""

    notes: dict[str, None] = field(default_factory=dict)
    stated_seconds: dict[Path, float] = field(default_factory=dict)
    """How long a video is, as the annotations say."""

    _known: dict[str, int] | None = field(default=None, init=False)
    """Classes that the dataset lists, with their indices; `None`: they come with the labels."""

    _met: dict[str, int] = field(default_factory=dict, init=False)
    """Classes in the order in which labels came, where the dataset lists none."""

    _samples: list[DatasetSample] = field(default_factory=list, init=False)
    _seen: dict[tuple[object, ...], int] = field(default_factory=dict, init=False)
    """The first sample of each span."""

    def __post_init__(self) -> None:
        if self.given_classes:
            self._known = _indices_of(self.given_classes, "class_names")

    def problem(
        self, place: str, kind: ProblemKind, what: str, done: str = "it is left out"
    ) -> None:
        """Name a problem of the file that is being read.

        Raises:
            DatasetError: If the first problem stops the reading.
        """
        self.log.add(self.path, place, kind, what, done)

    def note(self, sentence: str) -> None:
        """Say once what is no problem."""
        self.notes[sentence] = None

    def rows(self, text: str, delimiter: str = ",") -> Iterator[tuple[str, list[str]]]:
        """The lines of a table that are not empty: their place, and their cells without space.

        Raises:
            DatasetError: If it is no table.
        """
        try:
            for number, cells in read_rows(text, delimiter):
                if any(one.strip() for one in cells):
                    yield f"row {number}", [one.strip() for one in cells]
        except LabelError as error:
            raise DatasetError(f"{self.path}: {error}") from error

    def classes(self, names: Iterable[str]) -> None:
        """Take the classes that there are, in their order; a label that is none is a problem.

        Raises:
            DatasetError: If one comes twice.
        """
        if not self.given_classes:
            self._known = _indices_of(names, f"the list of classes of {self.files.folder}")

    def find(self, place: str, name: str, folders: Sequence[str] = ()) -> Path | None:
        """The file of a video that an annotation names; that there is none is a problem.

        Args:
            place: Where it is named.
            name: Its path, its file's name, or that without an ending.
            folders: Of several files, the one in most of these folders is meant.
        """
        stem = stem_of_path(name)
        path = self.files.videos.find(stem, (*folders, *folders_of_path(name)))
        if path is None:
            self.num_named += 1
            self.problem(place, "missing video", f"there is no video {name:.200}")
        return path

    def times(self, place: str, *texts: object) -> tuple[float, ...] | None:
        """Times in seconds, as cells or values of JSON; that one is none is a problem."""
        numbers = [number_or_none(text) for text in texts]
        if None in numbers:
            self.num_named += 1
            shown = ", ".join(repr(text)[:40] for text in texts)
            self.problem(place, "no time", f"has {shown} for times in seconds")
            return None
        return tuple(one for one in numbers if one is not None)

    def broken(self, place: str, what: str) -> None:
        """Name a row that cannot be read at all."""
        self.num_named += 1
        self.problem(place, "damaged", what)

    def sample(  # noqa: PLR0913 - the fields of a sample, each by its name
        self,
        place: str,
        video: Path,
        labels: Sequence[str],
        *,
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        subset: str = "",
        group: str = "",
        subject: str = "",
        box: Box | None = None,
    ) -> None:
        """Take a sample, or name what is wrong with it.

        Args:
            place: Where the file says it.
            video: Its file.
            labels: Names of its classes; none: its label is held back.
            start_seconds: From the first frame of the video.
            end_seconds: Half open; `None`: the end of the video.
            subset: `train`, `val` or `test`.
            group: What must not be divided; empty: the video.
            subject: Who or what does it.
            box: Where in the picture.
        """
        self.num_named += 1
        if not self._is_span(place, start_seconds, end_seconds):
            return
        classes = self._indices(place, labels)
        if classes is None:
            return
        key = (video, start_seconds, end_seconds, subject, box)
        key = (*key, classes) if self.is_multi_label else key
        if (earlier := self._seen.setdefault(key, len(self._samples))) != len(self._samples):
            self._name_duplicate(place, self._samples[earlier], classes, subset)
            return
        self._samples.append(
            DatasetSample(
                video=video,
                classes=classes,
                start_seconds=start_seconds,
                end_seconds=end_seconds,
                subset=subset,
                group=group or video.stem,
                subject=subject,
                box=box,
                annotation=self.path,
                place=place,
            )
        )

    def result(self) -> tuple[tuple[DatasetSample, ...], tuple[str, ...]]:
        """The samples in the order of the files, and the class names that they index."""
        if self._known is not None:
            return tuple(self._samples), tuple(self._known)
        names = sorted(self._met)
        new = {self._met[name]: index for index, name in enumerate(names)}
        # Indices came as the labels did; in alphabetical order they do not depend on that.
        samples = (
            replace(one, classes=tuple(sorted(new[index] for index in one.classes)))
            for one in self._samples
        )
        return tuple(samples), tuple(names)

    def _indices(self, place: str, labels: Sequence[str]) -> tuple[int, ...] | None:
        indices = []
        for label in labels:
            name = clean_name(label)
            index = (
                self._met.setdefault(name, len(self._met))
                if self._known is None
                else self._known.get(name)
            )
            if index is None or not name:
                what = f"{name:.100} is no class of this dataset" if name else "has no label"
                self.problem(place, "unknown class", what)
                return None
            indices.append(index)
        return tuple(sorted(set(indices)))

    def _is_span(self, place: str, start: float, end: float | None) -> bool:
        if not 0 <= start <= LONGEST_SECONDS:
            self.problem(place, "no time", f"starts at {start:g} s, which is no time of a video")
            return False
        if end is not None and end <= start:
            self.problem(place, "no time", f"ends at {end:g} s, and starts at {start:g} s")
            return False
        return True

    def _name_duplicate(
        self, place: str, earlier: DatasetSample, classes: tuple[int, ...], subset: str
    ) -> None:
        where = f"{earlier.annotation.name}, {earlier.place}" if earlier.place else "another file"
        what = f"says again what {where} says"
        if earlier.subset != subset:
            what = f"has in {subset or 'no subset'} what {where} has in {earlier.subset or 'none'}"
        elif earlier.classes != classes:
            what = f"says another class than {where} of the same span"
        self.problem(place, "duplicate", what)


def _indices_of(names: Iterable[str], what: str) -> dict[str, int]:
    indices: dict[str, int] = {}
    for index, name in enumerate(map(clean_name, names)):
        # Merged they would shift all that follow, and models count by index.
        if indices.setdefault(name, index) != index:
            raise DatasetError(f"{what} has {name!r:.100} twice; each class must have its own name")
    return indices
