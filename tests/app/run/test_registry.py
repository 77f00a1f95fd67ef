"""Who looks at which run, and when a run is freed."""

from __future__ import annotations

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


def test_a_run_without_a_page_is_freed_after_the_grace(desk):
    desk.machine.clip_seconds = 0.2
    run = desk.open("first")
    run.play()
    wait_until(lambda: run.view.newest is not None)
    desk.registry.close_page("first")
    desk.now += 21
    assert desk.registry.sweep() == [run.run_id]
    assert not run.is_active
    assert desk.machine.engines[-1].closed.is_set()
    assert desk.open("second", run.run_id) is not run


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
    desk.registry.close()
    assert len(desk.registry) == 0
    assert not any(run.is_active for run in runs)


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
