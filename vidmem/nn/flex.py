"""The one place that calls `flex_attention`, compiled; it never runs eagerly in silence.

Eager `flex_attention` forms all scores and is slower than plain attention, and after a few
recompilations torch falls back to it by itself. Here a compilation that fails, and one
recompilation too many, is an `AttentionError` that says what to do instead.

What may change while a stream runs (the range, the number of frames, which slots are valid) is
captured as a tensor, so that nothing is compiled again for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch._dynamo.exc import FailOnRecompileLimitHit
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from vidmem.errors import AttentionError
from vidmem.nn.attention_windows import AttentionWindowPlan
from vidmem.nn.block_masks import (
    BLOCK_TOKENS,
    BlockRelations,
    frame_block_relations,
    group_block_relations,
)
from vidmem.nn.frames import FrameLayout
from vidmem.nn.masks import box_of_place, group_mask_mod, memory_mask_mod, spool_mask_mod

ScoreMod = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
MAX_COMPILATIONS = 32
"""Shapes and layouts of one process; each takes seconds to compile."""


def flex_attend(
    q_BAQE: Tensor,
    k_BAKE: Tensor,
    v_BAKE: Tensor,
    block_mask: BlockMask,
    score_mod: ScoreMod | None = None,
    learned_bias: Tensor | None = None,
) -> Tensor:
    """Compiled `flex_attention`.

    Args:
        q_BAQE: Queries.
        k_BAKE: Keys.
        v_BAKE: Values.
        block_mask: Who attends to whom.
        score_mod: Changes each score, as `flex_attention` takes it.
        learned_bias: What `score_mod` adds, if that has gradients.

    Returns:
        `[B, A, Q, E]`, zero for queries that may attend to nothing.

    Raises:
        AttentionError: If it cannot be compiled here, is compiled again and again, or gradients are
            asked for where it has none (CPU).
    """
    inputs = (q_BAQE, k_BAKE, v_BAKE, learned_bias)
    needs_grad = any(x is not None and x.requires_grad for x in inputs) and torch.is_grad_enabled()
    if needs_grad and q_BAQE.device.type != "cuda":
        raise AttentionError(
            f"flex_attention has no gradients on {q_BAQE.device.type}; use the sdpa backend, or "
            "torch.no_grad()"
        )
    try:
        # Without this, torch would run eagerly, and slowly, after too many recompilations.
        with torch._dynamo.config.patch(
            fail_on_recompile_limit_hit=True, recompile_limit=MAX_COMPILATIONS
        ):
            return _compiled()(q_BAQE, k_BAKE, v_BAKE, score_mod=score_mod, block_mask=block_mask)
    except FailOnRecompileLimitHit as error:
        raise AttentionError(
            "flex_attention was compiled again and again for new shapes; keep the number of frames "
            "and tokens fixed, or use the sdpa backend"
        ) from error
    except Exception as error:
        if not is_of_compiler(error):
            raise
        raise AttentionError(
            f"flex_attention cannot be compiled here ({first_line(error)}); it needs a C++ "
            "compiler on a CPU and Triton on CUDA. Install it, or use the sdpa backend"
        ) from error


def flex_attend_frames(
    q_BALE: Tensor,
    k_BALE: Tensor,
    v_BALE: Tensor,
    layout: FrameLayout,
    offset_bias: Tensor | None = None,
) -> Tensor:
    """`vidmem.nn.frame_attention.attend_frames`, compiled."""
    mask = _frame_mask(layout, q_BALE.device)
    score_mod = None
    if offset_bias is not None:
        score_mod = _offset_score_mod(layout, mask.num_frames, offset_bias)
    return flex_attend(q_BALE, k_BALE, v_BALE, mask.block_mask, score_mod, offset_bias)


def flex_attend_windows(
    q_BANE: Tensor,
    k_BANE: Tensor,
    v_BANE: Tensor,
    plan: AttentionWindowPlan,
    bias_table: Tensor,
    relative_position_index: Tensor,
) -> Tensor:
    """Attention in shifted windows, in one call for all of them.

    Args:
        q_BANE: Queries, one for each of the N places of `plan.order`.
        k_BANE: Keys.
        v_BANE: Values.
        plan: The plan of the grid.
        bias_table: `[rows, A]`, learned bias per relative position.
        relative_position_index: Row of the table for each pair of places in a window.

    Returns:
        `[B, A, N, E]`.
    """
    block_mask, place_in_window = _window_masks(plan)

    def score_mod(score: Tensor, b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        row = relative_position_index[place_in_window[q_idx], place_in_window[kv_idx]]
        return score + bias_table[row, h]

    return flex_attend(q_BANE, k_BANE, v_BANE, block_mask, score_mod, bias_table)


def flex_attend_memory(
    q_BANE: Tensor, k_BAKE: Tensor, v_BAKE: Tensor, is_valid: Tensor, tokens_per_clip: int
) -> Tensor:
    """Attention of a clip over the no-memory token and the slots that were written.

    Args:
        q_BANE: Queries.
        k_BAKE: Keys, the no-memory token first.
        v_BAKE: Values.
        is_valid: `[B, l_mem]`, boolean.
        tokens_per_clip: Memory tokens of a slot.

    Returns:
        `[B, A, N, E]`.
    """
    length = (q_BANE.shape[2], k_BAKE.shape[2])
    # All blocks are partial: which slots are valid is known on the device alone, and reading it
    # back would wait for the device at every step.
    counts = [-(-n // BLOCK_TOKENS) for n in length]
    some = torch.ones(1, *counts, dtype=torch.bool, device=q_BANE.device)
    relations = BlockRelations(some, torch.zeros_like(some))
    mask_mod = memory_mask_mod(is_valid, tokens_per_clip)
    block_mask = relations.to_block_mask(mask_mod, length, BLOCK_TOKENS)
    return flex_attend(q_BANE, k_BAKE, v_BAKE, block_mask)


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # as in `_frame_mask`
def _window_masks(plan: AttentionWindowPlan) -> tuple[BlockMask, Tensor]:
    """The block mask of a grid's boxes, and the place in its window of each place."""
    box = box_of_place(plan)
    length = (len(box), len(box))
    block_mask = group_block_relations(box).to_block_mask(group_mask_mod(box), length, BLOCK_TOKENS)
    places = [group.window_positions.repeat(group.num_boxes) for group in plan.groups]
    return block_mask, torch.cat(places)


