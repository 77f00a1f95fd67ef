"""Feeds over a `LiveBuffer`: an address decoded in a child process, or pictures that are pushed."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import torch

from vidmem.errors import SettingError, VidmemError
from vidmem.models.interface import ModelCard
from vidmem.streaming.feeds.feed import Feed, FeedRequest
from vidmem.streaming.feeds.live_buffer import LiveBuffer
from vidmem.streaming.feeds.live_figures import LiveFigures
from vidmem.video.frame_feed import SampledFrames
from vidmem.video.live.address import without_credentials
from vidmem.video.live.connection import ConnectionLimits, LiveConnection, LiveFormat, LiveFrame
from vidmem.video.live.pictures import fitted, pushed_info
from vidmem.video.live.sampling import LastSeen, LiveSample, LiveSampler
from vidmem.video.probe import VideoInfo
from vidmem.video.transforms import decode_size

logger = logging.getLogger(__name__)

CLOSED = "the live source has been closed"
ROOM_SECONDS = 0.5
"""Longest wait for room in the buffer at a time. Between two waits the thread holds no reference to
the feed, so that one that is not used any more is collected."""


@dataclass(frozen=True, kw_only=True)
class LiveLimits:
    """How long a live feed waits for its source, and how much it holds."""

    connection: ConnectionLimits = field(default_factory=ConnectionLimits)
    """Of each connection: time to open, silence, memory."""

    back_off_seconds: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
    """Waited before the first, second, ... attempt to connect again; the last for all further."""

    num_frames: int | None = None
    """Sampled frames held at most; `None`: those of two windows."""

    def __post_init__(self) -> None:
        if not self.back_off_seconds or min(self.back_off_seconds) < 0:
            raise ValueError(
                f"back_off_seconds must be one or more of at least 0, got {self.back_off_seconds}"
            )


class BufferedFeed(Feed):
    """A feed whose frames come in real time: the reader chooses neither when nor which."""

    buffer: LiveBuffer
    is_live: bool = True

    def set_windows(self, clip_frames: int, window_stride: int) -> None:
        """How windows will be cut out of what it gives."""
        self.buffer.set_windows(clip_frames, window_stride)

    def figures(self) -> LiveFigures:
        """How it is now."""
        return self.buffer.figures()

    def leave_out(self, num_frames: int) -> None:
        """Count frames that were read, and that no window will have."""
        self.buffer.leave_out(num_frames)

    def read(self, num_frames: int) -> SampledFrames:
        """See `LiveBuffer.read`."""
        return self.buffer.read(num_frames)

    def seek(self, start_frame: int) -> None:
        """Refused: raises `SettingError`."""
        raise SettingError(f"{self.info.name} is live: there is no going back or ahead in it")

    def set_fps(self, fps: float, start_frame: int) -> None:
        """Sample at another rate from now on; what was sampled already is dropped."""
        raise NotImplementedError

    def set_card(self, card: ModelCard) -> bool:
        """Give frames as another model wants them, from now on."""
        raise NotImplementedError

    def finish(self) -> None:
        """Take no more frames: those held are still read, then the feed is at its end."""
        raise NotImplementedError

    def _size(self, card: ModelCard) -> tuple[int, int]:
        return decode_size(
            self.info.width,
            self.info.height,
            frame_height=card.frame_height,
            frame_width=card.frame_width,
            resize=card.resize,
        )


class LiveFeed(BufferedFeed):
    """An address or a camera, decoded in a child process; connects again when the line breaks.

    Seconds count from the first picture, by the camera's clock; while there is no connection, by
    this machine's. A source that says how long it is (a file on a web server) is no camera: it
    waits for the model instead of dropping frames, and ends at its end; where its connection
    breaks, reading ends with an error, since another one would begin at its beginning.

    Raises:
        AddressError: If it cannot be watched now. Once it could, it is waited for.
        DecoderError: If the decoder hangs, crashes or grows too large.
    """

    def __init__(self, request: FeedRequest, limits: LiveLimits | None = None) -> None:
        self._address, self._card = request.address, request.card
        self.limits = limits or LiveLimits()
        self._lock = threading.RLock()  # of the connection and what is requested of it
        self._stopping = threading.Event()
        self._last: LastSeen | None = None
        self._logged_reason = ""
        self._failure: VidmemError | None = None  # of a connection that could not be made
        self._connection = LiveConnection(self._address, self.limits.connection)
        try:
            self.info: VideoInfo = self._connection.open()
        except BaseException:
            self._connection.close()
            raise
        self.reader_name = "pyav"
        self.reader_reason = self._connection.reason
        self._is_finite = self._connection.is_finite
        self.buffer = LiveBuffer(
            request.fps, num_frames=self.limits.num_frames, drops=not self._is_finite
        )
        self._pending: LiveFrame | None = None  # has no room in the buffer yet
        self._begin(is_again=False)
        self._attempt = 0
        self._thread = threading.Thread(
            target=_work, args=(weakref.ref(self),), name="vidmem-live", daemon=True
        )
        self._thread.start()

    @property
    def child_pid(self) -> int | None:
        """The process that decodes now; the next connection has another one."""
        return self._connection.child_pid

    def set_fps(self, fps: float, start_frame: int) -> None:
        """Sample at another rate from now on; what was sampled already is dropped."""
        with self._lock:
            self.buffer.begin_anew(fps, f"sampled at {fps:g} frames per second from here on")
            self._renew_request()

    def set_card(self, card: ModelCard) -> bool:
        """Give frames as another model wants them, from now on."""
        with self._lock:
            self._card = card
            self.buffer.begin_anew(self.buffer.fps, "frames are for another model from here on")
            self._renew_request()
        return True

    def finish(self) -> None:
        """End the connection: frames held are still read, then the feed is at its end."""
        self._stopping.set()
        self.buffer.end()
        with self._lock:
            self._connection.close()

    def close(self) -> None:
        """End the connection, within about a second whatever the decoder does."""
        self._stopping.set()
        self.buffer.close(CLOSED)
        with self._lock:
            self._connection.close()
        # The garbage collector may call this in that thread, which cannot wait for its own end.
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2.0)

    def __del__(self) -> None:
        if hasattr(self, "_thread"):  # there is none where opening it failed
            self.close()

    def _begin(self, *, is_again: bool) -> None:
        with self._lock:
            self._has_requested = True
            self._request_frames(self._last)
        self.buffer.note_connected(is_again=is_again)

    def _renew_request(self) -> None:
        # A connection that is still being made gets its request once it is there (`_begin`).
        if self._has_requested:
            self._request_frames()

    def _request_frames(self, after: LastSeen | None = None) -> None:
        width, height = self._size(self._card)
        wanted = LiveFormat(fps=self.buffer.fps, width=width, height=height)
        self._connection.ask(wanted, after)

    def bring(self) -> bool:
        """One more frame from the connection to the buffer; returns whether to go on.

        Where the buffer has no room for long, the frame is kept for the next call.
        """
        if self._pending is None and not self._take_in():
            return False
        if self._pending is not None and self._has_room():
            frame, self._pending = self._pending, None
            self._put(frame)
        return not self._stopping.is_set()

    def _take_in(self) -> bool:
        """Wait for a frame, or for another connection; returns whether to go on."""
        try:
            frame = self._receive()
        except VidmemError as error:
            return self._survive(error)
        if frame is None:
            self.buffer.end()
            return False
        self._attempt, self._logged_reason, self._pending = 0, "", frame
        return True

    def _survive(self, error: VidmemError) -> bool:
        """The connection broke: make another one; returns whether to go on."""
        if self._is_finite and not self._stopping.is_set():
            self.buffer.end(
                f"{error}; it cannot be gone on with in the middle: watch it again, or download "
                "it and watch the file"
            )
            return False
        if self._connect_again(error, self._attempt):
            self._attempt += 1
        return not self._stopping.is_set()

    def _has_room(self) -> bool:
        return not self._is_finite or self.buffer.wait_for_room(ROOM_SECONDS)

    def give_up(self, error: Exception) -> None:
        """End reading with an error that says why: no more frames will come."""
        self._stopping.set()
        reason = without_credentials(f"{type(error).__name__}: {error}")
        self.buffer.close(f"{self.info.name} cannot be watched any further ({reason})")
        with self._lock:
            self._connection.close()

    def _receive(self) -> LiveFrame | None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return self._connection.receive()

    def _put(self, frame: LiveFrame) -> None:
        self._last = LastSeen(seconds=frame.seconds, at=time.time())
        with self._lock:
            if frame.run == self._connection.wanted_run:  # else it is of another rate or size
                self.buffer.put(
                    frame.pixels, frame.seconds, index=frame.index, break_before=frame.break_before
                )

    def _connect_again(self, error: VidmemError, attempt: int) -> bool:
        """One attempt, after a wait; returns whether it was made, and not stopped."""
        delays = self.limits.back_off_seconds
        delay_seconds = delays[min(attempt, len(delays) - 1)]
        if self._stopping.is_set():
            return False
        reason = str(error)
        is_news = reason != self._logged_reason  # an outage of a night is logged once
        level = logging.WARNING if is_news else logging.DEBUG
        logger.log(level, "%s; connecting again in %g s", reason, delay_seconds)
        self._logged_reason = reason
        self._connection.close()
        self.buffer.note_broken(reason, time.time() + delay_seconds)
        self.buffer.gap(reason)
        if self._stopping.wait(delay_seconds):
            return False
        try:
            with self._lock:
                # Under the lock: `close` has set `_stopping` before, or closes this connection.
                if self._stopping.is_set():
                    return False
                self._has_requested = False
                self._connection = LiveConnection(self._address, self.limits.connection)
            self._connection.open()  # without the lock: it takes seconds, and `close` must not wait
        except VidmemError as failure:
            self._failure = failure  # raised by the next `_receive`, like a connection that broke
            return True
        self._begin(is_again=True)
        logger.warning("%s: connected again", self.info.name)
        return True


def _work(feed_ref: weakref.ref[LiveFeed]) -> None:
    """Thread: frames as they come, until the feed is closed or collected."""
    while (feed := feed_ref()) is not None:
        try:
            if not feed.bring():
                return
        except Exception as error:
            logger.exception("%s: the thread that brings its frames failed", feed.info.name)
            feed.give_up(error)
            return
        del feed  # or the loop itself would keep it alive


class PushedFeed(BufferedFeed):
    """Pictures that a caller hands over, such as those of visitors' webcams in the app.

    Args:
        width: Of the pictures, in pixels.
        height: Of the pictures.
        fps: Sampled frames per second that the model gets.
        card: The model's.
        name: What the source is called.
        num_frames: Sampled frames held at most; `None`: those of two windows.
    """

    TICK = Fraction(1, 1_000_000)
    """Seconds: times are counted in whole ticks, which do not drift as sums of floats do."""

    def __init__(
        self,
        width: int,
        height: int,
        fps: float,
        card: ModelCard,
        *,
        name: str = "pushed pictures",
        num_frames: int | None = None,
    ) -> None:
        self.info = pushed_info(name, width, height)
        self.reader_name = "pushed"
        self.reader_reason = "pictures are handed over as they come"
        self.buffer = LiveBuffer(fps, num_frames=num_frames)
        self._lock = threading.Lock()
        self._card = card
        self._sampler: LiveSampler[np.ndarray] = LiveSampler(fps, self.TICK)

    @property
    def child_pid(self) -> int | None:
        """Nothing is decoded elsewhere."""
        return None

    def push(self, picture: np.ndarray | torch.Tensor, seconds: float) -> None:
        """One more picture; it is copied, at the model's size.

        Args:
            picture: uint8 `[H, W, 3]`, of any size.
            seconds: When it was taken, by any clock that only goes forward; the first picture is
                second 0.
        """
        pixels = np.asarray(picture)
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise ValueError(
                f"picture must be uint8 [H, W, 3], got {pixels.dtype} {list(pixels.shape)}"
            )
        with self._lock:
            # A copy: the caller may fill the same array with its next picture.
            for sample in self._sampler.take(round(seconds / self.TICK), pixels.copy()):
                self._put(sample)

    def gap(self, reason: str) -> None:
        """Pictures are missing from here on: no window has some of both sides."""
        with self._lock:
            for sample in self._sampler.cut():
                self._put(sample)
            self.buffer.note_broken(reason)
            self.buffer.gap(reason)

    def set_fps(self, fps: float, start_frame: int) -> None:
        """Sample at another rate from now on; what was sampled already is dropped."""
        with self._lock:
            self._sampler.set_fps(fps)
            self.buffer.begin_anew(fps, f"sampled at {fps:g} frames per second from here on")

    def set_card(self, card: ModelCard) -> bool:
        """Give frames as another model wants them, from now on."""
        with self._lock:
            self._card = card
            self.buffer.begin_anew(self.buffer.fps, "frames are for another model from here on")
        return True

    def finish(self) -> None:
        """There are no more pictures: frames held are still read, then the feed is at its end."""
        with self._lock:
            for sample in self._sampler.finish():
                self._put(sample)
            self.buffer.end()

    def close(self) -> None:
        """Take no more, and end reading."""
        self.buffer.close(CLOSED)

    def _put(self, sample: LiveSample[np.ndarray]) -> None:
        self.buffer.put(
            torch.from_numpy(fitted(sample.picture, *self._size(self._card))),
            sample.seconds,
            index=sample.index,
            break_before=sample.break_before,
        )
