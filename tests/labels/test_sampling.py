"""Samples: as a plain look at each time finds them, and what nobody said is never a negative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labels import strategies as some
from tests.labels.strategies import ETHOGRAM, VIDEOS
from vidmem.errors import LabelError
from vidmem.labels import NO_CLASS, NONE_OF_THESE, Bout, Labels, Span, sample

FEW = settings(max_examples=12, deadline=None)
V = VIDEOS[0]
TIMES = st.lists(some.TIME, max_size=20)


def plainly(labels, video, seconds, axis, subject):
    """Class, unlabelled, not scored at one time, from bouts and spans alone."""
    names = [one.name for one in labels.ethogram.states_of(axis)]
    mine = (video, subject)
    at = round(seconds * 1e6)

    def is_over(one):
        is_in = round(one.start_seconds * 1e6) <= at < round(one.end_seconds * 1e6)
        return is_in and (one.video, one.subject) == mine

    for bout in labels.bouts:
        if bout.behaviour in names and is_over(bout):
            return names.index(bout.behaviour), False, False
    if any(is_over(span) for span in labels.not_scored if span.axis == axis):
        return NO_CLASS, False, True
    if any(is_over(span) for span in labels.scored if span.axis == axis):
        return len(names), False, False
    return NO_CLASS, True, False


@FEW
@given(some.labels(), TIMES, some.VIDEO, some.AXES, some.SUBJECT)
def test_fast_is_plain(labels, times, video, axis, subject):
    got = sample(labels, video, times, axis, subject)
    rows = zip(got.class_indices, got.is_unlabelled, got.is_not_scored, strict=True)
    assert list(rows) == [plainly(labels, video, x, axis, subject) for x in times]
    assert got.class_names[got.none_index] == NONE_OF_THESE


@FEW
@given(some.labels(), TIMES, some.INTERVAL)
def test_samples_of_a_part_are_part_of_the_samples(labels, times, interval):
    start, end = interval
    inside = [x for x in times if start <= x < end]
    part = sample(labels.between(V, start, end), V, inside, "posture")
    whole = sample(labels, V, inside, "posture")
    assert part.class_indices.tolist() == whole.class_indices.tolist()
    assert part.is_unlabelled.tolist() == whole.is_unlabelled.tolist()
    outside = [x for x in times if not start <= x < end]
    assert sample(labels.between(V, start, end), V, outside, "posture").is_unlabelled.all()


@FEW
@given(some.labels(), TIMES)
def test_what_nobody_said_is_never_a_negative(labels, times):
    unscored = labels.unmark(Span(V, 0, some.END_SECONDS + 1))
    got = sample(unscored, V, times, "posture")
    assert not (got.class_indices == got.none_index).any()
    assert (got.is_labelled ^ (got.is_unlabelled | got.is_not_scored)).all()


def test_a_time_belongs_to_what_starts_at_it():
    third = 1001 / 30000
    labels = Labels(ETHOGRAM, (Bout(V, 0, third, "lying"), Bout(V, third, 1, "standing")))
    got = sample(labels, V, np.array([1, third, 0, -1]), "posture")
    assert got.class_indices.tolist() == [NO_CLASS, 1, 0, NO_CLASS]
    assert got.class_indices.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        got.class_indices[0] = 1


def test_what_cannot_be_sampled():
    labels = Labels(ETHOGRAM)
    with pytest.raises(LabelError, match="no axis 'pose'"):
        sample(labels, V, [0], "pose")
    with pytest.raises(LabelError, match="must be finite"):
        sample(labels, V, [0, float("nan")], "posture")
    with pytest.raises(ValueError, match=r"shape \[N\], got \[1, 1\]"):
        sample(labels, V, [[0]], "posture")
