"""Find more like this: the stretches of all encoded footage whose features are nearest to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidmem.errors import SettingError

LONGEST_ALIKE_SECONDS = 10.0
"""Of what is compared: over more time than that most behaviours look like the mean of a video."""

_LEAST_SPREAD = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedStretch:
    """The features of a video, or of a region of it, frame after frame."""

    video: str
    values: NDArray[np.float32]
    """`[T, F]`, such as the mean over places of what a model is taught on."""

    start_seconds: NDArray[np.float64]
    """`[T]`, rising."""

    end_seconds: NDArray[np.float64]
    """`[T]`, half open."""

    subject: str = ""


@dataclass(frozen=True)
class SimilarStretch:
    """A stretch of some video, and how far its features lie from what was looked for."""

    video: str
    subject: str
    start_seconds: float
    end_seconds: float
    distance: float
    """Root of the mean square over features, each in units of its spread over all footage."""


def find_alike(
    stretches: Sequence[EncodedStretch],
    *,
    video: str,
    start_seconds: float,
    end_seconds: float,
    subject: str = "",
    count: int = 20,
) -> tuple[SimilarStretch, ...]:
    """Stretches whose mean features are nearest to those of a span; none overlap, nor it.

    Args:
        stretches: All encoded footage, the one with the span included.
        video: Of the span.
        start_seconds: Of the span; of a long one its middle is looked for.
        end_seconds: Of the span, half open.
        subject: Of the span.
        count: At most.

    Returns:
        The nearest first.

    Raises:
        SettingError: If no feature frame lies in the span.
    """
    own = next((one for one in stretches if (one.video, one.subject) == (video, subject)), None)
    middle, length = (start_seconds + end_seconds) / 2, end_seconds - start_seconds
    half = min(length, LONGEST_ALIKE_SECONDS) / 2
    is_in = (
        np.zeros(0, bool)
        if own is None
        else (own.end_seconds > middle - half) & (own.start_seconds < middle + half)
    )
    if own is None or not is_in.any():
        raise SettingError(
            f"{video} has no features from {start_seconds:g} to {end_seconds:g} s; encode it "
            "first, by teaching a model with it"
        )
    spread = _spread(stretches)
    wanted = own.values[is_in].mean(0) / spread
    num_frames = int(is_in.sum())
    found: list[SimilarStretch] = []
    for one in stretches:
        found += _nearest(one, wanted, spread, num_frames, count, _taken(one, own, is_in))
    return tuple(sorted(found, key=lambda one: one.distance)[:count])


def _spread(stretches: Sequence[EncodedStretch]) -> NDArray[np.float64]:
    """`[F]`, the standard deviation of each feature over all footage."""
    total = sum(len(one.values) for one in stretches)
    mean = sum(one.values.sum(0, dtype=np.float64) for one in stretches) / total
    squares = sum(((one.values - mean) ** 2).sum(0) for one in stretches) / total
    return np.sqrt(np.maximum(squares, _LEAST_SPREAD))


def _taken(one: EncodedStretch, own: EncodedStretch, is_in: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`[T]`: frames of the span itself."""
    return is_in if one is own else np.zeros(len(one.values), bool)


def _nearest(
    one: EncodedStretch,
    wanted: NDArray[np.float64],
    spread: NDArray[np.float64],
    num_frames: int,
    count: int,
    is_taken: NDArray[np.bool_],
) -> list[SimilarStretch]:
    """The nearest windows of one video that do not overlap."""
    num_windows = len(one.values) - num_frames + 1
    if num_windows < 1:
        return []
    sums = np.cumsum(np.vstack([np.zeros_like(wanted), one.values / spread]), axis=0)
    means = (sums[num_frames:] - sums[:-num_frames]) / num_frames
    distances = np.sqrt(((means - wanted) ** 2).mean(1))
    taken = np.concatenate([[0], np.cumsum(is_taken)])
    is_free = taken[num_frames:] == taken[:-num_frames]
    # A break in the footage is no stretch of it.
    firsts = np.arange(num_windows)
    lasts = firsts + num_frames - 1
    lengths = one.end_seconds[lasts] - one.start_seconds[firsts]
    frames = float(np.median(one.end_seconds - one.start_seconds))
    is_free &= lengths <= 1.5 * num_frames * frames
    found: list[SimilarStretch] = []
    for at in np.argsort(distances, kind="stable"):
        if len(found) == count:
            break
        if not is_free[at]:
            continue
        is_free[max(0, at - num_frames + 1) : at + num_frames] = False
        found.append(
            SimilarStretch(
                one.video,
                one.subject,
                float(one.start_seconds[at]),
                float(one.end_seconds[lasts[at]]),
                float(distances[at]),
            )
        )
    return found
