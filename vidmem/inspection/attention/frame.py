"""Where one frame of a Spool's window looks: which frames, and where in them.

What a head may not look at is NaN; what it may and does not is 0.

Letters: Y layers, A heads, F frames, P tokens of a frame, Q queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from vidmem.inspection.attention.maps import MAX_SIDE, WHOLE, PictureBox, TokenGrid, sample_axes
from vidmem.inspection.attention.weights import frame_weights
from vidmem.inspection.records import ArrayRecord
from vidmem.nn.capture import Capture, FrameRead
from vidmem.nn.frames import FrameLayout
from vidmem.renamed import renamed_fields


@dataclass(frozen=True)
class Spot:
    """The queries: a frame of the window, and which part of it."""

    frame: int = -1
    """From 0; -1 is the newest."""

    region: PictureBox = WHOLE


@dataclass(frozen=True, kw_only=True)
class HeadDetail:
    """How much is computed; the default costs little of a step."""

    max_side: int | None = MAX_SIDE
    """Rows and columns of a thumbnail, and frames with a map; None: all frames."""

    patches_per_frame: int | None = 2
    """Queries of a frame, evenly spread, from which the overview is made; None: all."""

    max_queries: int | None = 64
    """Queries of the picked region, evenly spread; None: all."""


@renamed_fields({"asked": "region"})
@dataclass(frozen=True, eq=False, repr=False)
class FrameLook(ArrayRecord):
    """Where one frame, or a region of it, looks: the mean of its queries. Arrays are float32."""

    frame: int
    """The frame whose tokens are the queries."""

    region: PictureBox
    """The part of its picture whose tokens are the queries."""

    num_tokens: int
    """Tokens in that part."""

    num_queries: int
    """How many of them, evenly spread, were computed."""

    frames: tuple[int, ...]
    """F frames that some head may look at, in order."""

    frame_share: np.ndarray
    """`[Y, A, F]`. With `context_share` it sums to 1."""

    context_share: np.ndarray
    """`[Y, A, 2]`: of the start and the end context frame; `[Y, A, 0]` without them."""

    map_frames: tuple[int, ...]
    """The frames that have a map: all of `frames`, or the nearest where there are many."""

    maps: np.ndarray
    """`[Y, A, map_frames, rows, columns]`: over the patches of a frame; sums to its share."""


@torch.no_grad()
def view_frame(
    seen: Capture,
    grid: tuple[int, int],
    spot: Spot | None = None,
    *,
    row: int = 0,
    detail: HeadDetail | None = None,
) -> FrameLook:
    """Where a frame, or a region of it, looked in a captured step.

    Args:
        seen: A capture of one step.
        grid: Rows and columns of a frame's tokens; see `patch_grid`.
        spot: The frame that looks; None: the newest.
        row: Stream of the batch.
        detail: How much to compute; None: the default.

    Raises:
        ValueError: If nothing was captured of that stream, or the grid does not fit.
        IndexError: If there is no such frame.
    """
    spot, detail, reads = spot or Spot(), detail or HeadDetail(), reads_of(seen, row)
    layout = reads[0].layout.unpadded()
    check_grid(grid, layout)
    frame, there = _checked_frame(spot.frame, layout), TokenGrid(*grid)
    rows, columns = there.box(spot.region)
    down, across = sample_axes((len(rows), len(columns)), detail.max_queries)
    # Numbers of the sampled patches in their frame, then of their tokens in the sequence.
    patches = (down + rows.start)[:, None] * there.columns + across + columns.start
    edge, tokens = layout.num_context_frames, layout.tokens_per_frame
    queries = torch.from_numpy(patches.flatten()) + (frame + edge) * tokens
    weights = [frame_weights(read, queries, row=row) for read in reads]
    means_YAFP = torch.stack([one.marked().mean(1) for one in weights]).unflatten(2, (-1, tokens))
    # The frames of the keys, the first real one being 0; context frames come first and last.
    frames = (weights[0].keys[::tokens] // tokens - edge).tolist()
    shares_YAF, real = means_YAFP.sum(-1), list(range(edge, len(frames) - edge))
    near = _nearest(frames, real, frame, detail.max_side)
    return FrameLook(
        frame=frame,
        region=there.region(rows, columns),
        num_tokens=len(rows) * len(columns),
        num_queries=len(queries),
        frames=tuple(frames[at] for at in real),
        frame_share=shares_YAF[:, :, real].numpy(),
        context_share=shares_YAF[:, :, [0, -1] if edge else []].numpy(),
        map_frames=tuple(frames[at] for at in near),
        maps=means_YAFP[:, :, near].unflatten(3, grid).numpy(),
    )


def reads_of(seen: Capture, row: int) -> list[FrameRead]:
    """The newest attention of each layer that the stream was in, in order."""
    reads = [read for read in seen.frame_reads if has_row(read, row)]
    # In the order of the calls: of several steps in one capture the last one stays.
    newest = {read.place.layer: read for read in reads if read.place.layer is not None}
    if not newest:
        raise ValueError(f"nothing was captured of stream {row}; call step inside capture()")
    return [newest[layer] for layer in sorted(newest)]


def has_row(read: FrameRead, row: int) -> bool:
    """Whether a stream is in the batch of a read."""
    rows = read.place.rows
    return row in (range(len(read.query)) if rows is None else rows.tolist())


def check_grid(grid: tuple[int, int], layout: FrameLayout) -> None:
    """Raise a `ValueError` unless the grid has the tokens of a frame."""
    if grid[0] * grid[1] != layout.tokens_per_frame:
        raise ValueError(f"a frame has {layout.tokens_per_frame} tokens, got a grid of {grid}")


def _checked_frame(frame: int, layout: FrameLayout) -> int:
    total = layout.num_frames
    if not -total <= frame < total:
        raise IndexError(f"frame must be in [0, {total}), the frames of the window, got {frame}")
    return frame % total


def _nearest(frames: list[int], real: list[int], frame: int, most: int | None) -> list[int]:
    """Places, out of `real`, of the `most` frames nearest to `frame`, in order."""
    return sorted(sorted(real, key=lambda at: abs(frames[at] - frame))[:most])
