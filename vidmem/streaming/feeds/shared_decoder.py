"""One decoder that several read from, each at its own pace, and the newest frames that it gave.

    decoder ──> 40 41 42 43 44 45 46 47      frames held, at most `max_frames`
                      ^pen2       ^pen1      each reader has a place among them

Nothing is decoded before a reader waits for it. When all places are taken by frames that the
slowest reader has not seen, the others wait for it, but not for long: then it is dropped, and goes
on with another decoder.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace

from torch import Tensor

from vidmem.errors import DecoderError
from vidmem.streaming.feeds.feed import Feed, FeedOpener, FeedRequest
from vidmem.streaming.feeds.region_layout import Box
from vidmem.units import MIB
from vidmem.video.sampling import Gap

MAX_FRAMES = 64
MAX_FRAMES_IN_READS = 3
"""A reader of many frames at a time gets room for so many such reads."""

FRAMES_AT_ONCE = 8
MAX_BYTES = 256 * MIB
PATIENCE_SECONDS = 1.0
"""How long others wait at most for a reader that does not keep up."""


@dataclass(frozen=True)
class HeldFrame:
    """A sampled frame, whole or what of it is wanted."""

    parts: dict[Box, Tensor]
    """uint8 `[H, W, 3]` each."""

    num_bytes: int
    seconds: float
    gaps: tuple[Gap, ...]
    is_missing: bool = False
    """The video has no picture here, nor for long around: only the number is taken up."""

    @classmethod
    def missing(cls, gaps: tuple[Gap, ...] = ()) -> HeldFrame:
        """A sampled frame that the video does not have."""
        return cls({}, 0, 0.0, gaps, is_missing=True)

    @classmethod
    def cut(
        cls, pixels: Tensor, seconds: float, gaps: tuple[Gap, ...], boxes: frozenset[Box]
    ) -> HeldFrame:
        """The boxes of a picture `[H, W, 3]`: views of it, or copies where they are less."""
        views = {box: pixels[box[1] : box[3], box[0] : box[2]] for box in boxes}
        num_bytes = sum(view.numel() for view in views.values())
        if num_bytes < pixels.numel():  # a view would keep all of the picture in memory
            views = {box: view.clone() for box, view in views.items()}
        return cls(views, min(num_bytes, pixels.numel()), seconds, gaps)


@dataclass(eq=False, kw_only=True)
class Reader:
    """One region's place in what is decoded; all of it belongs to the decoders' lock."""

    wanted: FeedRequest
    """What to decode; readers that differ in `start_frame` alone may share a decoder."""

    boxes: frozenset[Box]
    """All that readers with the same `wanted` cut out."""

    next_frame: int
    """The first sampled frame that it has not had."""

    why_alone: str
    """Why it has a decoder of its own, where it has one."""

    decoder: SharedDecoder | None = None
    num_awaited: int = 0
    """Frames that it waits for."""

    held_up_seconds: float = 0.0
    """How long others have waited for it since it last kept up."""

    has_had_end: bool = False
    """Whether it has had the damage at the end."""


class SharedDecoder:
    """A feed with a thread that reads it, and the frames that its readers still need.

    All its fields belong to the lock given, save `feed`, which is set once.
    """

    def __init__(
        self,
        request: FeedRequest,
        open_feed: FeedOpener,
        *,
        boxes: frozenset[Box],
        lock: threading.Lock,
        keeps_until_seconds: float = 0.0,
    ) -> None:
        """Begin to open the feed; nothing is read from it before a reader waits.

        Args:
            request: Of the feed.
            open_feed: Called in the thread.
            boxes: What is wanted of each frame.
            lock: Of all decoders and their readers.
            keeps_until_seconds: Until then (`time.monotonic`) others are expected, and no frame
                that they may need is dropped.
        """
        self.request = request
        self.feed: Feed | None = None
        self.error: Exception | None = None
        self.is_end = self.is_closed = False
        self.end_gaps: tuple[Gap, ...] = ()
        self.readers: list[Reader] = []
        self.is_complete = False
        """No other reader can join: frames that all readers had are not kept."""

        self.keeps_until_seconds = keeps_until_seconds
        self.changed = threading.Condition(lock)  # readers wait for it
        self._frames_wanted = threading.Condition(lock)  # the thread waits for it
        self._open_feed, self._boxes = open_feed, boxes
        self._frames: deque[HeldFrame] = deque()
        self._first_frame = request.start_frame
        self._most_at_once = 1
        self._frame_bytes = 1
        threading.Thread(target=self._work, name="vidmem-shared-decoder", daemon=True).start()

    @property
    def end_frame(self) -> int:
        """The sampled frame after the newest one held."""
        return self._first_frame + len(self._frames)

    @property
    def max_frames(self) -> int:
        """Held at most."""
        wanted = max(MAX_FRAMES, MAX_FRAMES_IN_READS * self._most_at_once)
        return max(min(wanted, MAX_BYTES // self._frame_bytes), 2)

    @property
    def num_held(self) -> int:
        """Frames held."""
        return len(self._frames)

    def suits(self, reader: Reader) -> bool:
        """Whether a reader can go on from here."""
        is_usable = self.error is None and not self.is_closed
        is_alike = replace(self.request, start_frame=reader.wanted.start_frame) == reader.wanted
        return is_usable and is_alike and self._first_frame <= reader.next_frame <= self.end_frame

    def take(self, reader: Reader, num_frames: int) -> list[HeldFrame]:
        """Some of the next frames of a reader, waiting for the first; none at the end.

        None at once where this decoder has dropped the reader.

        Raises:
            VidmemError: If the decoder fails.
        """
        self._most_at_once = max(self._most_at_once, num_frames)
        reader.num_awaited = num_frames
        try:
            while self._must_wait(reader):
                self._frames_wanted.notify()
                self.changed.wait()
        finally:
            reader.num_awaited = 0
        if reader not in self.readers:
            return []
        start = reader.next_frame - self._first_frame
        taken = [self._frames[at] for at in range(start, min(start + num_frames, self.num_held))]
        reader.next_frame += len(taken)
        if reader.next_frame == self.end_frame:
            reader.held_up_seconds = 0.0
        self._drop_seen()
        self._frames_wanted.notify()
        return taken

    def wait_until_open(self) -> Feed:
        """The feed, once there is one.

        Raises:
            VidmemError: If it cannot be opened.
        """
        while self.feed is None and self.error is None and not self.is_closed:
            self.changed.wait()
        self._check()
        assert self.feed is not None
        return self.feed

    def leave(self, reader: Reader) -> None:
        """A reader goes; frames that only it needed are dropped."""
        if reader in self.readers:
            self.readers.remove(reader)
        self._drop_seen()
        self._frames_wanted.notify()
        self.changed.notify_all()

    def expect_no_more(self) -> None:
        """All readers that were expected have joined."""
        self.keeps_until_seconds = 0.0
        self._frames_wanted.notify()

    def close(self) -> None:
        """End the decoder; call without the lock."""
        with self.changed:
            self.is_closed = True
            self._frames.clear()
            self._frames_wanted.notify()
            self.changed.notify_all()
        if self.feed is not None:
            self.feed.close()

    def _must_wait(self, reader: Reader) -> bool:
        if reader not in self.readers:
            return False
        if reader.next_frame < self.end_frame or self.is_end:
            return False
        self._check()
        return True

    def _check(self) -> None:
        if self.error is not None:
            # A new one for each thread: raising one exception in several mixes up their tracebacks.
            raise type(self.error)(*self.error.args) from self.error
        if self.is_closed:
            raise DecoderError("the shared decoder has been closed")

    def _work(self) -> None:
        """Thread: some frames each time that a reader waits for them, until the end."""
        try:
            feed = self._open_feed(self.request)
            with self.changed:
                self.feed = feed
                self.changed.notify_all()
            while num_frames := self._num_wanted():
                self._read(feed, num_frames)
        except Exception as error:  # raised again where readers wait: here it would be lost
            with self.changed:
                self.error = self.error or error
                self.changed.notify_all()
        if self.is_closed and self.feed is not None:  # closed while it was being opened
            self.feed.close()

    def _read(self, feed: Feed, num_frames: int) -> None:
        held: list[HeldFrame] = []
        is_end, gaps = False, ()
        first = self.end_frame  # only this thread adds frames
        try:
            while len(held) < num_frames and not is_end:
                frames = feed.read(1)  # one, so that damage comes with the frame after it
                is_end = frames.is_end or not (len(frames) or frames.is_before_break)
                gaps += frames.gaps
                if not len(frames):
                    continue
                num_missing = int(frames.sample_indices[0]) - first - len(held)
                if num_missing > 0:  # one has the gaps, before what they cost
                    held.append(HeldFrame.missing(gaps))
                    held.extend([HeldFrame.missing()] * (num_missing - 1))
                    gaps = ()
                pixels, seconds = frames.pixels[0], float(frames.pts_seconds[0])
                held.append(HeldFrame.cut(pixels, seconds, gaps, self._boxes))
                gaps = ()
        finally:  # also after an error: the frames before it are good
            end_gaps = gaps
            with self.changed:
                self._frames.extend(held)
                num_bytes = max((one.num_bytes for one in held), default=0)
                self._frame_bytes = num_bytes or self._frame_bytes
                self.is_end, self.end_gaps = is_end, end_gaps
                self.changed.notify_all()

    def _num_wanted(self) -> int:
        """Wait until a reader waits and there is room; 0 when no more is to be read."""
        with self.changed:
            while not (self.is_closed or self.is_end):
                self._drop_seen()
                room = self.max_frames - self.num_held
                at_end = (one for one in self.readers if one.next_frame == self.end_frame)
                num_awaited = max((one.num_awaited for one in at_end), default=0)
                if not num_awaited:
                    self._frames_wanted.wait()
                elif room > 0:
                    return min(num_awaited, room, FRAMES_AT_ONCE)
                else:
                    self._wait_for_the_slowest()
        return 0

    def _wait_for_the_slowest(self) -> None:
        expecting_seconds = self.keeps_until_seconds - time.monotonic()
        if expecting_seconds > 0:
            self._frames_wanted.wait(expecting_seconds)
            return
        slow = [one for one in self.readers if one.next_frame == self._first_frame]
        # Waits add up: a reader that takes a frame now and then still gets only so much in all,
        # until it has caught up (`take`).
        left_seconds = PATIENCE_SECONDS - max((one.held_up_seconds for one in slow), default=0.0)
        if left_seconds > 0:
            began = time.monotonic()
            self._frames_wanted.wait(left_seconds)
            for reader in slow:
                reader.held_up_seconds += time.monotonic() - began
            return
        for reader in slow:
            if reader.held_up_seconds >= PATIENCE_SECONDS:
                self.readers.remove(reader)
                reader.decoder, reader.held_up_seconds = None, 0.0
                reader.why_alone = f"it fell {self.max_frames} frames behind the others"
        self.changed.notify_all()

    def _drop_seen(self) -> None:
        """Drop frames that all readers had, unless others may need them and there is room."""
        needed = min((reader.next_frame for reader in self.readers), default=self.end_frame)
        is_expecting = time.monotonic() < self.keeps_until_seconds
        while self._frames and self._first_frame < needed:
            if is_expecting or (not self.is_complete and self.num_held < self.max_frames):
                return
            self._frames.popleft()
            self._first_frame += 1
