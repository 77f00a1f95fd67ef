"""Regions of real files with real decoders: one child, and the pictures that a cropped file has."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from tests.conftest import make_tiny_model
from tests.streaming.doubles import KeptFeeds
from tests.streaming.pool.test_real_video import by_stream, plain
from vidmem.errors import DecoderCrashedError, StateError
from vidmem.streaming import Engine, Region, RegionFeeds, RunFiles, StreamPool, StreamSettings
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed

SAMPLE = Path(__file__).parents[3] / "assets/barn-sample.mp4"
WIDTH, HEIGHT = 640, 360
FRAME_SECONDS = Fraction(2, 25)
START_SECONDS = 48.0
"""The last six clips of the sample are watched."""

WHOLE = Region("all", 0, 0, 1, 1)
TILES = Region.tiles(2, 2)
SMALL = Region("small", 0.4, 0.4, 0.2, 0.2)
BOX = Region("box", 64 / WIDTH, 72 / HEIGHT, 192 / WIDTH, 144 / HEIGHT)


@pytest.fixture(scope="module")
def tiny():
    return make_tiny_model()


@pytest.fixture(scope="module")
def cropping():
    """The tiny model, for pictures whose shape stays and whose middle is cut out."""
    model = make_tiny_model()
    model.card = replace(model.card, resize="crop")
    return model


@pytest.fixture(scope="module")
def letterboxed():
    """The tiny model, for whole pictures in their own shape."""
    model = make_tiny_model()
    model.card = replace(model.card, resize="letterbox")
    return model


def decoders() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def request_of(model, path=SAMPLE, **changes):
    request = FeedRequest(path=path, card=model.card, fps=4.0, start_frame=0, reader="auto")
    return replace(request, **changes)


def watched(model, regions, region, **kwargs):
    """One region's predictions, the others not being watched."""
    with RegionFeeds(SAMPLE, regions) as feeds:
        return watched_in(feeds, model, region, **kwargs)


def watched_in(feeds, model, region, **kwargs):
    opener = feeds.open_feed(region)
    with Engine(SAMPLE, model, start_seconds=START_SECONDS, open_feed=opener, **kwargs) as engine:
        return [plain(one) for one in engine]


def join_all(pool, feeds, settings=None, **kwargs):
    for region in feeds.regions:
        opener = feeds.open_feed(region)
        pool.add(
            region.name,
            SAMPLE,
            settings,
            start_seconds=START_SECONDS,
            open_feed=opener,
            **{name: value(region) for name, value in kwargs.items()},
        )


