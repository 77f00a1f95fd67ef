"""The engine on real files with a real model: nothing is a double here."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tests.conftest import make_tiny_model
from tests.streaming.doubles import KeptFeeds
from tests.streaming.feeds.live_cases import wait_until
from tests.video.making import Kind, read_number, write_video
from vidmem.errors import SettingError, VidmemError
from vidmem.streaming import Engine, RunFiles, StreamSettings, watch

NUM_FRAMES, FPS = 500, 25
KINDS = [
    Kind("plain", gop=60, b_frames=2),
    Kind("variable", is_variable=True, gop=50),
]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Paths by name: 20 s at 25 frames per second, every frame showing its number."""
    folder = tmp_path_factory.mktemp("videos")
    return {kind.name: write_video(folder, kind, NUM_FRAMES) for kind in KINDS}


def number_on_display(kind, seconds):
    """The frame that a player shows at a time, from how the video was made."""
    times = [float(tick * kind.base) for tick in kind.ticks(NUM_FRAMES)]
    return max(number for number, time in enumerate(times) if time <= seconds + 1e-3)


def check_clip(engine, prediction, kind):
    """The pixels of the last clip are those on display at its sampling times."""
    window, fps = prediction.window, engine.settings.fps
    for offset in range(window.num_real_frames):
        want = number_on_display(kind, (window.start_frame + offset) / fps)
        assert read_number(engine.last_clip_pixels[offset].numpy()) == want


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_clip_shows_its_time_through_changes_and_jumps(videos, kind, tiny_model):
    changes = {
        2: {"window_stride": 3},
        5: {"fps": 6.0},
        8: {"clip_frames": 4},
        11: {"window_stride": 12},
        14: {"fps": 3.0, "window_stride": 4, "l_mem": 1},
    }
    with Engine(videos[kind.name], tiny_model) as engine:
        for index in range(18):
            if index in changes:
                engine.update(**changes[index])
            if index == 16:
                engine.seek(1.0)
            prediction = next(engine)
            check_clip(engine, prediction, kind)
    assert prediction.index == 17


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_start_times_are_presentation_times_and_windows_meet(videos, kind, tiny_model):
    predictions = list(watch(videos[kind.name], tiny_model, clip_frames=4, window_stride=4))
    times = [float(tick * kind.base) for tick in kind.ticks(NUM_FRAMES)]
    for prediction in predictions:
        want = times[number_on_display(kind, prediction.window.start_frame / 4)]
        assert prediction.start_seconds == pytest.approx(want, abs=1e-3)
    for before, after in pairwise(predictions):
        assert before.end_seconds == after.start_seconds
    assert predictions[-1].window.is_last


def test_a_video_shorter_than_a_clip_gives_one_padded_window(tmp_path, tiny_model):
    path = write_video(tmp_path, Kind("short"), 20)
    (prediction,) = watch(path, tiny_model)
    assert prediction.num_real_frames == 4
    assert prediction.end_seconds == pytest.approx(0.8, abs=0.05)


def test_starting_later_gives_the_same_clips(videos, tiny_model):
    with Engine(videos["plain"], tiny_model, start_seconds=10.0) as engine:
        prediction = next(engine)
        check_clip(engine, prediction, KINDS[0])
    assert prediction.start_seconds == pytest.approx(10.0, abs=0.04)


def test_settings_are_checked_before_the_video_is_opened(tiny_model):
    with pytest.raises(SettingError, match="fps must be from"):
        watch("there-is-no-such-file.mp4", tiny_model, fps=-1)


def test_what_is_no_video_is_told(tmp_path, tiny_model):
    path = tmp_path / "text.mp4"
    path.write_text("not a video\n" * 100)
    with pytest.raises(VidmemError, match=r"text\.mp4"):
        list(watch(path, tiny_model))
    with pytest.raises(VidmemError, match=r"missing\.mp4"):
        list(watch(tmp_path / "missing.mp4", tiny_model, state=tmp_path / "state"))


def test_the_next_clips_are_decoded_while_the_model_is_busy(videos, tiny_model):
    feeds = KeptFeeds()
    with Engine(videos["plain"], tiny_model, open_feed=feeds) as engine:
        next(engine)
        messages = feeds.feeds[0]._child._messages
        wait_until(lambda: messages.qsize() > 1)  # while nobody asks


