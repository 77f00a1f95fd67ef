"""`vidmem watch` of addresses, as a user types them; the camera is a real server on loopback."""

from __future__ import annotations

import io
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

import vidmem
from tests.streaming.feeds.live_cases import wait_until
from tests.video.live.http_camera import HttpCamera
from tests.video.making import Kind, write_video
from vidmem import cli, console
from vidmem.cli import stopping
from vidmem.cli.watching_many import Listed, ManyWatchOptions, stream_names, watch_many
from vidmem.streaming import PushedFeed, StreamSettings


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """40 s at 25 frames per second."""
    kind = Kind("pen", suffix=".ts", gop=25)
    return write_video(tmp_path_factory.mktemp("videos"), kind, 1000)


@pytest.fixture
def options(tiny_model, tmp_path) -> list[object]:
    folder = tmp_path / "tiny"
    vidmem.save(tiny_model, folder)
    return ["--model", folder, "--dtype", "float32", "--out", tmp_path / "live.csv"]


class Due:
    """A timer whose time is over when as many predictions have come as a test wants."""

    seconds = 0.0
    is_over = threading.Event()

    def __init__(self, seconds, finish) -> None:
        Due.seconds, self._finish, self._is_cancelled = seconds, finish, False
        Due.is_over.clear()

    def start(self) -> None:
        threading.Thread(target=self._wait, daemon=True).start()

    def cancel(self) -> None:
        self._is_cancelled = True
        Due.is_over.set()

    def _wait(self) -> None:
        Due.is_over.wait()
        if not self._is_cancelled:
            self._finish()


def time_is_over_with(monkeypatch, is_enough) -> None:
    """`--for` ends once a function says so of the predictions so far, however long they take."""
    counted, count = [], console.WatchReport.count

    def count_and_end(report, *predictions):
        count(report, *predictions)
        counted.append(report)
        if is_enough(counted):
            Due.is_over.set()

    monkeypatch.setattr(console.WatchReport, "count", count_and_end)
    monkeypatch.setattr(stopping, "threading", SimpleNamespace(Timer=Due))


def test_a_time_to_stop_comes_unless_it_is_over_before():
    came = threading.Event()
    with stopping.stopping_after(0.01, came.set):
        assert came.wait(60)
    came.clear()
    others = threading.enumerate()
    with stopping.stopping_after(3600.0, came.set):
        now = threading.enumerate()
    timers = [one for one in now if isinstance(one, threading.Timer) and one not in others]
    assert len(timers) == 1
    for timer in timers:
        timer.join(60)
    assert not came.is_set()


@pytest.fixture
def on_wake():
    """SIGUSR1 does nothing but wake."""
    before = signal.signal(signal.SIGUSR1, lambda number, frame: None)
    yield
    signal.signal(signal.SIGUSR1, before)


def with_password(camera: HttpCamera) -> str:
    return camera.url.replace("http://", "http://me:s3cret@")


def rows(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()[1:]]


def press_at(monkeypatch, number: int) -> None:
    """Ctrl-C with a prediction."""
    counted, count = [], console.WatchReport.count

    def count_and_press(report, *predictions):
        count(report, *predictions)
        counted.extend(predictions)
        if len(counted) >= number and not pressed:
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)

    pressed = []
    monkeypatch.setattr(console.WatchReport, "count", count_and_press)


def test_an_address_is_watched_until_the_time_is_over(run, options, video, tmp_path, monkeypatch):
    time_is_over_with(monkeypatch, lambda counted: len(counted) >= 2)
    with HttpCamera(video, speed=4.0) as camera:
        done = run("watch", with_password(camera), "--for", 3, *options)
    assert done.code == 0, done.err
    assert Due.seconds == 3
    assert f"{camera.url}: live, 128 x 96, h264, 25 frames per second" in done.out
    assert "second 0 was 20" in done.out
    found = rows(tmp_path / "live.csv")
    assert len(found) > 1
    start, end = map(float, found[0][:2])  # on a busy machine the first frames may be dropped
    assert end - start == pytest.approx(2, abs=0.5)
    assert not (tmp_path / "live.state").exists()
    assert "s3cret" not in done.out + done.err


def test_ctrl_c_is_the_end_of_a_live_run_and_keeps_what_it_has(
    run, options, video, tmp_path, monkeypatch
):
    press_at(monkeypatch, 2)
    with HttpCamera(video, speed=4.0) as camera:
        done = run("watch", with_password(camera), *options)
    assert done.code == 0, done.err
    assert "stopping after this clip" in done.out
    assert "go on with" not in done.out
    assert len(rows(tmp_path / "live.csv")) >= 2


