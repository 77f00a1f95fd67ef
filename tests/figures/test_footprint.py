"""The figure of memory over time: what it shows, what it leaves out, light and dark."""

from __future__ import annotations

import json

import pytest

from vidmem.errors import SettingError
from vidmem.figures import footprint_figure
from vidmem.figures.cost.time_axis import clip_ticks, second_ticks
from vidmem.figures.theme import DARK, LIGHT
from vidmem.profiling import EVENT_KINDS, FootprintSample, FootprintTimeline

MIB = 2**20
GPU = {"allocated_bytes": 5 * MIB, "peak_allocated_bytes": 9 * MIB, "device_bytes": 20 * MIB}


def make_record(seconds=400, events=("model",), **more):
    timeline = FootprintTimeline()
    for kind in events:
        timeline.mark(0, kind, f"{kind} & more")
    for second in range(seconds):
        held = {
            "process_bytes": (300 + second % 3) * MIB,
            "decoder_bytes": 70 * MIB,
            "state_bytes": 393_608,
            "held_clips": min(second, 8),
            "l_mem": 8,
            "num_clips": second,
            "num_evicted": max(0, second - 8),
            "video_seconds": 4.0 * second,
        }
        timeline.add(float(second), FootprintSample(**held, **more))
    return timeline.record()


def words_of(figure):
    said = [note.text for note in figure.layout.annotations]
    return " ".join([figure.layout.title.text, figure.layout.title.subtitle.text, *said])


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_what_was_measured_is_drawn_and_the_rest_is_not(theme, colours):
    figure = footprint_figure(make_record(), theme=theme)
    assert json.loads(figure.to_json())
    assert figure.layout.template.layout.paper_bgcolor == colours.card
    words = words_of(figure)
    assert "flat: 0.0 MiB per hour" in words
    assert "Main memory, MiB" in words
    assert "State of the stream: 384.4 KiB, the same all along" in words
    assert "Clips remembered: 8 of 8 · 391 evicted" in words
    assert "GPU" not in words
    drawn = [max(trace.y) for trace in figure.data if trace.hovertext and trace.mode == "lines"]
    assert drawn[:2] == [302, 70]


def test_a_gpu_has_a_panel_of_its_own():
    plain, figure = footprint_figure(make_record()), footprint_figure(make_record(**GPU))
    assert "GPU memory, MiB" in words_of(figure)
    assert figure.layout.height > plain.layout.height
    assert "peak allocated" in words_of(figure)
    assert "reserved" not in words_of(figure)  # what was not measured has no entry


def test_seconds_lie_below_and_clips_above():
    figure = footprint_figure(make_record())
    below, above = figure.layout.xaxis, figure.layout.xaxis2
    assert list(below.range) == list(above.range)
    assert below.ticktext == ("00:00", "02:00", "04:00", "06:00")
    assert (above.side, above.ticktext[0]) == ("top", "100")
    assert above.tickvals[0] == pytest.approx(100, abs=1)


def test_every_kind_of_event_has_a_mark_a_line_and_a_name():
    figure = footprint_figure(make_record(events=EVENT_KINDS))
    marks = next(trace for trace in figure.data if trace.mode == "markers")
    assert len(set(marks.marker.symbol[:-1])) == len(EVENT_KINDS)
    assert "<b>jump &amp; more</b>" in marks.hovertext[EVENT_KINDS.index("jump")]
    assert sum(shape.type == "line" for shape in figure.layout.shapes) == len(EVENT_KINDS)


def test_the_warm_up_is_shaded_and_the_slope_drawn_after_it():
    figure = footprint_figure(make_record())
    (warm_up,) = (shape for shape in figure.layout.shapes if shape.type == "rect")
    line = next(trace for trace in figure.data if trace.line.dash == "dash")
    assert warm_up.x0 == 0
    assert warm_up.x1 <= line.x[0] + 1
    assert line.x[1] == pytest.approx(399, abs=2)
    early = footprint_figure(make_record(50))
    assert all(trace.line.dash != "dash" for trace in early.data)
    assert "No slope yet: the first comes after the warm-up, in 2 min 11 s" in words_of(early)


def test_nothing_measured_is_said():
    assert "Nothing was measured yet." in words_of(footprint_figure(FootprintTimeline().record()))
    with pytest.raises(SettingError, match="light or dark"):
        footprint_figure(make_record(), theme="grey")


@pytest.mark.parametrize("end", [1, 7, 59, 61, 3599, 7200, 86_000, 400_000, 10_000_000])
def test_times_are_few_and_round(end):
    ticks = second_ticks(float(end))
    assert 1 <= len(ticks["tickvals"]) <= 6
    assert len(ticks["tickvals"]) == len(ticks["ticktext"])
    assert ticks["tickvals"][0] == 0


@pytest.mark.parametrize("num_clips", [1, 6, 99, 1234])
def test_clips_are_few_and_round(num_clips):
    timeline = FootprintTimeline()
    for clip in range(1, num_clips + 1):
        timeline.add(0.3 * clip, FootprintSample(num_clips=clip))
    ticks = clip_ticks(timeline.record())
    assert 1 <= len(ticks["tickvals"]) <= 5
    assert ticks["tickvals"] == sorted(ticks["tickvals"])
    assert clip_ticks(FootprintTimeline().record()) == {"tickvals": [], "ticktext": []}
