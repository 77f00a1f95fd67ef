"""What a run holds over time: its predictions say what happens, the gauges what it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, Protocol

from vidmem.models.interface import StreamModel
from vidmem.profiling import (
    DeviceGauge,
    Held,
    HostGauge,
    MemoryEvent,
    MemoryTimeline,
    weights_bytes,
)
from vidmem.streaming.prediction import Prediction

MIB = 2**20


class MemoryListener(Protocol):
    """Who is told of every sample and event as it comes."""

    def sampled(self, seconds: float, held: Held) -> None:
        """Something was measured."""
        ...

    def happened(self, event: MemoryEvent) -> None:
        """Something changed what is held."""
        ...


class RunMemory:
    """The memory timeline of one run; safe to use from several threads.

    `took` samples with each prediction. What a clip holds only while it is judged is seen by
    samples between clips: `sampling` takes them by the clock.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        listener: MemoryListener | None = None,
    ) -> None:
        self.timeline = MemoryTimeline()
        self._clock, self._began, self._listener = clock, clock(), listener
        self._lock = threading.Lock()
        self._host = HostGauge()
        self._device: DeviceGauge | None = None
        self._model: object = None
        self._before: Prediction | None = None
        self._is_full = False
        self._told = Held()  # what does not come from a gauge

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return self._clock() - self._began

    def use_model(self, model: StreamModel) -> None:
        """From here on this model is in use."""
        with self._lock:
            self._use(model)
            self._sample()

    def took(self, prediction: Prediction, model: StreamModel) -> None:
        """A clip was judged."""
        with self._lock:
            if model is not self._model:
                self._use(model)
            self._tell_of(prediction)
            self._told = self._with(prediction)
            self._before = prediction
            self._sample()

    def sample(self) -> None:
        """Measure now, whatever is going on."""
        with self._lock:
            self._sample()

    @contextmanager
    def sampling(self, every_seconds: float = 0.5) -> Iterator[None]:
        """Measure by the clock too, in a thread of its own."""
        is_over = threading.Event()

        def measure() -> None:
            while not is_over.wait(every_seconds):
                self.sample()

        thread = threading.Thread(target=measure, name="memory", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def _use(self, model: StreamModel) -> None:
        held = weights_bytes(model)
        device: Any = model.device
        self._model, self._before, self._is_full = model, None, False
        self._told = replace(self._told, weights_bytes=held)
        self._device = DeviceGauge(device) if getattr(device, "type", "") == "cuda" else None
        size = "" if held is None else f": {held / MIB:.1f} MiB of weights"
        self._mark("model", f"{model.card.title} in use{size}")

    def _tell_of(self, now: Prediction) -> None:
        """Mark what changed since the prediction before."""
        before = self._before
        if before is None:
            return
        if now.l_mem != before.l_mem:
            self._mark("l_mem", f"L_mem is {now.l_mem} now; it was {before.l_mem}")
            self._is_full = False
        if now.restarted is not None:
            is_jump = now.window.num_frames == before.window.num_frames  # else clips changed length
            self._mark("jump" if is_jump else "emptied", now.restarted)
            self._is_full = False
        elif _num_evicted(before, now) and not self._is_full and now.l_mem == before.l_mem:
            self._mark("full", f"Full: each new clip takes the place of the oldest of {now.l_mem}")
            self._is_full = True

    def _with(self, now: Prediction) -> Held:
        """What is told of the stream, brought up to date."""
        told, before = self._told, self._before
        reached = now.start_seconds
        if before is not None and before.start_seconds <= reached <= before.end_seconds:
            reached = before.end_seconds
        evicted = 0 if before is None else _num_evicted(before, now)
        return replace(
            told,
            decoder_bytes=now.decoder_bytes or None,
            state_bytes=now.state_bytes,
            held_clips=now.num_remembered,
            l_mem=now.l_mem,
            num_clips=(told.num_clips or 0) + 1,
            num_evicted=(told.num_evicted or 0) + evicted,
            video_seconds=(told.video_seconds or 0.0) + max(0.0, now.end_seconds - reached),
        )

    def _sample(self) -> None:
        host = self._host.read()
        held = replace(
            self._told, process_bytes=host.process_bytes, process_peak_bytes=host.peak_bytes
        )
        if self._device is not None:
            held = replace(held, **asdict(self._device.read()))
        seconds = self.seconds
        self.timeline.add(seconds, held)
        if self._listener is not None:
            self._listener.sampled(seconds, held)

    def _mark(self, kind: Any, text: str) -> None:
        event = self.timeline.mark(self.seconds, kind, text)
        if self._listener is not None:
            self._listener.happened(event)


def _num_evicted(before: Prediction, now: Prediction) -> int:
    """Clips that were remembered, or could have been, and are not any more."""
    if now.restarted is not None or not before.l_mem:
        return 0
    held = {*before.remembered, before.index}
    return len(held.difference(now.remembered))
