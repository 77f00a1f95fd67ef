"""What is written and read again is the same to a millisecond, in every format that holds it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.labels.formats.strategies import awkward_labels, of_one_video
from tests.labels.strategies import ETHOGRAM, labels
from vidmem.labels import Bout, LabelledVideo, Labels, Span, compare
from vidmem.labels.formats import (
    FORMATS,
    About,
    ReadOptions,
    format_named,
    import_file,
    write,
)

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
EXACT = ("csv", "boris", "boris-tabular", "boris-aggregated", "label-studio", "vtt", "elan")
SAMPLED = ("deepethogram", "boris-binary")
TABLES_OF_EVENTS = ("boris-tabular", "boris-aggregated")
"""They have no row of a video without a bout, which is told when they are written."""
EDGE_SECONDS = 0.0021
"""Of two edges, each rounded to a millisecond."""


def there_and_back(value: Labels, name: str, options: ReadOptions, **given) -> Labels:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{format_named(name).endings[0]}"
        write(value, path, format=name, **given)
        imported = import_file(path, options)
    assert imported.format == name
    assert imported.problems == ()
    return imported.labels


def details(value: Labels) -> list[tuple[object, ...]]:
    """Who said what of bouts longer than rounding, in an order that rounding does not change."""
    kept = (one for one in value.bouts if one.is_point or one.num_seconds > 3 * EDGE_SECONDS)
    return sorted(
        (
            one.video,
            one.subject,
            one.behaviour,
            round(one.start_seconds, 1),
            one.author,
            one.comment,
            one.score,
            one.source,
        )
        for one in kept
    )


def test_every_format_that_is_read_and_written_is_tried():
    both = {one.name for one in FORMATS if one.read and one.write}
    assert both == {*EXACT, *SAMPLED}


@pytest.mark.parametrize("name", EXACT)
def test_what_is_read_again_is_what_was_written(name):
    @FEW
    @given(awkward_labels())
    def check(value: Labels) -> None:
        if not format_named(name).holds.many_videos:
            value = of_one_video(value)
        if name in TABLES_OF_EVENTS:
            coded = {one.video for one in value.bouts}
            value = replace(value, scored=tuple(one for one in value.scored if one.video in coded))
        read = there_and_back(value, name, ReadOptions(ethogram=value.ethogram))
        differences = compare(
            value, read, tolerance_seconds=EDGE_SECONDS, point_tolerance_seconds=0.0011
        )
        assert differences == ()
        assert details(read) == details(value)

    check()


@pytest.mark.parametrize("name", ["csv", "boris", "vtt", "elan", "label-studio"])
def test_the_file_alone_has_the_ethogram_and_the_videos(name):
    @FEW
    @given(awkward_labels())
    def check(value: Labels) -> None:
        if not format_named(name).holds.many_videos:
            value = of_one_video(value)
        read = there_and_back(value, name, ReadOptions())
        assert read.ethogram.names == value.ethogram.names
        assert [(one.axis, one.kind, one.colour) for one in read.ethogram] == [
            (one.axis, one.kind, one.colour) for one in value.ethogram
        ]
        assert read.videos == value.videos
        if format_named(name).holds.resolution == "1 µs":
            assert read.scored == value.scored

    check()


def test_vidmems_own_is_exact_to_the_last_bit():
    @FEW
    @given(awkward_labels())
    def check(value: Labels) -> None:
        assert there_and_back(value, "csv", ReadOptions()) == value

    check()


@pytest.mark.parametrize("name", SAMPLED)
def test_on_the_grid_a_matrix_says_the_same(name):
    fps = 10.0

    @FEW
    @given(labels())
    def check(value: Labels) -> None:
        value = of_one_video(value).for_subject("")
        on_grid = [
            one.changed(
                start_seconds=int(one.start_seconds * fps) / fps,
                end_seconds=int(one.end_seconds * fps) / fps,
            )
            for one in value.bouts
        ]
        lasting = {one.name for one in ETHOGRAM if one.is_state}
        states = [one for one in on_grid if one.behaviour in lasting and not one.is_point]
        points = {one.start_seconds: one for one in on_grid if one.behaviour not in lasting}
        video = value.videos[0].name
        whole = tuple(Span(video, 0, 20, axis=axis) for axis in ETHOGRAM.axes)
        bouts = (*states, *points.values())
        value = Labels(ETHOGRAM, bouts, scored=whole, videos=value.videos)
        options = ReadOptions(ethogram=ETHOGRAM, fps=fps, video=video)
        read = there_and_back(value, name, options, fps=fps)
        assert compare(value, read, point_tolerance_seconds=0.011) == ()

    check()


@pytest.mark.parametrize("name", EXACT)
def test_where_they_come_from_and_when_goes_along(name):
    video = LabelledVideo("pen.mp4", 60.0, 25.0, datetime(2026, 5, 1, 6, 0, 30))
    value = Labels(
        ETHOGRAM, (Bout("pen.mp4", 1, 2, "lying", score=0.5, source="model"),), videos=(video,)
    )
    about = About(model="memvit 0.1", settings="l_mem=25; fps=4", versions="vidmem 0.1.0")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{format_named(name).endings[0]}"
        write(value, path, format=name, about=about)
        imported = import_file(path)
    assert imported.about == about
    assert imported.labels.videos == (video,)


def test_a_csv_without_its_side_file_says_the_same_of_all_time(tmp_path):
    value = Labels(
        ETHOGRAM,
        (
            Bout("a.mp4", 0, 5, "lying"),
            Bout("a.mp4", 2, 9, "feeding"),
            Bout("a.mp4", 3, 3, "rolling"),
        ),
        not_scored=(Span("a.mp4", 6, 8, axis="posture"),),
        scored=(Span("a.mp4", 0, 10),),
    )
    path = tmp_path / "a.csv"
    write(value, path)
    (tmp_path / "a.csv.json").unlink()
    read = import_file(path)
    assert read.problems == ()
    assert compare(value, read.labels) == ()
    assert read.labels.ethogram["feeding"].axis == "activity"


def test_a_csv_that_was_edited_counts_before_its_side_file(tmp_path):
    value = Labels(ETHOGRAM, (Bout("a.mp4", 0, 5, "lying"),), scored=(Span("a.mp4", 0, 10),))
    path = tmp_path / "a.csv"
    write(value, path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(one for one in lines if "none of these" not in one))
    read = import_file(path)
    assert read.labels.scored == ()
    assert read.labels.bouts == value.bouts
    assert read.labels.ethogram == value.ethogram
    assert any("was changed after" in note for note in read.notes)


def test_a_region_moved_in_label_studio_has_the_times_of_its_frames(tmp_path):
    import json

    value = Labels(
        ETHOGRAM, (Bout("a.mp4", 1.003, 2, "lying"),), videos=(LabelledVideo("a.mp4", 10, 25.0),)
    )
    path = tmp_path / "a.json"
    write(value, path)
    assert import_file(path).labels.bouts == value.bouts
    tasks = json.loads(path.read_text())
    (region,) = tasks[0]["annotations"][0]["result"]
    assert region["value"]["ranges"] == [{"start": 26, "end": 50}]
    region["value"]["ranges"][0]["end"] = 75
    path.write_text(json.dumps(tasks))
    (bout,) = import_file(path).labels.bouts
    assert (bout.start_seconds, bout.end_seconds) == (1.0, 3.0)


def test_packed_projects_are_read_and_written(tmp_path):
    value = Labels(ETHOGRAM, (Bout("a.mp4", 1, 2, "lying"),))
    path = tmp_path / "a.boris.gz"
    write(value, path)
    assert path.read_bytes()[:2] == b"\x1f\x8b"
    assert import_file(path).labels.bouts == value.bouts


def test_a_name_that_ends_like_a_score_is_none_in_a_cue():
    name = "lying 0.93"
    ethogram = replace(ETHOGRAM, behaviours=(replace(ETHOGRAM.behaviours[0], name=name),))
    video = LabelledVideo("a.mp4", duration_seconds=20.0, fps=30.0)
    scores = (None, 0.25)
    bouts = tuple(
        Bout("a.mp4", 4 * n, 4 * n + 2, name, score=score, source="model" if score else "human")
        for n, score in enumerate(scores)
    )
    value = Labels(ethogram=ethogram, bouts=bouts, videos=(video,))
    read = there_and_back(value, "vtt", ReadOptions(ethogram=ethogram))
    assert [(one.behaviour, one.score, one.source) for one in read.bouts] == [
        (name, None, "human"),
        (name, 0.25, "model"),
    ]