def test_breaking_off_ends_the_decoder(videos, tiny_model):
    before = set(psutil.Process().children(recursive=True))
    for _ in watch(videos["plain"], tiny_model):
        break
    wait_until(lambda: set(psutil.Process().children(recursive=True)) <= before)


def test_closing_while_frames_are_waited_for_is_quick_and_quiet(videos, tiny_model):
    feeds = KeptFeeds()
    engine = Engine(videos["plain"], tiny_model, open_feed=feeds)
    next(engine)
    os.kill(feeds.child_pid, signal.SIGSTOP)  # a decoder that hangs
    process = psutil.Process(feeds.child_pid)
    engine.close()
    wait_until(lambda: not process.is_running())
    assert list(engine) == []


def test_a_decoder_that_dies_in_mid_run_is_told_and_rows_stay(videos, tiny_model, tmp_path):
    out = tmp_path / "predictions.csv"
    settings = StreamSettings.for_model(tiny_model, fps=25.0, window_stride=2)
    feeds = KeptFeeds()
    engine = Engine(videos["plain"], tiny_model, settings, files=RunFiles(out=out), open_feed=feeds)
    next(engine)
    os.kill(feeds.child_pid, signal.SIGSEGV)
    num_rows = 1
    with engine, pytest.raises(VidmemError, match=r"plain\.mp4"):
        for _ in engine:
            num_rows += 1
    assert len(out.read_text().splitlines()) == 1 + num_rows


WATCH = """
import sys, time
import torch
from tests.conftest import make_tiny_model
from vidmem.streaming import Engine, RunFiles, StreamSettings

if __name__ == "__main__":
    torch.set_num_threads(1)
    video, folder = sys.argv[1:]
    model = make_tiny_model()
    files = RunFiles(
        out=folder + "/predictions.csv", state_path=folder + "/state", save_every_clips=4
    )
    settings = StreamSettings.for_model(model, window_stride=2)
    with Engine(video, model, settings, files=files) as engine:
        for prediction in engine:
            time.sleep(0.01)
"""


def run_and_kill(video, folder, num_rows):
    """Start a run in another process; a function that waits for some rows and kills it."""
    folder.mkdir()
    script = folder / "watch.py"
    script.write_text(WATCH)
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, script, video, folder], env={**os.environ, "PYTHONPATH": str(root)}
    )
    out = folder / "predictions.csv"

    def kill():
        while not out.exists() or out.read_bytes().count(b"\n") < num_rows + 1:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.001)
        decoders = psutil.Process(process.pid).children()
        process.kill()
        process.wait()
        return decoders

    return kill


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 there")
def test_killed_and_resumed_equals_one_uninterrupted_run(videos, tmp_path):
    video, model = videos["plain"], make_tiny_model()
    overrides = {"window_stride": 2, "out": tmp_path / "predictions.csv"}
    list(watch(video, model, **overrides))
    whole = (tmp_path / "predictions.csv").read_bytes()
    # At more moments, and the command itself: tests/cli/test_endings.py.
    folder = tmp_path / "killed"
    decoders = run_and_kill(video, folder, 7)()
    files = {"out": folder / "predictions.csv", "state": folder / "state"}
    list(watch(video, model, window_stride=2, **files, resume=True))
    assert files["out"].read_bytes() == whole
    _, alive = psutil.wait_procs(decoders, timeout=60)
    assert not alive, "decoders of killed runs are still there"


@pytest.mark.parametrize(
    "name, num_gaps",
    [
        ("tricky/decord_corrupted.mp4", 1),
        ("tricky/exo_sample_av1.mp4", 0),
        ("tricky/torchcodec_nasa_13013.mp4", 0),
        ("human/mmaction2_test.avi", 0),
        ("livestock/pigtrack.mp4", 0),
    ],
)
def test_real_footage_is_covered_from_its_start_to_its_end(
    shared_videos, tiny_model, name, num_gaps
):
    with Engine(shared_videos / name, tiny_model) as engine:
        settings, num_seconds = engine.settings, engine.info.duration_seconds
        predictions = list(engine)
    num_frames = math.ceil(num_seconds * settings.fps)
    assert len(predictions) == math.ceil(num_frames / settings.window_stride)
    assert predictions[0].start_seconds == 0.0
    assert predictions[-1].end_seconds == pytest.approx(engine.info.duration_seconds, abs=0.1)
    assert all(a.end_seconds == b.start_seconds for a, b in pairwise(predictions))
    assert sum(len(prediction.gaps) for prediction in predictions) == num_gaps
