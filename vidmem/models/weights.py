"""Weights by name, as a file holds them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vidmem.errors import CheckpointError
from vidmem.files import other_kind


def read_weights(path: Path) -> dict[str, Tensor]:
    """All weights of a file, on the CPU.

    Raises:
        CheckpointError: If it is not there, or damaged.
    """
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} is no model: it has no {path.name}") from error
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} is damaged: {error}; fetch or save it again") from error


def read_outline(path: Path) -> dict[str, Tensor]:
    """All weights of a file by its header alone: their shapes, without values.

    Raises:
        CheckpointError: If it is not there, is no file, or damaged.
    """
    if (kind := other_kind(path)) is not None:
        raise CheckpointError(f"{path} is {kind}, and must be a file with weights")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {
                name: torch.empty(file.get_slice(name).get_shape(), device="meta")
                for name in file.keys()  # noqa: SIM118 - it is no dictionary
            }
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} is no model: it has no {path.name}") from error
    except (OSError, safetensors.SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged: {error}; fetch or save it again") from error


class _NothingIsFilled(TorchFunctionMode):
    """What would change values in place changes nothing."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name.endswith("_") and not name.endswith("__") and name != "requires_grad_":
            return args[0] if args else dict(kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def outlining() -> Iterator[None]:
    """Networks that are made in here have shapes and no values: nothing is allocated or drawn.

    On such tensors torch would load its compiler to draw random numbers, a second of starting.
    """
    with torch.device("meta"), _NothingIsFilled():
        yield


def check_depth(num_layers: int, weights: Mapping[str, Tensor]) -> None:
    """Refuse a config of more layers than there are weights, before the first of them is made.

    Raises:
        CheckpointError: If it has more.
    """
    if num_layers > len(weights):
        raise CheckpointError(
            f"the checkpoint is of another model: its config has {num_layers} layers, and it has "
            f"{len(weights)} weights"
        )


def check_same_weights(want: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> None:
    """Refuse weights that do not fit, before any of them is loaded.

    Raises:
        CheckpointError: Naming the first of the weights that differ.
    """
    missing, unknown = sorted(want.keys() - got.keys()), sorted(got.keys() - want.keys())
    if missing or unknown:
        raise CheckpointError(
            f"the checkpoint is of another model: {len(missing)} weights are missing "
            f"({', '.join(missing[:3]) or 'none'}), {len(unknown)} unknown "
            f"({', '.join(unknown[:3]) or 'none'})"
        )
    for key, tensor in want.items():
        if tensor.shape != got[key].shape:
            raise CheckpointError(
                f"{key} must have shape {list(tensor.shape)}, the checkpoint has "
                f"{list(got[key].shape)}: it was made with another size or number of classes"
            )
