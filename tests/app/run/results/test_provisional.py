"""Predictions that are judged anew until they are final: replaced, never appended; and few."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from app.run.board import Board
from app.run.results.predicted_timeline import PredictedTimeline
from app.run.results.provisional import ProvisionalPredictions
from app.run.view import RunView
from tests.app.run.results.test_bouts import NAMES, make_prediction
from vidmem.streaming import Prediction, StreamSettings

SECONDS = 4.0
SPOOL = StreamSettings(
    fps=2.0,
    clip_frames=8,
    window_stride=8,
    l_mem=16,
    local_frame_range=8,
    lookahead_layers=4,
    is_back_to_back=True,
)


def stream(labels: list[list[int]], num_waiting: int = 4) -> list[Prediction]:
    """Windows of 4 s as an engine yields them; a window's labels are what is said of it in turn."""
    waiting: list[Prediction] = []
    yielded = []
    for index in range(len(labels)):
        start = index * SECONDS
        newest = replace(
            make_prediction(start, start + SECONDS, 0),
            index=index,
            remembered=tuple(range(max(0, index - 16), index)),
            num_remembered=min(16, index),
            l_mem=16,
            final_after_seconds=num_waiting * SECONDS,
        )
        judged = []
        for one in [*waiting, newest]:
            age = index - one.index
            values = [0.05] * 3
            values[labels[one.index][min(age, len(labels[one.index]) - 1)]] = 0.9
            is_final = age >= num_waiting or index == len(labels) - 1
            judged.append(one.judged_anew(tuple(values), is_final=is_final))
        waiting = [one for one in judged if not one.is_final]
        yielded.append(replace(judged[-1], revised=tuple(judged[:-1])))
    return yielded


def random_labels(count: int, seed: int = 0) -> list[list[int]]:
    rng = random.Random(seed)
    return [[rng.randrange(3) for _ in range(5)] for _ in range(count)]


def watched(predictions: list[Prediction], settings: StreamSettings = SPOOL) -> RunView:
    view = RunView(Board(), NAMES)
    for one in predictions:
        view.add_prediction(one, None, settings)
    view.refresh(is_forced=True)
    return view


def total_seconds(view: RunView) -> float:
    return sum(row[3] for row in view.board.get("bouts")["rows"])


def test_each_window_becomes_final_once_and_in_order():
    waiting, final = ProvisionalPredictions(), []
    for one in stream(random_labels(30)):
        final += [old.index for old in waiting.add_prediction(one) if old.is_final]
        final += [one.index] if one.is_final else []
    assert final == list(range(30))
    assert len(waiting) == 0


def test_a_window_judged_anew_is_replaced_and_not_appended():
    labels = random_labels(40)
    view = watched(stream(labels)[:-1])
    drawn = view.timeline.range(0, 1000)
    assert drawn["start"] == [index * SECONDS for index in range(39)]
    assert drawn["provisional"] == [35, 36, 37, 38]
    # The newest is as it was first judged, the one before it as at second sight; the rest is final.
    assert drawn["column"] == [labels[i][min(38 - i, 4)] for i in range(39)]


def test_only_what_is_final_is_counted_and_said_to_be():
    predictions = stream(random_labels(20))
    view = watched(predictions[:10])
    assert total_seconds(view) == 6 * SECONDS
    assert "final predictions only: the newest 4 clips" in view.board.get("bouts")["note"]
    now = view.board.get("now")
    assert not now["is_final"]
    assert ["final", "in 16 s: it looks 4 clips ahead"] in now["facts"]
    for one in predictions[10:]:
        view.add_prediction(one, None, SPOOL)
    view.finish()
    assert total_seconds(view) == 20 * SECONDS
    assert view.board.get("bouts")["note"] == ""
    assert view.board.get("now")["is_final"]
    assert view.timeline.range(0, 1000)["provisional"] == []


def test_what_was_said_at_first_is_told_where_it_changed():
    view = watched(stream([[0, 0, 0, 1, 2], *[[0]] * 9])[:5])
    facts = dict(view.board.get("now")["facts"])
    assert facts["newest final"] == "walking from 00:00, at first lying"
    view = watched(stream([[0], *[[0]] * 9])[:5])
    assert dict(view.board.get("now")["facts"])["newest final"] == "lying from 00:00"


def test_a_run_that_ends_early_counts_what_waits_as_it_was_judged_last():
    labels = random_labels(20)
    view = watched(stream(labels)[:10])
    view.finish()
    drawn = view.timeline.range(0, 1000)
    assert drawn["provisional"] == []
    assert drawn["column"][6:] == [labels[index][9 - index] for index in range(6, 10)]
    assert total_seconds(view) == 10 * SECONDS
    assert "newest 4 clips count as judged last" in view.board.get("bouts")["note"]
    assert ["final", "as judged last: no more was watched"] in view.board.get("now")["facts"]
    view.finish()
    assert "newest 4 clips count" in view.board.get("bouts")["note"]


