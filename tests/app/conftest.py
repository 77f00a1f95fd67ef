"""A made-up machine with an app on it, without a page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.downloads import CsvFolder
from app.handlers import Handlers
from app.registry import RunRegistry
from app.runs import Run
from app.videos import VideoShelf
from tests.app.fakes import FakeMachine, write_video


def wait_until(is_true: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


class Desk:
    """Handlers over made-up tools, and what a page would say to them."""

    def __init__(self, folder: Path, max_runs: int = 2) -> None:
        self.folder = folder
        self.machine = FakeMachine(clip_seconds=0.005)
        (folder / "uploads").mkdir()
        write_video(folder / "videos" / "other.mp4", 40)
        sample = write_video(folder / "sample.mp4", 60)
        self.shelf = VideoShelf(sample, folder / "videos", folder / "uploads")
        tools = self.machine.tools()
        self.now = 0.0
        self.files = CsvFolder(folder / "runs")
        self.registry = RunRegistry(
            lambda run_id: Run(run_id, tools, "fake", self.files),
            max_runs=max_runs,
            on_freed=self.shelf.forget,
            clock=lambda: self.now,
        )
        self.handlers = Handlers(self.registry, self.shelf, tools, max_upload_bytes=1000)

    def open(self, page: str = "page", run_id: str = "") -> Run:
        reply = self.handlers.open_page(page, run_id)
        run = self.registry.find(reply.run_id)
        assert run is not None
        return run

    def ask(
        self,
        run: Run,
        *actions: tuple[str, Any],
        page: str = "page",
        is_hidden: bool = False,
        **known: Any,
    ) -> dict:
        message = {
            "run": run.run_id,
            "known": known,
            "is_hidden": is_hidden,
            "actions": [{"name": name, "value": value} for name, value in actions],
        }
        reply = self.handlers.sync(page, run.run_id, json.dumps(message))
        return json.loads(reply.payload) if reply else {}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.registry.close()
