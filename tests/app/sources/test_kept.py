"""What was read of a file is read once for all, as long as it is the same file."""

from __future__ import annotations

import os
import threading
import time

import pytest

from app.budget import Budget, WorkLimit
from app.sources.kept import KeptOfFiles
from app.sources.pictures import PictureWorker, first_pictures
from app.sources.shelf import Video
from tests.app.conftest import wait_until
from tests.app.sources.test_pictures import Source


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "pen.mp4"
    made.write_bytes(b"one")
    return made


def test_one_reads_it_while_all_others_wait(path):
    kept, read = KeptOfFiles(2), []

    def make(path):
        read.append(path)
        time.sleep(0.05)
        return len(read)

    got = []
    threads = [threading.Thread(target=lambda: got.append(kept.get(path, make))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [1] * 20
    assert read == [path]
    path.write_bytes(b"another length")
    assert kept.find(path) is None
    assert kept.get(path, make) == 2
    os.utime(path, (0, 0))
    assert kept.get(path, make) == 3


def test_errors_are_not_kept_and_only_so_many_values_are(path, tmp_path):
    kept = KeptOfFiles(2)
    with pytest.raises(ZeroDivisionError):
        kept.get(path, lambda path: 1 / 0)
    assert kept.get(path, lambda path: "read") == "read"
    for name in "ab":
        (tmp_path / name).touch()
        kept.get(tmp_path / name, lambda path: path.name)
    assert kept.find(path) is None
    assert kept.find(tmp_path / "b") == "b"
    assert kept.get(tmp_path / "gone", lambda path: "says so") == "says so"


def workers(path, source, count, budget):
    return [
        PictureWorker(Video("v", "V", path), lambda path: source, lambda error: None, budget=budget)
        for _ in range(count)
    ]


def test_many_who_open_one_video_see_it_by_one_decoder_and_without_threads(path):
    source, before = Source(0.02), threading.active_count()
    made = workers(path, source, 20, Budget())
    for worker in made:
        worker.want(0.0, is_urgent=True)
    wait_until(lambda: all(worker.shown for worker in made))
    assert source.asked == [0.0]
    late = workers(path, source, 30, Budget())
    for worker in late:
        worker.want(0.0, is_urgent=True)
        assert worker.shown  # at once
    for worker in (*made, *late):
        worker.close()
    wait_until(lambda: threading.active_count() <= before)
    assert first_pictures.find(path) is not None


def test_who_gets_no_place_for_a_reader_gets_one_when_others_need_theirs_no_more(path):
    budget = Budget({"picture": WorkLimit(1, 1)})
    first, second = Source(), Source()
    holds, waits = (
        PictureWorker(Video("v", "V", path), lambda path: one, lambda error: None, budget=budget)  # noqa: B023
        for one in (first, second)
    )
    holds.want(1.0, is_urgent=True)
    wait_until(lambda: holds.shown)
    waits.want(2.0, is_urgent=True)  # long before the other one would close by itself
    wait_until(lambda: waits.shown)
    assert budget.num_held("picture") <= 1
    for worker in (holds, waits):
        worker.close()
    assert budget.num_held("picture") == 0
