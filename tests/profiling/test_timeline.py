"""Memory over time: bounded, nothing lost of the extremes, and a slope that is right."""

from __future__ import annotations

import csv
import io
import json
import math
import sys

import numpy as np
import pytest

from vidmem.profiling import FootprintSample, FootprintTimeline
from vidmem.profiling.spans import SpanStore
from vidmem.profiling.timeline import MIN_SLOPE_SECONDS, WARM_UP_SECONDS
from vidmem.profiling.trend import theil_sen
from vidmem.units import MIB

HOUR = 3600.0
WARM = WARM_UP_SECONDS[0] + MIN_SLOPE_SECONDS


def feed(timeline, seconds, bytes_of, **more):
    for second in seconds:
        video = {"video_seconds": 4.0 * second}
        timeline.add(
            float(second), FootprintSample(process_bytes=bytes_of(second), **video, **more)
        )


def grows(mib_per_hour, at=800):
    return lambda second: round((at + mib_per_hour * second / HOUR) * MIB)


@pytest.fixture(scope="module")
def two_days():
    """48 hours, a sample every 4 s: 3.5 MiB per hour, each clip's own peak, and one of 900 MiB."""
    timeline = FootprintTimeline()
    line, noise = grows(3.5), np.random.default_rng(0)

    def bytes_of(second):
        peak = 900 if second == 30 * HOUR else 20 * noise.random() ** 8
        return line(second) + round(peak * MIB)

    before = timeline.num_bytes
    feed(timeline, np.arange(0, 48 * HOUR, 4.0), bytes_of, state_bytes=1_000_000)
    return timeline, before


def test_two_days_take_the_room_of_a_minute(two_days):
    timeline, before = two_days
    assert timeline.num_bytes == before < 2**20
    record = timeline.record()
    assert len(record.spans) == 600
    assert sys.getsizeof(json.dumps(record.as_dict())) < 2**20


def test_nothing_is_lost_of_two_days_but_fineness(two_days):
    record = two_days[0].record()
    spans = record.spans
    assert spans.num_samples.sum() == 48 * HOUR / 4
    assert (spans.start_seconds[0], spans.end_seconds[-1]) == (0, 48 * HOUR - 4)
    assert (spans.start_seconds[1:] - spans.end_seconds[:-1] == 4).all()  # no gap, no overlap
    highest = record.series("process_bytes").high
    peak = int(np.argmax(highest))
    assert highest[peak] > grows(3.5)(30 * HOUR) + 900 * MIB - 1
    assert spans.start_seconds[peak] <= 30 * HOUR <= spans.end_seconds[peak]
    low, mean, high = (record.series("process_bytes")._asdict()[k] for k in ("low", "mean", "high"))
    assert (low <= mean).all()
    assert (mean <= high).all()


def test_old_hours_are_coarser_than_the_newest_minutes(two_days):
    spans = two_days[0].record().spans
    length = spans.end_seconds - spans.start_seconds
    assert length[-20:].max() < 30
    assert length[:20].mean() > 20 * length[-20:].mean()
    assert length.max() < 0.02 * 48 * HOUR


def test_for_a_picture_spans_join_and_lose_nothing_either(two_days):
    spans = two_days[0].record().spans
    joined = spans.joined(100)
    assert 50 < len(joined) <= 100
    assert joined.num_samples.sum() == spans.num_samples.sum()
    assert np.nanmax(joined.high) == np.nanmax(spans.high)
    assert np.nanmin(joined.low) == np.nanmin(spans.low)
    assert (joined.start_seconds[0], joined.end_seconds[-1]) == (0, 48 * HOUR - 4)
    whole = [np.average(one.mean[:, 0], weights=one.num_samples) for one in (spans, joined)]
    assert whole[0] == pytest.approx(whole[1], rel=1e-12)
    assert np.isnan(joined.mean).all(axis=0).sum() == np.isnan(spans.mean).all(axis=0).sum()
    assert spans.joined(600) is spans


def test_the_slope_of_two_days_is_found_through_peaks(two_days):
    slope = two_days[0].record().slope("process_bytes")
    assert slope.mib_per_hour == pytest.approx(3.5, abs=0.02)
    assert slope.bytes_per_video_hour / MIB == pytest.approx(3.5 / 4, abs=0.01)
    assert str(slope) == "grows: 3.5 MiB per hour"
    state = two_days[0].record().slope("state_bytes")
    assert (state.bytes_per_hour, state.low_bytes, state.high_bytes) == (0, 1_000_000, 1_000_000)
    assert str(state) == "flat: 0.0 MiB per hour"


@pytest.mark.parametrize(
    ("mib_per_hour", "seconds", "said"),
    [
        (0.2, 2 * HOUR, "flat: 0.2 MiB per hour"),
        (-0.02, 2 * HOUR, "flat: 0.0 MiB per hour"),
        (-40.0, 2 * HOUR, "falls: -40.0 MiB per hour"),
        (40.0, 2 * HOUR, "grows: 40.0 MiB per hour"),
        (40.0, WARM + 60, "so far: 40.0 MiB per hour"),
    ],
)
def test_a_slope_is_said_in_words(mib_per_hour, seconds, said):
    timeline = FootprintTimeline()
    feed(timeline, np.arange(0, seconds, 2.0), grows(mib_per_hour))
    assert str(timeline.record().slope()) == said


