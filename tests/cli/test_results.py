"""`vidmem score`, `vidmem agree` and `vidmem budget`."""

from __future__ import annotations

import csv
import json

import pytest

from vidmem.cli.label_files import read_labels
from vidmem.labels.results import agree, score, time_budget

LABELS = ("lying", "standing")
HEADER = "video,start_seconds,end_seconds,label,subject\n"


@pytest.fixture
def write(tmp_path):
    def write(name, *rows, header=HEADER):
        path = tmp_path / name
        path.write_text(header + "".join(f"{row}\n" for row in rows))
        return path

    return write


@pytest.fixture
def raters(write):
    """The toy: the second sees the sow rise 6 s before the first."""
    first = write("a.csv", "pen.mp4,0,50,lying,", "pen.mp4,50,100,standing,")
    second = write("b.csv", "pen.mp4,0,44,lying,", "pen.mp4,44,100,standing,")
    return first, second


@pytest.fixture
def predictions(write):
    """Windows of 20 s that overlap by half; the middle one is unsure."""
    header = "start_seconds,end_seconds,label,probability,remembered,lying,standing"
    header += ",gap,unlikeness,model,settings\n"
    rows = ((0, 20, 0.9), (10, 30, 0.8), (20, 40, 0.4), (30, 50, 0.1), (40, 60, 0.05))
    lines = [f"{a:.3f},{b:.3f},lying,{p},0,{p},{1 - p:.2f},,,tiny,fps=4" for a, b, p in rows]
    return write("pen.predictions.csv", *lines, header=header)


def test_agree_prints_the_toys_kappa(run, raters):
    done = run("agree", *raters, "--video-seconds", 100, "--interval", 1)
    assert done.code == 0, done.err
    lines = {line[:13].strip(): line.split() for line in done.out.splitlines()}
    assert lines["Cohen's kappa"][-2:] == ["0.88", "0.88"]
    assert lines["same, %"][-2:] == ["94.1", "94.0"]
    assert "1 min 40 s that both scored" in done.out
    assert "lying      44.0       6.0" in done.out


