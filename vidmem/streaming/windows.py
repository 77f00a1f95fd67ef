"""Windows of a stream, read one after the other, holding only the frames that are still needed.

Sampled frames are numbered from the video's first frame, `fps` of them per second. With clips of 4
and a stride of 2 a video of 7 sampled frames gives three windows, the last one padded:

    frames    0 1 2 3 4 5 6
    window 0  x x x x
    window 1      x x x x
    window 2          x x x +     num_real_frames is 3

A feed may break off. A live one (see `LiveBuffer`): what is left of a window there belongs to the
gap. A recording, where it has no pictures for long: the window there is padded, as at the end of
the video. The next window starts behind the break; nothing is judged in between.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.streaming.feeds.feed import Feed
from vidmem.streaming.feeds.held_frames import joined
from vidmem.streaming.settings import MAX_STRIDE_IN_CLIPS, StreamSettings
from vidmem.video.frame_feed import SampledFrames
from vidmem.video.sampling import Gap, Window

SKIP_CHUNK_FRAMES = 32
"""Most frames read at a time only to be dropped, where windows leave frames out."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a stream is, in sampled frames at its `fps`."""

    next_index: int = 0
    """The next window's number."""

    next_frame: int = 0
    """The first sampled frame of the next window."""

    covered_frame: int = 0
    """The first sampled frame that no window has had yet; 0 where there was no window before."""

    def moved(self, frame: int) -> Position:
        """Elsewhere: the next window starts at `frame`, and there is none before it."""
        return Position(next_index=self.next_index, next_frame=frame)

    def under(self, old: StreamSettings, new: StreamSettings) -> Position:
        """The same place with other settings.

        At another `fps` the next window starts at the same source time, as it does with another
        clip length; with another stride alone it starts that stride after the last window.
        """
        if new.fps != old.fps:
            return self.moved(frame_at(self.next_frame / old.fps, new.fps))
        if new.clip_frames != old.clip_frames:
            return self.moved(self.next_frame)
        change = new.window_stride - old.window_stride if self.covered_frame else 0
        return replace(self, next_frame=max(self.next_frame + change, 0))


@dataclass(frozen=True, kw_only=True)
class ReadWindow:
    """A window with its pixels, and what happened while they were read."""

    window: Window
    pixels: Tensor
    """uint8, `[T, H, W, 3]`; the last frame repeated where the video ended."""

    frame_seconds: tuple[float, ...]
    """When each of its real frames begins to count."""

    gaps: tuple[Gap, ...]
    """Damage met since the window before."""

    wait_seconds: float
    """Spent waiting for the feed."""


