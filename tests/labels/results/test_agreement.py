"""Agreement of two accounts: numbers worked out by hand, and what holds whatever they say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labels import strategies as some
from vidmem.errors import LabelError, SettingError
from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels, Span
from vidmem.labels.results import agree, mark_all_scored, match_times
from vidmem.labels.results.pairing import pair
from vidmem.labels.results.scans import scan

FEW = settings(max_examples=12, deadline=None)
V = "pen.mp4"
POSTURE = Ethogram.of("lying", "standing", "sitting", axis="posture")


def make(*bouts, ethogram=POSTURE, **fields):
    return Labels(ethogram, tuple(Bout(V, *one) for one in bouts), **fields)


def all_scored(labels, num_seconds=100.0):
    return mark_all_scored(labels, labels.tracks, num_seconds)


def figures(first, second, **options):
    return agree(first, second, **options).pooled


# Numbers by hand.


def test_kappa_of_the_toy_is_88_scan_sampled_and_duration_weighted():
    """A hundred seconds; the second sees the sow rise 6 s before the first does.

    In seconds: P0 = 94/100; shares of lying 50 and 44 %, so Pe = .5 x .44 + .5 x .56 = .5, and
    kappa = .44/.5. Scans at 0, 1, ..., 100 s: 95 of 101 agree, and of lying there are 50 and 44.
    """
    ethogram = Ethogram.of("lying", "standing")
    first = make((0, 50, "lying"), (50, 100, "standing"), ethogram=ethogram)
    second = make((0, 44, "lying"), (44, 100, "standing"), ethogram=ethogram)
    found = figures(first, second, interval_seconds=1)
    assert found.duration_weighted.kappa == pytest.approx(0.88)
    p0, pe = 95 / 101, (50 * 44 + 51 * 57) / 101**2
    assert found.scan_sampled.kappa == pytest.approx((p0 - pe) / (1 - pe))
    assert round(found.scan_sampled.kappa, 2) == 0.88
    assert found.scan_sampled.confusion == ((44, 6), (0, 51))
    assert found.duration_weighted.confusion == ((44, 6), (0, 50))
    assert found.duration_weighted.percent_agreement == pytest.approx(94)
    # Gwet: mean shares .47 and .53, so Pg = 2 x .47 x .53 / (2 - 1).
    assert found.duration_weighted.ac1 == pytest.approx((0.94 - 0.4982) / (1 - 0.4982))


def test_cohens_own_example():
    """The table of Cohen 1960: shares of 25, 31, 44 (30, 40, 30 % of the other), kappa .492."""
    table = ((25, 13, 12), (12, 2, 16), (3, 15, 2))  # its rows in an order of ours
    bouts: tuple[list, list] = ([], [])
    names, at = POSTURE.names, 0.0
    for i, row in enumerate(table):
        for j, seconds in enumerate(row):
            bouts[0].append((at, at + seconds, names[i]))
            bouts[1].append((at, at + seconds, names[j]))
            at += seconds
    found = figures(make(*bouts[0]), make(*bouts[1])).duration_weighted
    total = 100
    p0 = (25 + 2 + 2) / total
    pe = (50 * 40 + 30 * 30 + 20 * 30) / total**2
    assert found.kappa == pytest.approx((p0 - pe) / (1 - pe))
    assert found.chance_percent == pytest.approx(35)


def test_kappa_is_low_and_ac1_is_not_where_one_behaviour_has_nearly_all_the_time():
    """The paradox: 90 of 100 s agree. Pe = .95 x .95 + .05 x .05 = .905; Pg = 2 x .95 x .05."""
    ethogram = Ethogram.of("lying", "standing")
    first = make((0, 95, "lying"), (95, 100, "standing"), ethogram=ethogram)
    second = make((0, 90, "lying"), (90, 95, "standing"), (95, 100, "lying"), ethogram=ethogram)
    found = figures(first, second).duration_weighted
    assert found.kappa == pytest.approx((0.9 - 0.905) / (1 - 0.905))
    assert found.ac1 == pytest.approx((0.9 - 0.095) / (1 - 0.095))


def test_one_class_has_no_kappa_but_the_rest():
    labels = make((0, 60, "lying"))
    row = figures(labels, labels)
    for found in (row.scan_sampled, row.duration_weighted):
        assert found.kappa is None
        assert "one class" in found.kappa_undefined
        assert (found.percent_agreement, found.ac1) == (100, 1)
    plain = row.as_dict()
    assert plain["duration_weighted"]["kappa_undefined_because"] == row.scan_sampled.kappa_undefined
    assert "NaN" not in json.dumps(plain)


def test_a_rater_with_one_class_beside_one_with_two_has_kappa_0():
    found = figures(make((0, 60, "lying")), make((0, 30, "lying"), (30, 60, "standing")))
    assert found.duration_weighted.kappa == pytest.approx(0)


def test_nothing_in_common_is_said_so():
    row = figures(make((0, 10, "lying")), make((20, 30, "lying")))
    assert row.duration_weighted.kappa is None
    assert row.duration_weighted.percent_agreement is None
    assert "no time that both scored" in row.duration_weighted.ac1_undefined
    assert row.left_out.only_first_seconds == row.left_out.only_second_seconds == 10
    nothing = agree(Labels(POSTURE), Labels(POSTURE))
    assert (nothing.axes, nothing.pooled.duration_weighted.kappa) == ((), None)


def test_what_is_left_out_is_counted():
    first = make(
        (0, 40, "lying"),
        not_scored=(Span(V, 60, 70, axis="posture"),),
        videos=(LabelledVideo(V, 100),),
    )
    second = make((10, 65, "lying"), (65, 70, "standing"))
    left_out = figures(first, second).left_out
    assert left_out.only_first_seconds == 10
    assert left_out.only_second_seconds == 20
    assert left_out.not_scored_seconds == 10
    assert left_out.unlabelled_seconds == 30


def test_axes_are_pooled_by_their_own_chance():
    """Posture: 100 s, P0 .94, Pe .5. Activity: 100 s, P0 .9, Pe .9 x .8 + .1 x .2 = .74."""
    ethogram = Ethogram(
        (
            Behaviour("lying", axis="posture"),
            Behaviour("standing", axis="posture"),
            Behaviour("feeding", axis="activity"),
            Behaviour("drinking", axis="activity"),
        )
    )
    first = make(
        *((0, 50, "lying"), (50, 100, "standing"), (0, 90, "feeding"), (90, 100, "drinking")),
        ethogram=ethogram,
    )
    second = make(
        *((0, 44, "lying"), (44, 100, "standing"), (0, 80, "feeding"), (80, 100, "drinking")),
        ethogram=ethogram,
    )
    found = agree(first, second)
    assert found.of("posture").pooled.duration_weighted.kappa == pytest.approx(0.88)
    activity = found.of("activity").pooled.duration_weighted.kappa
    assert activity == pytest.approx((0.9 - 0.74) / (1 - 0.74))
    pooled = found.pooled.duration_weighted
    assert pooled.kappa == pytest.approx((0.92 - 0.62) / (1 - 0.62))
    assert pooled.percent_agreement == pytest.approx(92)
    only = agree(first, second, axis="posture")
    assert [one.axis for one in only.axes] == ["posture"]
    assert only.pooled.duration_weighted == only.of("posture").pooled.duration_weighted


def test_videos_and_subjects_add_up_to_the_pooled_seconds():
    def account(edge):
        return Labels(
            POSTURE,
            tuple(
                bout
                for video in ("a", "b")
                for subject in ("1", "2")
                for bout in (
                    Bout(video, 0, edge, "lying", subject),
                    Bout(video, edge, 10, "standing", subject),
                )
            ),
        )

    (axis,) = agree(account(4), account(6)).axes
    assert [row.video for row in axis.by_video] == ["a", "b"]
    assert [row.subject for row in axis.by_subject] == ["1", "2"]
    assert len(axis.by_track) == 4
    for rows in (axis.by_video, axis.by_subject, axis.by_track):
        assert sum(row.duration_weighted.total for row in rows) == 40
    assert axis.pooled.duration_weighted.confusion == ((16, 0), (8, 16))


# Scans.


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (1, {("lying", "lying"): 3, ("standing", "lying"): 1, ("standing", "standing"): 2}),
        (2, {("lying", "lying"): 2, ("standing", "standing"): 1}),
        (10, {("lying", "lying"): 1}),
    ],
)
def test_scans_take_in_both_ends_and_an_edge_goes_to_what_begins(interval, expected):
    """Lying to 3 (first) and 4 (second), then standing to 5; scans at 0, 1, 2 | 3 | 4, 5."""
    first = make((0, 3, "lying"), (3, 5, "standing"))
    second = make((0, 4, "lying"), (4, 5, "standing"))
    ((run,),) = (one.runs for one in pair(first, second))
    assert scan(run, interval) == expected


def test_a_state_holds_at_its_end_unless_another_begins():
    first, second = (all_scored(make((2, 4, "lying")), 6) for _ in range(2))
    ((run,),) = (one.runs for one in pair(first, second))
    counts = scan(run, 1)
    assert counts["lying", "lying"] == 3  # at 2, 3 and 4 s
    assert counts["none of these", "none of these"] == 4  # at 0, 1, 5 and 6 s


def test_scans_far_apart_miss_what_seconds_count():
    first = make((0, 0.4, "lying"), (0.4, 2, "standing"))
    second = make((0, 0.8, "lying"), (0.8, 2, "standing"))
    row = figures(first, second)
    assert row.scan_sampled.percent_agreement == 100
    assert row.duration_weighted.percent_agreement == pytest.approx(80)


def test_fine_scans_tend_to_the_kappa_of_durations():
    first = make((0, 31.7, "lying"), (31.7, 77, "standing"), (77, 100, "sitting"))
    second = make((0, 28.1, "lying"), (28.1, 80.3, "standing"), (80.3, 100, "sitting"))
    row = figures(first, second, interval_seconds=0.01)
    assert row.scan_sampled.kappa == pytest.approx(row.duration_weighted.kappa, abs=1e-3)


# Events.


def test_three_events_within_a_second_match_with_a_tolerance():
    """BORIS issue 228: kappa of scans every 2 s says there is no agreement, of three of three."""
    ethogram = Ethogram((Behaviour("bite", kind="point", axis="events"),))
    first = make(*((t, t, "bite") for t in (10.0, 20.0, 30.0)), ethogram=ethogram)
    second = make(*((t, t, "bite") for t in (11.3, 19.5, 30.9)), ethogram=ethogram)
    first, second = all_scored(first), all_scored(second)
    (wide,) = agree(first, second, point_tolerance_seconds=2).events
    assert (wide.num_first, wide.num_second, wide.num_matched) == (3, 3, 3)
    assert wide.percent_agreement == 100
    assert wide.median_difference_seconds == pytest.approx(0.9)
    (narrow,) = agree(first, second, point_tolerance_seconds=1).events
    assert narrow.num_matched == 2
    assert narrow.percent_agreement == 50  # two of four different events
    assert narrow.f1 == pytest.approx(2 / 3)


def test_each_event_is_matched_once_and_as_many_as_can_be():
    # The closest pair first, 1.0 and 1.1, would leave the others without a partner.
    assert match_times([0.2, 1.0], [1.1, 1.9], 1.0) == [(0, 0), (1, 1)]
    assert match_times([1, 1.1, 1.2], [1.15], 0.5) == [(0, 0)]
    assert match_times([], [1.0], 1) == []


def test_an_event_that_the_other_did_not_score_is_left_out():
    ethogram = Ethogram(
        (Behaviour("bite", kind="point", axis="posture"), Behaviour("lying", axis="posture"))
    )
    first = make((5, 5, "bite"), (15, 15, "bite"), (0, 20, "lying"), ethogram=ethogram)
    second = make((0, 10, "lying"), ethogram=ethogram)
    (events,) = agree(first, second).events
    assert (events.num_first, events.num_second, events.num_left_out) == (1, 0, 1)
    assert events.precision is None


# Ethograms.


def test_a_table_without_axes_takes_those_of_the_first():
    first = make((0, 10, "lying"))
    second = make((0, 10, "walking"), ethogram=Ethogram.of("lying", "walking"))
    (axis,) = agree(first, second).axes
    assert axis.axis == "posture"
    assert axis.pooled.duration_weighted.class_names == ("lying", "walking")


def test_an_axis_of_the_second_alone_comes_last():
    """It has no figures, so nobody should have to read past it."""
    mine = make((5, 10, "lying"))
    typo = Ethogram((Behaviour("at wal", axis="a"), Behaviour("lying", axis="posture")))
    theirs = make((0, 1, "at wal"), (5, 10, "lying"), ethogram=typo)
    assert [one.axis for one in agree(mine, theirs).axes] == ["posture", "a"]


def test_contradicting_kinds_are_refused():
    points = Ethogram((Behaviour("lying", kind="point"),))
    with pytest.raises(LabelError, match="lying is a point in one ethogram and a state"):
        agree(make((0, 10, "lying")), Labels(points))


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf")])
def test_impossible_intervals_are_refused(interval):
    with pytest.raises(SettingError, match=r"at least 0\.001 s"):
        agree(make(), make(), interval_seconds=interval)
    with pytest.raises(LabelError, match="no axis 'activity'"):
        agree(make(), make(), axis="activity")


# Whatever they say.


def rows_of(agreement):
    rows = [agreement.pooled]
    for one in agreement.axes:
        rows += [one.pooled, *one.by_video, *one.by_subject, *one.by_track]
    return rows


@FEW
@given(some.labels())
def test_agreement_with_itself_is_1_or_undefined(labels):
    found = agree(labels, labels, interval_seconds=0.5)
    for row in rows_of(found):
        for one in (row.scan_sampled, row.duration_weighted):
            assert one.kappa is None or one.kappa == pytest.approx(1)
            assert one.ac1 is None or one.ac1 == pytest.approx(1)
            assert one.percent_agreement is None or one.percent_agreement == pytest.approx(100)
            assert (one.kappa is None) == bool(one.kappa_undefined)
            assert (one.ac1 is None) == bool(one.ac1_undefined)
    assert all(one.percent_agreement in (None, 100) for one in found.events)
    assert "NaN" not in json.dumps(found.as_dict())


@FEW
@given(some.labels(), some.labels(), st.sampled_from((0.25, 1.0, 3.0)))
def test_agreement_is_symmetric(first, second, interval):
    there, back = (
        agree(*pair, interval_seconds=interval) for pair in ((first, second), (second, first))
    )
    mine = {(row.axis, row.video, row.subject): row for row in rows_of(there)}
    theirs = {(row.axis, row.video, row.subject): row for row in rows_of(back)}
    assert mine.keys() == theirs.keys()
    for key, row in mine.items():
        for name in ("scan_sampled", "duration_weighted"):
            one, other = getattr(row, name), getattr(theirs[key], name)
            assert one.total == pytest.approx(other.total)
            for figure in ("kappa", "ac1", "percent_agreement"):
                values = getattr(one, figure), getattr(other, figure)
                assert values[0] == pytest.approx(values[1], abs=1e-9)
        assert row.left_out.only_first_seconds == pytest.approx(
            theirs[key].left_out.only_second_seconds
        )
    matched = [{one.behaviour: one.num_matched for one in two.events} for two in (there, back)]
    assert matched[0] == matched[1]


@FEW
@given(some.labels(), some.labels())
def test_what_only_one_labels_changes_nothing(first, second):
    """More labels of one after the end of all others, in every track."""
    extra = tuple(
        Bout(track.video, 30, 45, behaviour, track.subject)
        for track in first.tracks
        for behaviour in [one.name for one in first.ethogram.states_of(track.axis)][:1]
    )
    longer = first.add(*extra)
    before, after = agree(first, second), agree(longer, second)
    for one, other in zip(rows_of(before), rows_of(after), strict=True):
        assert one.scan_sampled == other.scan_sampled
        assert one.duration_weighted == other.duration_weighted


@FEW
@given(some.labels(), some.labels(), st.sampled_from((0.5, 3.0)))
def test_stretched_time_changes_no_share(first, second, factor):
    before = agree(first, second, interval_seconds=1)
    after = agree(stretched(first, factor), stretched(second, factor), interval_seconds=factor)
    for one, other in zip(rows_of(before), rows_of(after), strict=True):
        assert other.duration_weighted.total == pytest.approx(
            factor * one.duration_weighted.total, abs=1e-4
        )
        assert other.duration_weighted.kappa == pytest.approx(one.duration_weighted.kappa, abs=1e-3)


def stretched(labels, factor):
    """The same in slow or fast motion."""

    def slower(one):
        return one.changed(
            start_seconds=one.start_seconds * factor, end_seconds=one.end_seconds * factor
        )

    return replace(
        labels,
        bouts=tuple(map(slower, labels.bouts)),
        scored=tuple(map(slower, labels.scored)),
        not_scored=tuple(map(slower, labels.not_scored)),
        videos=(),
    )


@FEW
@given(some.labels(), some.labels(), st.sampled_from((0.5, 1.0, 2.0)))
def test_scans_find_what_a_plain_look_finds(first, second, interval):
    for one in pair(first, second):
        for run in one.runs:
            want: dict[tuple[str, str], int] = {}
            for number in range(100):
                at = number * interval
                if run[0].start_seconds - 1e-6 <= at <= run[-1].end_seconds + 1e-6:
                    key = (plainly(run, at, "first"), plainly(run, at, "second"))
                    want[key] = want.get(key, 0) + 1
            assert dict(scan(run, interval)) == want


def plainly(run, at, side):
    """What one account says at a time: of all that hold, ends included, a behaviour that begins."""
    holding = [one for one in run if one.start_seconds - 1e-6 <= at <= one.end_seconds + 1e-6]
    said = [getattr(one, side) for one in holding]
    behaviours = [what for what in said if what != "none of these"]
    return behaviours[-1] if behaviours else said[-1]
