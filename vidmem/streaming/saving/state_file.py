"""A saved stream on disk: tensors and plain facts in one safetensors file, replaced at once.

The facts are JSON in the file's metadata, so reading a file runs no code. A crash at any moment
leaves the old file or the new one, never half of each. A SHA-256 over every byte of the file stands
in it, so that one flipped bit is noticed: a stream would go on with it, and predict something else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vidmem.errors import StateError, StorageError
from vidmem.files import open_regular, other_kind, parse_json
from vidmem.streaming.saving.outputs import keep_previous, open_locked, sync_folder

FORMAT = "vidmem-stream-2"
FORMAT_WITHOUT_CHECKSUM = "vidmem-stream-1"
"""What earlier versions wrote: read too, with a warning."""

MAX_HEADER_BYTES = 100_000_000
"""Of safetensors itself."""

_NO_DIGEST = "0" * 64
_DIGEST_KEY = b'"sha256":"'
_LENGTH_BYTES = 8

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedState:
    """What a state file holds."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]
    has_checksum: bool = True


class StateFile:
    """A state file of a run, replaced again and again, and locked against other runs."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self.path = path
        self._descriptor: int | None = None  # of the file that is there now, which holds the lock

    def take(self) -> None:
        """Lock the file that is there, if one is.

        Raises:
            StorageError: If another run writes to it, or it is no file.
        """
        if self._descriptor is not None or not os.path.lexists(self.path):
            return
        try:
            self._descriptor = open_locked(self.path, os.O_RDONLY)
        except OSError as error:
            raise _not_written(self.path, error) from error

    def keep_older(self) -> None:
        """Rename a file of an earlier run to `<name>.previous`; one without a single clip goes.

        Raises:
            StorageError: If another run writes to it, or it cannot be renamed.
        """
        self.take()
        if self._descriptor is None or _is_of_no_clip(self.path):
            return
        try:
            previous = keep_previous(self.path)
        except OSError as error:
            raise _not_written(self.path, error) from error
        self.close()
        name = previous.name if previous else ""
        logger.warning("%s was there already and is now %s", self.path, name)

    def write(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Replace the file by a new one, atomically, on the disk when this returns.

        Raises:
            StorageError: If it cannot be written; an older file is then untouched.
        """
        self.take()
        data = _packed(tensors, facts)
        # One name, so a killed run leaves one at most.
        temporary = self.path.with_name(f".{self.path.name}.tmp")
        descriptor = None
        try:
            # Made anew: what lies there may be a link to a file of somebody.
            temporary.unlink(missing_ok=True)
            # Locked before it takes the name: at no moment the name leads to a file that is free.
            descriptor = open_locked(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            if os.name == "nt":  # an open file cannot be renamed there
                os.close(descriptor)
                descriptor = None
            temporary.replace(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            if descriptor is not None:
                os.close(descriptor)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise _not_written(self.path, error) from error
        self.close()
        self._descriptor = descriptor

    def close(self) -> None:
        """Let other runs have it; the file stays."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


def write_state_file(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Replace the file by a new one, atomically, on the disk when this returns.

    Raises:
        StorageError: If it cannot be written, or a run writes to it; an older file is untouched.
    """
    file = StateFile(path)
    try:
        file.write(tensors, facts)
    finally:
        file.close()


def read_state_file(path: Path) -> SavedState:
    """Read a file that `write_state_file` wrote; one of an earlier version with a warning.

    Raises:
        StateError: If it is missing, damaged or no saved stream.
    """
    header, data = _read(path)
    metadata = header["__metadata__"]
    has_checksum = metadata["format"] == FORMAT
    if has_checksum and not _is_as_saved(data, metadata.get("sha256")):
        raise StateError(
            f"{path} is damaged: its bytes are not those that were saved; take a copy of it, or "
            "start again without resume"
        )
    try:
        facts = parse_json(metadata["facts"])
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise StateError(f"{path} is damaged: {error}") from error
    if not isinstance(facts, dict):
        raise StateError(f"{path} is damaged: it has no facts of a stream")
    if not has_checksum:
        logger.warning(
            "%s was saved by an earlier version and has no checksum: damage to it is not noticed",
            path,
        )
    return SavedState(tensors, facts, has_checksum)


def _packed(tensors: dict[str, Tensor], facts: dict[str, Any]) -> bytes:
    """The file as bytes, with the SHA-256 of itself as if that were zeros."""
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts, allow_nan=False)
    data = save(stored, metadata={"format": FORMAT, "facts": text, "sha256": _NO_DIGEST})
    # With its key: the facts are a text in which quotes are escaped, so this is nowhere else.
    place = data.index(_DIGEST_KEY + _NO_DIGEST.encode()) + len(_DIGEST_KEY)
    digest = hashlib.sha256(data).hexdigest().encode()
    return b"".join([data[:place], digest, data[place + len(digest) :]])


def _is_as_saved(data: bytes, digest: Any) -> bool:
    """Whether the bytes of a file have the SHA-256 that stands in it."""
    if not isinstance(digest, str) or len(digest) != len(_NO_DIGEST):
        return False
    end = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    written = digest.encode(errors="replace")
    if data.count(written, 0, end) != 1:  # it must be clear where it stands
        return False
    place = data.index(written, 0, end)
    view = memoryview(data)
    got = hashlib.sha256(view[:place])
    got.update(_NO_DIGEST.encode())
    got.update(view[place + len(written) :])
    return got.hexdigest() == digest


def _read(path: Path, *, is_header_only: bool = False) -> tuple[dict[str, Any], bytes]:
    """The header of a state file, and all bytes; raises `StateError`."""
    if not path.exists():
        raise StateError(f"there is no saved stream at {path}")
    if (kind := other_kind(path)) is not None:
        raise StateError(f"there is no saved stream at {path}: it is {kind}")
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            length = file.read(_LENGTH_BYTES)
            size = int.from_bytes(length, "little")
            if len(length) < _LENGTH_BYTES or size > MAX_HEADER_BYTES:
                raise ValueError("it has no header of a saved stream")
            text = file.read(size)
            header = parse_json(text)
            metadata = header.get("__metadata__") if isinstance(header, dict) else None
            if not isinstance(header, dict) or not isinstance(metadata, dict | None):
                raise ValueError("it has no header of a saved stream")
            # Before all of it is read: it may be anything, and larger than the memory.
            if (metadata or {}).get("format") not in (FORMAT, FORMAT_WITHOUT_CHECKSUM):
                raise StateError(
                    f"{path} is a safetensors file, but no stream saved by this version"
                )
            rest = b"" if is_header_only else file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StateError(f"{path} is damaged: {reason}") from error
    return header, length + text + rest


def _is_of_no_clip(path: Path) -> bool:
    """Whether a state was saved before the first clip: it is of no use to anybody."""
    try:
        header, _ = _read(path, is_header_only=True)
        facts = parse_json(header["__metadata__"]["facts"])
        return facts["position"]["next_index"] == 0
    except (StateError, ValueError, KeyError, TypeError):
        return False


def _not_written(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be written: {error.strerror or error}")
