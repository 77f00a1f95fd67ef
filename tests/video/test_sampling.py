"""Sampled frames, in integers and exact fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest

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
