"""The box of a decoder: what was started by a file that took it over would find nothing to do."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.video.making import Kind, read_numbers, write_video
from vidmem.errors import UnreadableVideoError
from vidmem.video import FrameFeed, probe_safely
from vidmem.video.child import landlock, seccomp
from vidmem.video.protections import try_protections

EVERYWHERE = {"environment"}
ON_LINUX = {"limits", "privileges"}
BY_SECCOMP = {"writing", "programs", "processes", "services"}

LINUX = sys.platform == "linux"
HAS_SECCOMP = seccomp.machine() is not None and "Seccomp:" in (
    Path("/proc/self/status").read_text() if LINUX else ""
)


@pytest.mark.parametrize("has_network", [False, True])
def test_a_child_gets_out_of_its_box_nowhere(has_network: bool, monkeypatch) -> None:
    monkeypatch.setenv("TOKEN_OF_A_LAB", "secret")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere.py")
    expected = EVERYWHERE | (ON_LINUX if LINUX else set())
    expected |= BY_SECCOMP if HAS_SECCOMP else set()
    expected |= {"network"} if HAS_SECCOMP and not has_network else set()
    expected |= {"files"} if LINUX and landlock.version() else set()
    found = {one.name: one.holds for one in try_protections(has_network=has_network)}
    assert {name for name in expected if not found[name]} == set()
    assert ("network" in found) != has_network


@pytest.mark.skipif(not HAS_SECCOMP, reason="no seccomp on this system")
def test_threads_of_a_decoder_are_in_the_box_too(tmp_path: Path) -> None:
    path = write_video(tmp_path, Kind("plain", gop=10), 60)
    with FrameFeed(path, fps=25, width=64, height=48) as feed:
        feed.read(8)
        threads = list(Path(f"/proc/{feed.child_pid}/task").iterdir())
        assert len(threads) > 1
        for thread in threads:
            lines = (thread / "status").read_text().splitlines()
            facts = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            assert facts["Seccomp"] == "2"
            assert facts["NoNewPrivs"] == "1"
            assert int(facts["CapEff"], 16) == int(facts["CapPrm"], 16) == 0


@pytest.mark.skipif(not LINUX or os.geteuid() != 0, reason="only root reads what is others'")
def test_root_still_reads_a_video_that_is_somebody_elses(tmp_path: Path) -> None:
    path = write_video(tmp_path, Kind("plain"), 5)
    os.chown(path, 12_345, 12_345)
    path.chmod(stat.S_IRUSR)
    assert probe_safely(path).num_frames == 5


@pytest.mark.skipif(not LINUX, reason="Linux has named pipes here")
def test_odd_paths_are_refused_as_without_a_box(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.mp4", tmp_path / ("x" * 300)):
        with pytest.raises(UnreadableVideoError):
            probe_safely(path)


def test_a_link_to_a_video_is_a_video(tmp_path: Path) -> None:
    path = write_video(tmp_path, Kind("plain"), 5)
    link = tmp_path / "link ü.mp4"
    link.symlink_to(path)
    with FrameFeed(link, fps=25, width=64, height=48) as feed:
        assert read_numbers(feed.read(9).pixels.numpy()) == list(range(5))


@pytest.mark.parametrize("name", list(seccomp.MACHINES))
def test_a_filter_is_a_whole_program(name: str) -> None:
    program = seccomp.filter_program(name, 1, sockets=(2, 10), may_write=False)
    steps = [program[at : at + 8] for at in range(0, len(program), 8)]
    assert len(program) % 8 == 0
    assert len(steps) <= 4096  # the kernel's limit
    for place, step in enumerate(steps):
        code, if_true, if_false = step[0], step[2], step[3]
        if code & 7 == 5:  # a jump never leads beyond the last step
            assert place + 1 + max(if_true, if_false) < len(steps)
    assert steps[-1][0] == 6  # it ends with an answer
