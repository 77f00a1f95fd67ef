"""Where things stand in a barn, and the layers that never move: floor and rails."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vidmem.data.barn.behaviour import random_stream

WIDTH, HEIGHT = 640, 360
"""The picture, in the units of all coordinates."""

BORDER = 32
"""Units drawn beyond the picture on each side, for a camera that shakes."""

Rgb = tuple[int, int, int]
WALLS = {"top": -math.pi / 2, "bottom": math.pi / 2, "left": math.pi, "right": 0.0}
"""The direction in which an animal at a wall looks."""


@dataclass(frozen=True)
class Box:
    """A rectangle along the axes."""

    left: float
    top: float
    right: float
    bottom: float

    def contains(self, x: float, y: float, inset: float = 0.0) -> bool:
        """Whether a point is inside, at least `inset` from each side."""
        return (
            self.left + inset <= x <= self.right - inset
            and self.top + inset <= y <= self.bottom - inset
        )

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, x and y."""
        return ((self.left + self.right) / 2, (self.top + self.bottom) / 2)


@dataclass(frozen=True)
class Station:
    """Something on a wall that a sow puts her snout to."""

    wall: str
    x: float
    y: float

    @property
    def angle(self) -> float:
        """Direction from the pen to the wall."""
        return WALLS[self.wall]


@dataclass(frozen=True)
class Layout:
    """The geometry of one barn."""

    pen: Box
    trough: Station
    drinker: Station
    nest: Box
    zoom: float
    sow_scale: float
    piglet_scale: float
    num_piglets: int


def make_layout(seed: int) -> Layout:
    """Draw a barn: where the trough, the drinker and the nest are, and how big everything is."""
    rng = random_stream(seed, "layout")
    pen = Box(
        left=112 + 22 * rng.random(),
        top=20 + 8 * rng.random(),
        right=528 - 22 * rng.random(),
        bottom=340 - 8 * rng.random(),
    )
    walls = sorted(WALLS)
    first = walls.pop(int(rng.random() * 4))
    second = walls[int(rng.random() * 3)]
    trough, drinker = _station(rng, pen, first), _station(rng, pen, second)
    return Layout(
        pen=pen,
        trough=trough,
        drinker=drinker,
        nest=_nest(pen, (trough, drinker)),
        zoom=0.96 + 0.1 * rng.random(),
        sow_scale=0.96 + 0.12 * rng.random(),
        piglet_scale=0.215 + 0.035 * rng.random(),
        num_piglets=8 + int(rng.random() * 4),
    )


def _station(rng: Random, pen: Box, wall: str) -> Station:
    share = 0.25 + 0.5 * rng.random()
    x = pen.left + share * (pen.right - pen.left)
    y = pen.top + share * (pen.bottom - pen.top)
    if wall in ("top", "bottom"):
        return Station(wall, x, pen.top if wall == "top" else pen.bottom)
    return Station(wall, pen.left if wall == "left" else pen.right, y)


def _nest(pen: Box, stations: tuple[Station, Station]) -> Box:
    """The corner of the pen that is farthest from both stations."""

    def clearance(corner: tuple[float, float]) -> float:
        return min(math.hypot(s.x - corner[0], s.y - corner[1]) for s in stations)

    corners = [(x, y) for x in (pen.left, pen.right) for y in (pen.top, pen.bottom)]
    x, y = max(corners, key=clearance)
    width, depth = 92, 74
    left = x if x == pen.left else x - width
    top = y if y == pen.top else y - depth
    return Box(left, top, left + width, top + depth)