def test_ctrl_c_ends_it_while_the_camera_is_away(run, options, video, tmp_path, monkeypatch):
    camera = HttpCamera(video, speed=4.0)
    broken = threading.Event()
    update = console.WatchReport.update

    def update_and_break(report, prediction):
        update(report, prediction)
        if not broken.is_set():
            broken.set()
            camera.close()
            threading.Thread(target=press, args=(report,), daemon=True).start()

    def press(report) -> None:
        while report.live().is_connected:
            time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    monkeypatch.setattr(console.WatchReport, "update", update_and_break)
    done = run("watch", with_password(camera), *options)
    assert done.code == 0, done.err
    assert "connecting again in" in done.err
    assert "s3cret" not in done.out + done.err
    assert len(rows(tmp_path / "live.csv")) >= 1


def test_addresses_and_files_together(run, options, video, tmp_path, monkeypatch):
    time_is_over_with(monkeypatch, lambda counted: len(set(map(id, counted))) == 3)
    with HttpCamera(video, speed=4.0) as one, HttpCamera(video, speed=4.0) as two:
        urls = [with_password(one), with_password(two)]
        done = run("watch", *urls, video, "--for", 5, *options)
    assert done.code == 0, done.err
    folder = tmp_path / "live"
    names = [f"127.0.0.1-{camera.port}-pen.ts" for camera in (one, two)]
    assert {path.name for path in folder.glob("*.csv")} == {
        "pen.csv",
        *(f"{name}.csv" for name in names),
    }
    assert f"{names[0]}: live, 128 x 96" in done.out
    assert len(rows(folder / "pen.csv")) == 20
    assert all(rows(folder / f"{name}.csv") for name in names)
    assert {path.name for path in folder.glob("*.state")} == {"pen.state"}
    assert "s3cret" not in done.out + done.err


def test_what_cannot_be_is_said(run, options, video):
    with HttpCamera(video, status=404) as camera:
        done = run("watch", with_password(camera), *options)
        assert done.code == 1
        assert done.err.strip() == (
            f"vidmem: {camera.url} is not there (404): the server answers, but has no such "
            "stream; check the path"
        )
        resumed = run("watch", with_password(camera), "--resume", *options)
        whole = run("watch", with_password(camera), "--whole", "--model", "spool-nano")
    assert "cannot be resumed" in resumed.err
    assert "is live, and this is for files" in whole.err
    missing = run("watch", "/dev/video77", *options)
    assert "/dev/video77 does not exist: no such camera" in missing.err
    for done in (resumed, whole, missing):
        assert done.code == 1
        assert "s3cret" not in done.out + done.err


def test_live_names_are_of_host_and_path():
    names = stream_names(["rtsp://a:b@cam/one", "rtsp://c:d@cam/one", "/dev/video0", "x/one.mp4"])
    assert names == ["cam-one", "cam-one-2", "dev-video0", "one"]


def test_what_a_live_line_says():
    figures = vidmem.streaming.LiveFigures(
        frames_received=50,
        frames_dropped=16,
        clips_dropped=2,
        reconnects=1,
        is_connected=True,
        seconds_behind=1.25,
        reason="it broke",
        started_at=0.0,
    )
    assert console.live_text(figures) == "1.2 s behind, 2 clips left out, connected again once"
    assert console.live_text(None) == ""
    assert cli.INTERRUPTED == 130


def test_ctrl_c_while_sources_are_opened_ends_them_once_they_are(tiny_model, tmp_path, on_wake):
    main = threading.main_thread().ident or 0

    def is_stopping() -> bool:
        # A signal just before the main thread blocks is handled when another one wakes it.
        signal.pthread_kill(main, signal.SIGUSR1)
        return "stopping" in said.getvalue()

    def open_feed(request):
        signal.pthread_kill(main, signal.SIGINT)
        wait_until(is_stopping)
        return PushedFeed(30, 20, 4.0, tiny_model.card)

    said = io.StringIO()
    listed = [Listed("pen", "rtsp://cam/pen", open_feed)]
    several = ManyWatchOptions(
        out=tmp_path / "live",
        start=0.0,
        reader="auto",
        resume=False,
        for_seconds=None,
        memory_log=None,
    )
    settings = StreamSettings.for_model(tiny_model)
    watch_many(Console(file=said), listed, tiny_model, settings, several)
    assert rows(tmp_path / "live" / "pen.csv") == []
    assert "together: 0 clips" in said.getvalue()


def test_a_time_to_stop_is_for_live_sources(run, options, video):
    done = run("watch", video, "--for", 3, *options)
    assert done.code != 0
    assert "--for is for live sources" in done.err
