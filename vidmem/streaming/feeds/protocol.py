"""What a feed of sampled frames has, and what it is opened for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vidmem.models.interface import ModelCard
from vidmem.streaming.feeds.live_figures import LiveFigures
from vidmem.video.frame_feed import SampledFrames
from vidmem.video.probe import VideoInfo


class Feed(Protocol):
    """Sampled frames of a source in order: of a file (`FileFeed`), or live (`BufferedFeed`).

    A feed of something recorded has its defaults from `RecordedFeed`.
    """

    info: VideoInfo
    reader_name: str
    reader_reason: str

    is_live: bool
    """Whether frames come in real time, without going back or ahead in them."""

    @property
    def child_pid(self) -> int | None:
        """The process that decodes, to count its memory; `None` where there is none."""
        ...

    def read(self, num_frames: int) -> SampledFrames:
        """The next frames; fewer only at the end (`is_end`), or live before a break."""
        ...

    def seek(self, start_frame: int) -> None:
        """Go on from another sampled frame; live: raises `SettingError`."""
        ...

    def set_fps(self, fps: float, start_frame: int) -> None:
        """Sample at another rate, from a frame counted at that rate; live: from now on."""
        ...

    def set_card(self, card: ModelCard) -> bool:
        """Give frames as another model wants them; False: another feed must be opened for that."""
        ...

    def set_windows(self, clip_frames: int, window_stride: int) -> None:
        """Say how windows will be cut out of what it gives."""
        ...

    def leave_out(self, num_frames: int) -> None:
        """Count frames that were read, and that no window will have."""
        ...

    def figures(self) -> LiveFigures | None:
        """How a live source is now; `None` for something recorded."""
        ...

    def finish(self) -> None:
        """Live: take no more frames; those held are still read, then the feed is at its end."""
        ...

    def close(self) -> None:
        """End the decoder, whatever it does."""
        ...


class RecordedFeed:
    """What a feed is where all frames are there from the beginning: the base of such feeds.

    Nothing is dropped or lost on the way, so there is nothing to count, to finish, or to say of
    windows.
    """

    is_live: bool = False

    def set_card(self, card: ModelCard) -> bool:
        """False: it was opened for the size that one model wants."""
        return False

    def set_windows(self, clip_frames: int, window_stride: int) -> None:
        """It gives what is read, however that is cut."""

    def leave_out(self, num_frames: int) -> None:
        """They are not counted, since they can be read again."""

    def figures(self) -> LiveFigures | None:
        """There are none."""
        return None

    def finish(self) -> None:
        """It ends where the recording ends."""


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


FeedOpener = Callable[[FeedRequest], Feed]
"""Where sampled frames come from: a function that opens a feed."""
