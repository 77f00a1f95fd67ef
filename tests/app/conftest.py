"""A made-up machine with an app on it, without a page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.guard.visitor import LOCAL, Visitor
from app.pages.watch.actions import Handlers
from app.run.kept.files import KeptFiles
from app.run.pacing import Pacer
from app.run.registry import RunRegistry
from app.run.results.files import CsvFolder
from app.run.run import Run
from app.sources.shelf import VideoShelf
from tests.app.fakes import FakeMachine, write_video
from vidmem.projects import Project

WAIT_SECONDS = 60.0
"""How long an event may take: long, since the machine may have other work."""


def wait_until(is_true: Callable[[], Any]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not is_true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def waiting_threads(monkeypatch):
    """Pacers at which an engine's thread waits: it has told all there was to tell."""
    waiting, wait_for_turn = set(), Pacer.wait_for_turn

    def wait(pacer, *args):
        waiting.add(pacer)
        try:
            return wait_for_turn(pacer, *args)
        finally:
            waiting.remove(pacer)

    monkeypatch.setattr(Pacer, "wait_for_turn", wait)
    monkeypatch.setattr(Pacer, "is_waited_at", lambda pacer: pacer in waiting, raising=False)


class Desk:
    """Handlers over made-up tools, and what a page would say to them."""

    def __init__(self, folder: Path, max_runs: int = 2) -> None:
        self.folder = folder
        self.machine = FakeMachine(clip_seconds=0.005)
        (folder / "uploads").mkdir(exist_ok=True)
        write_video(folder / "videos" / "other.mp4", 40)
        sample = write_video(folder / "sample.mp4", 60)
        self.shelf = VideoShelf(sample, folder / "videos", folder / "uploads")
        tools = self.machine.tools()
        self.now = 0.0
        self.project = Project.open_or_create(folder / "project")
        self.files = KeptFiles(self.project, CsvFolder(folder / "runs"))
        self.registry = RunRegistry(
            lambda run_id: Run(run_id, tools, "fake", self.files),
            max_runs=max_runs,
            on_freed=self.shelf.forget,
            clock=lambda: self.now,
        )
        self.handlers = Handlers(
            self.registry, self.shelf, tools, self.project, max_upload_bytes=1000
        )

    def open(self, page: str = "page", run_id: str = "") -> Run:
        reply = self.handlers.open_page(page, run_id, LOCAL)
        run = self.registry.find(reply.run_id)
        assert run is not None
        return run

    def ask(
        self,
        run: Run,
        *actions: tuple[str, Any],
        page: str = "page",
        is_hidden: bool = False,
        visitor: Visitor = LOCAL,
        **known: Any,
    ) -> dict:
        message = {
            "run": run.run_id,
            "known": known,
            "is_hidden": is_hidden,
            "actions": [{"name": name, "value": value} for name, value in actions],
        }
        reply = self.handlers.sync(page, run.run_id, json.dumps(message), visitor)
        return json.loads(reply.payload) if reply else {}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.registry.close()
    made.project.close()
