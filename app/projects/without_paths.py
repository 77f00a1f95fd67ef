"""Errors about files, for people who know the file by its name and not where it lies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from vidmem.errors import VidmemError


@contextlib.contextmanager
def without_paths(name: str, *paths: Path) -> Iterator[None]:
    """What is raised in here calls a file by its name, wherever it lies.

    Raises:
        VidmemError: Of the kind that was raised.
    """
    try:
        yield
    except VidmemError as error:
        text = str(error)
        for path in paths:
            text = text.replace(str(path), name)
        if text == str(error):
            raise
        raise type(error)(text) from error
