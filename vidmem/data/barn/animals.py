"""One animal at one moment, and how it changes from one posture to another."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vidmem.data.barn.sprites import SOW_POSTURES, STEPS, PoseKey

POSTURE_OF = {
    "standing": "standing",
    "walking": "walking",
    "feeding": "feeding",
    "drinking": "drinking",
    "nursing": "lateral",
    "lying lateral": "lateral",
    "lying sternal": "sternal",
    "resting after feeding": "curled",
    "resting after drinking": "curled",
}
_RATE_HZ = {
    "standing": 0.07,
    "walking": 1.05,
    "feeding": 0.55,
    "drinking": 1.3,
    "lateral": 0.13,
    "sternal": 0.09,
    "curled": 0.07,
}
FOCAL, PIGLET, LEFT, RIGHT = range(4)
"""Whose coat an animal wears."""

_BLEND_SECONDS = 1.4
LYING = ("lateral", "sternal", "curled")


@dataclass(frozen=True)
class Animal:
    """One animal at one moment."""

    x: float
    y: float
    angle: float
    key: PoseKey
    scale: float
    side: int = 1
    stretch: float = 1.0
    """Breathing: its width over its width at rest."""

    lift: float = 0.0
    """How high the body stands over the floor, 0 to 1: moves the shadow."""

    coat: int = FOCAL
    is_still: bool = False


def pose_at(
    name: str, before: str, since_seconds: float, clock_seconds: float
) -> tuple[PoseKey, float]:
    """The drawn pose `since_seconds` into a posture that followed `before`, and the body's lift."""
    lift = 0.0 if name in LYING else 1.0
    share = since_seconds / _BLEND_SECONDS
    if before and before != name and share < 1:
        old = 0.0 if before in LYING else 1.0
        return PoseKey(before, 0, name, int(share * STEPS)), old + share * (lift - old)
    phases = SOW_POSTURES[name][1]
    return PoseKey(name, int(clock_seconds * _RATE_HZ[name] * phases) % phases), lift


def breath(seconds: float, rate_hz: float) -> float:
    """Width of a breathing body over its width at rest."""
    return 1 + 0.012 * math.sin(2 * math.pi * rate_hz * seconds)
