"""What both scored, laid side by side, and ethograms brought to the same axes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.labels import strategies as some
from vidmem.errors import LabelError
from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels, Span
from vidmem.labels.results import aligned, mark_all_scored
from vidmem.labels.results.pairing import PairedStretch, pair

FEW = settings(max_examples=12, deadline=None)
V = "pen.mp4"
TWO_AXES = Ethogram((Behaviour("lying", axis="posture"), Behaviour("eating", axis="activity")))


def make(ethogram, *bouts, **fields):
    return Labels(ethogram, tuple(Bout(V, *one) for one in bouts), **fields)


def test_runs_are_what_both_scored():
    posture = Ethogram.of("lying", "standing")
    first = make(posture, (0, 4, "lying"), (4, 9, "standing"))
    second = make(posture, (1, 6, "lying"), (8, 12, "standing"))
    (found,) = pair(first, second)
    assert found.runs == (
        (PairedStretch(1, 4, "lying", "lying"), PairedStretch(4, 6, "standing", "lying")),
        (PairedStretch(8, 9, "standing", "standing"),),
    )
    assert found.num_seconds == 6
    assert [found.is_scored_at(seconds) for seconds in (0.5, 1, 6, 7, 9)] == [
        *(False, True, True, False, True)
    ]
    assert found.left_out.only_first_seconds == 3
    assert found.left_out.unlabelled_seconds is None


def test_samples_stand_for_the_time_to_the_next():
    posture = Ethogram.of("lying", "standing")
    first = make(posture, (0, 0.3, "lying"), (0.3, 1.4, "standing"))
    second = make(posture, (0, 1.4, "lying"))
    (found,) = (one.sampled(2) for one in pair(first, second))
    # Samples at 0, 0.5 and 1.
    assert found.runs == (
        (PairedStretch(0, 0.5, "lying", "lying"), PairedStretch(0.5, 1.5, "standing", "lying")),
    )


@FEW
@given(some.labels(), some.labels())
def test_all_that_is_said_is_paired_or_left_out(first, second):
    for one in pair(first, second):
        whole = one.num_seconds + sum(
            getattr(one.left_out, name)
            for name in (
                "only_first_seconds",
                "only_second_seconds",
                "not_scored_seconds",
                "unlabelled_seconds",
            )
        )
        # Both videos last 20 s, and the strategies set no edge behind 20.02 s.
        assert whole == pytest.approx(some.END_SECONDS, abs=0.03)


def test_a_table_takes_the_axes_of_its_behaviours_and_its_spans_go_with_them():
    table = make(
        Ethogram.of("lying", "walking"), (0, 5, "lying"), scored=(Span(V, 0, 9, axis="behaviour"),)
    )
    found = aligned(table, TWO_AXES)
    assert found.ethogram["walking"].axis == "posture"
    assert [(one.axis, one.end_seconds) for one in found.scored] == [("posture", 9)]


def test_an_axis_that_holds_two_of_theirs_is_split_and_was_scored_on_both():
    table = make(
        Ethogram.of("lying", "eating", "humming"), scored=(Span(V, 0, 9, axis="behaviour"),)
    )
    found = aligned(table, TWO_AXES)
    axes = {one.name: one.axis for one in found.ethogram}
    assert axes == {"lying": "posture", "eating": "activity", "humming": "behaviour"}
    assert {one.axis for one in found.scored} == {"posture", "activity", "behaviour"}


def test_behaviours_that_now_exclude_each_other_may_not_overlap():
    apart = Ethogram((Behaviour("lying", axis="a"), Behaviour("standing", axis="b")))
    table = make(apart, (0, 5, "lying"), (3, 8, "standing"))
    with pytest.raises(LabelError, match="exclude each other"):
        aligned(table, Ethogram.of("lying", "standing"))


def test_who_looked_at_all_of_a_video_left_nothing_unlabelled():
    labels = make(TWO_AXES, (2, 5, "lying"), videos=(LabelledVideo(V, 10.0),))
    found = mark_all_scored(labels, labels.tracks)
    what = [(one.start_seconds, one.what) for one in found.timeline(V, "posture")]
    assert what == [(0, "none of these"), (2, "lying"), (5, "none of these")]
    with pytest.raises(LabelError, match=r"how long pen\.mp4 lasts"):
        mark_all_scored(make(TWO_AXES, (2, 5, "lying")), labels.tracks)
