"""Keeping commands out while the engine's thread changes what they change too."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from app.pacing import Pacer
from vidmem.errors import VidmemError


class StoppedError(VidmemError):
    """The run was stopped while its engine was opening; nobody is told."""


@contextlib.contextmanager
def in_turn(commands: threading.RLock, pacer: Pacer) -> Iterator[None]:
    """Keep commands out, in the engine's thread: unless one waits for this thread to end.

    Raises:
        StoppedError: If it is to end.
    """
    while not commands.acquire(timeout=0.05):
        if pacer.is_stopped:
            raise StoppedError
    try:
        if pacer.is_stopped:
            raise StoppedError
        yield
    finally:
        commands.release()
