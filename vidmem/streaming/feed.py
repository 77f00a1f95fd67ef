"""Where sampled frames come from: by default, a file decoded in a child process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vidmem.errors import SettingError
from vidmem.models.interface import ModelCard
from vidmem.video.decode_process import FrameFeed, SampledFrames, probe_safely
from vidmem.video.live_address import LiveAddress, is_live
from vidmem.video.probe import VideoInfo
from vidmem.video.transforms import decode_size


class Feed(Protocol):
    """Sampled frames of a video in order; `vidmem.video.FrameFeed` is the one that decodes."""

    info: VideoInfo
    reader_name: str
    reader_reason: str

    @property
    def child_pid(self) -> int | None:
        """The process that decodes, to count its memory; `None` where there is none."""
        ...

    def read(self, num_frames: int) -> SampledFrames:
        """The next frames; fewer only at the end of the video."""
        ...

    def seek(self, start_frame: int) -> None:
        """Go on from another sampled frame."""
        ...

    def set_fps(self, fps: float, start_frame: int) -> None:
        """Sample at another rate, from a frame counted at that rate."""
        ...

    def close(self) -> None:
        """End the decoder, whatever it does."""
        ...


@dataclass(frozen=True, kw_only=True)
class FeedRequest:
    """What a feed is opened for."""

    path: Path
    card: ModelCard
    fps: float
    start_frame: int
    reader: str

    address: str = field(default="", repr=False)
    """Of a live source, with its credentials: never shown. Empty for a file."""


def open_feed(request: FeedRequest) -> Feed:
    """Decode a file in a child process, at the size that the model wants."""
    check_is_file(request.path)
    card = request.card
    info = probe_safely(request.path)
    width, height = decode_size(
        info.width,
        info.height,
        frame_height=card.frame_height,
        frame_width=card.frame_width,
        resize=card.resize,
    )
    return FrameFeed(
        request.path,
        fps=request.fps,
        width=width,
        height=height,
        start_frame=request.start_frame,
        reader=request.reader,
    )


def check_is_file(source: str | Path) -> None:
    """Raise `SettingError` for a live source."""
    if is_live(source):
        raise SettingError(
            f"{LiveAddress.parse(source).shown} is live, and this is for files: regions, one pass "
            "over the whole, and coming back to what is past; record it first, or watch all of it "
            "as it comes"
        )
