"""The device and the dtype that a model runs in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import nn

from vidmem.errors import SettingError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_LARGE_PARAMETERS = 10_000_000
"""Models larger than this run in bf16 on CPUs that have it; in small ones it gains nothing."""


class HasParameters(Protocol):
    """A network whose weights can be counted."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All weights."""
        ...


def resolve_device(device: str) -> torch.device:
    """`auto` or a device's name to a device that is there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
    except RuntimeError as error:
        raise SettingError(f"device must be auto, cpu or cuda, got {device!r}") from error
    if where.type == "cuda" and (where.index or 0) >= torch.cuda.device_count():
        raise SettingError(
            f"device {device} is not there: {torch.cuda.device_count()} CUDA devices"
        )
    if where.type not in {"cpu", "cuda"}:
        raise SettingError(f"device must be auto, cpu or cuda, got {device!r}")
    return where


def check_dtype(dtype: str) -> None:
    """Refuse what is neither `auto` nor the name of a dtype that models run in.

    Raises:
        SettingError: With what is allowed.
    """
    if dtype != "auto" and dtype not in _DTYPES:
        raise SettingError(f"dtype must be auto, {', '.join(_DTYPES)}, got {dtype!r}")


def resolve_dtype(model: HasParameters, device: torch.device, dtype: str = "auto") -> torch.dtype:
    """A dtype's name to the dtype; `auto`: the one that runs a model fastest, at inference.

    Raises:
        SettingError: As `check_dtype`.
    """
    check_dtype(dtype)
    if dtype != "auto":
        return _DTYPES[dtype]
    return fastest_dtype(sum(p.numel() for p in model.parameters()), device)


def fastest_dtype(num_parameters: int, device: torch.device) -> torch.dtype:
    """The fastest dtype for a model of so many weights, at inference."""
    if device.type == "cuda":
        # The planner also asks about a GPU that is not in this machine: taken to have bf16.
        has_bf16 = not torch.cuda.is_available() or torch.cuda.is_bf16_supported()
        return torch.bfloat16 if has_bf16 else torch.float32
    is_large = num_parameters > _LARGE_PARAMETERS
    return torch.bfloat16 if is_large and has_fast_bf16() else torch.float32


def has_fast_bf16() -> bool:
    """Whether this CPU multiplies bf16 matrices in hardware."""
    # Private, but torch has no public name for either.
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
