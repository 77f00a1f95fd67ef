"""How a run ends: by a signal, before its video does, without memory, with nobody to read of it."""

from __future__ import annotations

import errno
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import vidmem
from vidmem import console
from vidmem.cli import terminal
from vidmem.cli.stopping import StopRequest
from vidmem.errors import DecoderCrashedError
from vidmem.streaming import Engine
from vidmem.units import visible

SAMPLE = Path(__file__).parents[2] / "assets/barn-sample.mp4"


@pytest.fixture
def place(tiny_model, tmp_path, monkeypatch):
    """A folder to work in, with a video and a model."""
    vidmem.save(tiny_model, tmp_path / "tiny")
    shutil.copy(SAMPLE, tmp_path / "pen.mp4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


WORDS = ("watch", "pen.mp4", "--model", "tiny", "--start", "48")


def at_clip(monkeypatch, number: int, action) -> None:
    """Do something when so many predictions have come."""
    update = console.WatchReport.update

    def update_and_act(report, prediction):
        update(report, prediction)
        if report.num_predictions == number:
            action()

    monkeypatch.setattr(console.WatchReport, "update", update_and_act)


@pytest.fixture
def whole(run, place) -> bytes:
    assert run(*WORDS, "--out", "whole.csv").code == 0
    return (place / "whole.csv").read_bytes()


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_that_ends_programs_saves_as_ctrl_c_does(
    run, place, whole, monkeypatch, name, code
):
    before = signal.getsignal(getattr(signal, name))
    with monkeypatch.context() as patch:
        at_clip(patch, 2, lambda: signal.raise_signal(getattr(signal, name)))
        done = run(*WORDS, "--out", "parts.csv")
    assert done.code == code
    assert "stopping after this clip" in done.out
    assert signal.getsignal(getattr(signal, name)) is before
    again = done.out.strip().splitlines()[-1].split("go on with: vidmem ")[1]
    done = run(*shlex.split(again))
    assert (done.code, "Resumed after 2 predictions" in done.out) == (0, True)
    assert (place / "parts.csv").read_bytes() == whole


def test_a_hang_up_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopRequest(terminal.new_console()) as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop.is_made
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_decoder_that_is_gone_leaves_an_incomplete_run_that_can_be_gone_on_with(
    run, place, whole, monkeypatch
):
    read, count = Engine.read, 0

    def read_or_crash(engine, **options):
        nonlocal count
        count += 1
        if count == 3:
            raise DecoderCrashedError("the decoder of pen.mp4 ended unasked")
        return read(engine, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "read", read_or_crash)
        done = run(*WORDS, "--out", "parts.csv")
    assert done.code == terminal.INCOMPLETE == 3
    assert "vidmem: the decoder of pen.mp4 ended unasked" in done.err
    assert "predictions are in parts.csv" in done.out
    again = done.err.strip().splitlines()[-1].split("go on with: vidmem ")[1]
    assert run(*shlex.split(again)).code == 0
    assert (place / "parts.csv").read_bytes() == whole


@pytest.mark.parametrize("options", [[], ["pen.mp4"]])
def test_a_step_without_memory_says_what_it_needed_and_what_to_lower(
    run, place, monkeypatch, options
):
    def step(*_):
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate "
            "memory: you tried to allocate 1073741824 bytes. Error code 12"
        )

    monkeypatch.setattr(vidmem.models.FamSwin, "step", step)
    done = run(*WORDS, "--out", "p.csv", *options)
    assert done.code == 3
    assert "ran out of memory on cpu: it needed 1.0 GiB more at once, and " in done.err
    assert "start again with a smaller clip_frames or l_mem" in done.err
    assert f"go on with: vidmem {' '.join(WORDS)}" in done.err
    assert "Traceback" not in done.err


