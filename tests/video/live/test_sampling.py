"""Sampling by a camera's clock: as of a file while it runs, and in order whatever it does."""

from __future__ import annotations

import random
import time
from fractions import Fraction
from itertools import pairwise

import pytest

from vidmem.video.live.sampling import HOLES_TO_LEARN, LastSeen, LiveSampler

TICK = Fraction(1, 90_000)


def sampled(sampler, times):
    """Index, picture (the number of its time), seconds and break of each sample."""
    found = []
    for number, seconds in enumerate(times):
        found += sampler.take(round(seconds / TICK), number)
    return found


@pytest.mark.parametrize("fps", [2.0, 4.0, 7.5, 30.0])
@pytest.mark.parametrize("rate", [5, 12.5, 25, 29.97])
def test_the_picture_on_display_at_each_time_is_taken(fps, rate):
    times = [1000.0 + number / rate for number in range(int(20 * rate))]
    found = sampled(LiveSampler(fps, TICK), times)
    assert [one.index for one in found] == list(range(len(found)))
    for one in found:
        on_display = max(n for n, t in enumerate(times) if t - 1000.0 <= one.index / fps + 1e-5)
        assert one.picture == on_display
        assert one.seconds == pytest.approx(times[on_display] - 1000.0, abs=1e-4)
        assert one.break_before is None
    assert found[-1].index / fps > times[-1] - 1000.0 - 1 / rate - 1 / fps


def test_a_hole_is_left_out_and_told():
    times = [n / 25 for n in range(100)] + [8.0 + n / 25 for n in range(100)]
    found = sampled(LiveSampler(4.0, TICK), times)
    (broken,) = [one for one in found if one.break_before]
    assert broken.seconds == 8.0
    assert "no pictures came" in broken.break_before
    before = found[found.index(broken) - 1]
    assert before.seconds < 4.0
    assert broken.index == 32


def test_one_hole_does_not_hide_the_next():
    times = [*(n / 25 for n in range(100)), *(8 + n / 25 for n in range(5)), 12.0, 12.3]
    found = sampled(LiveSampler(4.0, TICK), times)
    assert [one.seconds for one in found if one.break_before] == [8.0, 12.0]


def test_pictures_that_come_seldom_from_now_on_are_soon_no_holes():
    times = [*(n / 25 for n in range(100)), *(5.0 + 3 * n for n in range(20))]
    found = sampled(LiveSampler(4.0, TICK), times)
    assert 1 <= len([one for one in found if one.break_before]) <= HOLES_TO_LEARN


def test_pictures_of_a_file_may_be_far_apart():
    sampler = LiveSampler(1.0, TICK, is_in_real_time=False)
    found = sampled(sampler, range(0, 121, 15))
    assert [one.index for one in found] == list(range(120))
    assert [one.picture for one in found] == [index // 15 for index in range(120)]
    assert not any(one.break_before for one in found)


def test_behind_a_cut_no_sample_has_the_picture_before_it():
    sampler = LiveSampler(4.0, TICK)
    before = [*sampled(sampler, [n / 4 for n in range(8)]), *sampler.cut()]
    assert [one.index for one in before] == list(range(8))
    after = sampled(sampler, [2.5 + n / 4 for n in range(8)])
    assert [(one.index, one.picture) for one in after] == [(10 + n, n) for n in range(7)]


def test_a_camera_of_few_pictures_has_no_holes():
    found = sampled(LiveSampler(4.0, TICK), [2.5 * n for n in range(20)])
    assert not any(one.break_before for one in found)
    assert [one.index for one in found] == list(range(190))


def test_pictures_out_of_order_are_left_out():
    times = [n / 25 for n in range(50)]
    shuffled = [*times[:30], times[20], times[25], *times[30:]]
    seconds = [one.seconds for one in sampled(LiveSampler(4.0, TICK), shuffled)]
    assert seconds == [one.seconds for one in sampled(LiveSampler(4.0, TICK), times)]


@pytest.mark.parametrize("jump", [-5000.0, -3.0, 5000.0])
def test_a_clock_that_is_set_does_not_disturb_the_time_of_the_run(jump):
    times = [n / 25 for n in range(100)] + [4.0 + jump + n / 25 for n in range(100)]
    found = sampled(LiveSampler(4.0, TICK), times)
    (broken,) = [one for one in found if one.break_before]
    assert "clock was set" in broken.break_before
    assert all(b.index > a.index and b.seconds >= a.seconds for a, b in pairwise(found))
    assert found[-1].seconds < 60  # by the time that went by here, which is not 5000 s


def test_a_new_connection_goes_on_where_the_one_before_was_plus_the_time_since():
    after = LastSeen(seconds=100.0, at=time.time() - 30.0)
    found = sampled(LiveSampler(4.0, TICK, after), [n / 25 for n in range(50)])
    assert 130.0 <= found[0].seconds <= 160.0
    for one in found:
        assert 0 <= one.index / 4.0 - one.seconds <= 1 / 25 + 1e-3
    assert found[1].index == found[0].index + 1


def test_another_rate_goes_on_by_the_same_clock():
    sampler = LiveSampler(4.0, TICK)
    sampled(sampler, [n / 25 for n in range(100)])
    sampler.set_fps(10.0)
    found = sampled(sampler, [4.0 + n / 25 for n in range(100)])
    for one in found:
        assert 0 <= one.index / 10.0 - one.seconds <= 1 / 25 + 1e-3


def test_whatever_the_clock_does_time_goes_forward():
    chance = random.Random(5)
    times, now = [], 0.0
    for _ in range(3000):
        now += chance.choice([0.04, 0.04, 0.04, 0.04, 0.2, 1.5, 30.0, -0.5, -20.0, 4000.0])
        times.append(now)
    sampler = LiveSampler(4.0, TICK)
    found = [*sampled(sampler, times), *sampler.finish()]
    assert found
    for before, after in pairwise(found):
        assert after.index > before.index
        assert after.index == before.index + 1 or after.break_before
        assert after.seconds >= before.seconds - 1e-9


def test_single_pictures_with_a_time_of_their_own_are_passed_over():
    times = [n / 25 for n in range(300)]
    wrong = [t + 37_600 if n % 50 == 49 else t for n, t in enumerate(times)]
    wrong[120] += 5  # as a hole would look, and 3 s too early, as a clock that was set
    wrong[171] -= 3
    found = sampled(LiveSampler(4.0, TICK), wrong)
    assert [one.break_before for one in found if one.break_before] == []
    assert [one.index for one in found] == list(range(len(found)))
    assert all(one.seconds <= one.index / 4 + 1e-4 for one in found)
    assert all(one.index / 4 - one.seconds < 0.1 for one in found)
