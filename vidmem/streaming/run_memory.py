"""What a run holds over time: its predictions say what happens, the gauges what it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
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
from vidmem.streaming.stream_memory import StreamMemory

MIB = 2**20


class MemoryListener(Protocol):
    """Who is told of every sample and event as it comes."""

    def sampled(self, seconds: float, held: Held, state_bytes: Mapping[str, int]) -> None:
        """Something was measured; `state_bytes` by stream, where streams have names."""
        ...

    def happened(self, event: MemoryEvent) -> None:
        """Something changed what is held."""
        ...


class RunMemory:
    """The memory timeline of a run, or of a pool of streams; safe to use from several threads.

    Of several streams, all that they hold is added up. `took` samples with each prediction. What a
    clip holds only while it is judged is seen by samples between clips: `sampling` takes them by
    the clock.
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
        self._streams: dict[str, StreamMemory] = {}
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

    def took(self, prediction: Prediction, model: StreamModel, stream: str = "") -> None:
        """A clip was judged, of this stream where there are several."""
        with self._lock:
            if model is not self._model:
                self._use(model)
            for one in self._streams.values():
                one.let_go_at_end()
            for kind, text in self._streams.setdefault(stream, StreamMemory()).took(prediction):
                self._mark(kind, f"{stream}: {text}" if stream else text)
            self._bring_up_to_date()
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
        self._model = model
        for one in self._streams.values():
            one.forget()
        self._told = replace(self._told, weights_bytes=held)
        self._device = DeviceGauge(device) if getattr(device, "type", "") == "cuda" else None
        size = "" if held is None else f": {held / MIB:.1f} MiB of weights"
        self._mark("model", f"{model.card.title} in use{size}")

    def _bring_up_to_date(self) -> None:
        """What is told of all streams together."""
        streams = list(self._streams.values())
        self._told = replace(
            self._told,
            decoder_bytes=sum(one.decoder_bytes for one in streams) or None,
            state_bytes=sum(one.newest.state_bytes for one in streams),
            held_clips=sum(one.newest.num_remembered for one in streams),
            l_mem=sum(one.newest.l_mem for one in streams),
            num_clips=sum(one.num_clips for one in streams),
            num_evicted=sum(one.num_evicted for one in streams),
            video_seconds=sum(one.video_seconds for one in streams),
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
            streams = self._streams.items()
            named = {name: one.newest.state_bytes for name, one in streams if name}
            self._listener.sampled(seconds, held, named)

    def _mark(self, kind: Any, text: str) -> None:
        event = self.timeline.mark(self.seconds, kind, text)
        if self._listener is not None:
            self._listener.happened(event)
