"""When the next clip may be taken: play, pause, one step, real time; and how fast it goes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


class Pacer:
    """Decides when the engine's thread takes its next clip.

    The playhead is the time in the video that the page shows. As fast as possible, it is the end of
    what was analysed. In real time it moves by itself, and the engine keeps just ahead of it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._is_paused = False
        self._is_stopped = self._is_finished = False
        self._steps = 0
        self._jumps = self._turn = 0  # jumps so far, and those before the clip that is in work
        self._is_real_time = False
        self._head = 0.0
        self._since = clock()
        self._limit = 0.0

    @property
    def is_paused(self) -> bool:
        """Whether it is held."""
        return self._is_paused

    @property
    def is_stopped(self) -> bool:
        """Whether the thread is to end."""
        return self._is_stopped

    @property
    def limit_seconds(self) -> float:
        """Up to where the video is analysed."""
        return self._limit

    @property
    def is_real_time(self) -> bool:
        """Whether the playhead moves with real time."""
        return self._is_real_time

    @property
    def playhead_seconds(self) -> float:
        """The time in the video that is shown now."""
        with self._changed:
            return self._playhead()

    def _playhead(self) -> float:
        if not self._is_real_time or self._is_paused or self._is_finished:
            return self._head
        # Never beyond what was analysed, where the model is slower than real time.
        return min(self._head + self._clock() - self._since, self._limit)

    def _anchor(self, seconds: float) -> None:
        # Called before a flag changes: `_playhead` depends on them, and would jump.
        self._head, self._since = seconds, self._clock()

    def start_at(self, seconds: float) -> None:
        """Begin, or go on after a jump, at a time in the video."""
        with self._changed:
            self._jumps += 1
            self._limit = seconds
            self._is_finished = False
            self._anchor(seconds)
            self._changed.notify_all()

    def play(self) -> None:
        """Continue from where the playhead stands."""
        with self._changed:
            self._anchor(self._playhead())
            self._is_paused, self._steps = False, 0
            self._changed.notify_all()

    def pause(self) -> None:
        """Hold before the next clip."""
        with self._changed:
            self._anchor(self._playhead())
            self._is_paused, self._steps = True, 0
            self._changed.notify_all()

    def step(self) -> None:
        """Let one clip through, then hold."""
        with self._changed:
            self._anchor(self._playhead())
            self._is_paused = True
            self._steps += 1
            self._changed.notify_all()

    def finish(self) -> bool:
        """Hold at the end of the video, until a jump or the stop; False: a jump came meanwhile."""
        with self._changed:
            if self._turn != self._jumps:
                return False
            self._is_finished, self._steps = True, 0
            self._anchor(self._limit)
            return True

    def stop(self) -> None:
        """Let the engine's thread end."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def set_real_time(self, is_real_time: bool) -> None:
        """Choose between real time and as fast as possible."""
        with self._changed:
            self._anchor(self._playhead())
            self._is_real_time = is_real_time
            if not is_real_time:  # then the playhead is the end of what was analysed
                self._anchor(self._limit)
            self._changed.notify_all()

    def wait_for_turn(self, lead_seconds: float = 0.0) -> bool:
        """Block until the next clip may be taken; False: stop.

        What `add_clip` and `finish` report then is of this clip: after a jump it is ignored.

        Args:
            lead_seconds: In real time, how long before it is due a clip is taken.
        """
        with self._changed:
            while not self._is_stopped:
                is_held = self._is_paused or self._is_finished
                delay = self._delay(lead_seconds)
                # A step is taken at once, in real time too.
                is_step = self._steps > 0 and not self._is_finished
                if is_step or (not is_held and delay <= 0):
                    self._steps -= is_step
                    self._turn = self._jumps
                    return True
                self._changed.wait(None if is_held else min(delay, 1.0))
            return False

    def _delay(self, lead_seconds: float) -> float:
        if not self._is_real_time:
            return 0.0
        return self._limit - self._playhead() - lead_seconds

    def add_clip(self, end_seconds: float) -> None:
        """The video is analysed up to a time."""
        with self._changed:
            if self._turn != self._jumps:  # a jump came meanwhile: the clip is of another place
                return
            playhead = self._playhead()
            self._limit = end_seconds
            self._anchor(playhead if self._is_real_time and not self._is_paused else end_seconds)
            self._changed.notify_all()


@dataclass(frozen=True, kw_only=True)
class SpeedFacts:
    """How fast the analysis goes."""

    clips_per_second: float
    times_real_time: float
    seconds_left: float | None


class SpeedMeter:
    """Clips and source seconds over the last few seconds of work."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, num_clips: int = 24) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, float]] = deque(maxlen=num_clips)

    def restart(self) -> None:
        """Forget, after a pause or a jump."""
        self._marks.clear()

    def add_clip(self, position_seconds: float) -> None:
        """Count a clip, after which the video is analysed up to a time."""
        self._marks.append((self._clock(), position_seconds))

    def facts(self, seconds_to_go: float | None) -> SpeedFacts:
        """The speed now; zeros before the second clip."""
        if len(self._marks) < 2 or self._marks[-1][0] <= self._marks[0][0]:
            return SpeedFacts(clips_per_second=0.0, times_real_time=0.0, seconds_left=None)
        wall = self._marks[-1][0] - self._marks[0][0]
        rate = max(self._marks[-1][1] - self._marks[0][1], 0.0) / wall
        left = seconds_to_go / rate if seconds_to_go is not None and rate > 0 else None
        return SpeedFacts(
            clips_per_second=(len(self._marks) - 1) / wall, times_real_time=rate, seconds_left=left
        )
