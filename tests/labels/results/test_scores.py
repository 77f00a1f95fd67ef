"""Scores of predictions: numbers worked out by hand, and the reference's way, plainly."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labels import strategies as some
from vidmem.errors import LabelError, SettingError
from vidmem.labels import Behaviour, Bout, ClassProbabilities, Ethogram, Labels, Span
from vidmem.labels.results import score
from vidmem.labels.results.pairing import pair
from vidmem.labels.results.segments import (
    BoutSegment,
    edge_errors,
    edit_score,
    levenshtein,
    match_segments,
    segmental_scores,
    segments_of,
)

FEW = settings(max_examples=12, deadline=None)
V = "pen.mp4"
POSTURE = Ethogram.of("lying", "standing", axis="posture")


def make(*bouts, ethogram=POSTURE, scored_to=None, **fields):
    axes = ethogram.axes if scored_to else ()
    scored = tuple(Span(V, 0, scored_to, axis=axis) for axis in axes)
    return Labels(ethogram, tuple(Bout(V, *one) for one in bouts), scored=scored, **fields)


def of(found, behaviour):
    return next(one for one in found.per_class if one.behaviour == behaviour)


# Classes.


def test_figures_of_each_class_by_hand():
    """Labels: lying 60 s, standing 40 s. Predicted: lying 50 s, standing 10 s too early."""
    labels = make((0, 60, "lying"), (60, 100, "standing"))
    predicted = make((0, 50, "lying"), (50, 100, "standing"))
    found = score(predicted, labels)
    lying, standing = of(found, "lying"), of(found, "standing")
    assert (lying.precision, lying.recall) == (1, pytest.approx(50 / 60))
    assert (standing.precision, standing.recall) == (pytest.approx(40 / 50), 1)
    f1 = (2 * 50 / (50 + 60), 2 * 40 / (50 + 40))
    assert (lying.f1, standing.f1) == pytest.approx(f1)
    assert found.macro_f1 == found.macro_f1_with_none == pytest.approx(sum(f1) / 2)
    assert (lying.support_seconds, lying.predicted_seconds) == (60, 50)
    assert (lying.duration_error_seconds, lying.duration_error_percent) == (-10, -10)
    assert found.percent_agreement == pytest.approx(90)
    assert found.kappa == pytest.approx((0.9 - 0.5) / (1 - 0.5))  # Pe = .6 x .5 + .4 x .5
    assert found.confusion_seconds == ((50, 10), (0, 40))
    # Always lying: F1 of lying 2 x 60 / 160, of standing 0.
    assert found.majority.behaviour == "lying"
    assert found.majority.macro_f1 == pytest.approx(0.375)
    assert found.majority.percent_agreement == 60
    assert found.scored_seconds == 100


def test_none_of_these_is_apart_and_stated():
    """Of 100 s lying 20 to 60; predicted 30 to 70: F1 of lying 60/80, of none 100/120."""
    labels = make((20, 60, "lying"), scored_to=100)
    predicted = make((30, 70, "lying"), scored_to=100)
    found = score(predicted, labels)
    assert found.macro_f1 == pytest.approx(0.75)
    assert found.macro_f1_with_none == pytest.approx((0.75 + 100 / 120) / 2)
    assert found.majority.behaviour == "none of these"
    assert found.majority.macro_f1 == 0
    assert of(found, "standing").f1 is None  # neither has it: in no mean
    assert of(found, "none of these").support_seconds == 60


def test_what_is_never_predicted_or_never_labelled_is_in_the_mean():
    found = score(make((0, 10, "lying")), make((0, 10, "standing")))
    assert (of(found, "lying").precision, of(found, "lying").recall) == (0, None)
    assert (of(found, "standing").precision, of(found, "standing").recall) == (None, 0)
    assert found.macro_f1 == 0


def test_samples_are_taken_at_their_times():
    """At 2 samples a second: 0, .5, ..., 4.5; lying to 2.2 has five of ten, predicted four."""
    labels = make((0, 2.2, "lying"), (2.2, 5, "standing"))
    predicted = make((0, 2.0, "lying"), (2.0, 5, "standing"))
    found = score(predicted, labels, fps=2)
    assert found.confusion_seconds == ((2, 0.5), (0, 2.5))
    assert found.kappa_method == "sampled 2 times a second"
    assert score(predicted, labels).confusion_seconds == ((2, 0.2), (0, 2.8))


def test_unlabelled_time_is_in_no_score():
    labels = make((0, 60, "lying"), (60, 100, "standing"))
    predicted = make((0, 50, "lying"), (50, 100, "standing"))
    longer = make((0, 50, "lying"), (50, 100, "standing"), (110, 500, "lying"))
    before, after = score(predicted, labels), score(longer, labels)
    assert after.left_out.only_second_seconds == 390
    assert {**after.as_dict(), "left_out": 0} == {**before.as_dict(), "left_out": 0}


def test_nothing_scored_by_both_has_no_score():
    found = score(make((0, 10, "lying")), make((20, 30, "lying")))
    assert (found.macro_f1, found.kappa, found.edit_score) == (None, None, None)
    assert found.majority.behaviour == ""
    assert "NaN" not in json.dumps(found.as_dict())


def test_a_model_that_knows_more_behaviours_is_held_to_the_labels_axis():
    theirs = Ethogram.of("standing", "lying", "walking")
    predicted = make((0, 8, "lying"), (8, 10, "walking"), ethogram=theirs)
    found = score(predicted, make((0, 10, "lying")))
    assert found.axis == "posture"
    assert of(found, "lying").recall == pytest.approx(0.8)
    assert of(found, "walking").f1 == 0


def test_an_axis_is_chosen_where_there_are_several():
    both = Ethogram((Behaviour("lying", axis="posture"), Behaviour("eating", axis="activity")))
    labels = make((0, 10, "lying"), (2, 8, "eating"), ethogram=both)
    with pytest.raises(LabelError, match="choose one: posture, activity"):
        score(labels, labels)
    assert score(labels, labels, axis="activity").scored_seconds == 6
    only = make((0, 10, "lying"), ethogram=Ethogram.of("lying"))
    assert score(only, labels).axis == "posture"
    with pytest.raises(LabelError, match="no behaviour in common"):
        score(make(ethogram=Ethogram.of("digging", "x")), labels)
    with pytest.raises(SettingError, match="fps must be above 0"):
        score(labels, labels, axis="posture", fps=0)


def test_events_are_scored_with_a_tolerance():
    ethogram = Ethogram((Behaviour("lying"), Behaviour("bite", kind="point")))
    labels = make((0, 60, "lying"), (5, 5, "bite"), (20, 20, "bite"), ethogram=ethogram)
    predicted = make((0, 60, "lying"), (5.4, 5.4, "bite"), ethogram=ethogram)
    (bite,) = score(predicted, labels).events
    assert (bite.precision, bite.recall, bite.f1) == (1, 0.5, pytest.approx(2 / 3))


# Probabilities.


def test_average_precision_by_hand():
    """Ranked by probability of lying: .9 right (4 s), .6 wrong (2 s), .3 right (4 s).

    Steps of recall 1/2 at precision 1, and 1/2 at precision 8/10: AP = .5 + .4.
    """
    labels = make((0, 4, "lying"), (4, 6, "standing"), (6, 10, "lying"))
    given = ClassProbabilities(
        ("lying", "standing"),
        np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]),
        np.array([0.0, 4.0, 6.0]),
        np.array([4.0, 6.0, 10.0]),
    )
    found = score(labels, labels, probabilities={V: given})
    assert of(found, "lying").average_precision == pytest.approx(0.9)
    # Of standing: .7 wrong (4 s), .4 right (2 s): precision 2/6 where all is found.
    assert of(found, "standing").average_precision == pytest.approx(2 / 6)
    assert found.mean_average_precision == pytest.approx((0.9 + 2 / 6) / 2)
    assert score(labels, labels).mean_average_precision is None


def test_average_precision_is_of_labelled_time_alone():
    labels = make((0, 4, "lying"), (6, 8, "standing"))
    given = ClassProbabilities(
        ("lying",), np.array([[0.8], [0.9]]), np.array([0.0, 4.0]), np.array([4.0, 6.0])
    )
    predicted = make((0, 6, "lying"))
    assert of(score(predicted, labels, probabilities={V: given}), "lying").average_precision == 1


# Segments.


def segments(*rows):
    return [BoutSegment(*row) for row in rows]


def test_segmental_f1_by_hand():
    """Labels: A 0-10, B 10-20, A 20-30. Predicted: A 0-8, B 8-11, A 11-24, B 24-30.

    A 0-8 has IoU .8: right at all. B 8-11 overlaps 1 of 12 with B 10-20 (.083): wrong at all.
    A 11-24 overlaps 4 of 19 with A 20-30 (.21): right at 10 % alone. B 24-30: none.
    """
    labels = make((0, 10, "lying"), (10, 20, "standing"), (20, 30, "lying"))
    predicted = make((0, 8, "lying"), (8, 11, "standing"), (11, 24, "lying"), (24, 30, "standing"))
    found = {one.iou_percent: one for one in score(predicted, labels).segmental}
    counts = {
        percent: (one.num_true_positives, one.num_false_positives, one.num_false_negatives)
        for percent, one in found.items()
    }
    assert counts == {10: (2, 2, 1), 25: (1, 3, 2), 50: (1, 3, 2)}
    assert found[10].f1 == pytest.approx(4 / 7)
    assert found[50].f1 == pytest.approx(2 / 7)


def test_a_segment_whose_best_match_is_taken_is_wrong_though_another_would_fit():
    """The quirk of the reference: both predicted ones overlap the first labelled one most."""
    labelled = segments((0, 10, "a"), (10, 20, "a"))
    predicted = segments((0, 9, "a"), (4, 14, "a"))
    assert match_segments(labelled, predicted, 10).pairs == ((0, 0),)


def test_one_long_prediction_finds_one_of_many():
    labelled = segments((0, 4, "a"), (6, 10, "a"))
    assert match_segments(labelled, segments((0, 10, "a")), 25).pairs == ((0, 0),)
    assert match_segments(labelled, segments((0, 10, "b")), 25).pairs == ()
    assert match_segments([], segments((0, 10, "b")), 25).pairs == ()


def test_an_overlap_of_exactly_the_threshold_is_enough():
    labelled, predicted = segments((0.1, 0.9, "a")), segments((0.1, 0.3, "a"))
    assert match_segments(labelled, predicted, 25).pairs == ((0, 0),)


def test_right_and_wrong_ones_are_counted_over_videos():
    def account(*bouts):
        return Labels(POSTURE, tuple(Bout(*one) for one in bouts))

    labels = account(("a", 0, 10, "lying"), ("b", 0, 10, "lying"))
    predicted = account(("a", 0, 10, "lying"), ("b", 0, 10, "standing"))
    (at_10, *_) = segmental_scores(pair(labels, predicted))
    assert (at_10.num_true_positives, at_10.num_false_positives) == (1, 1)
    assert at_10.f1 == 0.5  # and not the mean of the videos' 1 and 0
    assert edit_score(pair(labels, predicted)) == 0.5  # which here it is


def test_edit_score_by_hand():
    """A B A against A A: one deletion of three. Times do not matter, none of these neither."""
    labels = make((0, 1, "lying"), (1, 2, "standing"), (5, 9, "lying"), scored_to=10)
    predicted = make((0, 4, "lying"), (8, 9, "lying"), scored_to=10)
    assert score(predicted, labels).edit_score == pytest.approx(2 / 3)
    assert levenshtein("kitten", "sitting") == 3
    assert levenshtein("", "abc") == levenshtein("abc", "") == 3


@given(st.text("abc", max_size=9), st.text("abc", max_size=9))
@settings(max_examples=50, deadline=None)
def test_the_quick_edit_distance_equals_the_plain_one(first, second):
    table = [
        [i + j if i * j == 0 else 0 for j in range(len(second) + 1)] for i in range(len(first) + 1)
    ]
    for i, a in enumerate(first, 1):
        for j, b in enumerate(second, 1):
            steps = (table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a != b))
            table[i][j] = min(steps)
    assert levenshtein(first, second) == table[-1][-1]


def test_bouts_cut_in_two_are_one_segment_and_gaps_are_none():
    labels = make((0, 4, "lying"), (4, 8, "lying"), (9, 12, "standing"), scored_to=14)
    ((runs,),) = [[one.runs for one in pair(labels, labels)]]
    assert segments_of(runs, "first") == [
        BoutSegment(0, 8, "lying", has_start=False),
        BoutSegment(9, 12, "standing"),
    ]


def test_edge_errors_by_hand():
    """Starts 2 s late and 1 s early, ends 1 s late; the edges of the video are nobody's choice."""
    labels = make((10, 20, "lying"), (30, 50, "standing"), scored_to=50)
    predicted = make((12, 21, "lying"), (29, 50, "standing"), scored_to=50)
    starts, ends = edge_errors(pair(labels, predicted))
    assert (starts.num_edges, starts.median_seconds) == (2, 1.5)
    assert starts.percentile_90_seconds == pytest.approx(1.9)
    assert starts.mean_signed_seconds == 0.5
    assert (ends.num_edges, ends.median_seconds) == (1, 1)
    found = score(predicted, labels)
    assert found.start_errors == starts
    assert found.as_dict()["edges"]["end"]["median_seconds"] == 1


