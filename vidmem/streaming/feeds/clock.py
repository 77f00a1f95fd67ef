"""A clock that the camera has burnt into its pictures, hidden, since its digits are no motion.

    looked at        | | | |  | | | |  | | | |      four times a second, for three seconds
    its place        . . . x  . . . x  . . . x      changes once a second, and never in between
    an animal's      . x x x  x . x .  . . . .      else

A place is that of a clock if it is so in nearly all of the stretches that are looked at, which are
spread over the file. A file always has the same one, so a stream that jumps or is resumed is shown
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise, product
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.streaming.feeds.protocol import Feed, RecordedFeed
from vidmem.video.frame_feed import FeedLimits, FrameFeed, SampledFrames, probe_safely
from vidmem.video.probe import VideoInfo

LOOKS_PER_SECOND = 4
"""A clock then changes at one look in four. More would take longer, and few cameras have less than
eight pictures a second."""

LOOK_SECONDS = 3
NUM_STRETCHES = 10
LOOK_WIDTH = 640
"""Pixels: digits are some ten of them high, and larger pictures are shrunk to it."""

BLOCK = 8
"""Pixels, each way, of the places that are looked at: about a digit."""

LEAST_PIXELS = 2
"""That change in a block, for it to have changed."""

CHANGED, NOISES = 0.06, 5.0
"""Grey difference beyond which a pixel has changed, and in usual differences of its frame."""

LEAST_SHARE = 0.7
"""Of the stretches: in others an animal may be behind the digits, or the light be switched."""

LEAST_STRETCHES = 4
"""Fewer say too little: of so many, an animal changes as a clock does in three by chance once in a
hundred thousand places."""

MAX_BLOCKS = 24
"""More are no clock."""

MIN_SOURCE_FPS = 6.0
"""With fewer pictures a second everything that moves does so about once a look."""

PAINT = 128
"""Mid grey, in all colours."""

_GREY = (0.299, 0.587, 0.114)
_MAD_TO_STD = 1.4826

Place = tuple[float, float, float, float]
"""Left, top, right and bottom, in fractions of the picture."""


class ClocklessFeed(RecordedFeed):
    """A `Feed` of a file in which some places are painted over.

    Args:
        feed: Of whole pictures.
        places: Those of the clock.
    """

    def __init__(self, feed: Feed, places: tuple[Place, ...]) -> None:
        self._feed, self._places = feed, places
        self.info: VideoInfo = feed.info
        self._note_reader()

    @property
    def child_pid(self) -> int | None:
        """The process that decodes."""
        return self._feed.child_pid

    def read(self, num_frames: int) -> SampledFrames:
        """The next frames; fewer only at the end of the video, or before a break."""
        frames = self._feed.read(num_frames)
        self._note_reader()
        hide(frames.pixels, self._places)
        return frames

    def seek(self, start_frame: int) -> None:
        """Go on from another sampled frame."""
        self._feed.seek(start_frame)

    def set_fps(self, fps: float, start_frame: int) -> None:
        """Sample at another rate, from a frame counted at that rate."""
        self._feed.set_fps(fps, start_frame)

    def close(self) -> None:
        """End the decoder."""
        self._feed.close()

    def _note_reader(self) -> None:
        self.reader_name = self._feed.reader_name
        self.reader_reason = f"{self._feed.reader_reason}; the burnt-in clock is painted over"


def hide(pixels: Tensor, places: tuple[Place, ...]) -> None:
    """Paint places of pictures uint8 `[N, H, W, 3]` over, in place."""
    height, width = pixels.shape[1:3]
    for left, top, right, bottom in places:
        # Whole pixels outward: half of a digit left would still tick.
        rows = slice(int(top * height), -int(-bottom * height // 1))
        columns = slice(int(left * width), -int(-right * width // 1))
        pixels[:, rows, columns] = PAINT


def find_clock(path: Path) -> tuple[Place, ...]:
    """The places of a file that change once a second, each with a margin; none: it has no clock.

    Found are digits that stand still in the picture and show whole seconds. Those of minutes and
    hours change too seldom to be seen, or to matter.

    Raises:
        UnreadableVideoError: If the file cannot be read.
        DecoderError: If the decoder fails.
    """
    about = path.stat()
    return _find_clock(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=128)
def _find_clock(path: Path, _size_bytes: int, _changed_ns: int) -> tuple[Place, ...]:
    # Kept for files that were opened lately: a stream is opened anew wherever it is wound back to.
    info = probe_safely(path)
    num_looks = LOOKS_PER_SECOND * LOOK_SECONDS + 1
    total = int(info.duration_seconds * LOOKS_PER_SECOND)
    num_stretches = min(NUM_STRETCHES, total // num_looks)  # that do not overlap
    if num_stretches < LEAST_STRETCHES or info.fps < MIN_SOURCE_FPS:
        return ()
    width = min(LOOK_WIDTH, info.width)
    height = max(1, round(info.height * width / info.width))
    ticking = []  # and not the frames, which are a hundred megabytes
    limits = FeedLimits(queue_frames=num_looks)
    feed = FrameFeed(path, fps=LOOKS_PER_SECOND, width=width, height=height, limits=limits)
    try:
        for number in range(num_stretches):
            feed.seek(round((total - num_looks) * number / (num_stretches - 1)))
            frames = feed.read(num_looks)
            is_whole = len(frames) == num_looks and not frames.gaps
            # A picture that is shown for longer than a look is no place that does not change.
            if is_whole and bool((frames.pts_seconds.diff() > 0).all()):
                ticking.append(ticking_blocks(frames.pixels))
    finally:
        feed.close()
    if len(ticking) < LEAST_STRETCHES:
        return ()
    return tuple(
        (
            max(0.0, (x - 0.5) * BLOCK / width),
            max(0.0, (y - 0.5) * BLOCK / height),
            min(1.0, (x + 1.5) * BLOCK / width),
            min(1.0, (y + 1.5) * BLOCK / height),
        )
        for y, x in clock_blocks(ticking).nonzero().tolist()
    )


def clock_blocks(ticking: Sequence[Tensor]) -> Tensor:
    """Which blocks of the picture are a clock's, `[rows, columns]`: they tick in most stretches.

    Args:
        ticking: Of each stretch, what `ticking_blocks` gives.

    Returns:
        None of them where they are too many for a clock.
    """
    is_clock = torch.stack(list(ticking)).float().mean(0) >= LEAST_SHARE
    return is_clock if int(is_clock.sum()) <= MAX_BLOCKS else torch.zeros_like(is_clock)


def ticking_blocks(frames: Tensor) -> Tensor:
    """Which blocks of a stretch change as the seconds of a clock do, bool `[rows, columns]`.

    Args:
        frames: uint8 `[T, H, W, 3]`, `LOOKS_PER_SECOND` of them each second.
    """
    grey = frames.float() @ torch.tensor(_GREY) / 255
    away = grey.diff(dim=0)
    away = (away - _median(away)).abs()  # a whole picture may flicker
    is_changed = (away > (NOISES * _MAD_TO_STD * _median(away)).clamp(min=CHANGED)).float()
    # Blocks at the edge may be cut, and lack pixels: those count as unchanged.
    down, across = (-size % BLOCK for size in is_changed.shape[1:])
    padded = F.pad(is_changed, (0, across, 0, down))
    num_changed = F.avg_pool2d(padded[:, None], BLOCK)[:, 0] * BLOCK * BLOCK
    bits = (num_changed > LEAST_PIXELS - 0.5).long()
    # The looks at which a block changed, as the bits of a number.
    codes = (bits << torch.arange(len(bits))[:, None, None]).sum(0)
    return _ticks(len(bits))[codes]


def _median(maps_THW: Tensor) -> Tensor:
    """About that of each map, `[T, 1, 1]`: of every fourth pixel each way, which is quicker."""
    return maps_THW[:, ::4, ::4].flatten(1).median(1).values[:, None, None]


@lru_cache(maxsize=2)
def _ticks(num_steps: int) -> Tensor:
    """Of each number, whether the seconds of a clock change at the looks that are its bits."""
    table = torch.zeros(2**num_steps, dtype=torch.bool)
    per_second = LOOKS_PER_SECOND
    for bits in product((0, 1), repeat=num_steps):
        at = [step for step, bit in enumerate(bits) if bit]
        if len(at) < num_steps // per_second - 1 or not at:
            continue
        # A look earlier or later: looks, pictures and seconds begin at different moments.
        is_even = all(abs(later - one - per_second) <= 1 for one, later in pairwise(at))
        is_all = at[0] <= per_second and num_steps - 1 - at[-1] <= per_second
        table[sum(bit << step for step, bit in enumerate(bits))] = is_even and is_all
    return table
