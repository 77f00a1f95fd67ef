"""The latest-frame policy: bounded, whole windows, and never one across a break."""

from __future__ import annotations

import random
import threading
from itertools import pairwise

import pytest
import torch

from tests.streaming.doubles import FakeModel, source_file
from vidmem.errors import DecoderError, SettingError, StateError
from vidmem.streaming import Engine, LiveBuffer, PushedFeed, RunFiles, StreamSettings
from vidmem.streaming.feeds.live import BufferedFeed
from vidmem.streaming.feeds.live_buffer import TOO_SLOW
from vidmem.streaming.windows import Position, WindowReader
from vidmem.video.live.pictures import pushed_info

FPS = 4.0


def picture(number: int) -> torch.Tensor:
    return torch.full((2, 3, 3), number % 251, dtype=torch.uint8)


class BufferOnly(BufferedFeed):
    """A live feed whose frames a test puts there; each shows its number."""

    def __init__(self, **kwargs) -> None:
        self.buffer = LiveBuffer(FPS, **kwargs)
        self.info = pushed_info("a test", 3, 2)
        self.reader_name = self.reader_reason = "a test"
        self.next_number = 0

    def film(self, num_frames: int) -> None:
        for _ in range(num_frames):
            number = self.next_number
            self.buffer.put(picture(number), number / FPS)
            self.next_number += 1

    def lose(self, num_frames: int, reason: str = "no line") -> None:
        """The camera films on, and nothing comes."""
        self.buffer.gap(reason)
        self.next_number += num_frames


def settings(clip_frames=4, window_stride=4) -> StreamSettings:
    return StreamSettings(fps=FPS, clip_frames=clip_frames, window_stride=window_stride)


def reader_of(feed, **kwargs) -> WindowReader:
    return WindowReader(feed, settings(**kwargs), Position())


def shown(read) -> list[int]:
    return read.pixels[:, 0, 0, 0].tolist()


def test_frames_that_are_taken_in_time_come_as_from_a_file():
    feed = BufferOnly()
    reader = reader_of(feed)
    feed.film(5)
    first = reader.read()
    feed.film(4)
    second = reader.read()
    assert shown(first) == [0, 1, 2, 3]
    assert shown(second) == [4, 5, 6, 7]
    assert (first.window.start_seconds, first.window.end_seconds) == (0.0, 1.0)
    assert (second.window.start_seconds, second.window.end_seconds) == (1.0, 2.0)
    assert first.gaps == second.gaps == ()
    assert not second.window.is_last


def test_a_slow_reader_gets_whole_new_windows_and_the_drop_is_told():
    feed = BufferOnly()
    reader = reader_of(feed)
    feed.film(5)
    reader.read()
    feed.film(20)  # 5 .. 24, of which 9 are held at most
    read = reader.read()
    numbers = shown(read)
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert numbers[0] > 10
    assert read.window.start_seconds == numbers[0] / FPS
    (gap,) = read.gaps
    assert (gap.start_seconds, gap.end_seconds) == (1.0, read.window.start_seconds)
    assert gap.reason == TOO_SLOW
    figures = feed.figures()
    assert figures.clips_dropped == (numbers[0] - 5) / 4
    assert figures.frames_dropped == numbers[0] - 4  # the one that was looked ahead at, too
    feed.film(5)
    assert reader.read().gaps == ()


@pytest.mark.parametrize("stride", [1, 3, 4, 10])
@pytest.mark.parametrize("num_frames", [None, 6, 40])
def test_whatever_happens_no_window_has_frames_of_both_sides_of_a_break(stride, num_frames):
    chance = random.Random(f"{stride} {num_frames}")
    feed = BufferOnly(num_frames=num_frames)
    reader = reader_of(feed, window_stride=stride)
    feed.film(8)
    windows = []
    for _ in range(150):
        feed.film(chance.choice([0, 1, stride, 4, 4, 9, 30]))
        if chance.random() < 0.2:
            feed.lose(chance.choice([0, 1, 3, 40]))
        feed.film(5 + stride)  # so that none is waited for in vain
        assert len(feed.buffer) <= feed.buffer.num_frames
        windows += [reader.read() for _ in range(chance.choice([0, 1, 1]))]
    feed.buffer.end()
    while (read := reader.read()) is not None:
        windows.append(read)
    numbers = [shown(read) for read in windows]
    for read, frames in zip(windows, numbers, strict=True):
        num_real = read.window.num_real_frames
        start = read.window.start_frame
        assert frames[:num_real] == [number % 251 for number in range(start, start + num_real)]
        assert read.window.start_seconds == start / FPS
    for before, after in pairwise(windows):
        is_next = after.window.start_frame == before.window.start_frame + stride
        assert is_next or after.gaps
        assert after.window.start_frame > before.window.start_frame
        for gap in after.gaps:
            assert gap.end_seconds == after.window.start_seconds
            assert gap.start_seconds == min(before.window.end_seconds, gap.end_seconds)
    assert [read.window.index for read in windows] == list(range(len(windows)))


