"""Rates measured on this machine: one at a time, with progress, until done or cancelled.

A model's steps run in a process of their own: it can be ended in the middle of a step, and its
memory is free again then.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Literal

import psutil

from app import sentences
from app.pages.planner.wording import (
    BROKE_OFF,
    BUSY,
    DECODING,
    GAVE_UP,
    MEASURING,
    NO_MEASUREMENT,
    NO_ROOM,
    PREPARING,
)
from app.sources.shelf import Video
from vidmem.errors import SettingError, VidmemError
from vidmem.planner import PlanRequest, plan
from vidmem.units import memory_size, span

Kind = Literal["rate", "decode"]
Report = Callable[[float, str], None]
"""Called with the share that is done, and with words; it raises if nobody waits any more."""

LEASE_SECONDS = 15.0
"""A measurement that no page has requested for so long is ended."""

ENDING_SECONDS = 10.0
"""What a cancelled measurement may take to end its process, before another one begins."""

LIMIT_SECONDS = 300.0
DECODE_SECONDS = 4.0
NUM_STEPS = 4
SHARE_OF_FREE = 0.5
"""Of the memory that is free here, which a measurement may take."""

_POLL_SECONDS = 0.1


class _OverError(Exception):
    """Cancelled, or nobody waits any more."""


@dataclass
class Measurement:
    """One rate being measured."""

    kind: Kind
    number: str = field(default_factory=lambda: uuid.uuid4().hex)
    share: float = 0.0
    text: str = ""
    """How far it is, in words."""

    value: float | None = None
    error: str = ""
    is_done: bool = False
    is_cancelled: bool = False
    began_at: float = field(default_factory=time.monotonic)
    requested_at: float = field(default_factory=time.monotonic)

    def report(self, share: float, text: str) -> None:
        """Take note of how far it is.

        Raises:
            SettingError: If it takes too long.
        """
        now = time.monotonic()
        if self.is_cancelled or now - self.requested_at > LEASE_SECONDS:
            raise _OverError
        if now - self.began_at > LIMIT_SECONDS:
            raise SettingError(GAVE_UP.format(span=span(LIMIT_SECONDS)))
        self.share, self.text = share, text

    def as_dict(self) -> dict[str, Any]:
        """For the page; what is done has its value."""
        return {
            "is_done": self.is_done,  # set last, so read first: then all else is final too
            "kind": self.kind,
            "number": self.number,
            "share": self.share,
            "text": self.text,
            "value": self.value,
            "error": self.error,
            "is_cancelled": self.is_cancelled,
        }


class Measurer:
    """At most one measurement at a time: two would share the machine, and both be wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: Measurement | None = None
        self._thread: threading.Thread | None = None

    def start(self, kind: Kind, work: Callable[[Report], float]) -> Measurement:
        """Begin.

        Raises:
            SettingError: If another one goes on.
        """
        with self._lock:
            before = self._current
            if before is not None and before.is_cancelled and self._thread is not None:
                # Who cancels one and begins another at once is not told to wait.
                self._thread.join(ENDING_SECONDS)
            if before is not None and not before.is_done:
                raise SettingError(BUSY)
            self._current = measurement = Measurement(kind)
            self._thread = threading.Thread(
                target=_run, args=(measurement, work), name="measuring", daemon=True
            )
            self._thread.start()
        return measurement

    def find(self, number: str) -> Measurement:
        """The measurement of a number; each call extends its lease.

        Raises:
            SettingError: If it is over.
        """
        measurement = self._current
        if measurement is None or measurement.number != number:
            raise SettingError(NO_MEASUREMENT)
        measurement.requested_at = time.monotonic()
        return measurement

    def cancel(self, number: str) -> Measurement:
        """End a measurement.

        Raises:
            SettingError: If it is over.
        """
        measurement = self.find(number)
        measurement.is_cancelled = True
        return measurement


def _run(measurement: Measurement, work: Callable[[Report], float]) -> None:
    try:
        measurement.value = work(measurement.report)
    except _OverError:
        measurement.is_cancelled = True
    except (VidmemError, OSError) as error:
        measurement.error = sentences.sentence_for(error, "")
    except Exception as error:
        measurement.error = sentences.sentence_for(error, "")
        raise  # a bug: the terminal shows it
    finally:
        measurement.is_done = True


def measure_rate(request: PlanRequest, report: Report) -> float:
    """Clips per second of a request's step on this machine, in a process of its own.

    Raises:
        SettingError: If it cannot be measured.
    """
    request = _as_planned(request)
    # Spawned: a fork would copy the locks of this process's threads, torch's among them.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(theirs, request), daemon=True)
    report(0.0, PREPARING)
    process.start()
    theirs.close()  # else `recv` would not notice that the process is gone
    try:
        return _follow(ours, report)
    except EOFError:
        process.join(5)
        code = process.exitcode
        raise SettingError(BROKE_OFF.format(code=code)) from None
    finally:
        process.kill()
        process.join(5)
        ours.close()


def _as_planned(request: PlanRequest) -> PlanRequest:
    """The request with the batch size of its plan.

    Raises:
        SettingError: If such a step has no room in the memory of this machine.
    """
    best = plan(request)
    need = best.estimate.shared_bytes + best.step_bytes + best.batch_size * best.state_bytes
    if request.size.device == "cpu":
        free = int(SHARE_OF_FREE * psutil.virtual_memory().available)
        if need > free:
            sizes = {"need": memory_size(need), "free": memory_size(free)}
            raise SettingError(NO_ROOM.format(**sizes))
    return replace(request, size=replace(request.size, batch_size=best.batch_size))


def _follow(ours: Connection, report: Report) -> float:
    """Pass on the progress of the process until it sends the rate."""
    share, text = 0.0, PREPARING
    while True:
        if not ours.poll(_POLL_SECONDS):
            report(share, text)
            continue
        kind, value = ours.recv()
        if kind == "rate":
            return value
        if kind == "error":
            raise SettingError(value)
        # Some of it for building the model before the first step.
        share = min(value, NUM_STEPS) / (NUM_STEPS + 1) + 0.1
        text = MEASURING.format(done=min(value + 1, NUM_STEPS), total=NUM_STEPS)
        report(share, text)


def _measure(theirs: Connection, request: PlanRequest) -> None:
    """Runs in the process: build the model, take its steps."""
    import torch

    from vidmem.planner import measure_clips_per_second

    try:
        rate = measure_clips_per_second(
            request.config,
            request.size,
            torch.device(request.size.device),
            request.backbone,
            num_calls=NUM_STEPS,
            on_step=lambda done: theirs.send(("step", done)),
        )
        theirs.send(("rate", rate))
    except (VidmemError, RuntimeError) as error:  # torch raises this where memory is full
        theirs.send(("error", str(error)))


def measure_decoding(video: Video, request: PlanRequest, report: Report) -> float:
    """Seconds of a video that one decoder gives in a second, at the model's size.

    Raises:
        SettingError: If the video cannot be read.
    """
    from vidmem.video import measure_decode_speed

    def decoded(seconds: float) -> None:
        report(min(1.0, seconds / DECODE_SECONDS), DECODING)

    decoded(0.0)
    try:
        return measure_decode_speed(
            video.path,
            fps=request.fps,
            width=request.size.frame_width,
            height=request.size.frame_height,
            num_seconds=DECODE_SECONDS,
            on_frames=decoded,
        )
    except (VidmemError, OSError) as error:
        raise SettingError(sentences.sentence_about(error, video)) from error
