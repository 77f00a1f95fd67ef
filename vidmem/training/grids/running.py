"""Run a grid: each run in a folder of its own, one that is done not again, a failure noted."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock

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
    processes = _Processes(jobs)
    with ThreadPoolExecutor(jobs) as threads:
        places = {threads.submit(processes.run, one): one[1] for one in work}
        try:
            for future in as_completed(places):
                yield places[future], future.result()
        finally:
            for future in places:
                future.cancel()
            processes.close()


class _Processes:
    """A process for each run: a crash takes only the run with it that was in it."""

    def __init__(self, jobs: int) -> None:
        # Spawned: a fork would copy the locks of torch's threads, held or not.
        self._spawning = multiprocessing.get_context("spawn")
        self._threads = max(1, torch.get_num_threads() // jobs)
        self._running: set[BaseProcess] = set()
        self._is_closed = False
        self._lock = Lock()

    def run(self, work: Work) -> RunOutcome:
        """Waits for it."""
        here, there = self._spawning.Pipe(duplex=False)
        process = self._spawning.Process(
            target=_run_in_process, args=(there, work, self._threads), daemon=True
        )
        with self._lock:
            if self._is_closed:
                return RunOutcome(folder=work[1], scores={}, failure="it was not begun")
            process.start()
            self._running.add(process)
        there.close()
        try:
            return here.recv()
        except EOFError:
            process.join()
            sentence = f"its process died with {process.exitcode}: was there memory enough for it?"
            return _failed(work[1], sentence)
        finally:
            process.join()
            with self._lock:
                self._running.discard(process)

    def close(self) -> None:
        """End what still runs; each goes on from its checkpoint the next time."""
        with self._lock:
            self._is_closed = True
            for process in self._running:
                process.terminate()


def _run_in_process(there: Connection, work: Work, threads: int) -> None:
    torch.set_num_threads(threads)
    there.send(run_one(*work))


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
