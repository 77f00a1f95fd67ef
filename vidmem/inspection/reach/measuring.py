"""What of a model's output depends on which token of its input: by gradients, and by changing it.

Gradients miss what is rounded, compared or detached on its way. A changed token shows that, too,
but one change may happen to make no difference. So both are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidmem.errors import SettingError

Model = Callable[[Tensor], Tensor]

MAX_TOKENS = 512
"""Tokens of input and output: each takes a backward pass or a step of the model."""


@dataclass(frozen=True)
class TokenAxes:
    """Where tokens lie in the input and in the output of a model."""

    of_input: int
    of_output: int


def output_of(model: Model, x: Tensor) -> Tensor:
    """The output of a model.

    Raises:
        SettingError: If it is no tensor of numbers with a fraction.
    """
    output = model(x)
    if not isinstance(output, Tensor) or not output.is_floating_point():
        kind = output.dtype if isinstance(output, Tensor) else type(output).__name__
        raise SettingError(
            f"the model must give one tensor of floating point, got {kind}; wrap it in a function "
            "that picks one: `lambda x: model(x).logits`"
        )
    return output


def check_deterministic(model: Model, x: Tensor) -> Tensor:
    """The output of a model that gives the same twice.

    Raises:
        SettingError: If it does not.
    """
    with torch.no_grad():
        first, second = output_of(model, x), output_of(model, x)
    if not torch.equal(first, second):
        raise SettingError(
            "the model gives another output each time, by dropout for example; call model.eval() "
            "first"
        )
    if not bool(first.isfinite().all()):
        raise SettingError("the output has NaN or infinity, so nothing can be told of it")
    return first


def changes(model: Model, x: Tensor, axes: TokenAxes) -> Tensor:
    """`[Q, K]`: how much each token of the output changes with each token of the input."""
    with torch.no_grad():
        base = output_of(model, x)
        columns = [
            amounts((output_of(model, changed(x, key, axes.of_input)) - base), axes.of_output)
            for key in range(x.shape[axes.of_input])
        ]
    return torch.stack(columns, dim=1)


def gradients(model: Model, x: Tensor, axes: TokenAxes) -> Tensor | None:
    """`[Q, K]`: sizes of gradients of each output token with respect to each input token.

    None where the input is of whole numbers, or the output has no gradient.
    """
    if not x.is_floating_point():
        return None
    with torch.enable_grad():
        inputs = x.detach().clone().requires_grad_()
        output = output_of(model, inputs)
        if not output.requires_grad:
            return None
        # A sum alone may have no gradient: that of what a LayerNorm gives is constant.
        weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(0))
        weighted = output * weights.to(output)
        rows = []
        for token in weighted.movedim(axes.of_output, 0):
            (gradient,) = torch.autograd.grad(
                token.sum(), inputs, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            rows.append(amounts(gradient, axes.of_input))
    return torch.stack(rows)


def changed(x: Tensor, token: int, axis: int) -> Tensor:
    """An input with another value at one token."""
    copy = x.clone()
    place = copy.movedim(axis, 0)[token]
    if x.is_floating_point():
        noise = torch.randn(place.shape, generator=torch.Generator().manual_seed(token))
        scale = float(x.float().std()) if x.numel() > 1 else 0.0
        place += noise.to(place) * (scale or 1.0)
    else:
        # Another number that occurs in the input, so that it is one that the model knows.
        low, high = x.min(), x.max()
        other = torch.where(place == high, low, high)
        place.copy_(torch.where(low == high, place + 1, other))
    return copy


def amounts(values: Tensor, axis: int) -> Tensor:
    """The largest size at each token."""
    return values.detach().abs().movedim(axis, 0).flatten(1).amax(1).double().cpu()


@dataclass(frozen=True)
class ModuleOutput:
    """What a part of a model gave."""

    name: str
    """Its place: `blocks.0.norm`."""

    kind: str
    """Its class: `GroupNorm`."""

    value: Tensor


def first_module_beyond(
    model: nn.Module, x: Tensor, token: int, axis: int, may_change: Tensor
) -> ModuleOutput | None:
    """The first module whose output changes at a token that it should not.

    Args:
        model: A model.
        x: Its input.
        token: The token of the input that is changed.
        axis: Where tokens lie in `x`.
        may_change: `[Q]`, boolean: the tokens that may depend on that one.

    Returns:
        None where the output of no module has its tokens in a place that can be told.
    """
    base, other = _outputs(model, x), _outputs(model, changed(x, token, axis))
    for output, twin in zip(base, other, strict=False):
        first, second = output.value, twin.value
        where = [at for at, size in enumerate(first.shape) if size == len(may_change)]
        if first.shape != second.shape or not where:
            continue
        at = axis if axis in where else where[-1]
        if len(where) > 1 and axis not in where:
            continue  # two axes as long as the tokens: it cannot be told which is which
        is_changed = amounts(second.float() - first.float(), at) > 0
        if bool((is_changed & ~may_change).any()):
            return output
    return None


def _outputs(model: nn.Module, x: Tensor) -> list[ModuleOutput]:
    """What each module gives, in the order in which they end: the innermost first."""
    outputs: list[ModuleOutput] = []
    handles = []

    def listener(name: str) -> Callable[[nn.Module, object, object], None]:
        def listen(module: nn.Module, inputs: object, output: object) -> None:
            value = output[0] if isinstance(output, tuple) and output else output
            if isinstance(value, Tensor):
                outputs.append(ModuleOutput(name, type(module).__name__, value.detach().clone()))

        return listen

    for name, module in model.named_modules():
        if name:
            handles.append(module.register_forward_hook(listener(name)))
    try:
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs
