"""Which stream is judged next: the rules of a pool's batches, without threads or clocks.

    a clip is decoded ── waits at most `max_wait_seconds` for others ── it is due
                              │
          enough of a kind are there, or no other is about to come: no need to wait

Once a clip is due, nothing waits any more: the stream whose turn is longest ago goes first, with
those that can share its batch. Each stream goes before another at most once then, so a clip is
judged after at most as many batches as there are streams. (In the order in which clips became
ready, streams that come back together would change places again and again: of 7 streams in batches
of 3, some got half as many turns more than others.)
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WaitingClip:
    """A decoded clip of a stream."""

    stream_id: str
    batch_key: Hashable
    """Clips with equal keys can be judged together."""

    turn: int
    """When its stream was judged last, or joined: turns are numbered one by one, in the pool."""

    due_seconds: float
    """When it stops waiting for others, on the pool's clock."""


def batch_limit(num_running: int, max_batch: int) -> int:
    """Clips judged together at most: half of the streams, while the other half is being read.

    With all in one batch the model would stand still until the first of them have been read again.
    Fewer than four streams gain more from sharing a batch than they lose by that.
    """
    return min(max_batch, num_running if num_running < 4 else -(-num_running // 2))


def next_batch(
    waiting: Sequence[WaitingClip],
    *,
    now_seconds: float,
    coming_until_seconds: float = -math.inf,
    max_batch: int,
) -> list[WaitingClip]:
    """The clips to judge now, in their order; none where it pays to wait.

    Args:
        waiting: At most one of each stream.
        now_seconds: On the pool's clock.
        coming_until_seconds: Until then another stream's clip is likely to come and share a batch.
        max_batch: Clips judged together at most.
    """
    in_order = sorted(waiting, key=lambda clip: clip.turn)
    groups: dict[Hashable, list[WaitingClip]] = {}
    for clip in in_order:
        groups.setdefault(clip.batch_key, []).append(clip)
    if not groups:
        return []
    if next_look_seconds(waiting, coming_until_seconds) <= now_seconds:
        return groups[in_order[0].batch_key][:max_batch]
    # Nothing is due yet, so only a batch that cannot grow any more goes now.
    full = (group for group in groups.values() if len(group) >= max_batch)
    return next(full, [])[:max_batch]


def next_look_seconds(waiting: Sequence[WaitingClip], coming_until_seconds: float) -> float:
    """When `next_batch` would decide otherwise though nothing happens; never, where none waits."""
    if not waiting:
        return math.inf
    return min(min(clip.due_seconds for clip in waiting), coming_until_seconds)
