"""Capture what attention is computed from, without changing the model.

    with capture() as seen:
        output = model.step(clip, state)
    seen.memory_reads  # queries and keys of each memory attention

Models are shared by streams in many threads, so a capture leaves no trace on them: it is a variable
of the caller's context. Outside of `capture()` an attention module looks that variable up, no more.

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

from vidmem.nn.attention_windows import Size3
from vidmem.nn.frames import FrameLayout


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """Where in a model attention was computed; None: not given by the model."""

    stage: int | None = None
    """Stage of a FAM Swin, from 1."""

    grid: Size3 | None = None
    """Tokens of the clip at that stage: times, rows and columns."""

    picture: tuple[int, int] | None = None
    """Height and width of the clip in pixels; in tokens for a model on features."""

    layer: int | None = None
    """Temporal block of a Spool, from 0."""

    rows: Tensor | None = None
    """`[b]`, int64: the streams that these rows of the batch are; None: all, in order."""


@dataclass(frozen=True, eq=False)
class MemoryRead:
    """One attention over memory."""

    place: Site

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

    place: Site

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

    It holds the tensors themselves, for the Swin-T size with 25 clips 22 MB a step: capture one
    step, and drop the capture after use.
    """

    memory_reads: list[MemoryRead] = field(default_factory=list)
    frame_reads: list[FrameRead] = field(default_factory=list)
    place: Site = field(default_factory=Site)
    """What the enclosing `at` blocks say: the site of the next read."""

    on_frames: Callable[[FrameRead], object] | None = None
    """Called with each attention over frames as it is computed; then none of them are held."""


_CURRENT: ContextVar[Capture | None] = ContextVar("vidmem_capture", default=None)


@contextmanager
def capture(*, on_frames: Callable[[FrameRead], object] | None = None) -> Iterator[Capture]:
    """Collect what attention is computed from, in this context; an outer capture pauses meanwhile.

    Args:
        on_frames: Called with each attention over frames as it is computed, so that none are held:
            those of a window are larger than all else in a step.
    """
    captured = Capture(on_frames=on_frames)
    token = _CURRENT.set(captured)
    try:
        yield captured
    finally:
        _CURRENT.reset(token)


def is_capturing() -> bool:
    """Whether a capture is open in this context."""
    return _current() is not None


def _current() -> Capture | None:
    # torch.compile cannot trace a ContextVar. A compiled step runs only while none is set.
    return None if torch.compiler.is_compiling() else _CURRENT.get()


@contextmanager
def at(**where: Any) -> Iterator[None]:
    """Set the site of the attention computed inside the block: fields of `Site`."""
    captured = _current()
    if captured is None:
        yield
        return
    before = captured.place  # blocks nest: a step sets the picture, a stage inside it the grid
    captured.place = replace(before, **where)
    try:
        yield
    finally:
        captured.place = before


def hand_over_memory(query: Tensor, keys: Tensor, is_valid: Tensor, tokens_per_clip: int) -> None:
    """Offer an attention over memory; see `MemoryRead`."""
    captured = _current()
    if captured is not None:
        # Detached: a capture must not keep the graph of a training step alive.
        read = MemoryRead(captured.place, query.detach(), keys.detach(), is_valid, tokens_per_clip)
        captured.memory_reads.append(read)


def hand_over_frames(
    query: Tensor, keys: Tensor, layout: FrameLayout, offset_bias: Tensor | None
) -> None:
    """Offer an attention over frames; see `FrameRead`."""
    captured = _current()
    if captured is not None:
        bias = None if offset_bias is None else offset_bias.detach()
        take = captured.on_frames or captured.frame_reads.append
        take(FrameRead(captured.place, query.detach(), keys.detach(), layout, bias))
