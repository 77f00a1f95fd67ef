"""Pictures: the newest wish, at a bounded share of the time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.sources.pictures import MAX_PAUSE_SECONDS, SHARE_OF_TIME, PictureWorker
from app.sources.shelf import Video
from tests.app.conftest import wait_until
from tests.app.fakes import FakePicture
from vidmem.errors import DecoderTimeoutError


class Source:
    def __init__(self, seconds_each: float = 0.0) -> None:
        self.asked: list[float] = []
        self.seconds_each = seconds_each
        self.error: Exception | None = None
        self.is_closed = False
        self.frame_seconds = 1e-6

    def picture(self, seconds: float) -> FakePicture:
        self.asked.append(seconds)
        time.sleep(self.seconds_each)
        if self.error:
            raise self.error
        return FakePicture(b"jpeg", seconds - seconds % self.frame_seconds)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def errors():
    return []


@pytest.fixture
def worker(source, errors):
    made = PictureWorker(
        Video("sample", "Sample", Path("video.mp4")), lambda path: source, errors.append
    )
    yield made
    made.close()
    assert source.is_closed


def test_only_the_newest_wish_is_met(worker, source):
    source.seconds_each = 0.1
    worker.want(0)
    wait_until(lambda: source.asked)
    for seconds in range(1, 20):
        worker.want(seconds)
    worker.want(20, is_urgent=True)
    wait_until(lambda: worker.shown and worker.shown.seconds == pytest.approx(20))
    assert source.asked == [0, 20]


def test_pictures_take_a_small_share_of_the_time(worker, source):
    source.seconds_each = 0.1
    began = time.monotonic()
    position = 0.0
    while len(source.asked) < 3:
        position += 1
        worker.want(position)
        time.sleep(0.01)
    # Two pictures of 0.1 s each were made by then, and a rest was held after each of them.
    assert time.monotonic() - began >= 0.99 * 2 * 0.1 / SHARE_OF_TIME


def test_after_a_picture_that_took_long_the_next_one_is_not_kept_waiting_for_long(worker, source):
    source.seconds_each = 0.4  # whose share would be more than two seconds
    worker.want(1)
    wait_until(lambda: worker.shown)
    source.seconds_each = 0.0
    worker.want(2)
    assert worker._model_first_until - time.monotonic() <= MAX_PAUSE_SECONDS
    wait_until(lambda: worker.shown.seconds == pytest.approx(2))


def test_no_model_that_stands_still_is_given_the_processor(worker, source):
    worker.want(1)
    wait_until(lambda: worker.shown)
    worker._model_first_until = time.monotonic() + 3600
    worker.want(2)
    worker.want(3, is_model_idle=True)
    wait_until(lambda: worker.shown.seconds == pytest.approx(3))
    assert source.asked == [1, 3]


def test_after_an_error_it_rests_though_no_model_runs(worker, source, errors):
    source.error = DecoderTimeoutError("no picture within 20 s")
    worker.want(1, is_model_idle=True)
    wait_until(lambda: errors)
    for _ in range(20):
        worker.want(1, is_model_idle=True)
        time.sleep(0.02)
    assert source.asked == [1]


def test_what_is_under_way_is_not_asked_for_again(worker, source):
    source.seconds_each = 0.3
    worker.want(5, is_model_idle=True)
    wait_until(lambda: source.asked)
    for _ in range(10):
        worker.want(5, is_model_idle=True)
        time.sleep(0.05)
    wait_until(lambda: worker.shown)
    assert source.asked == [5]


def test_a_wish_that_was_met_is_not_met_again_though_the_frame_is_earlier(worker, source):
    source.frame_seconds = 0.5
    worker.want(10.4, is_urgent=True)
    wait_until(lambda: worker.shown)
    number = worker.shown.number
    for _ in range(16):
        worker.want(10.4)
        time.sleep(0.05)
    assert (worker.shown.number, worker.shown.seconds) == (number, 10.0)
    assert source.asked == [10.4]
    worker.want(10.6)
    wait_until(lambda: worker.shown.seconds == 10.5)


def test_an_error_is_told_and_another_picture_can_be_had(worker, source, errors):
    source.error = DecoderTimeoutError("no picture within 20 s")
    worker.want(1, is_urgent=True)
    wait_until(lambda: errors)
    source.error = None
    worker.want(2, is_urgent=True)
    wait_until(lambda: worker.shown and worker.shown.seconds == pytest.approx(2))
