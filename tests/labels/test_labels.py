"""Labels: whole is in pieces, a track is one thing at a time, and edits do what a person means."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labels import strategies as some
from tests.labels.strategies import ETHOGRAM, VIDEOS
from vidmem.errors import LabelError
from vidmem.labels import (
    NONE_OF_THESE,
    NOT_SCORED,
    Behaviour,
    Bout,
    Ethogram,
    LabelledVideo,
    Labels,
    Span,
    merge,
)

FEW = settings(max_examples=12, deadline=None)
V = VIDEOS[0]


def bout(start, end, behaviour="lying", **fields):
    return Bout(V, start, end, behaviour, **fields)


def make(*bouts, **fields):
    return Labels(ETHOGRAM, bouts, **fields)


def said(labels, axis="posture"):
    return [(s.start_seconds, s.end_seconds, s.what) for s in labels.timeline(V, axis)]


def without_seams(labels):
    """With bouts joined that touch and are of one behaviour: a cut there would be undone too."""
    for one in labels.bouts:
        labels = labels.join_at(one.video, one.end_seconds)
    return labels


def assert_sound(labels):
    """A track is one thing at a time, all is in order, and made anew it is the same."""
    for track in labels.tracks:
        timeline = labels.timeline(track.video, track.axis, track.subject)
        for before, after in pairwise(timeline):
            assert before.end_seconds <= after.start_seconds
        assert all(one.end_seconds - one.start_seconds > 1e-6 for one in timeline)
    assert list(labels.bouts) == sorted(labels.bouts, key=lambda one: one.sort_key)
    again = Labels(
        labels.ethogram,
        tuple(reversed(labels.bouts)),
        tuple(reversed(labels.not_scored)),
        tuple(reversed(labels.scored)),
        tuple(reversed(labels.videos)),
    )
    assert again == labels and hash(again) == hash(labels)


@FEW
@given(some.labels(), some.TIME)
def test_cut_and_joined_is_what_it_was(labels, at):
    labels = without_seams(labels)
    cut = labels.cut(V, at)
    assert_sound(cut)
    over = [one for one in cut.bouts_of(video=V) if not one.is_point and one.clipped(0, at)]
    assert all(one.clipped(at, 99) is None for one in over)
    assert cut.join_at(V, at) == labels


@FEW
@given(some.labels(), some.TIME.filter(lambda t: 0.01 < t < 19.99))
def test_whole_is_in_pieces(labels, at):
    labels = without_seams(labels).for_video(V)
    before, after = labels.between(V, 0, at), labels.between(V, at, some.END_SECONDS + 1)
    merged = merge(before, after)
    assert merged.conflicts == ()
    assert merged.labels.join_at(V, at) == labels


@FEW
@given(some.labels())
def test_parts_make_the_whole(labels):
    by_video = [labels.for_video(video) for video in VIDEOS]
    by_subject = [labels.for_subject(subject) for subject in some.SUBJECTS]
    for first, second in (by_video, by_subject):
        merged = merge(first, second)
        assert merged.labels == labels and merged.conflicts == ()
    axes = [labels.for_axis(axis) for axis in ETHOGRAM.axes]
    assert axes[0].ethogram.axes == ("posture",)
    assert {one for part in axes for one in part.bouts} == set(labels.bouts)


def edits():
    """What a person may do, as functions from labels to labels."""
    on_overlap = st.sampled_from(("cut", "replace", "refuse"))
    add = st.builds(lambda b, o: lambda x: x.add(b, on_overlap=o), some.bouts(), on_overlap)
    cut = st.builds(lambda v, t: lambda x: x.cut(v, t), some.VIDEO, some.TIME)
    join = st.builds(lambda v, t: lambda x: x.join_at(v, t), some.VIDEO, some.TIME)
    marks = ("mark_scored", "mark_not_scored", "unmark")
    mark = st.builds(
        lambda s, name: lambda x: getattr(x, name)(s), some.spans(), st.sampled_from(marks)
    )
    drop = st.builds(
        lambda n: lambda x: x.remove(x.bouts[n % len(x.bouts)]) if x.bouts else x, st.integers(0, 9)
    )
    drag = st.builds(
        lambda n, b: lambda x: x.replace(x.bouts[n % len(x.bouts)], b) if x.bouts else x,
        st.integers(0, 9),
        some.bouts(),
    )
    return st.one_of(add, cut, join, mark, drop, drag)


@FEW
@given(some.labels(), st.lists(edits(), max_size=6))
def test_a_track_is_one_thing_at_a_time_after_any_edits(labels, steps):
    for edit in steps:
        try:
            labels = edit(labels)
        except LabelError as error:
            assert any(word in str(error) for word in ("exclude", "not scored", "already"))
        assert_sound(labels)


@FEW
@given(some.labels(), some.bouts())
def test_what_was_added_is_there_and_elsewhere_nothing_changed(labels, new):
    added = labels.add(new)
    assert new in added.bouts
    if not new.is_point:
        for rest in ((0, new.start_seconds), (new.end_seconds, some.END_SECONDS + 1)):
            before, after = (x.between(new.video, *rest) for x in (labels, added))
            assert set(before.bouts) == set(after.bouts)
            assert before.not_scored == after.not_scored
    assert added.scored == labels.scored or not labels.not_scored
    assert added.remove(new).add(new) == added


def test_adding_over_a_bout_cuts_replaces_or_refuses():
    labels = make(bout(0, 10), bout(10, 12, "standing"))
    new = bout(4, 11, "standing", comment="new")
    assert labels.add(new).bouts == (bout(0, 4), new, bout(11, 12, "standing"))
    assert labels.add(new, on_overlap="replace").bouts == (new,)
    with pytest.raises(LabelError, match=r"standing, 4 to 11 s in pen 2\.mp4 overlaps lying"):
        labels.add(new, on_overlap="refuse")
    inside = bout(4, 5, "standing")
    assert labels.add(inside).bouts[:3] == (bout(0, 4), inside, bout(5, 10))
    touching = bout(12, 13)
    assert touching in labels.add(touching, on_overlap="refuse").bouts


def test_axes_subjects_and_videos_are_independent():
    others = (
        bout(0, 10, "feeding"),
        bout(0, 10, subject="sow 12"),
        Bout(VIDEOS[1], 0, 10, "lying"),
        bout(5, 5, "rolling"),
    )
    labels = make(bout(0, 10)).add(*others, on_overlap="refuse")
    assert len(labels.bouts) == 5
    assert labels.subjects == ("", "sow 12")
    assert [video.name for video in labels.videos] == list(VIDEOS)
    assert labels.bouts_of(video=V, axis="posture", subject="") == (bout(0, 10), others[3])


def test_edges_said_in_two_ways_are_one():
    labels = make(bout(0, 5.000001), bout(5, 9, "standing"))
    assert [one.end_seconds for one in labels.bouts] == [5, 9]
    assert make(bout(0, 5), bout(5.0000008, 9)).join_at(V, 5).bouts == (bout(0, 9),)


@pytest.mark.parametrize(
    ("bouts", "message"),
    [
        ((bout(0, 5), bout(4, 9, "standing")), "overlap, but exclude each other"),
        ((bout(1, 1),), "lying is a state and must last longer than a microsecond"),
        ((bout(1, 1.000001),), "must last longer"),
        ((bout(1, 2, "rolling"),), "rolling is a point event"),
        ((bout(1, 1, "rolling"), bout(1, 1, "rolling", author="b")), "there twice"),
        ((bout(1, 2, "sitting"),), "no behaviour 'sitting'"),
    ],
)
def test_what_labels_cannot_hold(bouts, message):
    with pytest.raises(LabelError, match=message):
        make(*bouts)
    with pytest.raises(LabelError):
        make().add(*bouts, on_overlap="refuse")


def test_a_point_takes_the_place_of_the_same_one():
    old, new = bout(1, 1, "rolling"), bout(1, 1, "rolling", comment="to the left")
    assert make(old).add(new).bouts == (new,)
    with pytest.raises(LabelError, match="there already"):
        make(old).add(new, on_overlap="refuse")


def test_what_is_scored_and_empty_is_none_of_these_and_the_rest_is_unlabelled():
    labels = make(bout(2, 4), not_scored=(Span(V, 8, 10),), scored=(Span(V, 0, 9, axis="posture"),))
    assert said(labels) == [
        (0, 2, NONE_OF_THESE),
        (2, 4, "lying"),
        (4, 8, NONE_OF_THESE),
        (8, 10, NOT_SCORED),
    ]
    assert said(labels, "activity") == [(8, 10, NOT_SCORED)]  # of all axes
    assert labels.timeline(VIDEOS[1], "posture") == ()
    assert said(labels.unmark(Span(V, 0, 20))) == [(2, 4, "lying")]


def test_the_last_word_on_a_span_holds():
    labels = make(bout(2, 8)).mark_not_scored(Span(V, 4, 6, axis="posture"))
    assert said(labels) == [(2, 4, "lying"), (4, 6, NOT_SCORED), (6, 8, "lying")]
    assert said(labels.mark_scored(Span(V, 5, 6)))[2] == (5, 6, NONE_OF_THESE)
    assert said(labels.add(bout(3, 5, "standing")))[1:3] == [
        (3, 5, "standing"),
        (5, 6, NOT_SCORED),
    ]
    with pytest.raises(LabelError, match="lies where it is not scored, 4 to 5 s"):
        labels.add(bout(3, 5, "standing"), on_overlap="refuse")
    with pytest.raises(LabelError, match="overlaps what is not scored"):
        make(bout(2, 8), not_scored=(Span(V, 4, 6),))


def test_spans_need_their_axis():
    with pytest.raises(LabelError, match="no axis 'pose'"):
        make().mark_scored(Span(V, 0, 1, axis="pose"))
    with pytest.raises(LabelError, match="the ethogram has no axis yet"):
        Labels().mark_not_scored(Span(V, 0, 1))


def test_join_spans_the_gap_and_keeps_what_was_said():
    first = bout(0, 2, author="Zoë", comment="a", score=0.5, source="model")
    second = bout(4, 8, comment="b", score=0.8, source="human")
    (joined,) = make(first, second).join(second, first).bouts
    assert joined == bout(0, 8, author="Zoë", comment="a\nb", score=joined.score)
    assert joined.score == pytest.approx((0.5 * 2 + 0.8 * 4) / 6)
    between = make(first, bout(2, 4, "standing"), second)
    with pytest.raises(LabelError, match="exclude each other"):
        between.join(first, second)
    with pytest.raises(LabelError, match="only two states of one behaviour"):
        between.join(first, bout(2, 4, "standing"))


def test_a_bout_that_changed_meanwhile_is_not_removed():
    labels = make(bout(0, 10))
    with pytest.raises(LabelError, match=r"no bout lying, 0 to 9 s in pen 2\.mp4 any more"):
        labels.remove(bout(0, 9))
    assert labels.replace(bout(0, 10), bout(0, 10, "standing")).bouts == (bout(0, 10, "standing"),)


def test_renaming_keeps_labels_and_removing_says_which_go():
    labels = make(bout(0, 10), bout(2, 2, "rolling"), scored=(Span(V, 0, 20, axis="posture"),))
    renamed = labels.rename_behaviour("lying", "down")
    assert renamed.bouts_of(behaviour="down") == (bout(0, 10, "down"),)
    assert renamed.rename_behaviour("down", "lying") == labels
    with pytest.raises(LabelError, match="two behaviours have the name"):
        labels.rename_behaviour("lying", "standing")
    without = labels.without_behaviour("lying")
    assert said(without) == [(0, 20, NONE_OF_THESE)] and "lying" not in without.ethogram
    assert labels.rename_axis("posture", "pose").rename_axis("pose", "posture") == labels
    gone = Labels(Ethogram.of("a"), scored=(Span(V, 0, 1),)).without_behaviour("a")
    assert gone.scored == () and gone.ethogram == Ethogram()


def test_another_ethogram_must_fit():
    labels = make(bout(0, 10), bout(0, 10, "feeding"))
    moved = ETHOGRAM.changed("feeding", axis="posture")
    with pytest.raises(LabelError, match="overlap"):
        labels.with_ethogram(moved)
    with pytest.raises(LabelError, match="no behaviour"):
        labels.with_ethogram(ETHOGRAM.removed("lying"))
    assert labels.with_ethogram(ETHOGRAM.recoloured("lying", "#000000")).bouts == labels.bouts


def test_what_is_known_of_videos_is_kept():
    labels = make(bout(0, 10)).with_video(LabelledVideo(V, 60.0))
    assert labels.video(V).duration_seconds == 60
    assert labels.between(V, 0, 5).videos == (LabelledVideo(V, 60.0),)
    assert labels.video("other.mp4") == LabelledVideo("other.mp4")
    with pytest.raises(LabelError, match="described twice"):
        make(videos=(LabelledVideo(V, 1), LabelledVideo(V, 2)))


def test_an_edit_of_an_hour_of_labels_is_quick_to_write():
    # Not a time, which would need an idle machine: states of other tracks are left as they are.
    many = Labels(
        Ethogram((Behaviour("a"), Behaviour("b"))),
        tuple(Bout(V, n, n + 1, "ab"[n % 2]) for n in range(2000)),
    )
    after = many.add(Bout(V, 10.5, 11.5, "a"))
    kept = {id(one) for one in many.bouts} & {id(one) for one in after.bouts}
    assert len(kept) == 1998
