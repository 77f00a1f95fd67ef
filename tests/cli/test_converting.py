"""`vidmem convert`."""

from __future__ import annotations

import json

import pytest

from vidmem.labels.formats import import_file

LABELS = """video,start_seconds,end_seconds,label
pen.mp4,0,4,lying
pen.mp4,4,4.2,standing
pen.mp4,6,9,lying
pen.mp4,8,7,standing
"""
PREDICTIONS = """start_seconds,end_seconds,label,probability,remembered,lying,standing,gap,\
unlikeness,model,settings
0.000,2.000,lying,0.900000,0,0.900000,0.100000,,0.41,memvit,l_mem=4
2.000,4.000,standing,0.600000,0,0.400000,0.600000,,0.41,memvit,l_mem=4
4.000,6.000,lying,0.800000,0,0.800000,0.200000,,0.41,memvit,l_mem=4
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with labels and predictions, which is the current one."""
    (tmp_path / "labels.csv").write_text(LABELS)
    (tmp_path / "pen.predictions.csv").write_text(PREDICTIONS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_labels_go_to_boris_with_their_problems_said(run, here):
    done = run("convert", "labels.csv", "out.boris")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "problem: labels.csv, row 5: a bout of standing must end after it starts, got 8 to 7 s; it "
        "is left out",
        "1 problem: no time 1",
        "3 bouts of 2 behaviours in 1 video: lying 2, standing 1",
        "written: out.boris",
    ]
    assert len(import_file(here / "out.boris").labels.bouts) == 3
    project = json.loads((here / "out.boris").read_text())
    assert "versions=vidmem " in project["observations"]["pen"]["description"]


def test_predictions_become_bouts_with_the_stated_settings(run, here):
    words = ("--threshold", 0.7, "--fill-gap", 2, "--video", "pen.mp4")
    done = run("convert", "pen.predictions.csv", "out.boris", *words)
    assert done.code == 0, done.err
    assert "1 bout of 1 behaviour in 1 video: lying 1" in done.out
    found = import_file(here / "out.boris")
    (bout,) = found.labels.bouts
    assert (bout.video, bout.start_seconds, bout.end_seconds) == ("pen.mp4", 0, 6)
    assert (bout.author, bout.source) == ("memvit", "model")
    assert found.about.model == "memvit"
    assert found.about.settings == "l_mem=4 | threshold 0.7, gaps up to 2 s filled"


def test_short_bouts_of_labels_are_left_out_and_counted(run, here):
    done = run("convert", "labels.csv", "out.vtt", "--min-bout", 1)
    assert done.code == 0, done.err
    assert "left out: 1 bout shorter than 1 s" in done.out
    assert len(import_file(here / "out.vtt").labels.bouts) == 2


def test_what_is_lost_is_said(run, here):
    done = run("convert", "labels.csv", "out_labels.csv", "--fps", 10)
    assert done.code == 0, done.err
    assert "not in it: times finer than a frame" in done.out
    assert "note: DeepEthogram does not train on pen.mp4" in done.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("labels.csv", "out.docx"), "an ending of no format that can be written"),
        (("labels.csv", "out.csv", "--to", "boriss"), "there is no format 'boriss'"),
        (("nothing.csv", "out.csv"), "cannot be read: No such file"),
        (("labels.csv", "labels.csv", "--force"), "is what is read; give another name"),
        (("labels.csv", "out.boris", "--on-problem", "stop"), "row 5: a bout of standing must end"),
        (("labels.csv", "out.boris", "--on-problem", "ask"), "must be skip or stop, got 'ask'"),
        (("labels.csv", "out.boris", "--join", 2), "--fill-gap and --join are for predictions"),
        (("labels.csv", "out.boris", "--threshold", 2), "threshold must be from 0 to 1"),
        (("labels.csv", "out.json"), "the frame rate of pen.mp4 is not known"),
    ],
)
def test_what_cannot_be_done_ends_with_a_sentence_and_without_a_file(run, here, words, sentence):
    before = sorted(here.iterdir())
    done = run("convert", *words)
    assert done.code == 1
    assert sentence in done.err
    assert sorted(here.iterdir()) == before


def test_what_is_there_is_written_over_only_by_force(run, here):
    (here / "out.boris").write_text("mine")
    done = run("convert", "labels.csv", "out.boris")
    assert done.code == 1 and "is there already; give another name, or --force" in done.err
    assert (here / "out.boris").read_text() == "mine"
    assert run("convert", "labels.csv", "out.boris", "--force").code == 0
    assert len(import_file(here / "out.boris").labels.bouts) == 3


def test_all_that_was_looked_at_may_be_said(run, here):
    done = run("convert", "labels.csv", "out.csv", "--all-scored")
    assert done.code == 0, done.err
    labels = import_file(here / "out.csv").labels
    assert [one.what for one in labels.timeline("pen.mp4", "behaviour")][-2:] == [
        "none of these",
        "lying",
    ]


def test_an_ethogram_says_which_behaviours_there_are(run, here):
    done = run("convert", "labels.csv", "out.csv", "--ethogram", "cattle")
    assert done.code == 0, done.err
    assert import_file(here / "out.csv").labels.ethogram["lying"].axis == "posture"
    done = run("convert", "labels.csv", "two.csv", "--ethogram", "sow")
    assert "lying is not in the ethogram; it is left out" in done.out


def test_a_video_gives_its_frame_rate_and_length(run, here):
    from tests.video.making import Kind, write_video

    video = write_video(here, Kind("numbers"), num_frames=50)
    (here / "a.csv").write_text(
        f"video,start,end,label\n{video.name},0,1,lying\n{video.name},9,12,a\n"
    )
    done = run("convert", "a.csv", "a.json", "--video", video)
    assert done.code == 0, done.err
    assert "is after the end of the video" in done.out
    data = json.loads((here / "a.json").read_text())[0]["data"]
    assert data["fps"] > 0
