"""The shape of a pig in a posture, from above: capsules with heights, in the pig's own coordinates.

x runs towards the snout, y to the pig's left, z up, all in picture units of a 640 x 360 frame. A
posture is an array with a row per part, the same parts in every posture, so two postures blend
into the movement between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Posture = NDArray[np.float32]  # [parts, 8]: x0, y0, x1, y1, r0, r1, z0, z1


class BodyPart(IntEnum):
    """What a row of a posture belongs to, which decides its colour."""

    BODY = 0
    HEAD = 1
    SNOUT = 2
    EAR = 3
    LEG = 4
    HOOF = 5
    TAIL = 6
    UDDER = 7


NUM_SPINE = 6  # points from rump to poll
PARTS = (
    *([BodyPart.LEG] * 4),
    *([BodyPart.LEG] * 4),
    *([BodyPart.HOOF] * 4),
    *([BodyPart.UDDER] * 5),
    BodyPart.TAIL,
    *([BodyPart.BODY] * (NUM_SPINE - 1)),
    BodyPart.HEAD,
    BodyPart.HEAD,
    BodyPart.SNOUT,
    BodyPart.EAR,
    BodyPart.EAR,
)
"""The part of each row, in the order in which a tie is drawn."""


def _capsule(start: Point, end: Point, radii: Point, heights: Point) -> list[float]:
    return [*start, *end, *radii, *heights]


def _along(origin: Point, angle: float, forward: float, left: float) -> Point:
    cos, sin = math.cos(angle), math.sin(angle)
    return (origin[0] + forward * cos - left * sin, origin[1] + forward * sin + left * cos)


def _head(poll: Point, angle: float, z: float, ear_spread: float = 1.0) -> list[list[float]]:
    """Skull, snout, nose disc and ears, looking along `angle`."""
    brow, nose = _along(poll, angle, 13, 0), _along(poll, angle, 29, 0)
    tip = _along(poll, angle, 32, 0)
    rows = [
        _capsule(poll, brow, (16, 13.5), (z, z)),
        _capsule(brow, nose, (12, 6.5), (z - 1, z - 5)),
        _capsule(nose, tip, (6.5, 6), (z - 4, z - 6)),
    ]
    for side in (1, -1):
        root = _along(poll, angle, 4, side * 11)
        ear = _along(poll, angle, 14, side * (11 + 11 * ear_spread))
        rows.append(_capsule(root, ear, (7, 3.2), (z + 7, z + 5)))
    return rows


def _leg(hip: Point, knee: Point, hoof: Point, radius: float, z: Point) -> list[list[float]]:
    toe = (hoof[0] + 0.25 * (hoof[0] - knee[0]), hoof[1] + 0.25 * (hoof[1] - knee[1]))
    return [
        _capsule(hip, knee, (radius * 1.5, radius), (z[0], z[1])),
        _capsule(knee, hoof, (radius, radius * 0.75), (z[1], z[1] - 2)),
        _capsule(hoof, toe, (radius * 0.8, radius * 0.7), (z[1] - 2, z[1] - 3)),
    ]


def _assemble(
    spine: Sequence[tuple[float, float, float, float]],
    head: list[list[float]],
    legs: Sequence[list[list[float]]],
    teats: Sequence[tuple[float, float, float]],
    tail: Point,
) -> Posture:
    """Rows in the order of `PARTS`: spine as (x, y, radius, z), legs as thigh, shank and hoof."""
    rows = [leg[joint] for joint in range(3) for leg in legs]
    rows += [_capsule((x, y), (x + 2, y), (r, r), (9, 9)) for x, y, r in teats]
    rump = spine[0]
    back = (rump[0] - 0.8 * rump[2], rump[1])
    rows.append(_capsule(back, (back[0] + tail[0], back[1] + tail[1]), (3, 1.6), (30, 28)))
    rows += [
        _capsule((a[0], a[1]), (b[0], b[1]), (a[2], b[2]), (a[3], b[3])) for a, b in pairwise(spine)
    ]
    return np.array(rows + head, np.float32)


_HIDDEN_TEATS = [(x, 0.0, 3.0) for x in (-34, -18, -2, 14, 30)]


def standing(swing: float = 0.0, bend: float = 0.0, reach: float = 0.0) -> Posture:
    """On four legs: narrow, the feet showing beside the body.

    Args:
        swing: Where the legs are in a step, in radians; 0 with `walk` amplitude zero is square.
        bend: Angle of head to body in radians, positive to the left.
        reach: How far the head is lowered and stretched, 0 to 1.
    """
    return _upright(0.0, swing, bend, reach)


def walking(swing: float) -> Posture:
    """A step of a walk; `swing` runs from 0 to a full turn."""
    return _upright(1.0, swing, 0.07 * math.sin(swing), 0.25)


def _upright(amplitude: float, swing: float, bend: float, reach: float) -> Posture:
    sway = 2.2 * amplitude * math.sin(swing)
    spine = [
        (-58, sway, 19, 34),
        (-38, sway * 0.6, 24, 37),
        (-8, 0, 26, 37),
        (20, -sway * 0.5, 24.5, 39),
        (40, -sway * 0.3 + 3 * bend, 21, 40),
        (53 + 3 * reach, 9 * bend, 17, 36 - 8 * reach),
    ]
    poll = (61 + 5 * reach, 16 * bend)
    head = _head(poll, bend * 1.1, 38 - 16 * reach)
    legs = []
    for x, side, phase in ((34, 1, 0), (34, -1, math.pi), (-46, 1, math.pi), (-46, -1, 0)):
        step = 17 * amplitude * math.sin(swing + phase)
        hip = (x, side * 17)
        knee = (x + 0.5 * step + 3, side * 25.5)
        hoof = (x + step + 5, side * 27.5)
        legs.append(_leg(hip, knee, hoof, 6.4, (16, 9)))
    tail = (-9.0, 5 * math.sin(swing) * (0.4 + amplitude) + 3)
    return _assemble(spine, head, legs, _HIDDEN_TEATS, tail)


def drinking(phase: float) -> Posture:
    """Head raised and turned to the nipple, tongue and jaw at work."""
    return _upright(0.0, 0.0, 0.30 + 0.05 * math.sin(phase), -0.35)


def feeding(phase: float) -> Posture:
    """Head down in the trough, bobbing and sweeping."""
    return _upright(0.0, 0.0, 0.16 * math.sin(phase), 1.0 + 0.3 * math.cos(2 * phase))


def lateral(stretch: float = 0.0) -> Posture:
    """Flat on the side: broad, the legs and the udder to the pig's left."""
    spine = [
        (-56, -3, 24, 16),
        (-36, -2, 31, 20),
        (-6, 0, 34, 21),
        (22, -1, 31, 20),
        (42, -3, 24, 17),
        (54, -3, 18, 13),
    ]
    head = _head((63, -2), 0.10, 12, 0.35)
    kick = 5 * stretch
    legs = [
        _leg((32, 18), (38 + kick, 42), (47 + kick, 60), 6.5, (12, 8)),
        _leg((28, 16), (26, 42), (33, 59 + kick), 6.0, (9, 5)),
        _leg((-46, 16), (-46 - kick, 42), (-55 - kick, 61), 7.5, (13, 8)),
        _leg((-40, 16), (-34, 40), (-40, 58 + kick), 7.0, (9, 5)),
    ]
    teats = [(x, 31.0 - 0.004 * x * x, 5.4) for x in (-27, -14, -1, 12, 23)]
    return _assemble(spine, head, legs, teats, (-8, 4))


