"""The feature frames of a damaged video as a stream has them: what is taught is what is streamed.

    features   0 1 2 3 4 . . 5 6 7 |        | 8 9 10     . damage, | where pictures break off
    streamed   0 1 2 3 4 4 4 5 6 7   7   7    8 9 10     clips of 4: three, then the next begins

Where frames are damaged for a moment, a stream goes on with the picture before. Where pictures
break off for long, it goes on behind that, with all that it remembers; FAM Swin fills up the clip
at hand with the last picture before, a Spool does not. Nothing moves in a picture that is repeated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vidmem.teaching.encoding import VideoFeatures
from vidmem.video.sampling import STAND_IN_SECONDS, Gap

_SAME_SECONDS = 1e-3
"""Times that are no farther apart are the same."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamRows:
    """What a stream has for its T feature frames."""

    features: NDArray[np.int64]
    """`[T]`, number of the feature frame."""

    is_repeated: NDArray[np.bool_]
    """`[T]`; the picture of that feature frame once more, in the place of what is missing."""

    start_seconds: NDArray[np.float64]
    """`[T]`; what is repeated lies where it stands for something, and what fills up a clip at its
    end."""

    end_seconds: NDArray[np.float64]
    """`[T]`, half open."""

    times_seconds: NDArray[np.float64]
    """`[T]`, of the encoded frames."""


def stream_rows(features: VideoFeatures, *, feature_fps: float, clip_frames: int) -> StreamRows:
    """Lay out the feature frames of a video.

    Args:
        features: Of the video.
        feature_fps: Feature frames per second.
        clip_frames: Feature frames of a clip that is filled up where pictures break off; 1: none
            is.
    """
    starts, ends = features.start_seconds.numpy(), features.end_seconds.numpy()
    times = features.times_seconds.numpy()
    is_after_gap = starts[1:] - ends[:-1] > _SAME_SECONDS
    parts, num_rows = [], 0
    for first, stop in pairwise([0, *(np.flatnonzero(is_after_gap) + 1), len(starts)]):
        # Before the first good picture that one stands for those that are missing.
        since, picture = (float(ends[first - 1]), first - 1) if first else (0.0, 0)
        until = float(starts[first])
        gap = _break_between(features.gaps, since, until)
        if gap is not None and num_rows:
            # A group that the break cuts is there, too.
            until = max(since, gap.start_seconds - _SAME_SECONDS)
            num_missing = math.ceil((until - since) * feature_fps)
            num_missing += -(num_rows + num_missing) % clip_frames
        else:
            num_missing = 0 if gap else round((until - since) * feature_fps)
        edges = np.minimum(since + np.arange(num_missing + 1) / feature_fps, until)
        own = slice(first, stop)
        parts += [
            (np.full(num_missing, picture), np.ones(num_missing, bool), edges[:-1], edges[1:]),
            (np.arange(first, stop), np.zeros(stop - first, bool), starts[own], ends[own]),
        ]
        num_rows += num_missing + stop - first
    numbers, is_repeated, starts, ends = (np.concatenate(one) for one in zip(*parts, strict=True))
    return StreamRows(
        features=numbers,
        is_repeated=is_repeated,
        start_seconds=starts,
        end_seconds=ends,
        times_seconds=np.where(is_repeated, starts, times[numbers]),
    )


def _break_between(gaps: Sequence[Gap], since: float, until: float) -> Gap | None:
    """The first long gap in between; `None`: a moment's damage at most."""
    return next(
        (
            one
            for one in gaps
            if one.start_seconds < until
            and one.end_seconds > since + _SAME_SECONDS
            and one.end_seconds - one.start_seconds > STAND_IN_SECONDS
        ),
        None,
    )
