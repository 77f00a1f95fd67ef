"""Which window of a run a time of the video is in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from vidmem.streaming import StreamSettings, Window

MAX_STRETCHES = 1_000
"""Each change of settings and each jump begins another; the oldest go first."""


@dataclass(frozen=True, kw_only=True)
class _Stretch:
    """Windows that follow each other at one stride."""

    first_index: int
    first_frame: int
    count: int
    settings: StreamSettings

    def continues_with(self, window: Window, settings: StreamSettings) -> bool:
        """Whether a window is the next one of this stretch."""
        frame = self.first_frame + self.count * self.settings.window_stride
        is_next = window.index == self.first_index + self.count and window.start_frame == frame
        return is_next and settings == self.settings

    def at(self, seconds: float) -> int | None:
        """The window that a time is in, the later one where two overlap."""
        frame, stride = seconds * self.settings.fps, self.settings.window_stride
        number = min(int((frame - self.first_frame) // stride), self.count - 1)
        start = self.first_frame + number * stride
        # A time between two clips, where the stride skips some, is of the clip before it.
        is_inside = number >= 0 and frame < start + max(self.settings.clip_frames, stride)
        return self.first_index + number if is_inside else None


class WindowIndex:
    """The windows judged so far, in bounded memory."""

    def __init__(self) -> None:
        self._stretches: deque[_Stretch] = deque(maxlen=MAX_STRETCHES)

    def add(self, window: Window, settings: StreamSettings) -> None:
        """A window was judged."""
        newest = self._stretches[-1] if self._stretches else None
        if newest is not None and newest.continues_with(window, settings):
            self._stretches[-1] = replace(newest, count=newest.count + 1)
            return
        self._stretches.append(
            _Stretch(
                first_index=window.index,
                first_frame=window.start_frame,
                count=1,
                settings=settings,
            )
        )

    def at(self, seconds: float) -> int | None:
        """The number of the window that a time is in, as it was judged last; `None`: of none."""
        # The newest first: after a jump back, a time is in several stretches.
        for stretch in reversed(self._stretches):
            index = stretch.at(seconds)
            if index is not None:
                return index
        return None
