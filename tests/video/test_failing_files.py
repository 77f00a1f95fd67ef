"""Files that failed once: each picture is the right one at its time, and what is missing is told.

They lie in `shared/failing` and are skipped where that is not beside this checkout; their pictures
carry their own numbers as 4 x 4 blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import SHARED
from vidmem.errors import DecoderError
from vidmem.video import open_video, probe_video
from vidmem.video.orientation import Orientation
from vidmem.video.packets.timeline import StoredTimes, draw_line
from vidmem.video.readers.sampled_video import SampledVideo

FPS, SAMPLED_FPS = 25, 4.0


def number_in(pixels: np.ndarray) -> int:
    """The number in a picture, by the middles of its 16 blocks."""
    height, width = pixels.shape[:2]
    number = 0
    for bit in range(16):
        row, column = (2 * (bit // 4) + 1) * height // 8, (2 * (bit % 4) + 1) * width // 8
        number |= int(pixels[row - 3 : row + 3, column - 3 : column + 3].mean() > 128) << bit
    return number


def as_stored(seconds: float) -> int:
    return int(seconds * FPS + 1e-6)


def with_hole(start: float, length: float) -> Callable[[float], int]:
    return lambda seconds: as_stored(seconds if seconds < start else seconds - length)


class Case:
    """What is right for a file."""

    def __init__(
        self,
        name: str,
        num_samples: int,
        end_seconds: float,
        gaps: list[tuple[float, float]] | None = None,
        number_at: Callable[[float], int] = as_stored,
    ) -> None:
        self.name, self.num_samples, self.end_seconds = name, num_samples, end_seconds
        self.gaps, self.number_at = gaps or [], number_at


MENDED = [(second, second) for second in (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0)]
CASES = [
    Case("k01_cat_reset.ts", 80, 20.0, [(10.0, 10.0)]),
    Case("k02_rogue_20s.ts", 80, 20.0, [(8.0, 8.0)]),
    Case("k02_rogue_9800s.ts", 80, 20.0, [(8.0, 8.0)]),
    Case("k02_rogue_every2s.ts", 80, 20.0, MENDED),
    Case("k02_clock_set_1h.ts", 80, 3620.0, [(8.0, 3608.0)], with_hole(8.0, 3600.0)),
    Case("k03_ffv1_gop12.mkv", 32, 8.0),
    Case("k04_two_tracks.mp4", 48, 12.0),
    Case("k05_intra_refresh.ts", 240, 60.0),
    Case("k05_intra_refresh.mp4", 240, 60.0),
    Case("k06_false_keyframes.mp4", 120, 30.0),
    Case("k07_h264_ps.mpg", 48, 12.0),
    Case("k07_mpeg2_ps.mpg", 48, 12.0),
    Case("k08_h264b.asf", 48, 12.0),
    Case("k09_no_length.webm", 48, 12.0),
    Case("k09_raw.h264", 48, 12.0),
    Case("k10_damaged_middle.avi", 67, 20.0, [(8.08, 11.48)]),
    Case("k11_flipped_bytes.mkv", 47, 16.0, [(5.12, 5.72), (5.92, 9.56), (6.72, 6.72)]),
    Case("k13_hole60.mp4", 64, 76.0, [(8.0, 68.0)], with_hole(8.0, 60.0)),
]


def shared(name: str) -> Path:
    path = SHARED / "failing" / name
    if not path.is_file():
        pytest.skip(f"shared/failing/{name} is not beside this checkout")
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_picture_is_right_in_order_and_sought(case: Case) -> None:
    info = probe_video(shared(case.name))
    assert info.duration_seconds == pytest.approx(case.end_seconds, abs=0.01)
    video = SampledVideo(info, fps=SAMPLED_FPS, size=(128, 96), reader="pyav")
    samples = {one.index: (number_in(one.pixels), one.pts_seconds) for one in video.samples(0)}
    gaps = [(gap.start_seconds, gap.end_seconds) for gap in video.take_gaps()]
    assert np.allclose(np.array(gaps), np.array(case.gaps), atol=0.005)
    assert len(samples) == case.num_samples
    for index, (number, _) in samples.items():
        assert number == case.number_at(index / SAMPLED_FPS), f"sampled frame {index}"
    indices = list(samples)
    for start in (indices[len(indices) * part // 8] for part in (7, 4, 5)):
        sought = next(video.samples(start))
        assert (sought.index, number_in(sought.pixels)) == (start, samples[start][0])
        assert sought.pts_seconds == samples[start][1]
    video.close()


@pytest.mark.parametrize(
    ("name", "num_frames"),
    [("k01_cat_reset.ts", 500), ("k07_mpeg2_ps.mpg", 300), ("k09_raw.h264", 300)],
)
def test_frames_are_counted_and_found_by_number(name: str, num_frames: int) -> None:
    with open_video(shared(name)) as video:
        assert video.num_frames == num_frames
        wanted = [255, 0, num_frames - 1]
        assert [number_in(one) for one in video.frames(wanted).pixels] == wanted


def test_a_damaged_frame_asked_for_by_number_is_refused() -> None:
    with open_video(shared("k11_flipped_bytes.mkv")) as video:
        assert number_in(video.frames([100]).pixels[0]) == 100
        with pytest.raises(DecoderError, match=r"frame 195, at .* s, is damaged"):
            video.frames([195])


def test_a_picture_in_a_hole_is_asked_for_behind_it() -> None:
    info = probe_video(shared("k13_hole60.mp4"))
    video = SampledVideo(info, fps=SAMPLED_FPS, size=(128, 96), reader="pyav")
    first = next(video.samples(100))  # 25 s, inside the hole
    assert (first.index, first.is_behind_break) == (272, True)
    assert number_in(first.pixels) == 200
    video.close()


def test_a_mirrored_picture_is_mirrored() -> None:
    path = shared("k12_mirrored.mp4")
    assert probe_video(path).is_mirrored
    with open_video(path) as video:
        assert [number_in(one[:, ::-1]) for one in video.frames([1, 131]).pixels] == [1, 131]


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_every_right_angle_is_read_from_its_matrix(turns: int, is_mirrored: bool) -> None:
    stored = np.arange(6).reshape(2, 3, 1).repeat(3, -1)
    # The matrix says where the stored axes point: x right, y down.
    turned = {0: (1, 0, 0, 1), 1: (0, -1, 1, 0), 2: (-1, 0, 0, -1), 3: (0, 1, -1, 0)}[turns]
    a, b, c, d = turned if not is_mirrored else (-turned[0], -turned[1], *turned[2:])
    numbers = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 14], dtype=np.int64) << 16
    orientation = Orientation.from_matrix(numbers.astype(np.int32).tobytes())
    assert orientation == Orientation(turns, is_mirrored)
    upright = stored[:, ::-1] if is_mirrored else stored
    assert np.array_equal(orientation.apply(stored), np.rot90(upright, turns))


def test_a_matrix_that_makes_no_sense_is_ignored() -> None:
    assert Orientation.from_matrix(bytes(36)) == Orientation()
    assert Orientation.from_matrix(b"short") == Orientation()


def line_of(times: list[int | None], **settings: Any):
    stored = StoredTimes(times, list(times), [1] * len(times))
    return draw_line(stored, tick_seconds=0.04, default_duration=1, **settings)


def test_the_line_mends_single_times_and_leaves_the_others() -> None:
    times = list(range(100))
    for place, wrong in ((50, 9999), (20, 0), (99, 700), (0, 4000), (51, None)):
        spoilt: list[int | None] = list(times)
        spoilt[place] = wrong
        line = line_of(spoilt)
        assert line.pts.tolist() == times
        assert len(line.notes) == (wrong is not None)


def test_the_line_goes_on_where_times_begin_again() -> None:
    line = line_of([*range(500, 560), *range(40), *range(7)])
    assert line.pts.tolist() == list(range(500, 607))
    assert [note.pts for note in line.notes] == [560, 600]


def test_a_leap_ahead_stays_and_a_leap_of_years_does_not() -> None:
    assert line_of([*range(50), *range(5000, 5050)]).pts.tolist()[50] == 5000
    years = 10**10
    line = line_of([*range(50), *range(years, years + 50)])
    assert line.pts.tolist() == list(range(100))
    assert len(line.notes) == 1


def test_pictures_that_come_seldom_make_no_holes() -> None:
    steps = np.random.default_rng(2).integers(1, 60, 200)
    times = np.cumsum(steps).tolist()
    line = line_of(times)
    assert line.pts.tolist() == times
    assert line.hole_ticks > steps.max()