def write_cropped(path: Path, box: tuple[int, int, int, int], num_frames: int) -> None:
    """A box of the sample, with even edges, as a file of its own; not a bit of a pixel is lost."""
    left, top, right, bottom = box
    with av.open(str(SAMPLE)) as source, av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1 / FRAME_SECONDS)
        stream.width, stream.height, stream.pix_fmt = right - left, bottom - top, "yuv420p"
        stream.options = {"qp": "0", "preset": "ultrafast"}
        for number, frame in zip(range(num_frames), source.decode(video=0), strict=False):
            cut = av.VideoFrame(right - left, bottom - top, "yuv420p")
            for plane, (there, half) in zip(cut.planes, planes(frame), strict=True):
                part = there[top // half : bottom // half, left // half : right // half]
                lines = np.zeros((plane.height, plane.line_size), np.uint8)
                lines[:, : part.shape[1]] = part
                plane.update(lines.tobytes())
            cut.pts, cut.time_base = number, FRAME_SECONDS
            container.mux(stream.encode(cut))
        container.mux(stream.encode(None))


def planes(frame) -> list[tuple[np.ndarray, int]]:
    """Each plane of a picture, and by what it is smaller than the picture."""
    values, lines = frame.to_ndarray(format="yuv420p"), frame.height
    colours = values[lines:].reshape(2, lines // 2, frame.width // 2)
    return [(values[:lines], 1), (colours[0], 2), (colours[1], 2)]


@pytest.mark.parametrize("name", ["tiny", "cropping", "letterboxed"])
def test_the_whole_picture_is_the_plain_feed_bit_for_bit(name, request):
    model = request.getfixturevalue(name)
    with Engine(SAMPLE, model, start_seconds=START_SECONDS) as engine:
        wanted = [plain(one) for one in engine]
    assert len(wanted) == 6
    assert watched(model, [WHOLE], WHOLE) == wanted
    assert watched(model, [*TILES, WHOLE], WHOLE) == wanted


@pytest.mark.parametrize(
    ("region", "name", "mean_error"),
    # Grey levels of 255. Both files are scaled by bilinear means; a tile is so at once, a box that
    # is not an even part of the picture is cut out of a larger picture and scaled once more.
    [
        (TILES[1], "tiny", 0.7),
        (TILES[1], "cropping", 0.7),
        (TILES[1], "letterboxed", 0.7),
        (BOX, "tiny", 3.0),
        (SMALL, "tiny", 2.5),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_region_is_a_file_that_was_cropped_before(tmp_path, name, request, region, mean_error):
    model = request.getfixturevalue(name)
    path = tmp_path / "cropped.mkv"
    write_cropped(path, region.pixels(WIDTH, HEIGHT), 100)
    feed = open_file_feed(request_of(model, path))
    wanted = feed.read(30)
    feed.close()
    with RegionFeeds(SAMPLE, [region]) as feeds:
        opened = feeds.open_feed(region)(request_of(model))
        found = opened.read(30)
        assert (opened.info.width, opened.info.height) == (feed.info.width, feed.info.height)
    assert found.pixels.shape == wanted.pixels.shape
    assert (found.pts_seconds == wanted.pts_seconds).all()
    error = (found.pixels.float() - wanted.pixels.float()).abs()
    assert error.mean() < mean_error
    moved = (found.pixels.float() - wanted.pixels.float().roll(2, 2)).abs()
    assert moved.mean() > 3 * error.mean()  # it is a narrow bound


@pytest.mark.slow
def test_four_regions_are_one_child_and_one_pass_and_as_alone(tiny):
    before = decoders()
    opened, most = [], 0

    def counting(request):
        feed = open_file_feed(request)
        read = feed.read

        def count(num_frames):
            frames = read(num_frames)
            counts[0] += len(frames)
            return frames

        counts, feed.read = [0], count
        opened.append(counts)
        return feed

    with (
        RegionFeeds(SAMPLE, TILES, open_feed=counting) as feeds,
        StreamPool(tiny, max_batch=1) as pool,
    ):
        join_all(pool, feeds)
        found: dict[str, list] = {}
        counting_bytes = set()
        for name, prediction in pool:
            found.setdefault(name, []).append(plain(prediction))
            most = max(most, len(decoders() - before))
            if prediction.decoder_bytes and len(found) == 4 and prediction.index < 4:
                counting_bytes.add(name)
    assert most == 1
    assert opened == [[48]]  # 12 s at 4 frames a second
    assert counting_bytes == {TILES[0].name}  # until that ends, and another answers
    assert decoders() <= before
    with RegionFeeds(SAMPLE, TILES) as feeds:
        for region in TILES:
            assert found[region.name] == watched_in(feeds, tiny, region)


@pytest.mark.slow
def test_one_that_jumps_and_one_that_pauses_leave_the_others_as_they_are(tiny):
    names = [region.name for region in TILES]
    with RegionFeeds(SAMPLE, TILES) as feeds, StreamPool(tiny, max_batch=1) as pool:
        join_all(pool, feeds)
        pool.pause(names[3])
        first = [next(pool) for _ in range(6)]
        pool.seek(names[0], 56.0)
        found = {}
        for name, prediction in [*first, *pool]:
            found.setdefault(name, []).append(plain(prediction))
        pool.resume(names[3])
        found |= by_stream(pool)
    with RegionFeeds(SAMPLE, TILES) as feeds:
        for at in (1, 2, 3):
            assert found[names[at]] == watched_in(feeds, tiny, TILES[at])
    assert [one.start_seconds for one in found[names[0]][-2:]] == [56.0, 58.0]


@pytest.mark.slow
def test_a_region_that_was_stopped_goes_on_to_the_same_end(tiny, tmp_path):
    def files(name: str, *, resume: bool = False) -> RunFiles:
        path = tmp_path / name
        return RunFiles(out=path, state_path=path.with_suffix(".state"), resume=resume)

    def watch(folder: str, *, resume: bool, num_predictions: int) -> None:
        with RegionFeeds(SAMPLE, TILES) as feeds, StreamPool(tiny, max_batch=1) as pool:
            join_all(
                pool,
                feeds,
                settings,
                files=lambda region: files(f"{folder}-{region.name}.csv", resume=resume),
            )
            for _, _ in zip(range(num_predictions), pool, strict=False):
                pass

    settings = StreamSettings.for_model(tiny)
    watch("whole", resume=False, num_predictions=1000)
    watch("parts", resume=False, num_predictions=10)
    watch("parts", resume=True, num_predictions=1000)
    for region in TILES:
        whole, parts = (tmp_path / f"{kind}-{region.name}.csv" for kind in ("whole", "parts"))
        assert parts.read_text() == whole.read_text()
        assert len(parts.read_text().splitlines()) == 7


def test_a_saved_stream_belongs_to_its_part_of_the_picture(tiny, tmp_path):
    files = RunFiles(state_path=tmp_path / "pen.state", resume=True)
    watched(tiny, TILES, TILES[0], files=files)
    moved = replace(TILES[0], width=0.4)
    with pytest.raises(StateError, match=r"was 0,0,0.5,0.5, now 0,0,0.4,0.5"):
        watched(tiny, [moved], moved, files=files)
    with pytest.raises(StateError, match=r"was 0,0,0.5,0.5, now all"):
        Engine(SAMPLE, tiny, files=files)


def test_a_killed_decoder_is_told_to_each_region_and_a_jump_goes_on(tiny):
    decoder = KeptFeeds(open_file_feed)
    with (
        RegionFeeds(SAMPLE, TILES, open_feed=decoder) as feeds,
        StreamPool(tiny, max_batch=1) as pool,
    ):
        fast = StreamSettings.for_model(tiny, fps=25.0)  # more than is decoded ahead
        join_all(pool, feeds, fast)
        next(pool)
        os.kill(decoder.child_pid, signal.SIGSEGV)
        for _ in pool:
            pass
        assert {type(error) for error in pool.errors.values()} == {DecoderCrashedError}
        assert len(pool.errors) == 4
        pool.seek(TILES[2].name, 58.0)
        name, prediction = next(pool)
        assert (name, prediction.start_seconds) == (TILES[2].name, 58.0)
