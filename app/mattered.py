"""Tests of what mattered, for one run: one at a time, in a thread of its own, beside what plays.

A job prepares (comes to the moment again and records the way to it), times one evaluation, then
runs. It can be cancelled within one evaluation. Results of one moment and one class are kept
together until another is tested; at most one moment is held.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from app import mattered_said as said
from app import text
from app.mattered_found import Found
from app.mattered_questions import QUESTIONS, Question, why_not
from vidmem.errors import SettingError, VidmemError
from vidmem.evaluation import RecordedMoment
from vidmem.inspection import Work
from vidmem.models import Spool

logger = logging.getLogger(__name__)

CHEAP_SECONDS = 0.5
"""The first evaluation of a kind is slower than those after it: one that took less than this is
timed once more."""

ACTIVE = frozenset({"preparing", "estimating", "running"})

At = str | float
"""`newest`, or a time in seconds."""


class Moments(Protocol):
    """Where moments come from; see `app.inside.Inside`."""

    model: Any
    """That of the run."""

    def recorded(self, at: At, progress: Callable[[int, int], None]) -> RecordedMoment:
        """The moment with the way to it; takes seconds."""
        ...


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be tested."""

    question: Question
    at: At
    class_index: int | None = None
    """None: the most probable class at that moment."""

    is_same_moment: bool = False
    """The moment that was tested last, whatever `at` says."""

    @classmethod
    def read(cls, kind: str, at: str, class_index: str, *, is_same_moment: bool) -> Asked:
        """From what comes in an address.

        Raises:
            SettingError: If something is not allowed.
        """
        if kind not in QUESTIONS:
            raise SettingError(f"kind must be one of {', '.join(QUESTIONS)}, got {kind!r}")
        if class_index and not class_index.isdecimal():
            raise SettingError(f"class must be a whole number, got {class_index!r}")
        try:
            when = at if at == "newest" else float(at)
        except ValueError as error:
            raise SettingError(f"at must be newest or seconds, got {at!r}") from error
        return cls(
            question=QUESTIONS[kind],
            at=when,
            class_index=int(class_index) if class_index else None,
            is_same_moment=is_same_moment,
        )


class _StoppedError(Exception):
    """Ends a job at its next evaluation."""


@dataclass(eq=False)
class Job:
    """One test on its way; written by its own thread, but for `is_wanted`."""

    asked: Asked
    state: str = "preparing"  # estimating, running, done, cancelled, failed
    done: int = 0
    total: int = 0
    estimate_seconds: float | None = None
    began_at: float | None = None
    """When the first evaluation began."""

    sentence: str = ""
    is_wanted: bool = True
    thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def is_active(self) -> bool:
        """Whether it is on its way."""
        return self.state in ACTIVE

    def check(self) -> None:
        """Between evaluations."""
        if not self.is_wanted:
            raise _StoppedError

    def came(self, done: int, total: int) -> None:
        """So much of the way to the moment is gone."""
        self.check()
        self.done, self.total = done, total
        self.sentence = said.PREPARING.format(done=min(done + 1, total), total=total)

    def ran(self, done: int, total: int) -> None:
        """So many evaluations are done."""
        self.check()
        if self.began_at is None:
            self.began_at = time.monotonic()
        self.done, self.total = done, total

    @property
    def seconds_left(self) -> float | None:
        """As fast as until now; before the first evaluation is done, as estimated."""
        if self.state != "running" or self.estimate_seconds is None or self.began_at is None:
            return None
        elapsed = time.monotonic() - self.began_at
        if not self.done:
            return max(0.0, self.estimate_seconds - elapsed)
        return elapsed / self.done * (self.total - self.done)


