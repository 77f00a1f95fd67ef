"""The decoding process: right frames, ahead of the reader, and never a way to hang or leak."""

from __future__ import annotations

import gc
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.conftest import only_new_garbage
from tests.streaming.feeds.live_cases import wait_until
from tests.video.making import Kind, read_numbers, write_video
from vidmem.errors import (
    DecoderCrashedError,
    DecoderError,
    DecoderMemoryError,
    DecoderTimeoutError,
    SettingError,
)
from vidmem.video import FeedLimits, FrameFeed, PictureReader
from vidmem.video.child import process as child_process
from vidmem.video.live.connection import ConnectionLimits, LiveConnection

NUM_FRAMES = 300
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("feed"), Kind("plain", gop=50), NUM_FRAMES)


def children() -> list[int]:
    """Decoders that run; a zombie has no command line."""
    mine = psutil.Process().children()
    return [one.pid for one in mine if is_running(one.pid) and "child.main" in command_of(one)]


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """No process and no thread outlives a test."""
    with only_new_garbage():
        yield
        gc.collect()
    wait_until(lambda: not children())  # a killed one may take a moment to go
    wait_until(lambda: not any(t.name.startswith("vidmem-child") for t in threading.enumerate()))


def make_feed(video: Path, **settings) -> FrameFeed:
    return FrameFeed(video, **{"fps": 25, "width": 128, "height": 96, **settings})


def fake_feed(video: Path, monkeypatch, name: str, **limits) -> FrameFeed:
    monkeypatch.setattr(FrameFeed, "TASK", f"tests.video.fake_tasks:{name}")
    return make_feed(video, limits=FeedLimits(**limits))


def impatient(feed: FrameFeed, seconds: float) -> FrameFeed:
    """The limit holds from here on: opening may take its time on a machine with other work."""
    feed._child.limits = replace(feed._child.limits, timeout_seconds=seconds)
    return feed


@pytest.mark.parametrize("reader", ["decord", "pyav"])
def test_frames_come_in_order_and_in_any_portions(video: Path, reader: str) -> None:
    with make_feed(video, reader=reader) as feed:
        assert feed.reader_name == reader
        assert feed.info.num_frames == NUM_FRAMES
        numbers, portions = [], [1, 7, 16, 100, 3, 200]
        for count in portions:
            frames = feed.read(count)
            numbers += read_numbers(frames.pixels.numpy())
            assert frames.sample_indices.tolist() == numbers[-len(frames) :]
            assert frames.is_end == (len(numbers) == NUM_FRAMES)
        assert numbers == list(range(NUM_FRAMES))
        assert frames.pts_seconds[-1] == pytest.approx((NUM_FRAMES - 1) / 25)
        assert len(feed.read(5)) == 0
        assert feed.read(5).is_end


@pytest.mark.parametrize("reader", ["decord", "pyav"])
def test_seek_and_rate_change_keep_the_process(video: Path, reader: str) -> None:
    with make_feed(video, reader=reader) as feed:
        process = feed.child_pid
        feed.read(3)
        for start in (200, 10, 299, 0, 120):
            feed.seek(start)
            expected = list(range(start, min(start + 4, NUM_FRAMES)))
            assert read_numbers(feed.read(4).pixels.numpy()) == expected
        feed.set_fps(5, 4)
        assert read_numbers(feed.read(3).pixels.numpy()) == [20, 25, 30]
        feed.seek(10_000)
        assert feed.read(2).is_end
        feed.seek(7)
        assert read_numbers(feed.read(1).pixels.numpy()) == [35]
        assert feed.child_pid == process


def test_starting_in_the_middle(video: Path) -> None:
    with make_feed(video, fps=5, start_frame=30) as feed:
        assert read_numbers(feed.read(3).pixels.numpy()) == [150, 155, 160]


