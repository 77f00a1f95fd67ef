"""Where the lookback and lookahead heads of a Spool look, in time and in the picture.

    with capture() as seen:
        output = model.step(clip, state)
    view = view_heads(seen, patch_grid(model))
    view.offset_share  # [layers, heads, offsets]
    look = view_frame(seen, patch_grid(model), Spot(frame=-1, region=PictureBox.at(0.4, 0.7)))
    look.maps  # [layers, heads, frames, rows, columns]

Frames are those of the window, real ones counted from 0; sequences count the context frames too.
What a head may not look at is NaN; what it may and does not is 0.

Letters: Y layers, A heads, F frames, P tokens of a frame, G groups of frames, Q queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vidmem.inspection.attention.band_shares import band_shares, bands, context_shares
from vidmem.inspection.attention.frame import (
    FrameLook,
    HeadDetail,
    Spot,
    check_grid,
    has_row,
    reads_of,
    view_frame,
)
from vidmem.inspection.attention.maps import sample_axes, sum_groups
from vidmem.inspection.records import ArrayRecord
from vidmem.models import Spool, SpoolState
from vidmem.nn.capture import Capture, FrameRead, capture
from vidmem.nn.frames import FrameLayout


@dataclass(frozen=True, eq=False, repr=False)
class HeadView(ArrayRecord):
    """Where all heads of a window look. Arrays are float32."""

    layout: FrameLayout
    """The window; the first heads look back, the others ahead."""

    frame_seconds: np.ndarray | None
    """`[T]`, float64: source time of each frame; None where it is not known."""

    offsets: np.ndarray
    """`[2 * reach + 1]`, int64: frames from the one that looks, earlier ones negative."""

    offset_share: np.ndarray
    """`[Y, A, 2 * reach + 1]`: the mean over frames; near an end of the window what is not there
    counts as 0. With `context_share` it sums to 1."""

    context_share: np.ndarray
    """`[Y, A, 2]`: of the start and the end context frame, mean over frames; `[Y, A, 0]` without
    them."""

    edges: np.ndarray
    """`[G + 1]`, int64: how the frames of the sequence are grouped; context frames are groups."""

    thumbnails: np.ndarray
    """`[Y, A, G, G]`: from a group's first frame (rows) to all frames of one; rows sum to 1."""

    num_queries: int
    """Queries from which the thumbnails and the shares by offset were made."""

    @property
    def gathered(self) -> np.ndarray:
        """`[Y, A, 2, G]`: what the start and the end context frame gather from each group."""
        ends = [0, -1] if self.layout.has_context_frames else []
        return self.thumbnails[:, :, ends]

    @property
    def mean_distance(self) -> np.ndarray:
        """`[Y, A]`: frames between the one that looks and what it sees, context frames apart."""
        share = np.nan_to_num(self.offset_share)
        with np.errstate(invalid="ignore"):  # 0 / 0, for a head that sees context frames alone
            return (share * np.abs(self.offsets)).sum(-1) / share.sum(-1)

    def direction(self, head: int) -> Literal["lookback", "lookahead"]:
        """Where a head looks."""
        return "lookback" if head < self.layout.num_lookback_heads else "lookahead"


@dataclass(frozen=True, eq=False, repr=False)
class HeadInspection(ArrayRecord):
    """All heads of a window, and where one frame of it looks."""

    heads: HeadView
    look: FrameLook


@torch.no_grad()
def inspect_heads(
    model: Spool,
    clip: Tensor,
    state: SpoolState,
    clip_seconds: Tensor | None = None,
    *,
    spot: Spot | None = None,
    row: int = 0,
    detail: HeadDetail | None = None,
) -> HeadInspection:
    """Run one step of one stream and say where its heads look; `state` is left as it was.

    Args:
        model: In eval mode.
        clip: `[B, T, 3, H, W]`, as `Spool.step` takes it, or the features `[B, T, P, F]` of its
            frames.
        state: Before that clip.
        clip_seconds: `[B, 2]`, source time of the clip.
        spot: The frame that looks; None: the newest.
        row: Stream of the batch.
        detail: How much to compute; None: the default.
    """
    one = slice(row, row + 1)
    state = state.select([row])
    features = clip[one] if clip.ndim == 4 else model.encode(clip[one])
    seconds = None if clip_seconds is None else clip_seconds[one]
    with capture() as seen:
        model.step_features(features, state, seconds)
    step = model.config.frame_step
    num_frames = features.shape[1] * step if clip.ndim == 4 else clip.shape[1]
    times = None
    if seconds is not None:
        times = window_seconds(state, seconds, num_frames, frame_step=step)
    grid = patch_grid(model)
    return HeadInspection(
        heads=view_heads(seen, grid, detail=detail, frame_seconds=times),
        look=view_frame(seen, grid, spot, detail=detail),
    )


