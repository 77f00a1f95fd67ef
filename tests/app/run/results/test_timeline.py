"""Hours of predictions in bounded room."""

from __future__ import annotations

import numpy as np

from app.run.results.timeline import MAX_COLUMNS, Columns, LabelAt, Timeline


def filled(count: int, num_classes: int = 3, max_points: int = 50_000) -> Timeline:
    timeline = Timeline([f"class {i}" for i in range(num_classes)], max_points=max_points)
    for index in range(count):
        probabilities = [0.0] * num_classes
        probabilities[index // 10 % num_classes] = 1.0
        timeline.add(index, index + 1, index // 10 % num_classes, probabilities)
    return timeline


def test_points_are_bounded_and_cover_the_same_time():
    timeline = filled(1000, max_points=200)
    assert len(timeline) <= 200
    drawn = timeline.range(0, 1000)
    assert drawn["start"][0] == 0
    assert drawn["end"][-1] == 1000
    assert drawn["start"][1:] == drawn["end"][:-1]


def test_a_range_has_at_most_the_buckets_asked_for():
    timeline = filled(997)
    for buckets in (1, 7, 100, 996, 997, 5000):
        drawn = timeline.range(0, 997, buckets)
        assert len(drawn["start"]) <= buckets
        assert drawn["end"][-1] == 997
    assert timeline.range(0, 997, 100)["values"][0] == [255, 0, 0]


def test_a_range_holds_what_touches_it():
    drawn = filled(50).range(10.5, 12.5)
    assert drawn["start"] == [10, 11, 12]


def test_a_second_pass_replaces_the_first():
    timeline = filled(30)
    for index in range(10, 15):
        timeline.add(index, index + 1, 2, [0, 0, 1])
    drawn = timeline.range(0, 30)
    assert len(drawn["start"]) == 30
    assert drawn["column"][10:15] == [2] * 5
    assert drawn["column"][15] == 1
    assert [point.number for point in timeline.since(32)] == [33, 34]


def test_points_that_are_long_past_are_asked_for_as_a_range():
    timeline = filled(2500)
    assert timeline.since(100) is None
    assert len(timeline.since(2400)) == 99


def test_what_was_predicted_at_a_time():
    timeline = filled(30)
    assert timeline.at(10.5) == LabelAt(column=1, probability=1.0, is_final=True)
    assert timeline.at(31) is None


def test_many_classes_share_few_rows():
    columns = Columns([f"class {i}" for i in range(400)])
    assert columns.names == []
    assert [columns.column_of(index) for index in (7, 300, 7)] == [0, 1, 0]
    for index in range(20, 60):
        columns.column_of(index)
    assert len(columns.names) == MAX_COLUMNS
    assert columns.names[-1] == "other"
    assert columns.column_of(399) == MAX_COLUMNS - 1
    probabilities = np.full(400, 1 / 400)
    assert columns.values(probabilities).tolist()[-1] == round(389 / 400 * 255)
