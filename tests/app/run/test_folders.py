"""What the app leaves on a disk stays small."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from types import SimpleNamespace

import pytest

from app import launch
from app.launch import AppSettings
from app.run.folders import make_private, sweep_runs_folder

HEADER = "start_seconds,end_seconds,label,probability,remembered,a\n"
ROW = "0.000,4.000,a,1.000000,0,1.000000\n"
FIRST, SECOND, THIRD = ("1" * 32, "f" * 32, "2" * 32)


def predictions(folder, run, play=1, *, num_rows=1, days_old=0.0):
    path = folder / f"{run}-{play}-pen-predictions.csv"
    path.write_text(HEADER + num_rows * ROW)
    os.utime(path, (time.time() - days_old * 86400,) * 2)
    return path


def test_files_without_rows_go_and_push_nothing_out(tmp_path):
    """Pressing play and stop 300 times costs nobody a row."""
    rows = [predictions(tmp_path, f"{number:032x}") for number in range(250)]
    blank = [predictions(tmp_path, FIRST, play, num_rows=0) for play in range(300)]
    notes = tmp_path / "my-notes.csv"
    notes.touch()
    assert set(sweep_runs_folder(tmp_path)) == set(blank)
    assert all(path.exists() for path in [*rows, notes])


@pytest.mark.parametrize("days_old", [-365, 0, 40, 20_000])  # the last: a clock at 1970
def test_no_time_of_a_file_costs_its_rows(tmp_path, days_old):
    path = predictions(tmp_path, FIRST, days_old=days_old)
    for number in range(5):
        predictions(tmp_path, f"{number:032x}")
    assert sweep_runs_folder(tmp_path) == []
    assert path.exists()


def test_a_full_folder_loses_its_oldest_run_whole_and_with_a_word(tmp_path, caplog):
    """Oldest by when it came, though the clock went back since."""
    oldest = [predictions(tmp_path, FIRST, play, num_rows=50) for play in (1, 2)]
    assert sweep_runs_folder(tmp_path) == []
    kept = [predictions(tmp_path, SECOND, num_rows=50, days_old=20_000)]
    assert sweep_runs_folder(tmp_path) == []
    kept += [predictions(tmp_path, THIRD, num_rows=50, days_old=10_000)]
    num_bytes = sum(path.stat().st_size for path in kept)
    assert sweep_runs_folder(tmp_path, max_bytes=num_bytes) == oldest
    assert all(path.exists() for path in kept)
    assert all(path.name in caplog.text for path in oldest)


def test_what_is_still_written_is_kept_however_full_the_folder_is(tmp_path):
    paused = predictions(tmp_path, FIRST)
    blank = predictions(tmp_path, SECOND, num_rows=0)
    other = predictions(tmp_path, THIRD)
    deleted = sweep_runs_folder(tmp_path, max_bytes=0, in_use={paused.name, blank.name})
    assert deleted == [other]
    with predictions(tmp_path, THIRD, num_rows=0).open("rb") as file:  # of another app
        fcntl.flock(file, fcntl.LOCK_EX)
        assert sweep_runs_folder(tmp_path, in_use={blank.name}) == []


def test_folders_are_made_private_also_those_that_were_there(tmp_path):
    there = tmp_path / "runs"
    there.mkdir(mode=0o755)
    make_private(there, there / "streams")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (there, there / "streams")] == [0o700] * 2


def test_the_app_sweeps_all_folders_that_it_writes_to(desk, monkeypatch):
    swept = []
    monkeypatch.setattr(launch, "sweep_runs_folder", lambda folder, **more: swept.append(folder))
    monkeypatch.setattr(desk.shelf.upload_folder, "sweep", lambda: swept.append("uploads"))
    pools = SimpleNamespace(shelf=desk.shelf, files_in_use=set)
    lessons = SimpleNamespace(sweep=lambda: swept.append("lessons"))
    services = SimpleNamespace(pools=pools, lessons=lessons)
    monkeypatch.setattr(launch, "give_back_free_memory", lambda: swept.append("memory"))
    launch._sweep(AppSettings(runs_folder=tmp_of(desk)), services)
    assert swept == ["uploads", tmp_of(desk), tmp_of(desk) / "streams", "lessons", "memory"]


def tmp_of(desk):
    return desk.folder / "runs"
