"""Folders that the app writes to, and how they are kept small."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Collection, Iterable
from pathlib import Path

import psutil

from vidmem.errors import CheckpointError

MAX_KEPT_FILES = 200
MAX_KEPT_STREAM_FILES = 1000
"""One page may write 16 at once."""

MAX_KEPT_SECONDS = 30 * 24 * 3600
ORPHAN_SECONDS = 3600
SAMPLE_VIDEO = "barn-sample.mp4"


def bundled_sample() -> Path | None:
    """The sample video in `assets/`, where it is there."""
    from vidmem.models.presets import asset

    try:
        return asset(SAMPLE_VIDEO)
    except CheckpointError:
        return None


def default_runs_folder() -> Path:
    """Where predictions of the app's runs are kept: in the user's cache folder."""
    from vidmem.models.presets import cache_folder

    return cache_folder() / "runs"


def sweep_runs_folder(
    folder: Path,
    now: float | None = None,
    *,
    max_files: int = MAX_KEPT_FILES,
    in_use: Collection[str] = (),
) -> list[Path]:
    """Delete predictions that are older than a month, or beyond the newest so many files.

    Args:
        folder: Where they are.
        now: In seconds since 1970; `None`: now.
        max_files: Kept at most, beside those in use.
        in_use: Names of files that are still written to, however long ago the last row came.
    """
    now = time.time() if now is None else now
    paths = (path for path in folder.glob("*.csv") if path.name not in in_use)
    dated = sorted(_dated(paths), reverse=True)
    old = [
        path
        for place, (modified, path) in enumerate(dated)
        if place >= max_files or now - modified > MAX_KEPT_SECONDS
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def sweep_uploads(folder: Path, now: float | None = None) -> list[Path]:
    """Delete what broken-off uploads left behind: Gradio itself never does.

    A file that is still arriving is young; one untouched for an hour is an orphan.
    """
    now = time.time() if now is None else now
    orphans = [
        path
        for modified, path in _dated(folder.glob("tmp*"))
        if path.is_file() and now - modified > ORPHAN_SECONDS
    ]
    for path in orphans:
        path.unlink(missing_ok=True)
    return orphans


def sweep_dead_upload_folders(parent: Path, prefix: str) -> list[Path]:
    """Delete upload folders `<prefix><process id>` of processes that are gone."""
    dead = [
        path
        for path in parent.glob(f"{prefix}*")
        if (number := path.name.removeprefix(prefix)).isdigit()
        and not psutil.pid_exists(int(number))
    ]
    for path in dead:
        shutil.rmtree(path, ignore_errors=True)
    return dead


def _dated(paths: Iterable[Path]) -> list[tuple[float, Path]]:
    dated = []
    for path in paths:
        with contextlib.suppress(OSError):
            dated.append((path.stat().st_mtime, path))
    return dated
