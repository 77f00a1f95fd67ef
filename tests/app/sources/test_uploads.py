"""What visitors bring: within limits, for the run that brought it, and for a time."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections import namedtuple
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest

from app.budget import Budget
from app.sources import uploads as module
from app.sources.uploads import (
    MAX_RUN_TIMES,
    MAX_TIMES,
    PREFIX,
    UNCLAIMED_SECONDS,
    UNLOCKED_SECONDS,
    NoRoomError,
    TooLargeError,
    TooSlowError,
    UploadFolder,
    sweep_dead_folders,
)

LARGEST = 10_000


@pytest.fixture
def folder(tmp_path):
    made = UploadFolder(tmp_path / "uploads", LARGEST, Budget())
    yield made
    made.close()
    assert not made.path.exists()


def run_apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a coroutine function in a thread of its own: in this one a browser's loop may run."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(anyio.run, function, *arguments).result()


async def pieces_of(content: bytes, each: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), each):
        yield content[start : start + each]


def bring(
    folder: UploadFolder, run: str, what: int | bytes, name: str = "pen.mp4", told: bool = True
):
    content = os.urandom(what) if isinstance(what, int) else what
    length = len(content) if told else None
    return run_apart(folder.receive, run, name, pieces_of(content), length), content


def files(folder: UploadFolder) -> list[str]:
    return sorted(path.name for path in folder.path.iterdir())


def test_what_arrives_is_written_as_it_is_for_the_run_that_brought_it(folder, monkeypatch):
    monkeypatch.setattr(module, "PIECE_BYTES", 2500)
    name, content = bring(folder, "mine", LARGEST, "Stall 1 ä.MP4")
    assert name.endswith("/Stall 1 ä.mp4")
    path = folder.claim("mine", name)
    assert path is not None
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for other in (name, str(path)):
        assert folder.claim("other", other) is None
    for outside in ("../secret.mp4", "/etc/passwd", "", ".", ".lock"):
        assert folder.claim("mine", outside) is None
    folder.forget("mine")
    assert files(folder) == []


NAMES = {
    "Käfig 3 (Nacht).MP4": "Käfig 3 (Nacht).mp4",
    "Ka\u0308fig.mp4": "Käfig.mp4",
    "../../etc/passwd": "_.._etc_passwd",
    r"C:\videos\a;rm -rf.mp4": "C_videos_a_rm -rf.mp4",
    ".hidden": "video.hidden",
    "..": "video",
    "NUL.mp4": "NUL_.mp4",
    "\u202egnp.mp4": "_gnp.mp4",
    "\ud800\n=cmd.mp4": "_cmd.mp4",
    "\N{GOTHIC LETTER AHSA}" * 100 + ".mp4": "\N{GOTHIC LETTER AHSA}" * 30 + ".mp4",
}


@pytest.mark.parametrize("name", NAMES)
def test_an_upload_is_called_as_its_owner_calls_it_but_for_what_means_more(folder, name):
    first, second = (bring(folder, "mine", 10, name)[0] for _ in range(2))
    assert first != second
    path = folder.claim("mine", first)
    assert path is not None
    assert path.name == NAMES[name]
    assert path.parent.parent == folder.path
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    folder.delete(path)
    assert len(files(folder)) == 1


@pytest.mark.parametrize("told", [True, False])
def test_too_large_is_refused_while_it_arrives_and_leaves_nothing(folder, told, monkeypatch):
    monkeypatch.setattr(module, "PIECE_BYTES", 1)
    with pytest.raises(TooLargeError, match=r"pen\.mp4 is larger than the 10 kB|10\.0 kB"):
        bring(folder, "mine", LARGEST + 1, told=told)
    assert files(folder) == []


def test_uploads_of_a_run_and_of_all_have_a_quota(folder):
    for number in range(MAX_RUN_TIMES):
        bring(folder, "greedy", LARGEST)
        assert number < MAX_TIMES
    with pytest.raises(NoRoomError, match="that you uploaded take"):
        bring(folder, "greedy", 1)
    for number in range(MAX_TIMES - MAX_RUN_TIMES):
        bring(folder, f"run {number}", LARGEST)
    with pytest.raises(NoRoomError, match="all uploads together"):
        bring(folder, "one more", 1, told=False)
    folder.forget("greedy")
    bring(folder, "one more", LARGEST)


def test_a_full_disk_is_a_sentence_before_and_while_it_arrives(folder, monkeypatch):
    usage = namedtuple("usage", "total used free")
    free = [10**9]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 0, free[0]))
    monkeypatch.setattr(module, "PIECE_BYTES", 1000)

    async def fill_up() -> AsyncIterator[bytes]:
        async for piece in pieces_of(bytes(5000)):
            free[0] -= 400_000_000
            yield piece

    with pytest.raises(NoRoomError, match="the disk of the app is full"):
        run_apart(folder.receive, "mine", "pen.mp4", fill_up(), None)
    assert files(folder) == []
    free[0] = 40_000_000
    with pytest.raises(NoRoomError, match=r"0 B|0 bytes|0\.0"):
        bring(folder, "mine", 10)


def test_one_at_a_time_and_one_that_is_broken_off_leaves_nothing(folder):
    async def one_within_another() -> None:
        async def outer() -> AsyncIterator[bytes]:
            yield b"begins"
            with pytest.raises(TooSlowError, match=r"second\.mp4 has to wait"):
                await folder.receive("mine", "second.mp4", pieces_of(b"x"), 1)
            await folder.receive("other", "third.mp4", pieces_of(b"x"), 1)
            raise ConnectionResetError

        await folder.receive("mine", "first.mp4", outer(), None)

    with pytest.raises(ConnectionResetError):
        run_apart(one_within_another)
    assert len(files(folder)) == 1  # that of the other run
    bring(folder, "mine", 10)  # the place was given back


def test_one_that_hardly_arrives_gives_its_place_to_others(folder, monkeypatch):
    monkeypatch.setattr(module, "MIN_SECONDS", 0.05)

    async def never() -> AsyncIterator[bytes]:
        yield b"begins"
        await anyio.sleep(60)

    async def drop_by_drop() -> AsyncIterator[bytes]:
        while True:
            yield b"."
            await anyio.sleep(0.01)

    for pieces in (never(), drop_by_drop()):
        with pytest.raises(TooSlowError):
            run_apart(folder.receive, "mine", "pen.mp4", pieces, None)
    assert files(folder) == []


def test_what_no_run_takes_is_deleted_after_minutes(folder):
    taken, left = bring(folder, "mine", 10)[0], bring(folder, "mine", 10)[0]
    folder.claim("mine", taken)
    now = time.monotonic()
    assert folder.sweep(now) == []
    swept = folder.sweep(now + UNCLAIMED_SECONDS + 1)
    assert [path.relative_to(folder.path).as_posix() for path in swept] == [left]
    assert files(folder) == [taken.split("/")[0]]


def test_folders_are_swept_by_their_lock_and_never_somebody_elses(tmp_path, monkeypatch):
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    mine = UploadFolder(None, LARGEST)
    assert stat.S_IMODE(mine.path.stat().st_mode) == 0o700
    dead = UploadFolder(None, LARGEST)
    os.close(dead._lock_file)  # as the system does when a process ends, however it ends
    just_made, ancient, notes = (tmp_path / f"{PREFIX}{name}" for name in ("7", "8", "notes"))
    just_made.mkdir()
    ancient.mkdir()
    os.utime(ancient, (time.time() - 2 * UNLOCKED_SECONDS,) * 2)
    notes.write_text("a file")
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    assert set(sweep_dead_folders(tmp_path)) == {dead.path, ancient}
    assert mine.path.exists()
    assert just_made.exists()
    assert notes.exists()
    assert (tmp_path / "elsewhere").exists()
    mine.close()
    assert not mine.path.exists()
