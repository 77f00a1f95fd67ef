"""Places in a pen and the walks between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vidmem.data.barn.behaviour import DRINKER, TROUGH, random_stream
from vidmem.data.barn.caching import remember
from vidmem.data.barn.pen import Layout

ENTRANCE = 1_000_000
"""The place from which the sow comes at the start of a video."""

_REACH = {TROUGH: 104.0, DRINKER: 94.0}  # from the origin of the sow to the tip of her snout


@dataclass(frozen=True)
class Place:
    """A position, a heading, and the side on which she lies (1 or -1)."""

    x: float
    y: float
    angle: float
    side: int = 1


class Places:
    """The places of one video, by their numbers."""

    def __init__(self, seed: int, layout: Layout) -> None:
        self._seed, self._layout = seed, layout
        self._drawn = remember(self._draw)

    def of(self, number: int) -> Place:
        """The place of this number: `TROUGH`, `DRINKER`, `ENTRANCE`, or one from 0 on."""
        return self._drawn(number)

    def _draw(self, number: int) -> Place:
        if number in (TROUGH, DRINKER):
            return self._at_station(number)
        rng = random_stream(self._seed, "place", number)
        pen = self._layout.pen
        for _ in range(400):
            x = pen.left + (pen.right - pen.left) * rng.random()
            y = pen.top + (pen.bottom - pen.top) * rng.random()
            place = Place(x, y, 2 * math.pi * rng.random(), 1 if rng.random() < 0.5 else -1)
            if _has_room(place, self._layout):
                return place
        return Place(*pen.centre, 0.0)

    def _at_station(self, number: int) -> Place:
        """Snout in the trough or at the nipple."""
        station = self._layout.trough if number == TROUGH else self._layout.drinker
        back = _REACH[number] * self._layout.sow_scale + 5
        return Place(
            station.x - back * math.cos(station.angle),
            station.y - back * math.sin(station.angle),
            station.angle,
        )


def turn(start: float, end: float) -> float:
    """The shortest turn from one heading to another."""
    return (end - start + math.pi) % (2 * math.pi) - math.pi


def local(place: Place, forward: float, left: float) -> tuple[float, float]:
    """A point given from the animal that stands at a place, in the coordinates of the pen."""
    cos, sin = math.cos(place.angle), math.sin(place.angle)
    return (place.x + forward * cos - left * sin, place.y + forward * sin + left * cos)


def _has_room(place: Place, layout: Layout) -> bool:
    """Whether a lying sow is inside the pen and clear of nest, trough and drinker."""
    points = [(92, 0), (60, 0), (-86, 0), (44, 62), (-56, 62), (0, -40), (62, -36), (-62, -36)]
    stations = (layout.trough, layout.drinker)
    for forward, left in points:
        x, y = local(place, forward * layout.sow_scale, left * place.side * layout.sow_scale)
        if not layout.pen.contains(x, y, 4) or layout.nest.contains(x, y, 6):
            return False
        if any(math.hypot(x - s.x, y - s.y) < 36 for s in stations):
            return False
    return not layout.nest.contains(place.x, place.y, -16)


def _hermite(
    start: Place, end: Place, tangents: tuple[float, float, float, float], u: float
) -> tuple[float, float, float, float]:
    """Position and velocity on a cubic between two places with given end velocities."""
    a, b, c = 2 * u**3 - 3 * u**2 + 1, u**3 - 2 * u**2 + u, u**3 - u**2
    da, db, dc = 6 * u**2 - 6 * u, 3 * u**2 - 4 * u + 1, 3 * u**2 - 2 * u
    ax, ay, bx, by = tangents
    return (
        a * start.x + (1 - a) * end.x + b * ax + c * bx,
        a * start.y + (1 - a) * end.y + b * ay + c * by,
        da * (start.x - end.x) + db * ax + dc * bx,
        da * (start.y - end.y) + db * ay + dc * by,
    )


def walk_path(
    start: Place, end: Place, centre: tuple[float, float], share: float
) -> tuple[float, float, float]:
    """Position and heading `share` of the way from one place to another.

    Every walk turns at a point across the pen from its end. From there on, path and pace depend on
    `end` alone: by the time the sow arrives, nothing shows where she came from.
    """
    bearing = math.atan2(end.y - centre[1], end.x - centre[0])
    hub_x, hub_y = centre[0] - 60 * math.cos(bearing), centre[1] - 60 * math.sin(bearing)
    hub = Place(hub_x, hub_y, bearing)
    rest = math.hypot(end.x - hub_x, end.y - hub_y)
    hub_share = 1 - min(max(rest / (rest + 150), 0.36), 0.6)
    if share < hub_share:
        u = share / hub_share
        return _leg_of_walk(start, hub, u, u**1.5)
    u = (share - hub_share) / (1 - hub_share)
    return _leg_of_walk(hub, end, u, 1 - (1 - u) ** 1.2)


def _leg_of_walk(start: Place, end: Place, u: float, covered: float) -> tuple[float, float, float]:
    """Along a curve that leaves towards `end` and arrives with its angle, unless that looks back.

    The heading is the curve's, blended at both ends into the places' own. `u` is the share of the
    time and `covered` of the way: she is slow where she turns.
    """
    distance = math.hypot(end.x - start.x, end.y - start.y)
    chord = math.atan2(end.y - start.y, end.x - start.x)
    first, last = turn(start.angle, chord), turn(chord, end.angle)
    reach = 0.8 * distance
    straight = 0.5 - 0.5 * math.cos(last)  # 1 where the place looks back along the chord
    tangents = (
        reach * math.cos(chord),
        reach * math.sin(chord),
        reach * (straight * math.cos(chord) + (1 - straight) * math.cos(end.angle)),
        reach * (straight * math.sin(chord) + (1 - straight) * math.sin(end.angle)),
    )
    x, y, vx, vy = _hermite(start, end, tangents, covered)
    bend = turn(chord, math.atan2(vy, vx))
    leaving, arriving = _ease(u / 0.45), _ease((u - 0.45) / 0.55)
    heading = start.angle + leaving * first + (leaving - arriving) * bend + arriving * last
    return (x, y, heading)


def _ease(share: float) -> float:
    """From 0 to 1, slow at both ends."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)