def test_where_reading_failed_what_waits_goes_on_waiting():
    view = watched(stream(random_labels(20))[:10])
    view.finish(is_over=False)
    assert len(view.timeline.range(0, 1000)["provisional"]) == 4
    assert total_seconds(view) == 6 * SECONDS


def test_after_a_jump_what_waited_is_settled_at_its_own_time():
    before = stream(random_labels(10))[:9]
    view = watched(before)
    left = [one for one in (*before[-1].revised, before[-1]) if not one.is_final]
    settled = tuple(replace(one, is_final=True, revised=()) for one in left)
    jumped = replace(
        make_prediction(100, 104, 1), index=9, is_final=False, revised=settled, restarted="jumped"
    )
    view.add_prediction(jumped, None, SPOOL)
    drawn = view.timeline.range(0, 1000)
    assert drawn["provisional"] == [9]
    view.refresh(is_forced=True)
    assert total_seconds(view) == 9 * SECONDS


def test_what_nobody_speaks_of_any_more_stays_and_what_never_waited_is_left_out():
    waiting = ProvisionalPredictions()
    first, second, third = stream(random_labels(10))[:3]
    waiting.add_prediction(first)
    judged = waiting.add_prediction(replace(third, revised=(second,)))
    assert [(one.index, one.is_final) for one in judged] == [(0, True)]
    assert judged[0].label == first.label


def test_long_runs_hold_no_more_than_the_window():
    view = RunView(Board(), NAMES)
    view.predicted = PredictedTimeline(NAMES, max_points=300, bouts=view._bouts)
    for one in stream(random_labels(2000), num_waiting=8)[:-1]:
        view.add_prediction(one, None, SPOOL)
        assert view.predicted.num_provisional <= 8
        assert len(view.strip) <= 17
    assert len(view.timeline) <= 300
    assert len(view.timeline.range(0, 10_000)["provisional"]) == 8
    view.refresh(is_forced=True)
    assert total_seconds(view) == 1991 * SECONDS


def test_saying_the_same_again_sends_no_point():
    view = watched(stream([[0]] * 20)[:-1])
    points = view.timeline.since(-1)
    assert len(points) == 19 + 15  # each once provisional, and once final
    assert len({(point.start, point.is_final) for point in points}) == len(points)


@pytest.mark.parametrize("num_waiting", [0, 1, 4, 16])
@pytest.mark.parametrize("buckets", [40, 100, 1500])
def test_provisional_windows_are_never_joined_with_others(num_waiting, buckets):
    view = watched(stream(random_labels(501), num_waiting=num_waiting)[:-1])
    drawn = view.timeline.range(0, 10_000, buckets)
    assert len(drawn["start"]) <= buckets
    assert len(drawn["provisional"]) == num_waiting
    for at in drawn["provisional"]:
        assert drawn["end"][at] - drawn["start"][at] == SECONDS
    assert drawn["start"][1:] == drawn["end"][:-1]
    assert (drawn["start"][0], drawn["end"][-1]) == (0, 2000)


def test_without_a_look_ahead_nothing_is_provisional_and_nothing_of_it_is_said():
    view = watched(
        stream(random_labels(20), num_waiting=0)[:-1], replace(SPOOL, lookahead_layers=0)
    )
    assert view.timeline.range(0, 1000)["provisional"] == []
    assert total_seconds(view) == 19 * SECONDS
    assert view.board.get("bouts")["note"] == ""
    said = {term for term, _ in view.board.get("now")["facts"]}
    assert not said & {"final", "newest final"}


def test_the_strip_of_a_window_ends_with_the_newest_clip_and_says_what_is_provisional():
    view = watched(stream(random_labels(30))[:25])
    memory = view.board.get("memory")
    assert memory["is_window"]
    assert memory["num_places"] == 17
    assert [slot["clip"] for slot in memory["slots"]] == list(range(8, 25))
    assert [slot["clip"] for slot in memory["slots"] if not slot["is_final"]] == [21, 22, 23, 24]
    columns = view.timeline.range(0, 1000)["column"]
    assert [slot["column"] for slot in memory["slots"]] == columns[8:25]
    assert memory["note"] == "8 clips have left the window; nothing of them is kept."
    assert ["sees", "17 of 17 clips · the last 1 min 8 s"] in view.board.get("now")["facts"]
