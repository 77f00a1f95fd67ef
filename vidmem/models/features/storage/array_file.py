"""An array in a `.npy` file that grows: `numpy.load(path, mmap_mode="r")` reads it at any time.

The header has a fixed length, so that its count of rows can be written anew. What counts is the
`StoredRows` kept elsewhere: rows beyond it were not finished, and are cut off.
"""

from __future__ import annotations

import math
import mmap
import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Self
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from vidmem.holding import try_lock
from vidmem.units import MIB

ENDING = ".npy"
DTYPES = {
    "float16": torch.float16,
    "float32": torch.float32,
    "float64": torch.float64,
    "int64": torch.int64,
}

_CODES = {"float16": "<f2", "float32": "<f4", "float64": "<f8", "int64": "<i8"}
_HEADER_BYTES = 256
_MAPPINGS: WeakValueDictionary[int, mmap.mmap] = WeakValueDictionary()
"""By the address of the rows that are mapped."""

_MAX_DIMS = 8


@dataclass(frozen=True, kw_only=True)
class StoredRows:
    """The rows of an array that are on the disk for sure."""

    dtype: str
    """One of `DTYPES`."""

    shape: tuple[int, ...]
    """Rows first."""

    crc32: int = 0
    """Of all bytes behind the header."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be {', '.join(DTYPES)}, got {self.dtype!r}")
        if not 1 <= len(self.shape) <= _MAX_DIMS or not all(map(_is_count, self.shape)):
            raise ValueError(f"shape must be 1 to {_MAX_DIMS} whole numbers, got {self.shape}")
        if not _is_count(self.crc32):
            raise ValueError(f"crc32 must be a whole number, got {self.crc32!r}")

    @classmethod
    def empty_like(cls, rows: Tensor) -> Self:
        """Of no rows, of the shape and type of these.

        Raises:
            ValueError: If the type is none of `DTYPES`.
        """
        dtype = str(rows.dtype).removeprefix("torch.")
        return cls(dtype=dtype, shape=(0, *rows.shape[1:]))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; `ValueError`, `KeyError` or `TypeError` if it is no record."""
        return cls(dtype=values["dtype"], shape=tuple(values["shape"]), crc32=values["crc32"])

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        return {**asdict(self), "shape": list(self.shape)}

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def num_bytes(self) -> int:
        """Behind the header."""
        return math.prod(self.shape) * DTYPES[self.dtype].itemsize

    def check_fits(self, name: str, rows: Tensor) -> None:
        """Raise `ValueError` for rows of another shape or type."""
        wanted = (self.dtype, list(self.shape[1:]))
        got = (str(rows.dtype).removeprefix("torch."), list(rows.shape[1:]))
        if got != wanted:
            raise ValueError(f"{name} had rows of {wanted[0]} {wanted[1]}, got {got[0]} {got[1]}")


def append_rows(path: Path, record: StoredRows, rows: Tensor) -> StoredRows:
    """Write rows `[N, ...]` behind those that are recorded, and wait until they are on the disk.

    Returns:
        The record with these rows.

    Raises:
        OSError: If they cannot be written.
    """
    data = rows.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
    longer = replace(
        record,
        shape=(len(record) + len(rows), *record.shape[1:]),
        crc32=zlib.crc32(data, record.crc32),
    )
    with path.open("r+b" if path.exists() else "xb") as file:
        file.seek(_HEADER_BYTES + record.num_bytes)
        file.write(data)
        _write_header(file, longer)
    return longer


def restore(path: Path, record: StoredRows) -> None:
    """Cut off what is not recorded.

    Raises:
        ValueError: If what is recorded is not there.
        OSError: If the file cannot be read or written.
    """
    with path.open("r+b") as file:
        _check(file, record)
        file.truncate(_HEADER_BYTES + record.num_bytes)
        _write_header(file, record)


def map_rows(path: Path, record: StoredRows) -> Tensor:
    """The recorded rows, mapped into memory and checked; changing them changes no file.

    The file is locked, shared, for as long as the tensor or a view of it lives.

    Raises:
        ValueError: If they are damaged.
        OSError: If the file cannot be read, or is being deleted.
    """
    with path.open("rb") as file:
        if not try_lock(file.fileno(), is_shared=True):
            raise OSError("it is being deleted")
        _check(file, record)
        if not record.num_bytes:
            return torch.empty(record.shape, dtype=DTYPES[record.dtype])
        # The mapping duplicates the descriptor, so the lock outlives `file`; the tensor keeps the
        # mapping. ACCESS_COPY: a tensor that is changed gets pages of its own.
        mapping = mmap.mmap(
            file.fileno(), _HEADER_BYTES + record.num_bytes, access=mmap.ACCESS_COPY
        )
    rows = torch.frombuffer(mapping, dtype=DTYPES[record.dtype], offset=_HEADER_BYTES)
    _MAPPINGS[rows.untyped_storage().data_ptr()] = mapping
    return rows.view(record.shape)


def release_pages(rows: Tensor) -> None:
    """Give back the memory that reading rows of `map_rows` took; reading them again takes it again.

    Changes of them are lost. Of other tensors, and where the system has no such advice, nothing
    happens.
    """
    mapping = _MAPPINGS.get(rows.untyped_storage().data_ptr())
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def _write_header(file: IO[bytes], record: StoredRows) -> None:
    about = {"descr": _CODES[record.dtype], "fortran_order": False, "shape": record.shape}
    start = b"\x93NUMPY\x01\x00" + (_HEADER_BYTES - 10).to_bytes(2, "little")
    text = repr(about).encode()
    file.seek(0)
    file.write(start + text.ljust(_HEADER_BYTES - len(start) - 1) + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _check(file: IO[bytes], record: StoredRows) -> None:
    file.seek(_HEADER_BYTES)
    crc32, left = 0, record.num_bytes
    while left:
        block = file.read(min(MIB, left))
        if not block:
            raise ValueError("it ends early")
        crc32, left = zlib.crc32(block, crc32), left - len(block)
    if crc32 != record.crc32:
        raise ValueError("its checksum is wrong")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
