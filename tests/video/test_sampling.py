"""Sampled frames and windows, in integers and exact fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vidmem.video import num_sampled_frames, num_windows, sample_windows
from vidmem.video.sampling import ROUNDING_SECONDS, SampleClock


@pytest.mark.parametrize("fps", [4.0, 29.97, 1 / 3, 60.0])
@pytest.mark.parametrize("base", [Fraction(1, 90_000), Fraction(1, 1000), Fraction(1001, 24_000)])
def test_the_clock_is_its_definition(fps: float, base: Fraction) -> None:
    clock = SampleClock.make(fps, base, start_pts=17)
    tolerance = min(base / 2, ROUNDING_SECONDS)
    for sample in range(0, 5000, 37):
        latest = clock.latest_pts(sample)
        now = sample / clock.fps + tolerance
        assert (latest - 17) * base <= now < (latest + 1 - 17) * base
    for pts in range(17, 40_000, 333):
        first = clock.first_sample(pts)
        assert clock.latest_pts(first) >= pts
        assert first == 0 or clock.latest_pts(first - 1) < pts


def test_a_day_does_not_drift() -> None:
    clock = SampleClock.make(29.97, Fraction(1, 90_000), start_pts=0)
    sample = 24 * 3600 * 30
    assert clock.latest_pts(sample) == int(Fraction(sample * 100, 2997) * 90_000 + Fraction(1, 2))


def test_the_end_is_open() -> None:
    clock = SampleClock.make(4.0, Fraction(1, 1000), start_pts=500)
    assert clock.samples_before(500 + 1000) == 4
    assert clock.samples_before(500 + 1001) == 5
    assert clock.samples_before(500 + 40) == 1
    assert clock.samples_before(500) == 0


def test_coarse_ticks_do_not_show_frames_early() -> None:
    # One frame per second, stored in whole seconds, sampled four times per second.
    clock = SampleClock.make(4.0, Fraction(1), start_pts=0)
    assert [clock.latest_pts(sample) for sample in range(9)] == [0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert clock.pts_at(0.9) == 0


def test_windows_follow_each_other() -> None:
    windows = list(sample_windows(22, fps=4.0, clip_frames=8, window_stride=8))
    assert [window.start_frame for window in windows] == [0, 8, 16]
    assert [window.num_real_frames for window in windows] == [8, 8, 6]
    assert [window.is_last for window in windows] == [False, False, True]
    assert [(w.start_seconds, w.end_seconds) for w in windows] == [(0, 2), (2, 4), (4, 5.5)]
    assert {window.num_frames for window in windows} == {8}


@pytest.mark.parametrize("num_samples", [1, 5, 8, 9, 16, 17, 100])
@pytest.mark.parametrize("stride", [1, 3, 8])
def test_overlapping_windows_cover_everything_once_at_least(num_samples: int, stride: int) -> None:
    windows = list(sample_windows(num_samples, fps=4.0, clip_frames=8, window_stride=stride))
    covered = {
        frame
        for window in windows
        for frame in range(window.start_frame, window.start_frame + window.num_real_frames)
    }
    assert covered == set(range(num_samples))
    assert all(window.num_real_frames == 8 for window in windows[:-1])
    assert num_windows(num_samples, 8, stride) == len(windows)
    assert windows[-1].is_last


def test_no_video_has_no_windows_and_any_video_a_frame() -> None:
    assert list(sample_windows(0, fps=4.0, clip_frames=8, window_stride=8)) == []
    assert num_sampled_frames(0.04, 4.0) == 1
    assert num_sampled_frames(10.0, 4.0) == 40
    assert num_sampled_frames(10.01, 4.0) == 41


def test_impossible_numbers_are_refused() -> None:
    for fps, frames, stride, text in (
        (0, 8, 8, "fps must be above 0"),
        (4, 0, 8, "clip_frames must be at least 1"),
        (4, 8, 0, "window_stride must be at least 1"),
    ):
        with pytest.raises(ValueError, match=text):
            list(sample_windows(9, fps=fps, clip_frames=frames, window_stride=stride))
