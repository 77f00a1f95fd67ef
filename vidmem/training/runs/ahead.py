"""Batches made in a thread, one ahead of the step that learns from it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from vidmem.training.runs.kinds import Draw, Task


class Batches:
    """The batches of a task.

    A batch follows from its draw alone, so it does not matter when it is made.

    Args:
        task: Makes them.
        is_ahead: Begin the next one when one is asked for.
        own_parts: The parts of a step that are asked for, in order.
        num_steps: None is made for steps from this one on.
    """

    def __init__(self, task: Task, *, is_ahead: bool, own_parts: list[int], num_steps: int) -> None:
        self._task, self._own_parts, self._num_steps = task, own_parts, num_steps
        # One thread: batches follow each other as they would without it.
        self._pool = ThreadPoolExecutor(1) if is_ahead else None
        self._next: tuple[Draw, Future[Any]] | None = None

    def batch(self, draw: Draw) -> Any:
        """The batch of a draw."""
        if self._pool is None:
            return self._task.batch(draw)
        make: Callable[[Draw], Any] = self._task.batch
        is_next = self._next is not None and self._next[0] == draw
        made = self._next[1] if is_next and self._next else self._pool.submit(make, draw)
        following = self._following(draw)
        batch = made.result()
        self._next = None
        if following.step < self._num_steps:
            self._next = (following, self._pool.submit(make, following))
        return batch

    def close(self) -> None:
        """Wait for what is being made, and end the thread."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _following(self, draw: Draw) -> Draw:
        place = self._own_parts.index(draw.part) + 1
        if place < len(self._own_parts):
            return replace(draw, part=self._own_parts[place])
        return replace(draw, part=self._own_parts[0], step=draw.step + 1)