def test_it_decodes_ahead_but_not_without_bound(video: Path) -> None:
    with make_feed(video, limits=FeedLimits(queue_frames=32), width=320, height=240) as feed:
        feed.read(1)
        wait_until(lambda: feed._child._messages.qsize() >= 4)
        time.sleep(0.3)  # for more than it may
        assert feed._child._messages.qsize() == 4  # of eight frames each
        feed.read(24)


def test_a_hang_at_open_has_a_time_limit(video: Path, monkeypatch) -> None:
    with pytest.raises(DecoderTimeoutError, match=r"plain\.mp4 gave nothing for 0\.7 s"):
        fake_feed(video, monkeypatch, "hang_at_open", timeout_seconds=0.7)


@pytest.mark.parametrize("task", ["hang_after_open", "hang_holding_the_interpreter"])
def test_a_hang_while_reading_has_a_time_limit(video: Path, monkeypatch, task: str) -> None:
    with impatient(fake_feed(video, monkeypatch, task), 0.7) as feed:
        process = psutil.Process(feed.child_pid)
        for _ in range(2):
            with pytest.raises(DecoderTimeoutError):
                feed.read(1)
    wait_until(lambda: not process.is_running())


def test_slow_is_not_hanging(video: Path, monkeypatch) -> None:
    with impatient(fake_feed(video, monkeypatch, "slow_but_alive"), 2.0) as feed:
        assert feed.read(1).is_end


def test_being_busy_without_a_result_has_a_limit_too(video: Path, monkeypatch) -> None:
    monkeypatch.setattr(child_process, "PATIENCE", 2)
    with (
        impatient(fake_feed(video, monkeypatch, "busy_for_ever"), 1.0) as feed,
        pytest.raises(DecoderTimeoutError, match=r"nothing for 2 s"),
    ):
        feed.read(1)


def test_a_hanging_child_is_ended_by_close_at_once(video: Path, monkeypatch) -> None:
    feed = fake_feed(video, monkeypatch, "hang_holding_the_interpreter")
    process = psutil.Process(feed.child_pid)
    feed.close()
    wait_until(lambda: not process.is_running())
    feed.close()
    with pytest.raises(DecoderError, match="closed"):
        feed.read(1)


def test_closing_from_another_thread_ends_a_read(video: Path, monkeypatch) -> None:
    feed = fake_feed(video, monkeypatch, "hang_after_open", timeout_seconds=200)
    threading.Timer(0.3, feed.close).start()
    with pytest.raises(DecoderError, match=r"closed|ended"):  # not: it gave nothing for 200 s
        feed.read(1)


def resident_bytes(pid: int) -> int:
    return psutil.Process(pid).memory_info().rss


def test_a_long_pause_keeps_frames_and_memory(video: Path) -> None:
    with make_feed(video, reader="decord", limits=FeedLimits(queue_frames=8)) as feed:
        feed.read(8)
        time.sleep(1.0)
        before = resident_bytes(feed.child_pid)
        time.sleep(0.5)
        assert resident_bytes(feed.child_pid) < before + (20 << 20)
        assert read_numbers(feed.read(NUM_FRAMES).pixels.numpy()) == list(range(8, NUM_FRAMES))


@pytest.mark.parametrize("reader", ["pyav", "decord"])
def test_a_decoder_killed_from_outside_is_started_again_where_it_was(
    video: Path, reader: str
) -> None:
    # As a system does that has no memory left. The queue is short: most frames are still to come.
    with make_feed(video, reader=reader, limits=FeedLimits(queue_frames=8)) as feed:
        numbers = read_numbers(feed.read(5).pixels.numpy())
        os.kill(feed.child_pid, signal.SIGKILL)
        numbers += read_numbers(feed.read(100).pixels.numpy())
        assert "started again at 00:0" in feed.reader_reason
        feed.seek(40)
        os.kill(feed.child_pid, signal.SIGKILL)
        numbers += read_numbers(feed.read(20).pixels.numpy())
        assert numbers == [*range(105), *range(40, 60)]
        os.kill(feed.child_pid, signal.SIGKILL)  # a third time is no accident
        with pytest.raises(DecoderCrashedError, match=r"plain\.mp4 was killed .*out of memory"):
            feed.read(NUM_FRAMES)


