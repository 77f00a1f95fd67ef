"""Regions share a decoder while they go together, and nobody waits for one that does not."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.streaming.doubles import CARD
from vidmem.errors import DecoderCrashedError, DecoderError, NotAVideoError, SettingError
from vidmem.streaming import Region, RegionFeeds
from vidmem.streaming.feeds import decoder_group, region_feeds, shared_decoder
from vidmem.streaming.feeds.feed import FeedRequest, RecordedFeed
from vidmem.video.frame_feed import SampledFrames
from vidmem.video.sampling import Gap

LEFT, RIGHT = Region("left", 0, 0, 0.5, 1), Region("right", 0.5, 0, 0.5, 1)
GAP = Gap(start_seconds=1.0, end_seconds=2.0, reason="it is a test")


class HalvesFeed(RecordedFeed):
    """Left half: the frame's number. Right half: a hundred more."""

    reader_name, reader_reason = "fake", "it is a test"

    def __init__(self, video: HalvesVideo, request: FeedRequest) -> None:
        self.video, self.request = video, request
        self.child_pid = 1000 + len(video.feeds)
        self.next_frame = request.start_frame
        self.num_reads = 0
        self.is_closed = False

    def read(self, num_frames: int) -> SampledFrames:
        self.video.may_read.wait(60)
        if self.is_closed:
            raise DecoderError("closed")
        self.num_reads += 1
        frames = range(self.next_frame, min(self.next_frame + num_frames, self.video.num_frames))
        self.next_frame = max(frames.stop, self.next_frame)
        if self.video.breaks_at in frames:
            raise DecoderCrashedError("it broke")
        card = self.request.card
        pixels = torch.zeros(len(frames), card.frame_height, card.frame_width, 3, dtype=torch.uint8)
        for at, frame in enumerate(frames):
            pixels[at, :, : card.frame_width // 2] = frame % 100
            pixels[at, :, card.frame_width // 2 :] = frame % 100 + 100
        at_end = self.next_frame == self.video.num_frames and not frames
        return SampledFrames(
            pixels=pixels,
            pts_seconds=torch.tensor([frame / self.request.fps for frame in frames]).double(),
            sample_indices=torch.tensor(list(frames)),
            gaps=(GAP,) if at_end or 5 in frames else (),
            is_end=len(frames) < num_frames,
        )

    def close(self) -> None:
        self.is_closed = True


class HalvesVideo:
    """Opens such feeds; `feeds` has all of them."""

    def __init__(self, num_frames: int = 1000) -> None:
        self.num_frames = num_frames
        self.breaks_at: int | None = None
        self.feeds: list[HalvesFeed] = []
        self.may_read = threading.Event()
        self.may_read.set()

    def __call__(self, request: FeedRequest) -> HalvesFeed:
        self.feeds.append(HalvesFeed(self, request))
        return self.feeds[-1]


@pytest.fixture(autouse=True)
def no_file(monkeypatch):
    found = SimpleNamespace(width=64, height=32, duration_seconds=250.0, fps=25.0)
    monkeypatch.setattr(region_feeds, "probe_safely", lambda path: found)
    monkeypatch.setattr(region_feeds, "replace", replaced)


def replaced(value, **changes):
    if isinstance(value, SimpleNamespace):
        return SimpleNamespace(**{**vars(value), **changes})
    return shared_decoder.replace(value, **changes)


@pytest.fixture
def video():
    return HalvesVideo()


@pytest.fixture
def feeds(video):
    with RegionFeeds("pens.mp4", [LEFT, RIGHT], open_feed=video) as feeds:
        yield feeds


def opened(feeds, region, start_frame=0, fps=4.0):
    request = FeedRequest(
        path=feeds.source, card=CARD, fps=fps, start_frame=start_frame, reader="auto"
    )
    return feeds.open_feed(region)(request)


def numbers(frames, region=LEFT):
    """The frames' numbers, after a look at their sizes and colours."""
    assert frames.pixels.shape[1:] == (2, 3, 3)
    flat = frames.pixels.flatten(1)
    assert (flat == flat[:, :1]).all()
    found = [int(value) - (100 if region is RIGHT else 0) for value in flat[:, 0]]
    assert [index % 100 for index in frames.sample_indices.tolist()] == found
    return frames.sample_indices.tolist()


def read_many(feed, num_frames, region=LEFT):
    """As a run does, some frames at a time."""
    found = []
    while len(found) < num_frames:
        found += numbers(feed.read(min(20, num_frames - len(found))), region)
    return found


def wait_until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_regions_read_one_decoder_once(feeds, video):
    left, right = opened(feeds, LEFT), opened(feeds, RIGHT)
    for start in range(0, 200, 10):
        assert numbers(left.read(10)) == list(range(start, start + 10))
        assert numbers(right.read(10), RIGHT) == list(range(start, start + 10))
    assert len(video.feeds) == feeds.num_decoders == 1
    assert video.feeds[0].num_reads == 200
    assert (left.info.width, left.info.height) == (32, 32)
    assert left.reader_reason.endswith("decoded once for 2 regions")
    assert [left.child_pid, right.child_pid] == [1000, None]  # counted once


def test_one_that_joins_later_finds_the_first_frames(feeds, video):
    left = opened(feeds, LEFT)
    numbers(left.read(40))
    right = opened(feeds, RIGHT)
    assert numbers(right.read(5), RIGHT) == list(range(5))
    assert len(video.feeds) == 1


def test_the_first_waits_a_moment_for_those_that_have_yet_to_join(feeds, video):
    left = opened(feeds, LEFT)
    reading = threading.Thread(target=read_many, args=(left, 300))
    reading.start()
    wait_until(lambda: video.feeds[0].num_reads == feeds._group._decoders[0].max_frames)
    right = opened(feeds, RIGHT)
    assert read_many(right, 300, RIGHT) == list(range(300))
    reading.join(60)
    assert not reading.is_alive()
    assert len(video.feeds) == 1


def test_one_that_never_joins_is_not_waited_for(feeds, video, monkeypatch):
    monkeypatch.setattr(decoder_group, "EXPECTED_WITHIN_SECONDS", 0.1)
    assert read_many(opened(feeds, LEFT), 300) == list(range(300))
    assert numbers(opened(feeds, RIGHT).read(1), RIGHT) == [0]
    assert len(video.feeds) == 2


def test_damage_is_told_to_each_once(feeds, video):
    video.num_frames = 20
    for region in (LEFT, RIGHT):
        feed = opened(feeds, region)
        gaps = [feed.read(5).gaps for _ in range(6)]
        assert gaps[:3] == [(), (GAP,), ()]
        assert sum(map(len, gaps[3:5])) == 1  # with the last frame, where the end is known by then
        assert gaps[5] == ()


def test_the_end_is_the_end_for_all(feeds, video):
    video.num_frames = 12
    left, right = opened(feeds, LEFT), opened(feeds, RIGHT)
    for feed in (left, right):
        assert not feed.read(10).is_end
        last = feed.read(10)
        assert (len(last), last.is_end) == (2, True)
        assert (len(feed.read(10)), feed.read(10).is_end) == (0, True)
    assert len(video.feeds) == 1


def test_one_that_does_not_go_on_is_left_behind_and_holds_nothing_up(feeds, video):
    left, right = opened(feeds, LEFT), opened(feeds, RIGHT)
    numbers(right.read(3), RIGHT)
    assert read_many(left, 600) == list(range(600))
    decoder = feeds._group._decoders[0]
    assert decoder.num_held <= decoder.max_frames
    assert numbers(right.read(7), RIGHT) == list(range(3, 10))
    assert len(video.feeds) == feeds.num_decoders == 2
    assert "a decoder of its own, because it fell" in right.reader_reason
    assert left.child_pid != right.child_pid


def test_one_that_reads_on_slowly_holds_up_the_others_for_a_moment_in_all(feeds, monkeypatch):
    monkeypatch.setattr(shared_decoder, "PATIENCE_SECONDS", 0.2)
    left, right = opened(feeds, LEFT), opened(feeds, RIGHT)
    has_ended = threading.Event()

    def read_slowly():
        while not has_ended.wait(0.02):
            right.read(1)

    slow = threading.Thread(target=read_slowly)
    slow.start()
    try:
        read_many(left, 900)
    finally:
        has_ended.set()
        slow.join()
    assert feeds.num_decoders == 2


def test_one_that_meets_the_others_again_goes_on_with_them(feeds, video):
    left, right = opened(feeds, LEFT), opened(feeds, RIGHT)
    read_many(left, 300)
    assert read_many(right, 290, RIGHT)[-1] == 289
    for _ in range(11):
        numbers(right.read(10), RIGHT)
        numbers(left.read(10))
    assert feeds.num_decoders == 1
    wait_until(lambda: sum(not feed.is_closed for feed in video.feeds) == 1)
    assert right.reader_reason.endswith("decoded once for 2 regions")


def test_a_jump_takes_a_decoder_which_others_who_follow_share(feeds, video):
    left, right = opened(feeds, LEFT), opened(feeds, RIGHT)
    numbers(left.read(10))
    left.seek(500)
    assert numbers(left.read(3)) == [500, 501, 502]
    assert "because it went to another place" in left.reader_reason
    right.seek(500)
    assert numbers(right.read(3), RIGHT) == [500, 501, 502]
    assert len(video.feeds) == 2
    assert feeds.num_decoders == 1
    assert video.feeds[0].is_closed


def test_another_rate_takes_a_decoder_of_its_own(feeds, video):
    left, right = opened(feeds, LEFT), opened(feeds, RIGHT)
    left.set_fps(8.0, 6)
    assert numbers(left.read(2)) == [6, 7]
    assert numbers(right.read(2), RIGHT) == [0, 1]
    assert [feed.request.fps for feed in video.feeds] == [4.0, 8.0]
    assert "because it samples at another rate" in left.reader_reason


def test_the_whole_picture_beside_its_parts_has_a_decoder_of_its_own(video):
    whole = Region("all", 0, 0, 1, 1)
    with RegionFeeds("pens.mp4", [LEFT, RIGHT, whole], open_feed=video) as feeds:
        three = [opened(feeds, region) for region in feeds.regions]
        assert three[2].read(1).pixels.shape == (1, 2, 3, 3)
        sizes = [(one.request.card.frame_width, one.request.reader) for one in video.feeds]
        assert sizes == [(6, "auto"), (3, "auto")]
        assert "because the whole picture is decoded at the model's own size" in (
            three[2].reader_reason
        )


def test_the_last_one_to_leave_ends_the_decoder(feeds, video):
    left, right = opened(feeds, LEFT), opened(feeds, RIGHT)
    left.close()
    assert read_many(right, 200, RIGHT) == list(range(200))
    assert right.child_pid == 1000
    right.close()
    assert video.feeds[0].is_closed
    assert feeds.num_decoders == 0
    again = opened(feeds, LEFT, start_frame=7)  # as a run does that jumps after its end
    assert numbers(again.read(1)) == [7]


def test_closing_wakes_who_waits(feeds, video):
    left, right = opened(feeds, LEFT), opened(feeds, RIGHT)
    video.may_read.clear()
    failed: list[BaseException] = []

    def read():
        try:
            left.read(1)
        except DecoderError as error:
            failed.append(error)

    waiting = threading.Thread(target=read)
    waiting.start()
    left.close()
    waiting.join(60)
    assert not waiting.is_alive()
    assert "has been closed" in str(failed[0])
    video.may_read.set()
    assert numbers(right.read(2), RIGHT) == [0, 1]


def test_a_decoder_that_breaks_is_told_to_all_and_another_place_works(feeds, video):
    left, right = opened(feeds, LEFT), opened(feeds, RIGHT)
    video.breaks_at = 30
    for feed in (left, right):
        assert len(feed.read(30)) == 30
        with pytest.raises(DecoderCrashedError, match="it broke"):
            feed.read(1)
    right.seek(31)
    assert numbers(right.read(1), RIGHT) == [31]


def test_what_cannot_be_opened_says_so_at_once():
    def refuse(request):
        raise NotAVideoError("it is no video")

    with (
        RegionFeeds("pens.mp4", [LEFT], open_feed=refuse) as feeds,
        pytest.raises(NotAVideoError, match="it is no video"),
    ):
        opened(feeds, LEFT)
    assert feeds.num_decoders == 0


def test_regions_that_were_closed_open_no_more(feeds):
    feed = opened(feeds, LEFT)
    feeds.close()
    with pytest.raises(DecoderError, match="closed"):
        feed.read(1)
    with pytest.raises(DecoderError, match="closed"):
        opened(feeds, RIGHT)


def test_bad_regions_are_refused_before_anything_is_opened(video):
    for regions, said in (
        ([LEFT, LEFT], "two regions 'left'"),
        ([Region("dot", 0, 0, 0.01, 1)], "at least 8 x 8 pixels"),
    ):
        with pytest.raises(SettingError, match=said):
            RegionFeeds("pens.mp4", regions, open_feed=video)
    assert not video.feeds


def test_a_region_that_was_not_given_is_a_mistake(feeds):
    with pytest.raises(ValueError, match="'other' is not one of those"):
        feeds.open_feed(Region("other", 0, 0, 1, 1))


def test_another_video_than_theirs_is_a_mistake(feeds):
    request = FeedRequest(path=Path("o.mp4"), card=CARD, fps=4.0, start_frame=0, reader="auto")
    with pytest.raises(ValueError, match=r"regions of pens.mp4, got o.mp4"):
        feeds.open_feed(LEFT)(request)


def test_a_live_source_is_watched_whole():
    with pytest.raises(SettingError, match="is live, and this is for files: regions"):
        RegionFeeds("rtsp://127.0.0.1:9/pens", [LEFT])


def test_small_regions_keep_no_more_than_what_is_cut_out(video):
    corner = Region("corner", 0, 0, 0.25, 0.25)
    with RegionFeeds("pens.mp4", [corner, LEFT], open_feed=video) as feeds:
        one, other = opened(feeds, corner), opened(feeds, LEFT)
        one.read(3)
        held = feeds._group._decoders[0]._frames[0]
        assert set(held.parts) == {one._cut.box, other._cut.box}
        stored = {part.untyped_storage().nbytes() for part in held.parts.values()}
        assert stored == {part.numel() for part in held.parts.values()}
