"""What one stream's predictions say of the memory it holds."""

from __future__ import annotations

from vidmem.profiling.timeline import EventKind
from vidmem.streaming.prediction import Prediction

Told = tuple[EventKind, str]
"""An event: its kind, and a sentence."""


class StreamMemory:
    """Brought up to date with each prediction; holds the newest one and sums."""

    def __init__(self) -> None:
        self.num_clips = self.num_evicted = 0
        self.video_seconds = 0.0
        self.decoder_bytes = 0
        self._before: Prediction | None = None
        self._newest: Prediction | None = None
        self._is_full = False

    @property
    def newest(self) -> Prediction:
        """The newest prediction."""
        assert self._newest is not None, "a stream is told of with its first prediction"
        return self._newest

    def forget(self) -> None:
        """Another model goes on: what comes is not compared with what was."""
        self._before, self._is_full = None, False

    def let_go_at_end(self) -> None:
        """Something else has happened since: after the last clip of a video its decoder goes."""
        if self._newest is not None and self._newest.window.is_last:
            self.decoder_bytes = 0

    def took(self, now: Prediction) -> list[Told]:
        """A clip was judged; returns what that changed."""
        told = self._changes(now)
        before, reached = self._before, now.start_seconds
        if before is not None and before.start_seconds <= reached <= before.end_seconds:
            reached = before.end_seconds
        self.num_clips += 1
        self.num_evicted += 0 if before is None else _num_evicted(before, now)
        self.video_seconds += max(0.0, now.end_seconds - reached)
        self.decoder_bytes = now.decoder_bytes
        self._before = self._newest = now
        return told

    def _changes(self, now: Prediction) -> list[Told]:
        """What changed since the prediction before."""
        before, told = self._before, []
        if before is None:
            return []
        if now.l_mem != before.l_mem:
            told.append(("l_mem", f"L_mem is {now.l_mem} now; it was {before.l_mem}"))
            self._is_full = False
        if now.restarted is not None:
            is_jump = now.window.num_frames == before.window.num_frames  # else clips changed length
            told.append(("jump" if is_jump else "emptied", now.restarted))
            self._is_full = False
        elif _num_evicted(before, now) and not self._is_full and now.l_mem == before.l_mem:
            sentence = f"Full: each new clip takes the place of the oldest of {now.l_mem}"
            told.append(("full", sentence))
            self._is_full = True
        return told


def _num_evicted(before: Prediction, now: Prediction) -> int:
    """Clips that were remembered, or could have been, and are not any more."""
    if now.restarted is not None or not before.l_mem:
        return 0
    held = {*before.remembered, before.index}
    return len(held.difference(now.remembered))
