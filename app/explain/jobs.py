"""Tests of a run's model: one at a time, in its own thread, while the run goes on.

A job prepares (goes back to the moment and records the way to it), times one evaluation, then
runs. It can be cancelled within one evaluation. Results of one moment and one class are kept
together until another is tested; at most one moment is held.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from app import sentences
from app.budget import Budget, Lease, process_budget
from app.explain.model_tests import MODEL_TESTS, ModelTest, why_not
from app.explain.results import TestedMoment
from app.explain.wording import (
    BUSY,
    CANCELLED,
    CANCELLED_EARLY,
    ESTIMATING,
    PREPARING,
    WAITING_FOR_OTHERS,
    cost,
)
from vidmem import units
from vidmem.errors import SettingError, VidmemError
from vidmem.evaluation import RecordedMoment
from vidmem.inspection import Work, attention_view

logger = logging.getLogger(__name__)

CHEAP_SECONDS = 0.5
"""The first evaluation of a kind is slower than those after it: one shorter than this is timed
twice."""

TURN_SECONDS = 0.1
"""Between two looks whether it is a test's turn."""

ACTIVE = frozenset({"preparing", "estimating", "running"})

At = str | float
"""`newest`, or a time in seconds."""


class Moments(Protocol):
    """Where moments come from; see `app.explain.inspector.Inspector`."""

    model: Any
    """That of the run."""

    def recorded(self, at: At, progress: Callable[[int, int], None]) -> RecordedMoment:
        """The moment with the way to it; takes seconds."""
        ...


@dataclass(frozen=True, kw_only=True)
class ModelTestRequest:
    """What is to be tested."""

    test: ModelTest
    at: At
    class_index: int | None = None
    """None: the most probable class at that moment."""

    is_same_moment: bool = False
    """The moment that was tested last, whatever `at` says."""

    @classmethod
    def read(
        cls, kind: str, at: str, class_index: str, *, is_same_moment: bool
    ) -> ModelTestRequest:
        """From what comes in an address.

        Raises:
            SettingError: If something is not allowed.
        """
        if kind not in MODEL_TESTS:
            raise SettingError(f"kind must be one of {', '.join(MODEL_TESTS)}, got {kind!r}")
        return cls(
            test=MODEL_TESTS[kind],
            at=at if at == "newest" else _seconds(at),
            class_index=_class_index(class_index) if class_index else None,
            is_same_moment=is_same_moment,
        )


def _class_index(text: str) -> int:
    try:
        index = int(text)
    except ValueError:
        index = -1
    if index < 0:  # which would count from the last class
        raise SettingError(f"class must be a whole number from 0 on, got {text!r}")
    return index


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise SettingError(f"at must be newest or seconds, got {text!r}")
    return seconds


class _StoppedError(Exception):
    """Ends a job at its next evaluation."""


