"""Memory sampled over time, with what happened when; in room that does not grow."""

from __future__ import annotations

import csv
import io
import math
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from vidmem.profiling.gauges import NAMES, FootprintSample
from vidmem.profiling.spans import Spans, SpanStore
from vidmem.profiling.trend import MAX_BINS, Slope, evened, theil_sen

EventKind = Literal["model", "l_mem", "full", "jump", "emptied"]
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)

WARM_UP_SECONDS = (90.0, 1800.0)
"""After a start, or a change of what is held, the slope leaves out the first half of the time, at
least and at most these. Memory that a program uses for the first time is no growth, and allocators
settle slowly; a leak goes on in the second half."""

MIN_SLOPE_SECONDS = 90.0
"""The shortest stretch after the warm-up that has a slope."""

_RESETTING: tuple[EventKind, ...] = ("model", "l_mem")


@dataclass(frozen=True, kw_only=True)
class FootprintEvent:
    """Something that changes, or could change, how much memory a run holds."""

    seconds: float
    """Since the timeline began."""

    kind: EventKind
    """`model`: loaded. `l_mem`: changed. `full`: from here on each new clip evicts the oldest.
    `jump`, `emptied`: the memory starts empty, elsewhere in the video or for another reason."""

    text: str
    """A sentence for people."""

    clip: int | None = None
    """Clips judged before it."""

    num_joined: int = 1
    """Events of this kind that this one stands for: where there were too many, neighbours join."""


