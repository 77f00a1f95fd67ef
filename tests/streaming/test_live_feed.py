"""A live feed over connections that do as a test says: whatever they do, who reads is not left."""

from __future__ import annotations

import weakref
from pathlib import Path

import pytest
import torch

from tests.streaming.doubles import FakeModel
from tests.streaming.live_cases import wait_until
from vidmem.errors import AddressError, DecoderError
from vidmem.streaming import LiveFeed, LiveLimits, live_feed
from vidmem.streaming.feed import FeedRequest
from vidmem.video.live_connection import LiveFrame
from vidmem.video.live_pictures import pushed_info

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