def test_seconds_behind_are_of_what_waits_and_bounded():
    feed = BufferOnly()
    reader = reader_of(feed)
    feed.film(4)
    assert feed.figures().seconds_behind == 0.0  # the first window fills
    feed.film(5)
    assert feed.figures().seconds_behind == 1.0
    feed.film(100)
    feed.lose(1000)
    feed.film(100)
    assert 0 < feed.figures().seconds_behind <= feed.buffer.num_frames / FPS
    reader.read()
    assert feed.figures().seconds_behind == 0.0


def test_every_frame_that_came_was_in_a_window_dropped_or_is_held():
    feed = BufferOnly()
    reader = reader_of(feed)
    chance, seen = random.Random(3), set()
    for _ in range(200):
        feed.film(chance.choice([4, 5, 30]))
        if chance.random() < 0.3:
            feed.lose(2)
        if feed.next_number > 20 and len(feed.buffer) > 8:
            read = reader.read()
            seen |= set(range(read.window.start_frame, read.window.start_frame + 4))
    figures = feed.figures()
    held_by_reader = len(reader._pts)
    ahead = held_by_reader - 4  # behind the newest window
    waiting = len(feed.buffer) + ahead
    assert figures.frames_received == len(seen) + figures.frames_dropped + waiting


def test_an_outage_of_one_frame_cuts_the_window_too():
    feed = BufferOnly()
    reader = reader_of(feed)
    feed.film(6)
    assert shown(reader.read()) == [0, 1, 2, 3]
    feed.lose(0, "the line broke for a moment")
    feed.film(5)
    read = reader.read()
    assert shown(read) == [6, 7, 8, 9]
    assert [gap.reason for gap in read.gaps] == ["the line broke for a moment"]


def test_a_whole_window_before_an_outage_is_not_kept_waiting_for_it_to_end():
    feed = BufferOnly()
    reader = reader_of(feed)
    feed.film(4)
    feed.buffer.gap("no line")  # no fifth frame will come
    read = reader.read()
    assert shown(read) == [0, 1, 2, 3]
    assert read.window.end_seconds == 1.0
    assert not read.window.is_last


def test_outages_and_drops_in_a_row_are_one_gap_with_all_reasons():
    feed = BufferOnly()
    reader = reader_of(feed)
    feed.film(5)
    reader.read()
    feed.lose(3, "refused")
    feed.film(2)  # too few for a window
    feed.lose(3, "silent")
    feed.film(40)
    (gap,) = reader.read().gaps
    assert gap.start_seconds == 1.0
    assert {"refused", "silent", TOO_SLOW} <= set(gap.reason.split("; "))


def test_at_the_end_the_last_window_is_padded_as_that_of_a_file():
    feed = BufferOnly()
    reader = reader_of(feed)
    feed.film(6)
    feed.buffer.end()
    assert shown(reader.read()) == [0, 1, 2, 3]
    last = reader.read()
    assert shown(last) == [4, 5, 5, 5]
    assert last.window.num_real_frames == 2
    assert last.window.is_last
    assert reader.read() is None


def test_a_window_put_back_is_read_again_with_its_gap():
    feed = BufferOnly()
    reader = reader_of(feed)
    feed.film(5)
    reader.read()
    feed.lose(3)
    feed.film(5)
    read = reader.read()
    reader.put_back(read)
    again = reader.read()
    assert again.window == read.window
    assert again.gaps == read.gaps != ()


def test_reading_waits_and_closing_wakes_it():
    buffer = LiveBuffer(FPS)
    told = []

    def read() -> None:
        try:
            buffer.read(1)
        except DecoderError as error:
            told.append(str(error))

    thread = threading.Thread(target=read)
    thread.start()
    buffer.close("it is over")
    thread.join(60)
    assert told == ["it is over"]
    buffer.put(picture(0), 0.0)
    assert len(buffer) == 0


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="num_frames must be at least 1, got 0"):
        LiveBuffer(FPS, num_frames=0)
    with pytest.raises(ValueError, match="num_frames must be at least 1, got 0"):
        LiveBuffer(FPS).read(0)


# A run over pictures that are pushed: what the app does with a webcam.


@pytest.fixture
def pushed():
    model = FakeModel()
    feed = PushedFeed(30, 20, FPS, model.card, num_frames=2000)

    def push(start: float, end: float, rate: float = 10.0) -> None:
        for number in range(round(start * rate), round(end * rate)):
            pixels = torch.full((20, 30, 3), number % 251, dtype=torch.uint8)
            feed.push(pixels.numpy(), 1000.0 + number / rate)

    return model, feed, push


