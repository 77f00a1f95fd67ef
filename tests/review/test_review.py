"""Going over a model's bouts: order, estimate, blind checks, more alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vidmem.errors import SettingError
from vidmem.labels import Behaviour, Bout, ClassProbabilities, Ethogram, Labels, Span
from vidmem.review import (
    BlindCheck,
    EncodedStretch,
    ReviewBout,
    class_probabilities_of,
    draw_blind_spans,
    estimate_accuracy,
    find_alike,
    order_bouts,
    review_bouts,
    worth_checking,
)

ETHOGRAM = Ethogram((Behaviour("lying"), Behaviour("standing")))


def bout(start: float, end: float, behaviour: str, score: float | None = None) -> Bout:
    source = "human" if score is None else "model"
    return Bout("a.mp4", start, end, behaviour, score=score, source=source)


def reviewed(*said: Bout, scored: tuple[Span, ...] = (), unsure: tuple[Span, ...] = ()):
    predicted = Labels(
        ETHOGRAM,
        (bout(0, 10, "lying", 0.9), bout(10, 20, "standing", 0.6), bout(20, 30, "lying", 0.7)),
    )
    return review_bouts(predicted, Labels(ETHOGRAM, said, scored=scored, not_scored=unsure))


def made(confidence: float, seconds: float = 10.0, *, agreed: float = 0.0, at: float = 0.0):
    return ReviewBout(
        bout=bout(at, at + seconds, "lying", confidence),
        axis="behaviour",
        agreed_seconds=agreed,
        differing_seconds=0.0,
        not_scored_seconds=0.0,
    )


def test_a_bout_is_laid_beside_what_people_said_while_it_lasts():
    spans = {
        "scored": (Span("a.mp4", 20, 22),),
        "unsure": (Span("a.mp4", 24, 29),),
    }
    first, second, third = reviewed(bout(0, 4, "lying"), bout(4, 15, "standing"), **spans)
    assert (first.agreed_seconds, first.differing_seconds, first.unsaid_seconds) == (4, 6, 0)
    assert (second.agreed_seconds, second.unsaid_seconds) == (5, 5)
    assert (third.differing_seconds, third.not_scored_seconds, third.unsaid_seconds) == (2, 5, 3)
    assert [one.is_checked for one in (first, second, third)] == [True, False, False]


def test_an_axis_that_nobody_has_labelled_is_unsaid():
    empty = Labels(Ethogram((Behaviour("near", axis="place"),)))
    predicted = Labels(ETHOGRAM, (bout(0, 10, "lying", 0.9),))
    assert review_bouts(predicted, empty)[0].unsaid_seconds == 10


def test_each_order_has_first_what_it_is_for():
    bouts = reviewed(bout(0, 10, "standing"))
    starts = {
        by: [one.bout.start_seconds for one in order_bouts(bouts, by)]
        for by in ("doubt", "disagreement", "confidence", "time")
    }
    assert starts == {
        "doubt": [10, 20],
        "disagreement": [0],
        "confidence": [20, 10],
        "time": [0, 10, 20],
    }
    with pytest.raises(SettingError, match="must be one of"):
        order_bouts(bouts, "size")  # type: ignore[arg-type]


def test_the_classes_of_a_span_are_weighted_by_time():
    values = np.array([[0.9, 0.1], [0.2, 0.8]])
    given = ClassProbabilities(
        ("lying", "standing"), values, np.array([0, 4.0]), np.array([4.0, 8])
    )
    assert class_probabilities_of(given, 3, 7) == pytest.approx(
        {"standing": 0.1 / 4 + 0.8 * 3 / 4, "lying": 0.9 / 4 + 0.2 * 3 / 4}
    )
    assert class_probabilities_of(given, 9, 12) == {}


def test_without_checks_the_estimate_is_what_the_model_says_and_checked_time_is_right():
    estimate = estimate_accuracy([made(0.8), made(0.6, agreed=10.0)])
    assert estimate is not None
    assert estimate.accuracy == pytest.approx((0.8 * 10 + 10) / 20)
    assert estimate.low < estimate.accuracy < estimate.high
    assert estimate_accuracy([]) is None


@pytest.mark.parametrize("share", [0.55, 0.8, 0.97])
def test_blind_checks_move_the_estimate_to_what_is_true_and_narrow_it(share: float):
    bouts = [made(0.9)]
    num_right = round(60 * share)
    checks = [BlindCheck(0.9, 1.0)] * num_right + [BlindCheck(0.9, 0.0)] * (60 - num_right)
    before, after = estimate_accuracy(bouts), estimate_accuracy(bouts, checks)
    assert before is not None and after is not None
    assert after.accuracy == pytest.approx(share, abs=0.04)
    assert after.high - after.low < 0.6 * (before.high - before.low)
    assert after.low <= share <= after.high


def test_what_is_worth_checking_raises_the_estimate_as_told():
    bouts = [made(0.95, at=20.0 * i) for i in range(8)] + [
        made(0.5, at=200 + 20.0 * i) for i in range(3)
    ]
    worth = worth_checking(bouts, least_gain=0.08)
    assert worth is not None and worth.num_bouts == 2
    right = [
        replace(one, agreed_seconds=10.0) if one in order_bouts(bouts, "doubt")[:2] else one
        for one in bouts
    ]
    reached = estimate_accuracy(right)
    assert reached is not None
    assert reached.accuracy == pytest.approx(worth.accuracy)
    assert worth_checking(right, least_gain=0.5) is None
    assert worth_checking([]) is None


def test_blind_spans_are_drawn_from_what_nobody_has_seen_by_time():
    bouts = [made(0.9, 40.0), made(0.9, 1.0, at=50.0), made(0.8, 30.0, agreed=3.0, at=60.0)]
    spans = draw_blind_spans(bouts, 5, seed=3)
    assert spans == draw_blind_spans(bouts, 5, seed=3)
    assert len(spans) == 2  # the third has been looked at
    for one in spans:
        assert any(
            own.bout.start_seconds <= one.start_seconds < one.end_seconds <= own.bout.end_seconds
            for own in bouts[:2]
        )
    firsts = [draw_blind_spans(bouts, 1, seed=seed)[0].start_seconds for seed in range(40)]
    assert sum(at < 50 for at in firsts) > 30
    assert len(set(firsts)) > 20


def test_more_alike_are_found_in_all_footage_and_never_the_span_itself():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 0.1, (200, 4)).astype(np.float32)
    for start in (20, 90, 150):
        values[start : start + 10] += (3, 0, -2, 1)
    starts = np.arange(100) / 5.0
    stretches = [
        EncodedStretch(video=name, values=own, start_seconds=starts, end_seconds=starts + 0.2)
        for name, own in (("a.mp4", values[:100]), ("b.mp4", values[100:]))
    ]
    first, second = find_alike(stretches, video="a.mp4", start_seconds=4, end_seconds=6, count=2)
    assert {(one.video, round(one.start_seconds, 6)) for one in (first, second)} == {
        ("a.mp4", 18.0),
        ("b.mp4", 10.0),
    }
    assert first.distance <= second.distance
    many = find_alike(stretches, video="a.mp4", start_seconds=4, end_seconds=6, count=1000)
    ends: dict[str, float] = {"a.mp4": 0.0, "b.mp4": 0.0}
    for one in sorted(many, key=lambda one: (one.video, one.start_seconds)):
        assert one.start_seconds >= ends[one.video] - 1e-9
        assert one.video == "b.mp4" or one.end_seconds <= 4.01 or one.start_seconds >= 5.99
        ends[one.video] = one.end_seconds
    with pytest.raises(SettingError, match="has no features"):
        find_alike(stretches, video="c.mp4", start_seconds=4, end_seconds=6)
