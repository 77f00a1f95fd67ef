"""Memory that was freed, given back to the system."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable
from functools import cache


@cache
def _trim() -> Callable[[int], int] | None:
    """The `malloc_trim` of glibc; `None` where memory comes from another library."""
    if sys.platform != "linux":
        return None
    with contextlib.suppress(OSError, AttributeError):
        return ctypes.CDLL(None).malloc_trim
    return None


def give_back_free_memory() -> bool:
    """Give back the pages that hold nothing any more; whether this system can.

    glibc keeps them between those that are in use, for each thread of its own. In hours of steps,
    pictures and figures, of many sizes and from many threads, that grows to more than all that is
    held. It takes some milliseconds.
    """
    trim = _trim()
    if trim is None:
        return False
    trim(0)
    return True