class Series(NamedTuple):
    """One figure over the spans of a record, `[N]` each; NaN where it was not measured."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class FootprintRecord:
    """A timeline as it was at one moment."""

    spans: Spans
    """Columns are `NAMES`."""

    events: tuple[FootprintEvent, ...]
    """In order."""

    newest: FootprintSample
    """The newest sample."""

    end_seconds: float
    """Of the newest sample."""

    @property
    def names(self) -> tuple[str, ...]:
        """The figures that were measured at least once."""
        mean = self.spans.mean
        return tuple(n for at, n in enumerate(NAMES) if not np.isnan(mean[:, at]).all())

    def series(self, name: str) -> Series:
        """A figure over time.

        Raises:
            ValueError: If there is no such figure.
        """
        if name not in NAMES:
            raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
        column = NAMES.index(name)
        return Series(
            *(part[:, column] for part in (self.spans.mean, self.spans.low, self.spans.high))
        )

    @property
    def warm_up_began_seconds(self) -> float:
        """At the start, or when what is held was last changed."""
        changed = [event.seconds for event in self.events if event.kind in _RESETTING]
        return max([float(self.spans.start_seconds[0]) if len(self.spans) else 0.0, *changed])

    @property
    def settled_seconds(self) -> float:
        """Where the warm-up ends and the slope begins, in seconds since the timeline began."""
        (least, most), began = WARM_UP_SECONDS, self.warm_up_began_seconds
        return began + min(max(least, (self.end_seconds - began) / 2), most)

    @property
    def slope_due_seconds(self) -> float:
        """How long it still takes until there can be a slope; 0 where there can."""
        return max(0.0, self.settled_seconds + MIN_SLOPE_SECONDS - self.end_seconds)

    def slope(self, name: str = "process_bytes") -> Slope | None:
        """How fast a figure grows after the warm-up; `None` where it is too early to say.

        By Theil-Sen: the median of the slopes of all pairs of points, which are means over up to
        200 equal stretches of time. A few outliers, such as a clip's own peak, do not move it.

        Raises:
            ValueError: If there is no such figure.
        """
        mean, low, high = self.series(name)
        is_used = (self.spans.start_seconds >= self.settled_seconds) & ~np.isnan(mean)
        seconds = self.spans.mean_seconds[is_used]
        if len(seconds) < 3 or self.slope_due_seconds > 0:
            return None
        video = np.nan_to_num(self.series("video_seconds").mean[is_used])
        seconds, values, video = evened(seconds, mean[is_used], video, max_bins=MAX_BINS)
        per_second, at_zero = theil_sen(seconds, values)
        is_moving = video[-1] > video[0]
        return Slope(
            bytes_per_hour=per_second * 3600,
            bytes_per_video_hour=theil_sen(video, values)[0] * 3600 if is_moving else None,
            from_seconds=float(seconds[0]),
            to_seconds=float(seconds[-1]),
            low_bytes=float(np.nanmin(low[is_used])),
            high_bytes=float(np.nanmax(high[is_used])),
            at_start_bytes=at_zero + per_second * float(seconds[0]),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; figures that were never measured are named and left out."""
        spans, names = self.spans, self.names
        slopes = {name: self.slope(name) for name in names if name.endswith("_bytes")}
        return {
            "format": "vidmem memory timeline 1",
            "newest": {name: getattr(self.newest, name) for name in names},
            "slopes": {name: _with_words(slope) for name, slope in slopes.items() if slope},
            "slope_method": "Theil-Sen over at most 200 equal stretches after settled_seconds",
            "settled_seconds": self.settled_seconds,
            "events": [asdict(event) for event in self.events],
            "not_measured": [name for name in NAMES if name not in names],
            "spans": {
                "start_seconds": _plain(spans.start_seconds),
                "end_seconds": _plain(spans.end_seconds),
                "num_samples": spans.num_samples.tolist(),
                **{name: _plain_series(self.series(name)) for name in names},
            },
        }

    def to_csv(self) -> str:
        """A row per span, oldest first: mean, least and greatest of each figure, and its events."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        parts = [f"{name}_{part}" for name in self.names for part in Series._fields]
        writer.writerow(["start_seconds", "end_seconds", "num_samples", *parts, "events"])
        writer.writerows(self._rows())
        return file.getvalue()

    def _rows(self) -> Iterator[list[Any]]:
        spans = self.spans
        columns = [_plain(part) for name in self.names for part in self.series(name)]
        event_seconds = [event.seconds for event in self.events]
        event_rows = np.searchsorted(spans.start_seconds, event_seconds, "right") - 1
        for row in range(len(spans)):
            # An event from before the first sample stands in the first row.
            events = zip(self.events, event_rows, strict=True)
            texts = [event.text for event, at in events if max(at, 0) == row]
            times = [round(float(t[row]), 3) for t in (spans.start_seconds, spans.end_seconds)]
            values = ["" if column[row] is None else column[row] for column in columns]
            yield [*times, int(spans.num_samples[row]), *values, " | ".join(texts)]


class FootprintTimeline:
    """Takes samples and events as they come; `record` gives a copy of them. Thread-safe.

    However long it goes on, it holds the same: `max_spans` stretches of time, of which older ones
    are coarser, and `max_events` events, of which older ones of a kind are joined.
    """

    def __init__(
        self, *, max_spans: int = 600, max_events: int = 120, spacing_seconds: float = 0.25
    ) -> None:
        if max_events < len(EVENT_KINDS):
            raise ValueError(
                f"max_events must be at least {len(EVENT_KINDS)}, the kinds, got {max_events}"
            )
        self._store = SpanStore(len(NAMES), max_spans=max_spans, spacing_seconds=spacing_seconds)
        self._events: list[FootprintEvent] = []
        self._max_events = max_events
        self._newest, self._end_seconds = FootprintSample(), 0.0
        self._lock = threading.Lock()

    @property
    def num_bytes(self) -> int:
        """Held by the samples, however many there were."""
        return self._store.num_bytes

    def add(self, seconds: float, sample: FootprintSample) -> None:
        """Take a sample; one that is older than the newest is counted at the newest's time."""
        row = [math.nan if value is None else value for value in asdict(sample).values()]
        with self._lock:
            self._end_seconds = max(self._end_seconds, seconds)
            self._newest = sample
            self._store.add(self._end_seconds, row)

    def mark(self, seconds: float, kind: EventKind, text: str) -> FootprintEvent:
        """Take an event.

        Raises:
            ValueError: If there is no such kind.
        """
        if kind not in EVENT_KINDS:
            raise ValueError(f"kind must be one of {', '.join(EVENT_KINDS)}, got {kind!r}")
        with self._lock:
            clip = self._newest.num_clips
            event = FootprintEvent(seconds=seconds, kind=kind, text=text, clip=clip)
            self._events.append(event)
            if len(self._events) > self._max_events:
                self._join_events()
        return event

    def record(self) -> FootprintRecord:
        """All spans and events so far, as a copy that does not change."""
        with self._lock:
            return FootprintRecord(
                self._store.view(), tuple(self._events), self._newest, self._end_seconds
            )

    def _join_events(self) -> None:
        """Join the two neighbours of a kind that are nearest for their age, into the later one."""
        # There are such, since there are more events than kinds.
        now, pairs = self._events[-1].seconds, []
        last_of: dict[str, int] = {}
        for at, event in enumerate(self._events):
            if (before := last_of.get(event.kind)) is not None:
                first = self._events[before].seconds
                cost = (event.seconds - first) / (now - first + 60.0)
                pairs.append((cost, before, at))
            last_of[event.kind] = at
        _, before, at = min(pairs)
        joined = self._events[before].num_joined + self._events[at].num_joined
        self._events[at] = replace(self._events[at], num_joined=joined)
        del self._events[before]


def _with_words(slope: Slope) -> dict[str, Any]:
    return {"said": str(slope), **asdict(slope)}  # a name of the JSON format, which must stay


def _plain(values: NDArray[np.float64]) -> list[float | None]:
    """For JSON, which has no NaN."""
    return [None if math.isnan(value) else round(value, 3) for value in values.tolist()]


def _plain_series(series: Series) -> dict[str, list[float | None]]:
    return {name: _plain(part) for name, part in series._asdict().items()}
