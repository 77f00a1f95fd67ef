"""Pictures of animals: capsules of a posture to a shaded, coloured image with soft edges.

The parts form a height field; what faces the lamp is bright, what falls away is dark. The shape of
a posture is computed once per process, its colours once per animal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidmem.data.barn import bodies
from vidmem.data.barn.bodies import PARTS, BodyPart, Posture

_SMOOTH = 4.0  # units over which two parts melt into one
_MARGIN = 9.0  # units around the body, room for the shadow
_SHADOW_OPACITY = 0.5
FAR_SHADOW = 0.42
"""Darkness of the shadow of a body that stands."""


SOW_POSTURES: dict[str, tuple[Callable[[float], Posture], int]] = {
    "standing": (lambda a: bodies.standing(bend=0.38 * math.sin(a)), 24),
    "walking": (bodies.walking, 16),
    "feeding": (bodies.feeding, 16),
    "drinking": (bodies.drinking, 12),
    "lateral": (lambda a: bodies.lateral(0.5 - 0.5 * math.cos(a)), 8),
    "sternal": (lambda a: bodies.sternal(2.5 * math.sin(a)), 8),
    "curled": (lambda a: bodies.curled(1.5 * math.sin(a)), 8),
}
"""Postures with a movement that repeats: the function of its phase, and how many are drawn."""


@dataclass(frozen=True)
class PoseKey:
    """One drawn posture: `phase` of `name`, `step` of `STEPS` on the way to `other`."""

    name: str
    phase: int = 0
    other: str = ""
    step: int = 0
    piglet: bool = False


STEPS = 6
"""Steps of the movement from one posture to another."""


@dataclass(frozen=True)
class Shape:
    """A posture as arrays `[h, w]`: what part is on top, how bright, how much covered."""

    origin: tuple[float, float]  # of the pig's coordinates, in pixels
    scale: float  # pixels per unit
    part: NDArray[np.uint8]
    shade: NDArray[np.float16]
    cover: NDArray[np.uint8]  # of 255
    shadow: NDArray[np.uint8]  # of 255: close to the body
    far_shadow: NDArray[np.uint8]  # of 255: wide, of a body that stands


@dataclass(frozen=True)
class Coat:
    """An animal's colours, red, green and blue from 0 to 255."""

    skin: tuple[float, float, float] = (226, 176, 160)
    patch: tuple[float, float, float] | None = None
    mark: tuple[float, float, float] | None = None
    mark_double: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Sprite:
    """A picture with alpha (mode RGBX: Pillow blends all four bands alike), and its shadow."""

    image: Image.Image
    shadow: Image.Image
    origin: tuple[float, float]
    scale: float


def posture_of(key: PoseKey) -> Posture:
    """The capsules of a pose."""
    function, phases = SOW_POSTURES[key.name]
    posture = function(2 * math.pi * key.phase / phases)
    if key.other:
        posture = bodies.blend(posture, SOW_POSTURES[key.other][0](0.0), key.step / STEPS)
    return _as_piglet(posture) if key.piglet else posture


def _as_piglet(posture: Posture) -> Posture:
    """Rounder, with a bigger head and no udder."""
    small = posture.copy()
    small[:, 4:6] *= 1.22
    heads = np.array([p in (BodyPart.HEAD, BodyPart.SNOUT, BodyPart.EAR) for p in PARTS])
    small[heads, 4:6] *= 1.1
    small[np.array([p is BodyPart.UDDER for p in PARTS]), 4:6] *= 0.3
    return small


@lru_cache(maxsize=400)
def shape_of(key: PoseKey, scale: float) -> Shape:
    """Render the height field of a pose at `scale` pixels per unit."""
    rows = posture_of(key)
    ends, radii = rows[:, :4].reshape(-1, 2), rows[:, 4:6].reshape(-1, 1)
    low = (ends - radii).min(axis=0) - _MARGIN
    high = (ends + radii).max(axis=0) + _MARGIN
    width, height = (math.ceil(v) for v in (high - low) * scale)
    field = np.full((height, width), -30.0, np.float32)
    distance = np.full((height, width), 60.0, np.float32)
    part = np.zeros((height, width), np.uint8)
    for row, kind in zip(rows, PARTS, strict=True):
        _add_capsule(row, kind, low, scale, (field, distance, part))
    cover = np.clip(0.5 - distance * scale, 0, 1)
    return Shape(
        origin=(float(-low[0]) * scale, float(-low[1]) * scale),
        scale=scale,
        part=part,
        shade=_shade(field, distance, scale).astype(np.float16),
        cover=_bytes(cover),
        shadow=_bytes(_blur(cover, 3.5 * scale)),
        far_shadow=_bytes(FAR_SHADOW * _blur(cover, 5 * scale)),
    )


