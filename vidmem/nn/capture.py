"""What attention is computed from, handed over to whoever asks for it, and to nobody else.

    with capture() as seen:
        output = model.step(clip, state)
    seen.memory_reads  # queries and keys of each memory attention

Models are shared by streams in many threads, so asking leaves no trace on them: it is a variable of
the caller's context. While nobody asks, an attention module looks that variable up and goes on.

Letters: B streams, A heads, N tokens of the clip, S slots, M memory tokens of a slot, L tokens of a
sequence of frames, E width per head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from vidmem.nn.frames import FrameLayout
from vidmem.nn.windows import Size3


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """Where in a model attention was computed, as far as the model said."""

    stage: int | None = None
    """Of a FAM Swin, from 1."""

    grid: Size3 | None = None
    """Tokens of the clip at that stage: times, rows and columns."""

    picture: tuple[int, int] | None = None
    """Height and width of the clip in pixels."""

    layer: int | None = None
    """Temporal block of a Spool, from 0."""

    rows: Tensor | None = None
    """`[b]`, int64: the streams that these rows of the batch are; None: all, in order."""


@dataclass(frozen=True, eq=False)
class MemoryRead:
    """One attention over memory."""

    place: Place

    query: Tensor
    """`[B, A, N, E]`"""

    keys: Tensor
    """`[B, A, 1 + S * M, E]`: the no-memory token, then the slots, oldest first."""

    is_valid: Tensor
    """`[B, S]`, true where a slot was written. They are the newest S slots of the queue: those that
    are empty in all streams may be left out."""

    tokens_per_clip: int
    """M."""


@dataclass(frozen=True, eq=False)
class FrameRead:
    """One attention over a sequence of frames."""

    place: Place

    query: Tensor
    """`[B, A, L, E]`, tokens in frame order."""

    keys: Tensor
    """`[B, A, L, E]`"""

    layout: FrameLayout
    """Who sees whom."""

    offset_bias: Tensor | None
    """See `vidmem.nn.frame_attention.attend_frames`."""


@dataclass(eq=False)
class Capture:
    """What was handed over, in the order of the calls.

    It holds the tensors themselves, for the Swin-T size with 25 clips 22 MB a step, so it is meant
    for one step and to be let go of after.
    """

    memory_reads: list[MemoryRead] = field(default_factory=list)
    frame_reads: list[FrameRead] = field(default_factory=list)
    place: Place = field(default_factory=Place)
    """Where the model is now."""

    on_frames: Callable[[FrameRead], object] | None = None
    """Who takes each attention over frames on the spot; then none of them are held."""


_ASKED: ContextVar[Capture | None] = ContextVar("vidmem_capture", default=None)


@contextmanager
def capture(*, on_frames: Callable[[FrameRead], object] | None = None) -> Iterator[Capture]:
    """Ask for what attention is computed from, in this context; within another, that one pauses.

    Args:
        on_frames: Takes each attention over frames when it comes, so that none are held: those of a
            window are larger than all else in a step.
    """
    seen = Capture(on_frames=on_frames)
    token = _ASKED.set(seen)
    try:
        yield seen
    finally:
        _ASKED.reset(token)


def is_asked() -> bool:
    """Whether anybody asks, in this context."""
    return _asked() is not None


def _asked() -> Capture | None:
    # What is compiled is run while nobody asks; the compiler cannot look variables up.
    return None if torch.compiler.is_compiling() else _ASKED.get()


@contextmanager
def at(**where: Any) -> Iterator[None]:
    """Say where in the model what follows is computed: fields of `Place`."""
    seen = _asked()
    if seen is None:
        yield
        return
    before = seen.place
    seen.place = replace(before, **where)
    try:
        yield
    finally:
        seen.place = before


def hand_over_memory(query: Tensor, keys: Tensor, is_valid: Tensor, tokens_per_clip: int) -> None:
    """Offer an attention over memory; see `MemoryRead`."""
    seen = _asked()
    if seen is not None:
        read = MemoryRead(seen.place, query.detach(), keys.detach(), is_valid, tokens_per_clip)
        seen.memory_reads.append(read)


def hand_over_frames(
    query: Tensor, keys: Tensor, layout: FrameLayout, offset_bias: Tensor | None
) -> None:
    """Offer an attention over frames; see `FrameRead`."""
    seen = _asked()
    if seen is not None:
        bias = None if offset_bias is None else offset_bias.detach()
        take = seen.on_frames or seen.frame_reads.append
        take(FrameRead(seen.place, query.detach(), keys.detach(), layout, bias))
