"""Post-processing: off it is argmax, and each step does what its sentence says, and no more."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidmem.errors import SettingError
from vidmem.labels import (
    NONE_OF_THESE,
    BehaviourRule,
    Bout,
    ClassProbabilities,
    Ethogram,
    Labels,
    PostProcessing,
    postprocess,
)
from vidmem.plain import from_plain

FEW = settings(max_examples=20, deadline=None)
NAMES = ("lying", "standing", "sitting")
V = "a.mp4"
SECONDS = st.integers(0, 5).map(lambda n: n * 0.5)


@st.composite
def predictions(draw):
    """At 2 per second, with some missing, of three classes that often change."""
    present = draw(st.lists(st.sampled_from((True, True, True, False)), min_size=1, max_size=30))
    times = [index / 2 for index, is_there in enumerate(present) if is_there]
    row = st.tuples(*(st.integers(0, 4) for _ in NAMES)).map(lambda x: [n / 4 for n in x])
    values = draw(st.lists(row, min_size=len(times), max_size=len(times)))
    starts = np.array(times)
    return ClassProbabilities(NAMES, np.array(values).reshape(-1, 3), starts, starts + 0.5)


@st.composite
def choices(draw):
    rule = BehaviourRule(behaviour="sitting", threshold=0.25, min_bout_seconds=draw(SECONDS))
    return PostProcessing(
        threshold=draw(st.sampled_from((0, 0.5, 0.75))),
        hole_seconds=draw(SECONDS),
        fill_gap_seconds=draw(SECONDS),
        join_seconds=draw(SECONDS),
        min_bout_seconds=draw(SECONDS),
        rules=draw(st.sampled_from(((), (rule,)))),
    )


def made(text, settings=None, **fields):
    """Bouts of a second per letter: l, s lie and stand, a dot is no one, a space is a hole."""
    columns = {"l": [0.9, 0.05], "s": [0.05, 0.7], ".": [0.1, 0.1]}
    at = [index for index, letter in enumerate(text) if letter != " "]
    values = np.array([columns[text[index]] for index in at]).reshape(-1, 2)
    starts = np.array(at, dtype=float)
    predicted = ClassProbabilities(NAMES[:2], values, starts, starts + 1)
    chosen = settings or PostProcessing(**{"threshold": 0.5, **fields})
    line = ["."] * len(text)
    for bout in postprocess(predicted, chosen, video=V):
        for index in range(round(bout.start_seconds), round(bout.end_seconds)):
            line[index] = bout.behaviour[0]
    return "".join(line)


@FEW
@given(predictions())
def test_with_everything_off_it_is_the_most_probable_at_any_time(predicted):
    rows = [
        (start, end, NAMES[int(np.argmax(row))])
        for start, end, row in zip(
            predicted.start_seconds, predicted.end_seconds, predicted.probabilities, strict=True
        )
    ]
    want, before = [], None
    for start, end, name in rows:
        if before and before[1] == start and before[2] == name:
            want[-1] = (want[-1][0], end, name)
        else:
            want.append((start, end, name))
        before = (start, end, name)
    got = postprocess(predicted, video=V)
    assert [(one.start_seconds, one.end_seconds, one.behaviour) for one in got] == want


@FEW
@given(predictions(), choices())
def test_invariants(predicted, chosen):
    bouts = postprocess(predicted, chosen, video=V, subject="sow 12", author="m")
    Labels(Ethogram.of(*NAMES), bouts)  # one at a time, or this raises
    for before, after in pairwise(bouts):
        is_apart = before.end_seconds < after.start_seconds
        assert is_apart or before.behaviour != after.behaviour
    for one in bouts:
        assert one.num_seconds >= chosen.rule_of(one.behaviour).min_bout_seconds
        assert (one.subject, one.author, one.source) == ("sow 12", "m", "model")
        # It starts and ends with a sample that is its own.
        for edge in (
            predicted.start_seconds == one.start_seconds,
            predicted.end_seconds == one.end_seconds,
        ):
            (value,) = predicted.probabilities[edge, NAMES.index(one.behaviour)]
            assert value >= chosen.rule_of(one.behaviour).threshold
    longest = [end - start for start, end in holes_within(predicted, bouts)]
    assert all(seconds <= chosen.hole_seconds for seconds in longest)


def holes_within(predicted, bouts):
    pairs = zip(predicted.end_seconds[:-1], predicted.start_seconds[1:], strict=True)
    holes = [(start, end) for start, end in pairs if end > start]
    return [
        (start, end)
        for start, end in holes
        if any(one.start_seconds < end and start < one.end_seconds for one in bouts)
    ]


@FEW
@given(predictions(), choices())
def test_backwards_in_time_it_is_the_same(predicted, chosen):
    turned = ClassProbabilities(
        NAMES,
        predicted.probabilities[::-1],
        50 - predicted.end_seconds[::-1],
        50 - predicted.start_seconds[::-1],
    )
    forth, back = (postprocess(one, chosen, video=V) for one in (predicted, turned))
    assert [(one.start_seconds, one.end_seconds, one.behaviour) for one in forth] == [
        (50 - one.end_seconds, 50 - one.start_seconds, one.behaviour) for one in reversed(back)
    ]


@FEW
@given(predictions(), choices(), st.integers(1, 28))
def test_each_side_of_a_long_hole_is_done_on_its_own(predicted, chosen, at):
    later = predicted.start_seconds >= at / 2
    arrays = [
        getattr(predicted, name) for name in ("probabilities", "start_seconds", "end_seconds")
    ]
    early = [one[~later] for one in arrays]
    late = [one[later] + far for one, far in zip(arrays, (0, 100, 100), strict=True)]
    both = [np.concatenate(pair) for pair in zip(early, late, strict=True)]
    shifted = [ClassProbabilities(NAMES, *one) for one in (early, late)]
    whole = ClassProbabilities(NAMES, *both)
    pieces = [bout for one in shifted for bout in postprocess(one, chosen, video=V)]
    assert list(postprocess(whole, chosen, video=V)) == pieces


@pytest.mark.parametrize(
    ("text", "fields", "want"),
    [
        ("ll..ll", {}, "ll..ll"),
        ("ll..ll", {"fill_gap_seconds": 2}, "llllll"),
        ("ll...ll", {"fill_gap_seconds": 2}, "ll...ll"),
        ("ll.sll", {"fill_gap_seconds": 2}, "ll.sll"),  # something else is no gap
        ("ll.sll", {"join_seconds": 2}, "llllll"),
        ("..ll..", {"fill_gap_seconds": 9, "join_seconds": 9}, "..ll.."),  # start and end
        ("ll ll", {}, "ll.ll"),
        ("ll ll", {"fill_gap_seconds": 9, "join_seconds": 9}, "ll.ll"),  # not unless asked
        ("ll ll", {"hole_seconds": 1}, "lllll"),
        ("ll  ll", {"hole_seconds": 1}, "ll..ll"),
        ("ll ss", {"hole_seconds": 1}, "ll.ss"),
        ("ll. .ll", {"hole_seconds": 1, "fill_gap_seconds": 3}, "lllllll"),
        ("llsll", {"min_bout_seconds": 2}, "ll.ll"),
        ("lsl", {"min_bout_seconds": 2}, "..."),
        ("lsl", {"min_bout_seconds": 2, "join_seconds": 1}, "lll"),  # joined first
        ("lslsl", {"join_seconds": 1}, "lllll"),  # in the order of the classes
        ("l.s", {"fill_gap_seconds": 9}, "l.s"),
    ],
)
def test_worked_examples(text, fields, want):
    assert made(text, **fields) == want


def test_a_behaviour_may_have_rules_of_its_own():
    rules = (
        BehaviourRule(behaviour="standing", threshold=0.8),
        BehaviourRule(behaviour="lying", min_bout_seconds=0),
        BehaviourRule(behaviour="nursing", threshold=1),  # of another axis
    )
    assert made("lssl", threshold=0.5, min_bout_seconds=2, rules=rules) == "l..l"


def test_below_its_threshold_the_next_that_reaches_its_own_is_taken():
    predicted = ClassProbabilities(("a", "b"), [[0.6, 0.4]], [0], [1])
    chosen = PostProcessing(threshold=0.7, rules=(BehaviourRule(behaviour="b", threshold=0.3),))
    assert [one.behaviour for one in postprocess(predicted, chosen, video=V)] == ["b"]


def test_none_of_these_is_no_bout():
    predicted = ClassProbabilities(("a", NONE_OF_THESE), [[0.9, 0.1], [0.2, 0.8]], [0, 1], [1, 2])
    assert postprocess(predicted, video=V) == (Bout(V, 0, 1, "a", score=0.9, source="model"),)


def test_the_score_is_the_mean_over_predicted_time():
    predicted = ClassProbabilities(("a", "b"), [[0.8, 0.2], [0.6, 0.4]], [0, 4], [1, 7])
    (bout,) = postprocess(predicted, PostProcessing(hole_seconds=3), video=V)
    assert (bout.start_seconds, bout.end_seconds) == (0, 7)
    assert bout.score == pytest.approx((0.8 * 1 + 0.6 * 3) / 4)


def test_samples_with_a_time_each_last_until_the_next():
    times = [0, 0.5, 1.1, 5, 5.5]
    predicted = ClassProbabilities.at_times(("a",), [[1.0]] * 5, times)
    assert predicted.end_seconds.tolist() == pytest.approx([0.5, 1.1, 1.65, 5.5, 6.05], abs=0.06)
    assert len(postprocess(predicted, video=V)) == 2
    none = ClassProbabilities.at_times(("a",), np.zeros((0, 1)), [])
    assert postprocess(none, video=V) == ()
    assert ClassProbabilities.at_times(("a",), [[1]], [2], sample_seconds=3).end_seconds == [5]


def test_settings_say_in_one_line_what_they_do_and_come_back_from_json():
    assert PostProcessing().summary() == "the most probable behaviour, as it is"
    rule = BehaviourRule(behaviour="nursing", threshold=0.3, min_bout_seconds=0)
    chosen = PostProcessing(
        threshold=0.5,
        hole_seconds=1,
        fill_gap_seconds=2,
        join_seconds=1.5,
        min_bout_seconds=3,
        rules=(rule,),
    )
    assert chosen.summary() == (
        "threshold 0.5, holes up to 1 s bridged, gaps up to 2 s filled, joined over up to 1.5 s, "
        "bouts of at least 3 s; nursing: threshold 0.3, bouts of at least 0 s"
    )
    assert from_plain(PostProcessing, asdict(chosen)) == chosen


@pytest.mark.parametrize("value", [-1, float("nan"), 1e9, True, "1"])
def test_settings_outside_their_limits_are_refused(value):
    for name in ("threshold", "join_seconds"):
        with pytest.raises(SettingError, match=f"{name} must be from 0 to"):
            PostProcessing(**{name: value})
        with pytest.raises(SettingError, match=f"{name} must be from 0 to"):
            BehaviourRule(behaviour="a", **{name: value})
    with pytest.raises(SettingError, match="one rule at most"):
        replace(PostProcessing(), rules=(BehaviourRule(behaviour="a"),) * 2)


@pytest.mark.parametrize(
    ("values", "starts", "ends", "message"),
    [
        ([[1, 0, 0]], [0], [1], "shape"),
        ([[1, 0]], [0, 1], [1, 2], "shape"),
        ([[1, 2]], [0], [1], "take the softmax"),
        ([[1, float("nan")]], [0], [1], "take the softmax"),
        ([[1, 0]], [0], [float("inf")], "finite"),
        ([[1, 0]] * 2, [0, 0.5], [1, 2], "not overlap"),
        ([[1, 0]], [0], [0], "last longer"),
    ],
)
def test_what_are_no_probabilities(values, starts, ends, message):
    with pytest.raises(ValueError, match=message):
        ClassProbabilities(("a", "b"), values, starts, ends)
