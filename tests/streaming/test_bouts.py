"""Scores per moment, and bouts: against their definitions, on random cases."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from vidmem.streaming import BoutTracker, MomentScore, ScoreMerger


def make_windows(*, num_windows, clip_frames, window_stride, seed=0):
    """Windows in seconds (4 frames each) with random probabilities of 3 classes."""
    rng = random.Random(seed)
    return [
        (
            i * window_stride / 4,
            (i * window_stride + clip_frames) / 4,
            [rng.random() for _ in "abc"],
        )
        for i in range(num_windows)
    ]


def merge(windows):
    merger = ScoreMerger()
    moments = [moment for window in windows for moment in merger.add_window(*window)]
    return moments + merger.flush()


def mean_at(windows, seconds):
    covering = [p for start, end, p in windows if start <= seconds < end]
    return [sum(column) / len(covering) for column in zip(*covering, strict=True)], len(covering)


@pytest.mark.parametrize("clip_frames, window_stride", [(4, 1), (4, 3), (6, 4), (8, 2), (5, 5)])
def test_every_moment_is_the_mean_of_the_windows_that_cover_it(clip_frames, window_stride):
    windows = make_windows(num_windows=9, clip_frames=clip_frames, window_stride=window_stride)
    moments = merge(windows)
    for moment in moments:
        middle = (moment.start_seconds + moment.end_seconds) / 2
        want, num_windows = mean_at(windows, middle)
        assert moment.probabilities == pytest.approx(want)
        assert moment.num_windows == num_windows
    assert moments[0].start_seconds == 0.0
    assert moments[-1].end_seconds == windows[-1][1]
    assert all(a.end_seconds == b.start_seconds for a, b in pairwise(moments))


def test_back_to_back_windows_come_out_as_they_are():
    windows = make_windows(num_windows=7, clip_frames=4, window_stride=4)
    moments = merge(windows)
    got = [(m.start_seconds, m.end_seconds, list(m.probabilities)) for m in moments]
    assert got == windows


def test_frames_left_out_are_no_moments():
    windows = make_windows(num_windows=5, clip_frames=4, window_stride=10)
    got = [(m.start_seconds, m.end_seconds) for m in merge(windows)]
    assert got == [(start, end) for start, end, _ in windows]


def test_a_moment_is_given_out_as_soon_as_no_window_can_reach_it():
    merger = ScoreMerger()
    assert merger.add_window(0.0, 4.0, [1.0, 0.0]) == []
    (moment,) = merger.add_window(1.0, 5.0, [0.0, 1.0])
    assert (moment.start_seconds, moment.end_seconds, moment.num_windows) == (0.0, 1.0, 1)


def test_what_is_held_does_not_grow():
    merger = ScoreMerger()
    for window in make_windows(num_windows=2000, clip_frames=16, window_stride=4):
        merger.add_window(*window)
        assert merger.num_open <= 4


def test_a_jump_back_closes_what_is_open_and_starts_again():
    first = make_windows(num_windows=3, clip_frames=8, window_stride=4)
    merger = ScoreMerger()
    moments = [m for window in first * 2 for m in merger.add_window(*window)] + merger.flush()
    assert moments == merge(first) * 2


def bouts_of(labels, *, min_bout_seconds, seconds=1.0, **kwargs):
    tracker = BoutTracker(3, min_bout_seconds=min_bout_seconds, **kwargs)
    bouts = [bout for m in moments_of(labels, seconds) for bout in tracker.add(m)]
    return bouts + tracker.flush(), tracker


def moments_of(labels, seconds=1.0):
    for number, label in enumerate(labels):
        probabilities = tuple(float("abc"[i] == label) for i in range(3))
        yield MomentScore(
            start_seconds=number * seconds,
            end_seconds=(number + 1) * seconds,
            probabilities=probabilities,
            num_windows=1,
        )


def spelled(bouts):
    return "".join("abc"[b.class_index] * round(b.end_seconds - b.start_seconds) for b in bouts)


@pytest.mark.parametrize(
    "labels, min_bout_seconds, want",
    [
        ("aabbbc", 0, "aabbbc"),
        ("aaabaaa", 2, "aaaaaaa"),
        ("aaabbb", 3, "aaabbb"),
        ("aaabcbbb", 3, "aaaaabbb"),
        ("baaa", 2, "aaaa"),
        ("abc", 5, "aaa"),
        ("aaab", 2, "aaaa"),
        ("", 2, ""),
    ],
)
def test_short_stretches_join_the_bout_before_them(labels, min_bout_seconds, want):
    bouts, _ = bouts_of(labels, min_bout_seconds=min_bout_seconds)
    assert spelled(bouts) == want


@pytest.mark.parametrize("seed", range(20))
def test_bouts_cover_the_time_are_long_enough_and_differ_from_their_neighbours(seed):
    rng = random.Random(seed)
    labels = "".join(rng.choice("abc") * rng.randint(1, 6) for _ in range(40))
    bouts, tracker = bouts_of(labels, min_bout_seconds=3)
    assert bouts[0].start_seconds == 0 and bouts[-1].end_seconds == len(labels)
    assert all(a.end_seconds == b.start_seconds for a, b in pairwise(bouts))
    assert all(a.class_index != b.class_index for a, b in pairwise(bouts))
    assert all(bout.num_seconds >= 3 for bout in bouts)
    assert sum(total.num_seconds for total in tracker.totals) == len(labels)
    assert sum(total.num_bouts for total in tracker.totals) == tracker.num_bouts == len(bouts)


def test_without_a_filter_bouts_are_the_runs_of_equal_labels():
    labels = "aabccccab"
    bouts, _ = bouts_of(labels, min_bout_seconds=0)
    assert spelled(bouts) == labels
    assert len(bouts) == 5


def test_only_the_newest_bouts_are_kept_and_the_totals_count_all():
    _, tracker = bouts_of("ab" * 100, min_bout_seconds=0, max_bouts=10)
    assert len(tracker.recent) == 10
    assert tracker.totals[0].num_bouts == tracker.totals[1].num_bouts == 100


def test_the_open_bout_is_there_to_be_shown():
    tracker = BoutTracker(3, min_bout_seconds=2)
    for moment in moments_of("aaab"):
        tracker.add(moment)
    assert (tracker.open_bout.class_index, tracker.open_bout.end_seconds) == (0, 4.0)


def test_a_bout_spans_unseen_time_only_where_it_is_allowed_to():
    first, second = list(moments_of("a.a"))[::2]
    for bridge_seconds, num_bouts in [(0.0, 2), (1.0, 1)]:
        tracker = BoutTracker(3, bridge_seconds=bridge_seconds)
        bouts = [*tracker.add(first), *tracker.add(second), *tracker.flush()]
        assert len(bouts) == num_bouts


def test_a_jump_back_ends_the_bout():
    tracker = BoutTracker(3)
    later, earlier = list(moments_of("aaaa"))[3], next(moments_of("a"))
    assert tracker.add(later) == []
    (bout,) = tracker.add(earlier)
    assert bout.start_seconds == 3.0
