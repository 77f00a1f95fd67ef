"""What the tests of live sources share: patience for tests, and what they compare."""

from __future__ import annotations

import time
from collections.abc import Callable

from vidmem.streaming import ConnectionLimits, Engine, FeedRequest, LiveFeed, LiveLimits, Prediction

LIMITS = LiveLimits(
    connection=ConnectionLimits(open_seconds=20.0, read_seconds=5.0),
    back_off_seconds=(0.05, 0.2),
    num_frames=2000,
)
"""Nothing is dropped, however loaded the machine is."""


def live(limits: LiveLimits = LIMITS) -> Callable[[FeedRequest], LiveFeed]:
    """For `open_feed`."""
    return lambda request: LiveFeed(request, limits)


def essence(prediction: Prediction) -> tuple:
    """What is the same however fast frames come."""
    return (
        prediction.start_seconds,
        prediction.end_seconds,
        prediction.num_real_frames,
        prediction.remembered,
        prediction.probabilities,
    )


def wait_until(is_so: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition; fails after long."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def take(engine: Engine, number: int) -> list[Prediction]:
    """So many predictions."""
    return [next(engine) for _ in range(number)]
