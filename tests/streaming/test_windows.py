"""Windows as they are read, against their definition."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.streaming.doubles import FakeFeed
from vidmem.streaming.settings import StreamSettings
from vidmem.streaming.windows import Position, WindowReader, frame_at


def settings(clip_frames=4, window_stride=4, fps=4.0):
    return StreamSettings(clip_frames=clip_frames, window_stride=window_stride, fps=fps)


def read_all(reader):
    reads = []
    while (read := reader.read()) is not None:
        reads.append(read)
    return reads


def expected_windows(num_frames, clip_frames, window_stride):
    """Starts and real frames, by definition: every window with a frame that none before it had."""
    windows, covered = [], 0
    for start in range(0, num_frames, window_stride):
        end = min(start + clip_frames, num_frames)
        if end > covered:
            windows.append((start, end - start))
            covered = end
    return windows


@pytest.mark.parametrize("num_frames", [0, 1, 3, 4, 5, 7, 8, 9, 16, 33])
@pytest.mark.parametrize("clip_frames, window_stride", [(4, 4), (4, 1), (4, 3), (4, 7), (2, 8)])
def test_windows_are_those_of_the_definition(num_frames, clip_frames, window_stride):
    reader = WindowReader(FakeFeed(num_frames), settings(clip_frames, window_stride), Position())
    reads = read_all(reader)
    got = [(read.window.start_frame, read.window.num_real_frames) for read in reads]
    assert got == expected_windows(num_frames, clip_frames, window_stride)
    assert [read.window.index for read in reads] == list(range(len(reads)))


def test_pixels_are_those_of_the_window_and_the_last_frame_is_repeated():
    feed = FakeFeed(7)
    reads = read_all(WindowReader(feed, settings(4, 3), Position()))
    shown = [[int(frame[0, 0, 0]) for frame in read.pixels] for read in reads]
    number = [int(i / 4 * 1000) % 251 for i in range(7)]
    assert shown == [number[0:4], number[3:7]]
    padded = read_all(WindowReader(FakeFeed(6), settings(4, 4), Position()))[-1]
    assert [int(frame[0, 0, 0]) for frame in padded.pixels] == [number[4], *[number[5]] * 3]
    assert padded.window.num_real_frames == 2


@pytest.mark.parametrize("num_frames", [3, 8, 9, 13])
@pytest.mark.parametrize("window_stride", [1, 3, 4])
def test_only_the_last_window_says_so(num_frames, window_stride):
    reads = read_all(WindowReader(FakeFeed(num_frames), settings(4, window_stride), Position()))
    assert [read.window.is_last for read in reads] == [False] * (len(reads) - 1) + [True]


def test_back_to_back_windows_leave_no_gap_and_end_with_the_video():
    reads = read_all(WindowReader(FakeFeed(11), settings(), Position()))
    windows = [read.window for read in reads]
    assert windows[0].start_seconds == 0.0
    for before, after in pairwise(windows):
        assert before.end_seconds == after.start_seconds
    assert windows[-1].end_seconds == 11 / 4


def test_a_held_frame_is_counted_from_each_of_its_samples():
    """A camera that stalls: one frame on display for ten seconds still makes windows go forward."""

    class StalledFeed(FakeFeed):
        def read(self, num_frames):
            frames = super().read(num_frames)
            frames.pts_seconds.clamp_(max=0.75)
            return frames

    windows = [r.window for r in read_all(WindowReader(StalledFeed(40), settings(), Position()))]
    starts = [window.start_seconds for window in windows]
    assert starts == sorted(set(starts))
    assert all(window.end_seconds > window.start_seconds for window in windows)


def test_no_more_than_a_window_and_one_frame_is_held():
    reader = WindowReader(FakeFeed(500), settings(8, 1), Position())
    while reader.read() is not None:
        assert len(reader._pixels) <= 9
        assert len(reader._pts) <= 9


def test_a_smaller_stride_starts_that_far_after_the_last_window():
    reader = WindowReader(FakeFeed(100), settings(4, 4), Position())
    reader.read()
    new = settings(4, 1)
    reader.change(new, reader.position.under(reader.settings, new))
    assert [reader.read().window.start_frame for _ in range(3)] == [1, 2, 3]
    assert all(call[0] == "read" for call in reader.feed.calls), "no frame was read twice"


def test_another_fps_goes_on_at_the_same_source_time():
    reader = WindowReader(FakeFeed(100), settings(4, 4), Position())
    before = reader.read().window
    new = settings(4, 4, fps=2.0)
    reader.change(new, reader.position.under(reader.settings, new))
    window = reader.read().window
    assert window.start_frame == 2
    assert window.start_seconds == before.end_seconds == 1.0


@pytest.mark.parametrize(
    "seconds, fps, frame", [(0, 4, 0), (1.0, 4, 4), (0.3, 10, 3), (0.26, 4, 2)]
)
def test_frame_at_is_the_first_sample_from_a_time_on(seconds, fps, frame):
    assert frame_at(seconds, fps) == frame
