"""Barn videos as labelled clips, for training and for tests of memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidmem.data.barn.behaviour import CLASS_NAMES, BarnConfig
from vidmem.data.barn.video import SIGHTING_KINDS, BarnVideo

MOMENTS = 4
"""Moments of a clip, evenly spread, at which its sows are looked up."""


@dataclass(frozen=True)
class LabelledClips:
    """Clips of one video in order, each window starting where the one before ends."""

    pixels: NDArray[np.uint8]
    """`[N, T, H, W, 3]`"""

    labels: NDArray[np.int64]
    """`[N]`, index into `CLASS_NAMES`: the label that lasts longest in the window."""

    delay_clips: NDArray[np.int64]
    """`[N]`: for a resting window, how many clips ago the visit that decides its label ended (from
    1); -1 for other windows."""

    purity: NDArray[np.float64]
    """`[N]`: share of the window that has its label, 0 to 1."""

    sow_places: NDArray[np.float64]
    """`[N, K, 3, 2]`: where the three sows are at `MOMENTS` moments of each clip, as fractions of
    the picture from the left and the top."""

    sow_kinds: NDArray[np.int64]
    """`[N, K, 3]`: what they do, index into `SIGHTING_KINDS`."""

    def __post_init__(self) -> None:
        columns = (self.labels, self.delay_clips, self.purity, self.sow_places, self.sow_kinds)
        if any(len(column) != len(self.pixels) for column in columns):
            raise ValueError("pixels, labels and the rest must have one entry per clip")


def label_windows(
    video: BarnVideo, *, clip_seconds: float, num_clips: int, start_seconds: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Labels, delays and purities of contiguous windows, as in `LabelledClips`, drawing nothing."""
    labels = np.empty(num_clips, np.int64)
    delays = np.full(num_clips, -1, np.int64)
    purity = np.empty(num_clips, np.float64)
    for number in range(num_clips):
        start = start_seconds + number * clip_seconds
        label, purity[number] = video.window_majority(start, start + clip_seconds)
        labels[number] = CLASS_NAMES.index(label)
        for bout in video.bouts_between(start, start + clip_seconds):
            if bout.label == label and bout.deciding_seconds is not None:
                decided_in = (bout.deciding_seconds - start_seconds) // clip_seconds
                delays[number] = number - int(decided_in)
    return labels, delays, purity


def see_sows(
    video: BarnVideo, times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Where the three sows are and what they do at moments `[N, K]`, in seconds.

    Returns:
        Places, `[N, K, 3, 2]`, as fractions of the picture from the left and the top; and kinds,
        `[N, K, 3]`, indices into `SIGHTING_KINDS`.
    """
    sightings = [video.sightings(float(seconds)) for seconds in times.ravel()]
    places = np.array([[(sow.x, sow.y) for sow in sows] for sows in sightings])
    kinds = np.array([[SIGHTING_KINDS.index(sow.kind) for sow in sows] for sows in sightings])
    return places.reshape(*times.shape, -1, 2), kinds.reshape(*times.shape, -1)


def render_clips(  # noqa: PLR0913 - the shape of the clips, each number by its name
    config: BarnConfig,
    *,
    fps: float = 4.0,
    clip_frames: int = 16,
    width: int = 160,
    height: int = 96,
    num_clips: int,
    start_seconds: float = 0.0,
    swap_visits: bool = False,
) -> LabelledClips:
    """Draw contiguous, non-overlapping clips of one video, the frame squashed to a size.

    Args:
        config: Of the video; must be long enough.
        fps: Sampled frames per second.
        clip_frames: Sampled frames in a clip.
        width: Of a frame, in pixels.
        height: Of a frame, in pixels.
        num_clips: How many clips.
        start_seconds: Where the first window starts.
        swap_visits: Draw the twin; see `BarnVideo`.

    Raises:
        ValueError: If the video ends before the last clip does.
    """
    clip_seconds = clip_frames / fps
    end = start_seconds + num_clips * clip_seconds
    if end > config.duration_seconds + 1e-6:
        raise ValueError(
            f"{num_clips} clips of {clip_seconds:g} s from {start_seconds:g} s end at {end:g} s, "
            f"but the video ends at {config.duration_seconds:g} s; raise minutes"
        )
    video = BarnVideo(config, swap_visits=swap_visits)
    labels, delays, purity = label_windows(
        video, clip_seconds=clip_seconds, num_clips=num_clips, start_seconds=start_seconds
    )
    times = start_seconds + np.arange(num_clips * clip_frames) / fps
    pixels = video.frames(times, width, height)
    within = ((np.arange(MOMENTS) + 0.5) * clip_frames / MOMENTS - 0.5) / fps
    moments = start_seconds + clip_seconds * np.arange(num_clips)[:, None] + within
    sow_places, sow_kinds = see_sows(video, moments)
    return LabelledClips(
        pixels=pixels.reshape(num_clips, clip_frames, height, width, 3),
        labels=labels,
        delay_clips=delays,
        purity=purity,
        sow_places=sow_places,
        sow_kinds=sow_kinds,
    )
