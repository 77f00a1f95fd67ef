"""What the app leaves on a disk stays small."""

from __future__ import annotations

import os
import time

from app.folders import (
    MAX_KEPT_FILES,
    sweep_dead_upload_folders,
    sweep_runs_folder,
    sweep_uploads,
)


def test_old_and_surplus_predictions_are_deleted(tmp_path):
    now = time.time()
    for number in range(MAX_KEPT_FILES + 5):
        path = tmp_path / f"{number}.csv"
        path.touch()
        os.utime(path, (now - number, now - number))
    ancient = tmp_path / "0.csv"
    os.utime(ancient, (now - 40 * 86400, now - 40 * 86400))
    deleted = sweep_runs_folder(tmp_path, now)
    assert ancient in deleted
    assert len(list(tmp_path.glob("*.csv"))) == MAX_KEPT_FILES


def test_what_is_still_written_is_kept_however_old(tmp_path):
    for name in ("paused.csv", "old.csv", "new.csv"):
        (tmp_path / name).touch()
    for name, days in (("paused.csv", 40), ("old.csv", 3)):
        os.utime(tmp_path / name, (time.time() - days * 86400,) * 2)
    deleted = sweep_runs_folder(tmp_path, max_files=1, in_use={"paused.csv"})
    assert [path.name for path in deleted] == ["old.csv"]


def test_what_a_broken_off_upload_left_is_deleted_and_one_that_arrives_is_not(tmp_path):
    orphan, arriving, finished = (tmp_path / n for n in ("tmpa", "tmpb", "done.mp4"))
    for path in (orphan, arriving, finished):
        path.write_bytes(b"x")
    now = time.time()
    os.utime(orphan, (now - 7200, now - 7200))
    os.utime(finished, (now - 7200, now - 7200))
    assert sweep_uploads(tmp_path, now) == [orphan]
    assert arriving.exists()
    assert finished.exists()


def test_uploads_of_a_process_that_is_gone_are_deleted(tmp_path):
    mine, dead = tmp_path / f"up-{os.getpid()}", tmp_path / "up-4194305"
    for path in (mine, dead, tmp_path / "up-notes"):
        path.mkdir()
    assert sweep_dead_upload_folders(tmp_path, "up-") == [dead]
    assert mine.exists()
