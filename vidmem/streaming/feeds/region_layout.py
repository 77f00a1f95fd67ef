"""At which size a picture is decoded for its regions, and where each is cut out there.

source 1280 x 720, four tiles, a model of 112 x 112 pixels that takes any shape

decoded   224 x 224       so that every tile has the model's pixels
cut       112 x 112       of each tile, and nothing is left to resize
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vidmem.models.interface import ModelCard
from vidmem.streaming.feeds.regions import Region
from vidmem.video.probe import VideoInfo
from vidmem.video.transforms import decode_size

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, half open."""

MOST_ENLARGED = 1.5
"""Times the size needed, at most, so that edges of regions fall between pixels."""

SIZE_COST = 0.2
"""What decoding at twice the size costs, in pixels by which the worst edge is off."""


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
    by_name = {name: Cut(plain, (0, 0, *plain), plain, is_plain=True) for name in boxes}
    for name in parts:
        box = _scaled(boxes[name], source, shared)
        by_name[name] = Cut(shared, box, sizes[name], is_plain=False)
    return by_name


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
    width, height = (
        _shared_side(source[axis], [(box[axis], box[axis + 2], size[axis]) for box, size in parts])
        for axis in (0, 1)
    )
    return width, height


def _shared_side(source: int, sides: Sequence[tuple[int, int, int]]) -> int:
    """Pixels to decode along one side, for parts of it: (start, end, pixels wanted)."""
    least = max((_least_side(source, *side) for side in sides), default=1)
    if least >= source:
        return source
    edges = [edge for start, end, _ in sides for edge in (start, end)]

    # At the least size edges may fall inside pixels; a somewhat larger picture may have all of them
    # between pixels, as the source has.
    def cost(decoded: int) -> float:
        offs = (abs(edge * decoded / source - round(edge * decoded / source)) for edge in edges)
        return max(offs, default=0.0) + SIZE_COST * (decoded / least - 1)

    return min(range(least, min(source, round(MOST_ENLARGED * least)) + 1), key=cost)


def _least_side(source: int, start: int, end: int, wanted: int) -> int:
    # Rounded up. Half a pixel less than wanted is not worth a larger picture.
    return -(-source * (2 * wanted - 1) // (2 * (end - start)))


def _scaled(box: Box, source: tuple[int, int], decoded: tuple[int, int]) -> Box:
    left, right = (round(box[at] * decoded[0] / source[0]) for at in (0, 2))
    top, bottom = (round(box[at] * decoded[1] / source[1]) for at in (1, 3))
    return left, top, max(right, left + 1), max(bottom, top + 1)
