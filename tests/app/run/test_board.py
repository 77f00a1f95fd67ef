"""The board: what changed, told to pages that have some of it."""

from __future__ import annotations

import pytest

from app.run.board import Board


@pytest.fixture
def board():
    made = Board()
    made.put("play", {"status": "ready"})
    made.put("now", None)
    return made


def test_a_page_with_nothing_gets_all_and_one_with_the_newest_nothing(board):
    assert board.since(-1) == board.since(0) == {"play": {"status": "ready"}, "now": None}
    assert board.since(board.version) == {}
    changes = board.changes({})
    assert {topic: one["value"] for topic, one in changes.items()} == board.since(0)
    assert board.changes({topic: one["version"] for topic, one in changes.items()}) == {}


def test_an_equal_value_is_no_change_and_another_one_is(board):
    version = board.version
    board.put("play", {"status": "ready"})
    assert board.version == version
    board.put("now", 1)
    assert board.since(version) == {"now": 1}
    assert (board.get("now"), board.get("none")) == (1, None)
    assert list(board.changes({"play": 1, "now": 2})) == ["now"]


def test_changes_kept_elsewhere_count_too(board):
    version = board.version
    assert board.tick() == board.version == version + 1
    board.put("now", 2)
    assert board.since(version + 1) == {"now": 2}


def test_a_topic_that_was_dropped_is_told_no_more_and_its_number_never_comes_again(board):
    versions = {topic: one["version"] for topic, one in board.changes({}).items()}
    board.drop("now")
    assert "now" not in board.since(-1)
    board.put("now", None)
    assert list(board.changes(versions)) == ["now"]
