"""Who looks at which run, and when a run is freed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.sources.webcam import Webcam
from tests.app.conftest import wait_until


def test_a_reload_within_the_grace_finds_the_run_again(desk):
    run = desk.open("first")
    desk.registry.close_page("first")
    desk.now += 10
    assert desk.registry.sweep() == []
    assert desk.open("second", run.run_id) is run
    desk.now += 50
    assert desk.registry.sweep() == []


def test_what_a_page_asked_before_it_was_closed_does_not_bring_it_back(desk):
    run = desk.open("first")
    desk.registry.close_page("first")
    desk.now += 1
    desk.ask(run, page="first")
    desk.now += 20
    assert desk.registry.sweep() == [run.run_id]


@pytest.mark.parametrize("how", ["paused", "ends with its page", "of a webcam"])
def test_a_run_without_a_page_that_does_not_go_on_is_freed_after_the_grace(desk, how):
    desk.machine.clip_seconds = 0.2
    run = desk.open("first")
    run.play()
    wait_until(lambda: run.view.newest is not None)
    if how == "paused":
        run.pause()
    elif how == "ends with its page":
        desk.ask(run, ("end_with_page", {"is_on": True}), page="first")
        assert run.board.get("play")["ends_with_page"]
    else:
        run.source.video = replace(run.source.video, webcam=Webcam(16, 16))
    desk.registry.close_page("first")
    desk.now += 19
    assert desk.registry.sweep() == []
    desk.now += 2
    assert desk.registry.sweep() == [run.run_id]
    assert not run.is_active
    assert desk.machine.engines[-1].closed.is_set()
    assert desk.open("second", run.run_id) is not run
    assert [one.state for one in desk.project.runs.list()] == ["stopped"]


def test_a_run_that_plays_goes_on_without_a_page_to_its_end_and_is_then_freed(desk):
    """Nothing of it needs a page: none polls, so nothing ticks."""
    desk.machine.clip_seconds = 0.02
    run = desk.open("first")
    run.play()
    wait_until(lambda: run.view.newest is not None)
    desk.registry.close_page("first")
    desk.now += 21
    assert desk.registry.sweep() == []
    assert not desk.registry.has_page(run.run_id)
    assert desk.registry.find_playing(run.kept_id) is run
    wait_until(lambda: run.status == "finished")
    wait_until(lambda: desk.registry.sweep() == [run.run_id])
    (kept,) = desk.project.runs.list()
    assert (kept.state, kept.progress_seconds) == ("finished", 60)


def test_runs_without_a_page_count_for_the_limit_and_who_is_refused_learns_where_they_are(desk):
    desk.machine.clip_seconds = 0.2
    for number in range(2):
        desk.open(f"page {number}").play()
        desk.registry.close_page(f"page {number}")
    desk.now += 100
    desk.registry.sweep()
    third = desk.open("third")
    desk.ask(third, ("play", None), page="third")
    assert not third.is_active
    assert "the Runs page lists them" in third.board.get("notice")["text"]


def test_a_page_is_given_another_run_and_what_it_asked_before_it_knew_brings_nothing_back(desk):
    desk.machine.clip_seconds = 0.2
    plays, other = desk.open("first"), desk.open("second")
    plays.play()
    wait_until(lambda: plays.view.newest is not None)
    desk.registry.close_page("first")
    answer = desk.ask(other, ("open_run", {"id": plays.kept_id}), page="second")
    assert answer["run"] == plays.run_id
    assert "hello" in answer
    late = desk.ask(other, ("pause", None), page="second")  # sent before the answer came
    assert late["run"] == plays.run_id
    assert plays.status == "paused"
    desk.now += 21
    assert desk.registry.sweep() == [other.run_id]
    assert desk.registry.has_page(plays.run_id)


def test_two_pages_on_one_run_keep_it_until_both_are_gone(desk):
    run = desk.open("first")
    assert desk.open("second", run.run_id) is run
    desk.registry.close_page("first")
    desk.now += 50
    assert desk.registry.sweep() == []
    desk.registry.close_page("second")
    desk.now += 50
    assert desk.registry.sweep() == [run.run_id]


def test_a_page_that_asks_again_after_it_was_lost_keeps_its_run(desk):
    run = desk.open("first")
    desk.registry.close_page("first")
    desk.now += 10
    desk.ask(run, page="first")
    desk.now += 15
    assert desk.registry.sweep() == []


def test_a_page_on_view_that_falls_silent_was_closed_unnoticed(desk):
    run = desk.open("first")
    desk.ask(run, page="first")
    desk.now += 59
    assert desk.registry.sweep() == []
    desk.now += 2
    assert desk.registry.sweep() == []  # the grace begins
    desk.now += 21
    assert desk.registry.sweep() == [run.run_id]


def test_a_hidden_page_may_be_silent_for_hours(desk):
    run = desk.open("first")
    desk.ask(run, page="first", is_hidden=True)
    desk.now += 11 * 3600
    assert desk.registry.sweep() == []
    desk.ask(run, page="first")
    desk.now += 61
    desk.registry.sweep()
    desk.now += 21
    assert desk.registry.sweep() == [run.run_id]


def test_two_runs_do_not_know_of_each_other(desk):
    first, second = desk.open("first"), desk.open("second")
    first.play()
    wait_until(lambda: first.status == "finished")
    assert second.status == "ready"
    assert len(second.view.timeline) == 0
    assert first.board.get("bouts") != second.board.get("bouts")


def test_closing_frees_everything(desk):
    desk.machine.clip_seconds = 0.2
    runs = [desk.open(f"page {number}") for number in range(2)]
    for run in runs:
        run.play()
        wait_until(lambda run=run: run.view.newest is not None)
    desk.registry.close()
    assert len(desk.registry) == 0
    assert not any(run.is_active for run in runs)
    # Nobody stopped them: the app ended under them.
    assert [one.state for one in desk.project.runs.list()] == ["running"] * 2


def test_runs_that_play_nothing_make_room_for_others(desk):
    desk.registry._max_held = 4
    desk.machine.clip_seconds = 0.2
    plays = desk.open("plays")
    plays.play()
    played = desk.open("played")
    played.play()
    wait_until(lambda: played.view.newest is not None)
    played.stop()
    desk.now += 1
    left, idle = desk.open("left"), desk.open("idle")
    desk.registry.close_page("left")
    desk.now += 1
    for number in range(20):
        desk.now += 1
        desk.ask(plays, page="plays")
        desk.open(f"another {number}")
        assert len(desk.registry) == 4
    # First the one without a page, then those that never played; never one that plays.
    assert desk.registry.find(left.run_id) is None
    assert desk.registry.find(idle.run_id) is None
    assert desk.registry.find(played.run_id) is played
    assert desk.registry.find(plays.run_id) is plays
    assert plays.is_active
