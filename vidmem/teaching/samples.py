"""Labels and features together: what is learnt from, and what of it nobody said anything about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidmem.errors import LabelError
from vidmem.labels import NO_CLASS, NONE_OF_THESE, Bout, Labels, none_of_axis, sample
from vidmem.models import CardAxis
from vidmem.teaching.stream_rows import StreamRows

AVERAGED_FRAMES = 1024
"""Feature frames that are averaged at a time: those of hours are gigabytes in float32."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TaughtVideo:
    """Features of a video, or of a region of it, and what a person said at the time of each."""

    name: str
    """The video, as the labels call it."""

    subject: str = ""
    """Whose labels; with regions, the name of the region."""

    values: Tensor
    """`[T, P, F]`, float16: features of T feature frames."""

    times_seconds: NDArray[np.float64]
    """`[T]`, of the encoded frames."""

    start_seconds: NDArray[np.float64]
    """`[T]`, from which a feature frame counts."""

    end_seconds: NDArray[np.float64]
    """`[T]`, half open."""

    classes: NDArray[np.int64]
    """`[A, T]`, for each axis an index into its classes; `NO_CLASS` where nobody said anything, or
    said that it cannot be told: never a negative."""

    is_repeated: NDArray[np.bool_]
    """`[T]`; a picture once more, as a stream has it where the video is damaged: context alone."""

    @property
    def key(self) -> str:
        """Tells it from all others that are taught together."""
        return key_of(self.name, self.subject)

    @cached_property
    def is_labelled(self) -> NDArray[np.bool_]:
        """`[T]`; has a class of some axis."""
        return (self.classes != NO_CLASS).any(0)

    @cached_property
    def frame_values(self) -> NDArray[np.float32]:
        """`[T, F]`: the mean over the places of a frame, which the linear head sees."""
        pieces = self.values.split(AVERAGED_FRAMES)
        return torch.cat([piece.float().mean(1) for piece in pieces]).numpy()


def key_of(video: str, subject: str) -> str:
    """The key of a taught video, which people can read, too."""
    return f"{video}, {subject}" if subject else video


def taught_axes(labels: Labels, axes: Sequence[str] = ()) -> tuple[CardAxis, ...]:
    """The axes and classes that labels can teach.

    A behaviour without a bout is left out. *None of these* is a class where a person marked spans
    as looked at in which no behaviour of the axis happened.

    Args:
        labels: Of all videos and subjects that are taught.
        axes: Which ones; empty: all with states.

    Raises:
        LabelError: If there is no such axis, or nothing to tell apart in one.
    """
    for axis in axes:
        labels.ethogram.check_axis(axis)
    chosen = tuple(axes) or tuple(a for a in labels.ethogram.axes if labels.ethogram.states_of(a))
    counts = {axis: _num_bouts(labels, axis) for axis in chosen}
    said = tuple(axis for axis in chosen if counts[axis] or axis in axes)
    if not said:
        raise LabelError(
            "the labels have no bout of a state; label some of what is to be recognised, and some "
            "of what it is to be told from"
        )
    has_none = {axis for axis in said if NONE_OF_THESE in counts[axis]}
    found = []
    for axis in said:
        _check_classes(axis, counts[axis])
        states = [one.name for one in labels.ethogram.states_of(axis) if one.name in counts[axis]]
        none = NONE_OF_THESE if len(has_none) < 2 else none_of_axis(axis)
        found.append(CardAxis(axis, (*states, none) if axis in has_none else tuple(states)))
    return tuple(found)


def taught_video(
    rows: StreamRows,
    values: Tensor,
    labels: Labels,
    axes: Sequence[CardAxis],
    *,
    name: str,
    subject: str = "",
) -> TaughtVideo:
    """Labels at the times of a video's features.

    Args:
        rows: The feature frames of the video, as a stream has them.
        values: `[T, P, F]`, what was made of these.
        labels: Of any videos.
        axes: Of `taught_axes`.
        name: The video, as the labels call it.
        subject: Whose.
    """
    classes = classes_at(rows.times_seconds, labels, axes, name=name, subject=subject)
    return TaughtVideo(
        name=name,
        values=values,
        subject=subject,
        times_seconds=rows.times_seconds,
        start_seconds=rows.start_seconds,
        end_seconds=rows.end_seconds,
        # Whatever was said of what cannot be seen, it is not seen.
        classes=np.where(rows.is_repeated, NO_CLASS, classes),
        is_repeated=rows.is_repeated,
    )


def classes_at(
    times_seconds: NDArray[np.float64],
    labels: Labels,
    axes: Sequence[CardAxis],
    *,
    name: str,
    subject: str = "",
) -> NDArray[np.int64]:
    """`[A, T]`: what labels say at some times of a video, as `TaughtVideo.classes` has it."""
    rows = []
    for axis in axes:
        samples = sample(labels, name, times_seconds, axis.name, subject)
        code = {one: index for index, one in enumerate(axis.class_names)}
        none = next((index for one, index in code.items() if is_none(one, axis)), NO_CLASS)
        # The last of all is what an unlabelled sample (-1) finds.
        table = [*(code.get(one, NO_CLASS) for one in samples.class_names[:-1]), none, NO_CLASS]
        rows.append(np.array(table)[samples.class_indices])
    return np.stack(rows)


def is_none(class_name: str, axis: CardAxis) -> bool:
    """Whether a class of an axis stands for time in which no behaviour of it happens."""
    return class_name in (NONE_OF_THESE, none_of_axis(axis.name))


def check_inside(bouts: Sequence[Bout], video: str, duration_seconds: float) -> None:
    """See that labels do not reach beyond their video.

    Raises:
        LabelError: If one does, with which.
    """
    # A container's duration may be a frame short of its last presentation time.
    beyond = [one for one in bouts if one.end_seconds > duration_seconds + 0.5]
    if beyond:
        more = f", and {len(beyond) - 1} more" if len(beyond) > 1 else ""
        raise LabelError(
            f"{beyond[0]} ends after the video, which lasts {duration_seconds:.1f} s{more}: these "
            "are labels of another file, or of another version of it; correct them first"
        )


def _num_bouts(labels: Labels, axis: str) -> Counter[str]:
    """Of each behaviour, and stretches of *none of these*."""
    whose = {(track.video, track.subject) for track in labels.tracks}
    stretches = (one for video, subject in whose for one in labels.timeline(video, axis, subject))
    names = {one.name for one in labels.ethogram.states_of(axis)} | {NONE_OF_THESE}
    return Counter(one.what for one in stretches if one.what in names)


def _check_classes(axis: str, counts: Counter[str]) -> None:
    if len(counts) < 2:
        only = next(iter(counts), "nothing")
        raise LabelError(
            f"all labels of {axis} say {only}; label also what it is to be told from: another "
            "behaviour of the axis, or time marked as scored in which none of them happens"
        )
    single = [name for name, count in counts.items() if count < 2]
    if single:
        raise LabelError(
            f"{single[0]} has one bout; it takes two, one to learn from and one to be tested with: "
            "label another, or leave the behaviour out"
        )
