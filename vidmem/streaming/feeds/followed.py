"""A square that follows what differs from the usual picture, seen in place of the whole.

    decoded   whole pictures, large enough for the square to have the model's pixels
    usual     their median over the file, looked at when the feed is opened
    place     of the first of every few sampled frames: the middle of what differs most
    cut       the square there out of each of them, resized for the model

A place depends on the file and on one frame alone, so a stream that begins, jumps or is resumed
anywhere is shown the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.models.interface import FollowedCrop, ModelCard
from vidmem.streaming.feeds.protocol import Feed, FeedOpener, FeedRequest, RecordedFeed
from vidmem.units import MIB
from vidmem.video.frame_feed import SampledFrames
from vidmem.video.probe import VideoInfo
from vidmem.video.sampling import Gap
from vidmem.video.transforms import decode_size, resized

NUM_LOOKS = 25
"""Frames, spread over the file, whose median is its usual picture: an animal that is in one place
for less than half of the time is not in it."""

LOOK_SIDE = 192
"""Pixels of the longer edge at which pictures are compared."""

DIFFERS = 0.08
"""Grey difference, of 1, beyond which a pixel differs from the usual picture..."""

NOISES = 5.0
"""...if it is also so many times the usual difference of its frame: dark footage is noisy."""

LEAST_AREA = 1 / 400
"""Of the square: less that differs is noise."""

ROUNDS = 2
"""In which the middle of what differs is found, each around the one before."""

MAX_BYTES = 64 * MIB
"""Of whole pictures held at a time; of each only the square is kept."""

_GREY = (0.299, 0.587, 0.114)
_MAD_TO_STD = 1.4826


@dataclass(frozen=True)
class UsualPicture:
    """What a file mostly shows, small and grey; what differs from it is followed."""

    grey: Tensor
    """`[h, w]`, from 0 to 1."""

    @classmethod
    def of(cls, greys: Sequence[Tensor]) -> UsualPicture:
        """The median of some small grey pictures."""
        return cls(torch.stack(list(greys)).median(0).values)

    def place(self, pixels: Tensor, share: float) -> tuple[float, float]:
        """Where most of what differs is, across and down in fractions of the picture.

        Its middle is the mean over a square of half the side of the crop: where another animal is
        farther away than that, it does not draw the crop away.

        Args:
            pixels: uint8 `[H, W, 3]`.
            share: Side of the crop, of the shorter edge.

        Returns:
            The middle of the picture where nothing differs.
        """
        difference = small_grey(pixels) - self.grey
        away = (difference - difference.median()).abs()  # a whole picture may flicker
        limit = max(DIFFERS, NOISES * _MAD_TO_STD * float(away.median()))
        away = away.masked_fill(away <= limit, 0.0)
        height, width = away.shape
        side = share * min(height, width)
        if int((away > 0).sum()) < max(1.0, LEAST_AREA * side * side):
            return 0.5, 0.5
        reach = max(1, round(side / 4))
        sums = F.avg_pool2d(away[None, None], 2 * reach + 1, stride=1, padding=reach)[0, 0]
        at = int(sums.argmax())
        y, x = float(at // width), float(at % width)
        for _ in range(ROUNDS):
            top, left = max(0, round(y) - reach), max(0, round(x) - reach)
            near = away[top : round(y) + reach + 1, left : round(x) + reach + 1]
            total = float(near.sum())
            if total == 0:  # the maximum was that of its neighbours
                break
            y = top + float((near.sum(1) * torch.arange(len(near))).sum()) / total
            x = left + float((near.sum(0) * torch.arange(near.shape[1])).sum()) / total
        return (x + 0.5) / width, (y + 0.5) / height


def small_grey(pixels: Tensor) -> Tensor:
    """A picture uint8 `[H, W, 3]`, grey from 0 to 1, its longer edge `LOOK_SIDE` at most."""
    height, width = pixels.shape[:2]
    scale = min(1.0, LOOK_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return resized(pixels[None], size)[0].float() @ torch.tensor(_GREY) / 255


@dataclass(frozen=True)
class SquareCut:
    """At which size pictures are decoded, and how a square comes out of them."""

    decoded: tuple[int, int]
    """Width and height."""

    side: int
    """Of the square, in pixels of the decoded picture."""

    size: tuple[int, int]
    """Width and height that the model's preprocessing begins with."""

    @classmethod
    def of(cls, width: int, height: int, card: ModelCard, crop: FollowedCrop) -> SquareCut:
        """For a video of some size: decoded as small as the model's pixels allow."""
        side = crop.share * min(width, height)
        size = decode_size(
            1,
            1,
            frame_width=card.frame_width,
            frame_height=card.frame_height,
            resize=card.resize,
        )
        scale = min(1.0, max(size) / side)
        decoded = max(1, round(width * scale)), max(1, round(height * scale))
        return cls(decoded, max(1, round(crop.share * min(decoded))), size)

    def corner(self, place: tuple[float, float]) -> tuple[int, int]:
        """Left and top of the square around a place, kept inside the picture."""
        left, top = (
            min(max(round(middle * edge - self.side / 2), 0), edge - self.side)
            for middle, edge in zip(place, self.decoded, strict=True)
        )
        return left, top


