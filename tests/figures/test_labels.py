"""Figures of labels: what is drawn is what the labels say, and thousands stay drawable."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings

from tests.labels.strategies import END_SECONDS
from tests.labels.strategies import labels as any_labels
from vidmem.errors import SettingError
from vidmem.figures import actogram_figure, ethogram_figure, transitions_figure
from vidmem.figures.labels.lanes import DAY_SECONDS, MAX_BARS, Bar, near_as_one, time_ticks
from vidmem.figures.theme import DARK, LIGHT
from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels, Span
from vidmem.labels.results import transitions

START = datetime(2026, 5, 1, 20, 0)
ETHOGRAM = Ethogram((*Ethogram.of("lying", "standing"), Behaviour("rolling", kind="point")))


def drawn(figure):
    """Bars and strokes of each behaviour: lane, start, end."""
    found = defaultdict(list)
    for trace in figure.data:
        if trace.mode == "markers":
            found[trace.name] += [(y, x, x) for x, y in zip(trace.x, trace.y, strict=True)]
        else:
            found[trace.name] += list(zip(trace.y[::3], trace.x[::3], trace.x[1::3], strict=True))
    return found


def words_of(figure):
    said = [note.text for note in figure.layout.annotations]
    return " ".join([figure.layout.title.text, figure.layout.title.subtitle.text, *said])


def lanes_of(figure):
    axis = figure.layout.yaxis
    return dict(zip(axis.tickvals, axis.ticktext, strict=True))


@given(any_labels())
@settings(max_examples=30, deadline=None)
def test_the_ethogram_has_every_bout_on_a_lane_of_its_behaviour(labels):
    figure = ethogram_figure(labels)
    found, lanes = drawn(figure), lanes_of(figure) if labels.tracks else {}
    for behaviour in labels.ethogram.names:
        bouts = labels.bouts_of(behaviour=behaviour)
        times = sorted((round(x.start_seconds, 3), round(x.end_seconds, 3)) for x in bouts)
        assert sorted((start, end) for _, start, end in found[behaviour]) == times
        assert {lanes[lane] for lane, _, _ in found[behaviour]} <= {behaviour}
        colours = {t.line.color for t in figure.data if t.name == behaviour and t.mode == "lines"}
        assert colours <= {labels.ethogram[behaviour].colour}
    scored = sum(end - start for _, start, end in found["none of these"])
    assert scored <= (END_SECONDS + 0.1) * len(lanes)


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_an_ethogram_says_what_it_is_of_and_is_by_the_clock_where_that_is_known(theme, colours):
    labels = Labels(
        ETHOGRAM,
        (Bout("a.mp4", 10, 60, "lying", "sow <1>"), Bout("b.mp4", 30, 30, "rolling", "sow <1>")),
        videos=(LabelledVideo("a.mp4", 100), LabelledVideo("b.mp4", 100)),
    )
    figure = ethogram_figure(labels, theme=theme, about=["labels of anna · 2 videos"])
    assert json.loads(figure.to_json())
    assert figure.layout.template.layout.paper_bgcolor == colours.card
    words = words_of(figure)
    assert "labels of anna · 2 videos" in words
    assert "a.mp4 · sow &lt;1&gt;" in words  # each video has its own time
    assert figure.layout.xaxis.title.text == "time of the video"
    starts = (START, START.replace(hour=21))
    clocked = labels
    for name, start in zip(("a.mp4", "b.mp4"), starts, strict=True):
        clocked = clocked.with_video(replace(clocked.video(name), start=start))
    figure = ethogram_figure(clocked, theme=theme)
    assert "a.mp4" not in words_of(figure)
    assert figure.layout.xaxis.title.text == "time by the clock"
    (point,) = drawn(figure)["rolling"]
    assert point[1] == 21 * 3600 + 30
    assert "2026-05-01" in figure.layout.xaxis.ticktext[0]


def test_the_ethogram_goes_as_far_as_anything_is_said():
    """Of a minute of a long video all is seen; scored time without a bout belongs to it."""
    videos = (LabelledVideo("a.mp4", 3600),)
    labels = Labels(ETHOGRAM, (Bout("a.mp4", 610, 640, "lying"),), videos=videos)
    assert ethogram_figure(labels).layout.xaxis.range == (610, 640)
    labels = labels.mark_scored(Span("a.mp4", 600, 660, axis="behaviour"))
    assert ethogram_figure(labels).layout.xaxis.range == (600, 660)
    point = Labels(ETHOGRAM, (Bout("a.mp4", 20, 20, "rolling"),), videos=videos)
    assert ethogram_figure(point).layout.xaxis.range == (20, 21)


def test_what_is_not_scored_is_hatched_apart_and_unlabelled_time_is_empty():
    labels = Labels(
        ETHOGRAM,
        (Bout("a.mp4", 0, 10, "lying"),),
        not_scored=(Span("a.mp4", 20, 30, axis="behaviour"),),
        scored=(Span("a.mp4", 0, 20, axis="behaviour"),),
    )
    found = drawn(ethogram_figure(labels))
    assert found["none of these"] == [(0, 0, 20)]
    assert found["not scored"] == [(0, 20, 30)]


def test_thousands_of_bouts_are_drawn_in_a_bounded_figure_that_says_so():
    bouts = tuple(Bout("a.mp4", at, at + 0.5, "lying") for at in range(9_000))
    figure = ethogram_figure(Labels(Ethogram.of("lying"), bouts))
    assert len(drawn(figure)["lying"]) <= MAX_BARS
    assert "are drawn as one" in words_of(figure)
    assert len(figure.to_json()) < 3_000_000
    subjects = tuple(Bout("a.mp4", 0, 1, "lying", f"sow {at}") for at in range(200))
    assert "choose one" in words_of(ethogram_figure(Labels(Ethogram.of("lying"), subjects)))


def test_near_bars_become_one_on_their_own_lane_only():
    bars = [Bar(0, 5, 6, "b"), Bar(0, 0, 1, "a"), Bar(1, 1.2, 2), Bar(0, 1.4, 3)]
    joined = near_as_one(bars, 0.5)
    assert joined == [Bar(0, 0, 3, "a"), Bar(0, 5, 6, "b"), Bar(1, 1.2, 2)]


def test_an_actogram_cuts_at_midnight_and_has_a_strip_for_each_day_between():
    labels = Labels(
        ETHOGRAM,
        (
            Bout("a.mp4", 0, 6 * 3600, "lying"),
            Bout("a.mp4", 60 * 3600, 61 * 3600, "standing"),
            Bout("a.mp4", 5 * 3600, 5 * 3600, "rolling"),
        ),
        videos=(LabelledVideo("a.mp4", 70 * 3600, start=START),),
    )
    figure = actogram_figure(labels, "behaviour")
    found, lanes = drawn(figure), lanes_of(figure)
    assert list(lanes.values()) == [
        *("Fri 2026-05-01", "Sat 2026-05-02", "Sun 2026-05-03", "Mon 2026-05-04"),
    ]
    assert found["lying"] == [(0, 20 * 3600, DAY_SECONDS), (1, 0, 2 * 3600)]
    assert found["standing"] == [(3, 8 * 3600, 9 * 3600)]
    assert found["rolling"] == [(1, 3600, 3600)]
    assert tuple(figure.layout.xaxis.range) == (0, DAY_SECONDS)


@given(any_labels())
@settings(max_examples=20, deadline=None)
def test_an_actogram_shows_each_second_of_an_axis_once(labels):
    starts = [replace(one, start=START) for one in labels.videos]
    for video in starts:
        labels = labels.with_video(video)
    found = drawn(actogram_figure(labels, "posture"))
    for name in ("lying", "standing"):
        seconds = sum(one.num_seconds for one in labels.bouts_of(behaviour=name))
        shown = sum(end - start for _, start, end in found[name])
        assert shown == pytest.approx(seconds, abs=0.002 * (1 + len(labels.bouts)))


def test_empty_figures_say_why():
    empty = Labels(ETHOGRAM)
    assert "Nothing is labelled" in words_of(ethogram_figure(empty))
    assert "Nothing is labelled" in words_of(actogram_figure(empty, "behaviour"))
    clockless = Labels(ETHOGRAM, (Bout("a.mp4", 0, 1, "lying"),))
    assert "not known when" in words_of(actogram_figure(clockless, "behaviour"))
    none = transitions(clockless, "behaviour")
    assert "No behaviour follows" in words_of(transitions_figure(none, {}))
    with pytest.raises(SettingError, match="theme must be"):
        ethogram_figure(empty, theme="pink")  # type: ignore[arg-type]


def test_transitions_have_an_arrow_for_each_pair_as_thick_as_its_share():
    names = ("lying", "standing", "walking", "sitting")
    order = [0, 1, 0, 1, 0, 2, 0]
    bouts = tuple(Bout("a.mp4", at, at + 1, names[one]) for at, one in enumerate(order))
    found = transitions(Labels(Ethogram.of(*names), bouts), "behaviour")
    figure = transitions_figure(found, {"lying": "#112233"}, about=["of anna"])
    arrows = [one for one in figure.layout.annotations if one.showarrow]
    assert len(arrows) == 4  # lying to two and back; nothing for sitting
    assert max(one.arrowwidth for one in arrows) == 6  # both of the others are always followed
    hovers = {text for trace in figure.data for text in trace.hovertext}
    assert "lying to standing: 2 times, 67% of what follows lying" in hovers
    assert "#112233" in figure.data[-1].marker.color
    assert "sitting" not in words_of(figure)
    assert "of anna" in words_of(figure)


@pytest.mark.parametrize("length", [0.5, 7, 100, 5000, 90_000, 40 * 86_400])
def test_ticks_are_round_few_and_within(length):
    start = 1234.5
    for midnight in (None, START.replace(hour=0)):
        ticks = time_ticks(start, start + length, midnight)
        values = ticks["tickvals"]
        assert len(values) == len(ticks["ticktext"]) <= 9
        assert all(start <= one <= start + length for one in values)