@dataclass(eq=False)
class Job:
    """One test under way; written by its own thread, except `is_wanted`."""

    request: ModelTestRequest
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
        """Whether it is under way."""
        return self.state in ACTIVE

    def check(self) -> None:
        """End the job, between two evaluations, if nobody wants it any more."""
        if not self.is_wanted:
            raise _StoppedError

    def on_way(self, done: int, total: int) -> None:
        """Take note of how many clips of the way to the moment are done."""
        self.check()
        self.done, self.total = done, total
        self.sentence = PREPARING.format(done=min(done + 1, total), total=total)

    def on_evaluated(self, done: int, total: int) -> None:
        """Take note of how many evaluations are done."""
        self.check()
        if self.began_at is None:
            self.began_at = time.monotonic()
        self.done, self.total = done, total

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; before the first evaluation is done, as estimated."""
        if self.state != "running" or self.estimate_seconds is None or self.began_at is None:
            return None
        elapsed = time.monotonic() - self.began_at
        if not self.done:
            return max(0.0, self.estimate_seconds - elapsed)
        return elapsed / self.done * (self.total - self.done)


class ModelTests:
    """The tests of one run.

    Args:
        moments: Of the run.
        fit_threads: See `app.tools.Tools`.
        budget: Whose places for tests they take.
        owner: The run, for its share of them.
    """

    def __init__(
        self,
        moments: Moments,
        fit_threads: Callable[[Any], None],
        budget: Budget = process_budget,
        owner: str = "",
    ) -> None:
        self._budget, self._owner = budget, owner or f"tests {id(self)}"
        self._moments, self._fit_threads = moments, fit_threads
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._tested: TestedMoment | None = None
        self._seconds: dict[str, float] = {}
        self.version = 0
        """Grows when there are other results, or none any more."""

    @property
    def tested_moment(self) -> TestedMoment | None:
        """The moment tested last, with its results."""
        return self._tested

    def start(self, request: ModelTestRequest) -> None:
        """Begin a test.

        Raises:
            SettingError: If one is under way, or this one cannot be done with this model.
        """
        with self._lock:
            if self._job is not None and self._job.is_active:
                raise SettingError(BUSY)
            self._check(request)
            job = self._job = Job(request)
            work = threading.Thread(target=self._run, args=[job], name="model-test", daemon=True)
            job.thread = work
            work.start()

    def _check(self, request: ModelTestRequest) -> None:
        tested = self._tested if request.is_same_moment else None
        model = tested.subject.model if tested else self._moments.model
        if why := why_not(request.test, model, len(tested.seconds) if tested else None):
            raise SettingError(why)

    def cancel(self) -> None:
        """End the test within one evaluation; earlier results stay."""
        with self._lock:
            if self._job is not None:
                self._job.is_wanted = False

    def forget(self) -> None:
        """Another video, model or play: end the test, and keep nothing."""
        with self._lock:
            job, self._job, self._tested = self._job, None, None
            self._seconds = {}
            self.version += 1
            if job is not None:
                job.is_wanted = False

    def wait(self, seconds: float) -> bool:
        """Wait for the test under way; returns whether it ended."""
        job = self._job
        if job is not None and job.thread is not None:
            job.thread.join(seconds)
        return job is None or not job.is_active

    def state(self) -> dict[str, Any]:
        """How far it is, and what may be tested."""
        with self._lock:
            job, tested = self._job, self._tested
            model = tested.subject.model if tested else self._moments.model
            return {
                "page": _page_of(model),
                "classes": list(model.card.class_names) if model is not None else [],
                "state": job.state if job else "idle",
                "kind": job.request.test.name if job else None,
                "done": job.done if job else 0,
                "total": job.total if job else 0,
                "seconds_left": job.seconds_left if job else None,
                "sentence": job.sentence if job else "",
                "at_index": tested.index if tested else None,
                "class": tested.subject.class_index if tested else None,
                "agreement": tested.agreement if tested else {"direct": None, "total": None},
                "version": self.version,
                "offers": self._offers(tested),
            }

    def _offers(self, tested: TestedMoment | None) -> list[dict[str, str]]:
        """Each test with its cost, as far as that is known, or why it cannot be done."""
        model = tested.subject.model if tested else self._moments.model
        num_remembered = len(tested.seconds) if tested else None
        return [
            {
                "name": test.name,
                "cost": self._cost(test, num_remembered),
                "why_not": why_not(test, model, num_remembered) if model is not None else "",
            }
            for test in MODEL_TESTS.values()
        ]

    def _cost(self, test: ModelTest, num_remembered: int | None) -> str:
        count = test.num_evaluations
        if test.name == "direct" and num_remembered:
            count = num_remembered + 2
        if count is None:
            return ""
        seconds = self._seconds.get(test.name)
        return cost(count, None if seconds is None else seconds * count)

    # In the job's thread

    def _run(self, job: Job) -> None:
        state, sentence = "failed", ""
        try:
            with self._turn(job):
                tested = self._prepare(job)
                sentence = self._evaluate(job, tested)
            state = "done"
        except _StoppedError:
            state = "cancelled"
            early = job.began_at is None
            form = CANCELLED_EARLY if early else CANCELLED
            sentence = form.format(done=job.done, total=job.total)
        except (VidmemError, OSError) as error:
            sentence = sentences.sentence_for(error)
        except Exception as error:
            logger.exception("a test of the model failed")
            sentence = sentences.sentence_for(error)
        with self._lock:
            job.state, job.sentence = state, sentence

    def _turn(self, job: Job) -> Lease:
        """The place for this test: others may be tested in other runs."""
        while True:
            lease = self._budget.take("test", self._owner)
            if lease is not None:
                return lease
            job.check()
            job.sentence = WAITING_FOR_OTHERS
            time.sleep(TURN_SECONDS)

    def _prepare(self, job: Job) -> TestedMoment:
        request, kept = job.request, self._tested
        # The way back takes most of the time of a test, so it is used again.
        if request.is_same_moment and kept is not None:
            recorded = kept.recorded
            self._fit_threads(kept.subject.model)
        else:
            recorded = self._moments.recorded(request.at, job.on_way)
            self._fit_threads(recorded.model)
        job.check()
        subject = recorded.subject(request.class_index)
        if (
            kept is not None
            and kept.index == recorded.moment.window.index
            and kept.subject.class_index == subject.class_index
        ):
            return kept
        tested = TestedMoment(recorded, subject)
        tested.read_attention()
        return tested

    def _evaluate(self, job: Job, tested: TestedMoment) -> str:
        """Do the work and keep its result; returns what it cost, in words."""
        test = job.request.test
        if why := why_not(test, tested.subject.model, len(tested.seconds)):
            raise SettingError(why)
        job.state, job.sentence = "estimating", ESTIMATING
        work = test.work(tested.recorded, tested.subject)
        job.check()
        job.estimate_seconds = _estimate(work)
        job.done, job.total = 0, work.num_evaluations
        job.sentence = cost(work.num_evaluations, job.estimate_seconds)
        job.state = "running"
        began_at = time.monotonic()
        result = work.run(job.on_evaluated)
        seconds = time.monotonic() - began_at
        with self._lock:
            job.check()  # a result that is not wanted any more is not kept
            # Replaced, not changed: requests read it meanwhile.
            tested.results = {**tested.results, test.name: result}
            self._tested = tested
            self._seconds[test.name] = seconds / work.num_evaluations
            self.version += 1
        return f"{cost(work.num_evaluations)} in {units.span(seconds)}."


def _page_of(model: Any) -> str | None:
    # Where the tests of a model are shown; `None`: on either page.
    return attention_view(model) if model is not None else None


def _estimate(work: Work[Any]) -> float:
    """Seconds that the work will take; see `CHEAP_SECONDS`."""
    seconds = work.estimate_seconds()
    if seconds / work.num_evaluations < CHEAP_SECONDS:
        seconds = min(seconds, work.estimate_seconds())
    return seconds
