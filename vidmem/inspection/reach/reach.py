"""Which tokens of the input reach which tokens of the output, and whether the mask lets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vidmem.errors import SettingError
from vidmem.inspection.masks.checking.examined import examine
from vidmem.inspection.masks.checking.finding import MaskFinding, PairsFound
from vidmem.inspection.masks.checking.given import AnyMask
from vidmem.inspection.masks.checking.intent import IntendedMask, MaskIntent
from vidmem.inspection.masks.dense import DenseMaskSpec, union_spec
from vidmem.inspection.masks.evaluation import MaskShape
from vidmem.inspection.masks.spec import TIMES, check_at_least
from vidmem.inspection.masks.view import MaskView, view_mask
from vidmem.inspection.reach.leaks import leak_words
from vidmem.inspection.reach.measuring import (
    MAX_TOKENS,
    Model,
    TokenAxes,
    changes,
    check_deterministic,
    first_module_beyond,
    gradients,
)
from vidmem.nn.block_masks import BLOCK_TOKENS

REACHES, NOT_REACHED, AROUND = "reaches", "allowed, does not reach", "around the mask"

TOLERANCE = 1e-6
"""Of the largest dependence: below it, what is left of a weight that was masked by a large number
counts as masked."""


@dataclass(frozen=True, eq=False)
class ReachReport:
    """Which inputs reach which outputs."""

    name: str
    """Of the model."""

    reaches: Tensor
    """`[Q, K]`, boolean: output token Q depends on input token K."""

    strength: Tensor
    """`[Q, K]`, float64, from 0 to 1 of the strongest dependence."""

    allowed: Tensor | None
    """`[Q, K]`, boolean: what the mask lets through all layers; None: there is no mask."""

    findings: tuple[MaskFinding, ...]
    """Ways around the mask, then what is allowed and does not arrive."""

    @property
    def leaks(self) -> Tensor:
        """`[Q, K]`, boolean: what reaches though the mask does not allow it."""
        if self.allowed is None:
            return torch.zeros_like(self.reaches)
        return self.reaches & ~self.allowed

    @property
    def mistakes(self) -> tuple[MaskFinding, ...]:
        """Ways around the mask."""
        return tuple(finding for finding in self.findings if finding.is_mistake)

    def view(self, *, block_tokens: int = BLOCK_TOKENS, max_drawn_tokens: int = 64) -> MaskView:
        """What reaches, ready to be drawn; ways around the mask have a colour of their own."""
        spec = DenseMaskSpec.of_boolean(self.name, self.reaches[None])
        if self.allowed is not None:
            kinds = (REACHES, AROUND, NOT_REACHED)
            spec = union_spec(self.name, self.reaches[None], self.allowed[None], kinds)
        return view_mask(spec, block_tokens=block_tokens, max_drawn_tokens=max_drawn_tokens)

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "reaches": self.reaches.int().tolist(),
            "findings": [finding.as_data() for finding in self.findings],
        }

    def __str__(self) -> str:
        rows, columns = self.reaches.shape
        share = float(self.reaches.double().mean())
        head = f"{self.name}, {rows} {TIMES} {columns} tokens: {share:.1%} of all pairs reach."
        if self.allowed is None:
            return head
        if not self.mistakes:
            head += " Nothing goes around the mask."
        return "\n".join([head, *map(str, self.findings)])


def grad_reach(
    model: Model,
    x: Tensor,
    mask: AnyMask | MaskIntent | None = None,
    *,
    token_dim: int = 1,
    output_dim: int | None = None,
    layers: int = 1,
    tolerance: float = TOLERANCE,
) -> ReachReport:
    """Which input tokens really reach an output token, held against what the mask says.

    Asked by gradients and by changing one token after the other. What goes around a mask is found
    so: a normalisation over tokens, a convolution, a pooled token, a wrong transpose, a mask that
    is not applied.

    Args:
        model: A module or function from one tensor to one tensor.
        x: An input, with tokens along `token_dim`; numbers with a fraction, or whole numbers.
        mask: What each layer of attention allows, as `check_mask` takes it, or what is meant; None:
            nothing is held against it.
        token_dim: Where tokens lie in `x`.
        output_dim: Where they lie in the output; None: in the same place.
        layers: Layers of attention between the two: what one lets through, the next passes on.
        tolerance: The share of the largest dependence that counts as none.

    Raises:
        SettingError: If there are more than 512 tokens, the model gives another output each time or
            no tensor, or the mask is of other lengths.
    """
    check_at_least(1, layers=layers)
    axes = TokenAxes(token_dim, token_dim if output_dim is None else output_dim)
    num_queries, num_keys = _lengths(check_deterministic(model, x), x, axes)
    strength = _scaled(changes(model, x, axes))
    by_gradients = gradients(model, x, axes)
    if by_gradients is not None:
        strength = torch.maximum(strength, _scaled(by_gradients))
    reaches = strength > tolerance
    name = type(model).__name__ if isinstance(model, nn.Module) else _name(model)
    allowed = None
    if mask is not None:
        allowed = _through(_allowed(mask, num_queries, num_keys), layers)
    findings = () if allowed is None else (*_findings(model, x, axes, strength, reaches, allowed),)
    return ReachReport(name, reaches, strength, allowed, findings)


def _lengths(output: Tensor, x: Tensor, axes: TokenAxes) -> tuple[int, int]:
    for name, tensor, axis in (("x", x, axes.of_input), ("the output", output, axes.of_output)):
        if not -tensor.ndim <= axis < tensor.ndim:
            raise SettingError(
                f"{name} has shape {list(tensor.shape)}, which has no dimension {axis}; say with "
                "token_dim and output_dim where tokens lie"
            )
        if tensor.shape[axis] > MAX_TOKENS:
            raise SettingError(
                f"{name} has {tensor.shape[axis]:,} tokens along dimension {axis}, at most "
                f"{MAX_TOKENS} can be asked; a mistake shows in a short sequence, too"
            )
    return output.shape[axes.of_output], x.shape[axes.of_input]


def _allowed(mask: AnyMask | MaskIntent, num_queries: int, num_keys: int) -> Tensor:
    """What one layer allows, in any of its heads and batch rows, `[Q, K]`."""
    if isinstance(mask, MaskIntent):
        shape = MaskShape(1, 1, num_queries, num_keys)
        return ~IntendedMask(mask, shape).hidden().all(0).all(0)
    has_rows = getattr(mask, "ndim", 0) > 2 or (not callable(mask) and hasattr(mask, "seq_lengths"))
    examined = examine(mask, None if has_rows else (num_queries, num_keys))
    if examined.allowed is None:
        raise SettingError(f"{examined.given.name} cannot be evaluated: {examined.error}")
    allowed = examined.allowed.any(0).any(0)
    if allowed.shape != (num_queries, num_keys):
        raise SettingError(
            f"the mask is of {examined.shape}, but the model makes {num_queries} output tokens of "
            f"{num_keys} input tokens; say with token_dim and output_dim where tokens lie"
        )
    return allowed


def _through(allowed: Tensor, layers: int) -> Tensor:
    """What several layers let through, and what goes past attention at its own token."""
    if allowed.shape[0] != allowed.shape[1]:
        if layers > 1:
            raise SettingError(
                f"layers must be 1 where queries and keys are not the same, got {layers}"
            )
        return allowed
    step = (allowed | torch.eye(len(allowed), dtype=torch.bool)).float()
    reach = step
    for _ in range(layers - 1):
        reach = ((reach @ step) > 0).float()
    return reach > 0


def _findings(
    model: Model, x: Tensor, axes: TokenAxes, strength: Tensor, reaches: Tensor, allowed: Tensor
) -> Iterator[MaskFinding]:
    leaks = reaches & ~allowed
    found = PairsFound.among(leaks[None, None])
    if found:
        module = None
        if isinstance(model, nn.Module):
            may_change = allowed[:, found.key]
            module = first_module_beyond(model, x, found.key, axes.of_input, may_change)
        words = (
            f"row {found.query} depends on key {found.key}, which the mask does not let it see. "
            f"{found.how_many()} {leak_words(leaks, allowed, reaches, strength, module)}"
        )
        if module is not None:
            words += f" It is there first after `{module.name}` ({module.kind})."
        yield found.finding("way around the mask", words)
    missing = allowed & ~reaches
    found = PairsFound.among(missing[None, None])
    if found:
        words = (
            f"row {found.query} may see key {found.key}, but nothing of it arrives. "
            f"{found.how_many()}"
        )
        yield found.finding("not reached", words, is_mistake=False)


def _scaled(values: Tensor) -> Tensor:
    largest = float(values.max())
    return values / largest if largest else values


def _name(model: Model) -> str:
    return getattr(model, "__name__", type(model).__name__)