def test_errors_of_counts_and_durations():
    labels = make((0, 10, "lying"), (20, 30, "lying"), scored_to=100)
    predicted = make((0, 30, "lying"), scored_to=100)
    lying = of(score(predicted, labels), "lying")
    assert (lying.num_bouts, lying.num_predicted_bouts, lying.bout_count_error) == (2, 1, -1)
    assert (lying.duration_error_seconds, lying.duration_error_percent) == (10, 10)


# The interval.


def test_the_interval_is_of_blocks_and_the_same_for_a_seed():
    names = ["lying", "standing"] * 10
    bouts = [(30 * n, 30 * n + 30, name) for n, name in enumerate(names)]
    labels = make(*bouts)
    predicted = make(*[(a, b, "lying") if a % 90 == 30 else (a, b, name) for a, b, name in bouts])
    found = score(predicted, labels, block_seconds=60)
    interval = found.macro_f1_interval
    assert interval.num_blocks == 10
    assert 0 < interval.low < found.macro_f1 < interval.high <= 1
    assert score(predicted, labels, block_seconds=60).macro_f1_interval == interval
    assert score(predicted, labels, block_seconds=60, seed=1).macro_f1_interval != interval
    few = score(predicted, labels, block_seconds=300).macro_f1_interval
    assert few.low is None
    assert "fewer than 5 blocks" in few.undefined


