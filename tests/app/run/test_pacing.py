"""The gate in front of the engine."""

from __future__ import annotations

import threading

import pytest

from app.run.pacing import Pacer, SpeedMeter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def take(pacer: Pacer, end_seconds: float) -> None:
    assert pacer.wait_for_turn()
    pacer.add_clip(end_seconds)


def test_as_fast_as_possible_the_playhead_is_what_was_analysed():
    pacer = Pacer()
    pacer.start_at(0)
    assert pacer.wait_for_turn()
    pacer.add_clip(8)
    assert pacer.playhead_seconds == 8
    assert pacer.wait_for_turn()


def test_in_real_time_the_playhead_moves_with_the_clock_and_not_beyond_what_is_known():
    clock = Clock()
    pacer = Pacer(clock)
    pacer.set_real_time(True)
    pacer.start_at(10)
    take(pacer, 18)
    clock.now += 3
    assert pacer.playhead_seconds == 13
    clock.now += 30
    assert pacer.playhead_seconds == 18
    take(pacer, 26)
    clock.now += 2
    assert pacer.playhead_seconds == 20


def test_a_pause_stops_the_playhead():
    clock = Clock()
    pacer = Pacer(clock)
    pacer.set_real_time(True)
    pacer.start_at(0)
    take(pacer, 60)
    clock.now += 5
    pacer.pause()
    clock.now += 50
    assert pacer.playhead_seconds == 5
    pacer.play()
    clock.now += 1
    assert pacer.playhead_seconds == 6


def test_a_step_lets_one_through_and_a_stop_ends_the_waiting():
    pacer = Pacer()
    pacer.step()
    assert pacer.wait_for_turn()
    threading.Timer(0.05, pacer.stop).start()
    assert not pacer.wait_for_turn()


def test_at_the_end_it_waits_for_a_jump():
    pacer = Pacer()
    assert pacer.finish()
    threading.Timer(0.05, pacer.start_at, [3.0]).start()
    assert pacer.wait_for_turn()
    assert pacer.playhead_seconds == 3


@pytest.mark.parametrize(("before", "jump"), [(4.0, 600.0), (604.0, 10.0)])
def test_a_clip_that_was_in_work_at_a_jump_does_not_lead_back(before, jump):
    pacer = Pacer(Clock())
    pacer.set_real_time(True)
    pacer.start_at(before)
    assert pacer.wait_for_turn()
    pacer.start_at(jump)
    pacer.add_clip(before + 4)
    assert pacer.playhead_seconds == jump
    take(pacer, jump + 4)
    assert pacer.limit_seconds == jump + 4


def test_a_jump_that_comes_with_the_end_of_the_video_is_not_lost():
    pacer = Pacer()
    assert pacer.wait_for_turn()
    pacer.start_at(10)
    assert not pacer.finish()
    assert pacer.wait_for_turn()


def test_the_speed_is_that_of_the_last_clips():
    clock = Clock()
    meter = SpeedMeter(clock)
    assert meter.facts(10).clips_per_second == 0
    for index in range(5):
        meter.add_clip(index * 8)
        clock.now += 0.5
    facts = meter.facts(80)
    assert facts.clips_per_second == pytest.approx(2)
    assert facts.times_real_time == pytest.approx(16)
    assert facts.seconds_left == pytest.approx(5)
