"""Published weights: fetched once, checked, and kept in vidmem's cache folder."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from vidmem.errors import WeightsNotAvailableError


@dataclass(frozen=True)
class PretrainedFile:
    """A file of weights that someone else publishes."""

    url: str
    sha256: str
    """In hexadecimal: all 64 digits, or the first ones where no more are published."""

    @property
    def name(self) -> str:
        """Its name in the cache."""
        return self.url.rsplit("/", 1)[1]


def cache_folder() -> Path:
    """`$VIDMEM_CACHE`, or `vidmem` in the user's cache folder; not made until something is kept."""
    if folder := os.environ.get("VIDMEM_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vidmem"


def fetch(file: PretrainedFile, timeout_seconds: float = 30.0) -> Path:
    """The path of a published file: from the cache, else fetched, checked and kept.

    Raises:
        WeightsNotAvailableError: If it cannot be fetched, with where to get it and where to put it.
    """
    path = cache_folder() / file.name
    if path.is_file():
        _check_hash(path, path, file)
        return path
    # Of this process alone, since two may fetch the same file at once.
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(file.url, timeout=timeout_seconds) as answer,
            part.open("wb") as out,
        ):
            while block := answer.read(1 << 20):
                out.write(block)
        _check_hash(part, path, file)
        part.replace(path)
    except (OSError, HTTPException) as error:  # a URLError is an OSError
        raise WeightsNotAvailableError(
            f"{file.name} could not be fetched ({error}). Download {file.url} on a machine with "
            f"network and put it at {path}"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _check_hash(source: Path, path: Path, file: PretrainedFile) -> None:
    """Refuse what is not the published file; `path` is where it is, or would have been put."""
    with source.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if not digest.startswith(file.sha256):
        raise WeightsNotAvailableError(
            f"{file.name} is not the published file: its SHA-256 is {digest}, and that should "
            f"begin {file.sha256}; delete {path} if it is there and download {file.url} again"
        )
