"""Rates measured on this machine: one at a time, with how far it is, and to be cancelled.

A model's steps run in a process of their own: it can be ended in the middle of a step, and what it
takes is given back.
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

from app import planner_text, text
from app.videos import Video
from vidmem.errors import SettingError, VidmemError
from vidmem.figures import memory_size
from vidmem.profiling import PlanRequest, plan

Kind = Literal["rate", "decode"]
Tell = Callable[[float, str], None]
"""Told the share that is done, and in words; it raises where nobody waits any more."""

LEASE_SECONDS = 15.0
"""Without a look for so long, nobody waits for it any more."""

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
    said: str = ""
    value: float | None = None
    error: str = ""
    is_done: bool = False
    is_cancelled: bool = False
    began: float = field(default_factory=time.monotonic)
    seen: float = field(default_factory=time.monotonic)

    def tell(self, share: float, said: str) -> None:
        """How far it is.

        Raises:
            SettingError: If it takes too long.
        """
        now = time.monotonic()
        if self.is_cancelled or now - self.seen > LEASE_SECONDS:
            raise _OverError
        if now - self.began > LIMIT_SECONDS:
            raise SettingError(planner_text.GAVE_UP.format(span=text.span(LIMIT_SECONDS)))
        self.share, self.said = share, said

    def as_dict(self) -> dict[str, Any]:
        """For the page; what is done has its value."""
        names = ("is_done", "kind", "number", "share", "said", "value", "error", "is_cancelled")
        return {name: getattr(self, name) for name in names}  # is_done, set last, is read first


class Measurer:
    """At most one measurement, since two would share the machine and be wrong both."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: Measurement | None = None

    def start(self, kind: Kind, work: Callable[[Tell], float]) -> Measurement:
        """Begin.

        Raises:
            SettingError: If another one goes on.
        """
        with self._lock:
            if self._current is not None and not self._current.is_done:
                raise SettingError(planner_text.TAKES_OVER)
            self._current = made = Measurement(kind)
        threading.Thread(target=_run, args=(made, work), name="measuring", daemon=True).start()
        return made

    def find(self, number: str) -> Measurement:
        """The measurement of a number; whoever asks still waits for it.

        Raises:
            SettingError: If it is over.
        """
        found = self._current
        if found is None or found.number != number:
            raise SettingError(planner_text.NO_MEASUREMENT)
        found.seen = time.monotonic()
        return found

    def cancel(self, number: str) -> Measurement:
        """End a measurement.

        Raises:
            SettingError: If it is over.
        """
        found = self.find(number)
        found.is_cancelled = True
        return found


def _run(made: Measurement, work: Callable[[Tell], float]) -> None:
    try:
        made.value = work(made.tell)
    except _OverError:
        made.is_cancelled = True
    except (VidmemError, OSError) as error:
        made.error = text.sentence_for(error, "")
    except Exception as error:
        made.error = text.sentence_for(error, "")
        raise  # a bug: it is to be seen
    finally:
        made.is_done = True


def measure_rate(request: PlanRequest, tell: Tell) -> float:
    """Clips per second of a request's step on this machine, in a process of its own.

    Raises:
        SettingError: If it cannot be measured.
    """
    request = _as_planned(request)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(theirs, request), daemon=True)
    tell(0.0, planner_text.PREPARING)
    process.start()
    theirs.close()
    try:
        return _followed(ours, tell)
    except EOFError:
        process.join(5)
        code = process.exitcode
        raise SettingError(planner_text.BROKE_OFF.format(code=code)) from None
    finally:
        process.kill()
        process.join(5)
        ours.close()


def _as_planned(request: PlanRequest) -> PlanRequest:
    """With as many streams a step as the plan has, if that has room on this machine.

    Raises:
        SettingError: If it has none: it would take the memory of everything else here.
    """
    made = plan(request)
    need = made.estimate.shared_bytes + made.step_bytes + made.batch_size * made.state_bytes
    if request.size.device == "cpu":
        free = int(SHARE_OF_FREE * psutil.virtual_memory().available)
        if need > free:
            sizes = {"need": memory_size(need), "free": memory_size(free)}
            raise SettingError(planner_text.NO_ROOM.format(**sizes))
    return replace(request, size=replace(request.size, batch_size=made.batch_size))


def _followed(ours: Connection, tell: Tell) -> float:
    """What the process tells until it is done."""
    share, said = 0.0, planner_text.PREPARING
    while True:
        if not ours.poll(_POLL_SECONDS):
            tell(share, said)
            continue
        kind, value = ours.recv()
        if kind == "rate":
            return value
        if kind == "error":
            raise SettingError(value)
        share = min(value, NUM_STEPS) / (NUM_STEPS + 1) + 0.1
        said = planner_text.MEASURING.format(done=min(value + 1, NUM_STEPS), total=NUM_STEPS)
        tell(share, said)


def _measure(theirs: Connection, request: PlanRequest) -> None:
    """In the process: build the model, take its steps."""
    import torch

    from vidmem.profiling import measure_clips_per_second

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
    except (VidmemError, RuntimeError) as error:  # torch tells of full memory so
        theirs.send(("error", str(error)))


def measure_decoding(video: Video, request: PlanRequest, tell: Tell) -> float:
    """Seconds of a video that one decoder gives in a second, at the model's size.

    Raises:
        SettingError: If the video cannot be read.
    """
    from vidmem.video import measure_decode_speed

    def decoded(seconds: float) -> None:
        tell(min(1.0, seconds / DECODE_SECONDS), planner_text.DECODING)

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
        raise SettingError(text.sentence_about(error, video)) from error
