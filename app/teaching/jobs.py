"""Teaching for the pages: one job at a time, the others wait, and none is lost with the app."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.projects.taught_models import PREFIX, TaughtModels
from app.teaching import wording
from app.teaching.process import ChildOfApp, TeachingProcess
from app.teaching.records import JobRecords, JobState, TeachJob, begun
from app.teaching.request import TeachRequest
from vidmem.errors import SettingError, VidmemError
from vidmem.holding import HeldFile
from vidmem.projects import Project

logger = logging.getLogger(__name__)

MAX_WAITING = 5
MAX_BEGUN = 3
"""Times that a job is begun by itself: one that ends the app each time must not go on for ever."""

CANCEL_SECONDS, CLOSE_SECONDS = 10.0, 15.0
SHOWN_LOG = 4000
"""Characters of it on the terminal; the project keeps some more."""


@dataclass
class _Held:
    """A job that this app has in its queue."""

    job: TeachJob
    lock: HeldFile | None
    stages: Any = None
    process: TeachingProcess | None = None
    is_cancelled: bool = False
    ended: threading.Event = field(default_factory=threading.Event)


class TeachJobs:
    """The jobs of a project; safe to use from all threads.

    What was queued or running when an app was ended is begun again, with the labels as they are
    then; what is encoded is kept, so it goes on about where it was.

    Args:
        project: Whose labels are taught.
        models: Of the project.
        start: Starts the process for a job; tests replace it.
    """

    def __init__(
        self,
        project: Project,
        models: TaughtModels,
        start: Callable[[Mapping[str, Any]], TeachingProcess] = ChildOfApp,
    ) -> None:
        self._project, self.models, self._start = project, models, start
        self._records = JobRecords(project.folder)
        self._lock = threading.Lock()
        self._queue: list[_Held] = []
        self._worker: threading.Thread | None = None
        self._is_closing = False
        self._take_up()

    # For pages.

    def rows(self) -> list[dict[str, Any]]:
        """All jobs that are known, the oldest first, in plain values."""
        with self._lock:
            held = {one.job.job_id: one for one in self._queue}
        return [self._row(job, held.get(job.job_id)) for job in self._records.list()]

    def names(self) -> list[str]:
        """Of models that are being taught, or wait for it."""
        return [one.request.name for one in self._records.list() if not one.is_over]

    def begin(self, request: TeachRequest) -> str:
        """Teach a model, after those that wait; returns the id of the job.

        Raises:
            SettingError: If the name cannot be its, or too many wait.
            OSError: If the project cannot be written.
        """
        with self._lock:
            if len(self._queue) > MAX_WAITING:
                raise SettingError(wording.TOO_MANY.format(most=MAX_WAITING))
            name = self.models.check_name(request.name, self.names())
            job = self._records.create(request.named(name))
            self._append(job)
        return job.job_id

    def go_on(self, job_id: str) -> None:
        """Teach again what failed or was given up.

        Raises:
            SettingError: If there is no such job, its name is taken by now, or too many wait.
            OSError: If the project cannot be written.
        """
        with self._lock:
            job = self._find(job_id)
            if job.state == "done" or (not job.is_over and self._records.is_held(job_id)):
                raise SettingError(wording.NO_JOB)
            if len(self._queue) > MAX_WAITING:
                raise SettingError(wording.TOO_MANY.format(most=MAX_WAITING))
            others = [one for one in self.names() if one != job.request.name]
            self.models.check_name(job.request.name, others)
            job = replace(job, state="queued", num_begun=0, sentence="")
            self._records.write(job)
            self._append(job)

    def cancel(self, job_id: str) -> None:
        """Give a job up, or forget one that is over; what is encoded is kept.

        Raises:
            SettingError: If there is no such job, or another app has it.
        """
        with self._lock:
            job = self._find(job_id)
            held = next((one for one in self._queue if one.job.job_id == job_id), None)
            if held is None:
                if not job.is_over and self._records.is_held(job_id):
                    raise SettingError(wording.NO_JOB)
                self._records.delete(job_id)
                return
            held.is_cancelled = True
            process = held.process
            if process is None and held is not self._queue[0]:
                self._queue.remove(held)
                self._let_go(held)
                self._records.delete(job_id)
                return
        if process is not None:
            process.cancel()
            # It is asked between steps; one that takes longer loses no more than that step.
            ending = threading.Timer(CANCEL_SECONDS, process.end)
            ending.daemon = True
            ending.start()

    def close(self) -> None:
        """End what is under way; the next app goes on with it."""
        with self._lock:
            self._is_closing = True
            processes = [one.process for one in self._queue if one.process is not None]
            worker = self._worker
        for process in processes:
            process.end()
        if worker is not None:
            worker.join(CLOSE_SECONDS)
        with self._lock:
            for one in self._queue:
                self._let_go(one)
            self._queue.clear()

    # Inner workings.

    def _take_up(self) -> None:
        """Queue what an app that was ended had in its queue, in the order in which it was asked."""
        self._records.forget_old()
        with self._lock:
            for job in self._records.list():
                if job.is_over:
                    continue
                if not self._records.is_held(job.job_id) and self._is_written(job):
                    continue
                if job.num_begun >= MAX_BEGUN:
                    if not self._records.is_held(job.job_id):
                        sentence = wording.TOO_OFTEN.format(times=job.num_begun)
                        self._note(replace(job, state="interrupted", sentence=sentence))
                    continue
                with contextlib.suppress(OSError):
                    self._append(replace(job, state="queued"))
        self._sweep()

    def _is_written(self, job: TeachJob) -> bool:
        """Note that a job is done whose model is there; the app ended before it could."""
        model = self.models.of_job(job.job_id)
        if model is not None:
            self._note(replace(job, state="done", sentence="", model=model.folder.name))
        return model is not None

    def _append(self, job: TeachJob) -> None:
        """Called with the lock held: put a job behind the others, unless another app has it."""
        lock = self._records.hold(job.job_id)
        if lock is None:
            return
        self._queue.append(_Held(job, lock))
        if self._worker is None and not self._is_closing:
            self._worker = threading.Thread(target=self._work, name="vidmem-teaching", daemon=True)
            self._worker.start()

    def _find(self, job_id: str) -> TeachJob:
        for one in self._records.list():
            if one.job_id == job_id:
                return one
        raise SettingError(wording.NO_JOB)

    def _work(self) -> None:
        """Thread: teach what waits, and end."""
        while True:
            with self._lock:
                if not self._queue or self._is_closing:
                    self._worker = None
                    return
                held = self._queue[0]
            try:
                self._teach(held)
            except (VidmemError, OSError) as error:
                self._end(held, "failed", str(error))
            except BaseException:
                self._end(held, "failed", wording.ended(0))
                raise

    def _teach(self, held: _Held) -> None:
        from app.teaching.stages import Stages

        held.stages = Stages(held.job.request)
        held.job = begun(held.job)
        self._records.write(held.job)
        request = {
            "id": held.job.job_id,
            "project": str(self._project.folder),
            "request": held.job.request.as_dict(),
        }
        process = self._start(request)
        with self._lock:
            held.process = process
            is_over = held.is_cancelled or self._is_closing
        try:
            if is_over:
                process.end()
            last = self._hear(held, process)
        finally:
            process.end()
        self._conclude(held, process, last)

    def _hear(self, held: _Held, process: TeachingProcess) -> dict[str, Any]:
        """Take what it says, until it ends; returns the last of it."""
        last: dict[str, Any] = {}
        for message in process.messages():
            kind = message.get("kind")
            if kind == "begun":
                held.stages.begin(message.get("videos", {}))
            elif kind == "progress":
                with self._lock:
                    held.stages.add(message)
            else:
                last = message
        return last

    def _conclude(self, held: _Held, process: TeachingProcess, last: Mapping[str, Any]) -> None:
        kind = last.get("kind")
        self._sweep(but=held.job.job_id)
        if kind == "done":
            self._end(held, "done", model=str(last["model"]))
        elif held.is_cancelled or kind == "cancelled":
            self._forget(held)
        elif written := self.models.of_job(held.job.job_id):  # killed before it could say so
            self._end(held, "done", model=written.folder.name)
        elif self._is_closing:
            return  # as it is written down, the next app goes on with it
        else:
            sentence = str(last.get("sentence") or wording.ended(process.exit_code))
            if process.log:
                logger.warning(
                    "teaching %s failed:\n%s", held.job.request.name, process.log[-SHOWN_LOG:]
                )
                with contextlib.suppress(OSError):
                    self._records.write_log(held.job.job_id, process.log)
            self._end(held, "failed", sentence)

    def _end(self, held: _Held, state: JobState, sentence: str = "", model: str = "") -> None:
        with self._lock:  # whoever reads that it is over may begin it again
            self._note(replace(held.job, state=state, sentence=sentence, model=model))
            self._take_out(held)
        self._records.forget_old()

    def _forget(self, held: _Held) -> None:
        with self._lock:
            self._take_out(held)
            self._records.delete(held.job.job_id)

    def _sweep(self, but: str = "") -> None:
        """Delete half-written models of all but the jobs that may still write one."""
        active = (one.job_id for one in self._records.list() if not one.is_over)
        self.models.sweep(one for one in active if one != but)

    def _take_out(self, held: _Held) -> None:
        """Called with the lock held."""
        if held in self._queue:
            self._queue.remove(held)
        self._let_go(held)

    def _note(self, job: TeachJob) -> None:
        try:
            self._records.write(job)
        except OSError as error:
            logger.warning("how a teaching ended cannot be written down: %s", error)

    @staticmethod
    def _let_go(held: _Held) -> None:
        if held.lock is not None:
            held.lock.release()
            held.lock = None

    def _row(self, job: TeachJob, held: _Held | None) -> dict[str, Any]:
        # An app that runs no more has left it.
        is_left = held is None and not job.is_over and not self._records.is_held(job.job_id)
        row: dict[str, Any] = {
            "id": job.job_id,
            "name": job.request.name,
            "request": job.request.as_dict(),
            "state": "interrupted" if is_left else job.state,
            "sentence": job.sentence,
            "model": f"{PREFIX}{job.model}" if job.model else "",
            "created": job.created_at,
            "is_here": held is not None,
            "is_cancelled": held is not None and held.is_cancelled,
        }
        if held is not None and held.stages is not None and not job.is_over:
            with self._lock:
                row["stages"], row["done"] = held.stages.rows(), round(held.stages.done, 4)
                row["split"] = held.stages.split_words
                row["stop_losses"] = list(held.stages.stop_losses)
        return row
