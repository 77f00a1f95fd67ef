"""A playable copy: the same frames at the same times, whole or not there."""

from __future__ import annotations

from fractions import Fraction

import av
import pytest

from tests.video.making import Kind, read_number, write_video
from tests.video.playing.making import BURST, burst_of, uneven, write_awkward
from vidmem.errors import DecoderError, DecoderTimeoutError, NotAVideoError, StorageError
from vidmem.video import ProxyMaker, probe_video
from vidmem.video.readers.pyav import PyavSource

FAKE = "tests.video.playing.fake_proxy_tasks"


def frames_of(path) -> list[tuple[float, int]]:
    """Time and number of each frame."""
    info = probe_video(path)
    with PyavSource(info) as source:
        return [
            (
                float((one.pts - info.start_pts) * info.tick),
                read_number(source.to_pixels(one.frame)),
            )
            for one in source.frames_from(info.start_pts)
        ]


def make(path, out, **more) -> ProxyMaker:
    with ProxyMaker(path, out, **more) as maker:
        for _ in maker:
            pass
    return maker


CASES = {
    "late and uneven, with a hole, as Matroska with B-frames": (
        "a.mkv",
        {"start": Fraction(7, 2), "b_frames": 2},
    ),
    "late, as WebM": ("b.webm", {"start": Fraction(1), "codec": "libvpx"}),
    "odd ticks": ("c.mp4", {"tick": Fraction(1001, 30_000)}),
}


@pytest.mark.parametrize("case", CASES)
def test_frames_and_their_times_are_those_of_the_original(tmp_path, case):
    name, more = CASES[case]
    times = uneven(30, 2.5)
    if "tick" in more:
        times = [Fraction(number * 1001, 30_000) for number in (*range(20), *range(40, 50))]
    original = write_awkward(tmp_path / name, times, **more)
    out = tmp_path / "copy.mp4"
    maker = make(original, out)
    before, after = frames_of(original), frames_of(out)
    assert [number for _, number in after] == [number for _, number in before] == [*range(30)]
    assert [at for at, _ in after] == pytest.approx([at for at, _ in before], abs=1e-3)
    info = probe_video(out)
    assert info.start_seconds == 0.0
    assert info.mime.startswith('video/mp4; codecs="avc1.')
    assert (info.width, info.height) == (maker.width, maker.height) == (128, 96)
    assert [path.name for path in tmp_path.glob("*copy*")] == ["copy.mp4"]
    assert out.stat().st_mode & 0o077 == 0


def test_not_every_frame_of_a_copy_is_a_key_frame_though_every_one_of_the_original_is(tmp_path):
    original = write_video(tmp_path, Kind("all", codec="mjpeg", suffix=".avi"), 120)
    make(original, tmp_path / "copy.mp4")
    with av.open(str(tmp_path / "copy.mp4")) as container:
        are_key = [one.is_keyframe for one in container.demux(video=0) if one.size]
    assert (len(are_key), sum(are_key)) == (120, 3)  # one in 2 s at 25 per second


def test_what_is_heard_stays_beside_what_is_seen(tmp_path):
    for start in (Fraction(0), Fraction(3)):
        original = write_awkward(tmp_path / "s.mkv", uneven(40), start=start, with_sound=True)
        make(original, tmp_path / "copy.mp4")
        assert burst_of(original) - float(start) == pytest.approx(BURST[0], abs=0.07)
        assert burst_of(tmp_path / "copy.mp4") == pytest.approx(BURST[0], abs=0.1)


def test_wide_and_turned_pictures_are_shrunk_and_upright(tmp_path, shared_videos):
    original = shared_videos / "tricky/decord_video_90.mov"  # stored as 568 x 320
    maker = make(original, tmp_path / "copy.mp4", max_width=201)
    info = probe_video(tmp_path / "copy.mp4")
    assert (info.width, info.height) == (maker.width, maker.height) == (200, 356)
    assert info.rotation_degrees == 0


def test_what_is_given_up_leaves_nothing_and_what_was_there_stays(tmp_path, monkeypatch):
    original = write_video(tmp_path, Kind("plain"), 5)
    out = tmp_path / "copy.mp4"
    out.write_bytes(b"an earlier one")
    monkeypatch.setattr(ProxyMaker, "TASK", f"{FAKE}:never_end")
    with ProxyMaker(original, out) as maker:
        seen = next(iter(maker))
        assert seen.num_bytes > 0
        assert len(list(tmp_path.glob(".*.part"))) == 1
        child = maker._child
    assert not child.is_running
    with pytest.raises(DecoderError, match="closed"):
        next(iter(maker))
    assert list(tmp_path.glob(".*.part")) == []
    assert out.read_bytes() == b"an earlier one"


@pytest.mark.parametrize(
    ("task", "seconds", "error", "words"),
    [
        ("hang", 1, DecoderTimeoutError, "gave nothing for 1 s"),
        ("claim_more_than_is_there", 60, DecoderError, "not written whole"),
        ("write_too_much", 60, StorageError, "no room left"),
    ],
)
def test_what_goes_wrong_is_said_and_leaves_nothing(
    tmp_path, monkeypatch, task, seconds, error, words
):
    original = write_video(tmp_path, Kind("plain"), 5)
    monkeypatch.setattr(ProxyMaker, "TASK", f"{FAKE}:{task}")
    with (
        pytest.raises(error, match=words),
        ProxyMaker(
            original, tmp_path / "copy.mp4", timeout_seconds=seconds, max_bytes=1000
        ) as maker,
    ):
        list(maker)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain.mp4"]


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "pen.avi").write_bytes(b"no video")
    with pytest.raises(NotAVideoError):
        ProxyMaker(tmp_path / "pen.avi", tmp_path / "copy.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["pen.avi"]
