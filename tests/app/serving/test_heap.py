"""What was freed is the system's again."""

from __future__ import annotations

import psutil
import pytest

from app.serving.heap import give_back_free_memory

MIB = 1 << 20


def test_free_pages_between_those_in_use_are_given_back():
    if not give_back_free_memory():
        pytest.skip("not glibc: memory is given back in another way, or not at all")
    process = psutil.Process()
    # Each is too small for a mapping of its own, and one in a hundred stays in use.
    blocks = [bytearray(64 << 10) for _ in range(1600)]
    kept = blocks[::100]
    most = process.memory_info().rss
    del blocks
    before = process.memory_info().rss
    give_back_free_memory()
    after = process.memory_info().rss
    assert len(kept) == 16
    assert most - after > 80 * MIB
    assert before - after > 40 * MIB, "it was given back before it was asked for"
