"""Bouts of a run: exact with strides, jumps, filters and second passes, however long it is."""

from __future__ import annotations

import csv
import random
from datetime import datetime

import pytest

from app.run.board import Board
from app.run.results.bouts import BoutBook
from app.run.view import RunView
from vidmem.labels import LabelledVideo, import_file
from vidmem.streaming import Prediction, StreamSettings, Window

NAMES = ("lying", "standing", "walking")
MODEL = StreamSettings(fps=4.0, clip_frames=16, window_stride=16)


def make_prediction(start: float, end: float, label: int, **more) -> Prediction:
    window = Window(
        index=0,
        start_frame=round(start * 4),
        num_frames=16,
        num_real_frames=16,
        start_seconds=start,
        end_seconds=end,
        is_last=False,
    )
    probabilities = tuple(0.9 if at == label else 0.05 for at in range(3))
    return Prediction(
        index=0,
        window=window,
        start_seconds=start,
        end_seconds=end,
        label=NAMES[label],
        probability=0.9,
        probabilities=probabilities,
        class_names=NAMES,
        num_real_frames=16,
        num_remembered=0,
        remembered=(),
        l_mem=25,
        state_bytes=0,
        model_seconds=0.0,
        **more,
    )


class Watched:
    """A view that is told of clips of 4 s, with what its table says."""

    def __init__(self, settings: StreamSettings = MODEL) -> None:
        self.settings = settings
        self.view = RunView(Board(), NAMES)

    def see(self, label: int, start: float, until: float, **more) -> None:
        stride, clip = self.settings.seconds_between_predictions, self.settings.seconds_per_clip
        while start < until - 1e-6:
            self.view.add_prediction(
                make_prediction(start, start + clip, label, **more), None, self.settings
            )
            start += stride

    def rows(self, min_bout_seconds: float = 0.0) -> list[list]:
        self.settings = self.settings.changed(min_bout_seconds=min_bout_seconds)
        self.view.set_settings(self.settings)
        return [row[:4] for row in self.view.board.get("bouts")["rows"]]


@pytest.mark.parametrize("min_bout_seconds", [0.0, 5.0])
def test_skipped_stretches_do_not_cut_a_bout(min_bout_seconds):
    watched = Watched(MODEL.changed(window_stride=32))
    watched.see(0, 0, 3600)
    assert watched.rows(min_bout_seconds) == [["lying", 0, 1, 3596.0]]


def test_time_that_was_jumped_over_is_in_no_bout():
    watched = Watched()
    watched.see(0, 0, 600)
    watched.see(0, 840, 1200)
    watched.see(1, 1200, 1204)
    watched.see(0, 1204, 1440)
    assert watched.rows(5.0) == [["lying", 0, 2, 1200.0]]
    assert watched.rows(0.0) == [["lying", 0, 3, 1196.0], ["standing", 1, 1, 4.0]]


def test_bouts_stay_exact_where_the_drawing_is_coarse():
    watched = Watched()
    watched.view.timeline._max_points = 100
    for number in range(400):
        watched.see(number % 3, number * 4, number * 4 + 4)
    assert [row[2] for row in watched.rows()] == [134, 133, 133]
    assert len(watched.view.timeline) <= 100


def test_overlapping_windows_are_counted_once_per_moment():
    watched = Watched(MODEL.changed(window_stride=4))
    watched.see(0, 0, 57)
    watched.view.finish()
    assert watched.rows() == [["lying", 0, 1, 60.0]]


def test_a_second_pass_replaces_what_the_first_one_said():
    watched = Watched()
    watched.see(0, 0, 40)
    watched.see(1, 12, 20)
    assert watched.rows() == [["lying", 0, 2, 32.0], ["standing", 1, 1, 8.0]]
    assert watched.rows(10.0) == [["lying", 0, 1, 40.0]]
    watched.see(0, 12, 20)
    assert watched.rows() == [["lying", 0, 1, 40.0]]


