"""Figures of a live source: what came of it, what was dropped, and how its connection is."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace


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
    """Source time held beyond the window that is filling; 0 while the model keeps up."""

    reason: str
    """Why it is not connected, or what interrupted it last; empty: nothing has."""

    started_at: float | None
    """When the frame of second 0 came (`time.time()`); `None` before."""

    connects_at: float | None = None
    """When a connection is tried again (`time.time()`); `None` where none is waited for."""


class LiveMeter:
    """Keeps the figures of a live source, event by event; its owner holds the lock."""

    def __init__(self) -> None:
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

    def figures(self, seconds_behind: float) -> LiveFigures:
        """How it is now; how far behind, its owner knows."""
        return replace(self._figures, seconds_behind=seconds_behind)

    def add_frame(self, seconds: float) -> None:
        """A sampled frame came, shown at this second."""
        self._figures = replace(
            self._figures,
            frames_received=self._figures.frames_received + 1,
            is_connected=True,
            started_at=self._figures.started_at or time.time() - seconds,
        )

    def add_dropped(self, num_frames: int, num_clips: int = 0) -> None:
        """Frames that no clip has, and the clips that were left out with them."""
        self._figures = replace(
            self._figures,
            frames_dropped=self._figures.frames_dropped + num_frames,
            clips_dropped=self._figures.clips_dropped + num_clips,
        )

    def note_connected(self, *, is_again: bool) -> None:
        """The connection is made, or made again."""
        reconnects = self._figures.reconnects + is_again
        self._figures = replace(
            self._figures, is_connected=True, reconnects=reconnects, connects_at=None
        )

    def note_broken(self, reason: str, connects_at: float | None) -> None:
        """The connection broke, and when it is tried again."""
        self._figures = replace(
            self._figures, is_connected=False, reason=reason, connects_at=connects_at
        )

    def note_end(self, reason: str | None = None) -> None:
        """No more comes; `None`: for no other reason than was known."""
        reason = reason or self._figures.reason
        self._figures = replace(self._figures, is_connected=False, reason=reason)
