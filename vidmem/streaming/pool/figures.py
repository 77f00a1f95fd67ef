"""Figures of a pool's streams: how far each is, how long it waits, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vidmem.errors import VidmemError

StreamStatus = Literal["reading", "waiting", "judging", "paused", "ended", "failed"]


@dataclass(frozen=True, kw_only=True)
class StreamFigures:
    """One stream of a pool, now."""

    stream_id: str

    status: StreamStatus
    """`reading`: its next clip is being decoded. `waiting`: a decoded clip waits for a batch.
    `judging`: the model has it. `paused`, `ended`; `failed`: `error` says why."""

    clips_done: int
    """Predictions made."""

    position_seconds: float
    """Source time at which its next window starts."""

    lag_seconds: float
    """How far it is behind real time since it began or jumped; 0 where it is ahead. Pauses do not
    count."""

    num_waiting: int
    """Decoded clips that wait to be judged: 0 or 1. More stay with the decoder, which waits too."""

    wait_seconds: float
    """How long that clip has waited."""

    longest_wait_seconds: float
    """The longest that any of its clips waited from decoded to judged."""

    last_batch_size: int
    """Clips that its newest one was judged together with, itself included; 0 before the first."""

    mean_batch_size: float
    """Over all its clips; 0 before the first."""

    state_bytes: int
    """Held by its memory."""

    error: VidmemError | None
    """Why it failed."""


@dataclass(frozen=True, kw_only=True)
class PoolFigures:
    """A pool, now."""

    streams: tuple[StreamFigures, ...]
    """In the order in which they joined."""

    batch_counts: dict[int, int]
    """Steps of the model made so far, by how many clips they judged."""

    judging_seconds: float
    """Spent in those steps."""

    @property
    def clips_done(self) -> int:
        """Clips judged, those of streams that have left included."""
        return sum(size * count for size, count in self.batch_counts.items())

    @property
    def mean_batch_size(self) -> float:
        """Clips per step; 0 before the first."""
        return self.clips_done / max(sum(self.batch_counts.values()), 1)

    @property
    def state_bytes(self) -> int:
        """Held by all streams' memories; the weights are there once, whatever their number."""
        return sum(stream.state_bytes for stream in self.streams)

    @property
    def worst_lag_seconds(self) -> float:
        """Of the stream that is furthest behind."""
        return max((stream.lag_seconds for stream in self.streams), default=0.0)


class LagClock:
    """How far a stream is behind real time, pauses left out."""

    def __init__(self) -> None:
        self._start: tuple[float, float] | None = None
        self._stopped_seconds: float | None = None
        self._is_due = True

    def begin_anew(self) -> None:
        """Have `begin_if_due` begin again, after a jump."""
        self._is_due = True

    def begin_if_due(self, source_seconds: float, now_seconds: float) -> None:
        """Begin, if this is the first clip since the stream joined or jumped."""
        if self._is_due:
            self._is_due = False
            self._begin(source_seconds, now_seconds)

    def _begin(self, source_seconds: float, now_seconds: float) -> None:
        self._start = (source_seconds, now_seconds)
        if self._stopped_seconds is not None:  # of the pause only what follows is left out
            self._stopped_seconds = now_seconds

    def stop(self, now_seconds: float) -> None:
        """Time that goes by does not count, until `go_on`."""
        if self._stopped_seconds is None:
            self._stopped_seconds = now_seconds

    def go_on(self, now_seconds: float) -> None:
        """Time counts again."""
        if self._stopped_seconds is None:
            return
        if self._start is not None:
            source_seconds, begun_seconds = self._start
            self._start = (source_seconds, begun_seconds + now_seconds - self._stopped_seconds)
        self._stopped_seconds = None

    def lag_seconds(self, source_seconds: float, now_seconds: float) -> float:
        """Of a stream that has reached `source_seconds`."""
        if self._start is None:
            return 0.0
        begun_at, begun_seconds = self._start
        now_seconds = now_seconds if self._stopped_seconds is None else self._stopped_seconds
        return max(0.0, (now_seconds - begun_seconds) - (source_seconds - begun_at))


class StreamMeter:
    """Counts a stream's clips, their batches and waits, and how far behind it is."""

    def __init__(self) -> None:
        self.clips_done = self.last_batch_size = 0
        self.longest_wait_seconds = 0.0
        self.lag = LagClock()
        self._batch_sizes = 0

    @property
    def mean_batch_size(self) -> float:
        """Over all its clips; 0 before the first."""
        return self._batch_sizes / max(self.clips_done, 1)

    def add_clip(self, batch_size: int) -> None:
        """A clip was judged together with others, itself counted."""
        self.clips_done += 1
        self.last_batch_size = batch_size
        self._batch_sizes += batch_size

    def add_wait(self, seconds: float) -> None:
        """A clip waited from decoded to judged."""
        self.longest_wait_seconds = max(self.longest_wait_seconds, seconds)