class WindowReader:
    """Cuts what a feed gives into windows.

    One frame beyond the window is read as well: it says when the window's last frame ends, and
    whether there is another window.
    """

    def __init__(self, feed: Feed, settings: StreamSettings, position: Position) -> None:
        self.feed = feed
        self.settings = settings
        self.position = position
        self._gaps: list[Gap] = []  # met, and not told with a window yet
        self._position_before = position
        self._wait_seconds = 0.0
        self._seen_seconds = position.next_frame / settings.fps  # up to where windows were read
        self._break_reason: str | None = None  # since then
        self._live_before = (self._seen_seconds, self._break_reason)
        self._drop_frames(position)
        feed.set_windows(settings.clip_frames, settings.window_stride)

    def read(self) -> ReadWindow | None:
        """The next window, or `None` where no frames are left that no window has had."""
        self._gaps[:0] = self._gaps_put_back
        self._gaps_put_back = ()
        self._wait_seconds = 0.0
        self._fill_window()
        num_real_frames = min(self.settings.clip_frames, len(self._pts))
        end_frame = self.position.next_frame + num_real_frames
        if num_real_frames == 0 or end_frame <= self.position.covered_frame:
            return None
        window = self._make_window(num_real_frames)
        frame_seconds = tuple(self._moment(offset) for offset in range(num_real_frames))
        self._position_before = self.position
        self._live_before = (self._seen_seconds, self._break_reason)
        is_cut = num_real_frames < self.settings.clip_frames and not window.is_last
        self.position = Position(
            next_index=window.index + 1,
            # From a run resumed here, the break is read over like from this one.
            next_frame=end_frame if is_cut else window.start_frame + self.settings.window_stride,
            covered_frame=end_frame,
        )
        gaps = self._take_gaps(window, end_frame)
        self._seen_seconds = window.end_seconds
        return ReadWindow(
            window=window,
            pixels=self._clip_pixels(num_real_frames),
            frame_seconds=frame_seconds,
            gaps=gaps,
            wait_seconds=self._wait_seconds,
        )

    def put_back(self, read: ReadWindow) -> None:
        """Be where the newest window read was read from; its frames are still held."""
        self.position = self._position_before
        self._seen_seconds, self._break_reason = self._live_before
        if self._break_reason is None:  # else `_take_gaps` makes the gap of the break again
            self._gaps_put_back = read.gaps

    def change(self, settings: StreamSettings, position: Position) -> None:
        """Go on from `position` with other settings; frames already read are not read again.

        A live feed cannot go back: there it is the first frame held, if that is later.
        """
        is_live = self.feed.is_live
        if is_live and settings.fps == self.settings.fps:
            position = replace(position, next_frame=max(position.next_frame, self._first_frame))
        frames_ahead = position.next_frame - self._first_frame
        # Reading on over a few frames costs less than a seek, which decodes from a key frame.
        is_near = 0 <= frames_ahead <= MAX_STRIDE_IN_CLIPS * self.settings.clip_frames
        if settings.fps != self.settings.fps:
            self.leave_out()
            self.feed.set_fps(settings.fps, position.next_frame)
            self._drop_frames(position)
        elif not is_near and not is_live:
            self.feed.seek(position.next_frame)
            self._drop_frames(position)
        self.settings, self.position = settings, position
        self.feed.set_windows(settings.clip_frames, settings.window_stride)

    def _drop_frames(self, position: Position) -> None:
        # Gaps that were put back come again with their frames, or are left out with them.
        self._gaps_put_back: tuple[Gap, ...] = ()
        self._first_frame = position.next_frame
        self._pixels = torch.empty(0)
        self._pts: list[float] = []
        self._is_at_end = self._is_before_break = False
        self._gaps = []
        self._begun_at = position

    def _fill_window(self) -> None:
        """Hold the next window and the frame after it, or what there is up to the end."""
        # Before a break a window is enough, as no frame follows it; less than one is dropped.
        while True:
            self._skip_to(self.position.next_frame)
            self._fill(self.settings.clip_frames + 1)
            if not self._is_before_break or len(self._pts) >= self.settings.clip_frames:
                return
            end_frame = self._first_frame + len(self._pts)
            if self._pts and not self.feed.is_live and end_frame > self.position.covered_frame:
                return
            self.leave_out()
            if self._is_at_end:
                return

    def leave_out(self) -> None:
        """Drop what is held: no window will have it."""
        end_frame = self._first_frame + len(self._pts)
        num_unseen = end_frame - max(self._first_frame, self.position.covered_frame)
        self.feed.leave_out(max(num_unseen, 0))
        self._pts, self._is_before_break = [], False
        # As if all before were skipped: the frames that come next say their numbers themselves.
        self._first_frame = self.position.next_frame

    def _begin_behind(self, frames: SampledFrames) -> None:
        assert frames.break_before is not None
        self._first_frame = int(frames.sample_indices[0])
        if not self.feed.is_live:  # its gaps come with its frames
            self.position = self.position.moved(max(self._first_frame, self.position.next_frame))
            return
        self.position = self.position.moved(self._first_frame)
        self._break_reason = joined(self._break_reason, frames.break_before)

    def _take_gaps(self, window: Window, end_frame: int) -> tuple[Gap, ...]:
        """What is missing before a window, or in it."""
        reason, self._break_reason = self._break_reason, None
        told = [gap for gap in self._gaps if window.is_last or self._frame_of(gap) < end_frame]
        self._gaps = [gap for gap in self._gaps if gap not in told]
        if reason is None:
            return tuple(told)
        start_seconds = window.start_seconds
        seen_seconds = min(self._seen_seconds, start_seconds)  # equal: nothing was missed after all
        gap = Gap(start_seconds=seen_seconds, end_seconds=start_seconds, reason=reason)
        return (*told, gap)

    def _is_told(self, gap: Gap) -> bool:
        """Whether a window had it before: on the way from a key frame, damage is met again."""
        # By where they are, not by when they came, so that a resumed run tells them with the same
        # windows as an uninterrupted one.
        begun, frame = self._begun_at, self._frame_of(gap)
        if begun.covered_frame:
            return frame < begun.covered_frame
        end_frame = frame_at(gap.end_seconds, self.settings.fps)
        return frame < begun.next_frame and end_frame <= begun.next_frame

    def _frame_of(self, gap: Gap) -> int:
        """The first sampled frame that a gap may have cost."""
        return frame_at(gap.start_seconds, self.settings.fps)

    def _skip_to(self, frame: int) -> None:
        """Drop frames before `frame`, reading over those that were not read yet."""
        while self._first_frame < frame:
            if not self._pts:
                self._fill(min(frame - self._first_frame, SKIP_CHUNK_FRAMES))
            num_dropped = min(frame - self._first_frame, len(self._pts))
            if num_dropped == 0:
                return
            self._pixels = self._pixels[num_dropped:]
            self._pts = self._pts[num_dropped:]
            self._first_frame += num_dropped

    def _fill(self, num_frames: int) -> None:
        """Read until `num_frames` are held, or the video ends or breaks off."""
        while len(self._pts) < num_frames and not self._is_at_end and not self._is_before_break:
            num_missing = num_frames - len(self._pts)
            started = time.perf_counter()
            frames = self.feed.read(num_missing)
            self._wait_seconds += time.perf_counter() - started
            if frames.break_before is not None:
                self._begin_behind(frames)
            self._is_at_end = frames.is_end
            self._is_before_break = frames.is_before_break
            self._hold(frames)

    def _hold(self, frames: SampledFrames) -> None:
        self._gaps.extend(gap for gap in frames.gaps if not self._is_told(gap))
        if not len(frames):
            return
        self._pixels = torch.cat([self._pixels, frames.pixels]) if self._pts else frames.pixels
        self._pts.extend(frames.pts_seconds.tolist())

    def _make_window(self, num_real_frames: int) -> Window:
        has_frame_after = len(self._pts) > num_real_frames
        if has_frame_after:
            end_seconds = self._moment(num_real_frames)
        else:
            end_seconds = self._end_before_gap(num_real_frames) or self._end_of_video()
        return Window(
            index=self.position.next_index,
            start_frame=self.position.next_frame,
            num_frames=self.settings.clip_frames,
            num_real_frames=num_real_frames,
            start_seconds=self._moment(0),
            end_seconds=end_seconds,
            is_last=self._is_at_end and not has_frame_after,
        )

    def _moment(self, offset: int) -> float:
        """When a held frame begins to count, in seconds: at its presentation time."""
        # A frame shown for longer than a sampling interval (variable rate, a stalled camera) is
        # sampled again and again. Its repetitions count from the instant of each sample, so that
        # windows always go forward.
        sample_seconds = (self._first_frame + offset) / self.settings.fps
        pts_seconds = self._pts[offset]
        is_fresh = sample_seconds - pts_seconds < 1 / self.settings.fps
        return pts_seconds if is_fresh else sample_seconds

    def _end_before_gap(self, num_real_frames: int) -> float:
        """Where a gap begins, right behind the last frame; 0.0 where none does."""
        if self._is_at_end:
            return 0.0
        last, step = self._moment(num_real_frames - 1), 1 / self.settings.fps
        starts = [gap.start_seconds for gap in self._gaps if gap.end_seconds > gap.start_seconds]
        return min((start for start in starts if last < start <= last + step), default=0.0)

    def _end_of_video(self) -> float:
        """One sampling interval after the last frame, but not beyond the video."""
        info, last = self.feed.info, self._moment(len(self._pts) - 1)
        source_frame_seconds = 1 / max(info.fps, self.settings.fps)
        # A container may say that the video is shorter than it is.
        video_seconds = max(info.duration_seconds, last + source_frame_seconds)
        return min(last + 1 / self.settings.fps, video_seconds)

    def _clip_pixels(self, num_real_frames: int) -> Tensor:
        pixels = self._pixels[:num_real_frames]
        num_padded = self.settings.clip_frames - num_real_frames
        if num_padded == 0:
            return pixels
        return torch.cat([pixels, pixels[-1:].expand(num_padded, -1, -1, -1)])


def frame_at(seconds: float, fps: float) -> int:
    """The first sampled frame at or after a time; `SettingError` where it is none."""
    if not math.isfinite(seconds):
        raise SettingError(f"start_seconds must be a time in seconds, got {seconds!r}")
    # `frame / fps * fps` may come out a little above `frame`: rounding up must not skip it.
    return max(math.ceil(seconds * fps - 1e-6), 0)