def view_heads(
    seen: Capture,
    grid: tuple[int, int],
    *,
    row: int = 0,
    detail: HeadDetail | None = None,
    frame_seconds: np.ndarray | None = None,
) -> HeadView:
    """Where the heads of one stream looked in a captured step.

    Args:
        seen: A capture of one step.
        grid: Rows and columns of a frame's tokens; see `patch_grid`.
        row: Stream of the batch.
        detail: How much to compute; None: the default.
        frame_seconds: `[T]`, see `window_seconds`.

    Raises:
        ValueError: If nothing was captured of that stream, or the grid does not fit.
    """
    watch = HeadWatch(grid, row=row, detail=detail)
    for read in reads_of(seen, row):
        watch(read)
    return watch.view(frame_seconds)


class HeadWatch:
    """Makes a `HeadView` while the model runs, so that no layer's queries and keys are held.

        watch = HeadWatch(patch_grid(model))
        with capture(on_frames=watch):
            output = model.step(clip, state)
        view = watch.view()

    Args:
        grid: Rows and columns of a frame's tokens.
        row: Stream of the batch.
        detail: How much to compute; None: the default.
    """

    def __init__(
        self, grid: tuple[int, int], *, row: int = 0, detail: HeadDetail | None = None
    ) -> None:
        self.grid, self.row, self.detail = grid, row, detail or HeadDetail()
        self._patches = _spread_patches(grid, self.detail)
        self._layers: dict[int, tuple[Tensor, Tensor | None]] = {}
        self._layout: FrameLayout | None = None

    @torch.no_grad()
    def __call__(self, read: FrameRead) -> None:
        """Take one layer's attention from `capture`; that of other streams is ignored."""
        if read.place.layer is None or not has_row(read, self.row):
            return
        layout = read.layout.unpadded()
        check_grid(self.grid, layout)
        if layout != self._layout:  # the window grew, or its range was changed
            self._layers.clear()
        self._layout = layout
        step = _frames_per_group(layout, self.detail)
        shares = band_shares(read, self.row, step, self._patches)
        gathered = None
        if layout.has_context_frames:
            gathered = context_shares(read, self.row, self._patches)
        self._layers[read.place.layer] = (shares, gathered)

    def view(self, frame_seconds: np.ndarray | None = None) -> HeadView:
        """Where the heads looked in the newest step; see `view_heads`.

        Raises:
            ValueError: If nothing was captured.
        """
        layout = self._layout
        if layout is None:
            raise ValueError(f"nothing was captured of stream {self.row}")
        step = _frames_per_group(layout, self.detail)
        layers = [self._layers[layer] for layer in sorted(self._layers)]
        shares_YAnW, edges = torch.stack([shares for shares, _ in layers]), _edges(layout, step)
        thumbnails = _thumbnails(layout, step, shares_YAnW)
        if layout.has_context_frames:
            gathered = torch.stack([one for _, one in layers if one is not None]).numpy()
            thumbnails[:, :, [0, -1]] = _sum_seen(gathered, edges)
        offset_share, context_share = _by_offset(layout, step, shares_YAnW)
        return HeadView(
            layout=layout,
            frame_seconds=frame_seconds,
            offsets=np.arange(-layout.reach, layout.reach + 1),
            offset_share=offset_share,
            context_share=context_share,
            edges=edges,
            thumbnails=thumbnails,
            num_queries=(len(edges) - 1) * len(self._patches),
        )


def patch_grid(model: Spool) -> tuple[int, int]:
    """Rows and columns of the tokens of a frame, as the model's card wants its frames."""
    return model.token_grid(model.card.frame_height, model.card.frame_width)


def window_seconds(
    state: SpoolState, clip_seconds: Tensor, num_frames: int, *, row: int = 0, frame_step: int = 1
) -> np.ndarray:
    """`[T]`, float64: source time of the frames of the window that a clip ends.

    Args:
        state: Before that clip.
        clip_seconds: `[B, 2]`, source time of the clip.
        num_frames: Sampled frames of the clip.
        row: Stream of the batch.
        frame_step: Sampled frames for each frame of the window, of which the last one was encoded:
            its time is given. See `SpoolConfig.frame_step`.
    """
    held = state.slot_clips[row] >= 0
    whole = state.clip_frames * frame_step
    past = [(*span, whole) for span in state.slot_seconds[row][held].tolist()]
    spans = [*past, (*clip_seconds[row].tolist(), num_frames)]
    # The state holds a span for each clip; its sampled frames lie evenly in it.
    sampled = [np.linspace(a, b, n, endpoint=False) for a, b, n in spans]
    return np.concatenate([_last_of_groups(times, frame_step) for times in sampled])


