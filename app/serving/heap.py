"""How much memory that was freed stays with the process, instead of going back to the system."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable
from functools import cache

MAX_HEAPS = 4
"""As many threads as are at work at a time: the engine's, pictures', two of the server."""

_M_ARENA_MAX = -8  # of glibc's malloc.h


@cache
def _glibc(name: str) -> Callable[..., int] | None:
    """A function of glibc's `malloc`; `None` where memory comes from another library."""
    if sys.platform != "linux":
        return None
    with contextlib.suppress(OSError, AttributeError):
        return getattr(ctypes.CDLL(None), name)
    return None


def share_heaps() -> bool:
    """Let threads share few heaps; whether this system can. To be called before they start.

    glibc gives each thread its own, up to eight for each core, and what is freed in one is not used
    by another: a server has dozens of threads, and each heap would grow to the most it ever held.
    """
    set_option = _glibc("mallopt")
    return set_option is not None and set_option(_M_ARENA_MAX, MAX_HEAPS) == 1


def give_back_free_memory() -> bool:
    """Give back the pages that hold nothing any more; whether this system can.

    glibc keeps them between those that are in use, in each of its heaps. In hours of steps,
    pictures and figures, of many sizes and from many threads, that grows to more than all that is
    held. It takes some milliseconds.
    """
    trim = _glibc("malloc_trim")
    if trim is None:
        return False
    trim(0)
    return True
