"""A run outlives its app: kill -9 of a real one in the middle, and another one goes on with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import vidmem
from tests.app.conftest import wait_until
from tests.app.serving.visitor import SECONDS, Visitor
from tests.conftest import make_tiny_model
from vidmem.data.barn import BarnConfig, write_video
from vidmem.projects import KeptRun, Project

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.slow,
]

NUM_CLIPS = 24
"""Of two seconds each. Until it is killed, the run plays in real time: it is not over by then."""

STARTING_SECONDS = 300.0
"""Torch and Gradio are imported first, on a machine that may have much other work."""


@contextmanager
def app_in(folder: Path) -> Iterator[tuple[subprocess.Popen, Visitor]]:
    """A real `vidmem app`, and a page of it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    log = folder / f"log {port}"
    command = [sys.executable, "-m", "app", "--no-token", "--port", str(port)]
    command += ["--model", str(folder / "tiny"), "--videos", str(folder / "videos")]
    with log.open("w") as file:
        process = subprocess.Popen(
            [*command, "--project", str(folder / "project")],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "TMPDIR": str(folder)},
        )
    try:
        until = time.monotonic() + STARTING_SECONDS
        while "vidmem is at" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, "it did not start in time"
            time.sleep(0.05)
        visitor = Visitor(f"http://127.0.0.1:{port}")
        wait_until(lambda: is_open(visitor))
        yield process, visitor
        visitor.close()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(SECONDS)


def is_open(visitor: Visitor) -> bool:
    try:
        visitor.open()
    except httpx.TransportError:  # it does not listen yet
        return False
    return True


def status(visitor: Visitor) -> str:
    visitor.sync()
    return visitor.board["play"]["status"]


def test_a_run_survives_kill_9_and_ends_as_if_nothing_had_been(tmp_path):
    vidmem.save(make_tiny_model(), tmp_path / "tiny")
    (tmp_path / "videos").mkdir()
    config = BarnConfig(minutes=0.8, seed=5, light_seconds=20.0)
    write_video(config, tmp_path / "videos" / "pen.mp4", width=96, height=64, fps=8.0)
    kept = play_and_kill(tmp_path)
    (out,) = kept.folder.glob("*.csv")
    assert 2 < len(out.read_text().splitlines()) < NUM_CLIPS, "it was killed in the middle"

    with app_in(tmp_path) as (_, page):
        assert page.board["notice"]["resume"] == kept.run_id
        (row,) = page.get("/project/runs").json()["runs"]
        assert (row["id"], row["state"], row["can_resume"]) == (kept.run_id, "interrupted", True)
        page.sync(("open_run", {"id": kept.run_id}))
        assert page.board["source"]["title"] == "pen.mp4"
        assert page.board["timeline"]["analysed"] == page.board["play"]["resume_seconds"] > 0
        assert page.board["bouts"]["rows"]
        page.sync(("play", None))
        wait_until(lambda: status(page) == "finished")
        # The same video without an interruption, as a run of its own.
        page.sync(("play", None))
        wait_until(lambda: states(page) == ["finished", "finished"])
        newest = page.get("/project/runs").json()["runs"][0]
        whole = page.client.get(f"/{newest['files'][0][0]}").content
    assert out.read_bytes() == whole
    assert whole.count(b"\n") == NUM_CLIPS + 1


def play_and_kill(folder: Path) -> KeptRun:
    """Kill -9 an app while it plays; returns the run that was under way."""
    with app_in(folder) as (process, page):
        choose = ("choose", {"video": "folder/pen.mp4"})
        page.sync(choose, ("speed", {"speed": "real"}), ("play", None))
        (run,) = wait_for(lambda: list((folder / "project" / "runs").iterdir()))
        (state,) = wait_for(lambda: list(run.glob("*.state")))
        first = state.stat().st_mtime_ns
        # The state is saved while it plays, not only as it begins.
        wait_until(lambda: state.stat().st_mtime_ns != first)
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)
    with Project.open(folder / "project") as project:
        (kept,) = project.interrupted_runs()
    return kept


def states(visitor: Visitor) -> list[str]:
    return [one["state"] for one in visitor.get("/project/runs").json()["runs"]]


def wait_for(look):
    found = []

    def is_there() -> bool:
        nonlocal found
        found = look()
        return bool(found)

    wait_until(is_there)
    return found
