"""Shifted 3-D attention windows as a partition of the token grid into boxes.

Video Swin (Liu et al., arXiv:2106.13230, section 3.1) rolls the grid by half a window, cuts it into
equal windows and masks the pairs of tokens that the roll brought together. The same pairs attend
when each axis is simply cut at other places: then there is neither roll nor mask, and no work on
masked pairs.

    size 14, window 7, shift 3      [0 1 2|3 4 5 6 7 8 9|10 11 12 13]
    size 14, window 7, no shift     [0 1 2 3 4 5 6|7 8 9 10 11 12 13]

Boxes of equal shape attend in one call. Integers only: no tensor of pixels or features passes here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import torch
from torch import Tensor

Size3 = tuple[int, int, int]


@dataclass(frozen=True)
class Segment:
    """A stretch of one axis whose tokens share an attention window: `[start, start + length)`."""

    start: int
    length: int
    offset: int
    """Where the segment begins inside its (rolled) window."""


@dataclass(frozen=True)
class BoxGroup:
    """Boxes of one shape: they attend in one batched call and share one bias."""

    num_boxes: int
    tokens_per_box: int
    window_positions: Tensor
    """`[tokens_per_box]`, the place of each token in the flattened window; says which bias."""


@dataclass(frozen=True, eq=False)
class AttentionWindowPlan:
    """How the tokens of one grid are brought into boxes and back.

    `order` and `restore` index the flattened `(T, H, W)` grid. Where the grid had to be padded, the
    index `num_tokens` in `order` stands for a padding token, which attends and is attended to.
    """

    num_tokens: int
    has_padding: bool
    order: Tensor
    restore: Tensor
    groups: tuple[BoxGroup, ...]


@dataclass(frozen=True)
class BoxRun:
    """Boxes that stand one after the other in `AttentionWindowPlan.order`."""

    start: int
    """Place of their first token in `order`."""

    stop: int
    """Place after their last token."""

    parts: tuple[tuple[int, BoxGroup], ...]
    """Which group of the plan, and those of its boxes that are in this run."""


def fit_window(size: Size3, window: Size3, shift: Size3) -> tuple[Size3, Size3]:
    """Shrink the window to the grid; an axis that fits in one window is not shifted."""
    fitted = [(n, 0) if n <= w else (w, s) for n, w, s in zip(size, window, shift, strict=True)]
    windows, shifts = zip(*fitted, strict=True)
    return windows, shifts


def cut_axis(size: int, window: int, shift: int) -> list[Segment]:
    """Cut an axis, padded to whole windows, as shifted windows with their mask would."""
    padded = -(-size // window) * window
    if shift == 0:
        return [Segment(start, window, 0) for start in range(0, padded, window)]
    # The roll takes the first `shift` tokens to the end of the last window, where the mask keeps
    # them apart from the tokens before them. So both are segments of their own.
    first = Segment(0, shift, window - shift)
    whole = [Segment(start, window, 0) for start in range(shift, padded - window, window)]
    return [first, *whole, Segment(padded - window + shift, window - shift, 0)]


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # a plan made for inference must serve training too
def window_plan(
    size: Size3, window: Size3, shift: Size3, device: torch.device
) -> AttentionWindowPlan:
    """Plan the boxes of a `(T, H, W)` grid; cached, since it depends on the shape alone.

    Args:
        size: Tokens per axis.
        window: Attention window, already fitted with `fit_window`.
        shift: Tokens by which boxes are shifted, per axis.
        device: Where the index tensors are wanted.
    """
    num_tokens = size[0] * size[1] * size[2]
    grid = _padded_grid(size, window)
    # Boxes of one shape, at one offset in their windows, have the same bias: they form a group.
    boxes: dict[tuple[Size3, Size3], list[Tensor]] = defaultdict(list)
    axes = [cut_axis(n, w, s) for n, w, s in zip(size, window, shift, strict=True)]
    for t, h, w in product(*axes):
        box = grid[_slice(t), _slice(h), _slice(w)].flatten()
        boxes[((t.length, h.length, w.length), (t.offset, h.offset, w.offset))].append(box)

    groups, order = [], []
    for (lengths, offsets), members in boxes.items():
        positions = _positions_in_window(lengths, offsets, window).to(device)
        groups.append(BoxGroup(len(members), members[0].numel(), positions))
        order.extend(members)
    flat_order = torch.cat(order)
    # Padding tokens all have the number `num_tokens`; that entry is cut off below.
    restore = torch.empty(int(flat_order.max()) + 1, dtype=torch.long)
    restore[flat_order] = torch.arange(flat_order.numel())
    return AttentionWindowPlan(
        num_tokens=num_tokens,
        has_padding=grid.numel() != num_tokens,
        order=flat_order.to(device),
        restore=restore[:num_tokens].to(device),
        groups=tuple(groups),
    )


@lru_cache(maxsize=256)
def runs_of(plan: AttentionWindowPlan, max_tokens: int) -> tuple[BoxRun, ...]:
    """Cut the boxes of a plan into runs of at most `max_tokens`, of at least one box each."""
    runs: list[BoxRun] = []
    parts: list[tuple[int, BoxGroup]] = []
    start = stop = 0
    for number, group in enumerate(plan.groups):
        left = group.num_boxes
        while left:
            room = (max_tokens - (stop - start)) // group.tokens_per_box
            # A box of more than `max_tokens` still gets a run, by itself.
            num_boxes = min(left, room if parts else max(room, 1))
            if num_boxes < 1:
                runs.append(BoxRun(start, stop, tuple(parts)))
                start, parts = stop, []
                continue
            parts.append((number, replace(group, num_boxes=num_boxes)))
            stop += num_boxes * group.tokens_per_box
            left -= num_boxes
    return (*runs, BoxRun(start, stop, tuple(parts)))


def whole_run(plan: AttentionWindowPlan) -> BoxRun:
    """All boxes of a plan."""
    return BoxRun(0, plan.order.numel(), tuple(enumerate(plan.groups)))


def relative_position_index(window: Size3) -> Tensor:
    """Row of the bias table for each pair of places in a window: `[tokens, tokens]`."""
    if torch.get_default_device().type == "meta":
        # Nothing but its size is wanted, and to count on such tensors torch loads its compiler.
        num_tokens = math.prod(window)
        return torch.empty(num_tokens, num_tokens, dtype=torch.long)
    axes = torch.meshgrid(*(torch.arange(w) for w in window), indexing="ij")
    places = torch.stack(axes).flatten(1)
    offset = places[:, :, None] - places[:, None, :]
    # Offsets go from -(w - 1) to w - 1; the table counts them from 0.
    t, h, w = (offset[i] + window[i] - 1 for i in range(3))
    return (t * (2 * window[1] - 1) + h) * (2 * window[2] - 1) + w


def _slice(segment: Segment) -> slice:
    return slice(segment.start, segment.start + segment.length)


def _padded_grid(size: Size3, window: Size3) -> Tensor:
    """Token numbers on the grid, padded at the ends with the number of tokens."""
    num_tokens = size[0] * size[1] * size[2]
    padded = [-(-n // w) * w for n, w in zip(size, window, strict=True)]
    grid = torch.full(padded, num_tokens, dtype=torch.long)
    grid[: size[0], : size[1], : size[2]] = torch.arange(num_tokens).view(size)
    return grid


def _positions_in_window(lengths: Size3, offsets: Size3, window: Size3) -> Tensor:
    axes = [torch.arange(o, o + n) for n, o in zip(lengths, offsets, strict=True)]
    t, h, w = torch.meshgrid(*axes, indexing="ij")
    return ((t * window[1] + h) * window[2] + w).flatten()
