"""What each block of a FAM Swin works on: tokens, boxes and pairs, from the config and a size."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product

from vidmem.models.backbones.backbone import pooled_grid
from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.nn.attention_windows import Size3, cut_axis, fit_window
from vidmem.planner.sizing import StepSize


@dataclass(frozen=True)
class BoxCount:
    """So many boxes of one shape, as `vidmem.nn.attention_windows.BoxGroup` has them."""

    num_boxes: int
    tokens_per_box: int


@dataclass(frozen=True)
class BoxPlan:
    """What `vidmem.nn.attention_windows.window_plan` makes for a grid, counted but not made.

    Its index tensors have a number for each token: for a grid that no machine could hold they
    would take minutes. Counting takes as long as the axes are, whatever their product.
    """

    size: Size3
    window: Size3
    shift: Size3
    groups: tuple[BoxCount, ...] = field(compare=False)  # follows from the others
    """In the order of the real plan."""

    @property
    def num_tokens(self) -> int:
        """Of the grid."""
        return math.prod(self.size)

    @property
    def num_boxed(self) -> int:
        """Tokens in boxes: those of the grid, and its padding."""
        return sum(group.num_boxes * group.tokens_per_box for group in self.groups)

    @property
    def has_padding(self) -> bool:
        """Whether the grid has to be padded."""
        return self.num_boxed != self.num_tokens


# Kept, since all blocks of a stage, and all batch sizes and memory lengths, share a few plans.
@lru_cache(maxsize=256)
def box_plan(size: Size3, window: Size3, shift: Size3) -> BoxPlan:
    """Count the boxes of a `(T, H, W)` grid; see `window_plan` for the arguments."""
    # Boxes of one shape, at one offset in their windows, form a group. Per axis a few kinds of
    # segments come again and again; a `Counter` keeps the order in which they first come.
    axes = [
        Counter((segment.length, segment.offset) for segment in cut_axis(n, w, s))
        for n, w, s in zip(size, window, shift, strict=True)
    ]
    groups = tuple(
        BoxCount(
            math.prod(count for _, count in kinds),
            math.prod(length for (length, _), _ in kinds),
        )
        for kinds in product(*(axis.items() for axis in axes))
    )
    return BoxPlan(size, window, shift, groups)


def different_runs(plan: BoxPlan, max_tokens: int) -> list[tuple[BoxCount, ...]]:
    """The runs of boxes that `vidmem.nn.attention_windows.runs_of` makes, equal ones only once."""
    runs: list[tuple[BoxCount, ...]] = []
    parts: list[BoxCount] = []
    held = 0
    for group in plan.groups:
        left, tokens = group.num_boxes, group.tokens_per_box
        while left:
            room = (max_tokens - held) // tokens
            num_boxes = min(left, room if parts else max(room, 1))
            if num_boxes < 1:
                runs.append(tuple(parts))
                parts, held = [], 0
                # What follows are runs full of this group, all alike: one stands for them.
                full = max(max_tokens // tokens, 1)
                if left > full:
                    runs.append((BoxCount(full, tokens),))
                    left -= (left - 1) // full * full  # at least one box stays for the last run
                continue
            parts.append(BoxCount(num_boxes, tokens))
            held += num_boxes * tokens
            left -= num_boxes
    return [*runs, tuple(parts)]


@dataclass(frozen=True)
class StageShape:
    """One stage of a FAM Swin for clips of one size."""

    stage: int
    """From 1."""

    grid: Size3
    width: int
    num_heads: int
    depth: int
    attention_window: Size3

    @property
    def num_tokens(self) -> int:
        """Of one clip."""
        return math.prod(self.grid)

    @property
    def window_tokens(self) -> int:
        """Of a whole attention window, before it is fitted to the grid."""
        return math.prod(self.attention_window)

    @property
    def bias_rows(self) -> int:
        """Of a block's table of relative position biases."""
        return math.prod(2 * length - 1 for length in self.attention_window)

    def plan(self, block: int) -> BoxPlan:
        """The boxes of a block, from 0; every second one is shifted."""
        half = tuple(length // 2 for length in self.attention_window) if block % 2 else (0, 0, 0)
        shift = (half[0], half[1], half[2])
        window, shift = fit_window(self.grid, self.attention_window, shift)
        return box_plan(self.grid, window, shift)

    def plans(self) -> list[BoxPlan]:
        """Of all blocks."""
        return [self.plan(block) for block in range(self.depth)]


def boxed_pairs(plan: BoxPlan) -> int:
    """Pairs of tokens that share a box."""
    return sum(group.num_boxes * group.tokens_per_box**2 for group in plan.groups)


def bias_places(plan: BoxPlan) -> int:
    """Pairs of places that boxes have biases for, boxes of one shape sharing them."""
    return sum(group.tokens_per_box**2 for group in plan.groups)


def stage_shapes(config: FamSwinConfig, size: StepSize) -> tuple[StageShape, ...]:
    """All stages that there are."""
    t, h, w = _first_grid(config, size)
    shapes = []
    for stage in config.stages:
        shapes.append(
            StageShape(
                stage=stage,
                grid=(t, h, w),
                width=config.width(stage),
                num_heads=config.num_heads[stage - 1],
                depth=config.depths[stage - 1],
                attention_window=config.window(stage),
            )
        )
        h, w = -(-h // 2), -(-w // 2)
    return tuple(shapes)


def _first_grid(config: FamSwinConfig, size: StepSize) -> Size3:
    frames, features = size.clip_frames, config.features
    if features is not None:
        frames = features.num_feature_frames(frames)
        grid = pooled_grid((size.frame_height, size.frame_width), features.tokens_per_frame)
        return (-(-frames // config.tubelet_size[0]), *grid)
    lengths = (frames, size.frame_height, size.frame_width)
    # Rounded up: a clip is padded to whole tubelets, and so is a grid before patches are merged.
    t, h, w = (
        -(-length // part) for length, part in zip(lengths, config.tubelet_size, strict=True)
    )
    return (t, h, w)
