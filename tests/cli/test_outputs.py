"""What a command writes: never over what it reads, over what people keep, or over another run's."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vidmem
from vidmem.cli import outputs
from vidmem.errors import SettingError

SAMPLE = Path(__file__).parents[2] / "assets/barn-sample.mp4"


@pytest.fixture
def place(tiny_model, tmp_path, monkeypatch):
    """A folder to work in, with a video and a model."""
    vidmem.save(tiny_model, tmp_path / "tiny")
    shutil.copy(SAMPLE, tmp_path / "pen.mp4")
    os.link(tmp_path / "pen.mp4", tmp_path / "hard.csv")
    (tmp_path / "soft.csv").symlink_to("pen.mp4")
    (tmp_path / "regions.json").write_text(
        json.dumps([{"name": "a", "left": 0, "top": 0, "width": 0.5, "height": 1}])
    )
    os.mkfifo(tmp_path / "pipe.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


WORDS = ("watch", "pen.mp4", "--model", "tiny")
SHORT = (*WORDS, "--start", "56")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "pen.mp4"], "--out pen.mp4 is pen.mp4 itself, which is read"),
        (["--out", "hard.csv"], "--out hard.csv is pen.mp4 itself"),
        (["--out", "./x/../soft.csv"], "pen.mp4 itself"),
        (["--state", "pen.mp4"], "--state pen.mp4 is pen.mp4 itself"),
        (["--state", "soft.csv"], "--state soft.csv is pen.mp4 itself"),
        (["--memory-log", "hard.csv"], "--memory-log hard.csv is pen.mp4 itself"),
        (["--memory-log", "tiny/config.json"], "is tiny/config.json itself"),
        (["--state", "tiny/model.safetensors"], "is tiny/model.safetensors itself"),
        (["--out", "run.state"], "--out and --state are both run.state"),
        (["--out", "a.csv", "--memory-log", "./a.csv"], "are both"),
        (["--state", "a.csv", "--memory-log", "a.csv"], "are both a.csv"),
        (["--out", "."], "--out . is a folder"),
        (["--out", "tiny"], "--out tiny cannot be written: it is a folder"),
        (["--out", "/dev/full"], "/dev/full cannot be written: it is a device"),
        (["--out", "pipe.csv"], "pipe.csv cannot be written: it is a pipe"),
        (["--state", "pipe.csv"], "pipe.csv cannot be written: it is a pipe"),
        (["--memory-log", "pipe.csv"], "pipe.csv cannot be written: it is a pipe"),
        (["--whole", "--out", "pen.mp4"], "pen.mp4 itself"),
        (["--regions", "regions.json", "--memory-log", "regions.json"], "regions.json itself"),
        (["--tiles", "1x1", "--out", "t.csv", "--memory-log", "t/row1-column1.csv"], "are both"),
        (["--start", "nan"], "start_seconds must be a time in seconds, got nan"),
        (["--start", "inf"], "start_seconds must be a time in seconds, got inf"),
    ],
)
def test_what_is_read_or_written_already_is_refused_before_anything_is_opened(
    run, place, options, message
):
    (place / "x").mkdir()
    before = contents(place)
    done = run(*WORDS, *options)
    assert done.code == 1
    assert message in done.err
    assert "Traceback" not in done.err
    assert contents(place) == before


def test_a_pipe_is_no_video(run, place):
    done = run("watch", "pipe.csv", "--model", "tiny")
    assert (done.code, "it is a pipe" in done.err) == (1, True)


def test_a_second_run_is_told_who_writes_the_file(run, place):
    for name in ("rows.csv", "rows.state", "log.csv"):
        (place / name).write_text("of the first run")
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        before = contents(place)
        done = run(*SHORT, "--out", "rows.csv", "--memory-log", "log.csv")
        holder.communicate()
        assert done.code == 1
        assert f"{name} is being written by another run, process {holder.pid}" in done.err
        assert contents(place) == before
        (place / name).unlink()


HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_all_files_are_free_again_when_the_command_ends(run, place):
    words = (*SHORT, "--out", "rows.csv", "--memory-log", "log.csv")
    assert run(*words).code == 0
    for name in ("rows.csv", "rows.state", "log.csv"):
        with (place / name).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_files_of_people_are_kept_beside_the_new_ones(run, place):
    for name in ("mine.csv", "mine.state", "log.json"):
        (place / name).write_text(f"a note in {name}")
    words = (*SHORT, "--out", "mine.csv", "--memory-log", "log.json")
    done = run(*words)
    assert done.code == 0, done.err
    for name in ("mine.csv", "mine.state", "log.json"):
        assert (place / f"{name}.previous").read_text() == f"a note in {name}"
        assert f"{name} was there already and is now {name}.previous" in done.err
    rows, state = (place / "mine.csv").read_bytes(), (place / "mine.state").read_bytes()
    assert run(*words).code == 0
    assert (place / "mine.csv.previous-2").read_bytes() == rows
    assert (place / "mine.state.previous-2").read_bytes() == state


@pytest.mark.slow
def test_what_is_kept_can_be_gone_on_with_under_its_name(run, place):
    assert run(*SHORT, "--out", "a.csv").code == 0
    assert run(*SHORT, "--out", "a.csv").code == 0
    words = ("--out", "a.csv.previous", "--state", "a.state.previous")
    done = run(*WORDS, *words, "--resume")
    assert done.code == 0, done.err
    assert "Nothing left to do" in done.out


@pytest.mark.slow
def test_files_are_named_after_the_video(run, place):
    done = run(*SHORT)
    assert done.code == 0, done.err
    assert done.out.rstrip().endswith("predictions are in pen.predictions.csv")
    assert (place / "pen.predictions.state").is_file()
    assert "Nothing left to do" in run(*WORDS, "--resume").out
    assert run(*SHORT, "--tiles", "2x1").code == 0
    names = sorted(path.name for path in (place / "pen.predictions").glob("*.csv"))
    assert names == ["row1-column1.csv", "row1-column2.csv"]


def test_a_run_under_the_name_of_earlier_versions_is_gone_on_with(run, place):
    assert run(*SHORT, "--out", "predictions.csv").code == 0
    done = run(*WORDS, "--resume")
    assert done.code == 0, done.err
    assert "Nothing left to do" in done.out
    assert "going on with predictions.csv, the name of earlier versions" in done.err
    shutil.copy(SAMPLE, place / "other.mp4")
    with (place / "other.mp4").open("ab") as file:
        file.write(b"other")
    videos = ["other.mp4"]  # whose run that is not
    chosen = outputs.chosen_out(None, ["pipe.mp4"], is_region=False, resume=True)
    assert chosen == Path("pipe.predictions.csv")
    assert outputs.chosen_out(None, [*videos, "b.mp4"], is_region=False, resume=False) == Path(
        "predictions.csv"
    )


def test_the_name_that_is_given_wins(run, place):
    """A copy is gone on with as a copy; what it was copied from stays as it is."""
    assert run(*SHORT, "--out", "a.csv").code == 0
    for kind in ("csv", "state"):
        shutil.copy(place / f"a.{kind}", place / f"b.{kind}")
    before = (place / "a.csv").read_bytes()
    with (place / "b.csv").open("ab") as file:
        file.write(b"rows behind the mark")
    done = run(*WORDS, "--out", "b.csv", "--resume")
    assert done.code == 0, done.err
    assert (place / "a.csv").read_bytes() == before == (place / "b.csv").read_bytes()
    (place / "b.csv").unlink()
    done = run(*WORDS, "--out", "b.csv", "--resume")
    assert done.code == 1
    assert "2 predictions to b.csv, and b.csv cannot be read now: No such file" in done.err


def test_rows_of_another_run_are_not_gone_on_with(run, place):
    assert run(*SHORT, "--out", "a.csv").code == 0
    assert run(*WORDS, "--start", "52", "--out", "b.csv").code == 0
    shutil.copy(place / "b.csv", place / "a.csv")
    done = run(*WORDS, "--out", "a.csv", "--resume")
    assert done.code == 1
    assert "rows of a.csv are not those that the saved stream wrote" in done.err


def test_a_name_of_no_file_is_a_setting():
    with pytest.raises(SettingError, match=r"--out \.\. is a folder"):
        outputs.chosen_out(Path(".."), ["a.mp4"], is_region=False, resume=False)
