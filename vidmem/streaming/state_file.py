"""A saved stream on disk: tensors and plain facts in one safetensors file, replaced at once.

The facts are JSON in the file's metadata, so reading a file runs no code. A crash at any moment
leaves the old file or the new one, never half of each.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vidmem.errors import StateError, StorageError

FORMAT = "vidmem-stream-1"


@dataclass(frozen=True)
class SavedState:
    """What a state file holds."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def write_state_file(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Replace the file by a new one, atomically, on the disk when this returns.

    Raises:
        StorageError: If it cannot be written; an older file is then untouched.
    """
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    data = save(stored, metadata={"format": FORMAT, "facts": json.dumps(facts)})
    temporary = path.with_name(f".{path.name}.tmp")  # one name, so a killed run leaves one at most
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


def _sync_folder(folder: Path) -> None:
    """Put the renaming itself on the disk; Windows does so unasked, and cannot open folders."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_state_file(path: Path) -> SavedState:
    """Read a file that `write_state_file` wrote.

    Raises:
        StateError: If it is missing, damaged or no saved stream.
    """
    if not path.is_file():
        raise StateError(f"there is no saved stream at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        facts = json.loads(metadata["facts"]) if metadata.get("format") == FORMAT else None
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise StateError(f"{path} is damaged: {error}") from error
    if facts is None:
        raise StateError(f"{path} is a safetensors file, but no stream saved by this version")
    return SavedState(tensors, facts)
