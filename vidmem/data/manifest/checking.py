"""Whether the videos of a dataset can be opened, and how long they are; each in its own process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vidmem.errors import DecoderError, SettingError, UnreadableVideoError
from vidmem.video import probe_safely

MAX_WORKERS = 16

Progress = Callable[[int, int], None]
"""Is told how many are done, and of how many."""


@dataclass(frozen=True)
class VideoLooks:
    """What looking at videos came to."""

    durations: Mapping[Path, float]
    """Seconds, of those that can be opened."""

    failures: Mapping[Path, str]
    """Why not, of those that cannot."""


def look_at_videos(
    paths: Iterable[Path],
    *,
    workers: int = 2,
    timeout_seconds: float = 30.0,
    progress: Progress = lambda done, total: None,
) -> VideoLooks:
    """Open videos and decode the first frame of each, a few at a time.

    Args:
        paths: Of the videos; one that comes twice is looked at once.
        workers: Videos that are looked at together, 1 to 16; each has a process of its own.
        timeout_seconds: Longest silence of a decoder before its video counts as undecodable.
        progress: Called after each.

    Raises:
        SettingError: If `workers` is not from 1 to 16.
    """
    if not 1 <= workers <= MAX_WORKERS:
        raise SettingError(f"workers must be from 1 to {MAX_WORKERS}, got {workers}")
    wanted = list(dict.fromkeys(paths))
    durations: dict[Path, float] = {}
    failures: dict[Path, str] = {}

    def look(path: Path) -> float | str:
        try:
            return probe_safely(path, timeout_seconds=timeout_seconds).duration_seconds
        except (UnreadableVideoError, DecoderError) as error:
            return str(error)

    with ThreadPoolExecutor(workers) as pool:
        for done, (path, result) in enumerate(
            zip(wanted, pool.map(look, wanted), strict=True), start=1
        ):
            if isinstance(result, str):
                failures[path] = result
            else:
                durations[path] = result
            progress(done, len(wanted))
    return VideoLooks(durations, failures)