def test_pictures_come_from_another_decoder_when_one_is_killed(video: Path) -> None:
    with PictureReader(video) as reader:
        first = reader.picture(4.0)
        os.kill(reader._child.pid, signal.SIGKILL)
        assert reader.picture(4.0) == first


def test_a_crash_says_what_was_said_last(video: Path, monkeypatch) -> None:
    with (
        fake_feed(video, monkeypatch, "crash_after_open") as feed,
        pytest.raises(DecoderCrashedError, match=r"ended unasked \(signal 6, SIGABRT\)"),
    ):
        feed.read(1)


def test_a_swelling_child_is_ended(video: Path, monkeypatch) -> None:
    with (
        fake_feed(video, monkeypatch, "swell_after_open", max_rss_bytes=300 << 20) as feed,
        pytest.raises(DecoderMemoryError, match=r"above its limit of 300\.0 MiB"),
    ):
        feed.read(1)


def test_a_picture_that_swells_ends_its_decoder(tmp_path: Path) -> None:
    # A file of some hundred bytes that says that its canvas is 7,900 pixels wide and high.
    Image.new("P", (1, 1)).save(path := tmp_path / "canvas.gif")
    data = bytearray(path.read_bytes())
    data[6:10] = struct.pack("<HH", 7_900, 7_900)
    path.write_bytes(data)
    with (
        pytest.raises(DecoderMemoryError, match=r"canvas\.gif grew to .*limit of 200\.0 MiB"),
        make_feed(path, limits=FeedLimits(max_rss_bytes=200 << 20)) as feed,
    ):
        # It may have been opened before anybody looked at its memory.
        wait_until(lambda: not feed._child.is_running)
        while len(feed.read(1)):
            pass


def test_pictures_and_cameras_have_the_same_limit(video: Path, monkeypatch) -> None:
    for owner in (PictureReader, LiveConnection):
        monkeypatch.setattr(owner, "TASK", "tests.video.fake_tasks:swell_at_open")
    with pytest.raises(DecoderMemoryError, match=r"above its limit of 300\.0 MiB"):
        PictureReader(video, max_rss_bytes=300 << 20)
    limits = ConnectionLimits(max_rss_bytes=300 << 20)
    with (
        LiveConnection("rtsp://camera/1", limits) as connection,
        pytest.raises(DecoderMemoryError, match=r"above its limit of 300\.0 MiB"),
    ):
        connection.open()


def test_a_child_that_talks_without_end_has_a_limit_too(video: Path, monkeypatch) -> None:
    monkeypatch.setattr(child_process, "PATIENCE", 2)
    with (
        impatient(fake_feed(video, monkeypatch, "talk_for_ever"), 0.5) as feed,
        pytest.raises(DecoderTimeoutError, match=r"nothing for 1 s"),
    ):
        feed.read(1)


@pytest.mark.parametrize("task", ["claim_the_impossible", "send_what_nobody_asked_for"])
def test_a_child_that_lies_is_ended(video: Path, monkeypatch, task: str) -> None:
    with fake_feed(video, monkeypatch, task) as feed:
        process = psutil.Process(feed.child_pid)
        with pytest.raises(DecoderError, match=r"plain\.mp4 sent what cannot be true"):
            feed.read(1)
        wait_until(lambda: not process.is_running())


def test_what_libraries_print_does_no_harm(video: Path, monkeypatch) -> None:
    with (
        fake_feed(video, monkeypatch, "chatter") as feed,
        pytest.raises(DecoderError, match="told after the chatter"),
    ):
        feed.read(1)