def _last_of_groups(times: np.ndarray, step: int) -> np.ndarray:
    ends = np.arange(step - 1, len(times) + step - 1, step)
    return times[np.minimum(ends, len(times) - 1)]


def _spread_patches(grid: tuple[int, int], detail: HeadDetail) -> Tensor:
    rows, columns = sample_axes(grid, detail.patches_per_frame)
    return torch.from_numpy((rows[:, None] * grid[1] + columns).flatten())


def _frames_per_group(layout: FrameLayout, detail: HeadDetail) -> int:
    if detail.max_side is None:
        return 1
    # Each context frame is a group, so it takes a row and a column of the thumbnail.
    return -(-layout.num_frames // max(detail.max_side - 2 * layout.num_context_frames, 1))


def _edges(layout: FrameLayout, step: int) -> np.ndarray:
    """`[G + 1]`: where the groups of the sequence's frames begin; context frames are groups."""
    edge, total = layout.num_context_frames, layout.num_frames
    firsts = edge + np.arange(0, total, step)
    return np.array([*[0] * edge, *firsts, edge + total, *[total + 2] * edge])


def _thumbnails(layout: FrameLayout, step: int, shares_YAnW: Tensor) -> np.ndarray:
    """`[Y, A, G, G]`; the rows of context frames are left NaN."""
    edge, num_looking = layout.num_context_frames, shares_YAnW.shape[2]
    num_groups = num_looking + 2 * edge
    pictures = torch.full((*shares_YAnW.shape[:2], num_groups, num_groups), torch.nan)
    for band in bands(layout, step):
        shares, groups = shares_YAnW[:, band.heads], band.frames // step + edge
        rows = shares.new_zeros(*shares.shape[:3], num_groups)
        at = groups.expand(*shares.shape[:2], -1, -1)
        rows.scatter_add_(3, at, shares[..., : groups.shape[1]])
        counts = torch.zeros(num_looking, num_groups)
        # A group of which no frame is in range is masked; a share of 0 alone would not tell.
        is_seen = counts.scatter_add_(1, groups, band.is_seen.float()) > 0
        if edge:
            context = 0 if band.is_lookback else num_groups - 1
            rows[..., context], is_seen[:, context] = shares[..., -1], True
        pictures[:, band.heads, edge : edge + num_looking] = rows.masked_fill(~is_seen, torch.nan)
    return pictures.numpy()


def _sum_seen(shares: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """`[..., F]` to `[..., G]`: the sum of each group of frames, NaN where all of one are."""
    is_seen = np.add.reduceat(~np.isnan(shares), edges[:-1], axis=-1, dtype=np.int64) > 0
    return np.where(is_seen, sum_groups(np.nan_to_num(shares), edges), np.float32(np.nan))


def _by_offset(
    layout: FrameLayout, step: int, shares_YAnW: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """`[Y, A, offsets]` and `[Y, A, 2]` (context frames): the mean over the frames that look."""
    reach, num_looking = layout.reach, shares_YAnW.shape[2]
    by_offset = torch.full((*shares_YAnW.shape[:2], 2 * reach + 1), torch.nan)
    context = torch.full((*shares_YAnW.shape[:2], 2 * layout.num_context_frames), torch.nan)
    for band in bands(layout, step):
        shares, of_side = shares_YAnW[:, band.heads], slice(reach, 2 * reach + 1)
        sums = shares.new_zeros(*shares.shape[:2], reach + 1)
        # Frames out of range are clamped into it, but their shares are 0.
        distance = band.distance.clamp(0, reach).flatten().expand(*shares.shape[:2], -1)
        sums.scatter_add_(2, distance, shares[..., : reach + 1].flatten(2))
        means = sums / num_looking
        if band.is_lookback:
            means, of_side = means.flip(-1), slice(0, reach + 1)
        by_offset[:, band.heads, of_side] = means
        if layout.has_context_frames:
            context[:, band.heads, 0 if band.is_lookback else 1] = shares[..., -1].mean(2)
    return by_offset.numpy(), context.numpy()
