"""What somebody might say of a drawn barn, in words of her own, and not in those of its drawing."""

from __future__ import annotations

from vidmem.data.barn import BarnConfig, BarnVideo
from vidmem.labels import Behaviour, Bout, Ethogram, Labels

OWN_WORDS = {
    "walking": "walking",
    "standing": "standing",
    "feeding": "standing",
    "drinking": "standing",
}
"""By what is drawn; all else is lying."""

AXIS = "activity"
NAMES = ("lying", "standing", "walking")


def coded_barn(config: BarnConfig, video: str) -> Labels:
    """All bouts of a drawn barn; neighbours of the same name are one."""
    bouts: list[Bout] = []
    for one in BarnVideo(config).bouts:
        name = OWN_WORDS.get(one.label, "lying")
        is_same = bool(bouts) and bouts[-1].behaviour == name
        start = bouts.pop().start_seconds if is_same else one.start_seconds
        bouts.append(Bout(video, start, min(one.end_seconds, config.duration_seconds), name))
    return Labels(Ethogram(tuple(Behaviour(name, axis=AXIS) for name in NAMES))).add(*bouts)