def sternal(nod: float = 0.0) -> Posture:
    """On the breast, legs folded under, straight, the head forward on the floor."""
    spine = [
        (-56, 0, 25, 18),
        (-38, 0, 31, 22),
        (-8, 0, 31, 24),
        (20, 0, 28, 24),
        (40, 0, 22, 20),
        (53, 1, 16, 15),
    ]
    head = _head((61, 2 + nod), 0.05 + 0.03 * nod, 15, 0.9)
    legs = [
        _leg((34, 14), (44, 18), (57, 19), 5.5, (9, 6)),
        _leg((34, -14), (44, -18), (57, -19), 5.5, (9, 6)),
        _leg((-46, 18), (-30, 28), (-24, 30), 8.0, (12, 7)),
        _leg((-46, -18), (-30, -28), (-24, -30), 8.0, (12, 7)),
    ]
    return _assemble(spine, head, legs, _HIDDEN_TEATS, (-6, 4))


def curled(nod: float = 0.0) -> Posture:
    """Resting: bent to a C with the head tucked to the flank, legs folded inside."""
    spine = [
        (-38, 30, 23, 17),
        (-36, 6, 29, 22),
        (-14, -14, 31, 24),
        (16, -14, 29, 24),
        (37, 3, 24, 20),
        (40, 22, 18, 15),
    ]
    head = _head((37, 31 + nod), 2.35 + 0.02 * nod, 15, 0.5)
    legs = [
        _leg((26, 2), (20, 10), (13, 14), 5.5, (8, 4)),
        _leg((30, 6), (24, 12), (19, 18), 5.5, (8, 4)),
        _leg((-28, 18), (-20, 20), (-13, 17), 7.0, (9, 5)),
        _leg((-32, 28), (-24, 32), (-17, 33), 7.0, (9, 5)),
    ]
    return _assemble(spine, head, legs, _HIDDEN_TEATS, (4, 8))


def blend(first: Posture, second: Posture, share: float) -> Posture:
    """The posture `share` of the way from the first to the second."""
    return (first + share * (second - first)).astype(np.float32)