def test_the_warm_up_is_no_growth():
    timeline = FootprintTimeline()
    feed(timeline, range(1200), lambda s: round((300 + 500 * min(s, 80) / 80) * MIB))
    slope = timeline.record().slope()
    assert slope.from_seconds >= WARM_UP_SECONDS[0]
    assert str(slope) == "flat: 0.0 MiB per hour"
    assert slope.low_bytes == slope.high_bytes == 800 * MIB


def test_the_warm_up_is_the_first_half_between_its_limits():
    timeline = FootprintTimeline()
    timeline.add(0, FootprintSample())
    for seconds, settled in ((100, 90), (400, 200), (3600, 1800), (9000, 1800)):
        timeline.add(seconds, FootprintSample())
        assert timeline.record().settled_seconds == settled


@pytest.mark.parametrize("kind", ["model", "l_mem"])
def test_what_changes_what_is_held_begins_the_slope_anew(kind):
    timeline = FootprintTimeline()
    feed(timeline, range(600), grows(0, at=300))
    timeline.mark(600, kind, "changed")
    feed(timeline, range(600, 610), grows(0, at=700))
    assert timeline.record().slope() is None
    assert timeline.record().slope_due_seconds == pytest.approx(WARM - 9)
    feed(timeline, range(610, 1200), grows(0, at=700))
    assert timeline.record().slope_due_seconds == 0
    assert str(timeline.record().slope()) == "flat: 0.0 MiB per hour"


def test_a_jump_does_not():
    timeline = FootprintTimeline()
    feed(timeline, range(600), grows(0))
    timeline.mark(600, "jump", "jumped to 0:10")
    assert timeline.record().slope() is not None


def test_theil_sen_stands_a_third_of_outliers():
    x = np.arange(30.0)
    y = 2 * x + 5
    y[::3] += 1000
    slope, at_zero = theil_sen(x, y)
    assert slope == pytest.approx(2)
    assert at_zero == pytest.approx(5)
    with pytest.raises(ValueError, match="two points apart"):
        theil_sen(np.ones(3), y[:3])


def test_events_are_bounded_and_of_each_kind_the_newest_stays():
    timeline = FootprintTimeline(max_events=12)
    for second in range(2000):
        kind = ("l_mem", "jump")[second % 2] if second else "model"
        timeline.mark(float(second), kind, f"{kind} {second}")
    events = timeline.record().events
    assert len(events) == 12
    assert sum(event.num_joined for event in events) == 2000
    assert [event.seconds for event in events] == sorted(event.seconds for event in events)
    assert {"model 0", "jump 1999", "l_mem 1998"} <= {event.text for event in events}


def test_what_was_never_measured_is_named_and_not_made_up():
    timeline = FootprintTimeline()
    feed(timeline, range(5), grows(0), state_bytes=7)
    record = timeline.record()
    assert record.names == ("process_bytes", "state_bytes", "video_seconds")
    told = record.as_dict()
    assert "allocated_bytes" in told["not_measured"]
    assert "allocated_bytes" not in told["spans"]
    assert told["slopes"] == {}  # too early


def test_what_is_not_known_for_a_while_is_a_gap():
    timeline = FootprintTimeline(spacing_seconds=0)
    for second, value in enumerate([None, 5, None, 9]):
        timeline.add(second, FootprintSample(process_bytes=1, decoder_bytes=value))
    record = json.loads(json.dumps(timeline.record().as_dict(), allow_nan=False))
    assert record["spans"]["decoder_bytes"]["mean"] == [None, 5, None, 9]


def test_csv_has_a_row_per_span_with_its_events():
    timeline = FootprintTimeline(spacing_seconds=0)
    feed(timeline, range(4), grows(0), state_bytes=7)
    timeline.mark(2.5, "l_mem", "L_mem is 5, was 3")
    timeline.mark(2.6, "jump", "a, b")
    rows = list(csv.DictReader(io.StringIO(timeline.record().to_csv())))
    assert len(rows) == 4
    assert rows[1]["process_bytes_mean"] == rows[1]["process_bytes_high"] == str(800.0 * MIB)
    assert [row["events"] for row in rows] == ["", "", "L_mem is 5, was 3 | a, b", ""]


def test_misuse_is_said():
    timeline = FootprintTimeline()
    with pytest.raises(ValueError, match="one of model, l_mem, full"):
        timeline.mark(0, "lunch", "")
    with pytest.raises(ValueError, match="name must be one of process_bytes"):
        timeline.record().series("bytes")
    with pytest.raises(ValueError, match="at least 5"):
        FootprintTimeline(max_events=2)
    store = SpanStore(1)
    store.add(3, [1])
    with pytest.raises(ValueError, match="2 s is before 3 s"):
        store.add(2, [1])
    with pytest.raises(ValueError, match="at least 1 column"):
        SpanStore(0)


def test_an_empty_timeline_says_nothing():
    record = FootprintTimeline().record()
    assert (record.names, record.events, record.slope()) == ((), (), None)
    assert json.dumps(record.as_dict())
    assert math.isclose(record.slope_due_seconds, WARM)
    assert record.to_csv().count("\n") == 1