@dataclass(frozen=True)
class _FrameMask:
    """The mask of a layout on a device; its tensors never change, so threads may share it."""

    block_mask: BlockMask
    num_frames: Tensor


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # a mask made for inference must serve training too
def _frame_mask(layout: FrameLayout, device: torch.device) -> _FrameMask:
    # Range and number of frames are tensors that the predicate reads. Masks of other ranges and, in
    # a sequence of the same length, of other numbers of frames then have the same code and shapes:
    # neither a slider on the page nor a window that fills compiles anything.
    reach, num_frames = (
        torch.tensor(count, device=device)
        for count in (layout.local_frame_range, layout.num_frames)
    )
    mask_mod = spool_mask_mod(
        num_frames,
        layout.tokens_per_frame,
        reach,
        layout.num_lookback_heads,
        layout.context_scope,
        has_context_frames=layout.has_context_frames,
    )
    relations = frame_block_relations(layout).to(device)
    length = (layout.length, layout.length)
    return _FrameMask(relations.to_block_mask(mask_mod, length, BLOCK_TOKENS), num_frames)


def _offset_score_mod(layout: FrameLayout, num_frames: Tensor, offset_bias: Tensor) -> ScoreMod:
    """Adds the bias between real frames."""
    # A new closure at each call compiles nothing, since code and shapes stay the same.
    tokens, edge = layout.tokens_per_frame, layout.num_context_frames
    farthest = offset_bias.shape[1] - 1

    def score_mod(score: Tensor, b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        q_frame, k_frame = q_idx // tokens, kv_idx // tokens
        is_real = (q_frame >= edge) & (k_frame >= edge)
        is_real = is_real & (q_frame < num_frames + edge) & (k_frame < num_frames + edge)
        distance = (q_frame - k_frame).abs().clamp(max=farthest)
        return score + torch.where(is_real, offset_bias[h, distance], 0.0)

    return score_mod


@lru_cache(maxsize=1)
def _compiled() -> Callable[..., Tensor]:
    # Not dynamic: torch 2.13 writes C++ that does not compile for some symbolic lengths on a CPU.
    return torch.compile(flex_attention, dynamic=False)


def is_of_compiler(error: Exception) -> bool:
    """Whether torch's compiler, or a tool that it calls, raised the error."""
    module = type(error).__module__
    return module.startswith(("torch._dynamo", "torch._inductor", "triton"))


def first_line(error: Exception) -> str:
    """The first line of an error's message, at most 200 characters; else the name of its type."""
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
