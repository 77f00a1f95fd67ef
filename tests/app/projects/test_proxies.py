"""Playable copies: one after the other, within bounds, and none that is not whole."""

from __future__ import annotations

import os
import threading
import time
from types import SimpleNamespace
from typing import ClassVar

import pytest

from app.projects import proxies as module
from app.projects.open_file import NoMediaError
from app.projects.proxies import Proxies
from tests.app.conftest import wait_until
from vidmem.errors import DecoderError, StorageError
from vidmem.projects import Project
from vidmem.video import ProxyProgress

FACTS = {"width": 640, "height": 360, "duration_seconds": 3600.0, "fps": 25.0}


class FakeMaker:
    """Writes so many bytes once it is let; counts how many are at it."""

    at_work: ClassVar[list[str]] = []
    go_on = threading.Event()
    size = 1000
    error: Exception | None = None

    def __init__(self, path, out, *, max_width, max_bytes) -> None:
        self.out, self.name, self.max_bytes = out, path.name, max_bytes
        self.info = SimpleNamespace(duration_seconds=10.0)
        self._is_closed = threading.Event()
        FakeMaker.at_work.append(path.name)

    def __iter__(self):
        yield ProxyProgress(5.0, 500)
        while not FakeMaker.go_on.wait(0.005):
            if self._is_closed.is_set():
                raise DecoderError("closed")
        if FakeMaker.error is not None:
            raise FakeMaker.error
        self.out.write_bytes(bytes(FakeMaker.size))

    def close(self) -> None:
        self._is_closed.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@pytest.fixture
def project(tmp_path):
    FakeMaker.at_work, FakeMaker.go_on = [], threading.Event()
    FakeMaker.size, FakeMaker.error = 1000, None
    with Project.create(tmp_path / "project") as made:
        for name in ("a.avi", "b.avi", "c.avi"):
            (tmp_path / name).write_bytes(name.encode())
            made.add_video(tmp_path / name)
        yield made


@pytest.fixture
def proxies(project, monkeypatch):
    monkeypatch.setattr(module, "_estimated_bytes_of", lambda job: 1000)
    made = Proxies(project, max_bytes=2500, open_maker=FakeMaker)  # type: ignore[arg-type]
    yield made
    made.close()


def state(proxies, video) -> str:
    return proxies.status(video, FACTS)["state"]


def make(proxies, video) -> None:
    proxies.begin(video, FACTS)
    wait_until(lambda: state(proxies, video) == "done")


def test_one_is_made_after_the_other_and_says_how_far_it_is(proxies, project):
    first, second, _ = project.videos.list()
    status = proxies.status(first, FACTS)
    assert status["state"] == "none"
    assert 50e6 < status["estimate"]["bytes"] < 2e9
    assert 10 < status["estimate"]["seconds"] < 3600
    proxies.begin(first, FACTS)
    proxies.begin(second, FACTS)
    proxies.begin(first, FACTS)  # again: nothing more
    wait_until(lambda: proxies.status(first, FACTS).get("done_seconds") == 5.0)
    status = proxies.status(first, FACTS)
    assert (status["state"], status["total_seconds"], status["size_bytes"]) == ("making", 10.0, 500)
    assert status["left_seconds"] >= 0
    assert state(proxies, second) == "queued"
    FakeMaker.go_on.set()
    wait_until(lambda: state(proxies, second) == "done")
    assert FakeMaker.at_work == ["a.avi", "b.avi"]
    assert proxies.status(first, FACTS)["size_bytes"] == 1000


def test_what_is_given_up_is_not_there_and_can_be_begun_again(proxies, project):
    first, second, _ = project.videos.list()
    proxies.begin(first, FACTS)
    proxies.begin(second, FACTS)
    wait_until(lambda: state(proxies, first) == "making")
    proxies.cancel(second)
    assert state(proxies, second) == "none"
    proxies.cancel(first)
    wait_until(lambda: state(proxies, first) == "none")
    with pytest.raises(NoMediaError, match="the playable copy of a"):
        proxies.open(first)
    FakeMaker.go_on.set()
    make(proxies, first)
    assert FakeMaker.at_work == ["a.avi", "a.avi"]


def test_what_was_not_used_for_longest_makes_room(proxies, project):
    first, second, third = project.videos.list()
    FakeMaker.go_on.set()
    for number, video in enumerate((first, second)):
        make(proxies, video)
        path = proxies.folder / f"{video.fingerprint}.mp4"
        os.utime(path, ns=(number * 10**9, path.stat().st_mtime_ns))
    tag = proxies.open(first)
    tag.close()  # used just now
    make(proxies, third)
    assert (state(proxies, first), state(proxies, second)) == ("done", "none")
    again = proxies.open(first)
    again.close()
    assert again.tag == tag.tag
    assert sum(path.stat().st_size for path in proxies.folder.iterdir()) <= 2500


def test_without_room_it_is_said(proxies, project, monkeypatch):
    first, *_ = project.videos.list()
    monkeypatch.setattr(module, "_estimated_bytes_of", lambda job: 10**15)
    proxies.begin(first, FACTS)
    wait_until(lambda: state(proxies, first) == "failed")
    assert "make room" in proxies.status(first, FACTS)["error"]
    FakeMaker.go_on.set()
    FakeMaker.error = StorageError("there is no room left for the playable copy")
    monkeypatch.setattr(module, "_estimated_bytes_of", lambda job: 10)
    proxies.begin(first, FACTS)
    wait_until(lambda: FakeMaker.at_work and state(proxies, first) == "failed")
    assert "no room left" in proxies.status(first, FACTS)["error"]


def test_a_copy_of_what_was_changed_meanwhile_is_not_kept(proxies, project, tmp_path):
    first, *_ = project.videos.list()
    proxies.begin(first, FACTS)
    wait_until(lambda: state(proxies, first) == "making")
    (tmp_path / "a.avi").write_bytes(b"another")
    FakeMaker.go_on.set()
    wait_until(lambda: state(proxies, first) == "failed")
    assert list(proxies.folder.glob("*.mp4")) == []
    with pytest.raises(NoMediaError):
        proxies.begin(first, FACTS)


def test_what_a_killed_app_left_is_deleted_and_what_is_under_way_is_not(project):
    folder = project.folder / "proxies"
    folder.mkdir()
    (folder / ".old.mp4.part").write_bytes(b"0")
    (folder / ".new.mp4.part").write_bytes(b"0")
    os.utime(folder / ".old.mp4.part", (time.time() - 10_000,) * 2)
    Proxies(project, open_maker=FakeMaker).close()  # type: ignore[arg-type]
    assert [path.name for path in folder.iterdir()] == [".new.mp4.part"]
