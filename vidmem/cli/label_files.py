"""Labels and predictions from files, for the commands that score them: one video, two names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vidmem.errors import SettingError
from vidmem.labels import Bout, Labels, Span, read


def read_labels(path: Path) -> Labels:
    """Labels of any format; of a predictions.csv, the most probable behaviours.

    Raises:
        LabelError: If it cannot be read, or something in it is wrong.
    """
    return read(path, on_problem="stop")


def on_videos_of(labels: Labels, other: Labels, *, chosen: str | None, what: str) -> Labels:
    """Labels under the names that other labels have for their videos.

    Those of one video, such as what a model predicted in a file, need not name it as the others do:
    `pen.predictions.csv` is about `pen.mp4`, or about the only video that there is.

    Args:
        labels: To be renamed.
        other: Whose names count.
        chosen: The video that is meant; `None`: by name.
        what: The file, for a message.

    Raises:
        SettingError: If it cannot be told which video is meant.
    """
    mine, theirs = _videos(labels), _videos(other)
    is_same = chosen in mine if chosen else set(mine) & set(theirs)
    if is_same or not mine or not theirs:
        return labels
    near = [name for name in theirs if len(mine) == 1 and _stem(name) == _stem(mine[0])]
    wanted = [chosen] if chosen else near if len(near) == 1 else theirs
    if len(mine) != 1 or len(wanted) != 1:
        raise SettingError(
            f"{what} is about {_listed(mine)}, the labels about {_listed(theirs)}; say with "
            "--video which one is meant"
        )
    return _renamed(labels, mine[0], wanted[0])


def _videos(labels: Labels) -> list[str]:
    return sorted({track.video for track in labels.tracks})


def _stem(video: str) -> str:
    name = Path(video).name.removesuffix(".csv")
    for ending in (".predictions", ".labels"):
        name = name.removesuffix(ending)
    return Path(name).stem


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)[:200] or "no video"


def _renamed(labels: Labels, old: str, new: str) -> Labels:
    def move(one: Bout | Span) -> Bout | Span:
        return one.changed(video=new) if one.video == old else one

    videos = tuple(
        replace(one, name=new) if one.name == old else one
        for one in labels.videos
        if one.name != new
    )
    return Labels(
        labels.ethogram,
        tuple(map(move, labels.bouts)),  # type: ignore[arg-type]
        not_scored=tuple(map(move, labels.not_scored)),  # type: ignore[arg-type]
        scored=tuple(map(move, labels.scored)),  # type: ignore[arg-type]
        videos=videos,
    )
