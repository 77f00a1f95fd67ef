"""Labels at given times: what teaching and scores are made of.

lying      |-------|
scored     |-------------|
times      .   .   .   .   .   .
class      0   0   n   n   -   -     n: none of these, -: unlabelled, in no loss and no score
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidmem.errors import LabelError
from vidmem.labels.checks import TICKS_PER_SECOND
from vidmem.labels.ethogram import NONE_OF_THESE, NOT_SCORED
from vidmem.labels.labels import Labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

NO_CLASS = -1


@dataclass(frozen=True, eq=False)
class Samples:
    """What is said of one axis at each of `N` times. The arrays cannot be written to."""

    times_seconds: NDArray[np.float64]
    """`[N]`, as given."""

    class_names: tuple[str, ...]
    """The states of the axis in the ethogram's order, then `NONE_OF_THESE`."""

    class_indices: NDArray[np.int64]
    """`[N]`, into `class_names`; `NO_CLASS` (-1) where it is unlabelled or not scored."""

    is_unlabelled: NDArray[np.bool_]
    """`[N]`; nobody said anything. Never a negative."""

    is_not_scored: NDArray[np.bool_]
    """`[N]`; a person said that it cannot be told."""

    @property
    def is_labelled(self) -> NDArray[np.bool_]:
        """`[N]`; has a class, which may be *none of these*."""
        return self.class_indices != NO_CLASS

    @property
    def none_index(self) -> int:
        """The class of *none of these*."""
        return len(self.class_names) - 1


def sample(
    labels: Labels,
    video: str,
    times_seconds: Sequence[float] | NDArray[np.float64],
    axis: str,
    subject: str = "",
) -> Samples:
    """What is said of an axis at given times; point events are no part of it.

    A time belongs to the bout that starts at it, not to the one that ends there; both are taken to
    a microsecond.

    Args:
        labels: Of any videos.
        video: One that they do not know is unlabelled.
        times_seconds: Presentation times from the first frame, `[N]`, in any order.
        axis: Of the ethogram.
        subject: Empty: no one in particular.

    Raises:
        LabelError: If there is no such axis, or a time is NaN or infinite.
        ValueError: If the times are not a list of numbers.
    """
    import numpy as np  # here, so that who only reads and writes labels does without

    times = np.array(times_seconds, dtype=np.float64)
    if times.ndim != 1:
        raise ValueError(f"times_seconds must have shape [N], got {list(times.shape)}")
    if not np.isfinite(times).all():
        raise LabelError("the times of samples must be finite; one is NaN or infinite")
    timeline = labels.timeline(video, axis, subject)
    names = (*(one.name for one in labels.ethogram.states_of(axis)), NONE_OF_THESE)
    codes = {name: index for index, name in enumerate(names)}
    not_scored_code = len(names)
    codes[NOT_SCORED] = not_scored_code
    # A last one that nothing lies in, so that a time before all others (index -1) finds it.
    ends = np.array([*(one.end_seconds for one in timeline), -np.inf]) * TICKS_PER_SECOND
    what = np.array([*(codes[one.what] for one in timeline), NO_CLASS], dtype=np.int64)
    starts = np.array([one.start_seconds for one in timeline]) * TICKS_PER_SECOND
    ticks = np.rint(times * TICKS_PER_SECOND)
    at = np.searchsorted(np.rint(starts), ticks, side="right") - 1
    found = np.where(ticks < np.rint(ends)[at], what[at], NO_CLASS)
    is_not_scored = found == not_scored_code
    arrays = (
        times,
        np.where(is_not_scored, NO_CLASS, found),
        found == NO_CLASS,
        is_not_scored,
    )
    for array in arrays:
        array.flags.writeable = False
    return Samples(arrays[0], names, *arrays[1:])
