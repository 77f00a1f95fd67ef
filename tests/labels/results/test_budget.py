"""Time budgets, transitions and filters: by hand, and the whole is the sum of its parts."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labels import strategies as some
from tests.labels.results.test_agreement import stretched
from vidmem.errors import LabelError, SettingError
from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels, Span
from vidmem.labels.results import (
    BUDGET_COLUMNS,
    BoutFilter,
    filter_bouts,
    time_budget,
    transitions,
)

FEW = settings(max_examples=12, deadline=None)
V = "pen.mp4"
SOW = Ethogram(
    (
        Behaviour("lying", axis="posture"),
        Behaviour("standing", axis="posture"),
        Behaviour("rolling", kind="point", axis="posture"),
    )
)


def make(*bouts, start=None, scored=(), not_scored=(), video=V):
    def spans(intervals):
        return tuple(Span(video, *one, axis="posture") for one in intervals)

    return Labels(
        SOW,
        tuple(Bout(video, *one) for one in bouts),
        scored=spans(scored),
        not_scored=spans(not_scored),
        videos=(LabelledVideo(video, start=start),),
    )


def by_name(budget, **where):
    rows = [one for one in budget.rows if all(getattr(one, k) == v for k, v in where.items())]
    return {one.behaviour: one for one in rows}


def test_a_budget_by_hand():
    """Scored 0 to 100 but for 80 to 90; lying 10-20 and 40-60, standing 20-25; rolling twice."""
    labels = make(
        (10, 20, "lying"),
        (40, 60, "lying"),
        (20, 25, "standing"),
        (12, 12, "rolling"),
        (50, 50, "rolling"),
        scored=[(0, 100)],
        not_scored=[(80, 90)],
    )
    budget = time_budget(labels)
    rows = by_name(budget)
    lying, rolling, none = rows["lying"], rows["rolling"], rows["none of these"]
    assert lying.scored_seconds == 90
    assert lying.not_scored_seconds == 10
    assert lying.duration_seconds == 30
    assert lying.percent_of_scored == pytest.approx(100 * 30 / 90)
    assert (lying.num_bouts, lying.mean_bout_seconds, lying.median_bout_seconds) == (2, 15, 15)
    assert (lying.min_bout_seconds, lying.max_bout_seconds) == (10, 20)
    assert (lying.latency_seconds, rows["standing"].latency_seconds) == (10, 20)
    assert (rolling.num_bouts, rolling.latency_seconds) == (2, 12)
    assert rolling.rate_per_hour == pytest.approx(2 / (90 / 3600))
    assert rolling.percent_of_scored is None
    assert none.duration_seconds == 55
    assert "unlabelled or not scored is left out" in budget.as_dict()["denominator"]
    assert tuple(lying.as_dict()) == BUDGET_COLUMNS


def test_a_bout_cut_in_two_is_one():
    rows = by_name(time_budget(make((0, 10, "lying"), (10, 30, "lying"))))
    assert (rows["lying"].num_bouts, rows["lying"].max_bout_seconds) == (1, 30)


def test_what_never_happened_is_told_too():
    rows = by_name(time_budget(make((0, 10, "lying"))))
    standing = rows["standing"]
    assert (standing.duration_seconds, standing.percent_of_scored, standing.num_bouts) == (0, 0, 0)
    assert (standing.mean_bout_seconds, standing.latency_seconds) == (None, None)
    assert "none of these" not in rows


def test_hours_are_by_the_clock_where_the_start_is_known():
    """Began 06:50; lying 06:55 to 07:10, so 5 min of it in the first hour, where it began."""
    labels = make((300, 1200, "lying"), scored=[(0, 1800)], start=datetime(2026, 5, 1, 6, 50))
    budget = time_budget(labels, every_seconds=3600)
    assert budget.is_clock_time
    six, seven = (one for one in budget.rows if one.behaviour == "lying")
    assert six.as_dict()["period_start"] == "2026-05-01T06:00:00"
    assert (six.duration_seconds, six.scored_seconds, six.num_bouts) == (300, 600, 1)
    assert (six.mean_bout_seconds, six.latency_seconds) == (900, 300)
    assert six.percent_of_scored == 50
    assert (seven.duration_seconds, seven.scored_seconds, seven.num_bouts) == (600, 1200, 0)
    assert seven.latency_seconds == 0  # it goes on
    assert seven.as_dict()["period_start_seconds"] is None


def test_hours_are_of_video_time_where_it_is_not():
    budget = time_budget(make((0, 5400, "lying")), every_seconds=3600)
    assert not budget.is_clock_time
    rows = [one for one in budget.rows if one.behaviour == "lying"]
    starts = [(one.video, one.as_dict()["period_start_seconds"]) for one in rows]
    assert starts == [(V, 0), (V, 3600)]
    assert [one.duration_seconds for one in rows] == [3600, 1800]


def test_several_videos_make_one_day():
    def day(name, hour):
        return make((0, 600, "lying"), start=datetime(2026, 5, 1, hour), video=name)

    two = day("a.mp4", 23), day("b.mp4", 22)
    labels = Labels(
        SOW,
        tuple(bout for one in two for bout in one.bouts),
        videos=tuple(video for one in two for video in one.videos),
    )
    (row, *_) = time_budget(labels, every_seconds=86_400).rows
    assert (row.video, row.duration_seconds, row.num_bouts) == (None, 1200, 2)
    assert row.latency_seconds == 0
    each = time_budget(labels, per_video=True).rows
    assert {one.video for one in each} == {"a.mp4", "b.mp4"}
    unknown = labels.with_video(LabelledVideo("b.mp4"))
    with pytest.raises(LabelError, match=r"recording of b\.mp4 began nobody knows when"):
        time_budget(unknown, every_seconds=3600)
    assert time_budget(unknown).rows[0].latency_seconds is None  # nobody knows which was first
    mixed = labels.with_video(LabelledVideo("b.mp4", start=datetime(2026, 5, 1, tzinfo=UTC)))
    with pytest.raises(LabelError, match="time zone"):
        time_budget(mixed, every_seconds=3600)


def test_events_outside_of_what_was_scored_count_but_not_in_the_rate():
    rows = by_name(time_budget(make((5, 5, "rolling"))))
    assert (rows["rolling"].num_bouts, rows["rolling"].rate_per_hour) == (1, None)


@pytest.mark.parametrize("every", [0, 0.5, -3600, math.nan, math.inf])
def test_impossible_periods_are_refused(every):
    with pytest.raises(SettingError, match="at least 1 s"):
        time_budget(make(), every_seconds=every)


@FEW
@given(some.labels(), st.sampled_from((1.0, 2.5, 7.0)), st.booleans())
def test_the_whole_is_the_sum_of_its_parts(labels, every, has_clock):
    if has_clock:
        for number, video in enumerate(labels.videos):
            began = datetime(2026, 5, 1, 23, 59, 50 + number)
            labels = labels.with_video(LabelledVideo(video.name, start=began))
    whole = time_budget(labels, per_video=True)
    parts = time_budget(labels, every_seconds=every, per_video=True)
    for row in whole.rows:
        key = ("video", "subject", "axis", "behaviour")
        mine = [one for one in parts.rows if all(getattr(one, k) == getattr(row, k) for k in key)]
        for name in ("duration_seconds", "scored_seconds", "not_scored_seconds", "num_bouts"):
            total = sum(getattr(one, name) for one in mine)
            assert total == pytest.approx(getattr(row, name), abs=1e-4)
        assert row.percent_of_scored is None or 0 <= row.percent_of_scored <= 100 + 1e-6
    groups = {(row.video, row.subject, row.axis) for row in whole.rows}
    for group in groups:
        rows = [row for row in whole.rows if (row.video, row.subject, row.axis) == group]
        total = sum(row.duration_seconds for row in rows)
        assert total == pytest.approx(rows[0].scored_seconds, abs=1e-4)
    assert "NaN" not in json.dumps(parts.as_dict())


@FEW
@given(some.labels())
def test_videos_add_up(labels):
    pooled, each = time_budget(labels), time_budget(labels, per_video=True)
    for row in pooled.rows:
        key = ("subject", "axis", "behaviour")
        mine = [one for one in each.rows if all(getattr(one, k) == getattr(row, k) for k in key)]
        for name in ("duration_seconds", "scored_seconds", "num_bouts"):
            assert sum(getattr(one, name) for one in mine) == pytest.approx(
                getattr(row, name), abs=1e-4
            )


@FEW
@given(some.labels(), st.sampled_from((0.5, 3.0)))
def test_stretched_time_stretches_durations(labels, factor):
    before, after = time_budget(labels), time_budget(stretched(labels, factor))
    for row, other in zip(before.rows, after.rows, strict=True):
        assert other.duration_seconds == pytest.approx(factor * row.duration_seconds, abs=1e-4)
        assert other.percent_of_scored == pytest.approx(row.percent_of_scored, abs=1e-3)
        assert other.num_bouts == row.num_bouts


# Transitions.


def test_transitions_by_hand():
    """L S L touch; 2 s scored between L and S; 2 s unlabelled before the last L."""
    labels = make(
        *((0, 5, "lying"), (5, 8, "standing"), (8, 12, "lying"), (14, 16, "standing")),
        (18, 20, "lying"),
        scored=[(0, 16)],
    )
    touching = transitions(labels, "posture")
    assert touching.names == ("lying", "standing")
    assert touching.counts == ((0, 1), (1, 0))
    assert touching.num_left_out == 2
    near = transitions(labels, "posture", max_gap_seconds=2)
    assert near.counts == ((0, 2), (1, 0))
    assert near.num_left_out == 1  # not across what is unlabelled
    assert near.probabilities == ((0, 1), (1, 0))


def test_a_behaviour_that_comes_again_follows_itself():
    labels = make((0, 5, "lying"), (6, 8, "lying"), scored=[(0, 8)])
    found = transitions(labels, "posture", max_gap_seconds=1)
    assert found.counts == ((1, 0), (0, 0))
    assert found.probabilities[1] == (None, None)
    assert "NaN" not in json.dumps(found.as_dict())


def test_a_millisecond_of_boris_is_no_gap_and_no_time_apart_either():
    labels = make((0, 4.999, "lying"), (5, 8, "standing"))
    assert transitions(labels, "posture").counts == ((0, 1), (0, 0))


def test_not_scored_time_parts_two_bouts():
    labels = make((0, 5, "lying"), (6, 8, "standing"), scored=[(0, 8)], not_scored=[(5.4, 5.5)])
    assert transitions(labels, "posture", max_gap_seconds=9).num_left_out == 1
    with pytest.raises(SettingError, match="0 s or more"):
        transitions(labels, "posture", max_gap_seconds=-1)


@FEW
@given(some.labels())
def test_each_bout_but_the_last_of_a_track_is_followed_or_left_out(labels):
    for axis in labels.ethogram.axes:
        found = transitions(labels, axis, max_gap_seconds=2)
        rows = [row for row in time_budget(labels, per_video=True).rows if row.kind == "state"]
        rows = [row for row in rows if row.axis == axis]
        per_track: dict[tuple, int] = {}
        for row in rows:
            key = (row.video, row.subject)
            per_track[key] = per_track.get(key, 0) + row.num_bouts
        want = sum(max(count - 1, 0) for count in per_track.values())
        assert sum(map(sum, found.counts)) + found.num_left_out == want


# Filters.


def test_bouts_are_filtered_by_all_that_is_asked():
    labels = make(
        *((0, 5, "lying"), (5, 8, "standing"), (8, 30, "lying"), (9, 9, "rolling")),
        start=datetime(2026, 5, 1, 23, 59, 54),
    )

    def starts(**wanted):
        return [one.start_seconds for one in filter_bouts(labels, BoutFilter(**wanted))]

    assert starts() == [0, 5, 8, 9]
    assert starts(behaviours=frozenset({"lying"})) == [0, 8]
    assert starts(min_seconds=3, max_seconds=5) == [0, 5]
    assert starts(max_seconds=0) == [9]
    assert starts(subjects=frozenset({"sow 12"})) == []
    assert starts(videos=frozenset({V}), min_seconds=4) == [0, 8]
    # At 23:59:54, 23:59:59, 00:00:02 and 00:00:03.
    assert starts(from_time=time(23, 59, 59), until_time=time(0, 0, 3)) == [5, 8]
    assert starts(from_time=time(23, 59, 55)) == [5]
    assert starts(until_time=time(12)) == [8, 9]


def test_a_time_of_day_needs_the_start_of_the_recording():
    with pytest.raises(LabelError, match=r"when the recording of pen\.mp4 began"):
        filter_bouts(make((0, 5, "lying")), BoutFilter(from_time=time(6)))
    with pytest.raises(SettingError, match="at least as long as the shortest"):
        BoutFilter(min_seconds=5, max_seconds=4)
