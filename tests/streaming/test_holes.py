"""Where a file has no pictures nothing is judged: alone, resumed, and by regions of the picture."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import pytest

from tests.video.making import draw_number, read_numbers
from vidmem.streaming import watch
from vidmem.streaming.feeds.region_feeds import RegionFeeds
from vidmem.streaming.feeds.regions import Region
from vidmem.video import FrameFeed

FPS, HOLE_START, HOLE_END = 10, 3.3, 23.3


@pytest.fixture(scope="module")
def with_hole(tmp_path_factory) -> Path:
    """33 pictures, 20 s without any, and 40 more."""
    path = tmp_path_factory.mktemp("hole") / "hole.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "20", "g": "10"}
        for number in range(73):
            frame = av.VideoFrame.from_ndarray(draw_number(number), format="rgb24")
            frame.pts = number if number < 33 else number + 200
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_feed_ends_before_a_hole_and_goes_on_behind_it(with_hole: Path) -> None:
    with FrameFeed(with_hole, fps=5, width=128, height=96) as feed:
        before, behind = feed.read(40), feed.read(40)
        assert (before.is_before_break, before.is_end, behind.break_before is None) == (
            True,
            False,
            False,
        )
        assert before.sample_indices.tolist() == list(range(17))
        assert behind.sample_indices[0] == 117
        assert read_numbers(before.pixels.numpy()) == list(range(0, 33, 2))
        assert read_numbers(behind.pixels.numpy()) == list(range(34, 73, 2))
        gaps = [(one.start_seconds, one.end_seconds) for one in before.gaps]
        assert gaps == [pytest.approx((HOLE_START, HOLE_END))]
        feed.seek(50)  # in the hole
        found = feed.read(3)
        assert found.sample_indices.tolist() == [117, 118, 119]
        assert found.break_before is not None


@pytest.mark.slow
@pytest.mark.parametrize("window_stride", [8, 4])
def test_no_row_is_in_a_hole_and_a_resumed_run_writes_the_same(
    with_hole: Path, tmp_path: Path, tiny_model, window_stride: int
) -> None:
    settings = {"fps": 5.0, "clip_frames": 8, "window_stride": window_stride}
    rows = list(watch(with_hole, tiny_model, out=tmp_path / "whole.csv", **settings))
    times = [(one.start_seconds, one.end_seconds) for one in rows]
    assert all(end <= HOLE_START + 1e-6 or start >= HOLE_END - 1e-6 for start, end in times)
    assert [one.end_seconds for one in rows if one.end_seconds < 10][-1] == pytest.approx(
        HOLE_START
    )
    assert min(start for start, _ in times if start > 10) == pytest.approx(23.4, abs=0.11)
    (told,) = [one for one in rows if one.gaps]
    assert told.start_seconds > 20
    with (tmp_path / "whole.csv").open(newline="", encoding="utf-8") as file:
        marked = [row for row in csv.DictReader(file) if row["gap"]]
    assert [(row["start_seconds"], row["gap"]) for row in marked] == [
        (f"{told.start_seconds:.3f}", f"{HOLE_START:.3f}-{HOLE_END:.3f}")
    ]
    behind = rows.index(told)
    for stop in (behind - 1, behind, behind + 1):
        out, state = tmp_path / f"{stop}.csv", tmp_path / f"{stop}.state"
        run = watch(with_hole, tiny_model, out=out, state=state, **settings)
        for _ in range(stop):
            next(run)
        run.close()
        list(watch(with_hole, tiny_model, out=out, state=state, resume=True))
        assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes(), f"stopped after {stop}"


@pytest.mark.slow
def test_regions_leave_a_hole_out_too(with_hole: Path, tiny_model) -> None:
    regions = Region.tiles(columns=2, rows=1)
    found = []
    with RegionFeeds(with_hole, regions) as feeds:
        for region in regions:
            opener = feeds.open_feed(region)
            run = _read_all(opener, with_hole, tiny_model)
            found.append(run)
    assert found[0] == found[1]
    indices, gaps = found[0]
    assert indices == [*range(17), *range(117, 137)]
    assert gaps == [pytest.approx((HOLE_START, HOLE_END))]


def _read_all(opener, path: Path, model) -> tuple[list[int], list[tuple[float, float]]]:
    from vidmem.streaming.feeds.feed import FeedRequest

    feed = opener(FeedRequest(path=path, card=model.card, fps=5.0, start_frame=0, reader="auto"))
    indices: list[int] = []
    gaps: list[tuple[float, float]] = []
    while True:
        frames = feed.read(6)
        indices += frames.sample_indices.tolist()
        gaps += [(one.start_seconds, one.end_seconds) for one in frames.gaps]
        if frames.is_end:
            return indices, gaps
