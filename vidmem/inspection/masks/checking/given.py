"""Anybody's mask as it comes: a predicate, a block mask, or a table of booleans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask

from vidmem.errors import SettingError
from vidmem.inspection.masks.evaluation import MaskShape, name_of
from vidmem.inspection.masks.spec import check_at_least
from vidmem.inspection.masks.view import MAX_CELLS
from vidmem.nn.masks import MaskMod

AnyMask = MaskMod | BlockMask | Tensor | NDArray[np.bool_]
GivenShape = tuple[int, int] | tuple[int, int, int, int]
"""`(Q, K)` or `(B, A, Q, K)`."""


@dataclass(frozen=True, eq=False)
class GivenMask:
    """A mask with its shape; one of the three is set."""

    name: str
    shape: MaskShape
    mask_mod: MaskMod | None = None
    block_mask: BlockMask | None = None
    dense: Tensor | None = None
    """`[B, A, Q, K]`, boolean, on the CPU."""


def read_given(mask: AnyMask, shape: GivenShape | None) -> GivenMask:
    """A mask and its shape, made one.

    Raises:
        SettingError: If it is no mask, its shape is not known or not its own, or it is too large.
    """
    if isinstance(mask, BlockMask):
        return _of_blocks(mask, shape)
    if isinstance(mask, Tensor | np.ndarray):
        return _of_table(torch.as_tensor(mask), shape)
    if not callable(mask):
        raise SettingError(
            "a mask must be a mask_mod, a BlockMask or an array of booleans, got "
            f"{type(mask).__name__}"
        )
    if shape is None:
        raise SettingError("a mask_mod needs a shape, (queries, keys) or (batch, heads, ...)")
    return GivenMask(name_of(mask), read_shape(shape), mask_mod=mask)


def read_shape(shape: GivenShape) -> MaskShape:
    """Numbers as a shape.

    Raises:
        SettingError: If they are none, or of too many pairs to look at.
    """
    if len(shape) not in (2, 4):
        raise SettingError(
            f"shape must be (queries, keys) or (batch, heads, queries, keys), got {tuple(shape)}"
        )
    whole = MaskShape(*((1, 1, *shape) if len(shape) == 2 else shape))
    check_at_least(1, batch=whole.batch, heads=whole.heads, queries=whole.queries, keys=whole.keys)
    if whole.num_pairs > MAX_CELLS:
        raise SettingError(
            f"a mask of {whole} is too large to look at: {whole.num_pairs:,} pairs, at most "
            f"{MAX_CELLS:,}; take fewer tokens, heads or batch rows"
        )
    return whole


def _of_blocks(mask: BlockMask, shape: GivenShape | None) -> GivenMask:
    own = mask.shape
    batch, heads = (1, 1, *own[:-2])[-2:]
    if shape is None:
        given = read_shape((batch, heads, *cast("tuple[int, int]", mask.seq_lengths)))
    elif len(shape) == 2:
        given = read_shape((batch, heads, *shape))
    else:
        given = read_shape(shape)
    for name, made, used in (("batch", batch, given.batch), ("heads", heads, given.heads)):
        if made not in (1, used):
            raise SettingError(f"the block mask has {made} {name}, and the shape {used}")
    return GivenMask(name_of(mask.mask_mod), given, mask_mod=mask.mask_mod, block_mask=mask)


def _of_table(mask: Tensor, shape: GivenShape | None) -> GivenMask:
    if mask.dtype.is_floating_point or mask.dtype.is_complex:
        raise SettingError(
            f"a mask must be boolean, true where a pair may attend, got {mask.dtype}; of a mask "
            "that is added to scores, that is `mask == 0`"
        )
    if mask.ndim not in (2, 3, 4) or not mask.numel():
        raise SettingError(
            "a mask must have shape [queries, keys], [batch, queries, keys] or [batch, heads, "
            f"queries, keys], got {list(mask.shape)}"
        )
    if mask.dtype != torch.bool and not bool(((mask == 0) | (mask == 1)).all()):
        raise SettingError(f"a mask of {mask.dtype} must hold 0 and 1 only")
    dense = mask.detach().cpu().bool()
    dense = dense[None, None] if dense.ndim == 2 else dense[:, None] if dense.ndim == 3 else dense
    own = read_shape(cast("GivenShape", tuple(dense.shape)))
    if shape is not None and read_shape(shape) != own:
        return _other_shape(dense, own, read_shape(shape))
    return GivenMask("mask", own, dense=dense)


def _other_shape(dense: Tensor, own: MaskShape, given: MaskShape) -> GivenMask:
    """A table whose batch rows or heads stand for all."""
    try:
        expanded = dense.expand(given.batch, given.heads, given.queries, given.keys)
    except RuntimeError as error:
        text = f"the mask is of {own}, and is asked about {given}"
        if own.queries * 16 <= given.queries:
            text += (
                f"; row {own.queries} and those after it are missing. `BlockMask.to_dense()` has "
                "one place for each block, not for each pair: check the BlockMask itself"
            )
        raise SettingError(text) from error
    return GivenMask("mask", given, dense=expanded)
