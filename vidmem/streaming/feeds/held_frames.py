"""Sampled frames in their order, with the breaks between them.

    held      0 1 2 3 | 8 9        a break before 8: frames are missing there
    reader    0 1 2 3, then that a break follows, then 8 9

A break is always reported before the frames behind it are given, and once.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from torch import Tensor

MAX_REASON_CHARACTERS = 300
"""Of the reasons of breaks joined in one: there may be many before a frame comes."""


@dataclass(frozen=True)
class QueuedFrame:
    """A sampled frame that was not read yet."""

    pixels: Tensor
    """uint8 `[H, W, 3]`."""

    seconds: float
    """When it was shown, by the camera's clock."""

    index: int
    """Its number among all sampled frames, those that never came included."""

    break_before: str | None
    """Why frames are missing before it; `None`: none are."""


class HeldFrames:
    """Says which frames a reader may have together; the lock and the bound are its owner's."""

    def __init__(self) -> None:
        self._frames: deque[QueuedFrame] = deque()
        self._break: str | None = None  # before the frame to come
        self._is_break_reported = False  # the one before the next frame, to the reader
        self._last_index: int | None = None

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def has_break_to_report(self) -> bool:
        """Whether the next frame, there or to come, has a break before it that was not reported."""
        broken = self._frames[0].break_before if self._frames else self._break
        return broken is not None and not self._is_break_reported

    def append(
        self,
        pixels: Tensor,
        seconds: float,
        index: int | None,
        break_before: str | None,
        fps: float,
    ) -> None:
        """One more; see `LiveBuffer.put`.

        Args:
            pixels: uint8 `[H, W, 3]`.
            seconds: By the camera's clock.
            index: `None`: the one after the last, or after a break by the clock.
            break_before: Why frames are missing before it.
            fps: Sampled frames per second.
        """
        if break_before is not None:
            self.note_break(break_before)
        elif self._break is None and self._is_apart(index):
            self.note_break("frames are missing")
        broken, self._break = self._break, None
        index = self._next_index(seconds, broken, fps) if index is None else index
        self._frames.append(QueuedFrame(pixels, seconds, index, broken))
        self._last_index = index

    def note_break(self, reason: str) -> None:
        """Frames are missing before the one to come."""
        if self._break is None and not self._frames:
            self._is_break_reported = False
        self._break = joined(self._break, reason)

    def num_together(self, wanted: int) -> int:
        """Frames from the oldest up to the next break, at most those wanted."""
        if self.has_break_to_report:
            return 0
        for place, held in enumerate(self._frames):
            if place == wanted or (place and held.break_before is not None):
                return place
        return len(self._frames)

    def can_give(self, wanted: int) -> bool:
        """Whether a reader need not wait: so many are together, or a break cuts them short."""
        if self.has_break_to_report:
            return True
        together = self.num_together(wanted)
        is_broken_off = together < len(self._frames) or self._break is not None
        return together == wanted or (together > 0 and is_broken_off)

    def take(self, num_frames: int) -> tuple[list[QueuedFrame], bool]:
        """The oldest, and whether a break follows them: from here on that is reported."""
        taken = [self._frames.popleft() for _ in range(num_frames)]
        if taken:
            self._is_break_reported = False
        is_before_break = self.has_break_to_report
        self._is_break_reported = is_before_break or self._is_break_reported
        return taken, is_before_break

    def drop(self, num_frames: int, reason: str) -> None:
        """Drop the oldest, which is a break before the next one; one has to stay to carry that."""
        dropped = [self._frames.popleft() for _ in range(num_frames)]
        for one in (*dropped, self._frames[0]):
            reason = joined(one.break_before, reason) if one.break_before else reason
        self._frames[0] = replace(self._frames[0], break_before=reason)
        self._is_break_reported = False

    def clear(self) -> None:
        """Drop all; the numbers count on."""
        self._frames.clear()

    def begin_anew(self) -> None:
        """Drop all; numbers begin anew too, by the clock."""
        self._frames.clear()
        self._last_index = None

    def _is_apart(self, index: int | None) -> bool:
        return index is not None and self._last_index not in (None, index - 1)

    def _next_index(self, seconds: float, broken: str | None, fps: float) -> int:
        following = 0 if self._last_index is None else self._last_index + 1
        if self._last_index is not None and broken is None:
            return following
        # After a break by the clock, rounded up as in `vidmem.streaming.windows.frame_at`.
        return max(following, math.ceil(seconds * fps - 1e-6))


def joined(before: str | None, reason: str) -> str:
    """Reasons of breaks that have become one, each named once."""
    if before is None or before == reason:
        return reason
    if reason in before:
        return before
    return f"{before}; {reason}"[:MAX_REASON_CHARACTERS]
