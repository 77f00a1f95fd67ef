"""A mask with all that is computed of it once: its pairs, its blocks, the tensors it reads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vidmem.inspection.masks.checking.blocks import BlockTable
from vidmem.inspection.masks.checking.functions import (
    CapturedTensor,
    MaskFunction,
    captured_tensors,
    functions_of,
)
from vidmem.inspection.masks.checking.given import AnyMask, GivenMask, GivenShape, read_given
from vidmem.inspection.masks.evaluation import MaskShape, evaluate_all


@dataclass(frozen=True, eq=False)
class ExaminedMask:
    """A mask, evaluated."""

    given: GivenMask
    device: torch.device
    """Where it is evaluated."""

    functions: list[MaskFunction]
    captured: list[CapturedTensor]
    table: BlockTable | None
    by_mask_mod: Tensor | None
    """`[B, A, Q, K]`, what the predicate or the table says; None where it cannot be asked."""

    error: ValueError | None
    """Why not."""

    @property
    def shape(self) -> MaskShape:
        """What it was asked about."""
        return self.given.shape

    @property
    def allowed(self) -> Tensor | None:
        """What attention computes: of a block mask, full blocks are not asked."""
        if self.by_mask_mod is None or self.table is None or self.is_of_other_lengths:
            return self.by_mask_mod
        return self.table.allowed(self.by_mask_mod, self.shape)

    @property
    def answer_place(self) -> str:
        """The line of the source that gives the answer; empty where there is none."""
        # What only combines masks, as `and_masks` of torch does, is not where a mistake is.
        own = [one for one in self.functions if not one.is_of_torch]
        return own[-1].answer_place if own else ""

    @property
    def is_of_other_lengths(self) -> bool:
        """Whether a block mask was made for other lengths, so that its blocks say nothing."""
        block_mask = self.given.block_mask
        if block_mask is None or self.table is None:
            return False
        has_all_rows = self.table.partial.shape[2] * self.table.size[0] >= self.shape.queries
        made = tuple(block_mask.seq_lengths)
        return made != (self.shape.queries, self.shape.keys) or not has_all_rows


def examine(
    mask: AnyMask, shape: GivenShape | None, device: torch.device | str | None = None
) -> ExaminedMask:
    """Evaluate anybody's mask.

    Raises:
        SettingError: If it is no mask, or its shape is not known or not its own.
    """
    given = read_given(mask, shape)
    mask_mod = given.mask_mod
    captured = [] if mask_mod is None else captured_tensors(mask_mod)
    where = _device_of(given, captured, device)
    by_mask_mod, error = given.dense, None
    if mask_mod is not None:
        try:
            by_mask_mod = evaluate_all(mask_mod, given.shape, where)
        except ValueError as cause:
            error = cause
    return ExaminedMask(
        given=given,
        device=where,
        functions=[] if mask_mod is None else functions_of(mask_mod),
        captured=captured,
        table=BlockTable.of(given.block_mask) if given.block_mask is not None else None,
        by_mask_mod=by_mask_mod,
        error=error,
    )


def _device_of(
    given: GivenMask, captured: list[CapturedTensor], device: torch.device | str | None
) -> torch.device:
    if device is not None:
        return torch.device(device)
    if given.block_mask is not None:
        return given.block_mask.kv_num_blocks.device
    devices = {one.tensor.device for one in captured if one.tensor.ndim}
    return devices.pop() if len(devices) == 1 else torch.device("cpu")
