"""Time looked at in moments a fixed time apart, as an observer with a clock would.

    scans      .     .     .     .     .      at 0, dt, 2 dt, ... of the video's time
    both       |--- lying ----|- sitting |    both ends of what both scored are scanned too

A state counts from its start to its end, both included; where one ends and another begins, the one
that begins counts (time-unit kappa of Bakeman and Quera, *Sequential Analysis and Observational
Methods for the Behavioral Sciences*, 2011; BORIS tests both ends in the same way).
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

from vidmem.labels.checks import is_one_instant
from vidmem.labels.results.pairing import PairedStretch, Run, is_behaviour


def scan(run: Run, interval_seconds: float) -> Counter[tuple[str, str]]:
    """How many scans find each pair of what two accounts say."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in run:
        inside = _first_after(one.start_seconds, interval_seconds)
        num_scans = _last_before(one.end_seconds, interval_seconds) - inside + 1
        if num_scans > 0:
            counts[one.first, one.second] += num_scans
    for before, after in pairwise((None, *run, None)):
        edge = after.start_seconds if after else before.end_seconds if before else 0.0
        if _is_scan(edge, interval_seconds):
            counts[_at_edge(before, after, "first"), _at_edge(before, after, "second")] += 1
    return counts


def _at_edge(before: PairedStretch | None, after: PairedStretch | None, side: str) -> str:
    """What one account says where one stretch ends and the next begins."""
    ends, begins = (getattr(one, side) if one else "" for one in (before, after))
    # A state holds at its end too, unless another one begins there.
    return ends if not begins or (not is_behaviour(begins) and is_behaviour(ends)) else begins


def _is_scan(seconds: float, interval: float) -> bool:
    return is_one_instant(round(seconds / interval) * interval, seconds)


def _first_after(seconds: float, interval: float) -> int:
    nearest = round(seconds / interval)
    return nearest + 1 if _is_scan(seconds, interval) else math.ceil(seconds / interval)


def _last_before(seconds: float, interval: float) -> int:
    nearest = round(seconds / interval)
    return nearest - 1 if _is_scan(seconds, interval) else math.floor(seconds / interval)
