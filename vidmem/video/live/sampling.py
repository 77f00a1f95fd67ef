"""Sampled frames of a live source: by the camera's clock, which may stumble.

    pictures   |  |  |  |  |  |              |  |  |  |
    seconds    0     0.25  0.5               1.75
    sampled    0     1     2      (a hole)   7     8         at 4 frames per second

Sampled frame `k` is the picture on display at `k / fps` seconds, as in a file. Where pictures were
missing for long, or the clock jumped, the next sampled frame says so (`break_before`). A picture or
two with a time of their own, after which times go on as before, are passed over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from vidmem.video.packets.timeline import MIN_HOLE_FRAMES, MIN_HOLE_SECONDS
from vidmem.video.sampling import SampleClock

MOST_DISORDER_SECONDS = 1.0
"""A picture this much earlier than the one before is left out; beyond it, the clock was set."""

MOST_LEAP_SECONDS = 10.0
"""What the camera's clock may go forward beyond twice the time that went by here."""

MOST_TRUSTED_LEAP_SECONDS = 3600.0
"""The same for a source that is no camera: its pictures come as fast as they are taken."""

MOST_DOUBTFUL = 2
"""Pictures off the line are kept back, until the next one tells whether they are mis-stamped."""

HOLES_TO_LEARN = 3
"""So many in a row are no holes: pictures come as seldom as that now."""

P = TypeVar("P")


@dataclass(frozen=True)
class LiveSample(Generic[P]):
    """A sampled frame of a live source."""

    index: int
    picture: P
    seconds: float
    """When its picture was shown, from the first frame of the run."""

    break_before: str | None = None
    """Why it does not go on where the sample before it ended; `None`: it does."""


@dataclass(frozen=True, kw_only=True)
class LastSeen:
    """Where an earlier connection, or the clock before it was set, had come to."""

    seconds: float
    at: float
    """When that was, by this machine's clock (`time.time`)."""

    def seconds_now(self, now: float | None = None) -> float:
        """Where the run is now: as much further as time went by here."""
        return self.seconds + max(0.0, (time.time() if now is None else now) - self.at)


@dataclass(frozen=True)
class _Picture(Generic[P]):
    """One that came in."""

    pts: int
    picture: P
    at: float
    """When it came, by this machine's clock."""


