"""Look a mask over: anybody's, as a predicate, a block mask or a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.inspection.masks.checking.blocks import check_blocks, check_lengths, check_size
from vidmem.inspection.masks.checking.captures import check_devices, check_lengths_of, too_short
from vidmem.inspection.masks.checking.code import control_flow, precedence
from vidmem.inspection.masks.checking.examined import ExaminedMask, examine
from vidmem.inspection.masks.checking.finding import MaskFinding
from vidmem.inspection.masks.checking.given import AnyMask, GivenShape
from vidmem.inspection.masks.checking.intent import IntendedMask, MaskIntent
from vidmem.inspection.masks.checking.pairs import PairChecks, describe_reach
from vidmem.inspection.masks.checking.repair import Repair, find_repair
from vidmem.inspection.masks.checking.scores import ScoreMod, check_scores
from vidmem.inspection.masks.dense import DenseMaskSpec
from vidmem.inspection.masks.evaluation import MaskShape, evaluate_all
from vidmem.inspection.masks.view import MaskView, view_mask
from vidmem.nn.block_masks import BLOCK_TOKENS
from vidmem.nn.masks import MaskMod

AS_MEANT, NOT_MEANT = "as meant", "not meant"

MAX_REPAIR_PAIRS = 1 << 20
"""Pairs up to which changes of the source are tried: each evaluates the mask anew."""

_OF_PAIRS = {"future", "window", "document", "padding", "prefix", "sink", "upside down"}
"""Kinds of findings that a change of the source may mend."""


@dataclass(frozen=True, eq=False)
class MaskReport:
    """What was found in a mask."""

    name: str
    """The mask's own name."""

    shape: MaskShape
    """Batch rows, heads, queries and keys that it was asked about."""

    findings: tuple[MaskFinding, ...]
    """What is wrong or worth knowing, mistakes first."""

    allowed: Tensor | None
    """`[B, A, Q, K]`, boolean: who attends to whom, as attention computes it. None: the mask could
    not be evaluated."""

    meant: IntendedMask
    """What it was held against."""

    block_tokens: int
    """Tokens a side of the blocks that are counted."""

    @property
    def mistakes(self) -> tuple[MaskFinding, ...]:
        """What is wrong."""
        return tuple(finding for finding in self.findings if finding.is_mistake)

    @property
    def notes(self) -> tuple[MaskFinding, ...]:
        """What may be meant, and should be known."""
        return tuple(finding for finding in self.findings if not finding.is_mistake)

    @property
    def summary(self) -> str:
        """The mask in a few sentences: how far queries see, and what its blocks save."""
        if self.allowed is None:
            return f"{self.name}, {self.shape}: it could not be evaluated."
        reach = describe_reach(self.allowed, self.meant.first_query)
        return f"{self.view().summary} {reach}"

    def view(self, *, head: int = 0, batch_row: int = 0, max_drawn_tokens: int = 64) -> MaskView:
        """One head, ready to be drawn; pairs that were not meant have a colour of their own.

        Raises:
            SettingError: If there is no such head or row, or the mask could not be evaluated.
        """
        if self.allowed is None:
            raise SettingError(f"{self.name} could not be evaluated, so it cannot be drawn")
        if not 0 <= batch_row < self.shape.batch:
            raise SettingError(f"batch_row must be in [0, {self.shape.batch}), got {batch_row}")
        allowed, name = self.allowed[batch_row], self.name
        if self.shape.batch > 1:
            name = f"{name} in batch row {batch_row}"
        spec = DenseMaskSpec.of_boolean(name, allowed)
        if self.meant.rules():
            hidden = self.meant.hidden()
            hidden = hidden[batch_row % len(hidden)]
            kind_of = allowed.to(torch.int8) + (allowed & hidden).to(torch.int8)
            spec = DenseMaskSpec(name=name, kind_of=kind_of, kinds=(AS_MEANT, NOT_MEANT))
        return view_mask(
            spec,
            head=head,
            block_tokens=self.block_tokens,
            max_drawn_tokens=max_drawn_tokens,
        )

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        shape = self.shape
        return {
            "name": self.name,
            "shape": [shape.batch, shape.heads, shape.queries, shape.keys],
            "summary": self.summary,
            "findings": [finding.as_data() for finding in self.findings],
        }

    def __str__(self) -> str:
        if not self.findings:
            return f"{self.summary}\nNothing is wrong with it."
        return "\n".join([self.summary, *map(str, self.findings)])


