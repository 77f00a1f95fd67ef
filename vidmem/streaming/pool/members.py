"""Which streams a pool has, by name, and which names are taken by videos that are being opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Condition

from vidmem.streaming.pool.stream import PooledStream


class PoolMembers:
    """The streams of a pool, in the order in which they joined.

    The methods are called under the pool's lock, but for `reserving`, which takes it.

    Args:
        changed: The pool's lock.
    """

    def __init__(self, changed: Condition) -> None:
        self._changed = changed
        self._streams: dict[str, PooledStream] = {}
        self._opening: set[str] = set()  # names in use while their videos are opened, unlocked

    @property
    def streams(self) -> Mapping[str, PooledStream]:
        """All of them, by name."""
        return self._streams

    @contextmanager
    def reserving(self, stream_id: str) -> Iterator[None]:
        """Keep a name from others, around the opening of its video; `join` takes it.

        Raises:
            ValueError: If it is taken.
        """
        with self._changed:
            if stream_id in self._streams or stream_id in self._opening:
                raise ValueError(f"there is a stream {stream_id!r} already; give another stream_id")
            self._opening.add(stream_id)
        try:
            yield
        except BaseException:
            with self._changed:
                self._opening.discard(stream_id)
            raise

    def get(self, stream_id: str) -> PooledStream:
        """One of them.

        Raises:
            ValueError: If there is none of this name; it lists those there are.
        """
        if stream_id not in self._streams:
            there = ", ".join(map(repr, self._streams)) or "none"
            raise ValueError(f"the pool has no stream {stream_id!r}; it has {there}")
        return self._streams[stream_id]

    def join(self, stream: PooledStream) -> None:
        """One more, whose name was reserved."""
        self._opening.discard(stream.stream_id)
        self._streams[stream.stream_id] = stream

    def leave(self, stream: PooledStream) -> None:
        """One less; nothing happens where it has left already."""
        # Another one may have joined under its name meanwhile.
        if self._streams.get(stream.stream_id) is stream:
            del self._streams[stream.stream_id]
