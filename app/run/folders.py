"""Folders that the app writes to, and how they are kept small."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from vidmem.errors import CheckpointError, VidmemError
from vidmem.streaming import check_outputs
from vidmem.units import memory_size

MAX_KEPT_BYTES = 2 * 2**30
"""Of predictions; a run of twelve hours writes about one MiB."""

ORDER_FILE = "order.txt"
"""In which order runs came, a run's id in each line: what the times of files cannot say, where the
clock of the machine was wrong."""

SAMPLE_VIDEO = "barn-sample.mp4"
MAX_LINE_BYTES = 1 << 20

_RUN_ID = re.compile(r"[0-9a-f]{32}")

logger = logging.getLogger(__name__)


def bundled_sample() -> Path | None:
    """The sample video in `assets/`, where it is there."""
    from vidmem.models.presets import asset

    try:
        return asset(SAMPLE_VIDEO)
    except CheckpointError:
        return None


def default_runs_folder() -> Path:
    """Where predictions of the app's runs are kept: in the user's cache folder."""
    from vidmem.models.download import cache_folder

    return cache_folder() / "runs"


def sweep_runs_folder(
    folder: Path, *, max_bytes: int = MAX_KEPT_BYTES, in_use: Collection[str] = ()
) -> list[Path]:
    """Delete files without a row; and runs, with a warning, where all of them outgrow the folder.

    The run that came first goes first, and whole. How old a file is does not matter: rows that were
    written under a wrong clock are as good as others.

    Args:
        folder: Where they are.
        max_bytes: All together at most, not counting those in use.
        in_use: Names of files that are still written to, however long ago the last row came.

    Returns:
        The files that were deleted.
    """
    _sweep_states(folder, {name.split("-", 1)[0] for name in in_use})
    runs: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*-*.csv")):
        run_id = path.name.split("-")[0]
        if _RUN_ID.fullmatch(run_id):  # else somebody put it there, and may want it
            runs.setdefault(run_id, []).append(path)
    deleted = []
    for run_id, paths in runs.items():
        blank = [one for one in paths if one.name not in in_use and _is_blank(one)]
        deleted += _delete(blank)
        runs[run_id] = [one for one in paths if one not in blank]
    sizes = {run_id: sum(map(_size, paths)) for run_id, paths in runs.items()}
    for run_id in _in_order(folder, runs):
        paths = runs[run_id]
        if any(path.name in in_use for path in paths):
            sizes.pop(run_id)
        elif sum(sizes.values()) > max_bytes and paths and sizes.pop(run_id):
            names = ", ".join(path.name for path in paths)
            logger.warning(
                "predictions take more than %s in %s, so those of the oldest run are deleted: %s",
                memory_size(max_bytes),
                folder,
                names,
            )
            deleted += _delete(paths)
    return deleted


def _sweep_states(folder: Path, running: Collection[str]) -> None:
    """Delete states of runs that can be resumed no more."""
    for state in folder.glob("*.state"):
        if state.name.split("-", 1)[0] not in running:
            state.unlink(missing_ok=True)


def _in_order(folder: Path, runs: Mapping[str, list[Path]]) -> list[str]:
    """The ids of runs, those that came first first; new ones are noted."""
    path = folder / ORDER_FILE
    try:
        known = [line for line in path.read_text(encoding="utf-8").split() if line in runs]
    except OSError:
        known = []
    # Times of files say it only among those met for the first time: most often one.
    new = sorted(
        runs.keys() - set(known), key=lambda one: (min(map(_time, runs[one]), default=0), one)
    )
    if new:
        with contextlib.suppress(OSError):
            path.write_text("".join(f"{one}\n" for one in [*known, *new]), encoding="utf-8")
    return [*dict.fromkeys(known), *new]


def _is_blank(path: Path) -> bool:
    """Whether a file has no row, and nobody writes it: also not another app with this folder."""
    if has_rows(path):
        return False
    try:
        check_outputs({"predictions": path})
    except VidmemError:
        return False
    return True


def has_rows(path: Path) -> bool:
    """Whether a file of predictions has more than its header."""
    try:
        with path.open("rb") as file:
            return b"\n" in file.readline(MAX_LINE_BYTES) and bool(file.read(1))
    except OSError:
        return False


def _delete(paths: Iterable[Path]) -> list[Path]:
    deleted = []
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            deleted.append(path)
    return deleted


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # deleted meanwhile
        return 0


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def make_private(*folders: Path) -> None:
    """Make folders where they are missing, and let nobody else into them.

    The names of predictions give access to their runs, so others on this machine must not list
    them.
    """
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(OSError):  # of somebody else, who let us write there
            folder.chmod(0o700)
