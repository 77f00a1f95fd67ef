"""Live sources by RTSP: a real server on loopback, real decoders; nothing is a double here."""

from __future__ import annotations

import pytest

from tests.conftest import make_tiny_model
from tests.streaming.feeds.live_cases import live
from tests.video.live.rtsp_camera import RtspCamera
from tests.video.making import Kind, read_numbers, write_video
from vidmem.errors import AddressError
from vidmem.streaming import Engine

NUM_FRAMES, SPEED = 300, 10.0


@pytest.fixture(scope="module")
def model():
    return make_tiny_model()


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """12 s at 25 frames per second; pictures large enough to travel in several packets."""
    kind = Kind("pen", suffix=".ts", gop=25, width=320, height=240)
    return write_video(tmp_path_factory.mktemp("videos"), kind, NUM_FRAMES)


def take(engine, number):
    return [next(engine) for _ in range(number)]


def watched(engine, number):
    """Spans and the numbers that the frames show, of some predictions."""
    found = []
    for _ in range(number):
        one = next(engine)
        found.append((one.start_seconds, one.end_seconds, read_numbers(engine.last_clip_pixels)))
    return found


def test_rtsp_gives_what_the_file_gives(video, model):
    with Engine(video, model, reader="pyav") as engine:
        want = watched(engine, 5)
    with (
        RtspCamera(video, speed=SPEED) as camera,
        Engine(camera.url, model, open_feed=live()) as engine,
    ):
        got = watched(engine, 5)
        assert engine.info.container == "rtsp"
        assert engine.live_figures().frames_dropped == 0
    assert camera.methods[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    # FFmpeg gives the first picture of RTSP no time, so the film begins with the second.
    assert got == [(a, b, [number + 1 for number in numbers]) for a, b, numbers in want]


def test_rtsp_that_breaks_is_connected_to_again(video, model):
    with (
        RtspCamera(video, speed=SPEED) as camera,
        Engine(camera.url, model, open_feed=live()) as engine,
    ):
        before = take(engine, 2)
        camera.hang_up()
        after = []
        while not any(one.gaps for one in after):
            after.append(next(engine))
        assert engine.live_figures().reconnects >= 1
    (gap,) = after[-1].gaps
    assert gap.start_seconds == [*before, *after][-2].end_seconds
    assert gap.end_seconds == after[-1].start_seconds
    assert after[-1].num_remembered > 0


def test_a_password_is_used_and_never_told(video, model, caplog):
    with RtspCamera(video, speed=SPEED, user="me:secret") as camera:
        url = camera.url.replace("rtsp://", "rtsp://me:secret@")
        with Engine(url, model, open_feed=live()) as engine:
            next(engine)
            camera.hang_up()
            while not next(engine).gaps:
                pass
            told = [repr(engine.info), repr(engine.live_figures()), str(engine.source)]
        with pytest.raises(AddressError, match="asks for a user and password") as refused:
            Engine(camera.url, model)
    told += [str(refused.value), caplog.text]
    assert not any("secret" in text for text in told)
    assert camera.url in caplog.text
