"""Features on disk: what is found is what was written, or nothing; and never too much."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vidmem.errors import StorageError, VideoNotFoundError
from vidmem.models import FeatureKey, FeatureStore
from vidmem.models.features.storage import array_file, writer
from vidmem.units import MIB

ROW_BYTES = 5 * 4 * 2 + 8
WITH = {"encoder": "weights", "fps": 4.0}


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "pen.mp4"
    path.write_bytes(bytes(range(256)) * 8)
    return path


@pytest.fixture
def key(video):
    return FeatureKey.of(video, WITH)


@pytest.fixture
def store(tmp_path):
    return FeatureStore(folder=tmp_path / "features")


def make_arrays(num_rows: int = 6, seed: int = 2) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "tokens": torch.randn(num_rows, 5, 4, generator=generator).half(),
        "seconds": torch.rand(num_rows, generator=generator, dtype=torch.float64),
    }


def in_pieces(arrays: dict[str, torch.Tensor], size: int):
    names = list(arrays)
    for pieces in zip(*(arrays[name].split(size) for name in names), strict=True):
        yield dict(zip(names, pieces, strict=True))


def write(store: FeatureStore, key: FeatureKey, arrays=None) -> None:
    with store.writer(key) as writer:
        writer.clear()
        for piece in in_pieces(make_arrays() if arrays is None else arrays, 4):
            writer.append(piece)
            writer.sync()
        writer.complete()


def assert_same(found, arrays) -> None:
    assert set(found.arrays) == set(arrays)
    for name, rows in arrays.items():
        assert found.arrays[name].dtype == rows.dtype
        assert torch.equal(found.arrays[name], rows)


def folder_of(store: FeatureStore, key: FeatureKey) -> Path:
    return store.folder / key.folder_name


def age(store: FeatureStore, key: FeatureKey, seconds: float) -> None:
    path = folder_of(store, key) / "about.json"
    about = path.stat()
    os.utime(path, (about.st_atime - seconds, about.st_mtime - seconds))


def keys_of(key: FeatureKey, count: int) -> list[FeatureKey]:
    return [replace(key, made_with={**WITH, "fps": float(n + 1)}) for n in range(count)]


def size_of_one(store: FeatureStore, key: FeatureKey) -> int:
    write(store, key)
    return store.num_bytes


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_what_was_written_in_pieces_is_found_whole(store, key, dtype):
    rows = torch.arange(42).view(7, 3, 2).to(getattr(torch, dtype))
    assert store.find(key) is None
    write(store, key, {"rows": rows})
    assert_same(store.find(key), {"rows": rows})


def test_others_can_read_the_files(store, key):
    write(store, key)
    folder = folder_of(store, key)
    for name, rows in make_arrays().items():
        mapped = np.load(folder / f"{name}.npy", mmap_mode="r")
        assert isinstance(mapped, np.memmap)
        assert np.array_equal(mapped, rows.numpy())
    about = json.loads((folder / "about.json").read_text())
    assert about["key"]["made_with"] == WITH
    assert about["key"]["video"].endswith("pen.mp4")


def test_arrays_may_have_rows_of_their_own_number(store, key):
    arrays = {"frames": torch.rand(6, 2), "windows": torch.rand(2, 2)}
    with store.writer(key) as writer:
        writer.append(arrays)
        writer.append({"frames": arrays["frames"]})
        assert (writer.num_rows("frames"), writer.num_rows("windows")) == (12, 2)
        writer.complete({"of": "two kinds"})
    found = store.find(key)
    assert len(found.arrays["frames"]) == 12
    assert torch.equal(found.arrays["windows"], arrays["windows"])
    assert found.notes == {"of": "two kinds"}


def test_no_rows_are_found_as_no_rows(store, key):
    with store.writer(key) as writer:
        writer.append({"rows": torch.empty(0, 3)})
        writer.complete()
    assert store.find(key).arrays["rows"].shape == (0, 3)


def test_changing_what_was_found_does_not_change_the_file(store, key):
    write(store, key)
    store.find(key).arrays["tokens"].zero_()
    assert_same(store.find(key), make_arrays())


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, RuntimeError], ids=str)
def test_what_was_not_finished_is_not_found_and_taken_up_again(store, key, error):
    pieces = list(in_pieces(make_arrays(), 4))
    try:
        with store.writer(key) as writer:
            writer.append(pieces[0], {"next": 4})
            if error is not None:
                raise error
    except (KeyboardInterrupt, RuntimeError):
        pass
    assert store.find(key) is None
    with store.writer(key) as writer:
        assert (writer.num_rows("tokens"), writer.notes) == (4, {"next": 4})
        writer.append(pieces[1])
        writer.complete()
    assert_same(store.find(key), make_arrays())


KILLED = """
    import os, signal, sys, torch
    from pathlib import Path
    from vidmem.models import FeatureKey, FeatureStore
    from vidmem.models.features.storage import array_file

    place, nth = sys.argv[2], int(sys.argv[3])
    count = 0

    def killing(function):
        def run(*args, **kwargs):
            global count
            result = function(*args, **kwargs)
            count += 1
            if count == nth:
                os.kill(os.getpid(), signal.SIGKILL)
            return result
        return run

    module = {"_write_header": array_file, "replace": Path}[place]
    setattr(module, place, killing(getattr(module, place)))
    folder = Path(sys.argv[1])
    key = FeatureKey.of(folder / "pen.mp4", {"encoder": "weights", "fps": 4.0})
    with FeatureStore(folder=folder / "features").writer(key) as writer:
        for start in range(0, 40, 4):
            rows = torch.arange(start, start + 4).view(4, 1).expand(4, 3).float()
            writer.append({"a": rows, "b": -rows}, {"next": start + 4})
            writer.sync()
        writer.complete()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.parametrize(("place", "nth"), [("_write_header", 6), ("replace", 3)])
