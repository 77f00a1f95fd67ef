"""Times of frames for pages: the same whether a file is read whole or in parts; bounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.projects.frame_times import BLOCK_SECONDS, MAX_ANSWER, PART_COST, KeptFrameTimes
from vidmem.errors import SettingError
from vidmem.video import FrameTimes

FPS = 3
ALL = np.arange(0, 2000 * FPS) / FPS
END = 2000.0


class Reader:
    """Reads a made-up file, whole or in parts."""

    def __init__(self, is_whole: bool, seconds: np.ndarray = ALL, end: float = END) -> None:
        self.is_whole, self.seconds, self.end = is_whole, seconds, end
        self.calls: list[tuple[float, float]] = []

    def __call__(self, path, start, end, **_) -> FrameTimes:
        self.calls.append((start, end))
        seconds, until = self.seconds, self.end
        if not self.is_whole:
            first = max(0, int(np.searchsorted(seconds, start, side="right")) - 1)
            last = int(np.searchsorted(seconds, end)) + 1
            until = float(seconds[last - 1]) if last <= len(seconds) else self.end
            seconds = seconds[first:last]
        return FrameTimes(seconds, until, self.is_whole, True, 1.4)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("times") / "pen.mp4"
    file.write_bytes(b"pen")
    return file


@given(st.booleans(), st.floats(0, 2100), st.floats(0.01, 200))
@settings(deadline=None, max_examples=60)
def test_a_part_is_told_with_its_neighbours(path, is_whole, start, length):
    kept = KeptFrameTimes(Reader(is_whole))
    answer = kept.between(path, start, start + length)
    asked_end = start + length if is_whole else min(start + length, _block_end(start))
    assert answer["to"] == pytest.approx(asked_end)
    inside = ALL[(start <= ALL) & (asked_end > ALL)]
    assert answer["times"] == pytest.approx(inside.tolist(), abs=1e-6)
    before, after = ALL[start > ALL], ALL[asked_end <= ALL]
    assert answer["before"] == (pytest.approx(before[-1], abs=1e-6) if len(before) else None)
    assert answer["after"] == (pytest.approx(after[0], abs=1e-6) if len(after) else None)
    assert answer["end"] == (None if len(after) else END)


def _block_end(start: float) -> float:
    return (start // BLOCK_SECONDS + 1) * BLOCK_SECONDS


def test_what_was_read_is_kept_and_forgotten_within_bounds(path):
    reader = Reader(is_whole=False)
    kept = KeptFrameTimes(reader, max_times=3 * (FPS * 302 + PART_COST))
    for start in (0, 10, 299, 300, 310):
        kept.between(path, start, start + 1)
    assert len(reader.calls) == 2
    for start in range(0, 1800, 300):
        kept.between(path, start, start + 1)
    assert kept.num_kept <= 3 * (FPS * 302 + PART_COST)
    kept.between(path, 0, 1)
    assert len(reader.calls) == 2 + 4 + 1  # 0 and 300 were known, and 0 had to go meanwhile
    whole = Reader(is_whole=True)
    kept = KeptFrameTimes(whole)
    for start in (0, 900, 1800):
        kept.between(path, start, start + 1)
    assert len(whole.calls) == 1


def test_a_file_that_is_another_one_is_read_again(tmp_path):
    path = tmp_path / "pen.mp4"
    path.write_bytes(b"pen")
    reader = Reader(is_whole=True)
    kept = KeptFrameTimes(reader)
    kept.between(path, 0, 1)
    path.write_bytes(b"other")
    kept.between(path, 0, 1)
    assert len(reader.calls) == 2


def test_a_long_answer_is_cut_and_says_where(path):
    fast = np.arange(0, 2 * MAX_ANSWER) / 1000
    kept = KeptFrameTimes(Reader(True, fast, 40.0))
    first = kept.between(path, 0, 40)
    assert len(first["times"]) == MAX_ANSWER
    rest = kept.between(path, first["to"], 40)
    assert first["times"] + rest["times"] == pytest.approx(fast.tolist(), abs=1e-6)


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5), (float("nan"), 5)])
def test_times_that_are_not_in_order_are_refused(path, start, end):
    with pytest.raises(SettingError):
        KeptFrameTimes(Reader(True)).between(path, start, end)
