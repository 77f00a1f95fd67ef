"""What a run holds over time: its predictions say what happens, the gauges how much it holds."""

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
    FootprintEvent,
    FootprintSample,
    FootprintTimeline,
    HostGauge,
    weights_bytes,
)
from vidmem.profiling.timeline import EventKind
from vidmem.streaming.prediction import Prediction
from vidmem.units import memory_size


class MemoryListener(Protocol):
    """Gets every sample and event as it comes, such as a log."""

    def sampled(
        self, seconds: float, held: FootprintSample, state_bytes: Mapping[str, int]
    ) -> None:
        """Something was measured; `state_bytes` by stream, where streams have names."""
        ...

    def happened(self, event: FootprintEvent) -> None:
        """Something changed what is held."""
        ...


class RunFootprint:
    """The memory timeline of a run, or of a pool of streams; safe to use from several threads.

    Of several streams, all that they hold is added up. `add_prediction` samples with each. What a
    clip holds only while it is judged is seen by samples between clips: `sampling` takes them by
    the clock.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        listener: MemoryListener | None = None,
    ) -> None:
        self.timeline = FootprintTimeline()
        self._clock, self._began, self._listener = clock, clock(), listener
        self._lock = threading.Lock()
        self._host = HostGauge()
        self._device: DeviceGauge | None = None
        self._model: object = None
        self._streams: dict[str, StreamFootprint] = {}
        self._known = FootprintSample()  # what does not come from a gauge

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return self._clock() - self._began

    def add_prediction(self, prediction: Prediction, model: StreamModel, stream: str = "") -> None:
        """A clip was judged, of this stream where there are several."""
        with self._lock:
            if model is not self._model:
                self._use(model)
            for one in self._streams.values():
                one.drop_decoder_at_end()
            for kind, text in self._streams.setdefault(stream, StreamFootprint()).add_prediction(
                prediction
            ):
                self._mark(kind, f"{stream}: {text}" if stream else text)
            self._bring_up_to_date()
            self._sample()

    def add(self, held: FootprintSample) -> None:
        """A sample of what was measured elsewhere, such as by a pool whose streams share decoders.

        `add_prediction` and `sample` are then not used: they count what they know of themselves.
        """
        with self._lock:
            self._add(held)

    def mark(self, kind: EventKind, text: str) -> None:
        """Something changed what is held."""
        with self._lock:
            self._mark(kind, text)

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
        self._known = replace(self._known, weights_bytes=held)
        self._device = DeviceGauge(device) if getattr(device, "type", "") == "cuda" else None
        size = "" if held is None else f": {memory_size(held)} of weights"
        self._mark("model", f"{model.card.title} in use{size}")

    def _bring_up_to_date(self) -> None:
        streams = list(self._streams.values())
        self._known = replace(
            self._known,
            decoder_bytes=sum(one.decoder_bytes for one in streams) or None,  # 0: not known
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
            self._known, process_bytes=host.process_bytes, process_peak_bytes=host.peak_bytes
        )
        if self._device is not None:
            held = replace(held, **asdict(self._device.read()))
        self._add(held)

    def _add(self, held: FootprintSample) -> None:
        seconds = self.seconds
        self.timeline.add(seconds, held)
        if self._listener is not None:
            streams = self._streams.items()
            named = {name: one.newest.state_bytes for name, one in streams if name}
            self._listener.sampled(seconds, held, named)

    def _mark(self, kind: EventKind, text: str) -> None:
        event = self.timeline.mark(self.seconds, kind, text)
        if self._listener is not None:
            self._listener.happened(event)


KindAndText = tuple[EventKind, str]
"""Of an event."""


class StreamFootprint:
    """Brought up to date with each prediction; holds the newest one and sums."""

    def __init__(self) -> None:
        self.num_clips = self.num_evicted = 0
        self.video_seconds = 0.0
        self.decoder_bytes = 0
        self._before: Prediction | None = None
        self._newest: Prediction | None = None
        self._is_full = False

    @property
    def newest(self) -> Prediction:
        """The newest prediction."""
        assert self._newest is not None, "a stream is known from its first prediction on"
        return self._newest

    def forget(self) -> None:
        """Another model takes over: its predictions are not compared with those before."""
        self._before, self._is_full = None, False

    def drop_decoder_at_end(self) -> None:
        """Count no decoder once the last clip of a video was judged: it has ended since."""
        if self._newest is not None and self._newest.window.is_last:
            self.decoder_bytes = 0

    def add_prediction(self, now: Prediction) -> list[KindAndText]:
        """A clip was judged; returns what that changed."""
        events = self._changes(now)
        # Where windows overlap only new time counts; after a jump all of the window does.
        before, reached = self._before, now.start_seconds
        if before is not None and before.start_seconds <= reached <= before.end_seconds:
            reached = before.end_seconds
        self.num_clips += 1
        self.num_evicted += 0 if before is None else _num_evicted(before, now)
        self.video_seconds += max(0.0, now.end_seconds - reached)
        self.decoder_bytes = now.decoder_bytes
        self._before = self._newest = now
        return events

    def _changes(self, now: Prediction) -> list[KindAndText]:
        before, events = self._before, []
        if before is None:
            return []
        if now.l_mem != before.l_mem:
            events.append(("l_mem", f"L_mem is {now.l_mem} now; it was {before.l_mem}"))
            self._is_full = False
        if now.restarted is not None:
            is_jump = now.window.num_frames == before.window.num_frames  # else clips changed length
            events.append(("jump" if is_jump else "emptied", now.restarted))
            self._is_full = False
        elif _num_evicted(before, now) and not self._is_full and now.l_mem == before.l_mem:
            sentence = f"Full: each new clip takes the place of the oldest of {now.l_mem}"
            events.append(("full", sentence))
            self._is_full = True
        return events


def _num_evicted(before: Prediction, now: Prediction) -> int:
    """Clips that were remembered, or could have been, and are not any more."""
    if now.restarted is not None or not before.l_mem:
        return 0
    # The clip before could itself be written once it had been judged.
    held = {*before.remembered, before.index}
    return len(held.difference(now.remembered))
