"""Which model and which video a saved stream belongs to."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from vidmem.errors import VideoNotFoundError
from vidmem.models.interface import StreamModel

HASHED_BYTES = 64 * 1024
"""Read at each end of a video: enough to tell two files apart, and quick for one of 40 GB."""


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

    @classmethod
    def of(cls, path: Path, part: str = "") -> Self:
        """Raises `VideoNotFoundError` where the file cannot be read."""
        digest = hashlib.sha256()
        try:
            size_bytes = path.stat().st_size
            with path.open("rb") as file:
                digest.update(file.read(HASHED_BYTES))
                file.seek(max(size_bytes - HASHED_BYTES, 0))
                digest.update(file.read(HASHED_BYTES))
        except OSError as error:
            raise VideoNotFoundError(f"{path} cannot be read: {error.strerror}") from error
        return cls(name=path.name, size_bytes=size_bytes, ends_sha256=digest.hexdigest(), part=part)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self)

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


def _config_sha256(config: Any) -> str:
    text = json.dumps(config, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def _weights_sha256(model: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(memoryview(data.numpy()))
    return digest.hexdigest()
