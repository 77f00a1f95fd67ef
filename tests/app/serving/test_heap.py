"""What was freed is the system's again."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from app.serving.heap import MAX_HEAPS, give_back_free_memory

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


COUNT_HEAPS = """
import ctypes, sys, threading
from app.serving.heap import share_heaps
print(share_heaps())
ctypes.CDLL(None).malloc.restype = ctypes.c_void_p
held, all_hold = [], threading.Barrier(40)
def hold():
    all_hold.wait()
    held.append(ctypes.CDLL(None).malloc(5000))  # kept: a heap of its own would be of this thread
    all_hold.wait()
threads = [threading.Thread(target=hold) for _ in range(40)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
# Each heap but the first begins at a multiple of 64 MiB.
print(len({address >> 26 for address in held}))
"""


def test_many_threads_share_few_heaps():
    done = subprocess.run([sys.executable, "-c", COUNT_HEAPS], capture_output=True, text=True)
    can_share, num_heaps = done.stdout.split()
    if can_share == "False":
        pytest.skip("not glibc: threads share what its malloc gives, or not")
    assert int(num_heaps) <= MAX_HEAPS
