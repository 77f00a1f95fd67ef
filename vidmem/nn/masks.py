"""Who may attend to whom: the predicates of both models, and how they are drawn.

A `mask_mod` takes batch row, head, query and key as integer tensors that broadcast, and says
whether this query may attend to this key. Nothing here computes attention; `vidmem.nn.attention`
and `vidmem.nn.frame_attention` do, and `vidmem.nn.block_masks` has the same rules block by block.
Predicates use tensor arithmetic only: `flex_attention` vectorises and compiles them, and Python's
`and`, `if` or `a <= b <= c` fail there.

Spool's sequence is its frames in order, `tokens_per_frame` tokens each: the start context frame
(0), the real frames (1 to T), the end context frame (T + 1). With a range of 1, three real frames
and one token a frame (rows are queries, columns keys):

    lookback   . 0 1 2 3 4      lookahead  . 0 1 2 3 4
               0 x x x x x                 0 x x x x x
               1 x x . . .                 1 . x x . x
               2 x x x . .                 2 . . x x x
               3 x . x x .                 3 . . . x x
               4 x x x x x                 4 x x x x x

Frames after that are padding: they attend to nothing, and nothing attends to them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from vidmem.nn.attention_windows import AttentionWindowPlan, Size3, fit_window, window_plan

MaskMod = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
ContextScope = Literal["global", "local"]
CONTEXT_SCOPES: tuple[ContextScope, ...] = ("global", "local")


def lookback_mask_mod(local_frame_range: int | Tensor, tokens_per_frame: int) -> MaskMod:
    """Attend to the query's own frame and to `local_frame_range` earlier ones.

    A range given as a tensor may change later without a new compilation.
    """

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        frames_back = q_idx // tokens_per_frame - kv_idx // tokens_per_frame
        return (frames_back >= 0) & (frames_back <= local_frame_range)

    return _named(mask_mod, "lookback")


def lookahead_mask_mod(local_frame_range: int | Tensor, tokens_per_frame: int) -> MaskMod:
    """Attend to the query's own frame and to `local_frame_range` later ones; see lookback."""
    lookback = lookback_mask_mod(local_frame_range, tokens_per_frame)

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        return lookback(b, h, kv_idx, q_idx)

    return _named(mask_mod, "lookahead")


def frame_mask_mod(first_frame: int | Tensor, stop_frame: int | Tensor, tokens: int) -> MaskMod:
    """Attend to the frames numbered `[first_frame, stop_frame)`, of `tokens` tokens each."""

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        frame = kv_idx // tokens
        return (frame >= first_frame) & (frame < stop_frame)

    return _named(mask_mod, "frames")


def heads_mask_mod(num_first_heads: int, first: MaskMod, others: MaskMod) -> MaskMod:
    """One predicate for the first heads, another for the rest."""

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        return torch.where(
            h < num_first_heads, first(b, h, q_idx, kv_idx), others(b, h, q_idx, kv_idx)
        )

    return _named(mask_mod, f"{_name(first)}_then_{_name(others)}")


def any_mask_mod(*mask_mods: MaskMod) -> MaskMod:
    """Attend wherever one of the predicates allows it."""
    return _combined(mask_mods, operator.or_, "_or_")


def all_mask_mod(*mask_mods: MaskMod) -> MaskMod:
    """Attend only where all of the predicates allow it."""
    return _combined(mask_mods, operator.and_, "_and_")


def query_mask_mod(is_first: MaskMod, first: MaskMod, others: MaskMod) -> MaskMod:
    """One predicate for the queries that `is_first` holds of (evaluated as if they were keys)."""

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        return torch.where(
            is_first(b, h, q_idx, q_idx), first(b, h, q_idx, kv_idx), others(b, h, q_idx, kv_idx)
        )

    return _named(mask_mod, f"{_name(first)}_or_else_{_name(others)}")


def pair_mask_mod(is_included: MaskMod) -> MaskMod:
    """Attend where the predicate holds of the key and of the query (taken as if it were a key)."""

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        return is_included(b, h, q_idx, q_idx) & is_included(b, h, kv_idx, kv_idx)

    return _named(mask_mod, f"{_name(is_included)}_among_themselves")


