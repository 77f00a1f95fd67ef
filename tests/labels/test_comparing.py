"""Comparing: nothing differs from itself, and differences are where a naive look finds them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.labels import strategies as some
from tests.labels.strategies import ETHOGRAM, VIDEOS
from vidmem.errors import LabelError
from vidmem.labels import Bout, Difference, Ethogram, Labels, Span, compare

FEW = settings(max_examples=12, deadline=None)
V = VIDEOS[0]


def make(*bouts, **fields):
    return Labels(ETHOGRAM, tuple(Bout(V, *one) for one in bouts), **fields)


def shown(differences):
    return [(one.start_seconds, one.end_seconds, one.first, one.second) for one in differences]


def what(labels, track, seconds):
    """What is said of a track at a time, the plain way."""
    for one in labels.timeline(track.video, track.axis, track.subject):
        if one.start_seconds <= seconds < one.end_seconds:
            return one.what
    return ""


@FEW
@given(some.labels(), some.labels())
def test_differences_are_where_a_plain_look_finds_them(first, second):
    found = compare(first, second)
    for track in {*first.tracks, *second.tracks}:
        spans = [one for one in found if (one.video, one.subject, one.axis) == track]
        for tick in range(20 * 8):
            seconds = tick / 8 + 0.0301
            want = (what(first, track, seconds), what(second, track, seconds))
            at = [s for s in spans if s.start_seconds <= seconds < s.end_seconds]
            assert [(s.first, s.second) for s in at] == ([want] if want[0] != want[1] else [])
    swapped = [(one.second, one.first, one.start_seconds) for one in compare(second, first)]
    assert sorted(swapped) == sorted((one.first, one.second, one.start_seconds) for one in found)


@FEW
@given(some.labels())
def test_nothing_differs_from_itself(labels):
    assert compare(labels, labels) == ()


def test_spans_are_as_long_as_they_can_be():
    first = make((0, 4, "lying"), (4, 8, "lying"))
    second = make((2, 10, "standing"))
    assert shown(compare(first, second)) == [
        (0, 2, "lying", ""),
        (2, 8, "lying", "standing"),
        (8, 10, "", "standing"),
    ]
    assert shown(compare(first, second, has_unlabelled=False)) == [(2, 8, "lying", "standing")]
    assert shown(compare(first, second, tolerance_seconds=3)) == [(2, 8, "lying", "standing")]


def test_scored_and_not_scored_differ_from_nothing():
    first = make(scored=(Span(V, 0, 4, axis="posture"),))
    second = make(not_scored=(Span(V, 2, 6, axis="posture"),))
    assert shown(compare(first, second)) == [
        (0, 2, "none of these", ""),
        (2, 4, "none of these", "not scored"),
        (4, 6, "", "not scored"),
    ]


def test_points_are_matched_once_the_closest_first():
    first = make((1, 1, "rolling"), (1.3, 1.3, "rolling"))
    second = make((1.2, 1.2, "rolling"))
    assert len(compare(first, second)) == 3
    (left,) = compare(first, second, point_tolerance_seconds=0.5)
    assert left == Difference(
        video=V,
        subject="",
        axis="posture",
        start_seconds=1,
        end_seconds=1,
        first="rolling",
        second="",
    )


def test_a_state_cannot_be_held_against_a_point():
    with pytest.raises(LabelError, match=r"rolling is a point|rolling is a state"):
        compare(make(), Labels(Ethogram.of("rolling")))
