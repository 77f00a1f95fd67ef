"""A barn video as a function of time: any moment's picture and label, without the ones before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidmem.data.barn.animals import PIGLET, Animal
from vidmem.data.barn.behaviour import (
    LOOK_ALIKES,
    VISIBLE_CLASSES,
    BarnConfig,
    DrawnBout,
    majority_label,
    random_stream,
)
from vidmem.data.barn.caching import remember
from vidmem.data.barn.camera import Camera
from vidmem.data.barn.pen import BORDER, HEIGHT, WIDTH, PenPainter
from vidmem.data.barn.scene import Herd
from vidmem.data.barn.sprites import Coat, PoseKey, Sprite, paint, place_sprite, shape_of

_SKINS = ((226, 176, 160), (220, 164, 144), (232, 190, 176), (212, 168, 152), (204, 146, 118))
_MARKS = ((38, 78, 176), (188, 40, 62), (34, 132, 84), (122, 52, 150))

POSTURES_OF_NEIGHBOURS = {
    "standing": "standing",
    "sternal": "lying sternal",
    "lateral": "lying lateral",
    "curled": "resting",
}
SIGHTING_KINDS = (
    *VISIBLE_CLASSES,
    "resting",
    *(f"neighbour {name}" for name in POSTURES_OF_NEIGHBOURS.values()),
)
"""What a sow can be seen to do; the two rests are one, since they look alike."""


@dataclass(frozen=True)
class Sighting:
    """One sow at one moment."""

    x: float
    """Of her middle, as a fraction of the picture from the left."""

    y: float
    """Of her middle, as a fraction of the picture from the top."""

    kind: str
    """One of `SIGHTING_KINDS`."""


class BarnVideo:
    """A generated video of farrowing pens from above; a pure function of its config.

    The label is that of the focal sow, in the middle pen, with a spray mark on her back.

    Every video has a twin (`swap_visits`), in which she drinks where she fed and the reverse: the
    look-alike labels are swapped with it, and nothing else that can be seen is.
    """

    def __init__(self, config: BarnConfig, *, swap_visits: bool = False) -> None:
        self.config = config
        self._herd = Herd(config, swap_visits=swap_visits)
        self._camera = Camera(config, self._herd.layout)
        self._coats = _draw_coats(config.seed)
        self._still_layers = remember(self._paint_layers, maxsize=1)
        self._backdrop = remember(self._fit_backdrop, maxsize=30)
        self._still_scene = remember(self._draw_still_scene, maxsize=4)
        self._sprite = remember(self._paint_sprite, maxsize=600)

    @property
    def bouts(self) -> tuple[DrawnBout, ...]:
        """What the focal sow does, from the first moment to the last without a gap."""
        return self._herd.bouts

    @property
    def duration_seconds(self) -> float:
        """Length of the video, in seconds."""
        return self.config.duration_seconds

    def label_at(self, seconds: float) -> str:
        """The focal sow's label at a moment."""
        return self.bouts[self._herd.bout_index(seconds)].label

    def window_label(self, start_seconds: float, end_seconds: float) -> str:
        """The label that lasts longest in `[start_seconds, end_seconds)`."""
        return self.window_majority(start_seconds, end_seconds)[0]

    def window_majority(self, start_seconds: float, end_seconds: float) -> tuple[str, float]:
        """The label that lasts longest in a window, and its share of the window, 0 to 1."""
        return majority_label(
            self.bouts_between(start_seconds, end_seconds), start_seconds, end_seconds
        )

    def bouts_between(self, start_seconds: float, end_seconds: float) -> tuple[DrawnBout, ...]:
        """The bouts that a window touches, in order."""
        first = self._herd.bout_index(start_seconds)
        last = self._herd.bout_index(end_seconds)
        return self.bouts[first : last + 1]

    def is_night(self, seconds: float) -> bool:
        """Whether the camera sees by infra-red."""
        return self._camera.night_share(seconds) > 0.5

    def sightings(self, seconds: float) -> tuple[Sighting, ...]:
        """Where the sows are and what they do: first the focal sow, then her two neighbours."""
        shake = self._camera.shake(seconds)
        focal, *neighbours = self._herd.sows(seconds)
        label = self.label_at(seconds)
        kinds = ["resting" if label in LOOK_ALIKES else label]
        kinds += [f"neighbour {POSTURES_OF_NEIGHBOURS[sow.key.name]}" for sow in neighbours]
        places = [self._in_picture(sow, shake) for sow in (focal, *neighbours)]
        return tuple(Sighting(*place, kind) for place, kind in zip(places, kinds, strict=True))

    def _in_picture(self, animal: Animal, shake: tuple[int, int]) -> tuple[float, float]:
        zoom = self._herd.layout.zoom
        x = (animal.x - WIDTH / 2) * zoom + WIDTH / 2 + shake[0]
        y = (animal.y - HEIGHT / 2) * zoom + HEIGHT / 2 + shake[1]
        return x / WIDTH, y / HEIGHT

    def frame(self, seconds: float, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
        """The picture at a moment, `[H, W, 3]`; the whole scene squashed to that size."""
        # Supersampling, against jagged edges in small pictures.
        factor = 2 if width * height < 320 * 200 else 1
        canvas = self._draw(seconds, width * factor, height * factor)
        if factor > 1:
            canvas = canvas.resize((width, height), Image.Resampling.BILINEAR)
        return self._camera.develop(canvas, seconds)

    def frames(
        self, times: Sequence[float] | NDArray[np.float64], width: int = WIDTH, height: int = HEIGHT
    ) -> NDArray[np.uint8]:
        """The pictures at some moments, `[N, H, W, 3]`."""
        pixels = np.empty((len(times), height, width, 3), np.uint8)
        for number, seconds in enumerate(times):
            pixels[number] = self.frame(float(seconds), width, height)
        return pixels

    def _draw(self, seconds: float, width: int, height: int) -> Image.Image:
        """All animals and things in white light, at canvas size."""
        shake = self._camera.shake(seconds)
        _, rails, mask = self._backdrop(width, height, *shake)
        groups = self._herd.animals(seconds)
        canvas = self._still_scene(width, height, shake, groups.still).copy()
        for animal in groups.moving:
            self._place(canvas, animal, shake)
        canvas.paste(rails, (0, 0), mask)
        return canvas

    def _draw_still_scene(
        self, width: int, height: int, shake: tuple[int, int], animals: tuple[Animal, ...]
    ) -> Image.Image:
        """The floor with the animals that do not stir: the same for many frames in a row."""
        canvas = self._backdrop(width, height, *shake)[0].copy()
        for animal in animals:
            self._place(canvas, animal, shake)
        return canvas

    def _place(self, canvas: Image.Image, animal: Animal, shake: tuple[int, int]) -> None:
        zoom = self._herd.layout.zoom
        across, down = canvas.width / WIDTH, canvas.height / HEIGHT
        scale = animal.scale * zoom
        needed = 1.1 * scale * max(across, down)
        level = _level(needed)
        sprite = self._sprite(animal.key, animal.coat, level)
        cos, sin = math.cos(animal.angle) * scale, math.sin(animal.angle) * scale
        wide = animal.side * animal.stretch
        matrix = (across * cos, -across * sin * wide, down * sin, down * cos * wide)
        left, top = self._in_picture(animal, shake)
        x, y = left * canvas.width, top * canvas.height
        if animal.coat != PIGLET:  # piglets are too low to cast more than their outline
            offset = 3.5 + 6.5 * animal.lift
            under = (x + offset * across, y + offset * down)
            darkness = 0.75 + 0.25 * animal.lift
            place_sprite(canvas, sprite, matrix, under, shadow_only=darkness)
        place_sprite(canvas, sprite, matrix, (x, y))

    def _paint_sprite(self, key: PoseKey, coat: int, level: float) -> Sprite:
        return paint(shape_of(key, level), self._coats[coat])

    def _paint_layers(self) -> tuple[Image.Image, Image.Image]:
        painter = PenPainter(self.config.seed, self._herd.layout)
        return painter.floor(), painter.rails()

    def _fit_backdrop(
        self, width: int, height: int, dx: int, dy: int
    ) -> tuple[Image.Image, Image.Image, Image.Image]:
        """Floor, rails and the rails' mask at canvas size, the picture moved by (dx, dy) units."""
        floor, rails = self._still_layers()
        factor = PenPainter.SCALE
        left, top = (BORDER - dx) * factor, (BORDER - dy) * factor
        box = (left, top, left + WIDTH * factor, top + HEIGHT * factor)
        fitted = rails.resize((width, height), Image.Resampling.BOX, box=box)
        ground = floor.resize((width, height), Image.Resampling.BOX, box=box)
        return ground.convert("RGBX"), fitted.convert("RGB").convert("RGBX"), fitted.getchannel("A")


def _level(needed: float) -> float:
    # Sprites are drawn at a few scales only, a factor of the square root of 2 apart, so that
    # pictures of a similar size share them.
    return 2.0 ** (math.ceil(2 * math.log2(needed)) / 2)


def _draw_coats(seed: int) -> tuple[Coat, ...]:
    """Coats of the focal sow, of the piglets, and of the neighbours left and right."""
    rng = random_stream(seed, "coats")

    def skin() -> tuple[float, float, float]:
        base = _SKINS[int(rng.random() * len(_SKINS))]
        tone = 0.94 + 0.1 * rng.random()
        return (base[0] * tone, base[1] * tone, base[2] * tone)

    mark = _MARKS[int(rng.random() * len(_MARKS))]
    is_double = rng.random() < 0.5
    dark = (62.0, 54.0, 52.0)
    return (
        Coat(skin=skin(), mark=mark, mark_double=is_double, seed=seed % 997),
        Coat(skin=(230, 178, 158), seed=1),
        Coat(skin=skin(), patch=dark if rng.random() < 0.4 else None, seed=2),
        Coat(skin=skin(), patch=dark if rng.random() < 0.4 else None, seed=3),
    )
