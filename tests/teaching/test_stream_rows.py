"""Feature frames of a damaged video, laid out as a stream has them."""

from __future__ import annotations

import numpy as np
import torch

from vidmem.models import RawFeatures
from vidmem.teaching import VideoFeatures
from vidmem.teaching.stream_rows import stream_rows
from vidmem.video.sampling import Gap

FPS = 4.0
"""Feature frames per second."""


def rows_of(groups, *gaps, clip_frames=4):
    """Of a video that has these groups, a quarter of a second each; gaps are in groups, too."""
    starts = torch.tensor(groups, dtype=torch.float64) / FPS
    empty = torch.zeros(len(groups), 0)
    features = VideoFeatures(
        video="pen.mp4",
        raw=RawFeatures(empty, empty, empty),
        start_seconds=starts,
        end_seconds=starts + 1 / FPS,
        times_seconds=starts + 0.5 / FPS,
        gaps=tuple(
            Gap(start_seconds=start / FPS, end_seconds=end / FPS, reason="") for start, end in gaps
        ),
        duration_seconds=100.0,
    )
    return stream_rows(features, feature_fps=FPS, clip_frames=clip_frames)


def test_a_whole_video_is_as_it_is():
    rows = rows_of(range(9))
    assert rows.features.tolist() == list(range(9))
    assert not rows.is_repeated.any()
    assert rows.times_seconds.tolist() == [(n + 0.5) / FPS for n in range(9)]


def test_damage_is_bridged_and_a_clip_filled_up_where_pictures_break_off():
    groups, gaps = [*range(5), *range(7, 10), *range(50, 53)], [(5.2, 6.9), (10, 49.8)]
    rows = rows_of(groups, *gaps)
    assert rows.features.tolist() == [0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 7, 7, 8, 9, 10]
    assert np.flatnonzero(rows.is_repeated).tolist() == [5, 6, 10, 11]
    assert (np.diff(rows.start_seconds) >= 0).all()
    assert rows.end_seconds[11] <= 10 / FPS
    assert rows_of(groups, *gaps, clip_frames=1).features.tolist() == [
        *(0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 9, 10)
    ]


def test_a_group_that_a_break_cuts_is_there_and_may_begin_a_clip():
    rows = rows_of([*range(4), *range(60, 62)], (4.5, 59.7))
    assert rows.features.tolist() == [0, 1, 2, 3, 3, 3, 3, 3, 4, 5]


def test_what_is_missing_at_the_beginning_is_bridged_or_left_out():
    assert rows_of([2, 3, 4], (0, 1.5)).features.tolist() == [0, 0, 0, 1, 2]
    assert rows_of([20, 21], (0, 19.9)).features.tolist() == [0, 1]