def _bytes(share: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (share * 255 + 0.5).astype(np.uint8)


def _add_capsule(
    row: NDArray[np.float32],
    kind: BodyPart,
    low: NDArray[np.float32],
    scale: float,
    fields: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]],
) -> None:
    """Melt one capsule into the height field, within its own rectangle."""
    x0, y0, x1, y1, r0, r1, z0, z1 = (float(v) for v in row)
    reach = max(r0, r1) + _SMOOTH
    left = max(int((min(x0, x1) - reach - low[0]) * scale), 0)
    top = max(int((min(y0, y1) - reach - low[1]) * scale), 0)
    right = int((max(x0, x1) + reach - low[0]) * scale) + 1
    bottom = int((max(y0, y1) + reach - low[1]) * scale) + 1
    box = (slice(top, bottom), slice(left, right))
    field, distance, part = (array[box] for array in fields)
    x = (np.arange(field.shape[1], dtype=np.float32) + left + 0.5) / scale + low[0] - x0
    y = ((np.arange(field.shape[0], dtype=np.float32) + top + 0.5) / scale + low[1] - y0)[:, None]
    dx, dy = x1 - x0, y1 - y0
    along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
    radius = r0 + (r1 - r0) * along
    apart = np.hypot(x - dx * along, y - dy * along)
    inside = np.sqrt(np.maximum(radius * radius - apart * apart, 0))
    mine = np.where(apart < radius, z0 + (z1 - z0) * along + inside, -30.0)
    part[mine > field] = kind
    gap = np.maximum(_SMOOTH - np.abs(mine - field), 0)
    np.maximum(field, mine, out=field)
    field += np.where(field > -25, gap * gap / (4 * _SMOOTH), 0)
    np.minimum(distance, apart - radius, out=distance)


def _shade(
    field: NDArray[np.float32], distance: NDArray[np.float32], scale: float
) -> NDArray[np.float32]:
    """Light from above on the height field, soft towards the rim."""
    floor = np.maximum(field, 0)
    smooth = _blur(floor, 1.3 * scale)
    slope_y, slope_x = np.gradient(smooth, 1 / scale)
    facing = 1 / np.sqrt(1 + 0.55 * (slope_x**2 + slope_y**2))
    rim = np.clip(-distance / 7, 0, 1) ** 0.6
    return (0.50 + 0.42 * facing + 0.12 * rim + 0.0012 * np.clip(floor - 20, 0, 40)).astype(
        np.float32
    )


