"""Memory and processor time of processes."""

from __future__ import annotations

import mmap
import subprocess
import sys
import time

from vidmem.profiling import ProcessGauge, gauges


def start_child(code):
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_memory_that_is_touched_is_seen():
    gauge = ProcessGauge()
    before = gauge.resident_bytes()
    block = mmap.mmap(-1, 100_000_000)  # of the system, and never of what was freed before
    for _ in range(100):
        block.write(bytes(1_000_000))
    assert 90_000_000 < gauge.resident_bytes() - before < 150_000_000
    block.close()


def test_a_child_counts_while_it_lives():
    gauge = ProcessGauge()
    child = start_child("print(1, flush=True); input()")
    try:
        child.stdout.readline()
        assert gauge.resident_bytes(child.pid) > gauge.resident_bytes() + 1_000_000
    finally:
        child.communicate(b"\n")
    assert gauge.resident_bytes(child.pid) < 1.1 * gauge.resident_bytes()
    assert gauge.processor_seconds(child.pid) == 0.0


def test_processor_time_is_what_was_used_since_last_asked():
    gauge = ProcessGauge()
    code = "import time\nwhile time.process_time() < 0.3: pass\nprint(1, flush=True); input()"
    child = start_child(code)
    try:
        child.stdout.readline()
        assert gauge.processor_seconds(child.pid) >= 0.25
        assert gauge.processor_seconds(child.pid) < 0.1
    finally:
        child.communicate(b"\n")


def test_a_child_that_others_had_before_counts_from_now_on(monkeypatch):
    code = "import time\nwhile time.process_time() < 0.3: pass\nprint(1, flush=True); input()"
    child = start_child(code)
    try:
        child.stdout.readline()
        now = time.time()
        monkeypatch.setattr(gauges.time, "time", lambda: now + 60)
        gauge = ProcessGauge()
        assert gauge.processor_seconds() == 0.0
        assert gauge.processor_seconds(child.pid) < 0.1
    finally:
        child.communicate(b"\n")
