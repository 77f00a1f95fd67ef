"""A live feed over connections that do as a test says: whatever they do, who reads is not left."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path

import pytest
import torch

from tests.streaming.doubles import FakeModel
from tests.streaming.feeds.live_cases import wait_until
from tests.streaming.feeds.test_live_buffer import BufferOnly, reader_of, shown
from tests.streaming.feeds.test_live_buffer import settings as settings_of
from vidmem.errors import AddressError, DecoderError, DecoderTimeoutError
from vidmem.streaming import Engine, LiveFeed, LiveLimits, PushedFeed, StreamSettings
from vidmem.streaming.feeds import live as live_feed
from vidmem.streaming.feeds.feed import FeedRequest
from vidmem.streaming.windows import Position, WindowReader
from vidmem.video.live import connection as live_connection
from vidmem.video.live.connection import LiveFrame
from vidmem.video.live.pictures import pushed_info

ADDRESS = "rtsp://me:s3cret@cam/live"
FPS = 4.0


class Connection:
    """One connection; `script` has what each of them does, the last one again and again.

    An exception is raised where it is made; else frames are given, then what follows is raised, or
    the source ends.
    """

    script: list
    is_finite = False
    made: list[Connection]
    reason, child_pid = "a test", 1

    def __init__(self, address, limits) -> None:
        self.made.append(self)
        self.is_closed, self.wanted_run, self.num_given = False, 0, 0
        self.plan = self.script[min(len(self.made), len(self.script)) - 1]
        if isinstance(self.plan, Exception):
            raise self.plan

    def open(self):
        return pushed_info("rtsp://cam/live", 30, 20)

    def ask(self, wanted, after=None) -> None:
        self.wanted_run += 1

    def receive(self) -> LiveFrame | None:
        num_frames, failure = self.plan
        if self.num_given == num_frames:
            if failure is not None:
                raise failure
            return None
        number, self.num_given = self.num_given, self.num_given + 1
        pixels = torch.full((2, 3, 3), number % 251, dtype=torch.uint8)
        return LiveFrame(self.wanted_run, number, number / FPS, pixels, None)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def connecting(monkeypatch):
    """A feed over connections that do these things one after the other."""
    feeds = []

    def connect(*script, is_finite: bool = False, num_frames: int = 2000) -> LiveFeed:
        plan = {"script": list(script), "is_finite": is_finite, "made": []}
        monkeypatch.setattr(live_feed, "LiveConnection", type("Scripted", (Connection,), plan))
        request = FeedRequest(
            path=Path("cam"),
            card=FakeModel().card,
            fps=FPS,
            start_frame=0,
            reader="auto",
            address=ADDRESS,
        )
        limits = LiveLimits(back_off_seconds=(0.0,), num_frames=num_frames)
        feed = LiveFeed(request, limits)
        feeds.append(weakref.ref(feed))
        return feed

    yield connect
    for feed in [one() for one in feeds]:
        if feed is not None:
            feed.close()


def read_all(feed) -> list[int]:
    """The numbers of all frames up to the end."""
    numbers = []
    while True:
        frames = feed.read(4)
        numbers += frames.pixels[:, 0, 0, 0].tolist() if len(frames) else []
        if frames.is_end:
            return numbers


BROKEN = AddressError("the connection to rtsp://cam/live broke")


def test_a_process_that_cannot_be_started_is_tried_again(connecting):
    full = DecoderError("a process for decoding could not be started: too many open files")
    feed = connecting((4, BROKEN), full, full, (4, None))
    assert read_all(feed) == [0, 1, 2, 3, 0, 1, 2, 3]
    assert feed.figures().reconnects == 1
    assert feed.figures().reason == str(full)


def test_whoever_reads_is_told_where_the_thread_fails(connecting, caplog):
    feed = connecting((2, BROKEN), RuntimeError(f"can't start new thread for {ADDRESS}"))
    with pytest.raises(DecoderError, match=r"cannot be watched any further .*new thread") as told:
        read_all(feed)
    assert "s3cret" not in str(told.value)
    assert feed._connection.is_closed
    wait_until(lambda: not feed._thread.is_alive())


def test_a_file_whose_connection_breaks_is_not_begun_again_as_if_time_went_on(connecting):
    feed = connecting((30, BROKEN), (30, None), is_finite=True)
    reader = WindowReader(feed, StreamSettings(fps=FPS, clip_frames=5, window_stride=5), Position())
    numbers = []
    with pytest.raises(DecoderError, match=r"broke; it cannot be gone on with"):
        while (read := reader.read()) is not None:
            numbers += read.pixels[:, 0, 0, 0].tolist()
    assert numbers == list(range(30))  # the last window too
    assert feed.figures().reconnects == 0


def test_a_file_loses_no_frame_whatever_the_windows(connecting):
    feed = connecting((100, None), is_finite=True, num_frames=1)
    feed.set_windows(16, 16)
    wait_until(lambda: len(feed.buffer) == feed.buffer.num_frames == 33)
    feed.set_windows(2, 2)
    assert read_all(feed) == list(range(100))
    assert feed.figures().frames_dropped == 0


def test_a_file_that_is_forgotten_lets_go_of_its_connection(connecting):
    feed = connecting((1000, None), is_finite=True, num_frames=1)
    connection, thread = feed._connection, feed._thread
    buffer = feed.buffer
    wait_until(lambda: len(buffer) == buffer.num_frames)
    del feed
    wait_until(lambda: connection.is_closed and not thread.is_alive())


def test_no_window_has_pictures_of_both_sides_of_a_gap():
    model = FakeModel()
    feed = PushedFeed(30, 20, FPS, model.card, num_frames=2000)

    def push(start: float, end: float) -> None:
        for number in range(round(start * 10), round(end * 10)):
            feed.push(torch.full((20, 30, 3), number, dtype=torch.uint8), number / 10)

    settings = StreamSettings(fps=FPS, clip_frames=4, window_stride=4)
    with Engine("webcam", model, settings, open_feed=lambda request: feed) as engine:
        push(0, 2)
        feed.gap("the tab was hidden")
        push(2.5, 5.5)
        feed.finish()
        clips = []
        for one in engine:
            assert engine.last_clip_pixels is not None
            clips.append((one, engine.last_clip_pixels[:, 0, 0, 0].tolist()))
    (behind,) = [place for place, (one, _) in enumerate(clips) if one.gaps]
    assert [gap.reason for gap in clips[behind][0].gaps] == ["the tab was hidden"]
    assert clips[behind][0].start_seconds == 2.5
    assert max(number for _, pixels in clips[:behind] for number in pixels) < 20
    assert min(number for _, pixels in clips[behind:] for number in pixels) >= 25


def test_frames_that_the_old_model_would_have_got_are_counted():
    model = FakeModel()
    feed = PushedFeed(30, 20, FPS, model.card, num_frames=2000)

    def push(start: int, end: int) -> None:
        for number in range(start, end):
            feed.push(torch.full((20, 30, 3), number, dtype=torch.uint8), number / FPS)

    settings = StreamSettings(fps=FPS, clip_frames=4, window_stride=4)
    with Engine("webcam", model, settings, open_feed=lambda request: feed) as engine:
        push(0, 6)  # of these the last is on display still
        next(engine)
        engine.update(model=FakeModel(seed=2))
        told: list = []
        threading.Thread(target=lambda: told.extend(engine)).start()
        wait_until(lambda: feed.figures().frames_dropped > 0)
        assert feed.figures().frames_dropped == 1  # read ahead of the first window's end
        feed.finish()
        wait_until(lambda: len(told) == 1)


def test_an_address_that_hangs_is_no_damaged_file(monkeypatch):
    class Hanging:
        def __init__(self, *args) -> None: ...

        def receive(self):
            raise DecoderTimeoutError("the decoder gave nothing; the file may be damaged")

        def close(self) -> None: ...

    monkeypatch.setattr(live_connection, "ChildProcess", Hanging)
    connection = live_connection.LiveConnection(ADDRESS, live_connection.ConnectionLimits())
    with pytest.raises(AddressError, match=r"^rtsp://cam/live gave nothing for 50 s, .*the host's"):
        connection.open()


def test_a_smaller_stride_goes_on_from_the_first_frame_that_is_held():
    feed = BufferOnly()
    reader = reader_of(feed)
    feed.film(9)
    reader.read()
    reader.read()
    feed.film(4)
    reader.put_back(reader.read())
    smaller = settings_of(window_stride=2)
    reader.change(smaller, reader.position.under(reader.settings, smaller))  # would begin at 6
    feed.film(4)
    reads = [reader.read() for _ in range(3)]
    assert [shown(one) for one in reads] == [[8, 9, 10, 11], [10, 11, 12, 13], [12, 13, 14, 15]]
    assert not any(one.gaps for one in reads)
