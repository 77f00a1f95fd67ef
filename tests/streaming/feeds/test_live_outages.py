"""Live sources that cannot be reached, fall silent, hang up, and come back."""

from __future__ import annotations

import gc
import threading
from dataclasses import replace
from itertools import pairwise

import psutil
import pytest

from tests.conftest import make_tiny_model
from tests.streaming.feeds.live_cases import LIMITS, live, take, wait_until
from tests.video.live.http_camera import HttpCamera, deaf_port
from tests.video.making import Kind, read_number, write_video
from vidmem.errors import AddressError, SettingError, StateError
from vidmem.streaming import (
    ConnectionLimits,
    Engine,
    LiveFeed,
    RunFiles,
)
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed

pytestmark = pytest.mark.usefixtures("no_process_is_left")

FPS, NUM_FRAMES = 25, 300
SPEED = 10.0

KIND = Kind("pen", suffix=".ts", gop=25)


@pytest.fixture(scope="module")
def model():
    return make_tiny_model()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def video(folder):
    """12 s at 25 frames per second, every frame showing its number."""
    return write_video(folder, KIND, NUM_FRAMES)


def test_a_server_that_hangs_up_is_connected_to_again_and_the_gap_is_told(video, model, tmp_path):
    out = tmp_path / "predictions.csv"
    with (
        HttpCamera(video, speed=SPEED) as camera,
        Engine(camera.url, model, open_feed=live(), files=RunFiles(out=out)) as engine,
    ):
        before = take(engine, 3)
        camera.hang_up()
        after = []
        while not any(one.gaps for one in after):
            after.append(next(engine))
        figures = engine.live_figures()
        clip = engine.last_clip_pixels
    broken = after[-1]
    (gap,) = broken.gaps
    assert figures.reconnects >= 1
    assert figures.clips_dropped == 0
    assert gap.start_seconds == [*before, *after][-2].end_seconds
    assert gap.end_seconds == broken.start_seconds > gap.start_seconds
    assert "127.0.0.1" in gap.reason
    # The past stays the past, and the camera began its film anew.
    assert broken.num_remembered == min(len(before) + len(after) - 1, model.config.memory.l_mem)
    assert broken.restarted is None
    assert read_number(clip[0].numpy()) < 25
    spans = [line.split(",")[:2] for line in out.read_text().splitlines()[1:]]
    holes = [(a[1], b[0]) for a, b in pairwise(spans) if a[1] != b[0]]
    assert holes == [(f"{gap.start_seconds:.3f}", f"{gap.end_seconds:.3f}")]


@pytest.mark.slow
def test_a_server_that_is_away_for_long_is_waited_for(video, model):
    camera = HttpCamera(video, speed=SPEED)
    with Engine(camera.url, model, open_feed=live()) as engine:
        take(engine, 2)
        camera.close()
        found = []
        thread = threading.Thread(target=lambda: found.extend(take(engine, 8)))
        thread.start()
        wait_until(lambda: "refuses the connection" in engine.live_figures().reason)
        assert not engine.live_figures().is_connected
        with HttpCamera(video, speed=SPEED, port=camera.port):
            thread.join(60)
            assert engine.live_figures().reconnects >= 1
    assert len(found) == 8
    gap = next(gap for one in found for gap in one.gaps)
    assert " broke: " in gap.reason  # what came after that is told as far as there is room
    starts = [one.start_seconds for one in found]
    assert starts == sorted(starts)


def test_wrong_addresses_are_told_at_once_and_without_credentials(video, model, tmp_path):
    with HttpCamera(video, status=404) as camera:
        url = camera.url.replace("http://", "http://me:secret@")
        with pytest.raises(
            AddressError, match=r"127\.0\.0\.1:\d+/pen\.ts is not there \(404\)"
        ) as told:
            Engine(url, model)
    assert "secret" not in str(told.value)
    with (
        HttpCamera(video, status=401) as camera,
        pytest.raises(AddressError, match="asks for a user and password"),
    ):
        Engine(camera.url, model)
    text = tmp_path / "page.html"
    text.write_text("<html><body>a camera's page</body></html>\n" * 50)
    with (
        HttpCamera(text, whole=True) as camera,
        pytest.raises(AddressError, match="give the address of the stream itself"),
    ):
        Engine(camera.url, model)
    with deaf_port() as port:
        pass
    for url, words in (
        (f"http://127.0.0.1:{port}/", "refuses the connection"),
        (f"rtsp://me:secret@127.0.0.1:{port}/", "refuses the connection"),
        ("gopher://127.0.0.1/x", "which is no address to watch"),
        ("/dev/video77", "no such camera"),
    ):
        with pytest.raises(AddressError, match=words) as told:
            Engine(url, model)
        assert "secret" not in str(told.value)


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_says_nothing_is_given_up_in_time(scheme, model):
    limits = replace(LIMITS, connection=ConnectionLimits(open_seconds=1.0, read_seconds=1.0))
    with (
        deaf_port() as port,
        pytest.raises(AddressError, match="did not answer as a video stream within 1 s"),
    ):
        Engine(f"{scheme}://127.0.0.1:{port}/pen", model, open_feed=live(limits))


@pytest.mark.slow
def test_a_camera_that_falls_silent_is_connected_to_again(video, model):
    limits = replace(LIMITS, connection=ConnectionLimits(open_seconds=20.0, read_seconds=1.0))

    def is_allowed(seconds: float) -> bool:
        return seconds < 5.0

    with (
        HttpCamera(video, speed=2.0, is_allowed=is_allowed) as camera,
        Engine(camera.url, model, open_feed=live(limits)) as engine,
    ):
        take(engine, 2)
        broken = next(engine)
        assert engine.live_figures().reconnects >= 1
    assert "sent nothing for 1 s" in broken.gaps[0].reason


def test_closing_while_it_connects_again_is_quick(video, model):
    camera = HttpCamera(video, speed=SPEED)
    patient = replace(LIMITS, connection=ConnectionLimits(open_seconds=1200.0, read_seconds=5.0))
    engine = Engine(camera.url, model, open_feed=live(patient))
    next(engine)
    ended = threading.Event()

    def watch() -> None:
        for _ in engine:
            pass
        ended.set()

    thread = threading.Thread(target=watch)
    thread.start()
    camera.close()
    with HttpCamera(video, silent=True, port=camera.port) as silent:
        wait_until(lambda: silent.num_connections > 0)
        engine.close()
        assert ended.wait(60)  # where one attempt to connect may take twenty minutes
    thread.join(60)


def test_what_a_live_source_cannot_do_is_said(model, tmp_path):
    files = RunFiles(state_path=tmp_path / "state")
    with pytest.raises(StateError, match=r"cam is live: .* cannot be resumed"):
        Engine("rtsp://me:secret@cam", model, files=files)
    with pytest.raises(SettingError, match="cam/x is live, and this is for files"):
        open_file_feed(
            FeedRequest(path="rtsp://cam/x", card=model.card, fps=4, start_frame=0, reader="auto")
        )


def test_a_run_that_is_forgotten_lets_go_of_the_camera(video, model):
    with HttpCamera(video, speed=SPEED) as camera:
        children: list[psutil.Process] = []

        def open_and_note_child(request: FeedRequest) -> LiveFeed:
            feed = LiveFeed(request, LIMITS)
            children.append(psutil.Process(feed.child_pid))
            return feed

        engine = Engine(camera.url, model, open_feed=open_and_note_child)
        next(engine)
        (child,) = children
        del engine
        wait_until(lambda: gc.collect() >= 0 and not child.is_running())
