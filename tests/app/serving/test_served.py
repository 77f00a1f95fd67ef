"""The app as it is started, in a process of its own, and what strangers can do to it.

One process for nearly all of it, since it takes seconds to start: tests run in the order of this
file, and the last one ends it. Before it, another one plays a run and is killed.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from app.sources.uploads import LOCK, PREFIX, _lock
from tests.app.conftest import wait_until
from tests.app.serving.visitor import SECONDS, Visitor
from tests.data.footage import write_pen
from vidmem.projects import KeptRun, Project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs ulimit and SIGTERM")

STARTING_SECONDS = 300.0
"""Torch and Gradio are imported first, on a machine that may have much other work."""

PEN_SECONDS, NUM_CLIPS = 40, 10
"""Of the video of the run that is killed, in clips of four seconds."""

MAX_FILES = 256
MAX_UPLOAD = 1_000_000


@dataclass
class Served:
    address: str
    port: int
    process: psutil.Process
    popen: subprocess.Popen
    folder: Path
    killed: KeptRun
    """A run that an app before was playing when it was killed."""

    @property
    def num_children(self) -> int:
        return len(self.process.children(recursive=True))

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def upload_folder(self) -> Path:
        (folder,) = (p for p in (self.folder / "tmp").glob(f"{PREFIX}*") if p.name[-4:] != "live")
        return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    for name in ("tmp", "cache/vidmem/runs"):
        (folder / name).mkdir(parents=True)
    # What earlier processes left behind: one was killed, one still lives.
    for name in ("dead", "live"):
        (folder / "tmp" / f"{PREFIX}{name}").mkdir()
        (folder / "tmp" / f"{PREFIX}{name}" / LOCK).touch()
    lock = _lock(folder / "tmp" / f"{PREFIX}live")
    old = folder / "cache/vidmem/runs" / f"{'0' * 32}-1-old-predictions.csv"
    old.touch()
    os.utime(old, (0, 0))
    (folder / "videos").mkdir()
    write_pen(folder / "videos" / "pen.mp4", PEN_SECONDS, width=96, height=64, fps=4)
    first, port = start(folder)
    try:
        killed = play_and_kill(folder, first, port)
    finally:
        first.kill()
        first.wait(SECONDS)
    popen, port = start(folder)
    address = f"http://127.0.0.1:{port}"
    running = Served(address, port, psutil.Process(popen.pid), popen, folder, killed)
    try:
        wait_until_started(folder, popen)
        yield running
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait(SECONDS)
        if lock is not None:
            os.close(lock)


def start(folder: Path) -> tuple[subprocess.Popen, int]:
    """Start an app; returns its process and its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    flags = f"--no-token --port {port} --max-upload {MAX_UPLOAD // 1000}KB"
    flags += f' --project "{folder}/project" --videos "{folder}/videos"'
    with (folder / "log").open("w") as log:
        popen = subprocess.Popen(
            ["sh", "-c", f'ulimit -n {MAX_FILES}; exec "{sys.executable}" -m app {flags}'],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "TMPDIR": str(folder / "tmp"),
                "XDG_CACHE_HOME": str(folder / "cache"),
            },
        )
    return popen, port


def wait_until_started(folder: Path, popen: subprocess.Popen) -> None:
    until = time.monotonic() + STARTING_SECONDS
    while "vidmem is at" not in (folder / "log").read_text():
        assert popen.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < until, "it did not start in time"
        time.sleep(0.1)


def opened(visitor: Visitor) -> Visitor:
    """A page that is open, once the app listens."""

    def is_open() -> bool:
        try:
            visitor.open()
        except httpx.TransportError:
            return False
        return True

    wait_until(is_open)
    return visitor


def play_and_kill(folder: Path, popen: subprocess.Popen, port: int) -> KeptRun:
    """Kill -9 an app in the middle of a run; returns the run."""
    wait_until_started(folder, popen)
    page = opened(Visitor(f"http://127.0.0.1:{port}"))
    # In real time: it is not over when it is killed.
    page.sync(("choose", {"video": "folder/pen.mp4"}), ("speed", {"speed": "real"}), ("play", None))
    states: list[Path] = []

    def is_saved() -> bool:
        states[:] = (folder / "project").glob("runs/*/*.state")
        return bool(states)

    wait_until(is_saved)
    as_it_began = states[0].stat().st_mtime_ns
    # The state is saved while it plays, too.
    wait_until(lambda: states[0].stat().st_mtime_ns != as_it_began)
    page.close()
    popen.send_signal(signal.SIGKILL)
    popen.wait(SECONDS)
    with Project.open(folder / "project") as project:
        (kept,) = project.interrupted_runs()
    return kept


