"""Whose labels are taught of which part of which video.

whole picture   monday.mp4                labels of one subject, or of no one in particular
regions         monday.mp4, region pen1   labels whose subject is pen1
                monday.mp4, region pen2   labels whose subject is pen2
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidmem.errors import LabelError, SettingError
from vidmem.files import read_json
from vidmem.labels import Labels
from vidmem.streaming.feeds.regions import Region, check_regions
from vidmem.teaching.samples import key_of

Regions = Mapping[str, Sequence[Region]]
"""Those of each video, by its name as the labels have it or by a pattern such as `camera1*`."""

ANY_VIDEO = "*"
"""The pattern of regions that are those of each video."""


@dataclass(frozen=True, kw_only=True)
class TaughtPart:
    """A video, or a region of one, and whose labels are of it."""

    name: str
    """The video, as the labels call it."""

    path: Path
    subject: str = ""
    region: Region | None = None
    """`None`: the whole picture."""

    @property
    def key(self) -> str:
        """That of the taught video that is made of it."""
        return key_of(self.name, self.subject)


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Whose labels are of which part."""

    labels: Labels
    """Of those who are taught, each under the subject that its part has."""

    parts: tuple[TaughtPart, ...]


def read_regions(path: str | Path) -> Regions:
    """Regions from a JSON file: a list for all videos, or an object with a list for each.

    Args:
        path: `[{"name": "pen1", "left": 0, "top": 0, "width": 0.5, "height": 1}, ...]`, as `vidmem
            watch --regions` takes it, or `{"camera1*": [...], "camera2*": [...]}`.

    Raises:
        SettingError: If it cannot be read, or holds something else.
    """
    try:
        values = read_json(path)
    except (OSError, ValueError):
        values = None
    if not isinstance(values, dict):
        return {ANY_VIDEO: Region.read_file(path)}  # which says what is wrong with any other
    return regions_from_json(values, str(path))


def regions_from_json(values: Any, where: str) -> Regions:
    """Regions from what JSON made of a file of them.

    Args:
        values: A list for all videos, or an object with a list for each; see `read_regions`.
        where: They are from, for what is said of them.

    Raises:
        SettingError: If it is something else.
    """
    if not isinstance(values, dict):
        return {ANY_VIDEO: Region.from_json(values, where)}
    return {name: Region.from_json(own, f"{where}, {name}:") for name, own in values.items()}


def checked_regions(regions: Regions | Sequence[Region] | str | Path | None) -> Regions:
    """Regions as a person gives them, by video.

    Args:
        regions: By video, the same for all, or a file for `read_regions`; `None`: none.

    Raises:
        SettingError: If there are none after all, too many, or two of one video have one name.
    """
    if regions is None:
        return {}
    if isinstance(regions, str | Path):
        regions = read_regions(regions)
    elif not isinstance(regions, Mapping):
        regions = {ANY_VIDEO: regions}
    for own in regions.values() or [()]:
        check_regions(own)
    return regions


def assign(
    labels: Labels, sources: Mapping[str, Path], subject: str | None, regions: Regions
) -> Assignment:
    """Find out whose labels are taught of which part of which video.

    Args:
        labels: Of all videos.
        sources: Their files, by name.
        subject: Teach this one only; `None`: all that can be told apart.
        regions: Empty: whole pictures are taught.

    Raises:
        LabelError: If a video's labels are of several and nothing says where each is seen, or if
            with regions they do not say whose they are.
        SettingError: If there is no such subject, or a video has no regions.
    """
    known = labels.subjects
    if subject is not None and subject not in known:
        raise SettingError(
            f"the labels say nothing of {subject!r:.60}; they are of "
            f"{', '.join(one or 'no one in particular' for one in known)[:200] or 'nobody'}"
        )
    if regions:
        return _by_region(labels, sources, subject, regions)
    if subject is not None:
        labels = labels.for_subject(subject)
    subjects = {name: _subjects_in(labels, name) for name in sources}
    for name, own in subjects.items():
        if len(own) > 1:
            raise LabelError(
                f"the labels of {name} are of several animals ({_list(own)}), and a model judges "
                "the whole picture; say where each is (regions), or whose are to be taught"
            )
    # Of a video without labels of anybody.
    other = subject if subject is not None else known[0] if len(known) == 1 else ""
    parts = (
        TaughtPart(name=name, path=path, subject=next(iter(subjects[name]), other))
        for name, path in sources.items()
    )
    return Assignment(labels=labels, parts=tuple(parts))


def _by_region(
    labels: Labels, sources: Mapping[str, Path], subject: str | None, regions: Regions
) -> Assignment:
    by_video = {name: _regions_of(name, regions) for name in sources}
    if subject is not None:
        labels = labels.for_subject(subject)
        by_video = {
            name: tuple(one for one in own if one.name == subject) for name, own in by_video.items()
        }
        if not any(by_video.values()):
            raise SettingError(
                f"no region is called {subject or 'no one'}, whose labels are to be taught; name "
                "the region as they do"
            )
    elif labels.subjects == ("",) and all(len(own) == 1 for own in by_video.values()):
        labels = _named(labels, {name: own[0].name for name, own in by_video.items()})
    for name, own in by_video.items():
        _check_subjects(name, _subjects_in(labels, name), [one.name for one in own])
    parts = (
        TaughtPart(name=name, path=sources[name], subject=one.name, region=one)
        for name, own in by_video.items()
        for one in own
    )
    return Assignment(labels=labels, parts=tuple(parts))


def _regions_of(name: str, regions: Regions) -> tuple[Region, ...]:
    fitting = [name] if name in regions else [one for one in regions if fnmatch.fnmatch(name, one)]
    if len(fitting) != 1:
        those = "none" if not fitting else f"those of {_list(fitting)}"
        raise SettingError(
            f"the regions of {name} are {those}; the regions of a video are given by its name, or "
            "by one pattern that fits it"
        )
    return tuple(regions[fitting[0]])


def _named(labels: Labels, subjects: Mapping[str, str]) -> Labels:
    """Labels of no one in particular, given to the one who is seen in each video."""
    return Labels(
        labels.ethogram,
        tuple(one.changed(subject=subjects[one.video]) for one in labels.bouts),
        tuple(one.changed(subject=subjects[one.video]) for one in labels.not_scored),
        tuple(one.changed(subject=subjects[one.video]) for one in labels.scored),
        labels.videos,
    )


def _check_subjects(name: str, subjects: Sequence[str], regions: Sequence[str]) -> None:
    if "" in subjects:
        raise LabelError(
            f"labels of {name} do not say whose they are, and there are regions "
            f"({_list(regions)}); give each label the name of its region as its subject"
        )
    missing = [one for one in subjects if one not in regions]
    if missing:
        raise LabelError(
            f"the labels of {name} are also of {_list(missing)}, and no region there is called "
            f"that (they are {_list(regions)}); draw it, name it as the labels do, or teach one "
            "subject alone"
        )


def _subjects_in(labels: Labels, name: str) -> tuple[str, ...]:
    return tuple(sorted({track.subject for track in labels.tracks if track.video == name}))


def _list(names: Sequence[str]) -> str:
    return ", ".join(one or "no one in particular" for one in names)[:200]
