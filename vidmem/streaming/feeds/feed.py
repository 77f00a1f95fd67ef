"""Where sampled frames come from: by default, a file decoded in a child process."""

from __future__ import annotations

from pathlib import Path

from vidmem.errors import SettingError
from vidmem.streaming.feeds.clock import ClocklessFeed, find_clock
from vidmem.streaming.feeds.followed import FollowedFeed
from vidmem.streaming.feeds.protocol import Feed, FeedOpener, FeedRequest, RecordedFeed
from vidmem.video.frame_feed import FrameFeed, probe_safely
from vidmem.video.live.address import LiveAddress, is_live
from vidmem.video.transforms import decode_size

__all__ = [
    "Feed",
    "FeedOpener",
    "FeedRequest",
    "FileFeed",
    "RecordedFeed",
    "check_is_file",
    "open_file_feed",
]


class FileFeed(FrameFeed, RecordedFeed):
    """A file, decoded in a child process."""


def open_file_feed(request: FeedRequest) -> Feed:
    """Decode a file in a child process, at the size that the model wants."""
    check_is_file(request.path)
    card = request.card
    info = probe_safely(request.path)
    if card.follow is not None:
        return FollowedFeed(request, info.width, info.height, _open_squashed)
    width, height = decode_size(
        info.width,
        info.height,
        frame_height=card.frame_height,
        frame_width=card.frame_width,
        resize=card.resize,
    )
    return _opened(request, width, height)


def _open_squashed(request: FeedRequest) -> Feed:
    """Whole pictures at the very size of the card, which the shape of the video does not alter."""
    return _opened(request, request.card.frame_width, request.card.frame_height)


def _opened(request: FeedRequest, width: int, height: int) -> Feed:
    clock = find_clock(request.path) if request.card.hides_clock else ()
    feed = FileFeed(
        request.path,
        fps=request.fps,
        width=width,
        height=height,
        start_frame=request.start_frame,
        reader=request.reader,
    )
    return ClocklessFeed(feed, clock) if clock else feed


def check_is_file(source: str | Path) -> None:
    """Raise `SettingError` for a live source."""
    if is_live(source):
        raise SettingError(
            f"{LiveAddress.parse(source).shown} is live, and this is for files: regions, one pass "
            "over the whole, and coming back to what is past; record it first, or watch all of it "
            "as it comes"
        )
