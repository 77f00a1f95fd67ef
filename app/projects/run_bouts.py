"""The predictions of a kept run as labels: read once, and post-processed anew for each request.

The file of a run is never changed. A run that is under way grows, so what was read of it is read
again, but never for more than a small part of the time.
"""

from __future__ import annotations

import csv
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import vidmem
from vidmem.errors import LabelError
from vidmem.labels import Ethogram, LabelledVideo, Labels, PostProcessing
from vidmem.labels.formats import About, RecordedPredictions, read_recorded
from vidmem.labels.results import aligned
from vidmem.projects import KeptRun, Project
from vidmem.units import visible

MAX_FILES = 4
MAX_CACHED_BYTES = 128 << 20
"""Of files that were read; what is made of one takes about as much."""

MAX_COUNTED_BYTES = 4 << 20
"""Of a file that a list of runs looks into."""

PATIENCE = 10.0
"""A file that grows is read again after so many times what it took to read it."""

NO_PREDICTIONS = "This run has no predictions (yet)."
VERSIONS = f"vidmem {vidmem.__version__}"


@dataclass(frozen=True)
class RunPredictions:
    """What a run predicted so far, as it stands in its file."""

    run: KeptRun
    recorded: RecordedPredictions
    video: LabelledVideo

    def labels(self, post: PostProcessing | None, ethogram: Ethogram) -> Labels:
        """Its bouts, and as scored all time that it predicted.

        Args:
            post: `None`: the most probable behaviour at any time.
            ethogram: Behaviours of the same name have its axes and colours.

        Raises:
            LabelError: If a class of the model is a point event there.
        """
        made = self.recorded.labels(post, video=self.video, author=_name(self.run.model))
        return _in_colours_of(aligned(made, ethogram), ethogram)

    def about(self, post: PostProcessing | None) -> About:
        """Where the bouts come from: the model, the settings of the run, and the processing."""
        found = self.recorded.about
        settings = [found.settings, f"bouts: {(post or PostProcessing()).summary()}"]
        return About(
            model=found.model or _name(self.run.model),
            settings="; ".join(filter(None, settings)),
            versions=VERSIONS,
        )

    @property
    def title(self) -> str:
        """For a list: the model, and when the run began."""
        return run_title(self.run)


def run_title(run: KeptRun) -> str:
    """The model of a run, of a folder its name, and when the run began.

    To the second: one video is soon watched twice in a minute, and a title tells runs apart.
    """
    model = run.model.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return f"{_name(model) or run.model}, {run.created_at:%Y-%m-%d %H:%M:%S}"


def bouts_of_run(project: Project, run_id: str, post: PostProcessing | None = None) -> Labels:
    """What a run predicted so far, on the project's video and ethogram where names match.

    Args:
        project: That keeps the run.
        run_id: Of the run.
        post: `None`: the most probable behaviour at any time.

    Raises:
        ProjectError: If there is no such run.
        LabelError: If it has no predictions yet, or its file cannot be read.
    """
    return predictions_of_run(project, run_id).labels(post, project.ethogram)


def predictions_of_run(project: Project, run_id: str) -> RunPredictions:
    """What a run predicted so far, to make bouts of with any post-processing.

    Raises:
        ProjectError: If there is no such run.
        LabelError: If it has no predictions yet, or its file cannot be read.
    """
    run = project.runs[run_id]
    path = newest_predictions(run.folder)
    if path is None:
        raise LabelError(NO_PREDICTIONS)
    recorded = _files.read(path, is_growing=run.state == "running")
    return RunPredictions(run, recorded, video_of_run(project, run, path))


def newest_predictions(folder: Path) -> Path | None:
    """The file of predictions in the folder of a run that was written to last, if there is one."""
    found: list[tuple[int, str, Path]] = []
    for path in folder.glob("*predictions*.csv"):
        try:
            if path.is_file() and not path.is_symlink():
                found.append((path.stat().st_mtime_ns, path.name, path))
        except FileNotFoundError:  # deleted meanwhile
            continue
    return max(found)[2] if found else None


