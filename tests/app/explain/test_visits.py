"""Ways back to past moments: everybody's comes, one after the other, and none is lost to others."""

from __future__ import annotations

import threading
import time

import pytest

from app.budget import WORK_LIMITS, Budget, WaitingError
from app.explain.visits import LEASE_SECONDS, MAX_WAITING, Visits
from tests.app.conftest import wait_until


class Way:
    """Goes back clip by clip, as fast as it is let."""

    def __init__(self) -> None:
        self.under_way: list[int] = []
        self.most = 0
        self.done: list[int] = []
        self.may_end = threading.Event()
        self.error: Exception | None = None

    def to(self, index: int):
        def go_back(progress) -> None:
            self.under_way.append(index)
            self.most = max(self.most, len(self.under_way))
            try:
                while not self.may_end.wait(0.002):
                    progress(1, 5)
                if self.error is not None:
                    raise self.error
                self.done.append(index)
            finally:
                self.under_way.remove(index)

        return go_back


@pytest.fixture
def way():
    made = Way()
    yield made
    made.may_end.set()


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def visits(now):
    made = Visits(Budget(), "run", clock=lambda: now[0])
    yield made
    made.drop_all()


def test_two_who_want_two_moments_both_get_them(visits, way):
    asked = {1: "one tab", 2: "another", 3: "a download"}
    for index, asker in asked.items():
        visits.ask(index, asker, way.to(index))
    wait_until(lambda: way.under_way == [1])
    way.may_end.set()

    def ask_all() -> bool:
        for index, asker in asked.items():
            if index not in way.done:
                visits.ask(index, asker, way.to(index))
        return set(way.done) == {1, 2, 3}

    wait_until(ask_all)
    # One that ended just before it was asked for again may have been done twice.
    assert list(dict.fromkeys(way.done)) == [1, 2, 3]
    assert way.most == 1


def test_a_page_that_moves_on_leaves_the_moment_before_to_others_only(visits, way):
    visits.ask(1, "page", way.to(1))
    wait_until(lambda: way.under_way == [1])
    visits.ask(2, "page", way.to(2))  # nobody wants the first one any more
    wait_until(lambda: way.under_way == [2])
    visits.ask(2, "a download", way.to(2))
    visits.ask(3, "page", way.to(3))
    time.sleep(0.05)
    assert way.under_way == [2]
    visits.leave("a download")
    wait_until(lambda: way.under_way == [3])
    visits.leave("page")
    wait_until(lambda: not way.under_way)


def test_who_asks_no_more_makes_room_for_those_who_wait(visits, way, now):
    visits.ask(1, "gone", way.to(1))
    wait_until(lambda: way.under_way == [1])
    now[0] += 2 * LEASE_SECONDS
    visits.ask(1, "gone", way.to(1))  # not gone yet
    visits.ask(2, "waits", way.to(2))
    assert way.under_way == [1]
    now[0] += 2 * LEASE_SECONDS
    visits.ask(2, "waits", way.to(2))
    wait_until(lambda: way.under_way == [2])


def test_so_many_may_wait_and_a_process_has_so_many_ways(visits, way):
    for index in range(MAX_WAITING):
        visits.ask(index, f"{index}", way.to(index))
    with pytest.raises(WaitingError):
        visits.ask(99, "one more", way.to(99))
    budget = Budget()
    runs = [Visits(budget, f"run {number}") for number in range(5)]
    for number, other in enumerate(runs):
        other.ask(100 + number, "page", way.to(100 + number))
    limit = WORK_LIMITS["replay"].in_process
    wait_until(lambda: sum(index >= 100 for index in way.under_way) == limit)
    for other in runs:
        other.drop_all()
    wait_until(lambda: budget.num_held("replay") == 0)


def test_what_went_wrong_is_told_once_and_can_be_tried_again(visits, way):
    way.error = OSError("the disk is gone")
    way.may_end.set()
    visit = visits.ask(1, "page", way.to(1))
    wait_until(lambda: visit.is_over)
    with pytest.raises(OSError, match="the disk is gone"):
        visits.ask(1, "page", way.to(1))
    way.error = None
    visits.ask(1, "page", way.to(1))
    wait_until(lambda: way.done == [1])
