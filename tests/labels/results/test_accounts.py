"""Accounts of one author, of some bouts, of whole videos; spans behind a cell; tables."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings

from tests.labels.strategies import labels as any_labels
from vidmem.errors import LabelError, SettingError
from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels, Span
from vidmem.labels.results import (
    BUDGET_COLUMNS,
    BoutFilter,
    about_subject_of,
    agree,
    agreement_csv,
    as_whole_videos,
    budget_csv,
    confusion_csv,
    filtered_labels,
    labels_of_author,
    spans_said,
    time_budget,
    transitions,
    transitions_csv,
)

ETHOGRAM = Ethogram((*Ethogram.of("lying", "standing"), Behaviour("rolling", kind="point")))
VIDEO = LabelledVideo("pen.mp4", 100.0)


def make(*bouts, scored=((0, 100),), subject=""):
    spans = tuple(Span("pen.mp4", a, b, subject, "behaviour") for a, b in scored)
    made = (
        Bout("pen.mp4", start, end, name, subject, author) for start, end, name, author in bouts
    )
    return Labels(ETHOGRAM, tuple(made), scored=spans, videos=(VIDEO,))


def spans_of(labels):
    return [one.interval for one in labels.scored]


def test_marks_count_for_an_author_but_where_somebody_else_has_a_bout():
    labels = make((0, 10, "lying", "anna"), (20, 30, "standing", "ben"), (5, 5, "rolling", "ben"))
    anna = labels_of_author(labels, "anna")
    assert [one.behaviour for one in anna.bouts] == ["lying"]
    assert spans_of(anna) == [(0, 20), (30, 100)]
    assert spans_of(labels_of_author(labels, "anna", has_marks=False)) == []
    assert labels_of_author(labels, "").bouts == ()


@given(any_labels())
@settings(max_examples=30, deadline=None)
def test_authors_share_all_bouts(labels):
    authors = {one.author for one in labels.bouts}
    parts = [labels_of_author(labels, one) for one in authors]
    assert sorted((b for one in parts for b in one.bouts), key=lambda b: b.sort_key) == list(
        labels.bouts
    )


def test_the_time_of_bouts_that_are_filtered_away_is_unlabelled():
    labels = make((0, 10, "lying", ""), (20, 30, "standing", ""), (40, 42, "lying", ""))
    found = filtered_labels(labels, BoutFilter(behaviours=frozenset({"lying"}), min_seconds=5))
    assert [one.start_seconds for one in found.bouts] == [0]
    assert spans_of(found) == [(0, 20), (30, 40), (42, 100)]
    assert filtered_labels(labels, BoutFilter()) == labels


def test_whole_videos_last_as_long_as_either_account_says():
    labels = make((0, 10, "lying", ""), scored=())
    other = Labels(ETHOGRAM, (Bout("pen.mp4", 0, 20, "lying"),))
    mine, theirs = as_whole_videos(labels, other)
    assert agree(mine, theirs).pooled.duration_weighted.total == 100
    assert spans_of(theirs) == [(0, 100)]
    with pytest.raises(LabelError, match=r"how long pen.mp4 lasts"):
        as_whole_videos(other, other)
    mine, theirs = as_whole_videos(labels, other, 15)
    assert theirs.bouts[0].end_seconds == 15
    with pytest.raises(SettingError, match="above 0"):
        as_whole_videos(labels, other, 0)


def test_predictions_without_an_animal_are_of_the_only_one():
    predicted = make((0, 10, "lying", "model"))
    truth = make((0, 10, "lying", ""), subject="sow 12")
    assert about_subject_of(predicted, truth).subjects == ("sow 12",)
    two = Labels(ETHOGRAM, (*truth.bouts, Bout("pen.mp4", 20, 30, "lying", "sow 13")))
    with pytest.raises(SettingError, match="say whom they are about"):
        about_subject_of(predicted, two)


@given(any_labels(), any_labels())
@settings(max_examples=30, deadline=None)
def test_spans_behind_a_cell_last_as_long_as_the_cell_says(first, second):
    found = agree(first, second)
    for axis in found.axes:
        figures = axis.pooled.duration_weighted
        for row, mine in zip(figures.confusion, figures.class_names, strict=True):
            for seconds, theirs in zip(row, figures.class_names, strict=True):
                spans = spans_said(first, second, axis=axis.axis, said=(mine, theirs))
                length = sum(one.end_seconds - one.start_seconds for one in spans)
                assert length == pytest.approx(seconds, abs=1e-4)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_tables_have_the_numbers_of_the_results():
    labels = make((0, 50, "lying", ""), (50, 100, "standing", ""))
    other = make((0, 44, "lying", ""), (44, 100, "standing", ""))
    budget = rows_of(budget_csv(time_budget(labels)))
    assert tuple(budget[0]) == BUDGET_COLUMNS
    assert budget[0]["percent_of_scored"] == "50.0"
    (pair,) = (
        row
        for row in rows_of(transitions_csv([transitions(labels, "behaviour")]))
        if row["count"] != "0"
    )
    assert (pair["from"], pair["to"], pair["probability"]) == ("lying", "standing", "1.0")
    found = agree(labels, other)
    scans, seconds = rows_of(agreement_csv(found))[:2]
    assert (scans["video"], scans["unit"], scans["kappa"]) == ("all", "scans", "0.881037")
    assert float(seconds["kappa"]) == pytest.approx(0.88)
    cells = {(row["first"], row["second"]): row for row in rows_of(confusion_csv(found))}
    assert cells["lying", "standing"]["seconds"] == "6.0"
    assert sum(int(row["scans"]) for row in cells.values()) == 101


def test_undefined_is_said_in_the_table_too():
    labels = make((0, 50, "lying", ""), scored=())
    row = rows_of(agreement_csv(agree(labels, labels)))[0]
    assert row["kappa"] == ""
    assert row["kappa_undefined_because"].startswith("only one class")


def test_a_name_that_is_a_formula_is_none_in_a_table():
    labels = Labels(Ethogram.of("=1+1"), (Bout("pen.mp4", 0, 1, "=1+1"),))
    assert "'=1+1" in budget_csv(time_budget(labels))
