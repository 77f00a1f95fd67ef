"""Run a grid: each run in a folder of its own, one that is done not again, a failure noted."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import torch

from vidmem.errors import VidmemError
from vidmem.files import read_json
from vidmem.training.grids.grid import RunGrid, run_digest
from vidmem.training.runs.config import TrainConfig
from vidmem.training.runs.folder import RECORD, RunFolder
from vidmem.training.runs.run import train_run

RUNS = "runs"
"""The folder of the runs, in that of the grid."""

FAILURE = "failed.txt"
"""In a run's folder: why it failed the last time."""


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What came of one run."""

    folder: Path
    scores: dict[str, float]
    """Of `test`; empty where it failed."""

    failure: str = ""
    """Why it failed, in a sentence."""

    was_done: bool = False
    """Whether it had been run before."""

    seconds: float = 0.0
    """That it took, in all its parts."""

    learned_parameters: int = 0


Report = Callable[[TrainConfig, RunOutcome], None]


def run_grid(
    grid: RunGrid,
    folder: str | Path,
    *,
    jobs: int = 1,
    device: str = "auto",
    report: Report = lambda config, outcome: None,
) -> dict[str, RunOutcome]:
    """Run what has not been run yet; a run that fails stops none of the others.

    Args:
        grid: Runs that several rows share are run once.
        folder: Runs lie in `runs/DIGEST`, so that grids which share a folder share runs.
        jobs: Processes at a time. One runs in this process.
        device: `auto`, `cpu`, `cuda`, ...
        report: Called after each run, in any order.

    Returns:
        Outcomes by `run_digest`.
    """
    runs = {run_digest(config): config for row in grid.rows for config in row.configs}
    places = {digest: Path(folder) / RUNS / digest for digest in runs}
    outcomes = {}
    work = ((config, places[digest], device) for digest, config in runs.items())
    for place, outcome in _outcomes(work, jobs):
        outcomes[place.name] = outcome
        report(runs[place.name], outcome)
    return {digest: outcomes[digest] for digest in runs}


Work = tuple[TrainConfig, Path, str]


def _outcomes(work: Iterator[Work], jobs: int) -> Iterator[tuple[Path, RunOutcome]]:
    if jobs == 1:
        for one in work:
            yield one[1], run_one(*one)
        return
    done: SimpleQueue[tuple[Path, RunOutcome]] = SimpleQueue()
    processes = _Processes(jobs)
    with ThreadPoolExecutor(jobs) as threads:
        waiting = [
            threads.submit(lambda one=one: done.put((one[1], processes.run(one)))) for one in work
        ]
        try:
            for _ in waiting:
                yield done.get()
        finally:
            for future in waiting:
                future.cancel()
            processes.close()


class _Processes:
    """As many processes as runs at a time; a crash takes the one with it that ran it, no other."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._idle: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()
        for _ in range(jobs):
            self._idle.put(self._new())

    def run(self, work: Work) -> RunOutcome:
        """Waits for it."""
        process = self._idle.get()
        try:
            return process.submit(run_one, *work).result()
        except BrokenExecutor:
            process = self._new()
            sentence = "its process died: the memory may have been too small for it"
            return _failed(work[1], sentence)
        finally:
            self._idle.put(process)

    def close(self) -> None:
        """Once all are idle."""
        for _ in range(self._jobs):
            self._idle.get().shutdown(cancel_futures=True)

    def _new(self) -> ProcessPoolExecutor:
        # Spawned: a fork would copy the locks of torch's threads, held or not.
        threads = max(1, torch.get_num_threads() // self._jobs)
        return ProcessPoolExecutor(
            1,
            multiprocessing.get_context("spawn"),
            initializer=torch.set_num_threads,
            initargs=(threads,),
        )


def run_one(config: TrainConfig, folder: Path, device: str) -> RunOutcome:
    """One run, or what came of it before."""
    files = RunFolder(folder)
    try:
        was_done = files.scores() is not None
        scores = train_run(config, folder, device=device)
    except VidmemError as error:
        return _failed(folder, str(error))
    except Exception as error:  # whatever it is, other runs may be well
        return _failed(folder, f"{type(error).__name__}: {error}")
    (folder / FAILURE).unlink(missing_ok=True)
    records = read_json(folder / RECORD)
    return RunOutcome(
        folder=folder,
        scores=scores,
        was_done=was_done,
        seconds=sum(record.get("seconds", 0.0) for record in records),
        learned_parameters=records[-1]["learned_parameters"] if records else 0,
    )


def _failed(folder: Path, sentence: str) -> RunOutcome:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FAILURE).write_text(sentence + "\n", encoding="utf-8")
    return RunOutcome(folder=folder, scores={}, failure=sentence)
