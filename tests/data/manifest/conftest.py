"""One small video, and every dataset in miniature, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.footage import write_pen

PEN_SECONDS = 1.2


@pytest.fixture(scope="package")
def pen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.2 seconds of a pen, in a few kilobytes."""
    path = tmp_path_factory.mktemp("pen") / "pen.mp4"
    return write_pen(path, PEN_SECONDS, width=64, height=36, fps=10)
