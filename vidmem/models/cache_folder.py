"""Where vidmem keeps what it fetched or computed and can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$VIDMEM_CACHE`, or `vidmem` in the user's cache folder; not made until something is kept."""
    if folder := os.environ.get("VIDMEM_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vidmem"
