"""A manifest: the samples of a dataset, read from its official annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self, get_args

from vidmem.data.manifest.checking import Progress, look_at_videos
from vidmem.data.manifest.collecting import ProblemLog, SampleCollector
from vidmem.data.manifest.formats.registry import open_dataset
from vidmem.data.manifest.sample import DatasetSample
from vidmem.errors import DatasetError, LabelError, SettingError
from vidmem.labels.formats import OnProblem, Problem
from vidmem.labels.formats.format import ProblemKind

LATE_SECONDS = 0.5
"""Annotations round, and so do containers: an end this much behind that of the video is its end."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The samples of a dataset. Immutable; what is derived from it is another manifest."""

    samples: tuple[DatasetSample, ...]
    """Those that can be used, in the order of the annotations."""

    class_names: tuple[str, ...]
    folder: Path
    """That it was read from."""

    kind: str
    """Name of its layout, such as `kinetics`."""

    title: str
    """Of its layout, for people."""

    how: str
    """What the layout was recognised by."""

    problems: tuple[Problem, ...] = ()
    """What is wrong, the first thousand of each kind; see `problem_counts` for all."""

    problem_counts: Mapping[ProblemKind, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What to know of it and is no problem, a line each."""

    num_named: int = 0
    """Samples that the annotations name, also those that cannot be used."""

    durations: Mapping[Path, float] = field(default_factory=dict)
    """Seconds of the videos whose length is known: measured, or as the annotations say."""

    is_checked: bool = False
    """Whether its videos were opened; then lengths are measured ones."""

    @classmethod
    def read(  # noqa: PLR0913 - what a dataset may be, each setting by its name
        cls,
        path: str | Path,
        kind: str | None = None,
        *,
        videos: str | Path | None = None,
        fold: int = 1,
        class_names: Sequence[str] = (),
        on_problem: OnProblem = "skip",
        decode: bool = False,
        workers: int = 2,
        progress: Progress = lambda done, total: None,
    ) -> Self:
        """Read a dataset: a folder, or one file of its annotations.

        Args:
            path: The folder with annotations and videos, a file of annotations, or a project.
            kind: Name of its layout; `None`: by what lies there.
            videos: The folder of the videos; `None`: below `path`, or for a file below its folder
                or the one above.
            fold: Which split of a dataset with several, from 1.
            class_names: The classes that there are, in the order of their indices; none: as the
                dataset says, in alphabetical order where it does not.
            on_problem: "skip" leaves out what is wrong and names it; "stop" ends at the first.
            decode: Also open every video, as `check_videos` does.
            workers: Videos that are opened together.
            progress: Told how many videos were opened, and of how many.

        Raises:
            DatasetError: If there is no dataset that is known, or something is wrong in it and
                problems are to stop the reading.
            ProjectError: If a project cannot be opened.
            SettingError: If a setting is impossible.
        """
        if on_problem not in get_args(OnProblem):
            raise SettingError(f"on_problem must be 'skip' or 'stop', got {on_problem!r}")
        opened = open_dataset(Path(path), kind, None if videos is None else Path(videos))
        collector = SampleCollector(
            opened.files, ProblemLog(on_problem), fold=fold, given_classes=tuple(class_names)
        )
        try:
            opened.format.read(collector, opened.annotations)
        except LabelError as error:  # of a text that is none
            raise DatasetError(str(error)) from error
        samples, names = collector.result()
        manifest = cls(
            samples=samples,
            class_names=names,
            folder=opened.files.folder,
            kind=opened.format.name,
            title=opened.format.title,
            how=opened.format.how,
            problems=tuple(collector.log.kept),
            problem_counts=collector.log.counts,
            notes=(*opened.notes, *collector.notes),
            num_named=collector.num_named,
            durations=collector.stated_seconds,
        )
        if not decode:
            return manifest
        return manifest.check_videos(on_problem=on_problem, workers=workers, progress=progress)

    def check_videos(
        self,
        *,
        on_problem: OnProblem = "skip",
        workers: int = 2,
        timeout_seconds: float = 30.0,
        progress: Progress = lambda done, total: None,
    ) -> Self:
        """This manifest without samples of videos that cannot be opened, or behind their end.

        Each video is opened in a process of its own with a time limit, and its first frame decoded.

        Args:
            on_problem: As for `read`.
            workers: Videos that are opened together, 1 to 16.
            timeout_seconds: Longest silence of a decoder.
            progress: Told how many videos were opened, and of how many.

        Raises:
            DatasetError: If something is wrong, and problems are to stop the checking.
            SettingError: If `workers` is impossible.
        """
        looks = look_at_videos(
            (sample.video for sample in self.samples),
            workers=workers,
            timeout_seconds=timeout_seconds,
            progress=progress,
        )
        log = ProblemLog(on_problem)
        kept = []
        for sample in self.samples:
            if (reason := looks.failures.get(sample.video)) is not None:
                log.add(sample.annotation, sample.place, "undecodable", reason)
            elif (inside := _within(sample, looks.durations[sample.video], log)) is not None:
                kept.append(inside)
        counts = Counter(self.problem_counts)
        counts.update(log.counts)
        return replace(
            self,
            samples=tuple(kept),
            problems=(*self.problems, *log.kept),
            problem_counts=counts,
            durations=looks.durations,
            is_checked=True,
        )

    def where(self, keep: Callable[[DatasetSample], bool]) -> Self:
        """This manifest with some of its samples; classes keep their indices."""
        return replace(self, samples=tuple(filter(keep, self.samples)))

    def subset(self, name: str) -> Self:
        """The samples of a subset.

        Raises:
            SettingError: If the dataset has no such subset.
        """
        if name not in self.subset_counts:
            there = ", ".join(self.subset_counts) or "none"
            raise SettingError(f"{self.folder} has no subset {name!r}; its subsets are {there}")
        return self.where(lambda sample: sample.subset == name)

    def seconds_of(self, sample: DatasetSample) -> float | None:
        """How long a sample lasts; `None`: to the end of a video whose length is not known."""
        end = sample.end_seconds
        end = self.durations.get(sample.video) if end is None else end
        return None if end is None else end - sample.start_seconds

    @cached_property
    def subset_counts(self) -> dict[str, int]:
        """Samples of each subset, in alphabetical order; those of none are left out."""
        counts = Counter(sample.subset for sample in self.samples if sample.subset)
        return dict(sorted(counts.items()))

    @cached_property
    def class_counts(self) -> dict[str, int]:
        """Samples of each class, also where there are none; a sample of several counts in each."""
        counts = Counter(index for sample in self.samples for index in sample.classes)
        return {name: counts[index] for index, name in enumerate(self.class_names)}

    @cached_property
    def divided_groups(self) -> tuple[str, ...]:
        """Groups with samples in more than one subset: scores on these are too good."""
        subsets: dict[str, set[str]] = {}
        for sample in self.samples:
            if sample.subset:
                subsets.setdefault(sample.group, set()).add(sample.subset)
        return tuple(group for group, names in subsets.items() if len(names) > 1)

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[DatasetSample]:
        return iter(self.samples)

    def __repr__(self) -> str:
        return (
            f"Manifest({self.kind}, {len(self.samples)} samples of {self.num_named}, "
            f"{len(self.class_names)} classes, subsets={self.subset_counts})"
        )


def _within(sample: DatasetSample, duration: float, log: ProblemLog) -> DatasetSample | None:
    """A sample with its end in the video; `None`: it begins behind that."""
    if sample.start_seconds >= duration:
        what = f"starts at {sample.start_seconds:g} s, and {sample.video.name} lasts {duration:g} s"
        log.add(sample.annotation, sample.place, "outside", what)
        return None
    if sample.end_seconds is None or sample.end_seconds <= duration:
        return sample
    if sample.end_seconds > duration + LATE_SECONDS:
        what = f"ends at {sample.end_seconds:g} s, and {sample.video.name} lasts {duration:g} s"
        log.add(sample.annotation, sample.place, "outside", what, "it ends with the video")
    return replace(sample, end_seconds=duration)