@pytest.fixture(scope="module")
def visitor(served) -> Iterator[Visitor]:
    visitor = opened(Visitor(served.address))
    wait_until(lambda: visitor.sync() or visitor.picture)
    yield visitor
    visitor.close()


def test_what_dead_processes_left_is_deleted_and_what_others_use_is_not(served, visitor):
    names = {path.name for path in (served.folder / "tmp").glob(f"{PREFIX}*")}
    assert f"{PREFIX}dead" not in names
    assert f"{PREFIX}live" in names
    # Sweeping goes on while it runs: the folder of predictions is swept too.
    wait_until(lambda: not list((served.folder / "cache/vidmem/runs").glob("*-old-*")))


def test_folders_are_nobody_elses(served, visitor):
    for folder in (served.upload_folder(), served.folder / "cache/vidmem/runs"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_page_loads_start_no_decoder_and_hold_no_thread(served, visitor):
    wait_until(lambda: not served.num_children)
    threads, most = served.process.num_threads(), 0
    with httpx.Client(base_url=served.address, timeout=SECONDS, trust_env=False) as client:
        for _ in range(50):
            other = Visitor(served.address, client)
            other.open()
            most = max(most, served.num_children)
        assert other.picture
        assert other.board["source"]["title"] == visitor.board["source"]["title"]
    assert most == 0
    assert served.process.num_threads() < threads + 25  # the server's pool may have grown


@pytest.mark.slow
def test_half_requests_stop_neither_a_run_nor_its_page(served, visitor):
    visitor.sync(("speed", {"speed": "real"}), ("play", None))
    wait_until(lambda: visitor.sync() or visitor.board["play"]["status"] == "playing")
    run, halves, num_log = visitor.run, [], len(served.log)
    for _ in range(300):
        half = socket.socket()
        half.settimeout(SECONDS)
        half.connect(("127.0.0.1", served.port))
        half.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ")
        halves.append(half)
    try:
        seen = -1
        for _ in range(3):  # predictions go on, and the page gets them
            wait_until(
                lambda: visitor.sync() or (visitor.board["now"] or {}).get("index", -1) > seen  # noqa: B023
            )
            seen = visitor.board["now"]["index"]
        with httpx.Client(base_url=served.address, timeout=SECONDS, trust_env=False) as client:
            other = Visitor(served.address, client)
            other.open()  # somebody else comes, by a new connection
            assert other.run != visitor.run
        # Each gets some seconds for its request, and no more.
        wait_until(lambda: all(map(is_closed, halves)))
    finally:
        for half in halves:
            half.close()
    assert visitor.run == run
    assert visitor.board["play"]["status"] == "playing"
    assert len(served.log) - num_log < 10_000


def is_closed(half: socket.socket) -> bool:
    half.settimeout(0.001)
    try:
        return half.recv(100) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_body_that_does_not_end_is_no_connection_for_ever(served, visitor):
    before = set(served.upload_folder().glob("*/*.mp4"))
    with socket.create_connection(("127.0.0.1", served.port), SECONDS) as slow:
        slow.sendall(
            f"POST /uploads?run={visitor.run}&name=slow.mp4 HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{served.port}\r\nContent-Length: 1000\r\n\r\nonly this".encode()
        )
        wait_until(lambda: set(served.upload_folder().glob("*/*.mp4")) - before)  # it has begun
        # The upload of its run that is under way keeps others of the same run out.
        assert visitor.upload("second.mp4", b"x" * 10).status_code == 429
    # Broken off, it leaves neither its place nor a file.
    wait_until(lambda: visitor.upload("third.mp4", b"x" * 10).status_code == 200)
    assert len(list(served.upload_folder().glob("*/*.mp4"))) <= 2


def test_a_plan_of_absurd_size_stops_nobody(served, visitor):
    absurd = {"height": 4096, "width": 4096, "clip_frames": 512, "l_mem": 1000, "batch": 1024}
    began = time.monotonic()
    answer = visitor.get("/planner/plan", model="fam-swin-b", memory=100000, **absurd)
    assert answer.status_code in (200, 202)
    assert time.monotonic() - began < 30  # 160 s before; some 1 s on a machine that is idle


def test_uploads_have_limits_an_owner_and_one_address(served, visitor):
    def pieces() -> Iterator[bytes]:
        for _ in range(30):
            yield bytes(100_000)

    for content in (bytes(3 * MAX_UPLOAD), pieces()):  # with its length told, and without
        answer = visitor.upload("large.mp4", content)
        assert answer.status_code == 413
        assert "larger than the 1.0 MB" in answer.json()["error"]
    assert httpx.post(f"{served.address}/uploads?run=x&name=a.mp4", content=b"1").status_code == 400
    form = {"files": ("a.mp4", b"123")}
    for address in ("/gradio_api/upload", "/gradio_api/upload/", "/upload"):
        assert visitor.client.post(address, files=form).status_code in (404, 405), address
    path = visitor.upload("notes.mp4", b"no video").json()["path"]
    assert (served.upload_folder() / path).read_bytes() == b"no video"
    stranger = Visitor(served.address)
    stranger.open()
    stranger.sync(("uploaded", {"path": path, "name": "notes.mp4"}))
    assert "did not arrive" in stranger.board["notice"]["text"]
    stranger.close()
    visitor.sync(("uploaded", {"path": path, "name": "notes.mp4"}))
    wait_until(lambda: visitor.sync() or "no video" in visitor.board["notice"]["text"])
    assert not (served.upload_folder() / path).exists()


@pytest.mark.slow
def test_a_run_whose_app_was_killed_is_offered_and_ends_as_if_nothing_had_been(served, visitor):
    kept = served.killed
    (out,) = kept.folder.glob("*.csv")
    assert 2 <= len(out.read_text().splitlines()) < NUM_CLIPS, "it was killed in the middle"
    page = opened(Visitor(served.address))
    assert page.board["notice"]["resume"] == kept.run_id
    (row,) = listed(page)
    assert (row["state"], row["can_resume"], row["video"]) == ("interrupted", True, "pen.mp4")
    page.sync(("open_run", {"id": kept.run_id}))
    assert page.board["source"]["title"] == "pen.mp4"
    assert page.board["timeline"]["analysed"] == page.board["play"]["resume_seconds"] > 0
    assert page.board["bouts"]["rows"]
    page.sync(("play", None))
    wait_until(lambda: listed(page)[0]["state"] == "finished")
    # The same video without an interruption, as a run of its own.
    page.sync(("play", None))
    wait_until(lambda: [one["state"] for one in listed(page)] == ["finished"] * 2)
    whole = page.client.get(f"/{listed(page)[0]['files'][0][0]}").content
    assert out.read_bytes() == whole
    assert whole.count(b"\n") == NUM_CLIPS + 1
    page.close()


def listed(page: Visitor) -> list[dict[str, Any]]:
    """The runs of the video that was playing when the app was killed."""
    return page.get("/project/runs", video="pen.mp4").json()["runs"]


def test_sigterm_ends_it_as_ctrl_c_does(served, visitor):
    path = served.upload_folder() / visitor.upload("kept.mp4", b"no video").json()["path"]
    assert path.exists()
    if not served.num_children:  # another test began the run: it is slow, and may be left out
        visitor.sync(("speed", {"speed": "real"}), ("play", None))
        wait_until(lambda: visitor.sync() or visitor.board["play"]["status"] == "playing")
        wait_until(lambda: served.num_children)
    folder, children = served.upload_folder(), served.process.children(recursive=True)
    assert children  # the run still plays
    served.popen.send_signal(signal.SIGTERM)
    assert served.popen.wait(SECONDS) == 0, served.log
    assert not folder.exists()
    assert not psutil.wait_procs(children, SECONDS)[1]
    assert "Traceback" not in served.log
    # Nobody stopped it: it is offered when the app is back, as one that was killed.
    with Project.open(served.folder / "project") as project:
        # The one that was killed before is there as well until it has been gone on with.
        sources = {one.source for one in project.interrupted_runs()}
        assert "Barn pen, day and night (sample)" in sources
        assert sources <= {"Barn pen, day and night (sample)", "pen.mp4"}
