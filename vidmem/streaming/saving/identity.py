"""Which model and which video a saved stream belongs to."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from vidmem.errors import VideoNotFoundError
from vidmem.files import open_regular
from vidmem.models.interface import StreamModel, config_values

HASHED_BYTES = 64 * 1024
"""Read at each end of a video: enough to tell two files apart, and as quick for 40 GB as for 1."""


@dataclass(frozen=True, kw_only=True)
class ModelIdentity:
    """A model, down to its weights."""

    name: str
    class_names: tuple[str, ...]
    dtype: str
    config_sha256: str
    weights_sha256: str

    @classmethod
    def of(cls, model: StreamModel) -> Self:
        """Reads all weights once: about a third of a second for 350 MB."""
        return cls(
            name=model.card.name,
            class_names=tuple(model.card.class_names),
            dtype=str(model.dtype).removeprefix("torch."),
            config_sha256=_config_sha256(model.config),
            weights_sha256=_weights_sha256(model) if isinstance(model, nn.Module) else "",
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self) | {"class_names": list(self.class_names)}

    def difference_from(self, saved: dict[str, Any]) -> str | None:
        """What differs from the model that a file names, in words; `None` if nothing does."""
        words = {
            "name": "its name",
            "class_names": "its classes",
            "config_sha256": "its config",
            "dtype": "its number format",
            "weights_sha256": "its weights",
        }
        here = self.as_dict()
        for key, word in words.items():
            if saved.get(key) != here[key]:
                detail = (
                    "" if key.endswith("sha256") else f" ({saved.get(key)} there, {here[key]} here)"
                )
                return f"{word} {'differs' if word == 'its name' else 'differ'}{detail}"
        return None


@dataclass(frozen=True, kw_only=True)
class SourceIdentity:
    """A video file by its content; a renamed or copied file is still the same video."""

    name: str
    size_bytes: int
    ends_sha256: str
    """Of the first and last 64 KiB."""

    part: str = ""
    """Which part of the picture; empty for all of it."""

    path: Path | None = field(default=None, compare=False)
    """Where it is now: no part of what it is."""

    @classmethod
    def of(cls, path: Path, part: str = "") -> Self:
        """Raises `VideoNotFoundError` where it cannot be read, or is no file."""
        try:
            size_bytes = path.stat().st_size
            digest = _ends_sha256(path, size_bytes)
        except OSError as error:
            raise VideoNotFoundError(f"{path} cannot be read: {error.strerror}") from error
        return cls(name=path.name, size_bytes=size_bytes, ends_sha256=digest, part=part, path=path)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        values = asdict(self)
        del values["path"]
        return values

    def growth_since(self, saved: dict[str, Any]) -> int | None:
        """Bytes that were added to the video since a file named it; `None` if it is another.

        A recorder may still be at work: an MPEG transport stream, say, only gets longer.
        """
        before = saved.get("size_bytes")
        if self.path is None or type(before) is not int or not 0 < before < self.size_bytes:
            return None
        if saved.get("part", "") != self.part:
            return None
        try:
            is_same = _ends_sha256(self.path, before) == saved.get("ends_sha256")
        except OSError:
            return None
        return self.size_bytes - before if is_same else None

    def difference_from(self, saved: dict[str, Any]) -> str | None:
        """What differs from the video that a file names, in words; `None` if nothing does."""
        if saved.get("size_bytes") != self.size_bytes:
            there, here = saved.get("size_bytes"), self.size_bytes
            return f"{saved.get('name')} had {there} bytes, {self.name} has {here}"
        if saved.get("ends_sha256") != self.ends_sha256:
            return f"{self.name} has other content than {saved.get('name')} had"
        if saved.get("part", "") != self.part:
            there, here = (one or "all" for one in (saved.get("part"), self.part))
            return f"the part of the picture was {there}, now {here}"
        return None


def _ends_sha256(path: Path, size_bytes: int) -> str:
    """Of the first and last 64 KiB of the first so many bytes."""
    digest = hashlib.sha256()
    with os.fdopen(open_regular(path), "rb") as file:
        digest.update(file.read(min(HASHED_BYTES, size_bytes)))
        file.seek(max(size_bytes - HASHED_BYTES, 0))
        digest.update(file.read(min(HASHED_BYTES, size_bytes)))
    return digest.hexdigest()


def _config_sha256(config: Any) -> str:
    text = json.dumps(config, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return config_values(value)
    return str(value)


def _weights_sha256(model: nn.Module) -> str:
    digest = hashlib.sha256()
    # By name: in which order modules were made is no part of what a model is.
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        # As bytes: numpy has no bfloat16.
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(memoryview(data.numpy()))
    return digest.hexdigest()