class FollowedFeed(RecordedFeed):
    """A `Feed` of the square that follows what differs from the usual picture of a file.

    Args:
        request: Its card has `follow`.
        width: Of the video, in pixels.
        height: Of the video.
        open_feed: Opens the feed of whole pictures.

    Raises:
        VidmemError: If the video cannot be decoded.
    """

    def __init__(
        self, request: FeedRequest, width: int, height: int, open_feed: FeedOpener
    ) -> None:
        assert request.card.follow is not None
        self._crop = request.card.follow
        self._cut = SquareCut.of(width, height, request.card, self._crop)
        wanted = _whole_pictures(request, self._cut)
        self._usual = usual_picture(wanted, _stamp(request), open_feed)
        self._forget(request.start_frame)
        self._feed: Feed = open_feed(replace(wanted, start_frame=self._first_frame()))
        self.info: VideoInfo = self._feed.info
        across, down = self._cut.decoded
        self._most_at_once = max(1, MAX_BYTES // (across * down * 3))
        self._note_reader()

    @property
    def child_pid(self) -> int | None:
        """The process that decodes."""
        return self._feed.child_pid

    def read(self, num_frames: int) -> SampledFrames:
        """The next frames; fewer only at the end of the video, or before a break."""
        shown = _Shown()
        while True:
            missing = num_frames - len(shown.squares)
            frames = self._feed.read(min(missing, self._most_at_once))
            self._note_reader()  # it may go on with another one
            shown.gaps += frames.gaps
            shown.break_before = shown.break_before or frames.break_before
            for index, seconds, pixels in zip(
                frames.sample_indices.tolist(),
                frames.pts_seconds.tolist(),
                frames.pixels,
                strict=True,
            ):
                square = self._square(index, pixels)
                if index < self._wanted_frame:  # it was read for the place alone
                    shown.has_skipped = True
                else:
                    shown.add(index, seconds, square)
            # Behind a break that only frames before the wanted ones precede, it is gone on.
            is_cut = frames.is_before_break and (shown.squares or not shown.has_skipped)
            if frames.is_end or is_cut or len(shown.squares) == num_frames:
                return shown.frames(self._cut.size, is_end=frames.is_end, is_cut=bool(is_cut))

    def seek(self, start_frame: int) -> None:
        """Go on from another sampled frame."""
        self._forget(start_frame)
        self._feed.seek(self._first_frame())

    def set_fps(self, fps: float, start_frame: int) -> None:
        """Sample at another rate, from a frame counted at that rate."""
        self._forget(start_frame)
        self._feed.set_fps(fps, self._first_frame())

    def close(self) -> None:
        """End the decoder."""
        self._feed.close()

    def _forget(self, start_frame: int) -> None:
        """Reading begins elsewhere."""
        self._wanted_frame = start_frame
        self._number: int | None = None  # of the few frames that share the newest place
        self.place = (0.5, 0.5)
        """Where the middle of what differs is, across and down in fractions of the picture, in the
        newest frame that it was looked for in."""

    def _first_frame(self) -> int:
        """Of those that share a place with the frame that is wanted."""
        return self._wanted_frame - self._wanted_frame % self._crop.every_frames

    def _note_reader(self) -> None:
        self.reader_name = self._feed.reader_name
        self.reader_reason = f"{self._feed.reader_reason}; a square follows what moves"

    def _square(self, index: int, pixels: Tensor) -> Tensor:
        """What of a picture is shown; its place is that of the first of its few."""
        number = index // self._crop.every_frames
        if number != self._number:
            self._number = number
            self.place = self._usual.place(pixels, self._crop.share)
        left, top = self._cut.corner(self.place)
        # A copy: a view would keep the whole picture in memory.
        return pixels[top : top + self._cut.side, left : left + self._cut.side].clone()


@dataclass
class _Shown:
    """Frames of one call, gathered."""

    squares: list[Tensor] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    gaps: tuple[Gap, ...] = ()
    break_before: str | None = None
    has_skipped: bool = False

    def add(self, index: int, seconds: float, square: Tensor) -> None:
        self.squares.append(square)
        self.seconds.append(seconds)
        self.indices.append(index)

    def frames(self, size: tuple[int, int], *, is_end: bool, is_cut: bool) -> SampledFrames:
        width, height = size
        pixels = torch.empty(0, height, width, 3, dtype=torch.uint8)
        if self.squares:
            pixels = resized(torch.stack(self.squares), size)
        return SampledFrames(
            pixels=pixels,
            pts_seconds=torch.tensor(self.seconds, dtype=torch.float64),
            sample_indices=torch.tensor(self.indices, dtype=torch.int64),
            gaps=self.gaps,
            is_end=is_end,
            break_before=self.break_before,
            is_before_break=is_cut,
        )


@lru_cache(maxsize=32)
def usual_picture(
    request: FeedRequest, stamp: tuple[int, int], open_feed: FeedOpener
) -> UsualPicture:
    """What a file mostly shows: the median of some frames of it.

    Kept for files that were opened lately, as a stream is opened anew wherever it is wound back to.

    Args:
        request: For whole pictures.
        stamp: Size and time of change of the file.
        open_feed: Opens the feed of whole pictures.

    Raises:
        VidmemError: If the video cannot be decoded.
    """
    feed = open_feed(request)
    greys: dict[int, Tensor] = {}
    try:
        num_frames = feed.info.duration_seconds * request.fps
        looks = {int(num_frames * (number + 0.5) / NUM_LOOKS) for number in range(NUM_LOOKS)}
        for number in [*sorted(looks), 0]:
            if number == 0 and greys:  # for files that are shorter than their container says
                continue
            feed.seek(number)
            frames = feed.read(1)
            # By its own number: where the file has no pictures for long, each look there gives the
            # first one behind, which is no more usual for that.
            for index, pixels in zip(frames.sample_indices.tolist(), frames.pixels, strict=True):
                greys[index] = small_grey(pixels)
    finally:
        feed.close()
    if not greys:
        width, height = request.card.frame_width, request.card.frame_height
        greys[0] = small_grey(torch.zeros(height, width, 3, dtype=torch.uint8))
    return UsualPicture.of(list(greys.values()))


def _whole_pictures(request: FeedRequest, cut: SquareCut) -> FeedRequest:
    width, height = cut.decoded
    card = replace(
        request.card, frame_width=width, frame_height=height, resize="squash", follow=None
    )
    return replace(request, card=card, start_frame=0)


def _stamp(request: FeedRequest) -> tuple[int, int]:
    about = request.path.stat()
    return about.st_size, about.st_mtime_ns