def test_a_killed_writer_is_taken_up_where_its_rows_agree(store, key, tmp_path, place, nth):
    arguments = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), place, str(nth)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    assert subprocess.run(arguments, env=environment).returncode == -signal.SIGKILL
    assert store.find(key) is None
    with store.writer(key) as writer:
        done = writer.notes["next"]
        assert 8 <= done < 40
        assert writer.num_rows("a") == writer.num_rows("b") == done
        rest = torch.arange(done, 40).view(-1, 1).expand(-1, 3).float()
        writer.append({"a": rest, "b": -rest})
        writer.complete()
    want = torch.arange(40).view(-1, 1).expand(-1, 3).float()
    assert_same(store.find(key), {"a": want, "b": -want})


def test_what_was_appended_is_written_before_it_is_much(store, key, monkeypatch):
    monkeypatch.setattr(writer, "PIECE_BYTES", 2 * ROW_BYTES)
    arrays = list(in_pieces(make_arrays(5), 1))
    with store.writer(key) as one:
        for piece in arrays:
            one.append(piece)
        rows = json.loads((folder_of(store, key) / "about.json").read_text())["arrays"]
        assert rows["tokens"]["shape"] == [4, 5, 4]


@pytest.mark.parametrize("change", [{"fps": 2.0}, {"encoder": "others"}, {"region": "0,0,1,1"}])
def test_another_setting_has_other_features(store, video, key, change):
    write(store, key)
    assert store.find(FeatureKey.of(video, {**WITH, **change})) is None


@pytest.mark.parametrize("place", [0, 1000, -1])
def test_a_changed_file_has_other_features(store, video, key, place):
    write(store, key)
    times = video.stat()
    content = bytearray(video.read_bytes())
    content[place] ^= 1
    video.write_bytes(content)
    os.utime(video, ns=(times.st_atime_ns, times.st_mtime_ns))
    now = FeatureKey.of(video, WITH)
    assert store.find(now) is None
    assert store.find(key) is not None


def test_a_file_that_was_written_again_has_other_features(store, video, key):
    write(store, key)
    os.utime(video, (1, 1))
    assert store.find(FeatureKey.of(video, WITH)) is None


def test_a_file_that_was_moved_has_the_same_features(store, video, key, tmp_path):
    write(store, key)
    moved = video.rename(tmp_path / "pen2.mp4")
    assert store.find(FeatureKey.of(moved, WITH)) is not None


def test_only_the_ends_of_a_large_file_are_read(tmp_path):
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.seek(5 * MIB)
        file.write(b"end")
    before, times = FeatureKey.of(path, WITH), path.stat()
    with path.open("r+b") as file:
        file.seek(2 * MIB)
        file.write(b"middle")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert FeatureKey.of(path, WITH) == before


def test_a_video_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(VideoNotFoundError, match=r"none\.mp4 cannot be read: No such file"):
        FeatureKey.of(tmp_path / "none.mp4", WITH)