class LiveSampler(Generic[P]):
    """Picks sampled frames out of pictures as they come."""

    def __init__(
        self,
        fps: float,
        tick: Fraction,
        after: LastSeen | None = None,
        *,
        is_in_real_time: bool = True,
    ) -> None:
        """A sampler that has seen nothing.

        Args:
            fps: Sampled frames per second.
            tick: Seconds of a tick of the pictures' times.
            after: What the seconds go on from; `None`: the first picture is second 0.
            is_in_real_time: Whether pictures come when they are taken, as a camera's do: then a
                clock that runs ahead of this machine's was set.
        """
        self.fps, self.tick = fps, tick
        self._after = after
        self._is_in_real_time = is_in_real_time
        self._clock: SampleClock | None = None
        self._shown: tuple[int, P] | None = None
        self._shown_at = 0.0
        self._index = 0
        self._usual_step = 0.0
        self._num_holes = 0  # in a row
        self._is_cut = False  # before the next picture
        self._break: str | None = None
        self._doubtful: list[_Picture[P]] = []

    def set_fps(self, fps: float) -> None:
        """Sample at another rate from the next picture on; time goes on as it was."""
        self.fps = fps
        if self._clock is None:
            return
        self._clock = SampleClock.make(fps, self.tick, self._clock.start_pts)
        if self._shown is not None:
            self._index = self._clock.first_sample(self._shown[0])

    def take(self, pts: int, picture: P) -> Iterator[LiveSample[P]]:
        """One more picture, shown at `pts`; gives the samples that this completes."""
        new = _Picture(pts, picture, time.time())
        if self._goes_on(new):
            self._doubtful = []  # times are as before: those in between were mis-stamped
            yield from self._accept(new)
            return
        self._doubtful.append(new)
        if len(self._doubtful) > MOST_DOUBTFUL or self._is_agreed_on():
            yield from self._accept_doubtful()

    def _goes_on(self, new: _Picture[P]) -> bool:
        """Whether a picture comes where one is expected."""
        if self._clock is None or self._shown is None or self._is_cut:
            return True
        step = float((new.pts - self._shown[0]) * self.tick)
        is_near = -MOST_DISORDER_SECONDS <= step <= self._most_leap_seconds(new.at)
        return is_near and not self._is_hole(step)

    def _is_agreed_on(self) -> bool:
        """Whether the newest two kept back go on from one another: the clock is another now."""
        if len(self._doubtful) < 2:
            return False
        step = float((self._doubtful[-1].pts - self._doubtful[-2].pts) * self.tick)
        return 0 < step <= max(MIN_HOLE_SECONDS, MIN_HOLE_FRAMES * self._usual_step)

    def _accept_doubtful(self) -> Iterator[LiveSample[P]]:
        doubtful, self._doubtful = self._doubtful, []
        for one in doubtful:
            yield from self._accept(one)

    def _accept(self, new: _Picture[P]) -> Iterator[LiveSample[P]]:
        pts = new.pts
        if self._clock is None:
            self._start_clock(pts, new.at)
        elif self._shown is not None:
            step = float((pts - self._shown[0]) * self.tick)
            if -MOST_DISORDER_SECONDS <= step <= 0:
                return
            if 0 < step <= self._most_leap_seconds(new.at):
                yield from self._step_to(pts, step)
            else:
                yield from self._begin_anew(pts, new.at)
        self._is_cut = False
        self._shown, self._shown_at = (pts, new.picture), new.at

    def cut(self) -> Iterator[LiveSample[P]]:
        """The samples of the last picture; none of it is given once the next one is there."""
        yield from self.finish()
        self._is_cut = self._shown is not None

    def finish(self, num_ticks: int = 0) -> Iterator[LiveSample[P]]:
        """The samples of the last picture, which is shown for `num_ticks` (0: as is usual)."""
        if len(self._doubtful) > 1:  # one alone may be mis-stamped
            yield from self._accept_doubtful()
        self._doubtful = []
        yield from self._samples_left(num_ticks)

    def _samples_left(self, num_ticks: int = 0) -> Iterator[LiveSample[P]]:
        if self._clock is None or self._shown is None:
            return
        duration = num_ticks or round(self._usual_step / self.tick) or 1
        end = self._clock.samples_before(self._shown[0] + duration)
        while self._index < end:
            yield self._sample()

    def _most_leap_seconds(self, now: float) -> float:
        if not self._is_in_real_time:
            return MOST_TRUSTED_LEAP_SECONDS
        return MOST_LEAP_SECONDS + 2 * (now - self._shown_at)

    def _step_to(self, pts: int, step: float) -> Iterator[LiveSample[P]]:
        if self._is_cut:
            assert self._clock is not None
            self._index = max(self._index, self._clock.first_sample(pts))
            return
        is_hole = self._is_hole(step)
        yield from self._leap(pts) if is_hole else self._until(pts)
        self._num_holes = self._num_holes + 1 if is_hole else 0
        if self._num_holes in (0, HOLES_TO_LEARN):
            self._note_step(min(step, MOST_LEAP_SECONDS))

    def _start_clock(self, pts: int, now: float) -> None:
        seconds = Fraction(self._after.seconds_now(now)) if self._after else Fraction(0)
        start_pts = pts - round(seconds / self.tick)
        self._clock = SampleClock.make(self.fps, self.tick, start_pts)
        self._index = max(self._index, self._clock.first_sample(pts)) if self._after else 0

    def _begin_anew(self, pts: int, now: float) -> Iterator[LiveSample[P]]:
        """The camera's clock was set: go on by the time that went by here."""
        assert self._clock is not None
        assert self._shown is not None
        yield from self._samples_left()
        self._after = LastSeen(seconds=self._clock.seconds(self._shown[0]), at=self._shown_at)
        self._start_clock(pts, now)
        self._break = "the camera's clock was set to another time"

    def _leap(self, pts: int) -> Iterator[LiveSample[P]]:
        """Pictures are missing: samples go on with the first one after."""
        assert self._clock is not None
        yield from self._samples_left()
        self._index = max(self._index, self._clock.first_sample(pts))
        self._break = "no pictures came from the camera"

    def _note_step(self, step: float) -> None:
        usual = 0.0 if self._num_holes else self._usual_step
        self._usual_step = usual + (step - usual) / 8 if usual else step
        self._num_holes = 0

    def _is_hole(self, step: float) -> bool:
        usual = self._usual_step
        return usual > 0 and step > max(MIN_HOLE_SECONDS, MIN_HOLE_FRAMES * usual)

    def _until(self, pts: int) -> Iterator[LiveSample[P]]:
        """Samples for which the picture shown so far was on display."""
        assert self._clock is not None
        while self._clock.latest_pts(self._index) < pts:
            yield self._sample()

    def _sample(self) -> LiveSample[P]:
        assert self._clock is not None
        assert self._shown is not None
        pts, picture = self._shown
        broken, self._break = self._break, None
        index, self._index = self._index, self._index + 1
        return LiveSample(index, picture, self._clock.seconds(pts), broken)
