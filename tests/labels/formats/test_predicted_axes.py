"""Predictions of a model of several axes as labels: bouts and scored time of each axis."""

from __future__ import annotations

import pytest

from tests.labels.predictions import write_predictions
from vidmem.errors import LabelError
from vidmem.labels import (
    Behaviour,
    BehaviourRule,
    Ethogram,
    LabelledVideo,
    PostProcessing,
    none_of_axis,
)
from vidmem.labels.formats import ReadOptions, import_file, read_recorded

NAMES = ("moving", "still", "wall", "centre", "none of these (place)")
AXES = "activity: moving, still; place: wall, centre, none of these (place)"
PEN = LabelledVideo("pen.mp4")


def rows(*labels):
    """Windows of 4 s with the class of each axis."""
    made = []
    for at, (activity, place) in enumerate(labels):
        shares = [0.9 if name in (activity, place) else 0.05 for name in NAMES]
        made.append((at * 4.0, at * 4.0 + 4, shares))
    return made


@pytest.fixture
def path(tmp_path):
    given = rows(
        ("moving", "wall"),
        ("moving", "centre"),
        ("still", "centre"),
        ("moving", NAMES[4]),
        ("moving", "wall"),
    )
    return write_predictions(tmp_path / "pen.predictions.csv", NAMES, given, axes=AXES)


def bouts(labels):
    return [(one.behaviour, one.start_seconds, one.end_seconds) for one in labels.bouts]


def scored(labels):
    return sorted((one.axis, one.start_seconds, one.end_seconds) for one in labels.scored)


BOUTS = [
    ("wall", 0, 4),
    ("moving", 0, 8),
    ("centre", 4, 12),
    ("still", 8, 12),
    ("moving", 12, 20),
    ("wall", 16, 20),
]


def test_bouts_and_scored_time_are_of_each_axis(path):
    made = read_recorded(path).labels(video=PEN)
    assert bouts(made) == BOUTS
    assert scored(made) == [("activity", 0, 20), ("place", 0, 20)]
    assert [(one.name, one.axis) for one in made.ethogram] == [
        ("moving", "activity"),
        ("still", "activity"),
        ("wall", "place"),
        ("centre", "place"),
    ]


def test_importing_the_file_gives_the_same(path):
    made, imported = read_recorded(path).labels(video=PEN), import_file(path, ReadOptions())
    assert imported.problems == ()
    assert sorted(bouts(imported.labels)) == sorted(bouts(made))
    assert scored(imported.labels) == scored(made)
    assert imported.labels.ethogram == made.ethogram


def test_axes_are_processed_one_by_one(path):
    joined = PostProcessing(
        rules=(BehaviourRule(behaviour="moving", join_seconds=4),), min_bout_seconds=5
    )
    assert bouts(read_recorded(path).labels(joined, video=PEN)) == [
        ("moving", 0, 20),
        ("centre", 4, 12),
    ]


def test_a_given_ethogram_has_its_own_axes_and_more(path):
    ethogram = Ethogram(
        (
            Behaviour("moving", axis="what"),
            Behaviour("still", axis="what"),
            Behaviour("wall", axis="where"),
            Behaviour("centre", axis="where"),
            Behaviour("feeding", axis="food"),
        )
    )
    imported = import_file(path, ReadOptions(ethogram=ethogram))
    assert imported.problems == ()
    assert len(imported.labels.bouts) == len(BOUTS)
    # Of food the model says nothing, so it was not scored.
    assert scored(imported.labels) == [("what", 0, 20), ("where", 0, 20)]


def test_what_a_model_cannot_tell_is_of_its_axis(tmp_path):
    names = ("moving", "still", "wall", "not scored")
    given = [(0, 4, [0.9, 0.1, 0.9, 0.1]), (4, 8, [0.9, 0.1, 0.1, 0.9])]
    axes = "activity: moving, still; place: wall, not scored"
    path = write_predictions(tmp_path / "p.csv", names, given, axes=axes)
    ethogram = Ethogram((*Ethogram.of("moving", "still"), Behaviour("wall", axis="where")))
    for labels, axis in (
        (read_recorded(path).labels(video=PEN), "place"),
        (import_file(path, ReadOptions()).labels, "place"),
        (import_file(path, ReadOptions(ethogram=ethogram)).labels, "where"),
    ):
        found = [(one.axis, one.start_seconds, one.end_seconds) for one in labels.not_scored]
        assert found == [(axis, 4, 8)]


def test_none_of_an_axis_is_no_behaviour():
    assert none_of_axis("place") == NAMES[4]
    with pytest.raises(LabelError, match="reserved"):
        Behaviour(none_of_axis("place"))


def test_a_file_that_does_not_say_its_axes_is_refused_and_half_a_row_is_left_out(path, tmp_path):
    text = path.read_text()
    path.write_text(text + "20.000,24.000,mov")
    assert bouts(read_recorded(path).labels(video=PEN)) == BOUTS
    header = text.splitlines()[0]
    path.write_text(f"{header}\n0.000,4.0")
    assert read_recorded(path).parts == ()
    path.write_text(text.replace("place: wall, centre", "place: wall"))
    with pytest.raises(LabelError, match="which classes are of which axis"):
        read_recorded(path)
