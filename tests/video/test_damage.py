"""Missing, empty, mislabelled, cut off and damaged files."""

from __future__ import annotations

import random
from pathlib import Path

import av
import pytest
from av.stream import Disposition

from tests.video.making import Kind, read_numbers, write_sound, write_sound_only, write_video
from vidmem.errors import (
    EmptyVideoError,
    NotAVideoError,
    NoVideoStreamError,
    UnreadableVideoError,
    VideoNotFoundError,
)
from vidmem.video import FrameFeed, PictureReader, open_video, probe_safely, probe_video

GOOD = Kind("good", gop=50, b_frames=2, width=320, height=240)
NUM_FRAMES = 250


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("good"), GOOD, NUM_FRAMES)


@pytest.fixture(scope="module")
def faststart(tmp_path_factory) -> Path:
    kind = Kind(
        "faststart", gop=50, b_frames=2, container_options={"movflags": "+faststart"}, width=320
    )
    return write_video(tmp_path_factory.mktemp("faststart"), kind, NUM_FRAMES)


@pytest.fixture(scope="module")
def matroska(tmp_path_factory) -> Path:
    kind = Kind("cut", suffix=".mkv", gop=50, b_frames=2, width=320)
    return write_video(tmp_path_factory.mktemp("matroska"), kind, NUM_FRAMES)


def packet_places(path: Path) -> list[tuple[int, int, int]]:
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return sorted((packet.pos, packet.size, packet.pts) for packet in packets)


def damaged(path: Path, folder: Path, start: float, end: float, fill: str = "zeros") -> Path:
    """A copy with a share of its packets overwritten."""
    data = bytearray(path.read_bytes())
    places = packet_places(path)
    first, last = places[int(start * len(places))], places[int(end * len(places))]
    length = last[0] + last[1] - first[0]
    noise = random.Random(1).randbytes(length) if fill == "noise" else bytes(length)
    data[first[0] : first[0] + length] = noise
    copy = folder / f"damaged_{fill}{path.suffix}"
    copy.write_bytes(data)
    return copy


def read_all(path: Path, reader: str, fps: float = 25.0):
    """Numbers and times of all sampled frames, by their index, and the gaps."""
    with FrameFeed(path, fps=fps, width=128, height=96, reader=reader) as feed:
        pieces = [feed.read(40)]
        while not pieces[-1].is_end:
            pieces.append(feed.read(40))
    numbers: dict[int, int] = {}
    for piece in pieces:
        read = read_numbers(piece.pixels.numpy())
        numbers |= dict(zip(piece.sample_indices.tolist(), read, strict=True))
    seconds = [second for piece in pieces for second in piece.pts_seconds.tolist()]
    return numbers, seconds, [gap for piece in pieces for gap in piece.gaps]


def unreadable_files(folder: Path, good: Path) -> dict[str, tuple[type, str]]:
    data = good.read_bytes()
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("These are the notes of the trial.\n" * 100)
    (folder / "noise.mp4").write_bytes(random.Random(0).randbytes(50_000))
    (folder / "playlist.mp4").write_text("#EXTM3U\n#EXTINF:1,\n/etc/hostname\n")
    (folder / "no_index.mp4").write_bytes(data[: data.index(b"moov") - 200])
    (folder / "only_index.mp4").write_bytes(data[:40] + data[data.index(b"moov") - 4 :])
    av.VideoFrame(64, 64, "rgb24").to_image().save(folder / "picture.png")
    (folder / "folder.mp4").mkdir()
    write_sound_only(folder / "sound.mp4")
    return {
        "missing.mp4": (VideoNotFoundError, "does not exist"),
        "empty.mp4": (EmptyVideoError, "is empty"),
        "text.mp4": (NotAVideoError, "no video"),
        "noise.mp4": (NotAVideoError, "no video"),
        "playlist.mp4": (NotAVideoError, "no video"),
        "no_index.mp4": (NotAVideoError, r"without its index \(moov\).*cut off"),
        "only_index.mp4": (UnreadableVideoError, "decoded|damaged"),
        "picture.png": (NotAVideoError, "still picture"),
        "folder.mp4": (NotAVideoError, "is a folder"),
        "sound.mp4": (NoVideoStreamError, "only sound"),
    }


def test_what_is_no_video_is_refused_with_its_name_and_a_reason(tmp_path: Path, good: Path) -> None:
    for name, (kind, text) in unreadable_files(tmp_path, good).items():
        path = tmp_path / name
        for read in (probe_video, open_video):
            with pytest.raises(kind, match=text) as caught:
                read(path)
            assert name in str(caught.value)
            assert isinstance(caught.value, UnreadableVideoError)


