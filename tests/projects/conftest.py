"""A project with two videos, and a clock that tests turn."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.labels.strategies import ETHOGRAM
from vidmem.projects import Project
from vidmem.projects.storage.database import Database


class Clock:
    """A time that moves only by a test."""

    def __init__(self):
        self.time = datetime(2026, 5, 1, 6, 0, tzinfo=timezone(timedelta(hours=2)))

    def __call__(self):
        return self.time

    def wait(self, **how_long):
        self.time += timedelta(**how_long)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def quick_commits(monkeypatch):
    """Commits that do not wait for the disk: a test of thousands; only a power cut would tell."""
    writing = Database.writing.__wrapped__
    monkeypatch.setattr(writing, "__kwdefaults__", {"is_durable": False})


@pytest.fixture
def project(tmp_path, clock):
    """With the ethogram of the strategies, and videos "a.mp4" inside and "b.mp4" outside."""
    with Project.create(tmp_path / "project", now=clock) as one:
        one.behaviours.unite(ETHOGRAM)
        for place, content in ((one.folder / "a.mp4", b"a"), (tmp_path / "b.mp4", b"b")):
            place.write_bytes(content * 1000)
            one.add_video(place)
        yield one
