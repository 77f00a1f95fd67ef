"""The server's clock stands still while it cannot answer; its log does not grow without end."""

from __future__ import annotations

import logging

from app.run.registry import SILENT_SECONDS, RunRegistry
from app.serving.clock import LATE_SECONDS, AnsweringClock
from app.serving.log import MAX_ALIKE, PERIOD_SECONDS, FewAlike


class Now:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def beat_for(clock: AnsweringClock, now: Now, seconds: float) -> None:
    for _ in range(int(2 * seconds)):
        now.seconds += 0.5
        clock.on_beat()


def test_time_goes_on_as_long_as_the_server_answers_and_no_longer():
    now = Now()
    clock = AnsweringClock(now)
    before = clock()
    now.seconds += 5
    assert clock() - before == 5  # without a server, as any clock
    clock.on_beat()
    before = clock()
    beat_for(clock, now, 30)
    assert clock() - before == 30
    now.seconds += 500  # it computes, or all its threads are taken
    assert clock() - before == 30 + LATE_SECONDS
    clock.on_beat()
    assert clock() - before == 30 + LATE_SECONDS
    clock.on_refused()
    beat_for(clock, now, 1)
    assert clock() - before == 30 + LATE_SECONDS
    beat_for(clock, now, 10)
    assert 30 + LATE_SECONDS + 8 <= clock() - before <= 30 + LATE_SECONDS + 10


def test_a_page_is_not_silent_while_the_server_cannot_hear_it(desk):
    now = Now()
    clock = AnsweringClock(now)
    clock.on_beat()
    registry = RunRegistry(
        desk.registry._make_run, max_runs=2, on_freed=desk.shelf.forget, clock=clock
    )
    run, _ = registry.open("", "page")
    now.seconds += 20 * SILENT_SECONDS
    clock.on_beat()
    registry.sweep()
    assert registry.find(run.run_id) is run
    assert registry._entries[run.run_id].pages
    beat_for(clock, now, SILENT_SECONDS + 1)  # now it answers, and nobody asks
    registry.sweep()
    assert not registry._entries[run.run_id].pages
    registry.close()


def test_of_lines_that_are_alike_a_few_a_minute_are_logged():
    now = Now()
    few = FewAlike(now)

    def log(message: str, *args: object, line: int = 1) -> str | None:
        record = logging.LogRecord("app", logging.ERROR, "file.py", line, message, args, None)
        return record.getMessage() if few.filter(record) else None

    shown = [log("peer %d is refused", number) for number in range(1000)]
    assert sum(text is not None for text in shown) == MAX_ALIKE
    assert log("another sentence") == "another sentence"
    now.seconds += PERIOD_SECONDS
    assert (
        log("peer %d is refused", 7) == f"peer 7 is refused (and {1000 - MAX_ALIKE} more like this)"
    )
