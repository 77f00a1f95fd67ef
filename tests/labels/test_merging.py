"""Merging: order does not matter where there is no conflict, and people come before models."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labels import strategies as some
from tests.labels.strategies import ETHOGRAM, VIDEOS
from tests.labels.test_labels import assert_sound
from vidmem.errors import LabelError
from vidmem.labels import Bout, Ethogram, LabelledVideo, Labels, Span, compare, merge

FEW = settings(max_examples=12, deadline=None)
V = VIDEOS[0]
CHOICES = st.sampled_from(("keep", "fill", "take"))


def bout(start, end, behaviour="lying", **fields):
    return Bout(V, start, end, behaviour, **fields)


def make(*bouts, **fields):
    return Labels(ETHOGRAM, bouts, **fields)


@FEW
@given(some.labels(), some.labels(), CHOICES)
def test_merge_is_sound_and_order_matters_only_where_there_is_a_conflict(mine, theirs, choice):
    merged = merge(mine, theirs, on_conflict=choice)
    assert_sound(merged.labels)
    other = merge(theirs, mine, on_conflict=choice)
    assert bool(merged.conflicts) == bool(other.conflicts)
    if not merged.conflicts:
        assert merged.labels == other.labels
        assert set(merged.labels.bouts) == {*mine.bouts, *theirs.bouts}
        assert merge(mine, theirs, on_conflict="refuse").labels == merged.labels
    else:
        with pytest.raises(LabelError, match=f"{len(merged.conflicts)} such in all"):
            merge(mine, theirs, on_conflict="refuse")


@FEW
@given(some.labels(), CHOICES)
def test_merging_with_itself_changes_nothing(labels, choice):
    assert merge(labels, labels, on_conflict=choice).labels == labels
    assert merge(labels, Labels(ETHOGRAM), on_conflict=choice).labels == labels
    assert merge(Labels(ETHOGRAM), labels, on_conflict=choice).labels == labels


@FEW
@given(some.labels(), some.labels(), CHOICES)
def test_what_a_person_said_is_never_a_models(mine, theirs, choice):
    model = replace(
        theirs,
        bouts=tuple(one.changed(source="model") for one in theirs.bouts),
        not_scored=(),
    )
    after = merge(mine, model, on_conflict=choice).labels
    assert {one for one in mine.bouts if one.is_human} <= set(after.bouts)
    assert after.not_scored == mine.not_scored


@FEW
@given(some.labels(), some.labels())
def test_filled_keeps_all_of_mine_and_takes_theirs_where_mine_says_nothing(mine, theirs):
    filled = merge(mine, theirs, on_conflict="fill").labels
    for one in compare(mine, filled):
        # nothing that mine says is gone, save none of these where theirs saw something
        assert one.first in ("", "none of these")


def test_conflicts_are_named():
    mine = make(bout(0, 10), not_scored=(Span(V, 20, 30, axis="posture"),))
    theirs = make(bout(5, 12, "standing"), bout(25, 35, comment="x"))
    merged = merge(mine, theirs)
    assert [(one.kind, str(one)) for one in merged.conflicts] == [
        ("overlap", "standing, 5 to 12 s in pen 2.mp4 overlaps lying, 0 to 10 s in pen 2.mp4"),
        (
            "not scored",
            "lying, 25 to 35 s in pen 2.mp4 contradicts what is not scored: posture, 20 to 30 s "
            "in pen 2.mp4",
        ),
    ]
    assert merged.labels == mine
    filled = merge(mine, theirs, on_conflict="fill").labels.bouts
    assert filled == (bout(0, 10), bout(10, 12, "standing"), bout(30, 35, comment="x"))
    taken = merge(mine, theirs, on_conflict="take").labels
    assert taken.bouts == (bout(0, 5), *theirs.bouts)
    assert taken.not_scored == (Span(V, 20, 25, axis="posture"),)


def test_a_model_fills_around_people_even_where_it_is_taken():
    mine = make(bout(0, 10), bout(10, 20, source="model"))
    theirs = make(bout(5, 15, "standing", source="model"))
    assert merge(mine, theirs, on_conflict="take").labels.bouts == (
        bout(0, 10),
        bout(10, 15, "standing", source="model"),
        bout(15, 20, source="model"),
    )


def test_the_same_bout_with_other_details_is_a_conflict_and_a_persons_stays():
    person, model = bout(0, 10), bout(0, 10, score=0.9, source="model")
    for mine, theirs in ((person, model), (model, person)):
        merged = merge(make(mine), make(theirs))
        assert merged.labels.bouts == (person,)
        assert [one.kind for one in merged.conflicts] == ["details"]
    noted = bout(0, 10, comment="x")
    assert merge(make(person), make(noted)).labels.bouts == (person,)
    assert merge(make(person), make(noted), on_conflict="take").labels.bouts == (noted,)


def test_their_not_scored_leaves_my_states_unless_it_is_taken():
    mine, theirs = make(bout(0, 10)), make(not_scored=(Span(V, 5, 15, axis="posture"),))
    kept = merge(mine, theirs)
    assert kept.labels.bouts == (bout(0, 10),)
    assert kept.labels.not_scored == (Span(V, 10, 15, axis="posture"),)
    assert len(kept.conflicts) == 1
    assert merge(mine, theirs, on_conflict="take").labels.bouts == (bout(0, 5),)


def test_other_behaviours_and_videos_come_along():
    theirs = Labels(Ethogram.of("sitting", axis="posture"), (bout(0, 1, "sitting"),))
    merged = merge(make(bout(1, 2)), theirs)
    assert len(merged.labels.bouts) == 2 and "sitting" in merged.labels.ethogram
    known = make(videos=(LabelledVideo(V, 60),)), make(videos=(LabelledVideo(V, 61, 25),))
    merged = merge(*known)
    assert merged.labels.videos == (LabelledVideo(V, 60, 25),)
    assert [one.kind for one in merged.conflicts] == ["video"]


def test_an_unknown_choice_is_a_programmers_mistake():
    with pytest.raises(ValueError, match="on_conflict must be one of"):
        merge(make(), make(), on_conflict="mine")