class PenPainter:
    """Draws the still layers at twice the final size, border included."""

    SCALE = 2

    def __init__(self, seed: int, layout: Layout) -> None:
        self._rng = random_stream(seed, "paint")
        self._noise = np.random.Generator(np.random.PCG64(seed))
        self._layout = layout
        self._size = ((WIDTH + 2 * BORDER) * self.SCALE, (HEIGHT + 2 * BORDER) * self.SCALE)

    def floor(self) -> Image.Image:
        """Concrete, slats, straw, nest, trough and drinker: all that lies under the animals."""
        rng = self._rng
        concrete = np.array((134, 129, 121), np.float32) * (0.88 + 0.24 * rng.random())
        concrete += np.array((6, 1, -6), np.float32) * rng.random()
        grain = self._clouds(((6, 0.10), (24, 0.07), (90, 0.06), (500, 0.07)))[..., None]
        straw = np.array((206, 178, 126), np.float32) * (0.9 + 0.16 * rng.random())
        litter = self._clouds(((5, 0.5), (12, 0.4), (30, 0.25))) - 0.62 + 0.3 * rng.random()
        share = (0.62 * np.clip(litter, 0, 1))[..., None]
        pixels = (concrete * (1 - share) + 0.86 * straw * share) * grain
        image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(image)
        self._draw_slats(draw)
        self._draw_straw(draw, litter, straw)
        self._draw_nest(draw)
        self._draw_passages(image)
        self._draw_stations(draw)
        return image

    def rails(self) -> Image.Image:
        """Bars between the pens and along the passages, over the animals (RGBA)."""
        image = Image.new("RGBA", self._size, (60, 62, 64, 0))
        draw = ImageDraw.Draw(image)
        pen = self._layout.pen
        far = 400
        for y in (pen.top, pen.bottom):
            self._bar(draw, (-far, y), (2 * far + 300, y), 7)
        for x in (pen.left, pen.right):
            self._bar(draw, (x, pen.top), (x, pen.bottom), 7)
            self._bar(draw, (x - 8, pen.top), (x - 8, pen.bottom), 3.2)
            for y in np.linspace(pen.top, pen.bottom, 6):
                self._disc(draw, (x, float(y)), 5.2, (92, 95, 98))
                self._disc(draw, (x - 1, float(y) - 1), 3, (150, 154, 158))
        taken = {self._layout.trough.wall, self._layout.drinker.wall}
        for wall, x, inwards in (("left", pen.left, 1), ("right", pen.right, -1)):
            if wall not in taken:
                self._draw_guard(draw, x + 17 * inwards, x)
        self._draw_lips(draw)
        self._draw_lamp(draw)
        return image

    def _draw_guard(self, draw: ImageDraw.ImageDraw, x: float, wall: float) -> None:
        """A bar off the wall that keeps a sow from crushing piglets against it."""
        pen, nest = self._layout.pen, self._layout.nest
        top, bottom = pen.top + 10, pen.bottom - 10
        if nest.contains(x, nest.centre[1]):
            top = max(top, nest.bottom + 8) if nest.top == pen.top else top
            bottom = min(bottom, nest.top - 8) if nest.bottom == pen.bottom else bottom
        for y in np.linspace(top + 8, bottom - 8, 3):
            self._bar(draw, (wall, float(y)), (x, float(y)), 2.6)
        self._bar(draw, (x, top), (x, bottom), 3.6)

    def _draw_lamp(self, draw: ImageDraw.ImageDraw) -> None:
        """The edge of the nest and the heat lamp that hangs over it."""
        nest, pen = self._layout.nest, self._layout.pen
        edge = nest.bottom if nest.top == pen.top else nest.top
        self._bar(draw, (nest.left, edge), (nest.right, edge), 4)
        x, y = nest.centre
        corner_x = nest.left if nest.left == pen.left else nest.right
        corner_y = nest.top if nest.top == pen.top else nest.bottom
        draw.line([self._at(corner_x, corner_y), self._at(x, y)], fill=(40, 36, 34), width=3)
        for radius, fill in ((9.5, (96, 34, 26)), (8, (190, 84, 52)), (5, (255, 190, 120))):
            self._disc(draw, (x, y), radius, fill)

    def _clouds(self, octaves: tuple[tuple[int, float], ...]) -> NDArray[np.float32]:
        """Brightness around 1 that varies over several lengths."""
        total = np.ones((self._size[1], self._size[0]), np.float32)
        for cells, strength in octaves:
            grid = self._noise.integers(0, 256, (max(cells * 5 // 8, 2), cells), np.uint8)
            wide = Image.fromarray(grid).resize(self._size, Image.Resampling.BICUBIC)
            total += strength * (np.asarray(wide, np.float32) / 127.5 - 1)
        return total

    def _at(self, x: float, y: float) -> tuple[float, float]:
        zoom = self._layout.zoom
        return (
            ((x - WIDTH / 2) * zoom + WIDTH / 2 + BORDER) * self.SCALE,
            ((y - HEIGHT / 2) * zoom + HEIGHT / 2 + BORDER) * self.SCALE,
        )

    def _rect(
        self, draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], fill: Rgb
    ) -> None:
        draw.rectangle([self._at(box[0], box[1]), self._at(box[2], box[3])], fill=fill)

    def _disc(
        self, draw: ImageDraw.ImageDraw, at: tuple[float, float], radius: float, fill: Rgb
    ) -> None:
        draw.ellipse(
            [self._at(at[0] - radius, at[1] - radius), self._at(at[0] + radius, at[1] + radius)],
            fill=fill,
        )

    def _bar(
        self,
        draw: ImageDraw.ImageDraw,
        start: tuple[float, float],
        end: tuple[float, float],
        width: float,
    ) -> None:
        """A galvanised tube: a shadow beside it, dark flanks, a bright middle."""
        for offset, share, fill in (
            (3.0, 1.0, (30, 27, 24, 110)),
            (0.0, 1.0, (84, 88, 92, 255)),
            (-0.08, 0.62, (128, 133, 138, 255)),
            (-0.14, 0.26, (186, 190, 194, 255)),
        ):
            shift = offset if offset > 1 else offset * width
            line = [self._at(p[0] + shift, p[1] + shift) for p in (start, end)]
            draw.line(line, fill=fill, width=max(round(width * share * self.SCALE), 1))

    def _draw_slats(self, draw: ImageDraw.ImageDraw) -> None:
        """Dark slots in the dunging area, along one end of all pens."""
        pen = self._layout.pen
        at_top = self._rng.random() < 0.5
        depth = 50 + 26 * self._rng.random()
        top = pen.top if at_top else pen.bottom - depth
        for x in np.arange(-60, WIDTH + 60, 9.0):
            for row in range(2):
                y = top + 5 + row * depth / 2
                self._rect(draw, (float(x), y, float(x) + 3.4, y + depth / 2 - 9), (46, 42, 39))

    def _draw_straw(
        self, draw: ImageDraw.ImageDraw, litter: NDArray[np.float32], straw: NDArray[np.float32]
    ) -> None:
        """Thousands of stalks, dense where the litter is deep, each with its shadow."""
        rng = self._noise
        tries = 26_000
        columns = rng.integers(0, self._size[0], tries)
        rows = rng.integers(0, self._size[1], tries)
        kept = rng.uniform(-0.12, 1.5, tries) < litter[rows, columns]
        columns, rows = columns[kept], rows[kept]
        angles = rng.uniform(0, 2 * math.pi, len(rows))
        bends = rng.normal(0, 0.28, len(rows))
        lengths = rng.uniform(5, 17, len(rows))
        tones = rng.uniform(0.66, 1.22, len(rows))
        for x, y, angle, bend, length, tone in zip(
            columns, rows, angles, bends, lengths, tones, strict=True
        ):
            middle = (x + length * math.cos(angle), y + length * math.sin(angle))
            end = (
                middle[0] + length * math.cos(angle + bend),
                middle[1] + length * math.sin(angle + bend),
            )
            path = [(x, y), middle, end]
            if tone > 1:
                draw.line([(px + 1, py + 2) for px, py in path], fill=(82, 70, 50), width=2)
            red, green, blue = (int(min(v * tone, 255)) for v in straw)
            draw.line(path, fill=(red, green, blue), width=2)

    def _draw_passages(self, image: Image.Image) -> None:
        """Swept walkways above and below the pens, with a low wall between."""
        pen = self._layout.pen
        for edge, outwards in ((pen.top, -1), (pen.bottom, 1)):
            for near, far, tone in ((0.0, 200.0, 0.50), (0.0, 9.0, 0.95), (9.0, 13.0, 0.6)):
                ys = sorted((edge + outwards * near, edge + outwards * far))
                top = max(int(self._at(0, ys[0])[1]), 0)
                bottom = min(int(self._at(0, ys[1])[1]), self._size[1])
                if bottom > top:
                    strip = np.full((bottom - top, self._size[0], 3), 150.0 * tone, np.float32)
                    strip *= self._clouds(((9, 0.06), (70, 0.05), (500, 0.05)))[top:bottom, :, None]
                    image.paste(Image.fromarray(strip.astype(np.uint8)), (0, top))

    def _draw_nest(self, draw: ImageDraw.ImageDraw) -> None:
        nest = self._layout.nest
        self._rect(draw, (nest.left, nest.top, nest.right, nest.bottom), (74, 62, 56))
        self._rect(
            draw, (nest.left + 4, nest.top + 4, nest.right - 4, nest.bottom - 4), (104, 84, 72)
        )

    def _draw_stations(self, draw: ImageDraw.ImageDraw) -> None:
        for share, fill in ((1.0, (58, 60, 62)), (0.78, (96, 84, 62)), (0.6, (122, 104, 70))):
            self._rect(draw, self._wall_box(self._layout.trough, 42 * share + 2, 25 * share), fill)
        x, y = self._inside(self._layout.drinker, 7)
        for radius, fill in ((19, (70, 70, 70)), (15, (52, 60, 66)), (11, (70, 86, 98))):
            self._disc(draw, (x, y), radius, fill)

    def _draw_lips(self, draw: ImageDraw.ImageDraw) -> None:
        """The parts of trough and drinker that are above a snout."""
        trough, drinker = self._layout.trough, self._layout.drinker
        self._rect(draw, self._wall_box(trough, 44, 7), (104, 108, 112))
        self._rect(draw, self._wall_box(trough, 42, 4), (150, 154, 158))
        start, end = self._inside(drinker, -4), self._inside(drinker, 11)
        self._bar(draw, start, end, 5)
        self._disc(draw, start, 7, (116, 92, 52))
        self._disc(draw, end, 3.4, (206, 178, 96))

    def _inside(self, station: Station, depth: float) -> tuple[float, float]:
        return (
            station.x - depth * math.cos(station.angle),
            station.y - depth * math.sin(station.angle),
        )

    def _wall_box(
        self, station: Station, half: float, depth: float
    ) -> tuple[float, float, float, float]:
        """A rectangle at a station: `half` to each side along the wall, `depth` into the pen."""
        x, y = self._inside(station, depth)
        if station.wall in ("top", "bottom"):
            return (station.x - half, min(y, station.y), station.x + half, max(y, station.y))
        return (min(x, station.x), station.y - half, max(x, station.x), station.y + half)