def test_pushed_pictures_are_sampled_by_their_own_clock(pushed):
    model, feed, push = pushed
    with Engine("webcam", model, open_feed=lambda request: feed) as engine:
        push(0, 9)
        feed.finish()
        predictions = list(engine)
        pixels = engine.last_clip_pixels
    clip = engine.settings.clip_frames / FPS
    assert [one.start_seconds for one in predictions[:3]] == [0.0, clip, 2 * clip]
    assert predictions[-1].end_seconds == pytest.approx(9.0, abs=0.3)
    # On display at a sampled time is the picture pushed last before it.
    start = predictions[-1].window.start_frame / FPS
    want = [int((start + k / FPS) * 10 + 1e-6) % 251 for k in range(len(pixels))]
    num_real = predictions[-1].num_real_frames
    assert pixels[:num_real, 0, 0, 0].tolist() == want[:num_real]
    assert engine.live_figures().frames_received == 36


def test_a_hidden_tab_is_a_gap_and_memory_stays(pushed):
    model, feed, push = pushed
    with Engine("webcam", model, open_feed=lambda request: feed) as engine:
        push(0, 4)
        push(10, 14)
        feed.finish()
        predictions = list(engine)
    (broken,) = [one for one in predictions if one.gaps]
    assert broken.start_seconds == 10.0
    assert "no pictures came" in broken.gaps[0].reason
    assert broken.gaps[0].end_seconds == 10.0
    assert broken.num_remembered > 0
    assert broken.restarted is None


def test_a_clock_that_is_set_back_does_not_turn_time_back(pushed):
    model, feed, push = pushed
    with Engine("webcam", model, open_feed=lambda request: feed) as engine:
        push(100, 104)
        push(0, 4)
        feed.finish()
        predictions = list(engine)
    starts = [one.start_seconds for one in predictions]
    assert starts == sorted(starts)
    assert any("clock was set" in gap.reason for one in predictions for gap in one.gaps)
    assert predictions[-1].end_seconds < 10


def test_settings_change_while_it_is_live(pushed):
    model, feed, push = pushed
    with Engine("webcam", model, open_feed=lambda request: feed) as engine:
        push(0, 20)
        next(engine)
        engine.update(fps=2.0, l_mem=1)
        thread = threading.Thread(target=lambda: told.append(next(engine)))
        told = []
        thread.start()
        while feed.buffer.fps != 2.0:
            thread.join(0.01)
        push(20, 60)
        thread.join(60)
        engine.update(clip_frames=6)
        after = next(engine)
        feed.finish()
        rest = list(engine)
    assert told[0].start_seconds >= 19.9
    assert "2 frames per second" in told[0].gaps[0].reason
    assert told[0].l_mem == 1
    assert told[0].num_remembered == 1
    assert after.window.num_frames == 6
    assert after.restarted
    starts = [one.start_seconds for one in (*told, after, *rest)]
    assert starts == sorted(set(starts))


def test_another_model_goes_on_with_the_same_feed(pushed):
    model, feed, push = pushed
    with Engine("webcam", model, open_feed=lambda request: feed) as engine:
        push(0, 20)
        next(engine)
        engine.update(model=FakeModel(seed=2))
        told = []
        thread = threading.Thread(target=lambda: told.append(next(engine)))
        thread.start()
        while engine.live_figures().frames_dropped == 0:
            thread.join(0.01)
        push(20, 40)
        thread.join(60)
    assert told[0].start_seconds >= 19.9
    assert told[0].restarted


def test_there_is_no_going_back_and_nothing_to_resume(pushed, tmp_path):
    model, feed, _push = pushed
    with Engine("webcam", model, open_feed=lambda request: feed) as engine:
        with pytest.raises(SettingError, match=r"is live: .* no going back"):
            engine.seek(0.0)
        assert engine.info.duration_seconds == float("inf")
        assert engine.position_seconds == 0.0
    path = source_file(tmp_path)
    files = RunFiles(state_path=tmp_path / "state")
    with pytest.raises(StateError, match="cannot be resumed"):
        Engine(path, model, files=files, open_feed=lambda request: feed)
    with pytest.raises(SettingError, match="start_seconds"):
        Engine("webcam", model, start_seconds=3.0, open_feed=lambda request: feed)


def test_rows_of_a_live_run_leave_the_gap_open(pushed, tmp_path):
    model, feed, push = pushed
    out = tmp_path / "predictions.csv"
    files = RunFiles(out=out)
    with Engine("webcam", model, files=files, open_feed=lambda request: feed) as engine:
        push(0, 4)
        push(12, 16)
        feed.finish()
        predictions = list(engine)
    rows = [line.split(",")[:2] for line in out.read_text().splitlines()[1:]]
    spans = [(float(start), float(end)) for start, end in rows]
    assert len(spans) == len(predictions)
    (hole,) = [(a[1], b[0]) for a, b in pairwise(spans) if a[1] != b[0]]
    (gap,) = [gap for one in predictions for gap in one.gaps]
    assert hole == (gap.start_seconds, gap.end_seconds)