def test_a_bug_in_the_child_is_a_decoder_error(video: Path, monkeypatch) -> None:
    with (
        fake_feed(video, monkeypatch, "bug") as feed,
        pytest.raises(DecoderError, match="RuntimeError: a bug"),
    ):
        feed.read(1)


def test_a_forgotten_feed_ends_its_process(video: Path) -> None:
    feed = make_feed(video)
    process = psutil.Process(feed.child_pid)
    del feed
    gc.collect()
    wait_until(lambda: not process.is_running())


SCRIPT = """
import os, sys, time
from vidmem.video import FrameFeed
feed = FrameFeed(sys.argv[1], fps=25, width=128, height=96)
print(feed.child_pid, len(feed.read(4)), flush=True)
if sys.argv[2] == "wait":
    time.sleep(60)
"""


FORKED = """
import os, sys, time
from vidmem.video import FrameFeed
feed = FrameFeed(sys.argv[1], fps=25, width=128, height=96)
count = len(feed.read(4))
holder = os.fork()  # as a data loader does: it holds the pipes to the child open
if holder:
    print(feed.child_pid, count, holder, flush=True)
time.sleep(300)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
def test_the_child_dies_with_a_parent_whose_fork_lives_on(video: Path, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORKED, video],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    assert parent.stdout is not None
    child, _, holder = map(int, parent.stdout.readline().split())
    try:
        parent.send_signal(signal.SIGKILL)
        parent.wait(timeout=60)
        wait_until(lambda: not is_running(child))
        assert is_running(holder)  # or the closed pipe alone might have ended the child
    finally:
        os.kill(holder, signal.SIGKILL)
        parent.stdout.close()


@pytest.mark.parametrize("ending", ["wait", "leave"])
def test_the_child_dies_with_its_parent(video: Path, tmp_path: Path, ending: str) -> None:
    # A script without a __main__ guard, in a folder of its own, that never closes its feed.
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, script, video, ending],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=tmp_path,
    )
    assert parent.stdout is not None
    child, count = map(int, parent.stdout.readline().split())
    assert count == 4
    if ending == "wait":
        parent.send_signal(signal.SIGKILL)
    parent.stdout.close()
    parent.wait(timeout=240)
    wait_until(lambda: not is_running(child))


def is_running(pid: int) -> bool:
    """A zombie is none: it waits for a parent that may not look."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_child_imports_no_torch() -> None:
    code = "import sys, vidmem.video.frame_task, vidmem.video.picture_task as task\n"
    code += "print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert said.stdout.strip() == "False"


def test_impossible_settings_are_refused(video: Path) -> None:
    for settings, text in (
        ({"fps": 0}, "fps must be above 0"),
        ({"width": 0}, "at least 1 pixel"),
        ({"start_frame": -1}, "start_frame must be at least 0"),
        ({"reader": "opencv"}, '"auto", "decord" or "pyav"'),
        ({"reader": "decord", "width": 48}, "unsafe below 64 pixels"),
    ):
        with pytest.raises(SettingError, match=text):
            make_feed(video, **settings)


def test_a_picture_reader_shares_the_safety(video: Path, monkeypatch) -> None:
    monkeypatch.setattr(PictureReader, "TASK", "tests.video.fake_tasks:hang_at_open")
    with pytest.raises(DecoderTimeoutError, match=r"plain\.mp4"):
        PictureReader(video, timeout_seconds=0.7)


LEFT_OPEN = """
import sys
from vidmem.video import FrameFeed


def read(feed):
    try:
        while True:
            yield feed.read(4)
    finally:
        feed.close()


frames = read(FrameFeed(sys.argv[1], fps=25, width=128, height=96))
next(frames)  # a generator that a module holds is closed when its globals are cleared, very late
"""


@pytest.mark.parametrize("attempt", range(3))
def test_a_script_may_end_with_a_feed_left_open(attempt: int, video: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN, str(video)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert (done.returncode, done.stderr) == (0, "")
