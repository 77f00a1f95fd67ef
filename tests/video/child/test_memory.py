"""What a child has held counts, also when it gave it back before anybody looked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vidmem.video.child.memory import ChildMemory

MIB = 1 << 20
SWELLS = "held = b'x' * (100 << 20); del held; print('done', flush=True); input()"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of another process")
def test_a_child_that_was_too_large_for_a_moment_is_found_out():
    with subprocess.Popen(
        [sys.executable, "-S", "-c", SWELLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        memory = ChildMemory(process, 60 * MIB)
        assert 0 < memory.rss_bytes < 60 * MIB
        assert "above its limit of 60.0 MiB" in memory.look()
        assert ChildMemory(process, 200 * MIB).look() == ""
        process.kill()
        process.wait()
        assert memory.look() == ""
