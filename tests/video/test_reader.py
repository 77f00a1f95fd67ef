"""Both readers show the right frame, in order and after any seek."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.video.conftest import NUM_FRAMES
from tests.video.making import Kind, frames_on_display, read_numbers
from vidmem.video import open_video, probe_video
from vidmem.video.sampled_video import SampledVideo

SIZE = (128, 96)


def sampled(path: Path, fps: float, reader: str, start: int = 0, count: int = 10_000):
    video = SampledVideo(probe_video(path), fps=fps, size=SIZE, reader=reader)
    samples = []
    for sample in video.samples(start):
        samples.append(sample)
        if len(samples) == count:
            break
    video.close()
    return video, samples


def wanted(kind: Kind, fps: float) -> list[int]:
    ticks = kind.ticks(NUM_FRAMES)
    usual = Fraction(ticks[-1], NUM_FRAMES - 1) if kind.is_variable else 1
    tick = kind.file_tick
    times = [round(time * kind.base / tick) * tick for time in ticks]
    tolerance = min(tick / 2, Fraction(1, 2000))
    return frames_on_display(times, fps, (ticks[-1] + usual) * kind.base, tolerance)


@pytest.mark.parametrize("fps", [4.0, 29.97, 0.7])
@pytest.mark.parametrize("reader", ["auto", "pyav"])
def test_samples_are_the_frames_on_display(numbered, reader: str, fps: float) -> None:
    kind, path = numbered
    _, samples = sampled(path, fps, reader)
    got = read_numbers([sample.pixels for sample in samples])
    expected = wanted(kind, fps)
    if kind.is_variable:  # how long the last frame is shown is not stored everywhere
        got, expected = got[: len(expected) - 2], expected[: len(expected) - 2]
    assert got == expected
    assert [sample.index for sample in samples[:5]] == list(range(5))


@pytest.mark.parametrize("reader", ["auto", "pyav"])
def test_starting_anywhere_gives_the_same_frames(numbered, reader: str) -> None:
    kind, path = numbered
    numbers = wanted(kind, 10.0)
    video = SampledVideo(probe_video(path), fps=10.0, size=SIZE, reader=reader)
    places = random.Random(3).sample(range(len(numbers) - 6), 12)
    for start in places:
        samples = [sample for sample, _ in zip(video.samples(start), range(3), strict=False)]
        assert read_numbers([s.pixels for s in samples]) == numbers[start : start + 3]
        assert [sample.index for sample in samples] == [start, start + 1, start + 2]
    video.close()


def test_frames_by_number_in_any_order(numbered) -> None:
    _, path = numbered
    indices = [*random.Random(5).sample(range(NUM_FRAMES), 12), 0, NUM_FRAMES - 1, 7, 7]
    for width, height in (SIZE, (None, None)):
        with open_video(path, width=width, height=height) as video:
            assert video.num_frames == NUM_FRAMES
            frames = video.frames(indices)
            assert read_numbers(frames.pixels) == indices
            assert frames.frame_indices.tolist() == indices
            assert np.allclose(frames.pts_seconds, video.pts_seconds[indices])


def test_iterating_gives_every_frame_once(numbered) -> None:
    _, path = numbered
    with open_video(path) as video:
        frames = list(video)
    assert read_numbers([frame.pixels for frame in frames]) == list(range(NUM_FRAMES))
    assert [frame.frame_index for frame in frames] == list(range(NUM_FRAMES))
