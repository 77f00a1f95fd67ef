"""Features of a lesson, a bounded number of them: examples stay, others make room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from vidmem.models import RawFeatures


class HeldFeatures:
    """Raw features of some moments, in the order in which they came.

    Args:
        max_frames: Feature frames held at most. Room for all of them is taken with the first one,
            and is touched as they come.
    """

    def __init__(self, max_frames: int) -> None:
        self._max_frames = max_frames
        self._raw: RawFeatures | None = None
        self._seconds = np.zeros(max_frames)
        self._arrivals = np.zeros(max_frames, np.int64)
        self._num_frames = self._num_arrived = 0

    def __len__(self) -> int:
        return self._num_frames

    @property
    def seconds(self) -> NDArray[np.float64]:
        """`[N]`, when each was shown."""
        return self._seconds[: self._num_frames]

    @property
    def is_full(self) -> bool:
        """Whether one more takes the place of another."""
        return self._num_frames == self._max_frames

    def rows(self, numbers: NDArray[np.int64]) -> RawFeatures:
        """Some of them: tokens in float16, `[n, P, D]`, and their motion."""
        assert self._raw is not None, "there is one at least"
        return self._raw[torch.from_numpy(numbers)]

    def add(self, raw: RawFeatures, seconds: float, kept: Callable[[], NDArray[np.bool_]]) -> bool:
        """Hold one more; if it is full, in the place of the oldest that need not be kept.

        Args:
            raw: Of one feature frame, `[P, D]`, `[P, 3]` and `[3]`.
            seconds: When it was shown.
            kept: Which of those held are not given up, `[N]`; asked where it is full.

        Returns:
            Whether there was a place for it.
        """
        place = self._num_frames
        if self.is_full:
            free = np.flatnonzero(~kept())
            if not len(free):
                return False
            place = int(free[self._arrivals[free].argmin()])
        else:
            self._num_frames += 1
        if self._raw is None:
            self._raw = self._room_like(raw)
        self._raw.tokens[place] = raw.tokens.half()
        self._raw.cell_motion[place] = raw.cell_motion
        self._raw.frame_motion[place] = raw.frame_motion
        self._seconds[place], self._arrivals[place] = seconds, self._num_arrived
        self._num_arrived += 1
        return True

    def _room_like(self, raw: RawFeatures) -> RawFeatures:
        # Zeros, which the system gives page by page as they are written to.
        return RawFeatures(
            torch.zeros(self._max_frames, *raw.tokens.shape, dtype=torch.float16),
            torch.zeros(self._max_frames, *raw.cell_motion.shape),
            torch.zeros(self._max_frames, *raw.frame_motion.shape),
        )
