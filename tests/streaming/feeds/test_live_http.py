"""Live sources by HTTP: a real server on loopback, real decoders; nothing is a double here."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.conftest import make_tiny_model
from tests.streaming.doubles import KeptFeeds
from tests.streaming.feeds.live_cases import LIMITS, essence, live, take, wait_until
from tests.video.live.http_camera import HttpCamera
from tests.video.making import Kind, read_number, write_video
from vidmem.streaming import (
    Engine,
    LiveFeed,
    StreamPool,
    StreamSettings,
)

pytestmark = pytest.mark.usefixtures("no_process_is_left")

FPS, NUM_FRAMES = 25, 300
SPEED = 10.0

KINDS = [
    Kind("plain", suffix=".ts", gop=25),
    Kind("b_frames", suffix=".ts", gop=50, b_frames=2),
    Kind("mpeg2", codec="mpeg2video", suffix=".ts", gop=12, b_frames=1),
]


@pytest.fixture(scope="module")
def model():
    return make_tiny_model()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def video(folder):
    """12 s at 25 frames per second, every frame showing its number."""
    return write_video(folder, KINDS[0], NUM_FRAMES)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_live_stream_gives_what_its_file_gives(folder, kind, model):
    path = write_video(folder, kind, NUM_FRAMES)
    with Engine(path, model, reader="pyav") as engine:
        want = [essence(one) for one in engine][:-1]
    with (
        HttpCamera(path, speed=SPEED) as camera,
        Engine(camera.url, model, open_feed=live()) as engine,
    ):
        predictions = take(engine, len(want))
        assert engine.info.is_live
        assert engine.live_figures().frames_dropped == 0
    assert [essence(one) for one in predictions] == want
    assert not any(one.gaps for one in predictions)


def test_a_slow_model_gets_the_latest_and_what_is_left_out_is_counted(video, model):
    feeds = KeptFeeds(live(replace(LIMITS, num_frames=None)))
    with (
        HttpCamera(video, speed=SPEED) as camera,
        Engine(camera.url, model, open_feed=feeds) as engine,
    ):
        (feed,) = feeds.feeds
        assert isinstance(feed, LiveFeed)
        bound = 2 * engine.settings.clip_frames + 1
        predictions, most_held = [], 0
        for prediction in engine:
            predictions.append(prediction)
            # The first may have one, too: on a busy machine the model is late from the beginning.
            if prediction.gaps and len(predictions) > 1:
                break
            clips = engine.live_figures().clips_dropped
            wait_until(lambda now=clips: engine.live_figures().clips_dropped > now + 1)
            most_held = max(most_held, len(feed.buffer))
            clip_numbers = [read_number(one.numpy()) for one in engine.last_clip_pixels]
            want = [round(prediction.start_seconds * FPS) + round(k * FPS / 4) for k in range(8)]
            assert all(abs(a - b) <= 1 for a, b in zip(clip_numbers, want, strict=True))
        figures = engine.live_figures()
    (gap,) = predictions[-1].gaps
    assert most_held <= bound
    assert gap.start_seconds == predictions[-2].end_seconds
    assert gap.end_seconds == predictions[-1].start_seconds
    assert "slower than the camera" in gap.reason
    assert figures.clips_dropped >= 2
    assert figures.frames_dropped >= figures.clips_dropped * 8
    assert figures.reconnects == 0


@pytest.mark.slow
def test_single_stamps_that_are_off_cut_no_window(shared_failing, model):
    # Every fiftieth picture says that it is of ten hours later.
    with (
        HttpCamera(shared_failing / "k02_rogue_every2s.ts", stored_seconds=4.0) as camera,
        Engine(camera.url, model, open_feed=live()) as engine,
    ):
        predictions = take(engine, 8)
        assert engine.live_figures().reconnects == 0
    assert not any(one.gaps for one in predictions)
    times = [(one.start_seconds, one.end_seconds) for one in predictions]
    assert times == [pytest.approx((2 * n, 2 * n + 2), abs=0.05) for n in range(8)]


def test_pictures_that_go_missing_on_the_way_cut_the_window(video, model):
    def is_allowed(seconds: float) -> bool:
        return not 5.0 <= seconds < 9.0

    with (
        HttpCamera(video, speed=SPEED, is_allowed=is_allowed) as camera,
        Engine(camera.url, model, open_feed=live()) as engine,
    ):
        predictions = take(engine, 3)
        assert engine.live_figures().reconnects == 0
    (gap,) = [gap for one in predictions for gap in one.gaps]
    assert gap.start_seconds == 4.0
    assert gap.end_seconds == pytest.approx(9.0, abs=1.1)  # from the next key frame on
    assert "no pictures came" in gap.reason


def test_fps_and_clip_length_change_live(video, model):
    with (
        HttpCamera(video, speed=4.0) as camera,
        Engine(camera.url, model, open_feed=live()) as engine,
    ):
        take(engine, 2)
        engine.update(fps=8.0)
        faster = take(engine, 2)
        numbers = [read_number(one.numpy()) for one in engine.last_clip_pixels]
        engine.update(clip_frames=4, l_mem=2)
        shorter = take(engine, 2)
    assert all(
        one.end_seconds - one.start_seconds == pytest.approx(1.0, abs=0.05) for one in faster
    )
    assert [b - a for a, b in pairwise(numbers)] == pytest.approx([25 / 8] * 7, abs=1)
    assert numbers[0] == pytest.approx(faster[-1].start_seconds * FPS, abs=1)
    assert faster[0].gaps
    assert faster[0].num_remembered == 2
    assert shorter[-1].window.num_frames == 4
    assert shorter[-1].l_mem == 2


@pytest.mark.slow
def test_pictures_without_times_are_timed_as_they_come(folder, model):
    kind = Kind("mjpeg", codec="mjpeg", suffix=".avi", fps=10)
    path = write_video(folder, kind, 300)
    settings = StreamSettings.for_model(model, fps=4.0, clip_frames=4)
    with (
        HttpCamera(path, speed=2.0, muxer="mpjpeg") as camera,
        Engine(camera.url, model, settings, open_feed=live()) as engine,
    ):
        started = time.monotonic()
        predictions = take(engine, 3)
        took_seconds = time.monotonic() - started
        assert "sends no times" in engine.reader_reason
    assert predictions[-1].end_seconds <= took_seconds + 1.5
    assert predictions[-1].end_seconds == pytest.approx(3.0, abs=0.3)


def test_a_file_on_a_web_server_is_watched_whole_and_ends(video, model):
    with Engine(video, model, reader="pyav") as engine:
        want = [essence(one) for one in engine]
    with (
        HttpCamera(video, whole=True) as camera,
        Engine(camera.url, model, open_feed=live(replace(LIMITS, num_frames=None))) as engine,
    ):
        got = [essence(one) for one in engine]
        assert engine.live_figures().frames_dropped == 0
        assert camera.num_connections >= 1
    assert [one[2:] for one in got] == [one[2:] for one in want]
    assert [one[:2] for one in got[:-1]] == [one[:2] for one in want[:-1]]


def test_addresses_and_files_share_a_pool(video, model):
    with Engine(video, model, reader="pyav") as engine:
        want = [essence(one) for one in engine]
    with HttpCamera(video, speed=SPEED) as camera, StreamPool(model, max_batch=1) as pool:
        run = pool.add("live", camera.url, open_feed=live())
        pool.add("file", video, reader="pyav")
        found = {"live": [], "file": []}
        for name, prediction in pool:
            found[name].append(essence(prediction))
            if len(found["live"]) == len(want) - 1:
                run.finish()
    assert found["file"] == want
    assert found["live"][: len(want) - 1] == want[:-1]
    assert not pool.errors


def test_finishing_ends_it_and_keeps_what_came(video, model):
    with (
        HttpCamera(video, speed=SPEED) as camera,
        Engine(camera.url, model, open_feed=live()) as engine,
    ):
        first = next(engine)
        engine.finish()
        rest = list(engine)
        figures = engine.live_figures()
    starts = [one.start_seconds for one in (first, *rest)]
    assert starts == [2.0 * number for number in range(len(starts))]
    assert not figures.is_connected
    assert figures.started_at == pytest.approx(time.time(), abs=120)
