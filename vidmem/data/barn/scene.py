"""Where every animal is at a moment: a pure function of the seed and the time."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vidmem.data.barn.behaviour import DRINKER, TROUGH, BarnConfig, make_bouts, random_stream
from vidmem.data.barn.pen import Layout, make_layout
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
_LYING = ("lateral", "sternal", "curled")
_REACH = {TROUGH: 104.0, DRINKER: 94.0}  # from the origin of the sow to the tip of her snout


@dataclass(frozen=True)
class Place:
    """A position, a heading, and the side on which she lies (1 or -1)."""

    x: float
    y: float
    angle: float
    side: int = 1


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


@dataclass(frozen=True)
class Groups:
    """All animals of a moment, each group in the order in which it is drawn."""

    still: tuple[Animal, ...]
    """Under the others, and the same for many frames in a row."""

    moving: tuple[Animal, ...]


class Herd:
    """All animals of a barn."""

    def __init__(self, config: BarnConfig, *, swap_visits: bool = False) -> None:
        self.layout: Layout = make_layout(config.seed)
        self.bouts = make_bouts(config, swap_visits=swap_visits)
        self._seed = config.seed
        self._starts = [bout.start_seconds for bout in self.bouts]
        self._place = lru_cache(maxsize=None)(self._draw_place)
        self._homes = lru_cache(maxsize=64)(self._draw_homes)
        self._neighbours = [_Neighbour(config, self.layout, side) for side in (-1, 1)]

    def bout_index(self, seconds: float) -> int:
        """Which bout a moment belongs to; before the first is the first, after the last the last."""
        return max(bisect.bisect_right(self._starts, seconds) - 1, 0)

    def animals(self, seconds: float) -> Groups:
        """The neighbours, the piglets and the focal sow."""
        index = self.bout_index(seconds)
        piglets, sow = self._piglets(index, seconds), self._sow(seconds)
        still = [n.animal(seconds) for n in self._neighbours]
        still += [piglet for piglet in piglets if piglet.is_still]
        moving = [piglet for piglet in piglets if not piglet.is_still]
        order = [sow, *moving] if self.bouts[index].label == "nursing" else [*moving, sow]
        return Groups(tuple(still), tuple(order))

    def _place_of(self, index: int) -> Place:
        """Where the sow is at the end of a bout."""
        return self._place(self.bouts[max(index, 0)].place)

    def _draw_place(self, number: int) -> Place:
        scale = self.layout.sow_scale
        if number in (TROUGH, DRINKER):
            station = self.layout.trough if number == TROUGH else self.layout.drinker
            back = _REACH[number] * scale + 5
            return Place(
                station.x - back * math.cos(station.angle),
                station.y - back * math.sin(station.angle),
                station.angle,
            )
        rng = random_stream(self._seed, "place", number)
        pen = self.layout.pen
        for _ in range(400):
            x = pen.left + (pen.right - pen.left) * rng.random()
            y = pen.top + (pen.bottom - pen.top) * rng.random()
            place = Place(x, y, 2 * math.pi * rng.random(), 1 if rng.random() < 0.5 else -1)
            if _fits(place, scale, self.layout):
                return place
        return Place(*pen.centre, 0.0)

    def _sow(self, seconds: float) -> Animal:
        index = self.bout_index(seconds)
        bout = self.bouts[index]
        if bout.label == "walking":
            x, y, angle = self._walk(index, seconds)
            side = 1
        else:
            place = self._place_of(index)
            x, y, angle, side = place.x, place.y, place.angle, place.side
        before = POSTURE_OF[self.bouts[index - 1].label] if index else ""
        key, lift = pose_at(POSTURE_OF[bout.label], before, seconds - bout.start_seconds, seconds)
        return Animal(x, y, angle, key, self.layout.sow_scale, side, _breath(seconds, 0.33), lift)

    def _walk(self, index: int, seconds: float) -> tuple[float, float, float]:
        bout = self.bouts[index]
        share = (seconds - bout.start_seconds) / (bout.end_seconds - bout.start_seconds)
        start, end = self._place_of(index - 1), self._place_of(index)
        if index == 0:
            start = self._place(10_000)
        return _walk_path(start, end, self.layout.pen.centre, share)

    def _piglets(self, index: int, seconds: float) -> list[Animal]:
        now = self._piglet_positions(index, seconds)
        before = self._piglet_positions(self.bout_index(seconds - 0.2), seconds - 0.2)
        step = now[:, :2] - before[:, :2]
        speed = np.hypot(step[:, 0], step[:, 1]) / 0.2
        animals = []
        for number in range(self.layout.num_piglets):
            x, y, home_angle, is_lying = (float(v) for v in now[number])
            moving = min(max(float(speed[number]) / 14 - 0.4, 0.0), 1.0)
            angle = home_angle
            if moving > 0:
                heading = math.atan2(step[number, 1], step[number, 0])
                angle += moving * _turn(home_angle, heading)
            key = self._piglet_key(number, seconds, moving > 0.1, is_lying > 0)
            animals.append(
                Animal(
                    x,
                    y,
                    angle,
                    key,
                    self.layout.piglet_scale,
                    coat=PIGLET,
                    is_still=is_lying > 0 and moving == 0,
                )
            )
        return animals

    def _piglet_key(self, number: int, seconds: float, is_moving: bool, is_lying: bool) -> PoseKey:
        if is_lying and not is_moving:
            return PoseKey(("lateral", "sternal", "curled")[number % 3], piglet=True)
        name, rate_hz = ("walking", 2.4) if is_moving else ("standing", 0.2)
        phases = SOW_POSTURES[name][1]
        phase = int((rate_hz * seconds + 0.37 * number) * phases) % phases
        return PoseKey(name, phase, piglet=True)

    def _piglet_positions(self, index: int, seconds: float) -> NDArray[np.float64]:
        """x, y, heading at rest and whether lying, `[num_piglets, 4]`."""
        bout = self.bouts[index]
        target = self._targets(index, seconds)
        if index == 0:
            return target
        origin = self._targets(index - 1, bout.start_seconds)
        homes = self._homes(index)
        share = np.clip((seconds - bout.start_seconds - homes.delay) / homes.travel, 0, 1)
        share = (share * share * (3 - 2 * share))[:, None]
        mixed = origin + share * (target - origin)
        mixed[:, 3] = np.where(share[:, 0] < 0.95, 0, target[:, 3])
        mixed[:, 2] = np.where(share[:, 0] < 0.5, origin[:, 2], target[:, 2])
        return mixed

    def _targets(self, index: int, seconds: float) -> NDArray[np.float64]:
        homes = self._homes(index)
        target = homes.rest.copy()
        wander = homes.wander * np.sin(0.9 * seconds * homes.rate + homes.phase)
        target[:, 0] += wander
        target[:, 1] += 0.7 * homes.wander * np.cos(0.7 * seconds * homes.rate + 2 * homes.phase)
        if self.bouts[index].label == "nursing":
            push = 1.6 * np.sin(2 * math.pi * 1.1 * seconds * homes.rate + 3 * homes.phase)
            target[:, 0] += push * np.cos(target[:, 2])
            target[:, 1] += push * np.sin(target[:, 2])
        return target

    def _draw_homes(self, index: int) -> _Homes:
        bout, count = self.bouts[index], self.layout.num_piglets
        rng = random_stream(self._seed, "piglets", index)
        place = self._place_of(index)
        rest = np.zeros((count, 4))
        wander = np.zeros(count)
        roll = rng.random()
        for number in range(count):
            draws = (rng.random(), rng.random(), rng.random())
            if bout.label == "nursing":
                rest[number] = self._teat(number, place, draws)
            elif roll < 0.5:
                rest[number] = self._in_nest(draws)
            elif roll < 0.75 and POSTURE_OF[bout.label] in _LYING:
                rest[number] = self._at_back(number, place, draws)
            else:
                rest[number] = self._around(draws)
                wander[number] = 9
        extra = np.array([[rng.random() for _ in range(4)] for _ in range(count)])
        return _Homes(
            rest=rest,
            wander=wander,
            delay=0.2 + 1.3 * extra[:, 0],
            travel=2.2 + 1.5 * extra[:, 1],
            phase=2 * math.pi * extra[:, 2],
            rate=0.8 + 0.4 * extra[:, 3],
        )

    def _teat(
        self, number: int, place: Place, draws: tuple[float, ...]
    ) -> tuple[float, float, float, float]:
        scale = self.layout.sow_scale
        along = (number / max(self.layout.num_piglets - 1, 1) - 0.5) * 80 - 5
        across = (50 + 5 * draws[0]) * place.side
        x, y = _local(place, along * scale, across * scale)
        return (x, y, place.angle - place.side * math.pi / 2 + 0.5 * (draws[1] - 0.5), 0)

    def _in_nest(self, draws: tuple[float, ...]) -> tuple[float, float, float, float]:
        nest = self.layout.nest
        x, y = nest.centre
        x += (draws[0] - 0.5) * 0.56 * (nest.right - nest.left)
        y += (draws[1] - 0.5) * 0.5 * (nest.bottom - nest.top)
        return (x, y, 2 * math.pi * draws[2], 1)

    def _at_back(
        self, number: int, place: Place, draws: tuple[float, ...]
    ) -> tuple[float, float, float, float]:
        scale = self.layout.sow_scale
        x, y = _local(place, (number * 10 - 45) * scale, -place.side * (46 + 10 * draws[0]) * scale)
        pen = self.layout.pen
        x = min(max(x, pen.left + 14), pen.right - 14)
        y = min(max(y, pen.top + 14), pen.bottom - 14)
        return (x, y, place.angle + (draws[1] - 0.5) * 1.6 + (math.pi if draws[2] < 0.5 else 0), 1)

    def _around(self, draws: tuple[float, ...]) -> tuple[float, float, float, float]:
        pen = self.layout.pen
        x = pen.left + 24 + draws[0] * (pen.right - pen.left - 48)
        y = pen.top + 24 + draws[1] * (pen.bottom - pen.top - 48)
        return (x, y, 2 * math.pi * draws[2], 0)


@dataclass(frozen=True)
class _Homes:
    """Where piglets stay during a bout, and how they get there; arrays over piglets."""

    rest: NDArray[np.float64]  # [piglets, 4]: x, y, heading, lying
    wander: NDArray[np.float64]
    delay: NDArray[np.float64]
    travel: NDArray[np.float64]
    phase: NDArray[np.float64]
    rate: NDArray[np.float64]


class _Neighbour:
    """A sow beyond a rail who changes her posture but not her place."""

    def __init__(self, config: BarnConfig, layout: Layout, side: int) -> None:
        rng = random_stream(config.seed, "neighbour", side)
        edge = layout.pen.left if side < 0 else layout.pen.right
        self._place = Place(
            edge + side * (62 + 26 * rng.random()),
            120 + 120 * rng.random(),
            math.pi / 2 * (1 if rng.random() < 0.5 else -1) + 0.3 * (rng.random() - 0.5),
            1 if rng.random() < 0.5 else -1,
        )
        self._scale = 0.92 + 0.14 * rng.random()
        self._coat = LEFT if side < 0 else RIGHT
        self._starts, self._names = [0.0], []
        names = ("standing", "sternal", "lateral", "curled")
        while self._starts[-1] < config.duration_seconds:
            self._names.append(names[int(4 * rng.random())])
            self._starts.append(self._starts[-1] + 60 * (2 + 8 * rng.random()) / config.pace)
        self._offset = 100 * rng.random()

    def animal(self, seconds: float) -> Animal:
        """The sow at a moment."""
        index = max(bisect.bisect_right(self._starts, seconds) - 1, 0)
        index = min(index, len(self._names) - 1)
        before = self._names[index - 1] if index else ""
        since = seconds - self._starts[index]
        key, lift = pose_at(self._names[index], before, since, seconds + self._offset)
        place = self._place
        return Animal(
            place.x,
            place.y,
            place.angle,
            key,
            self._scale,
            place.side,
            lift=lift,
            coat=self._coat,
        )


def pose_at(
    name: str, before: str, since_seconds: float, clock_seconds: float
) -> tuple[PoseKey, float]:
    """The drawn pose `since_seconds` into a posture that followed `before`, and the body's lift."""
    lift = 0.0 if name in _LYING else 1.0
    share = since_seconds / _BLEND_SECONDS
    if before and before != name and share < 1:
        old = 0.0 if before in _LYING else 1.0
        return PoseKey(before, 0, name, int(share * STEPS)), old + share * (lift - old)
    phases = SOW_POSTURES[name][1]
    return PoseKey(name, int(clock_seconds * _RATE_HZ[name] * phases) % phases), lift


