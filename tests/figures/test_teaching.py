"""Figures of a report: what they draw is what the report says, of one at hand or read again."""

from __future__ import annotations

import json

import pytest

from tests.figures.views import words_of
from tests.teaching.reports import make_report
from vidmem.errors import SettingError
from vidmem.figures import (
    behaviour_f1_figure,
    calibration_figure,
    candidates_figure,
    confusion_figure,
    learning_curve_figure,
    less_memory_figure,
    split_figure,
)
from vidmem.figures.theme import DARK, LIGHT

OF_AN_AXIS = (
    behaviour_f1_figure,
    calibration_figure,
    candidates_figure,
    confusion_figure,
    learning_curve_figure,
    less_memory_figure,
)


@pytest.fixture(scope="module")
def report():
    return make_report()


@pytest.fixture(scope="module")
def correction():
    return make_report(is_correction=True)


@pytest.mark.parametrize("draw", [*OF_AN_AXIS, split_figure])
def test_a_report_from_disk_is_drawn_as_the_one_at_hand(draw, report):
    read = json.loads(json.dumps(report.as_dict()))
    for theme, colours in (("light", LIGHT), ("dark", DARK)):
        figure = draw(read, theme=theme)
        assert figure == draw(report, theme=theme)
        assert json.loads(figure.to_json())
        assert figure.layout.template.layout.paper_bgcolor == colours.card


@pytest.mark.parametrize("draw", OF_AN_AXIS)
def test_an_axis_that_it_has_not_is_refused(draw, report):
    with pytest.raises(SettingError, match="axis must be one of posture, got 'activity'"):
        draw(report, axis="activity")


def test_each_behaviour_has_its_colour_its_f1_and_its_seconds(report):
    figure = behaviour_f1_figure(report, {"lying": "#123456"})
    (bars,) = figure.data
    rows = report.chosen.seeds[0][0].per_class
    assert list(bars.x) == [one.f1 for one in rows]
    assert figure.layout.yaxis.ticktext == ("lying", "standing")
    assert bars.marker.color[0] == "#123456"
    assert bars.marker.color[1] not in {"#123456", LIGHT.hatch}
    assert bars.text[0].startswith(f"{rows[0].f1:.2f} · ")
    assert "s" in bars.text[0]


def test_the_model_stands_above_its_baselines_with_intervals_and_the_majority(report):
    figure = candidates_figure(report)
    bars, line = figure.data
    assert list(bars.x) == [one.macro_f1 for one in report.candidates]
    assert figure.layout.yaxis.ticktext[0] == "Spool (the model)"
    interval = report.chosen.seeds[0][0].macro_f1_interval
    assert bars.x[0] + bars.error_x.array[0] == pytest.approx(interval.high)
    assert bars.x[0] - bars.error_x.arrayminus[0] == pytest.approx(interval.low)
    assert set(line.x) == {report.baselines["majority"]}


def test_of_a_correction_the_earlier_model_is_shown_and_no_curve(correction):
    bars = candidates_figure(correction).data[0]
    assert bars.x[1] == correction.earlier.macro_f1
    figure = learning_curve_figure(correction)
    assert not figure.data
    assert "a correction leaves it out" in words_of(figure)


def test_the_confusion_matrix_has_the_seconds_of_the_classes_that_are_there(report):
    (cells,) = confusion_figure(report).data
    score = report.chosen.seeds[0][0]
    used = [score.class_names.index(name) for name in ("lying", "standing")]
    seconds = [[score.confusion_seconds[row][column] for column in used] for row in used]
    assert [list(row) for row in cells.customdata] == seconds
    assert [sum(row) for row in cells.z] == pytest.approx([1, 1])


def test_a_curve_says_what_to_label_next(report):
    figure = learning_curve_figure(report)
    band, line = figure.data
    assert list(line.y) == [0.6, 0.8]
    assert list(band.y) == [0.7, 0.8, 0.8, 0.5]
    first = report.suggestions[0]
    assert f"{first.doubt:.0%} in doubt" in words_of(figure)
    assert first.start_seconds >= 200  # nobody labelled that


def test_calibration_has_all_moments_once_and_its_error(report):
    diagonal, discs = calibration_figure(report).data
    (own,) = report.calibration
    assert sum(one.share for one in own.bins) == pytest.approx(1)
    assert list(discs.y) == [one.right for one in own.bins]
    assert list(diagonal.x) == list(diagonal.y) == [0, 1]
    error = sum(one.share * abs(one.right - one.probability) for one in own.bins)
    assert own.error == pytest.approx(error)


def test_a_split_is_drawn_as_it_is(report):
    figure = split_figure(report)
    for trace in figure.data:
        drawn = list(zip(trace.x[::3], trace.x[1::3], strict=True))
        pieces = [one for one in report.split.pieces if one.part == trace.name]
        assert drawn == [(one.start_seconds, one.end_seconds) for one in pieces]
    assert {trace.name for trace in figure.data} == {"learn", "stop", "test"}
    assert "tested: " in words_of(figure)