def test_a_perfect_score_is_sure_of_itself():
    labels = make(*((at, at + 30, "lying") for at in range(0, 600, 60)), scored_to=600)
    interval = score(labels, labels).macro_f1_interval
    assert (interval.low, interval.high) == (1, 1)


# Whatever they say.


@FEW
@given(some.labels())
def test_labels_predict_themselves(labels):
    for axis in {track.axis for track in labels.tracks}:
        found = score(labels, labels, axis=axis)
        assert found.macro_f1 in (None, pytest.approx(1))
        assert found.edit_score in (None, 1)
        assert all(one.f1 in (None, 1) for one in found.segmental)
        assert found.start_errors.median_seconds in (None, 0)
        assert "NaN" not in json.dumps(found.as_dict())


@FEW
@given(some.labels(), some.labels())
def test_segments_match_as_the_reference_does(labels, predicted):
    """MS-TCN's `f_score`, frame by frame of the grid that its segments are given on."""
    for one in pair(labels, predicted):
        truth, found = segments_of(one.runs, "first"), segments_of(one.runs, "second")
        for percent in (10, 25, 50):
            assert len(match_segments(truth, found, percent).pairs) == reference(
                truth, found, percent / 100
            )


def reference(truth, found, threshold):
    hits = np.zeros(len(truth))
    num_right = 0
    for one in found:
        ious = []
        for other in truth:
            overlap = min(one.end_seconds, other.end_seconds) - max(
                one.start_seconds, other.start_seconds
            )
            whole = max(one.end_seconds, other.end_seconds) - min(
                one.start_seconds, other.start_seconds
            )
            ious.append(overlap / whole * (one.behaviour == other.behaviour))
        best = int(np.argmax(ious)) if ious else -1
        if ious and ious[best] >= threshold - 1e-9 and not hits[best]:
            num_right += 1
            hits[best] = 1
    return num_right


@FEW
@given(some.labels(), some.labels())
def test_confusion_adds_up_to_what_both_scored(labels, predicted):
    for axis in {track.axis for track in labels.tracks}:
        found = score(predicted, labels, axis=axis)
        whole = sum(one.num_seconds for one in pair(labels, predicted, axis=axis))
        assert sum(map(sum, found.confusion_seconds)) == pytest.approx(whole, abs=1e-4)
        supports = sum(one.support_seconds for one in found.per_class)
        assert supports == pytest.approx(whole, abs=1e-4)
        for one in found.per_class:
            assert one.f1 is None or 0 <= one.f1 <= 1
