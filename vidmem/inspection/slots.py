"""Memory slots emptied: what the model would say now if a clip had left the queue."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TypeVar

import torch

from vidmem.models import FamSwinState, SpoolState
from vidmem.nn.memory import EMPTY, MemoryQueue

State = TypeVar("State", FamSwinState, SpoolState)


def empty_slots(state: State, clips: Collection[int]) -> State:
    """The state without what some clips wrote.

    FAM Swin then masks their slots, as it does slots that were never written: nothing attends to
    them. (Zeros in their place would still draw attention.) Spool's window closes up: the frames
    before and after the hole become neighbours, and the window is shorter by those taken out.

    Args:
        state: Of any number of streams; it is left as it was.
        clips: Numbers of the clips as `state.slot_clips` has them; others are of no account.

    Raises:
        TypeError: If the state has no memory queue.
    """
    if isinstance(state, FamSwinState):
        return replace(state, queues=tuple(_emptied(queue, clips) for queue in state.queues))
    if isinstance(state, SpoolState):
        return replace(state, queue=_emptied(state.queue, clips))
    raise TypeError(f"slots can be emptied in the memory of FAM Swin and Spool, got {type(state)}")


def _emptied(queue: MemoryQueue, clips: Collection[int]) -> MemoryQueue:
    """Empty slots come first in a queue, so the others move up; ages are by clip, not by slot."""
    gone = torch.tensor(sorted(clips), dtype=torch.long, device=queue.slot_clips.device)
    slot_clips = queue.slot_clips.masked_fill(torch.isin(queue.slot_clips, gone), EMPTY)
    is_empty = slot_clips == EMPTY
    order = is_empty.logical_not().long().argsort(dim=1, stable=True)
    rows = torch.arange(len(order), device=order.device)[:, None]
    tokens = queue.tokens.masked_fill(is_empty[:, :, None, None], 0)
    seconds = queue.slot_seconds.masked_fill(is_empty[:, :, None], 0)
    return replace(
        queue,
        tokens=tokens[rows, order],
        slot_clips=slot_clips[rows, order],
        slot_seconds=seconds[rows, order],
    )
