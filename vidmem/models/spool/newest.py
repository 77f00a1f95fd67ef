"""What each temporal block has to compute where only the newest frames are to be scored.

A frame's score depends on the frames within the range of a block, on those within their range in
the block before, and so on. Context frames see the whole window, and are seen by every frame of the
next block: so all frames go through all blocks but the last two.

    block      context frames    frames (4 blocks, range 2, the newest 3 of 9)
    1, 2       x                 x x x x x x x x x
    3          x                         x x x x x
    4                                        x x x
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vidmem.nn.frames import FrameLayout


@dataclass(frozen=True)
class BlockFrames:
    """The frames of one block."""

    layout: FrameLayout
    """Those given to it."""

    num_newest: int
    """Real frames that it gives: the last ones of those. It gives context frames as well."""


def newest_through_blocks(
    num_layers: int, layout: FrameLayout, num_newest: int
) -> Iterator[BlockFrames]:
    """The frames of each block, in order.

    Args:
        num_layers: Blocks.
        layout: Of the whole window, without padding.
        num_newest: Frames that are to be scored, at least 1.
    """
    for later in reversed(range(num_layers)):  # blocks after this one
        wanted = min(num_newest + layout.local_frame_range * later, layout.num_frames)
        if layout.has_context_frames and later > 1:
            yield BlockFrames(layout, layout.num_frames)
            continue
        if not (layout.has_context_frames and later):
            layout = layout.newest(wanted + layout.local_frame_range)
        yield BlockFrames(layout, wanted)
        layout = layout.newest(wanted)
