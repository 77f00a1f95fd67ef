"""Decoders that misbehave, run in a real child process."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

from vidmem.errors import DecoderError
from vidmem.video import VideoInfo, probe_video
from vidmem.video.child.format import HEADER


def _open(parent, settings) -> VideoInfo:
    info = probe_video(settings["path"])
    parent.send("open", info=info.to_json(), name="fake", reason="for a test")
    return info


def hang_at_open(parent, settings) -> None:
    time.sleep(1000)


def hang_after_open(parent, settings) -> None:
    _open(parent, settings)
    time.sleep(1000)


def hang_holding_the_interpreter(parent, settings) -> None:
    _open(parent, settings)
    ctypes.PyDLL(None).sleep(1000)  # a PyDLL call does not release the interpreter lock


def crash_after_open(parent, settings) -> None:
    _open(parent, settings)
    sys.stderr.write("something went badly wrong\n")
    os.abort()


def swell_after_open(parent, settings) -> None:
    _open(parent, settings)
    swell_at_open(parent, settings)


def swell_at_open(parent, settings) -> None:
    held = []
    while True:
        held.append(bytearray(os.urandom(1 << 20)) * 20)
        time.sleep(0.02)


def talk_for_ever(parent, settings) -> None:
    """Never silent, and never with a result; the last pipe to close ends it."""
    _open(parent, settings)
    while True:
        parent.send("alive")


def claim_the_impossible(parent, settings) -> None:
    _open(parent, settings)
    parent._out.write(HEADER.pack(2, 2**64 - 1) + b"{}")
    parent._out.flush()
    parent.wait()


def send_what_nobody_asked_for(parent, settings) -> None:
    _open(parent, settings)
    parent.send("picture", b"\xff\xd8\xff", run=0, seconds=0.0)
    parent.wait()


def chatter(parent, settings) -> None:
    """Prints a lot, as libraries do, to both streams."""
    _open(parent, settings)
    for number in range(20_000):
        sys.stdout.write(f"chatter {number}\n")
        sys.stderr.write(f"chatter {number}\n")
    raise DecoderError(f"{Path(settings['path']).name}: told after the chatter")


def bug(parent, settings) -> None:
    _open(parent, settings)
    raise RuntimeError("a bug")


def slow_but_alive(parent, settings) -> None:
    _open(parent, settings)
    end = time.monotonic() + 3.0
    while time.monotonic() < end:
        parent.tick()
        time.sleep(0.05)
    values = {"run": 0, "indices": [], "seconds": [], "gaps": [], "is_end": True}
    parent.send("frames", name="fake", reason="for a test", **values)
    parent.wait()


def busy_for_ever(parent, settings) -> None:
    _open(parent, settings)
    while True:
        parent.tick()
        time.sleep(0.05)