def _blur(array: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Gaussian blur with standard deviation `radius` pixels, zero beyond the edges."""
    reach = max(math.ceil(2.2 * radius), 1)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2).astype(np.float32)
    taps /= taps.sum()
    padded = np.pad(array, reach)
    height, width = array.shape
    rows = sum(tap * padded[:, i : i + width] for i, tap in enumerate(taps))
    return sum(tap * rows[i : i + height] for i, tap in enumerate(taps))  # type: ignore[index]


@lru_cache(maxsize=4)
def _mottle(seed: int) -> NDArray[np.float32]:
    """Uneven skin: blotches around 1, in the pig's coordinates at one pixel per unit."""
    rng = np.random.Generator(np.random.PCG64(seed))
    total = np.ones((256, 256), np.float32)
    for cells, strength in ((9, 0.045), (30, 0.04), (110, 0.045)):
        grid = Image.fromarray(rng.integers(0, 256, (cells, cells), np.uint8))
        total += strength * (
            np.asarray(grid.resize((256, 256), Image.Resampling.BICUBIC)) / 128 - 1
        )
    streaks = Image.fromarray(rng.integers(0, 256, (200, 40), np.uint8))
    hair = np.asarray(streaks.resize((256, 256), Image.Resampling.BICUBIC), np.float32)
    return (total + 0.03 * (hair / 128 - 1)).astype(np.float32)


_PART_TINTS = {
    BodyPart.HEAD: (1.0, 0.985, 0.98),
    BodyPart.SNOUT: (0.93, 0.76, 0.74),
    BodyPart.EAR: (0.93, 0.76, 0.73),
    BodyPart.LEG: (0.93, 0.89, 0.86),
    BodyPart.HOOF: (0.52, 0.47, 0.44),
    BodyPart.TAIL: (0.95, 0.85, 0.83),
    BodyPart.UDDER: (1.02, 0.80, 0.78),
}


def paint(shape: Shape, coat: Coat) -> Sprite:
    """Colour a shape and lay it on its own soft shadow."""
    tints = np.ones((len(BodyPart), 3), np.float32)
    for kind, tint in _PART_TINTS.items():
        tints[kind] = tint
    skin = np.array(coat.skin, np.float32)
    height, width = shape.part.shape
    x = (np.arange(width) + 0.5 - shape.origin[0]) / shape.scale
    y = (np.arange(height) + 0.5 - shape.origin[1])[:, None] / shape.scale
    colour = tints[shape.part] * skin
    body = (shape.part == BodyPart.BODY) | (shape.part == BodyPart.TAIL)
    if coat.patch is not None:
        edge = x + 5 * np.sin(y / 7 + coat.seed)
        colour[body & (edge > 2) & (edge < 34)] = coat.patch
    if coat.mark is not None:
        share = _mark(x, y, coat)[..., None] * body[..., None]
        colour += share * (np.array(coat.mark, np.float32) - colour)
    rows = np.clip(y[:, 0] + 128, 0, 255).astype(int)
    columns = np.clip(x + 128, 0, 255).astype(int)
    colour *= (shape.shade * _mottle(coat.seed)[rows][:, columns])[..., None]
    cover = shape.cover[..., None] / np.float32(255)
    shadow = shape.shadow[..., None] * np.float32(_SHADOW_OPACITY / 255)
    alpha = cover + (1 - cover) * shadow
    dark = np.array((28, 22, 18), np.float32)
    over = (colour * cover + dark * (1 - cover) * shadow) / np.maximum(alpha, 1e-3)
    pixels = np.concatenate([over, alpha * 255], axis=-1)
    return Sprite(
        image=_four_bands(np.clip(pixels + 0.5, 0, 255).astype(np.uint8)),
        shadow=Image.fromarray(shape.far_shadow),
        origin=shape.origin,
        scale=shape.scale,
    )


def _four_bands(pixels: NDArray[np.uint8]) -> Image.Image:
    height, width, _ = pixels.shape
    return Image.frombuffer(
        "RGBX", (width, height), np.ascontiguousarray(pixels), "raw", "RGBX", 0, 1
    )


def _mark(x: NDArray[np.float64], y: NDArray[np.float64], coat: Coat) -> NDArray[np.float64]:
    """Strength of the spray mark: a band across the loin, with fuzzy edges, maybe a second one."""
    band = np.clip(1.4 - np.abs(x + 22 + 2.5 * np.sin(y / 6)) / 5.5, 0, 1)
    if coat.mark_double:
        band = np.maximum(band, np.clip(1.4 - np.abs(x - 4 + 2.5 * np.sin(y / 6)) / 5.5, 0, 1))
    return 0.88 * band


def place_sprite(
    canvas: Image.Image,
    sprite: Sprite,
    matrix: tuple[float, float, float, float],
    centre: tuple[float, float],
    *,
    shadow_only: float = 0.0,
) -> None:
    """Draw a sprite on an RGBX canvas.

    Args:
        canvas: Drawn on in place.
        sprite: What to draw.
        matrix: From the pig's units to canvas pixels: xx, xy, yx, yy.
        centre: Canvas position of the pig's origin.
        shadow_only: Above 0: only its shadow, at this share of its darkness.
    """
    source = sprite.shadow if shadow_only else sprite.image
    a, b, c, d = (value / sprite.scale for value in matrix)
    ox, oy = sprite.origin
    corners = [(x - ox, y - oy) for x in (0, source.width) for y in (0, source.height)]
    xs = [a * x + b * y + centre[0] for x, y in corners]
    ys = [c * x + d * y + centre[1] for x, y in corners]
    left, top = max(math.floor(min(xs)), 0), max(math.floor(min(ys)), 0)
    right, bottom = min(math.ceil(max(xs)), canvas.width), min(math.ceil(max(ys)), canvas.height)
    if right <= left or bottom <= top:
        return
    det = a * d - b * c
    ia, ib, ic, id_ = d / det, -b / det, -c / det, a / det
    sx, sy = left - centre[0], top - centre[1]
    affine = (ia, ib, ia * sx + ib * sy + ox, ic, id_, ic * sx + id_ * sy + oy)
    patch = source.transform(
        (right - left, bottom - top), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR
    )
    if shadow_only:
        mask = patch if shadow_only == 1 else patch.point(lambda value: value * shadow_only)
        canvas.paste((26, 20, 17, 0), (left, top, right, bottom), mask)
    else:
        canvas.paste(patch, (left, top), patch.getchannel("X"))