def changed_number(folder: Path) -> None:
    path = folder / "tokens.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut_short(folder: Path) -> None:
    path = folder / "tokens.npy"
    path.write_bytes(path.read_bytes()[:-1])


def changed_record(folder: Path, **changes) -> None:
    path = folder / "about.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


DAMAGES = {
    "a changed number": changed_number,
    "cut short": cut_short,
    "an array gone": lambda folder: (folder / "tokens.npy").unlink(),
    "no JSON": lambda folder: (folder / "about.json").write_text("{"),
    "other JSON": lambda folder: (folder / "about.json").write_text("[1]"),
    "another format": lambda folder: changed_record(folder, format=7),
    "a name out of the folder": lambda folder: changed_record(
        folder, arrays={"../x": {"dtype": "float16", "shape": [1], "crc32": 0}}
    ),
    "a senseless shape": lambda folder: changed_record(
        folder, arrays={"tokens": {"dtype": "float16", "shape": [-1], "crc32": 0}}
    ),
    "an unknown type": lambda folder: changed_record(
        folder, arrays={"tokens": {"dtype": "object", "shape": [1], "crc32": 0}}
    ),
    "of another key": lambda folder: changed_record(folder, key={"content": "x", "made_with": {}}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_not_used_and_made_anew(store, key, damage):
    write(store, key)
    damage(folder_of(store, key))
    assert store.find(key) is None
    with store.writer(key) as writer:
        assert not writer.is_complete
        assert writer.num_rows("tokens") == 0
    write(store, key)
    assert_same(store.find(key), make_arrays())


def test_what_was_used_longest_ago_is_deleted(store, key):
    keys = keys_of(key, 4)
    bounded = replace(store, max_bytes=int(size_of_one(store, keys[0]) * 3.5))
    for n, one in enumerate(keys[:3]):
        write(bounded, one)
        age(bounded, one, 100 - n)
    assert bounded.find(keys[0]) is not None  # used again, so the second is now the oldest
    write(bounded, keys[3])
    assert [bounded.find(one) is not None for one in keys] == [True, False, True, True]


def test_the_folder_never_holds_much_more_than_it_may(store, key):
    # What is said about arrays comes on top: two headers and a page of JSON.
    bounded = replace(store, max_bytes=size_of_one(store, key) * 2)
    for one in keys_of(key, 5):
        with bounded.writer(one) as writer:
            for piece in in_pieces(make_arrays(), 1):
                writer.append(piece)
                writer.sync()
                assert bounded.num_bytes <= bounded.max_bytes + 1500
            writer.complete()


def test_what_is_in_use_is_not_deleted(store, key):
    keys = keys_of(key, 3)
    bounded = replace(store, max_bytes=int(size_of_one(store, keys[0]) * 2.5))
    part = bounded.find(keys[0]).arrays["tokens"][2:4]  # a view keeps it in use, too
    age(bounded, keys[0], 100)
    write(bounded, keys[1])
    write(bounded, keys[2])
    assert [bounded.find(one) is not None for one in keys] == [True, False, True]
    assert torch.equal(part, make_arrays()["tokens"][2:4])
    del part
    age(bounded, keys[0], 100)
    write(bounded, keys[1])
    assert bounded.find(keys[0]) is None


def test_what_is_being_written_is_nobody_elses(store, key):
    keys = keys_of(key, 2)
    bounded = replace(store, max_bytes=int(size_of_one(store, keys[0]) * 2.5))
    with bounded.writer(keys[1]) as writer:
        writer.append(make_arrays())
        writer.sync()
        age(bounded, keys[1], 1000)
        assert bounded.writer(keys[1]) is None
        write(bounded, replace(key, made_with={**WITH, "fps": 9.0}))
        writer.complete()
    assert_same(bounded.find(keys[1]), make_arrays())
    assert bounded.find(keys[0]) is None


def test_files_of_earlier_versions_are_deleted_first(store, key):
    bounded = replace(store, max_bytes=int(size_of_one(store, key) * 2.5))
    old = bounded.folder / f"{'0' * 32}.features"
    old.write_bytes(bytes(bounded.num_bytes))
    write(bounded, keys_of(key, 1)[0])
    assert not old.exists()
    assert bounded.find(key) is not None


def test_other_files_in_the_folder_are_left_alone(store, key):
    store.folder.mkdir()
    other = store.folder / "notes.txt"
    other.write_bytes(bytes(10_000))
    bounded = replace(store, max_bytes=4000)
    for one in keys_of(key, 3):
        write(bounded, one)
    assert other.exists()
    assert bounded.num_bytes < 10_000


def test_what_cannot_fit_is_said_before_the_work(store, key):
    keys = keys_of(key, 2)
    num_bytes = size_of_one(store, keys[0])
    bounded = replace(store, max_bytes=int(num_bytes * 1.5))
    bounded.check_room([(keys[1], num_bytes)])
    in_use = bounded.find(keys[0])
    assert in_use is not None
    with pytest.raises(StorageError, match="do not fit"):
        bounded.check_room([(keys[1], num_bytes)])
    del in_use
    bounded.check_room([(keys[1], num_bytes)])
    with pytest.raises(StorageError, match=r"which may hold .*lower fps"):
        bounded.check_room([(keys[1], bounded.max_bytes + 1)])
    with pytest.raises(StorageError, match="do not fit"):
        write(bounded, keys[1], make_arrays(60))


def test_what_is_needed_side_by_side_has_to_fit_together(store, key):
    keys = keys_of(key, 4)
    num_bytes = size_of_one(store, keys[0])
    bounded = replace(store, max_bytes=int(num_bytes * 2.5))
    write(bounded, keys[1])
    # The first is there already, and the other one goes for the second.
    bounded.check_room([(keys[0], num_bytes), (keys[2], num_bytes)])
    with pytest.raises(StorageError, match=r"more of features do not fit"):
        bounded.check_room([(one, num_bytes) for one in keys[:3]])
    # What was asked for is now deleted last, though it was written first.
    write(bounded, keys[2])
    assert bounded.find(keys[0]) is not None
    assert bounded.find(keys[1]) is None


def test_a_disk_without_room_is_said_before_the_work(store, key, monkeypatch):
    monkeypatch.setattr(FeatureStore, "_free_bytes", lambda self: 1000)
    with pytest.raises(StorageError, match=r"the disk has 1\.0 kB free"):
        store.check_room([(key, 2000)])


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("module", [array_file, os], ids=["rows", "record"])
def test_a_full_disk_is_said_and_what_was_there_is_kept(store, key, monkeypatch, module):
    pieces = list(in_pieces(make_arrays(), 4))
    no_space = pytest.raises(StorageError, match=r"pen\.mp4 could not be .*No space left")
    with no_space, store.writer(key) as writer:
        writer.append(pieces[0])
        writer.sync()
        writer.append(pieces[1])
        name = "_write_header" if module is array_file else "fsync"
        monkeypatch.setattr(module, name, full_disk)
        writer.sync()
    monkeypatch.undo()
    with store.writer(key) as writer:
        assert writer.num_rows("tokens") == 4
        writer.append(pieces[1])
        writer.complete()
    assert_same(store.find(key), make_arrays())


def test_a_folder_that_cannot_be_made_is_said(tmp_path, key):
    (tmp_path / "features").write_text("a file")
    store = FeatureStore(folder=tmp_path / "features")
    with pytest.raises(StorageError, match="choose another folder"):
        write(store, key)
    assert store.find(key) is None


def test_the_folder_is_in_the_cache_of_vidmem(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDMEM_CACHE", str(tmp_path))
    assert FeatureStore().folder == tmp_path / "features"


def test_misuse_is_refused(store, key):
    with store.writer(key) as writer:
        writer.append(make_arrays())
        with pytest.raises(ValueError, match=r"tokens had rows of float16 \[5, 4\], got float16"):
            writer.append({"tokens": torch.zeros(2, 4, 5).half()})
        with pytest.raises(ValueError, match="tokens must be finite in float16"):
            writer.append({"tokens": torch.full((1, 5, 4), 70_000.0).half()})
        with pytest.raises(ValueError, match="small letters, digits and _"):
            writer.append({"Up/there": torch.zeros(1)})
        with pytest.raises(ValueError, match=r"dtype must be float16, .*got 'bfloat16'"):
            writer.append({"other": torch.zeros(1, dtype=torch.bfloat16)})
        writer.complete()
        with pytest.raises(ValueError, match="nothing can be added"):
            writer.append(make_arrays())
    assert_same(store.find(key), make_arrays())
    with pytest.raises(ValueError, match="max_bytes must be at least 1, got 0"):
        FeatureStore(folder=store.folder, max_bytes=0)
