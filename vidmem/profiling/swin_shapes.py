"""What each block of a FAM Swin works on: tokens, boxes and pairs, from the config and a size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from vidmem.models.fam_swin_config import FamSwinConfig
from vidmem.nn.windows import Size3, WindowPlan, fit_window, window_plan
from vidmem.profiling.sizing import StepSize

_CPU = torch.device("cpu")


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

    def plan(self, block: int) -> WindowPlan:
        """The boxes of a block, from 0; every second one is shifted."""
        half = tuple(length // 2 for length in self.attention_window) if block % 2 else (0, 0, 0)
        shift = (half[0], half[1], half[2])
        window, shift = fit_window(self.grid, self.attention_window, shift)
        return window_plan(self.grid, window, shift, _CPU)

    def plans(self) -> list[WindowPlan]:
        """Of all blocks."""
        return [self.plan(block) for block in range(self.depth)]


def boxed_tokens(plan: WindowPlan) -> int:
    """Tokens in boxes: those of the grid, and its padding."""
    return sum(group.num_boxes * group.tokens_per_box for group in plan.groups)


def boxed_pairs(plan: WindowPlan) -> int:
    """Pairs of tokens that share a box."""
    return sum(group.num_boxes * group.tokens_per_box**2 for group in plan.groups)


def bias_places(plan: WindowPlan) -> int:
    """Pairs of places that boxes have biases for, boxes of one shape sharing them."""
    return sum(group.tokens_per_box**2 for group in plan.groups)


def stage_shapes(config: FamSwinConfig, size: StepSize) -> tuple[StageShape, ...]:
    """The four stages."""
    tubelet, lengths = config.tubelet_size, (size.clip_frames, size.frame_height, size.frame_width)
    t, h, w = (-(-length // part) for length, part in zip(lengths, tubelet, strict=True))
    shapes = []
    for stage in (1, 2, 3, 4):
        shapes.append(
            StageShape(
                stage=stage,
                grid=(t, h, w),
                width=config.width(stage),
                num_heads=config.num_heads[stage - 1],
                depth=config.depths[stage - 1],
                attention_window=config.attention_window,
            )
        )
        h, w = -(-h // 2), -(-w // 2)
    return tuple(shapes)
