"""Sampled frames of a live source on their way to the reader: bounded, the latest kept.

clips of 4 frames, a model that takes as long as 8:

came      0 1 2 3  4 5 6 7  8 9 a b  c d e f
taken     0 1 2 3           8 9 a b               whole windows, never one across a break
dropped            4 5 6 7           c d e f      counted; the seconds are the camera's
"""

from __future__ import annotations

import threading

import torch
from torch import Tensor

from vidmem.errors import DecoderError
from vidmem.streaming.feeds.held_frames import HeldFrames
from vidmem.streaming.feeds.live_figures import LiveFigures, LiveMeter
from vidmem.video.frame_feed import SampledFrames

TOO_SLOW = "the model was slower than the camera"


class LiveBuffer:
    """Holds at most `num_frames`; the oldest go, whole windows at a time, when more come.

    `put`, `gap` and `end` are for the source, `read` for the reader; each may be called from any
    thread.

    Args:
        fps: Sampled frames per second.
        num_frames: Most frames held, at least those of a window and a stride; `None`: those of two
            windows.
        drops: Whether the oldest frames go when more come; else the source waits, see
            `wait_for_room`.
    """

    def __init__(self, fps: float, *, num_frames: int | None = None, drops: bool = True) -> None:
        if num_frames is not None and num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, got {num_frames}")
        self.fps = fps
        self._drops = drops
        self._wanted_frames = num_frames
        self._clip_frames = self._window_stride = 1
        self._changed = threading.Condition()
        self._frames = HeldFrames()
        self._meter = LiveMeter()
        self._is_ended = False
        self._closed_because: str | None = None
        self._failed_because: str | None = None

    @property
    def num_frames(self) -> int:
        """Most frames held."""
        least = self._clip_frames + self._window_stride + 1
        return max(self._wanted_frames or 2 * self._clip_frames + 1, least)

    def __len__(self) -> int:
        """Frames held now."""
        return len(self._frames)

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
            if self._is_over():
                return
            self._frames.append(pixels, seconds, index, break_before, self.fps)
            self._meter.add_frame(seconds)
            self._drop_oldest()
            self._changed.notify_all()

    def gap(self, reason: str) -> None:
        """Frames are missing from here: no window has frames of both sides."""
        with self._changed:
            self._frames.note_break(reason)
            self._changed.notify_all()

    def end(self, failure: str | None = None) -> None:
        """There will be no more frames; those held are still read.

        Args:
            failure: What went wrong: reading on raises a `DecoderError` that says so.
        """
        with self._changed:
            self._is_ended = True
            if failure is not None:
                self._failed_because = failure
                self._frames.note_break(failure)  # no window waits for the frame behind it
            self._meter.note_end(failure)
            self._changed.notify_all()

    def close(self, reason: str) -> None:
        """Hold no more; reading raises a `DecoderError` from here on."""
        with self._changed:
            self._closed_because = self._closed_because or reason
            self._frames.clear()
            self._meter.note_end()
            self._changed.notify_all()

    def note_connected(self, *, is_again: bool) -> None:
        """For `figures`: the connection is made, or made again."""
        with self._changed:
            self._meter.note_connected(is_again=is_again)

    def note_broken(self, reason: str, connects_at: float | None = None) -> None:
        """For `figures`: the connection broke, and when it is tried again."""
        with self._changed:
            self._meter.note_broken(reason, connects_at)

    def wait_for_room(self, seconds: float | None = None) -> bool:
        """Wait until one more frame has room or the buffer has ended, for so many seconds at most.

        Returns:
            Whether it did so in time.
        """
        with self._changed:
            return self._changed.wait_for(self._has_room, seconds)

    def read(self, num_frames: int) -> SampledFrames:
        """The next frames, waiting for them.

        Fewer, or none, where a break follows, which is always reported before the frames behind it
        are given (`is_before_break`); at the end (`is_end`); or if more were requested than are
        ever held.

        Raises:
            DecoderError: If the buffer was closed, or ended by a failure.
        """
        if num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, got {num_frames}")
        with self._changed:
            wanted = min(num_frames, self.num_frames)  # more are never held: it would wait for ever
            self._changed.wait_for(lambda: self._can_give(wanted))
            if self._closed_because is not None:
                raise DecoderError(self._closed_because)
            nothing_left = not self._frames and not self._frames.has_break_to_report
            if self._failed_because is not None and nothing_left:
                raise DecoderError(self._failed_because)
            frames = self._take(self._frames.num_together(wanted))
            self._changed.notify_all()
        return frames

    def leave_out(self, num_frames: int) -> None:
        """Count frames that were read, and that no window will have."""
        with self._changed:
            self._meter.add_dropped(num_frames)

    def begin_anew(self, fps: float, reason: str) -> None:
        """Go on at another rate or size of frames; those held are dropped."""
        with self._changed:
            self._meter.add_dropped(len(self._frames))
            self._frames.begin_anew()
            self.fps = fps
            self._frames.note_break(reason)

    def figures(self) -> LiveFigures:
        """How it is now."""
        with self._changed:
            num_waiting = len(self._frames) - self._window_stride - 1
            return self._meter.figures(seconds_behind=max(0, num_waiting) / self.fps)

    def _is_over(self) -> bool:
        return self._is_ended or self._closed_because is not None

    def _has_room(self) -> bool:
        return self._is_over() or len(self._frames) < self.num_frames

    def _can_give(self, wanted: int) -> bool:
        """Whether the reader need not wait."""
        return self._is_over() or self._frames.can_give(wanted)

    def _take(self, num_frames: int) -> SampledFrames:
        taken, is_before_break = self._frames.take(num_frames)
        return SampledFrames(
            pixels=torch.stack([one.pixels for one in taken]) if taken else torch.empty(0),
            pts_seconds=torch.tensor([one.seconds for one in taken], dtype=torch.float64),
            sample_indices=torch.tensor([one.index for one in taken], dtype=torch.int64),
            gaps=(),
            is_end=self._is_ended and not self._frames and self._failed_because is None,
            break_before=taken[0].break_before if taken else None,
            is_before_break=is_before_break,
        )

    def _drop_oldest(self) -> None:
        num_held, stride = len(self._frames), self._window_stride
        if num_held <= self.num_frames or not self._drops:
            return
        # By whole strides, down to the newest window and the frame after it, which ends the window.
        # A frame has to stay in any case: it carries the break.
        num_clips = max(1, (num_held - self._clip_frames - 1) // stride)
        num_frames = min(num_clips * stride, num_held - 1)
        self._frames.drop(num_frames, TOO_SLOW)
        self._meter.add_dropped(num_frames, num_clips)
