"""Where every animal is at a moment: a pure function of the seed and the time."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

from vidmem.data.barn.animals import LEFT, POSTURE_OF, RIGHT, Animal, breath, pose_at
from vidmem.data.barn.behaviour import BarnConfig, make_bouts, random_stream
from vidmem.data.barn.pen import Layout, make_layout
from vidmem.data.barn.piglets import Litter
from vidmem.data.barn.places import ENTRANCE, Place, Places, walk_path


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
        self._starts = [bout.start_seconds for bout in self.bouts]
        self._places = Places(config.seed, self.layout)
        self._litter = Litter(config.seed, self.layout, self.bouts, self._places)
        self._neighbours = [_Neighbour(config, self.layout, side) for side in (-1, 1)]

    def bout_index(self, seconds: float) -> int:
        """Which bout a moment belongs to: the last one from the video's end on."""
        return max(bisect.bisect_right(self._starts, seconds) - 1, 0)

    def animals(self, seconds: float) -> Groups:
        """The neighbours, the piglets and the focal sow."""
        index = self.bout_index(seconds)
        piglets, sow = self._litter.animals(index, seconds), self._sow(index, seconds)
        still = [n.animal(seconds) for n in self._neighbours]
        still += [piglet for piglet in piglets if piglet.is_still]
        moving = [piglet for piglet in piglets if not piglet.is_still]
        order = [sow, *moving] if self.bouts[index].label == "nursing" else [*moving, sow]
        return Groups(tuple(still), tuple(order))

    def sows(self, seconds: float) -> tuple[Animal, ...]:
        """The focal sow, whose label counts, and her neighbours."""
        focal = self._sow(self.bout_index(seconds), seconds)
        return (focal, *(n.animal(seconds) for n in self._neighbours))

    def _sow(self, index: int, seconds: float) -> Animal:
        bout = self.bouts[index]
        if bout.label == "walking":
            x, y, angle = self._walk(index, seconds)
            side = 1
        else:
            place = self._places.of(bout.place)
            x, y, angle, side = place.x, place.y, place.angle, place.side
        before = POSTURE_OF[self.bouts[index - 1].label] if index else ""
        key, lift = pose_at(POSTURE_OF[bout.label], before, seconds - bout.start_seconds, seconds)
        return Animal(x, y, angle, key, self.layout.sow_scale, side, breath(seconds, 0.33), lift)

    def _walk(self, index: int, seconds: float) -> tuple[float, float, float]:
        bout = self.bouts[index]
        share = (seconds - bout.start_seconds) / (bout.end_seconds - bout.start_seconds)
        start = self._places.of(self.bouts[index - 1].place if index else ENTRANCE)
        return walk_path(start, self._places.of(bout.place), self.layout.pen.centre, share)


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
