"""Where a project lies, and what lies where in it.

FOLDER/project.db       the database, with project.db-wal and project.db-shm while it is open
       project.lock     held, shared, by each process that has the project open
       copies/          the database as it was, one a day
       runs/ID/         the files of a run
       models/          taught models
       features/        what encoders gave for frames, kept
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

DATABASE = "project.db"
LOCK = "project.lock"
COPIES, RUNS, MODELS, FEATURES = "copies", "runs", "models", "features"


def default_folder() -> Path:
    """`$VIDMEM_PROJECT`, or `vidmem/project` in the user's data folder; nothing is made.

    The data folder is `$XDG_DATA_HOME` where that is set, else the system's own: `~/.local/share`,
    `~/Library/Application Support`, or `%LOCALAPPDATA%`.
    """
    if folder := os.environ.get("VIDMEM_PROJECT"):
        return Path(folder).expanduser()
    # By its standard a relative XDG_DATA_HOME is to be ignored.
    data = Path(os.environ.get("XDG_DATA_HOME") or "")
    if not data.is_absolute():
        data = _data_folder()
    return data / "vidmem" / "project"


def _data_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path.home() / ".local" / "share"