def test_json_has_the_numbers_of_the_functions(run, raters):
    first, second = map(read_labels, raters)

    def numbers(*words):
        done = run(*words, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    assert numbers("agree", *raters) == agree(first, second).as_dict()
    scored = numbers("score", raters[1], raters[0], "--fps", 4)
    assert scored == score(second, first, fps=4).as_dict()
    assert {"macro_f1", "per_class", "segmental", "edges", "kappa"} <= scored.keys()
    assert numbers("budget", raters[0], "--every", "30s") == (
        time_budget(first, every_seconds=30).as_dict()
    )


def test_gaps_are_none_of_these_only_where_all_was_looked_at(run, write):
    first = write("a.csv", "pen.mp4,10,20,nursing,", "pen.mp4,50,60,nursing,")
    second = write("b.csv", "pen.mp4,10,22,nursing,")
    done = run("agree", first, second, "--json")
    pooled = json.loads(done.out)["pooled"]
    assert pooled["kappa_duration_weighted"] is None
    assert pooled["left_out"]["only_first_seconds"] == 10
    done = run("agree", first, second, "--video-seconds", 100, "--json")
    figures = json.loads(done.out)["pooled"]["duration_weighted"]
    assert figures["confusion_seconds"] == [[10, 10], [2, 78]]


def test_undefined_is_said(run, write):
    path = write("a.csv", "pen.mp4,0,50,lying,")
    done = run("agree", path, path)
    assert done.code == 0
    assert "undefined: only one class is used" in done.out
    assert "nan" not in done.out.lower()


def test_what_is_behind_the_end_is_cut_and_told(run, raters):
    done = run("agree", *raters, "--video-seconds", 80, "--json")
    assert "bouts go on to 100 s: what is behind --video-seconds 80 is cut" in done.err
    assert json.loads(done.out)["pooled"]["duration_weighted"]["total_seconds"] == 80


def test_agree_on_several_axes_subjects_and_events(run, write):
    rows = (
        "a.mp4,0,60,lying,sow 1",
        "a.mp4,0,40,lying,sow 2",
        "a.mp4,40,60,standing,sow 2",
        "a.mp4,5,5,rolling,sow 1",
    )
    first, second = write("a.csv", *rows), write("b.csv", *rows[:3], "a.mp4,5.5,5.5,rolling,sow 1")
    done = run("agree", first, second)
    assert done.code == 0, done.err
    assert "sow 2" in done.out
    assert "rolling      1       1        1    100.0  1.00         0" in done.out


def test_score_of_predictions_that_do_not_name_their_video(run, predictions, write):
    labels = write("labels.csv", "pen.mp4,0,30,lying,sow 12", "pen.mp4,30,60,standing,sow 12")
    done = run("score", predictions, labels, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    # Merged: lying .9, .85, .6 to 30 s, then .25, .075, .05: as the labels.
    assert found["macro_f1"] == 1
    assert found["mean_average_precision"] == 1
    assert found["scored_seconds"] == 60
    done = run("score", predictions, labels)
    assert "always lying" in done.out
    assert "F1 of bouts at 50 % overlap: 1.00" in done.out
    assert "no interval, there are fewer than 5 blocks of 60 s" in done.out


def test_which_video_is_meant_is_asked_only_where_it_cannot_be_told(run, predictions, write):
    two = write("two.csv", "pen.mkv,0,60,lying,", "yard.mp4,0,60,lying,")
    assert json.loads(run("score", predictions, two, "--json").out)["scored_seconds"] == 60
    other = write("other.csv", "barn.mkv,0,30,lying,", "yard.mp4,0,60,lying,")
    done = run("score", predictions, other)
    assert done.code == 1
    assert "is about pen, the labels about barn.mkv, yard.mp4; say with --video" in done.err
    done = run("score", predictions, other, "--video", "barn.mkv", "--json")
    assert json.loads(done.out)["scored_seconds"] == 30
    done = run("score", predictions, other, "--video", "attic.mp4")
    assert "says nothing of the video attic.mp4; it has barn.mkv, yard.mp4" in done.err


def test_whose_labels_are_meant_is_asked(run, predictions, write):
    labels = write("labels.csv", "pen.mp4,0,30,lying,sow 1", "pen.mp4,0,60,standing,sow 2")
    done = run("score", predictions, labels)
    assert done.code == 1
    assert "say whom they are about (--subject)" in done.err
    done = run("score", predictions, labels, "--subject", "sow 1", "--json")
    assert json.loads(done.out)["macro_f1"] == 1


def test_budget_by_the_clock_and_as_a_file(run, raters, tmp_path):
    out = tmp_path / "budget.csv"
    words = ("--every", "1min", "--start", "2026-05-01T06:00", "--out", out)
    done = run("budget", raters[0], *words)
    assert done.code == 0, done.err
    assert "2026-05-01 06:01  standing" in done.out
    assert "100 % is time in which the axis of the subject was scored" in done.out
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["period_start"] for row in rows] == ["2026-05-01T06:00:00"] * 2 + [
        "2026-05-01T06:01:00"
    ] * 2
    assert [float(row["duration_seconds"]) for row in rows] == [50, 10, 0, 40]
    again = run("budget", raters[0], *words)
    assert "is now budget.csv.previous" in again.err
    assert sorted(path.name for path in tmp_path.glob("budget*")) == [
        "budget.csv",
        "budget.csv.previous",
    ]


def test_budget_of_video_time_and_of_whole_videos(run, raters):
    done = run("budget", raters[0], "--every", "1min", "--video-seconds", 120, "--json")
    rows = json.loads(done.out)["rows"]
    assert {row["period_start_seconds"] for row in rows} == {0, 60}
    none = [row["duration_seconds"] for row in rows if row["behaviour"] == "none of these"]
    assert none == [0, 20]


@pytest.fixture
def thirds(write):
    """Three bouts, of 20.133... s in the mean; a third of the time is of standing."""
    rows = ("0,20.2,lying,", "20.3,40.4,lying,", "40.5,60.6,lying,", "60.6,90.8,standing,")
    return write("thirds.csv", *(f"pen.mp4,{row}" for row in rows))


def digits_behind_the_point(text: str) -> int:
    return len(text.partition(".")[2])


def test_the_file_of_a_budget_has_no_more_digits_than_are_known(run, thirds, tmp_path):
    out = tmp_path / "budget.csv"
    assert run("budget", thirds, "--out", out).code == 0
    with out.open(newline="") as file:
        lying, standing = (row for row in csv.DictReader(file) if row["behaviour"] in LABELS)
    assert (lying["mean_bout_seconds"], standing["latency_seconds"]) == ("20.133333", "60.6")
    assert (lying["percent_of_scored"], standing["percent_of_scored"]) == ("66.6667", "33.3333")
    texts = [text for row in (lying, standing) for text in row.values()]
    assert max(map(digits_behind_the_point, texts)) == 6


def test_times_in_json_are_to_the_microsecond(run, thirds, write):
    """Others stay as they were computed."""

    def times(value, name=""):
        if isinstance(value, dict):
            return [one for key, part in value.items() for one in times(part, key)]
        if isinstance(value, list):
            return [one for part in value for one in times(part, name)]
        return [value] if isinstance(value, float) and name.endswith("_seconds") else []

    rows = ("0,20.1,lying,", "20.1,90.7,standing,", "7.33333,7.33333,rolling,", "17,17,rolling,")
    one = write("one.csv", *(f"pen.mp4,{row}" for row in rows))
    other = write("other.csv", *(f"pen.mp4,{row}" for row in (*rows[:2], "7.1,7.1,rolling,")))
    for words in (
        ("budget", thirds),
        ("budget", thirds, "--every", "1.1s"),
        ("agree", one, other),
        ("score", one, other),
    ):
        done = run(*words, "--json")
        assert done.code == 0, done.err
        found = times(json.loads(done.out))
        assert found
        assert [time for time in found if digits_behind_the_point(f"{time!r}") > 6] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--every", "soon"), "must be a time such as 30min, 1h or 1d"),
        (("--every", "0.5s"), "at least 1 s"),
        (("--video-seconds", "-1"), "--video-seconds must be above 0"),
        (("--out", "nowhere/budget.csv"), "there is no folder"),
    ],
)
def test_impossible_wishes_are_refused_in_words(run, raters, words, says):
    done = run("budget", raters[0], *words)
    assert done.code == 1
    assert says in done.err


def test_the_budget_is_not_written_over_what_is_read(run, raters):
    done = run("budget", raters[0], "--out", raters[0])
    assert done.code == 1
    assert "is read" in done.err
    assert run("budget", raters[0], "--start", "tomorrow").code == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nothing,here\n1,2\n", "is of no format that is known by its content"),
        (HEADER + "pen.mp4,a,2,lying,\n", "row 2: start 'a' is no time"),
        (HEADER + "pen.mp4,3,2,lying,\n", "must end after it starts"),
        ("start_seconds,end_seconds,label,probability,remembered\n", "has no classes"),
    ],
)
def test_files_that_are_no_labels_are_refused_in_words(run, tmp_path, text, says):
    path = tmp_path / "x.csv"
    path.write_text(text)
    done = run("budget", path)
    assert done.code == 1
    assert says in done.err
    assert "absent.csv" in run("budget", tmp_path / "absent.csv").err


def test_a_run_that_was_never_begun_has_no_predictions_to_score(run, write, raters):
    header = "start_seconds,end_seconds,label,probability,remembered,lying,standing\n"
    done = run("score", write("pen.predictions.csv", header=header), raters[0])
    assert done.code == 1
    assert "has no predictions" in done.err
