"""Memory slots emptied, as if some clips had left the queue."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from vidmem.models import ModelState

State = TypeVar("State", bound=ModelState)


def empty_slots(state: State, clips: Collection[int]) -> State:
    """The state without what some clips wrote.

    FAM Swin then masks their slots, as it does slots that were never written: nothing attends to
    them. (Zeros in their place would still draw attention.) Spool's window closes up: the frames
    before and after the hole become neighbours, and the window is shorter by those taken out.

    Args:
        state: The state of any number of streams; it is not changed.
        clips: Numbers of the clips as `state.slot_clips` has them; others are ignored.
    """
    return state.without_clips(clips)