class Mattered:
    """The tests of one run.

    Args:
        moments: Of the run.
        fit_threads: See `app.tools.Tools`.
    """

    def __init__(self, moments: Moments, fit_threads: Callable[[Any], None]) -> None:
        self._moments, self._fit_threads = moments, fit_threads
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._found: Found | None = None
        self._seconds: dict[str, float] = {}
        self.version = 0
        """Grows with what was found, and with what was let go."""

    @property
    def found(self) -> Found | None:
        """Results of the moment tested last."""
        return self._found

    def start(self, asked: Asked) -> None:
        """Begin a test.

        Raises:
            SettingError: If one is on its way, or this one cannot be done with this model.
        """
        with self._lock:
            if self._job is not None and self._job.is_active:
                raise SettingError(said.BUSY)
            self._refuse(asked)
            job = self._job = Job(asked)
            work = threading.Thread(target=self._run, args=[job], name="mattered", daemon=True)
            job.thread = work
            work.start()

    def _refuse(self, asked: Asked) -> None:
        found = self._found if asked.is_same_moment else None
        model = found.subject.model if found else self._moments.model
        if why := why_not(asked.question, model, len(found.seconds) if found else None):
            raise SettingError(why)

    def cancel(self) -> None:
        """End the test within one evaluation; what was found before stays."""
        with self._lock:
            if self._job is not None:
                self._job.is_wanted = False

    def forget(self) -> None:
        """Another video, model or play: end the test, and keep nothing."""
        with self._lock:
            job, self._job, self._found = self._job, None, None
            self._seconds = {}
            self.version += 1
            if job is not None:
                job.is_wanted = False

    def wait(self, seconds: float) -> bool:
        """Whether nothing is on its way within a while."""
        job = self._job
        if job is not None and job.thread is not None:
            job.thread.join(seconds)
        return job is None or not job.is_active

    def state(self) -> dict[str, Any]:
        """How far it is, and what may be asked."""
        with self._lock:
            job, found = self._job, self._found
            model = found.subject.model if found else self._moments.model
            return {
                "page": _page_of(model),
                "classes": list(model.card.class_names) if model is not None else [],
                "state": job.state if job else "idle",
                "kind": job.asked.question.name if job else None,
                "done": job.done if job else 0,
                "total": job.total if job else 0,
                "seconds_left": job.seconds_left if job else None,
                "sentence": job.sentence if job else "",
                "at_index": found.index if found else None,
                "class": found.subject.class_index if found else None,
                "agreement": found.agreement if found else {"direct": None, "total": None},
                "version": self.version,
                "offers": self._offers(found),
            }

    def _offers(self, found: Found | None) -> list[dict[str, str]]:
        """Each question with what it takes, as far as that is known, or why it cannot be asked."""
        model = found.subject.model if found else self._moments.model
        num_remembered = len(found.seconds) if found else None
        return [
            {
                "name": question.name,
                "cost": self._cost(question, num_remembered),
                "why_not": why_not(question, model, num_remembered) if model is not None else "",
            }
            for question in QUESTIONS.values()
        ]

    def _cost(self, question: Question, num_remembered: int | None) -> str:
        count = question.num_evaluations
        if question.name == "direct" and num_remembered:
            count = num_remembered + 2
        if count is None:
            return ""
        seconds = self._seconds.get(question.name)
        return said.cost(count, None if seconds is None else seconds * count)

    # In the job's thread

    def _run(self, job: Job) -> None:
        state, sentence = "failed", ""
        try:
            found = self._prepare(job)
            sentence = self._ask(job, found)
            state = "done"
        except _StoppedError:
            state = "cancelled"
            early = job.began_at is None
            form = said.CANCELLED_EARLY if early else said.CANCELLED
            sentence = form.format(done=job.done, total=job.total)
        except (VidmemError, OSError) as error:
            sentence = text.sentence_for(error)
        except Exception as error:
            logger.exception("a test of what mattered failed")
            sentence = text.sentence_for(error)
        with self._lock:
            job.state, job.sentence = state, sentence

    def _prepare(self, job: Job) -> Found:
        """The moment with the way to it: that of last time, if it is to be the same."""
        asked, kept = job.asked, self._found
        if asked.is_same_moment and kept is not None:
            recorded = kept.recorded
            self._fit_threads(kept.subject.model)
        else:
            recorded = self._moments.recorded(asked.at, job.came)
            self._fit_threads(recorded.model)
        job.check()
        subject = recorded.subject(asked.class_index)
        if (
            kept is not None
            and kept.index == recorded.moment.window.index
            and kept.subject.class_index == subject.class_index
        ):
            return kept
        found = Found(recorded, subject)
        found.look()
        return found

    def _ask(self, job: Job, found: Found) -> str:
        """Do the work and keep what it found; returns what it took."""
        question = job.asked.question
        if why := why_not(question, found.subject.model, len(found.seconds)):
            raise SettingError(why)
        job.state, job.sentence = "estimating", said.ESTIMATING
        work = question.work(found.recorded, found.subject)
        job.check()
        job.estimate_seconds = _estimate(work)
        job.done, job.total = 0, work.num_evaluations
        job.sentence = said.cost(work.num_evaluations, job.estimate_seconds)
        job.state = "running"
        began_at = time.monotonic()
        result = work.run(job.ran)
        taken = time.monotonic() - began_at
        with self._lock:
            job.check()  # what is not wanted any more is not kept
            found.results = {**found.results, question.name: result}
            self._found = found
            self._seconds[question.name] = taken / work.num_evaluations
            self.version += 1
        return f"{said.cost(work.num_evaluations)} in {text.span(taken)}."


def _page_of(model: Any) -> str | None:
    """Beside which page the tests of a model stand; None: beside either."""
    if model is None:
        return None
    return "heads" if isinstance(model, Spool) else "memory"


def _estimate(work: Work[Any]) -> float:
    """Seconds that the work will take."""
    seconds = work.estimate_seconds()
    if seconds / work.num_evaluations < CHEAP_SECONDS:
        seconds = min(seconds, work.estimate_seconds())
    return seconds
