"""Sampled frames of a live source between who brings and who takes them: bounded, the latest kept.

clips of 4 frames, a model that takes as long as 8:

came      0 1 2 3  4 5 6 7  8 9 a b  c d e f
taken     0 1 2 3           8 9 a b               whole windows, never one across a break
dropped            4 5 6 7           c d e f      counted; the seconds are the camera's
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vidmem.errors import DecoderError
from vidmem.video.decode_process import SampledFrames

TOO_SLOW = "the model was slower than the camera"
MAX_REASON_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True)
class LiveFigures:
    """A live source, now."""

    frames_received: int
    """Sampled frames that came."""

    frames_dropped: int
    """Of those, the ones that no clip has: the model was too slow, or a break cut their clip."""

    clips_dropped: int
    """Clips left out because the model was too slow, by the frames that did not wait for it.

    Where windows overlap, those that had begun before these frames are cut as well, and not
    counted.
    """

    reconnects: int
    """Connections made again after one broke."""

    is_connected: bool
    """Whether frames come; False while a connection is waited for, and after the end."""

    seconds_behind: float
    """How much waits to be taken, beyond the window that fills; 0 while the model keeps up."""

    reason: str
    """Why it is not connected, or what interrupted it last; empty: nothing has."""

    started_at: float | None
    """When the frame of second 0 came (`time.time()`); `None` before."""

    connects_at: float | None = None
    """When a connection is tried again (`time.time()`); `None` where none is waited for."""


@dataclass(frozen=True)
class _Held:
    pixels: Tensor
    seconds: float
    index: int
    break_before: str | None


class LiveBuffer:
    """Holds at most `num_frames`; the oldest go, whole windows at a time, when more come.

    `put`, `gap` and `end` are for who brings frames, `read` for who takes them; from any threads.

    Args:
        fps: Sampled frames per second.
        num_frames: Most frames held, at least those of a window and a stride; `None`: those of two
            windows.
        drops: Whether frames go when more come; else who brings them waits, see `wait_for_room`.
    """

    def __init__(self, fps: float, *, num_frames: int | None = None, drops: bool = True) -> None:
        if num_frames is not None and num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, got {num_frames}")
        self.fps = fps
        self._drops = drops
        self._wanted_frames = num_frames
        self._clip_frames = self._window_stride = 1
        self._changed = threading.Condition()
        self._held: deque[_Held] = deque()
        self._break: str | None = None  # before the frame to come
        self._is_break_told = False  # the one before the next frame, to the reader
        self._is_ended = False
        self._closed_because: str | None = None
        self._failed_because: str | None = None
        self._last_index: int | None = None
        self._figures = LiveFigures(
            frames_received=0,
            frames_dropped=0,
            clips_dropped=0,
            reconnects=0,
            is_connected=False,
            seconds_behind=0.0,
            reason="",
            started_at=None,
        )

    @property
    def num_frames(self) -> int:
        """Most frames held."""
        least = self._clip_frames + self._window_stride + 1
        return max(self._wanted_frames or 2 * self._clip_frames + 1, least)

    def __len__(self) -> int:
        """Frames held now."""
        return len(self._held)

    def set_windows(self, clip_frames: int, window_stride: int) -> None:
        """Say how frames will be taken, so that whole windows of them are dropped."""
        with self._changed:
            self._clip_frames, self._window_stride = clip_frames, window_stride
            self._drop_oldest()

    def put(
        self,
        pixels: Tensor,
        seconds: float,
        *,
        index: int | None = None,
        break_before: str | None = None,
    ) -> None:
        """One more sampled frame.

        Args:
            pixels: uint8 `[H, W, 3]`.
            seconds: When it was shown, by the camera's clock.
            index: Its number at `fps`; `None`: the one after the last, or after a gap the first
                that can be meant.
            break_before: As `gap` before it.
        """
        with self._changed:
            if self._is_ended or self._closed_because is not None:
                return
            if break_before is not None:
                self._note_break(break_before)
            elif self._break is None and self._is_apart(index):
                self._note_break("frames are missing")
            broken, self._break = self._break, None
            index = self._next_index(seconds, broken) if index is None else index
            self._held.append(_Held(pixels, seconds, index, broken))
            self._last_index = index
            figures = self._figures
            self._figures = replace(
                figures,
                frames_received=figures.frames_received + 1,
                is_connected=True,
                started_at=figures.started_at or time.time() - seconds,
            )
            self._drop_oldest()
            self._changed.notify_all()

    def gap(self, reason: str) -> None:
        """Frames are missing from here: no window has frames of both sides."""
        with self._changed:
            self._note_break(reason)
            self._changed.notify_all()

    def end(self, failure: str | None = None) -> None:
        """There will be no more frames; those held are still read.

        Args:
            failure: What went wrong: whoever reads on stops with a `DecoderError` that says so.
        """
        with self._changed:
            self._is_ended = True
            if failure is not None:
                self._failed_because = failure
                self._note_break(failure)  # no window waits for the frame behind it
            reason = failure or self._figures.reason
            self._figures = replace(self._figures, is_connected=False, reason=reason)
            self._changed.notify_all()

    def close(self, reason: str) -> None:
        """Hold no more, and have whoever reads stop with a `DecoderError`."""
        with self._changed:
            self._closed_because = self._closed_because or reason
            self._held.clear()
            self._figures = replace(self._figures, is_connected=False)
            self._changed.notify_all()

    def note_connected(self, *, is_again: bool) -> None:
        """For `figures`: the line is there, or there again."""
        with self._changed:
            reconnects = self._figures.reconnects + is_again
            self._figures = replace(
                self._figures, is_connected=True, reconnects=reconnects, connects_at=None
            )

    def note_broken(self, reason: str, connects_at: float | None = None) -> None:
        """For `figures`: the line is not there, and when it is tried again."""
        with self._changed:
            self._figures = replace(
                self._figures, is_connected=False, reason=reason, connects_at=connects_at
            )

    def wait_for_room(self, seconds: float | None = None) -> bool:
        """Wait until one more frame has room, or none is taken any more; for so long at most.

        Returns:
            Whether it came to that.
        """
        with self._changed:
            return self._changed.wait_for(self._has_room, seconds)

    def read(self, num_frames: int) -> SampledFrames:
        """The next frames, waiting for them.

        Fewer, or none, where a break follows, which is always told before the frames behind it are
        given (`is_before_break`); at the end (`is_end`); or if more were asked for than are ever
        held.

        Raises:
            DecoderError: If the buffer was closed, or ended by a failure.
        """
        if num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, got {num_frames}")
        with self._changed:
            wanted = min(num_frames, self.num_frames)
            self._changed.wait_for(lambda: self._can_give(wanted))
            if self._closed_because is not None:
                raise DecoderError(self._closed_because)
            if (
                self._failed_because is not None
                and not self._held
                and not self._has_break_to_tell()
            ):
                raise DecoderError(self._failed_because)
            frames = self._take(self._num_together(wanted))
            self._changed.notify_all()
        return frames

    def leave_out(self, num_frames: int) -> None:
        """Count frames that were read, and that no window will have."""
        with self._changed:
            self._count_dropped(num_frames, 0)

    def begin_anew(self, fps: float, reason: str) -> None:
        """Sample at another rate, or another size, from here on: what is held does not go on."""
        with self._changed:
            self._count_dropped(len(self._held), 0)
            self._held.clear()
            self.fps, self._last_index = fps, None
            self._note_break(reason)

    def figures(self) -> LiveFigures:
        """How it is now."""
        with self._changed:
            num_waiting = len(self._held) - self._window_stride - 1
            return replace(self._figures, seconds_behind=max(0, num_waiting) / self.fps)

    def _has_room(self) -> bool:
        is_over = self._is_ended or self._closed_because is not None
        return is_over or len(self._held) < self.num_frames

    def _is_apart(self, index: int | None) -> bool:
        return index is not None and self._last_index not in (None, index - 1)

    def _note_break(self, reason: str) -> None:
        if self._break is None and not self._held:
            self._is_break_told = False
        self._break = joined(self._break, reason)

    def _next_index(self, seconds: float, broken: str | None) -> int:
        following = 0 if self._last_index is None else self._last_index + 1
        if self._last_index is not None and broken is None:
            return following
        return max(following, math.ceil(seconds * self.fps - 1e-6))

    def _can_give(self, wanted: int) -> bool:
        """Whether the reader need not wait."""
        if self._closed_because is not None or self._is_ended or self._has_break_to_tell():
            return True
        together = self._num_together(wanted)
        is_broken_off = together < len(self._held) or self._break is not None
        return together == wanted or (together > 0 and is_broken_off)

    def _has_break_to_tell(self) -> bool:
        """Whether the next frame, there or to come, has a break before it that is not told."""
        broken = self._held[0].break_before if self._held else self._break
        return broken is not None and not self._is_break_told

    def _num_together(self, wanted: int) -> int:
        """Frames from the oldest held up to the next break, at most those wanted."""
        if self._has_break_to_tell():
            return 0
        for place, held in enumerate(self._held):
            if place == wanted or (place and held.break_before is not None):
                return place
        return len(self._held)

    def _take(self, num_frames: int) -> SampledFrames:
        taken = [self._held.popleft() for _ in range(num_frames)]
        if taken:
            self._is_break_told = False
        is_before_break = self._has_break_to_tell()
        self._is_break_told = is_before_break or self._is_break_told
        return SampledFrames(
            pixels=torch.stack([one.pixels for one in taken]) if taken else torch.empty(0),
            pts_seconds=torch.tensor([one.seconds for one in taken], dtype=torch.float64),
            sample_indices=torch.tensor([one.index for one in taken], dtype=torch.int64),
            gaps=(),
            is_end=self._is_ended and not self._held and self._failed_because is None,
            break_before=taken[0].break_before if taken else None,
            is_before_break=is_before_break,
        )

    def _drop_oldest(self) -> None:
        """Keep within the bound: let whole windows go, down to the newest one."""
        most, stride = self.num_frames, self._window_stride
        if len(self._held) <= most or not self._drops:
            return
        num_clips = max(1, (len(self._held) - self._clip_frames - 1) // stride)
        num_frames = min(num_clips * stride, len(self._held) - 1)
        dropped = [self._held.popleft() for _ in range(num_frames)]
        reason = TOO_SLOW
        for one in (*dropped, self._held[0]):
            reason = joined(one.break_before, reason) if one.break_before else reason
        self._held[0] = replace(self._held[0], break_before=reason)
        self._count_dropped(num_frames, num_clips)
        self._is_break_told = False

    def _count_dropped(self, num_frames: int, num_clips: int) -> None:
        self._figures = replace(
            self._figures,
            frames_dropped=self._figures.frames_dropped + num_frames,
            clips_dropped=self._figures.clips_dropped + num_clips,
        )


def joined(before: str | None, reason: str) -> str:
    """Reasons of breaks that have become one, each told once."""
    if before is None or before == reason:
        return reason
    if reason in before:
        return before
    return f"{before}; {reason}"[:MAX_REASON_CHARACTERS]
