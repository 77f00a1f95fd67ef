"""What all decoding children of a process may take together: each has a limit of its own too."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Protocol

import psutil

from vidmem.errors import DecoderError
from vidmem.units import memory_size

SHARE_OF_MEMORY = 0.5
"""Of the machine, for all children: the models need the rest."""

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


class MeasuredChild(Protocol):
    """What is known of each child."""

    last_rss_bytes: int
    """Its resident memory when it was looked at last."""


class _Limit:
    max_children: int | None = None


def limit_children(max_children: int | None) -> None:
    """Let no more children run at a time than this; `None`: as many as are asked for.

    A server sets it: there, it is strangers who have videos opened.
    """
    _Limit.max_children = max_children


def check_room(num_running: int) -> None:
    """Raise `DecoderError` if no other child may be started now."""
    limit = _Limit.max_children
    if limit is not None and num_running >= limit:
        raise DecoderError(
            f"{num_running} videos are being decoded here, as many as may be at once; close one, "
            "or try again later"
        )


def why_to_end(child: MeasuredChild, running: Collection[MeasuredChild]) -> str:
    """Why a child has to end for what all hold together; empty where it need not.

    The largest one ends: it is the one that swelled, and others that are as they should be go on.
    """
    total = sum(one.last_rss_bytes for one in running)
    if total <= max_total_bytes() or child.last_rss_bytes < max(o.last_rss_bytes for o in running):
        return ""
    return (
        f"all decoders together grew to {memory_size(total)}, above their limit of "
        f"{memory_size(max_total_bytes())}; the largest one was ended"
    )


@cache
def max_total_bytes() -> int:
    """Of all children together, on this machine or in this container."""
    total = psutil.virtual_memory().total
    with contextlib.suppress(OSError, ValueError):  # no such limit: "max"
        total = min(total, int(_CGROUP_LIMIT.read_text()))
    return int(SHARE_OF_MEMORY * total)
