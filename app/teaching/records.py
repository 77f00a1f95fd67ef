"""The jobs of teaching as they are kept in the project, so that none is lost with the app.

    teaching/ID/job.json    what was asked for, and how it stands
    teaching/ID/job.lock    held by the app that has it in its queue
    teaching/ID/log.txt     the last lines that a process printed that failed

A job that is queued or running and that nobody holds was interrupted: its app was ended.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from app.teaching.request import TeachRequest
from vidmem.errors import SettingError
from vidmem.files import read_json
from vidmem.holding import HeldFile, is_held

TEACHING = "teaching"
"""In the project's folder."""

JobState = Literal["queued", "running", "done", "failed", "interrupted"]
RECORD, LOCK, LOG = "job.json", "job.lock", "log.txt"
MAX_RECORD_BYTES, MAX_LOG_CHARACTERS = 100_000, 20_000
MAX_ENDED = 20
"""Jobs that are over and still known; older ones are forgotten, with their logs."""

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class TeachJob:
    """A job as it is kept."""

    job_id: str
    request: TeachRequest
    state: JobState
    created_at: str
    """By the clock of the machine, ISO 8601 with its offset."""

    num_begun: int = 0
    """Times that a process began with it."""

    sentence: str = ""
    """Why it failed, or was given up."""

    model: str = ""
    """Of one that is done: the folder of the model."""

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be done for it."""
        return self.state in ("done", "failed", "interrupted")


class JobRecords:
    """The jobs in a project's folder.

    Args:
        project: The project's folder.
    """

    def __init__(self, project: Path) -> None:
        self._folder = project / TEACHING

    def create(self, request: TeachRequest) -> TeachJob:
        """A new job, written down.

        Raises:
            OSError: If it cannot be written.
        """
        job = TeachJob(
            job_id=uuid.uuid4().hex,
            request=request,
            state="queued",
            created_at=datetime.now().astimezone().isoformat(timespec="microseconds"),
        )
        self.write(job)
        return job

    def write(self, job: TeachJob) -> None:
        """Write a job down as it is now.

        Raises:
            OSError: If it cannot be written.
        """
        folder = self._folder / job.job_id
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = folder / f".{RECORD}.part"
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(job), file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / RECORD)

    def write_log(self, job_id: str, text: str) -> None:
        """Keep what a process printed.

        Raises:
            OSError: If it cannot be written.
        """
        path = self._folder / job_id / LOG
        path.write_text(text[-MAX_LOG_CHARACTERS:] + "\n", encoding="utf-8")

    def list(self) -> list[TeachJob]:
        """All that can be read, the oldest first."""
        found = []
        for path in self._folder.glob("*"):
            if not _ID.fullmatch(path.name):
                continue
            try:
                found.append(_job_of(read_json(path / RECORD, MAX_RECORD_BYTES)))
            except (OSError, ValueError, TypeError, KeyError, SettingError):
                continue  # damaged, of another version, or deleted just now
        return sorted(found, key=lambda one: one.created_at)

    def delete(self, job_id: str) -> None:
        """Forget a job; nothing else of it is touched."""
        if _ID.fullmatch(job_id):
            shutil.rmtree(self._folder / job_id, ignore_errors=True)

    def forget_old(self) -> None:
        """Forget all but the newest of those that are over."""
        over = [one for one in self.list() if one.is_over]
        for one in over[:-MAX_ENDED]:
            self.delete(one.job_id)

    def hold(self, job_id: str) -> HeldFile | None:
        """Have a job to oneself for as long as this process lives; `None`: another app has it.

        Raises:
            OSError: If its folder cannot be written.
        """
        return HeldFile.take(self._folder / job_id / LOCK)

    def is_held(self, job_id: str) -> bool:
        """Whether an app that lives has it; by another than the one that asks."""
        try:
            return is_held(self._folder / job_id / LOCK)
        except OSError:
            return False


def begun(job: TeachJob) -> TeachJob:
    """A process begins with it."""
    return replace(job, state="running", num_begun=job.num_begun + 1, sentence="")


def _job_of(values: Any) -> TeachJob:
    request = TeachRequest.read(values["request"])
    job = TeachJob(**{**values, "request": request})
    if job.state not in get_args(JobState) or not _ID.fullmatch(job.job_id):
        raise ValueError("it is no job")
    return job
