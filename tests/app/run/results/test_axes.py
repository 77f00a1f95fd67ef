"""What a page shows of a model of several axes: each has its label, its rows and its bouts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.run.board import Board
from app.run.results.timeline import Columns
from app.run.view import RunView
from tests.app.run.results.test_bouts import MODEL, make_prediction
from vidmem.labels import LabelledVideo
from vidmem.labels.formats import import_file
from vidmem.models import CardAxis

AXES = (CardAxis("activity", ("moving", "still")), CardAxis("place", ("wall", "centre", "nest")))
NAMES = tuple(name for axis in AXES for name in axis.class_names)


def see(view, start, activity, place):
    shares = tuple(0.8 if name in (activity, place) else 0.1 for name in NAMES)
    one = replace(make_prediction(start, start + 4, 0), class_names=NAMES, axes=AXES)
    view.add_prediction(one.judged_anew(shares), None, MODEL)


@pytest.fixture
def view():
    made = RunView(Board(), NAMES, axes=AXES)
    for at, labels in enumerate([("moving", "wall"), ("moving", "nest"), ("still", "nest")]):
        see(made, at * 4.0, *labels)
    made.finish()
    return made


def test_now_has_the_label_of_the_first_axis_and_those_of_the_others(view):
    now = view.board.get("now")
    assert (now["label"], now["colour"], now["others"]) == ("still", 1, [["nest", 4, 0.8]])
    assert [(row[0], row[3]) for row in now["classes"]] == [
        ("moving", 0),
        ("still", 0),
        ("wall", 1),
        ("centre", 1),
        ("nest", 1),
    ]


def test_the_timeline_knows_which_rows_exclude_each_other(view):
    assert view.board.get("timeline")["axes"] == [[0, 1], [2, 3, 4]]
    there = view.prediction_at(5.0)
    assert (there["label"], [name for name, _ in there["others"]]) == ("moving", ["nest"])


def test_bouts_are_counted_on_each_axis(view, tmp_path):
    rows = view.board.get("bouts")["rows"]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("moving", 1, 8.0),
        ("still", 1, 4.0),
        ("nest", 1, 8.0),
        ("wall", 1, 4.0),
    ]
    assert sum(row[4] for row in rows) == pytest.approx(2, abs=1e-3)
    path = tmp_path / "bouts.csv"
    path.write_bytes(view.bouts_csv(LabelledVideo("pen.mp4")))
    labels = import_file(path).labels
    assert {(one.behaviour, labels.ethogram[one.behaviour].axis) for one in labels.bouts} == {
        ("moving", "activity"),
        ("still", "activity"),
        ("wall", "place"),
        ("nest", "place"),
    }


def test_of_many_classes_the_first_axis_has_rows_and_the_other_has_a_label():
    places = tuple(f"place {number}" for number in range(20))
    axes = (AXES[0], CardAxis("place", places))
    names = (*AXES[0].class_names, *places)
    columns = Columns(names, axes)
    assert (columns.names, columns.of_axes) == (["moving", "still"], [])
    view = RunView(Board(), names, axes=axes)
    shares = (0.8, 0.2, *(0.62 if place == "place 7" else 0.02 for place in places))
    one = replace(make_prediction(0, 4, 0), class_names=names, axes=axes)
    view.add_prediction(one.judged_anew(shares), None, MODEL)
    now = view.board.get("now")
    assert (now["label"], now["others"]) == ("moving", [["place 7", -1, 0.62]])
    assert ["place 7", -1, 0.62, 1] in now["classes"]
    assert view.prediction_at(1.0)["others"] == []
