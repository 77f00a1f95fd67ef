"""At which size a picture is decoded for its regions, and where each is cut out there.

source 1280 x 720, four tiles, a model of 112 x 112 pixels that takes any shape

decoded   224 x 224       so that every tile has the model's pixels
cut       112 x 112       of each tile, and nothing is left to resize
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vidmem.models.interface import ModelCard
from vidmem.streaming.regions import Region
from vidmem.video.probe import VideoInfo
from vidmem.video.transforms import decode_size

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, half open."""


@dataclass(frozen=True)
class Cut:
    """How one region comes out of decoded pictures."""

    decoded: tuple[int, int]
    """Width and height to decode at."""

    box: Box
    """On the decoded picture."""

    size: tuple[int, int]
    """Width and height that the model's preprocessing begins with."""

    is_plain: bool
    """The whole picture, decoded just as without regions."""


def cuts(info: VideoInfo, regions: Sequence[Region], card: ModelCard) -> dict[str, Cut]:
    """How each region is cut out, by name.

    One size to decode at serves them all: the least at which none has fewer pixels than the model
    takes, but not more than the source has. A region that is the whole picture is decoded at the
    model's own size, so that it is the same as without regions.

    Raises:
        SettingError: If a region is too small.
    """
    source = (info.width, info.height)
    boxes = {region.name: region.pixels(*source) for region in regions}
    sizes = {name: _model_size(box, card) for name, box in boxes.items()}
    plain = _model_size((0, 0, *source), card)
    parts = [name for name, box in boxes.items() if box != (0, 0, *source)]
    shared = _shared_size(source, [(boxes[name], sizes[name]) for name in parts])
    found = {name: Cut(plain, (0, 0, *plain), plain, is_plain=True) for name in boxes}
    for name in parts:
        box = _scaled(boxes[name], source, shared, sizes[name])
        found[name] = Cut(shared, box, sizes[name], is_plain=False)
    return found


def _model_size(box: Box, card: ModelCard) -> tuple[int, int]:
    left, top, right, bottom = box
    return decode_size(
        right - left,
        bottom - top,
        frame_width=card.frame_width,
        frame_height=card.frame_height,
        resize=card.resize,
    )


def _shared_size(
    source: tuple[int, int], parts: Sequence[tuple[Box, tuple[int, int]]]
) -> tuple[int, int]:
    needed = [
        [-(-source[axis] * size[axis] // (box[axis + 2] - box[axis])) for box, size in parts]
        for axis in (0, 1)
    ]
    width, height = (min(source[axis], max(needed[axis], default=1)) for axis in (0, 1))
    return width, height


def _scaled(
    box: Box, source: tuple[int, int], decoded: tuple[int, int], size: tuple[int, int]
) -> Box:
    left, right = _scaled_side(box[0], box[2], source[0], decoded[0], size[0])
    top, bottom = _scaled_side(box[1], box[3], source[1], decoded[1], size[1])
    return left, top, right, bottom


def _scaled_side(start: int, end: int, source: int, decoded: int, wanted: int) -> tuple[int, int]:
    """A side of a box on the decoded picture; less than a pixel is not worth resizing for."""
    exact_start, exact_size = start * decoded / source, (end - start) * decoded / source
    size = wanted if abs(exact_size - wanted) < 1 else max(round(exact_size), 1)
    first = round(exact_start + (exact_size - size) / 2)
    first = min(max(first, 0), decoded - size)
    return first, first + size
