"""Threads in which requests are answered: so many at a time, of the server that runs here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

Result = TypeVar("Result")


class Threads:
    """So many threads of an event loop: of those a process has one, and tests have several.

    Args:
        name: What they do.
        count: That run at a time; more work waits for one of them.
    """

    def __init__(self, name: str, count: int) -> None:
        self._limiter: RunVar[anyio.CapacityLimiter] = RunVar(name)
        self._count = count

    async def run(self, work: Callable[..., Result], *inputs: object) -> Result:
        """Do what blocks, in one of them."""
        return await anyio.to_thread.run_sync(work, *inputs, limiter=self._of_this_loop())

    def _of_this_loop(self) -> anyio.CapacityLimiter:
        try:
            return self._limiter.get()
        except LookupError:
            limiter = anyio.CapacityLimiter(self._count)
            self._limiter.set(limiter)
            return limiter
