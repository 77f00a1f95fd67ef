"""What many tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared_folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"shared/{name} is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def shared_videos() -> Path:
    """Real footage and awkward files; skips where they are absent."""
    return _shared_folder("videos")


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """Numbers from an independent implementation; skips where they are absent."""
    return _shared_folder("reference")
