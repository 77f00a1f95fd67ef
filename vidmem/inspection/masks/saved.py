"""Masks that were saved as tables: `.npy`, `.pt` and `.safetensors`, read without running anything.

A file may come from anybody, so it is held to a size before anything of it is unpacked.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.files import read_bounded
from vidmem.inspection.masks.view import MAX_CELLS

MAX_BYTES = 64 << 20
"""Of a file. A pair takes a byte, so this is as much as can be looked at."""

MAX_HEADER_BYTES = 4096
"""Of an `.npy` file: what describes a table takes some hundred."""


def read_mask(path: str | Path) -> Tensor:
    """A saved mask of booleans, or of zeros and ones: `[Q, K]` to `[B, A, Q, K]`, on the CPU.

    Raises:
        SettingError: If there is no such file, it is too large, or it holds no such mask.
    """
    path = Path(path)
    try:
        content = read_bounded(path, MAX_BYTES)
    except FileNotFoundError as error:
        raise SettingError(f"there is no file {path}") from error
    except OSError as error:
        raise SettingError(f"{path} cannot be read as a mask: {error.strerror}") from error
    return mask_of_bytes(content, path.name)


def mask_of_bytes(content: bytes, name: str, *, max_bytes: int = MAX_BYTES) -> Tensor:
    """A mask in a file's bytes, as `read_mask` gives it.

    Args:
        content: The file.
        name: Its name, whose ending says of which kind it is.
        max_bytes: What it may have.

    Raises:
        SettingError: If it is too large, or holds no mask.
    """
    if len(content) > max_bytes:
        raise SettingError(f"{name} has {len(content):,} bytes, a mask may have {max_bytes:,}")
    ending = PurePath(name).suffix.lower()
    if ending not in _READERS:
        raise SettingError(f"a saved mask ends in {', '.join(_READERS)}, got {name}")
    return _checked(_READERS[ending](content, name), name)


def _checked(mask: Tensor, name: str) -> Tensor:
    if mask.layout != torch.strided or mask.is_quantized:
        raise SettingError(f"{name} holds a sparse or quantized tensor; save it `.to_dense()`")
    # Asked of the shape first: a tensor may stand for far more numbers than its file has.
    if mask.numel() > MAX_CELLS:
        raise SettingError(
            f"the mask in {name} has {mask.numel():,} pairs, at most {MAX_CELLS:,} can be looked at"
        )
    if mask.ndim not in (2, 3, 4) or not mask.numel():
        raise SettingError(
            f"the mask in {name} must have shape [queries, keys] to [batch, heads, queries, keys], "
            f"got {list(mask.shape)}"
        )
    if mask.is_floating_point() or mask.is_complex():
        raise SettingError(
            f"the mask in {name} must be boolean, got {mask.dtype}; save `mask == 0` of one that "
            "is added to scores"
        )
    if mask.dtype != torch.bool and not bool(((mask == 0) | (mask == 1)).all()):
        raise SettingError(f"the mask in {name} must hold 0 and 1 only")
    return mask.bool().contiguous()


def _of_npy(content: bytes, name: str) -> Tensor:
    file = io.BytesIO(content)
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file, max_header_size=MAX_HEADER_BYTES)
    except (ValueError, TypeError, SyntaxError, EOFError, UnicodeDecodeError) as error:
        raise SettingError(f"{name} is no .npy file: {_first_line(error)}") from error
    if dtype.kind not in "biu":
        raise SettingError(f"the mask in {name} must be boolean, got {dtype}")
    # The header may promise more than there is: numpy would make room for it.
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise SettingError(f"{name} is cut off, or its header is wrong: shape {list(shape)}")
    file.seek(0)
    table = np.load(file, allow_pickle=False)
    if dtype.kind != "b" and not np.isin(table, (0, 1)).all():
        raise SettingError(f"the mask in {name} must hold 0 and 1 only")
    return torch.from_numpy(table.astype(bool, order="C"))


def _of_torch(content: bytes, name: str) -> Tensor:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise SettingError(f"{name} is no file of torch.save: {_first_line(error)}") from error
    if unpacked > MAX_BYTES:
        raise SettingError(f"{name} unpacks to {unpacked:,} bytes, a mask may have {MAX_BYTES:,}")
    try:
        value = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or hostile file makes of torch's reader
        raise SettingError(
            f"{name} cannot be read as weights only: save the tensor alone, "
            f"`torch.save(mask, ...)` ({_first_line(error)})"
        ) from error
    return _only_tensor(value, name)


def _of_safetensors(content: bytes, name: str) -> Tensor:
    try:
        value = load_safetensors(content)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise SettingError(f"{name} is no safetensors file: {_first_line(error)}") from error
    return _only_tensor(value, name)


def _only_tensor(value: Any, name: str) -> Tensor:
    if isinstance(value, dict):
        if len(value) != 1:
            names = ", ".join(map(str, [*value][:5]))
            raise SettingError(f"{name} must hold one mask, got {len(value)}: {names}")
        (value,) = value.values()
    if not isinstance(value, Tensor):
        raise SettingError(f"{name} must hold a tensor, got {type(value).__name__}")
    return value


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


_READERS: dict[str, Callable[[bytes, str], Tensor]] = {
    ".npy": _of_npy,
    ".pt": _of_torch,
    ".safetensors": _of_safetensors,
}
