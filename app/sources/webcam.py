"""A visitor's webcam: pictures that the page sends, checked, and handed to a run."""

from __future__ import annotations

import io
import threading
import time
from typing import Any

import numpy as np
from PIL import Image

from app.sources import wording as source_wording
from vidmem.errors import SettingError
from vidmem.streaming import FeedRequest, PushedFeed

MAX_SIDE = 1920
"""Pixels of a picture, each way."""

MIN_SIDE = 16
MAX_BYTES = 2_000_000
"""Of a picture as it comes, which is a JPEG."""

MAX_PICTURES_PER_SECOND = 40.0
MAX_BURST = 20.0
SILENT_SECONDS = source_wording.SILENT_SECONDS
"""Without a picture; the next one then comes after a gap."""


class Webcam:
    """Pictures of one visitor's camera, on their way to the run that is open, if one is.

    Args:
        width: Of its pictures, in pixels.
        height: Of its pictures, in pixels.

    Raises:
        SettingError: If that is no size of a picture.
    """

    def __init__(self, width: int, height: int) -> None:
        if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
            raise SettingError(
                f"pictures of a webcam must be {MIN_SIDE} to {MAX_SIDE} pixels a side, got "
                f"{width} x {height}"
            )
        self.width, self.height = width, height
        self._lock = threading.Lock()
        self._feed: PushedFeed | None = None
        self._seconds: float | None = None
        self._came_at = 0.0
        self._room, self._counted_at = MAX_BURST, time.monotonic()

    def open_feed(self, request: FeedRequest) -> PushedFeed:
        """The feed of a new run; the one before gets no more pictures."""
        feed = PushedFeed(
            self.width, self.height, request.fps, request.card, name=source_wording.WEBCAM
        )
        with self._lock:
            self._feed, self._seconds, self._came_at = feed, None, time.monotonic()
        return feed

    def push(self, jpeg: bytes, seconds: float) -> bool:
        """Add a picture, with its time by the page's clock; returns whether it was accepted.

        Raises:
            SettingError: If it is no JPEG, or too large.
        """
        with self._lock:
            feed, now = self._feed, time.monotonic()
            if feed is None or not self._has_room(now):
                return False
            if self._seconds is not None and now - self._came_at > SILENT_SECONDS:
                feed.gap(source_wording.no_pictures(now - self._came_at))
            if self._seconds is not None and seconds <= self._seconds:
                return False  # a later one overtook it
            feed.push(decoded_picture(jpeg), seconds)
            self._seconds, self._came_at = seconds, now
        return True

    def silent_seconds(self) -> float:
        """How long no picture came since the run opened; 0 where no run is open."""
        with self._lock:
            return time.monotonic() - self._came_at if self._feed is not None else 0.0

    def _has_room(self, now: float) -> bool:
        # A token bucket: a network may deliver pictures in bursts, but not more than the rate.
        gained = (now - self._counted_at) * MAX_PICTURES_PER_SECOND
        self._room, self._counted_at = min(MAX_BURST, self._room + gained), now
        if self._room < 1:
            return False
        self._room -= 1
        return True


def decoded_picture(jpeg: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The pixels of a JPEG that a visitor sent, uint8 `[H, W, 3]`.

    Raises:
        SettingError: If it is none, or too large.
    """
    if len(jpeg) > MAX_BYTES:
        raise SettingError(f"a picture may have {MAX_BYTES:,} bytes, got {len(jpeg):,}")
    try:
        # No other format: the bytes come from a visitor, and each decoder more can be attacked.
        image = Image.open(io.BytesIO(jpeg), formats=("JPEG",))
        # `open` has read the header only, so a huge picture is refused before it is decoded.
        if max(image.size) > MAX_SIDE or min(image.size) < MIN_SIDE:
            raise SettingError(f"a picture may have {MAX_SIDE} pixels a side, got {image.size}")
        return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, SettingError):  # which is a ValueError too
            raise
        raise SettingError(f"a picture must be a JPEG: {error}") from error
