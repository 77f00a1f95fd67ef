"""Features on disk: what is read is what was written, or nothing; and never too much."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vidmem.errors import StorageError, VideoNotFoundError
from vidmem.models.backbones.feature_cache import UNFINISHED, FeatureCache
from vidmem.models.backbones.feature_key import ENDING, MIB, FeatureKey

FILE_BYTES = 6 * 5 * 4 * 2  # of make_features(), before what is said about them


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "pen.mp4"
    path.write_bytes(bytes(range(256)) * 8)
    return path


@pytest.fixture
def key(video):
    return make_key(video)


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(folder=tmp_path / "features")


def make_key(video: Path, **changes) -> FeatureKey:
    settings = {"fps": 4.0, "frame_height": 96, "frame_width": 160, **changes}
    backbone = settings.pop("backbone", "weights")
    return FeatureKey.of(video, backbone, **settings)


def make_features(num_frames: int = 6, seed: int = 2) -> torch.Tensor:
    return torch.randn(num_frames, 5, 4, generator=torch.Generator().manual_seed(seed))


def write(cache: FeatureCache, key: FeatureKey, features: torch.Tensor | None = None) -> None:
    with cache.writer(key) as writer:
        for piece in (make_features() if features is None else features).split(4):
            writer.append(piece)


def files(cache: FeatureCache, ending: str = ENDING) -> list[str]:
    return sorted(path.name for path in cache.folder.glob(f"*{ending}"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_what_was_written_in_pieces_is_read_whole(cache, key, dtype):
    features = make_features()
    assert cache.find(key) is None
    with cache.writer(key, dtype) as writer:
        for piece in features.split(4):
            writer.append(piece)
    assert writer.num_frames == 6
    found = cache.find(key)
    assert found is not None
    assert found.dtype == dtype
    assert torch.equal(found, features.to(dtype))
    assert files(cache, UNFINISHED) == []


def test_changing_what_was_read_does_not_change_the_file(cache, key):
    write(cache, key)
    cache.find(key).zero_()
    assert torch.equal(cache.find(key), make_features().half())


def test_nothing_is_there_before_the_end(cache, key):
    with cache.writer(key) as writer:
        writer.append(make_features())
        assert cache.find(key) is None
        assert len(files(cache, UNFINISHED)) == 1
    assert cache.find(key) is not None


def test_an_interrupted_write_leaves_nothing(cache, key):
    with pytest.raises(KeyboardInterrupt), cache.writer(key) as writer:
        writer.append(make_features())
        raise KeyboardInterrupt
    assert cache.find(key) is None
    assert cache.num_bytes == 0


def test_a_write_without_frames_leaves_nothing(cache, key):
    with cache.writer(key):
        pass
    assert cache.num_bytes == 0
    assert cache.find(key) is None


def test_fewer_frames_than_the_video_has_are_not_kept(cache, key):
    with cache.writer(key, num_frames=7) as writer:
        writer.append(make_features())
    assert cache.find(key) is None
    with cache.writer(key, num_frames=6) as writer:
        writer.append(make_features())
    assert cache.find(key) is not None


def test_an_interrupted_write_does_not_harm_what_was_there(cache, key):
    write(cache, key)
    with pytest.raises(RuntimeError), cache.writer(key) as writer:
        writer.append(make_features(seed=9))
        raise RuntimeError
    assert torch.equal(cache.find(key), make_features().half())


def age(path: Path, seconds: float) -> None:
    about = path.stat()
    os.utime(path, (about.st_atime - seconds, about.st_mtime - seconds))


def test_what_a_killed_process_left_is_deleted_later(cache, key):
    cache.folder.mkdir()
    left = cache.folder / f"{key.file_name}.0000{UNFINISHED}"
    left.write_bytes(b"half")
    write(cache, key)
    assert left.exists()  # it could be that of a process that has just begun
    age(left, 120)
    write(cache, key)
    assert not left.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"fps": 2.0},
        {"frame_height": 64},
        {"frame_width": 64},
        {"backbone": "other weights"},
    ],
    ids=str,
)
def test_another_setting_has_other_features(cache, video, key, change):
    write(cache, key)
    assert cache.find(make_key(video, **change)) is None


@pytest.mark.parametrize("place", [0, 1000, -1])
def test_a_changed_file_has_other_features(cache, video, key, place):
    write(cache, key)
    times = video.stat()
    content = bytearray(video.read_bytes())
    content[place] ^= 1
    video.write_bytes(content)
    os.utime(video, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert cache.find(make_key(video)) is None


def test_a_file_that_was_written_again_has_other_features(cache, video, key):
    write(cache, key)
    age(video, 10)
    assert cache.find(make_key(video)) is None


def test_only_the_ends_of_a_large_file_are_read(tmp_path):
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.seek(5 * MIB)
        file.write(b"end")
    before = make_key(path)
    times = path.stat()
    with path.open("r+b") as file:
        file.seek(2 * MIB)
        file.write(b"middle")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert make_key(path) == before


def test_a_video_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(VideoNotFoundError, match=r"none\.mp4 cannot be read: No such file"):
        make_key(tmp_path / "none.mp4")


def damages(content: bytes) -> dict[str, bytes]:
    return {
        "cut short": content[:-40],
        "empty": b"",
        "a changed number": bytes([content[0] ^ 1]) + content[1:],
        "a number less": content[2:],
        "no mark": content[:-1] + b"?",
        "a senseless length": content[:-16] + b"\xff" * 8 + content[-8:],
        "other JSON": content[:-40] + b"?" + content[-39:],
        "not JSON at all": b"\x80" * len(content[:-16]) + content[-16:],
    }


@pytest.mark.parametrize("damage", damages(b"0" * 99))
def test_a_damaged_file_is_not_used_and_written_again(cache, key, damage, caplog):
    write(cache, key)
    path = cache.folder / files(cache)[0]
    path.write_bytes(damages(path.read_bytes())[damage])
    assert cache.find(key) is None
    assert "are not used, they are damaged" in caplog.text
    write(cache, key)
    assert torch.equal(cache.find(key), make_features().half())


def test_features_of_another_key_under_this_name_are_not_used(cache, key):
    write(cache, key)
    other = replace(key, fps=1.0)
    (cache.folder / key.file_name).rename(cache.folder / other.file_name)
    assert cache.find(other) is None


def keys_of(key: FeatureKey, count: int) -> list[FeatureKey]:
    return [replace(key, fps=float(n + 1)) for n in range(count)]


def size_of_one(cache: FeatureCache, key: FeatureKey) -> int:
    write(cache, key)
    return cache.num_bytes


def test_what_was_used_longest_ago_is_deleted(cache, key):
    keys = keys_of(key, 4)
    bounded = replace(cache, max_bytes=int(size_of_one(cache, keys[0]) * 3.5))
    for n, one in enumerate(keys[:3]):
        write(bounded, one)
        age(bounded.folder / one.file_name, 100 - n)
    assert bounded.find(keys[0]) is not None  # used again, so the second is now the oldest
    write(bounded, keys[3])
    assert bounded.num_bytes <= bounded.max_bytes
    assert [bounded.find(one) is not None for one in keys] == [True, False, True, True]


def test_the_folder_never_holds_more_than_it_may(cache, key):
    bounded = replace(cache, max_bytes=size_of_one(cache, key) * 2)
    for one in keys_of(key, 5):
        with bounded.writer(one) as writer:
            for frame in make_features().split(1):
                writer.append(frame)
                assert bounded.num_bytes <= bounded.max_bytes
        assert bounded.num_bytes <= bounded.max_bytes
    assert len(files(bounded)) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there the mapping itself is the lock")
def test_what_is_in_use_is_not_deleted(cache, key):
    keys = keys_of(key, 3)
    bounded = replace(cache, max_bytes=int(size_of_one(cache, keys[0]) * 2.5))
    part = bounded.find(keys[0])[2:4]  # a view keeps it in use, too
    age(bounded.folder / keys[0].file_name, 100)
    write(bounded, keys[1])
    write(bounded, keys[2])
    assert [bounded.find(one) is not None for one in keys] == [True, False, True]
    assert torch.equal(part, make_features()[2:4].half())
    del part
    age(bounded.folder / keys[0].file_name, 100)
    write(bounded, keys[1])
    assert bounded.find(keys[0]) is None


@pytest.mark.skipif(sys.platform == "win32", reason="there the mapping itself is the lock")
def test_what_another_process_uses_is_not_deleted(cache, key):
    keys = keys_of(key, 2)
    bounded = replace(cache, max_bytes=int(size_of_one(cache, keys[0]) * 1.5))
    code = f"""
        import fcntl, sys
        file = open({str(bounded.folder / keys[0].file_name)!r}, "rb")
        fcntl.flock(file, fcntl.LOCK_SH)
        print("ready", flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"ready\n"
        with pytest.raises(StorageError, match="do not fit"):
            write(bounded, keys[1])
        other.stdin.close()
    write(bounded, keys[1])
    assert bounded.find(keys[0]) is None


def test_what_is_being_written_is_not_deleted(cache, key):
    keys = keys_of(key, 2)
    bounded = replace(cache, max_bytes=int(size_of_one(cache, keys[0]) * 2.5))
    with bounded.writer(keys[1]) as writer:
        writer.append(make_features())
        age(next(bounded.folder.glob(f"*{UNFINISHED}")), 1000)
        write(bounded, replace(key, fps=9.0))
    assert bounded.find(keys[1]) is not None


def test_features_larger_than_the_cache_are_refused(cache, key):
    bounded = replace(cache, max_bytes=FILE_BYTES - 1)
    with pytest.raises(StorageError, match="give it more with max_bytes"):
        write(bounded, key)
    assert bounded.num_bytes == 0


def test_a_full_disk_is_said_and_leaves_nothing(cache, key, monkeypatch):
    no_space = pytest.raises(StorageError, match=r"pen\.mp4 could not be .*No space left")
    with no_space, cache.writer(key) as writer:
        writer.append(make_features())
        monkeypatch.setattr(writer, "_file", FullDisk(writer._file))
        writer.append(make_features())
    assert cache.num_bytes == 0


class FullDisk:
    """A file on a disk without space."""

    def __init__(self, file) -> None:
        self.file = file

    def write(self, data) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def __getattr__(self, name: str):
        return getattr(self.file, name)


def test_a_full_disk_at_the_very_end_is_said(cache, key, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match="No space left"):
        write(cache, key)
    assert cache.num_bytes == 0


def test_a_folder_that_cannot_be_made_is_said(tmp_path, key):
    (tmp_path / "features").write_text("a file")
    with pytest.raises(StorageError, match="VIDMEM_CACHE"):
        write(FeatureCache(folder=tmp_path / "features"), key)
    assert FeatureCache(folder=tmp_path / "features").find(key) is None


def test_other_files_in_the_folder_are_left_alone(cache, key):
    cache.folder.mkdir()
    other = cache.folder / "notes.txt"
    other.write_bytes(bytes(10_000))
    write(replace(cache, max_bytes=2_000), key)
    assert other.exists()


def test_the_folder_is_in_the_cache_of_vidmem(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDMEM_CACHE", str(tmp_path))
    assert FeatureCache().folder == tmp_path / "features"
    assert FeatureCache().max_bytes == 2 * 2**30


def test_senseless_features_are_refused(cache, key):
    with cache.writer(key) as writer:
        writer.append(make_features())
        with pytest.raises(ValueError, match=r"shape \[T, P, D\], got \[5, 4\]"):
            writer.append(make_features()[0])
        with pytest.raises(ValueError, match=r"had \[5, 4\] tokens and width, got \[4, 5\]"):
            writer.append(make_features().transpose(1, 2))
        with pytest.raises(ValueError, match=r"dtype=torch\.bfloat16 if they are too"):
            writer.append(make_features() + 70_000)
    assert cache.find(key).shape == (6, 5, 4)


def test_misuse_is_refused(cache, key):
    with pytest.raises(ValueError, match="dtype must be float16, bfloat16, float32, got"):
        cache.writer(key, torch.int64)
    with pytest.raises(ValueError, match="inside `with"):
        cache.writer(key).append(make_features())
    with pytest.raises(ValueError, match="max_bytes must be at least 1, got 0"):
        FeatureCache(folder=cache.folder, max_bytes=0)
