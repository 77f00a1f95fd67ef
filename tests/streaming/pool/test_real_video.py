"""The pool on real files with real decoders: what breaks, breaks alone."""

from __future__ import annotations

import os
import random
import signal
from dataclasses import replace

import psutil
import pytest

import vidmem
from tests.streaming.doubles import KeptFeeds
from tests.video.making import Kind, write_video
from vidmem.errors import DecoderCrashedError, VidmemError
from vidmem.streaming import Engine, RunFiles, StreamPool, StreamSettings

NUM_FRAMES = 250


@pytest.fixture(scope="module")
def nano():
    """A model whose products have enough rows: its numbers do not depend on the batch."""
    return vidmem.load("fam-swin-nano", device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def good(folder):
    return write_video(folder, Kind("good", gop=60, b_frames=2), NUM_FRAMES)


@pytest.fixture(scope="module")
def other(folder):
    return write_video(folder, Kind("other", is_variable=True, gop=50), NUM_FRAMES)


@pytest.fixture(scope="module")
def cut_off(folder):
    """A file that ends in mid-stream, its index being at its start."""
    kind = Kind("whole", gop=50, container_options={"movflags": "+faststart"}, width=320)
    data = write_video(folder, kind, NUM_FRAMES).read_bytes()
    path = folder / "cut_off.mp4"
    path.write_bytes(data[: len(data) // 2])
    return path


@pytest.fixture(scope="module")
def corrupted(folder):
    """A file whose middle third is noise; its beginning and its index are whole."""
    kind = Kind("corrupted", gop=25, container_options={"movflags": "+faststart"}, width=320)
    path = write_video(folder, kind, NUM_FRAMES)
    data = bytearray(path.read_bytes())
    middle = slice(len(data) // 3, 2 * len(data) // 3)
    data[middle] = random.Random(0).randbytes(middle.stop - middle.start)
    path.write_bytes(data)
    return path


def plain(prediction):
    """A prediction without what depends on the machine."""
    moments = {"model_seconds": 0.0, "wait_seconds": 0.0, "decode_seconds": 0.0}
    return replace(prediction, process_bytes=0, decoder_bytes=0, **moments)


def single(path, model, settings=None):
    with Engine(path, model, settings) as engine:
        return [plain(one) for one in engine]


def by_stream(pool):
    found = {}
    for name, prediction in pool:
        found.setdefault(name, []).append(plain(prediction))
    return found


@pytest.mark.slow
def test_real_files_together_are_as_alone_and_leave_no_process(good, other, nano):
    before = set(psutil.Process().children(recursive=True))
    fast = StreamSettings.for_model(nano, fps=12.5, l_mem=2, clip_frames=8)
    with StreamPool(nano) as pool:
        pool.add("good", good)
        pool.add("fast", good, fast)
        pool.add("other", other)
        found = by_stream(pool)
    assert found == {
        "good": single(good, nano),
        "fast": single(good, nano, fast),
        "other": single(other, nano),
    }
    assert set(psutil.Process().children(recursive=True)) <= before


@pytest.mark.slow
def test_a_killed_decoder_and_a_cut_off_file_disturb_nobody(good, other, cut_off, nano, tmp_path):
    out = tmp_path / "killed.csv"
    fast = StreamSettings.for_model(nano, fps=25.0, window_stride=1)
    with StreamPool(nano) as pool:
        feeds = KeptFeeds()
        pool.add("killed", good, fast, files=RunFiles(out=out), open_feed=feeds)
        pool.add("good", good)
        pool.add("cut off", cut_off)
        pool.add("other", other)
        first = [next(pool)]
        os.kill(feeds.child_pid, signal.SIGSEGV)
        found = {}
        for name, prediction in [*first, *pool]:
            found.setdefault(name, []).append(plain(prediction))
        errors = pool.errors
    assert isinstance(errors["killed"], DecoderCrashedError)
    assert found["good"] == single(good, nano)
    assert found["other"] == single(other, nano)
    assert 0 < len(found["cut off"]) <= len(single(good, nano))
    num_before = len(found.get("killed", []))
    assert num_before < NUM_FRAMES
    assert len(out.read_text().splitlines()) == 1 + num_before


@pytest.mark.slow
def test_one_killed_and_one_corrupted_and_the_rest_is_unaffected_bit_for_bit(
    good, other, corrupted, nano, tmp_path
):
    names = ("good", "other", "corrupted")
    outs = {name: tmp_path / f"{name}.csv" for name in names}
    with StreamPool(nano) as pool:
        feeds = KeptFeeds()
        fast = StreamSettings.for_model(nano, fps=25.0)
        pool.add("killed", good, fast, open_feed=feeds)
        for name, path in zip(names, (good, other, corrupted), strict=True):
            pool.add(name, path, files=RunFiles(out=outs[name]))
        first = [next(pool)]
        os.kill(feeds.child_pid, signal.SIGSEGV)
        found = {}
        for name, prediction in [*first, *pool]:
            found.setdefault(name, []).append(plain(prediction))
        assert set(pool.errors) == {"killed"}
    assert sum(len(one.gaps) for one in found["corrupted"]) > 0
    for name, path in zip(names, (good, other, corrupted), strict=True):
        assert found[name] == single(path, nano)
        alone = tmp_path / f"{name}-alone.csv"
        with Engine(path, nano, files=RunFiles(out=alone)) as engine:
            list(engine)
        assert outs[name].read_bytes() == alone.read_bytes()


@pytest.mark.slow
def test_awkward_files_disturb_nobody(shared_videos, good, nano):
    """Each is refused when it joins, ends in an error of its own, or runs through."""
    names = ["exo_invalid-bitstream.webm", "decord_corrupted.mp4", "exo_testvid_1022ms.mp4"]
    refused = {}
    with StreamPool(nano) as pool:
        pool.add("good", good)
        for name in names:
            try:
                pool.add(name, shared_videos / "tricky" / name)
            except VidmemError as error:
                refused[name] = error
        found = by_stream(pool)
        told = {*found, *refused, *pool.errors}
    assert found["good"] == single(good, nano)
    assert told == {"good", *names}