def test_a_refusal_crosses_the_process_border_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("no video " * 1000)
    opens = (
        lambda: FrameFeed(path, fps=4, width=64, height=64),
        lambda: PictureReader(path),
        lambda: probe_safely(path),
    )
    for open_it in opens:
        with pytest.raises(NotAVideoError, match=r"text\.mp4 is no video"):
            open_it()


@pytest.mark.parametrize("fill", ["zeros", "noise"])
@pytest.mark.parametrize("reader", ["auto", "pyav"])
def test_damage_in_the_middle_leaves_the_rest_and_is_told(
    tmp_path: Path, good: Path, reader: str, fill: str
) -> None:
    path = damaged(good, tmp_path, 0.3, 0.5, fill)
    numbers, seconds, gaps = read_all(path, reader)
    assert [numbers[k] for k in range(70)] == list(range(70))
    assert [numbers[k] for k in range(155, NUM_FRAMES)] == list(range(155, NUM_FRAMES))
    assert gaps
    assert min(gap.start_seconds for gap in gaps) == pytest.approx(3.0, abs=0.2)
    assert 5.0 <= max(gap.end_seconds for gap in gaps) <= 6.01
    # So long a gap is left out: no picture stands in for what is not there.
    assert not numbers.keys() & set(range(80, 125))
    assert all(number == k for k, number in numbers.items())
    assert len(seconds) == len(numbers)


@pytest.mark.parametrize("reader", ["auto", "pyav"])
def test_damage_in_matroska(tmp_path: Path, matroska: Path, reader: str) -> None:
    path = damaged(matroska, tmp_path, 0.42, 0.5, "noise")
    numbers, _, gaps = read_all(path, reader)
    assert [numbers[k] for k in range(95)] == list(range(95))
    assert [numbers[k] for k in range(200, NUM_FRAMES)] == list(range(200, NUM_FRAMES))
    assert gaps
    assert 3.8 <= gaps[0].start_seconds <= 4.4
    assert gaps[-1].end_seconds <= 8.0


@pytest.mark.parametrize("reader", ["auto", "pyav"])
def test_a_truncated_file_is_read_to_where_it_ends(
    tmp_path: Path, faststart: Path, reader: str
) -> None:
    data = faststart.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: int(len(data) * 0.6)])
    info = probe_video(path)
    assert info.is_truncated
    assert info.num_frames < NUM_FRAMES
    numbers, _, gaps = read_all(path, reader)
    # Whether the frame that the cut hit comes out depends on the number of decoding threads.
    assert list(numbers) == list(range(len(numbers)))
    assert all(k - 2 <= number <= k for k, number in numbers.items())
    assert info.num_frames - 4 <= len(numbers) <= info.num_frames + 1
    assert gaps[-1].start_seconds == pytest.approx(len(numbers) / 25, abs=0.2)
    assert gaps[-1].end_seconds == pytest.approx(NUM_FRAMES / 25, abs=0.1)


@pytest.mark.parametrize("reader", ["auto", "pyav"])
def test_a_truncated_matroska_file(tmp_path: Path, matroska: Path, reader: str) -> None:
    data = matroska.read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(data[: int(len(data) * 0.6)])
    numbers, _, gaps = read_all(path, reader)
    assert [numbers[k] for k in range(130)] == list(range(130))
    assert all(k - 3 <= number <= k for k, number in numbers.items())
    assert 120 < len(numbers) < 200
    assert [gap.end_seconds for gap in gaps] == [pytest.approx(10.0, abs=0.1)]


@pytest.mark.timeout(30)
def test_damage_to_the_end_ends(tmp_path: Path, good: Path) -> None:
    # Key frames are still found in the index, but nothing decodes from them.
    path = damaged(good, tmp_path, 0.42, 0.999)
    numbers, _, gaps = read_all(path, "auto")
    assert [numbers[k] for k in range(100)] == list(range(100))
    assert len(numbers) < 110
    assert gaps[-1].end_seconds == pytest.approx(10.0, abs=0.1)


def test_behind_a_damaged_start_frames_are_at_their_own_times(tmp_path: Path, good: Path) -> None:
    path = damaged(good, tmp_path, 0.0, 0.1)
    numbers, _, _ = read_all(path, "auto")
    assert [numbers[k] for k in range(NUM_FRAMES - 50, NUM_FRAMES)] == list(
        range(NUM_FRAMES - 50, NUM_FRAMES)
    )


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=16_000)
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame(64, 64, "yuvj420p")))
        container.mux(cover.encode(None))
        write_sound(container, sound, 1.0)
    with pytest.raises(NoVideoStreamError, match="only sound"):
        probe_video(path)