@pytest.mark.parametrize("seed", range(10))
def test_counted_bit_by_bit_or_anew_it_is_the_same(seed):
    rng = random.Random(seed)
    labels = [rng.randrange(3) for _ in range(300)]
    slow, fast = BoutBook(3), BoutBook(3)
    for second, label in enumerate(labels):
        slow.add(second, second + 1, label, 0.0)
        fast.add(second, second + 1, label, 0.0)
        if rng.random() < 0.3:
            fast.facts(2.0)
    assert slow.facts(2.0) == fast.facts(2.0)
    assert sum(total.num_seconds for total in fast.facts(2.0).totals) == 300
    slow.add(100, 130, 1, 0.0)
    assert sum(total.num_seconds for total in slow.facts(0.0).totals) == 300


def test_a_day_of_flicker_is_bounded_and_the_page_says_what_can_not_change_any_more():
    whole, bounded = BoutBook(3), BoutBook(3, max_stretches=50)
    for second in range(500):
        for book in (whole, bounded):
            book.add(second, second + 1, second % 3, 0.0)
    assert len(bounded._stretches) <= 50
    assert bounded.facts().totals == whole.facts().totals
    settled = bounded.facts().settled_seconds
    assert 400 < settled < 500
    bounded.add(10, 20, 0, 0.0)
    assert bounded.facts().totals == whole.facts().totals
    watched = Watched()
    watched.view._bouts[0]._max_stretches = 50
    for second in range(60):
        watched.see(second % 3, second * 4, second * 4 + 4)
    watched.rows()
    assert watched.view.board.get("bouts")["note"].startswith("Bouts before 01:")


def test_a_file_has_the_bouts_of_the_table_one_a_row():
    watched = Watched()
    watched.see(0, 0, 8)
    watched.see(1, 8, 12)
    watched.see(0, 12, 20)
    assert watched.rows(5.0) == [["lying", 0, 1, 20.0]]
    assert _as_file(watched) == [("lying", "0.000", "20.000", "20.000", "0.73")]
    watched.rows(0.0)
    assert _as_file(watched) == [
        ("lying", "0.000", "8.000", "8.000", "0.9"),
        ("standing", "8.000", "12.000", "4.000", "0.9"),
        ("lying", "12.000", "20.000", "8.000", "0.9"),
    ]


def _as_file(watched: Watched) -> list[tuple[str, ...]]:
    lines = watched.view.bouts_csv(LabelledVideo("pen.mp4")).decode().splitlines()
    rows = csv.DictReader(one for one in lines if not one.startswith("#"))
    names = ("label", "start_seconds", "end_seconds", "duration_seconds", "score")
    return [tuple(row[name] for name in names) for row in rows]


def test_a_file_says_what_it_is_of_and_a_reader_of_labels_takes_it(tmp_path):
    watched = Watched()
    watched.see(0, 0, 8, model_name="first", settings="fps=4")
    watched.see(1, 8, 16, model_name="second", settings="fps=4")
    watched.see(1, 16, 24, model_name="second", settings="fps=4, l_mem=8")
    watched.rows(3.0)
    start = datetime(2026, 5, 1, 6, 0)
    video = LabelledVideo("pen 2.mp4", 30.0, 25.0, start)
    path = tmp_path / "bouts.csv"
    path.write_bytes(watched.view.bouts_csv(video))
    text = path.read_text()
    assert "# start: 2026-05-01T06:00:00\n" in text
    assert "2026-05-01 06:00:08.000" in text
    imported = import_file(path)
    assert imported.problems == ()
    assert imported.labels.video("pen 2.mp4") == video
    assert imported.about.model == "first, second"
    assert "fps=4 | fps=4, l_mem=8; bouts: those shorter than 3 s" in imported.about.settings
    assert imported.about.versions.startswith("vidmem ")
    bouts = [(one.behaviour, one.author, one.source) for one in imported.labels.bouts]
    assert bouts == [("lying", "first", "model"), ("standing", "second", "model")]
    rows = list(csv.DictReader(one for one in text.splitlines() if not one.startswith("#")))
    assert [row["model"] for row in rows] == ["first", "second"]
    assert rows[0]["settings"].startswith("fps=4; ")
    assert rows[1]["settings"].startswith("fps=4 | fps=4, l_mem=8; ")
