"""The process that teaches, without what it teaches with: heard, cancelled, never left alone."""

from __future__ import annotations

import os
import signal

import pytest

from app.teaching import process
from app.teaching.child import ORPHANED
from app.teaching.process import MAX_LOG_LINES, ChildOfApp

TALK = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from app.teaching.child import Conversation
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
talk = Conversation(os.fdopen(0), answers)
job = talk.first()
for number in range(5000):
    print("a library that prints", number, "x" * 1000)
answers.write("no JSON\\n[1]\\n")
talk.say("begun", videos=job)
while not talk.is_cancelled():
    time.sleep(0.01)
talk.say("cancelled")
"""


@pytest.fixture
def begun(monkeypatch):
    """A process that has said the first it has to say."""
    monkeypatch.setattr(process, "START", TALK)
    child = ChildOfApp({"pen.mp4": 8.0})
    messages = child.messages()
    assert next(messages) == {"kind": "begun", "videos": {"pen.mp4": 8.0}}
    yield child, messages
    child.end()


def test_it_is_cancelled_when_it_is_asked_and_what_it_prints_stays_small(begun):
    child, messages = begun
    child.cancel()
    assert list(messages) == [{"kind": "cancelled"}]
    assert child.exit_code == 0
    lines = child.log.splitlines()
    assert len(lines) == MAX_LOG_LINES
    assert max(map(len, lines)) <= process.MAX_LOG_LINE


def test_without_its_parent_it_ends(begun):
    child, messages = begun
    child.end()  # closes what a dead parent no longer holds
    assert list(messages) == []
    assert child.exit_code == ORPHANED


def test_killed_its_messages_end_and_its_exit_code_says_so(begun):
    child, messages = begun
    os.kill(child.pid, signal.SIGKILL)
    assert list(messages) == []
    assert child.exit_code == -signal.SIGKILL