def spool_mask_mod(
    num_frames: int | Tensor,
    tokens_per_frame: int,
    local_frame_range: int | Tensor,
    num_lookback_heads: int,
    context_scope: ContextScope = "global",
    *,
    has_context_frames: bool = True,
) -> MaskMod:
    """Spool's attention: lookback heads first, the others look ahead.

    Args:
        num_frames: Real frames; with context frames `num_frames + 2` attend. Those after them are
            padding.
        tokens_per_frame: Tokens of a frame.
        local_frame_range: Frames that a head sees to its side, besides the query's own.
        num_lookback_heads: Heads from this number on look ahead.
        context_scope: Whether context frames see all real frames or those within the range of
            their own end.
        has_context_frames: Without them the sequence is the real frames, numbered from 0.

    Raises:
        ValueError: If the scope is unknown.
    """
    if context_scope not in CONTEXT_SCOPES:
        raise ValueError(f"context_scope must be global or local, got {context_scope!r}")
    back = lookback_mask_mod(local_frame_range, tokens_per_frame)
    ahead = lookahead_mask_mod(local_frame_range, tokens_per_frame)
    if not has_context_frames:
        real = pair_mask_mod(frame_mask_mod(0, num_frames, tokens_per_frame))
        heads = heads_mask_mod(num_lookback_heads, back, ahead)
        return _named(all_mask_mod(real, heads), "spool_without_context")
    start = frame_mask_mod(0, 1, tokens_per_frame)
    end = frame_mask_mod(num_frames + 1, num_frames + 2, tokens_per_frame)
    real = frame_mask_mod(1, num_frames + 1, tokens_per_frame)
    context = any_mask_mod(start, end)
    if context_scope == "global":
        of_context = any_mask_mod(real, context)
    else:  # a start frame sees ahead into the clip, an end frame back into it
        of_context = any_mask_mod(context, back, ahead)
    of_real = heads_mask_mod(
        num_lookback_heads,
        any_mask_mod(start, all_mask_mod(real, back)),
        any_mask_mod(end, all_mask_mod(real, ahead)),
    )
    attended = pair_mask_mod(frame_mask_mod(0, num_frames + 2, tokens_per_frame))
    of_attended = query_mask_mod(context, of_context, of_real)
    return _named(all_mask_mod(attended, of_attended), f"spool_{context_scope}")


def group_mask_mod(group_of: Tensor) -> MaskMod:
    """Attend within groups: `group_of` `[L]` is the number of each token's group."""

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        return group_of[q_idx] == group_of[kv_idx]

    return _named(mask_mod, "groups")


def shifted_window_mask_mod(size: Size3, attention_window: Size3, shift: Size3) -> MaskMod:
    """Attend inside the shifted windows of a `(T, H, W)` grid, tokens in raster order.

    A token is only grouped with those of its own region of the window, as the mask of Video Swin
    (Liu et al., arXiv:2106.13230, section 3.1) does where the roll wraps around.
    """
    window, fitted_shift = fit_window(size, attention_window, shift)
    plan = window_plan(size, window, fitted_shift, torch.device("cpu"))
    return _named(group_mask_mod(box_of_token(plan)), "shifted_windows")


def box_of_token(plan: AttentionWindowPlan) -> Tensor:
    """`[N]`: the box in which each token of a grid attends."""
    return box_of_place(plan)[plan.restore]


def box_of_place(plan: AttentionWindowPlan) -> Tensor:
    """`[places]`: the box of each place of `plan.order`; rises from place to place."""
    sizes = [group.tokens_per_box for group in plan.groups for _ in range(group.num_boxes)]
    device = plan.order.device
    return torch.arange(len(sizes), device=device).repeat_interleave(
        torch.tensor(sizes, device=device)
    )


def memory_mask_mod(is_valid: Tensor, tokens_per_clip: int) -> MaskMod:
    """Attend to the no-memory token (key 0) and to the tokens of slots that were written.

    Args:
        is_valid: `[B, l_mem]`, boolean; may change in place without a new compilation.
        tokens_per_clip: Memory tokens of a slot.
    """

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        # Key 0 is in no slot, but both sides of `|` are evaluated: its index must be a valid one.
        slot = (kv_idx - 1).clamp(min=0) // tokens_per_clip
        return (kv_idx == 0) | is_valid[b, slot]

    return _named(mask_mod, "memory")


def mask_matrix(
    mask_mod: MaskMod, num_queries: int, num_keys: int, *, num_heads: int = 1, batch_size: int = 1
) -> Tensor:
    """A predicate as booleans, `[B, A, Q, K]`: for drawing and for tests, not for long sequences.

    Raises:
        ValueError: If it would have more than 2^28 entries.
    """
    shape = (batch_size, num_heads, num_queries, num_keys)
    if batch_size * num_heads * num_queries * num_keys > 2**28:  # bytes: 256 MiB
        raise ValueError(
            f"a mask of {list(shape)} is too large to draw; draw fewer heads or tokens"
        )
    indices = torch.meshgrid(*(torch.arange(n) for n in shape), indexing="ij")
    return mask_mod(*indices).expand(shape)


def _combined(
    mask_mods: tuple[MaskMod, ...], operation: Callable[[Tensor, Tensor], Tensor], word: str
) -> MaskMod:
    if not mask_mods:
        raise ValueError("at least one mask_mod is needed, got none")

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        allowed = mask_mods[0](b, h, q_idx, kv_idx)
        for other in mask_mods[1:]:
            allowed = operation(allowed, other(b, h, q_idx, kv_idx))
        return allowed

    return _named(mask_mod, word.join(map(_name, mask_mods)))


def _named(mask_mod: MaskMod, name: str) -> MaskMod:
    mask_mod.__name__ = name
    return mask_mod


def _name(mask_mod: MaskMod) -> str:
    return getattr(mask_mod, "__name__", "mask")