def check_mask(
    mask: AnyMask,
    shape: GivenShape | None = None,
    *,
    intent: MaskIntent | None = None,
    score_mod: ScoreMod | None = None,
    block_tokens: int | None = None,
    device: torch.device | str | None = None,
) -> MaskReport:
    """Look for the usual mistakes in a mask, each with the smallest example of where.

    Args:
        mask: A `mask_mod` `(b, h, q_idx, kv_idx) -> bool tensor`, a `BlockMask`, or booleans
            `[Q, K]`, `[B, Q, K]` or `[B, A, Q, K]`, true where a pair may attend.
        shape: `(queries, keys)`, or `(batch, heads, queries, keys)`, as it is used with; only of a
            block mask and of booleans may it be left out.
        intent: What is meant; nothing of it is guessed.
        score_mod: `(score, b, h, q_idx, kv_idx) -> score`, used beside it.
        block_tokens: Tokens a side of a block; None: the block mask's own, else 128.
        device: Where queries and keys live; None: where the mask's own tensors do.

    Raises:
        SettingError: If it is no mask, or its shape and what is meant do not go together.
    """
    examined = examine(mask, shape, device)
    meant = IntendedMask(intent or MaskIntent(), examined.shape)
    meant.hidden()  # refuses documents and padding of another length, whatever else is wrong
    findings = [*_Check(examined, meant).findings()]
    if score_mod is not None and examined.allowed is not None:
        findings += check_scores(score_mod, examined.allowed, examined.device)
    table = examined.table
    size = block_tokens or (min(table.size) if table is not None else BLOCK_TOKENS)
    return MaskReport(
        name=examined.given.name,
        shape=examined.shape,
        findings=tuple(sorted(findings, key=lambda finding: not finding.is_mistake)),
        allowed=examined.allowed,
        meant=meant,
        block_tokens=size,
    )


@dataclass(frozen=True, eq=False)
class _Check:
    """All that is asked of one mask."""

    mask: ExaminedMask
    meant: IntendedMask

    def findings(self) -> Iterator[MaskFinding]:
        mask, block_mask = self.mask, self.mask.given.block_mask
        of_whole = [*check_devices(mask.captured, mask.device)]
        if block_mask is not None:
            of_whole += check_lengths(block_mask, mask.shape)
        yield from of_whole
        if mask.by_mask_mod is None or mask.allowed is None:
            # What is wrong with the whole is why it cannot be evaluated.
            if not of_whole:
                yield from self._why_not_evaluated()
            return
        for function in mask.functions:
            yield from precedence(function)
        yield from check_lengths_of(mask.captured, mask.shape)
        if mask.table is not None and not mask.is_of_other_lengths:
            yield from self._of_other_rows()
            yield from check_blocks(mask.table, mask.by_mask_mod, mask.captured)
            yield from check_size(mask.table, mask.shape)
        yield from self._pairs(mask.allowed)

    def _pairs(self, allowed: Tensor) -> Iterator[MaskFinding]:
        findings = PairChecks(allowed, self.meant).findings()
        repair = self._repair(findings)
        for finding in findings:
            if not finding.is_mistake:
                yield finding
            elif repair is not None and finding.kind in _OF_PAIRS:
                mended = f" With `{repair.words}` it would be as meant."
                yield replace(finding, words=finding.words + mended, line=repair.line)
            else:
                yield replace(finding, line=self.mask.answer_place)

    def _repair(self, findings: list[MaskFinding]) -> Repair | None:
        """The change of the source that would mend what is wrong with the pairs."""
        mask_mod = self.mask.given.mask_mod
        is_of_pairs = any(f.is_mistake and f.kind in _OF_PAIRS for f in findings)
        if mask_mod is None or not is_of_pairs or self.mask.shape.num_pairs > MAX_REPAIR_PAIRS:
            return None
        return find_repair(mask_mod, self._is_as_meant)

    def _is_as_meant(self, mask_mod: MaskMod) -> bool:
        allowed = evaluate_all(mask_mod, self.mask.shape, self.mask.device)
        found = PairChecks(allowed, self.meant).findings()
        kinds = {finding.kind for finding in found if finding.is_mistake}
        return not kinds & {*_OF_PAIRS, "rows that see nothing"}

    def _of_other_rows(self) -> Iterator[MaskFinding]:
        """A predicate of the batch row or the head, in a block mask that has one for all."""
        shape, mask_mod = self.mask.shape, self.mask.given.mask_mod
        if mask_mod is None or shape.num_pairs > MAX_REPAIR_PAIRS:
            return
        for axis, name, noun in ((0, "B", "batch row"), (1, "H", "head")):
            if (shape.batch, shape.heads)[axis] > 1:
                continue
            more = replace(shape, **{("batch", "heads")[axis]: 2})
            try:
                rows = evaluate_all(mask_mod, more, self.mask.device)
            except ValueError:  # its tables have one row: it cannot depend on which
                continue
            if bool((rows.narrow(axis, 0, 1) != rows.narrow(axis, 1, 1)).any()):
                words = (
                    f"the mask_mod gives {noun} 1 another mask than {noun} 0, but the block mask "
                    f"has one for all: it was made with `{name}=None` or `{name}=1`, so blocks "
                    f"that only {noun} 1 needs are skipped. Give `create_block_mask` the number."
                )
                place = self.mask.answer_place
                yield MaskFinding(kind="block mask", words=words, is_mistake=False, line=place)

    def _why_not_evaluated(self) -> Iterator[MaskFinding]:
        mask = self.mask
        causes = [finding for one in mask.functions for finding in control_flow(one)]
        causes = causes or [*too_short(mask.captured, mask.shape)]
        words, place = str(mask.error), mask.answer_place
        yield from causes or [MaskFinding(kind="not evaluated", words=words, line=place)]
