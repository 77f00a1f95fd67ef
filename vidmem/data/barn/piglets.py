"""The piglets: where each one stays during a bout of the sow, and how it gets there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidmem.data.barn.animals import LYING, PIGLET, POSTURE_OF, Animal
from vidmem.data.barn.behaviour import DrawnBout, random_stream
from vidmem.data.barn.caching import remember
from vidmem.data.barn.pen import Layout
from vidmem.data.barn.places import Place, Places, local, turn
from vidmem.data.barn.sprites import SOW_POSTURES, PoseKey

Home = tuple[float, float, float, float]  # x, y, heading, 1 if lying


@dataclass(frozen=True)
class _Homes:
    """Where piglets stay during a bout, and how they get there; arrays over piglets."""

    rest: NDArray[np.float64]  # [piglets, 4]: x, y, heading, lying
    wander: NDArray[np.float64]
    delay: NDArray[np.float64]
    travel: NDArray[np.float64]
    phase: NDArray[np.float64]
    rate: NDArray[np.float64]


class Litter:
    """All piglets of the focal sow.

    What they do in a bout depends on its kind and place only, so they tell nothing of the bouts
    before.
    """

    def __init__(
        self, seed: int, layout: Layout, bouts: Sequence[DrawnBout], places: Places
    ) -> None:
        self._seed, self._layout, self._bouts, self._places = seed, layout, bouts, places
        self._homes = remember(self._draw_homes, maxsize=64)

    def animals(self, index: int, seconds: float) -> list[Animal]:
        """Each piglet at a moment of bout `index`."""
        now = self._positions(index, seconds)
        before = self._positions(
            index - 1 if index and seconds - 0.2 < self._bouts[index].start_seconds else index,
            seconds - 0.2,
        )
        step = now[:, :2] - before[:, :2]
        speed = np.hypot(step[:, 0], step[:, 1]) / 0.2
        animals = []
        for number in range(self._layout.num_piglets):
            x, y, home_angle, is_lying = (float(v) for v in now[number])
            moving = min(max(float(speed[number]) / 14 - 0.4, 0.0), 1.0)
            angle = home_angle
            if moving > 0:
                heading = math.atan2(step[number, 1], step[number, 0])
                angle += moving * turn(home_angle, heading)
            key = self._key(number, seconds, moving > 0.1, is_lying > 0)
            animals.append(
                Animal(
                    x,
                    y,
                    angle,
                    key,
                    self._layout.piglet_scale,
                    coat=PIGLET,
                    is_still=is_lying > 0 and moving == 0,
                )
            )
        return animals

    def _key(self, number: int, seconds: float, is_moving: bool, is_lying: bool) -> PoseKey:
        if is_lying and not is_moving:
            return PoseKey(("lateral", "sternal", "curled")[number % 3], piglet=True)
        name, rate_hz = ("walking", 2.4) if is_moving else ("standing", 0.2)
        phases = SOW_POSTURES[name][1]
        phase = int((rate_hz * seconds + 0.37 * number) * phases) % phases
        return PoseKey(name, phase, piglet=True)

    def _positions(self, index: int, seconds: float) -> NDArray[np.float64]:
        """x, y, heading at rest and whether lying, `[num_piglets, 4]`."""
        bout = self._bouts[index]
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
        if self._bouts[index].label == "nursing":
            push = 1.6 * np.sin(2 * math.pi * 1.1 * seconds * homes.rate + 3 * homes.phase)
            target[:, 0] += push * np.cos(target[:, 2])
            target[:, 1] += push * np.sin(target[:, 2])
        return target

    def _draw_homes(self, index: int) -> _Homes:
        bout, count = self._bouts[index], self._layout.num_piglets
        rng = random_stream(self._seed, "piglets", index)
        place = self._places.of(bout.place)
        rest = np.zeros((count, 4))
        wander = np.zeros(count)
        roll = rng.random()
        for number in range(count):
            draws = (rng.random(), rng.random(), rng.random())
            if bout.label == "nursing":
                rest[number] = self._teat(number, place, draws)
            elif roll < 0.5:
                rest[number] = self._in_nest(draws)
            elif roll < 0.75 and POSTURE_OF[bout.label] in LYING:
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

    def _teat(self, number: int, place: Place, draws: tuple[float, ...]) -> Home:
        scale = self._layout.sow_scale
        along = (number / max(self._layout.num_piglets - 1, 1) - 0.5) * 80 - 5
        across = (50 + 5 * draws[0]) * place.side
        x, y = local(place, along * scale, across * scale)
        return (x, y, place.angle - place.side * math.pi / 2 + 0.5 * (draws[1] - 0.5), 0)

    def _in_nest(self, draws: tuple[float, ...]) -> Home:
        nest = self._layout.nest
        x, y = nest.centre
        x += (draws[0] - 0.5) * 0.56 * (nest.right - nest.left)
        y += (draws[1] - 0.5) * 0.5 * (nest.bottom - nest.top)
        return (x, y, 2 * math.pi * draws[2], 1)

    def _at_back(self, number: int, place: Place, draws: tuple[float, ...]) -> Home:
        scale = self._layout.sow_scale
        x, y = local(place, (number * 10 - 45) * scale, -place.side * (46 + 10 * draws[0]) * scale)
        pen = self._layout.pen
        x = min(max(x, pen.left + 14), pen.right - 14)
        y = min(max(y, pen.top + 14), pen.bottom - 14)
        return (x, y, place.angle + (draws[1] - 0.5) * 1.6 + (math.pi if draws[2] < 0.5 else 0), 1)

    def _around(self, draws: tuple[float, ...]) -> Home:
        pen = self._layout.pen
        x = pen.left + 24 + draws[0] * (pen.right - pen.left - 48)
        y = pen.top + 24 + draws[1] * (pen.bottom - pen.top - 48)
        return (x, y, 2 * math.pi * draws[2], 0)