def _breath(seconds: float, rate_hz: float) -> float:
    return 1 + 0.012 * math.sin(2 * math.pi * rate_hz * seconds)


def _turn(start: float, end: float) -> float:
    """The shortest turn from one heading to another."""
    return (end - start + math.pi) % (2 * math.pi) - math.pi


def _local(place: Place, forward: float, left: float) -> tuple[float, float]:
    cos, sin = math.cos(place.angle), math.sin(place.angle)
    return (place.x + forward * cos - left * sin, place.y + forward * sin + left * cos)


def _fits(place: Place, scale: float, layout: Layout) -> bool:
    """Whether a lying sow is inside the pen and clear of nest, trough and drinker."""
    points = [(92, 0), (60, 0), (-86, 0), (44, 62), (-56, 62), (0, -40), (62, -36), (-62, -36)]
    stations = (layout.trough, layout.drinker)
    for forward, left in points:
        x, y = _local(place, forward * scale, left * place.side * scale)
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


def _walk_path(
    start: Place, end: Place, centre: tuple[float, float], share: float
) -> tuple[float, float, float]:
    """Position and heading `share` of the way from one place to another.

    Every walk turns at a point across the pen from its end. From there on, path and pace depend on `end`
    alone: by the time the sow arrives, nothing shows where she came from.
    """
    bearing = math.atan2(end.y - centre[1], end.x - centre[0])
    hub_x, hub_y = centre[0] - 60 * math.cos(bearing), centre[1] - 60 * math.sin(bearing)
    hub = Place(hub_x, hub_y, bearing)
    rest = math.hypot(end.x - hub_x, end.y - hub_y)
    hub_share = 1 - min(max(rest / (rest + 150), 0.36), 0.6)
    if share < hub_share:
        return _leg_of_walk(start, hub, share / hub_share, turn_share=0.45)
    return _leg_of_walk(hub, end, (share - hub_share) / (1 - hub_share), turn_share=0.0)


def _leg_of_walk(
    start: Place, end: Place, u: float, turn_share: float
) -> tuple[float, float, float]:
    distance = math.hypot(end.x - start.x, end.y - start.y)
    bearing = math.atan2(end.y - start.y, end.x - start.x)
    away = 0.6 * distance
    reach = min(max(0.9 * distance, 60.0), 150.0)
    tangents = (
        away * math.cos(bearing),
        away * math.sin(bearing),
        reach * math.cos(end.angle),
        reach * math.sin(end.angle),
    )
    x, y, vx, vy = _hermite(start, end, tangents, u)
    heading = math.atan2(vy, vx) if math.hypot(vx, vy) > 4 else end.angle
    if u < turn_share:
        weight = (u / turn_share) ** 2 * (3 - 2 * u / turn_share)
        heading = start.angle + weight * _turn(start.angle, heading)
    return (x, y, heading)
