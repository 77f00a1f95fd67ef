"""Predictions read once: the same bouts as importing the file, and what each was made with."""

from __future__ import annotations

import random

import pytest

from tests.labels.predictions import steps, write_predictions
from vidmem.labels import Bout, LabelledVideo, PostProcessing
from vidmem.labels.formats import ReadOptions, import_file, read_probabilities, read_recorded

NAMES = ("lying", "standing", "nursing")
PROCESSINGS = [
    None,
    PostProcessing(threshold=0.5),
    PostProcessing(fill_gap_seconds=3, join_seconds=5, min_bout_seconds=2.5, threshold=0.45),
]


@pytest.fixture
def path(tmp_path):
    """Overlapping windows of two models, the second of which went back."""
    chance = random.Random(3)
    rows = []
    for at in range(60):
        weights = [chance.random() ** 3 for _ in NAMES]
        rows.append((at, at + 2.5, [one / sum(weights) for one in weights]))
    path = write_predictions(tmp_path / "pen.predictions.csv", NAMES, rows[:40], model="first")
    write_predictions(path, NAMES, rows[30:50], model="second", is_more=True)
    return write_predictions(path, NAMES, rows[50:], model="second", settings="fps=8", is_more=True)


@pytest.mark.parametrize("processing", PROCESSINGS)
def test_it_is_what_importing_the_file_gives(path, processing):
    options = ReadOptions(video="pen.mp4", processing=processing)
    imported = import_file(path, options)
    recorded = read_recorded(path)
    made = recorded.labels(processing, video=LabelledVideo("pen.mp4"))
    assert imported.problems == ()
    assert made.bouts == imported.labels.bouts
    assert made.scored == imported.labels.scored
    assert made.ethogram.names == imported.labels.ethogram.names
    assert recorded.about.model == imported.about.model == "first, second"


def test_what_a_later_model_said_of_a_time_holds_and_no_bout_reaches_over_the_change(path):
    recorded = read_recorded(path)
    first, second = recorded.parts
    assert (first.model, second.model) == ("first", "second")
    assert first.moments.end_seconds[-1] == second.moments.start_seconds[0] == 30
    bouts = recorded.bouts(video="pen.mp4")
    assert not any(one.start_seconds < 30 < one.end_seconds for one in bouts)
    assert {one.author for one in bouts if one.start_seconds < 30} == {"first"}
    assert {one.author for one in bouts if one.start_seconds >= 30} == {"second"}


def test_models_may_take_turns_with_every_row(tmp_path):
    path = tmp_path / "pen.predictions.csv"
    for at in range(300):
        rows = [(at, at + 1.5, [0.5, 0.3, 0.2])]
        write_predictions(path, NAMES, rows, model=f"m{at % 2}", is_more=at > 0)
    parts = read_recorded(path).parts
    assert [one.model for one in parts] == ["m0", "m1"] * 150
    spans = [(one.moments.start_seconds[0], one.moments.end_seconds[-1]) for one in parts]
    assert spans == [(at, at + 1) for at in range(299)] + [(299, 300.5)]


def test_each_bout_says_with_which_model_and_settings_it_was_made(path):
    recorded = read_recorded(path)
    assert recorded.has_changes

    def about(start, end):
        of_bout = recorded.about_of(Bout("pen.mp4", start, end, "lying"))
        return of_bout.model, of_bout.settings

    assert about(2, 9) == ("first", "fps=4")
    assert about(30, 50) == ("second", "fps=4")
    assert about(48, 55) == ("second", "fps=4 | fps=8")
    assert about(50, 55) == ("second", "fps=8")


def test_a_file_that_has_no_row_yet_and_one_that_is_cut_off_can_be_read(tmp_path):
    path = write_predictions(tmp_path / "pen.predictions.csv", NAMES, [])
    recorded = read_recorded(path)
    assert recorded.end_seconds == 0
    assert recorded.probabilities is None
    assert recorded.labels(video=LabelledVideo("pen.mp4")).bouts == ()
    write_predictions(path, NAMES, steps(0, 0, 1, num=3), is_more=True)
    with path.open("a") as file:
        file.write("12.000,16.0")
    assert read_recorded(path).end_seconds == 12
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert read_recorded(tmp_path / "other.csv") is None


def test_probabilities_are_all_moments_in_order(tmp_path):
    rows = [(at, at + 2.0, [0.1 * (at % 7), 0.2, 0.7 - 0.1 * (at % 7)]) for at in range(9)]
    path = write_predictions(tmp_path / "pen.predictions.csv", NAMES, rows)
    plain, recorded = read_probabilities(path), read_recorded(path).probabilities
    assert recorded.probabilities.tolist() == plain.probabilities.tolist()
    assert recorded.start_seconds.tolist() == plain.start_seconds.tolist()