def test_weights_that_are_no_numbers_end_the_run_and_not_in_rows(run, place):
    broken = vidmem.load("tiny")
    broken.stages[0].blocks[0].mlp[0].weight.data[0, 0] = torch.nan
    vidmem.save(broken, place / "broken")
    done = run("watch", "pen.mp4", "--model", "broken", "--out", "p.csv")
    assert done.code == 1
    assert "for the clip from 0.00 to 2.00 s: its weight stages.0.blocks.0.mlp.0.weight" in done.err
    assert len((place / "p.csv").read_text().splitlines()) == 1
    several = run("watch", "pen.mp4", "pen.mp4", "--model", "broken", "--out", "several")
    assert several.code == 1
    assert "2 of 2 videos failed" in several.err


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["pen.mp4"]])
def test_a_video_that_is_cut_off_is_an_incomplete_run(run, place, options):
    data = SAMPLE.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "its index must survive the cut"
    (place / "cut.mp4").write_bytes(data[: len(data) // 2])
    done = run("watch", "cut.mp4", *options, "--model", "tiny", "--out", "p.csv")
    assert done.code == 3, done.err
    assert "incomplete: the predictions end at " in done.err


def test_nobody_has_to_read_what_is_printed(monkeypatch):
    """The terminal is closed, or `| head` has read enough: the run goes on."""

    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(errno.EIO, "Input/output error")

        def flush(self):
            self.write("")

    monkeypatch.setattr(sys, "stdout", Gone())
    monkeypatch.setattr(sys, "stderr", Gone())
    terminal.new_console().print("a line")
    terminal.tell("a sentence")


def test_names_cannot_write_on_the_terminal(monkeypatch):
    for text, shown in [
        ("\x1b[2J\x1b[31mpig", r"\x1b[2J\x1b[31mpig"),
        ("a\rb\x07\x9b1m", r"a\x0db\x07\x9b1m"),
        ("pen\u202e4pm.exe", r"pen\u202e4pm.exe"),
        ("a\nb", r"a\x0ab"),
        ("\udcff", r"\udcff"),
        ("Bucht 3 ü 豚 🐖", "Bucht 3 ü 豚 🐖"),
    ]:
        assert visible(text) == shown
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdout", said)
    terminal.new_console().print("labels: \x1b]0;x\x1b\\pig\x1b[31m 100%", markup=False)
    assert said.getvalue() == "labels: \\x1b]0;x\\x1b\\pig\\x1b[31m 100%\n"


HOSTILE = "\x1b[31m=cmd|'/C calc'!A0"


def test_any_name_can_be_printed_in_ascii_and_opened_in_a_spreadsheet(run, place, monkeypatch):
    """As on Windows, where output is redirected: `UnicodeEncodeError` before."""
    described = json.loads((place / "tiny" / "config.json").read_text())
    names = described["card"]["class_names"]
    described["card"]["class_names"] = [HOSTILE, "-1+1", "@x"][: len(names)]
    (place / "tiny" / "config.json").write_text(json.dumps(described))
    name = "\x1b[5mSäue\udcff.mp4"
    os.rename("pen.mp4", name)
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        done = run("watch", name, *WORDS[2:], "--out", "p.csv")
    printed, told = (stream.buffer.getvalue() for stream in (out, err))
    assert done.code == 0, told
    assert b"\x1b" not in printed + told
    assert rb"\x1b[5mS?ue\udcff.mp4" in printed
    header = (place / "p.csv").read_text().splitlines()[0].split(",")
    behaviours = header[header.index("remembered") + 1 : header.index("gap")]
    assert behaviours == [f"{HOSTILE}", "'-1+1", "'@x"][: len(names)]


SERVER = """
import json, os, sys
from vidmem import cli
import vidmem.streaming, vidmem.models
for line in sys.stdin:  # a process for each line, without the seconds that importing torch takes
    words = json.loads(line)
    child = os.fork()
    if child == 0:
        os.setsid()
        sys.argv = ["vidmem", *words]
        sys.stdout = sys.stderr = open(os.devnull, "w")
        try:
            cli.main()
        finally:
            os._exit(0)
    print(child, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork there")
def test_killed_at_any_moment_and_resumed_equals_one_uninterrupted_run(run, place, whole):
    """The command itself, by SIGKILL: while it opens, judges, writes a row or saves its state."""
    root = str(Path(__file__).resolve().parents[2])
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert server.stdin is not None
    assert server.stdout is not None
    killed = []
    # So many bytes are there: none yet, in the midst of the first rows, nearly all.
    sizes = [0, 1, len(whole) // 2, len(whole) - 10]
    for number, size in enumerate(sizes):
        out = place / f"{number}.csv"
        server.stdin.write(json.dumps([*WORDS, "--out", out.name]) + "\n")
        server.stdin.flush()
        killed.append((int(server.stdout.readline()), out, size))
    end = time.monotonic() + 300
    waiting = list(killed)
    while waiting:
        assert time.monotonic() < end
        for one in list(waiting):
            pid, out, size = one
            if (out.stat().st_size if out.exists() else 0) >= size:
                os.kill(pid, signal.SIGKILL)
                waiting.remove(one)
        time.sleep(0.001)
    server.communicate(timeout=60)
    for _, out, _ in killed:
        done = run(*WORDS, "--out", out.name, "--resume")
        assert done.code == 0, done.err
        assert out.read_bytes() == whole
