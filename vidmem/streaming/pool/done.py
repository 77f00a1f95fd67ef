"""Predictions of a pool that were recorded, and that nobody has taken out of it yet."""

from __future__ import annotations

from collections import deque

from vidmem.streaming.prediction import Prediction


class DonePredictions:
    """They go out in the order in which they came; those of two batches at most are here.

    The methods are called under the pool's lock.
    """

    def __init__(self) -> None:
        self._predictions: deque[tuple[str, Prediction]] = deque()

    def __len__(self) -> int:
        return len(self._predictions)

    def put(self, stream_id: str, prediction: Prediction) -> None:
        """One more."""
        self._predictions.append((stream_id, prediction))

    def pop(self) -> tuple[str, Prediction]:
        """The oldest, with its stream's name."""
        return self._predictions.popleft()

    def withdraw(self, stream_id: str) -> list[Prediction]:
        """Take out those of a stream that leaves, oldest first."""
        withdrawn = [one for name, one in self._predictions if name == stream_id]
        self._predictions = deque(one for one in self._predictions if one[0] != stream_id)
        return withdrawn