def unlike_of_run(run: KeptRun) -> tuple[int, int]:
    """Of how many clips a run that ended says that they look unlike its model's footage, of all.

    Known without its probabilities, so a list of runs can say it. (0, 0): not known.
    """
    path = None if run.state in ("running", "paused") else newest_predictions(run.folder)
    if path is None:
        return 0, 0
    try:
        status = path.stat()
        if status.st_size > MAX_COUNTED_BYTES:
            return 0, 0
        return _count_unlike(path, status.st_size, status.st_mtime_ns)
    except (OSError, ValueError, csv.Error):  # deleted meanwhile, or damaged: who opens it is told
        return 0, 0


@lru_cache(maxsize=1000)
def _count_unlike(path: Path, _num_bytes: int, _written_at: int) -> tuple[int, int]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if "unlikeness" not in header:
            return 0, 0
        at = header.index("unlikeness")
        values = [float(row[at] or 0) for row in rows if len(row) == len(header)]
    return sum(one > 1 for one in values), len(values)


def read_processing(number: Callable[[str], float | None]) -> PostProcessing:
    """Post-processing of the fields of a request: `threshold`, `fill_gap`, `join`, `min_bout`.

    Args:
        number: Of a field; `None`: it is left out.

    Raises:
        SettingError: If one cannot be that.
    """
    fields = {
        "threshold": "threshold",
        "fill_gap_seconds": "fill_gap",
        "join_seconds": "join",
        "min_bout_seconds": "min_bout",
    }
    given = {name: number(field) for name, field in fields.items()}
    return replace(PostProcessing(), **{x: one for x, one in given.items() if one is not None})


def video_of_run(project: Project, run: KeptRun, path: Path) -> LabelledVideo:
    """The video of a run as labels know it; without one of the project, named after its source.

    Args:
        project: That keeps the run.
        run: Of any source.
        path: Its file of predictions.
    """
    if run.video is not None:
        return project.videos[run.video].labelled
    stem = path.name.partition("-predictions")[0]
    return LabelledVideo(_name(run.source) or _name(stem) or "video")


def _name(text: str) -> str:
    """One line that labels may have as a name."""
    return visible(text.strip()).strip()[:200]


def _in_colours_of(labels: Labels, ethogram: Ethogram) -> Labels:
    """With the colours and the order of an ethogram; others get colours that are free."""
    united = ethogram.united(Ethogram(tuple(replace(one, key="") for one in labels.ethogram)))
    names = set(labels.ethogram.names)
    return labels.with_ethogram(Ethogram(tuple(one for one in united if one.name in names)))


@dataclass(frozen=True)
class _ReadFile:
    mark: tuple[int, int]
    """Bytes, and when it was written to last."""

    recorded: RecordedPredictions
    read_at: float
    took_seconds: float


class ReadPredictions:
    """Files that were read a moment ago: a few, and so many bytes of them together."""

    def __init__(
        self,
        max_files: int = MAX_FILES,
        max_bytes: int = MAX_CACHED_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_files, self._max_bytes, self._clock = max_files, max_bytes, clock
        self._lock = threading.Lock()
        self._files: OrderedDict[Path, _ReadFile] = OrderedDict()

    def read(self, path: Path, *, is_growing: bool = False) -> RecordedPredictions:
        """What a file has; one thread reads at a time, so that two do not read the same.

        Args:
            path: Of a file of predictions.
            is_growing: It is written to, so that what was read a moment ago is good enough.

        Raises:
            LabelError: If it cannot be read, or is another file.
        """
        with self._lock:
            try:
                status = path.stat()
            except OSError as error:
                raise LabelError(NO_PREDICTIONS) from error
            mark = (status.st_size, status.st_mtime_ns)
            known = self._files.get(path)
            if known is not None and (known.mark == mark or (is_growing and self._is_new(known))):
                self._files.move_to_end(path)
                return known.recorded
            begun = self._clock()
            recorded = read_recorded(path)
            if recorded is None:
                raise LabelError(f"{path.name} has no predictions, or is of another program")
            now = self._clock()
            self._files[path] = _ReadFile(mark, recorded, now, now - begun)
            self._files.move_to_end(path)
            self._drop_old()
            return recorded

    def _is_new(self, known: _ReadFile) -> bool:
        return self._clock() - known.read_at < PATIENCE * known.took_seconds

    def _drop_old(self) -> None:
        while len(self._files) > 1 and (
            len(self._files) > self._max_files
            or sum(one.mark[0] for one in self._files.values()) > self._max_bytes
        ):
            self._files.popitem(last=False)


_files = ReadPredictions()
"""Of this process."""
