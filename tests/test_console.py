"""What the command line says in words."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from vidmem import console
from vidmem.streaming.settings import StreamSettings


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3600, "1:00:00"), (86399, "23:59:59")],
)
def test_clock_text_is_a_place_in_a_video(seconds, text):
    assert console.clock_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "0.25 s"),
        (4, "4 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (3605, "1 h"),
    ],
)
def test_duration_text_has_the_two_largest_units(seconds, text):
    assert console.duration_text(seconds) == text


@pytest.mark.parametrize(
    ("num_bytes", "text"),
    [(0, "0 B"), (1023, "1023 B"), (3 << 20, "3.0 MiB"), (5 << 30, "5.0 GiB")],
)
def test_size_text_counts_in_1024(num_bytes, text):
    assert console.size_text(num_bytes) == text


def test_settings_are_told_in_seconds():
    settings = StreamSettings(fps=4, clip_frames=16, window_stride=16, l_mem=50)
    assert console.settings_text(settings) == [
        "clips of 16 frames at 4 per second: 4 s each, one every 4 s",
        "remembers the last 50 clips: 3 min 20 s",
        "shortest bout that can be told: 4 s",
    ]


def test_memory_off_and_skipped_frames_are_said():
    text = console.settings_text(StreamSettings(clip_frames=8, window_stride=12, l_mem=0))
    assert "memory is off: each clip is judged on its own" in text
    assert "no clip sees 1 s between two clips" in text


def prediction(index: int, label: str = "lying") -> SimpleNamespace:
    one = SimpleNamespace(
        label=label, probability=0.9, start_seconds=4.0 * index, end_seconds=4.0 * index + 4
    )
    one.settled = (one,)
    return one


def test_a_report_counts_what_it_was_given():
    screen = Console(file=io.StringIO())
    with console.WatchReport(screen, duration_seconds=20, start_seconds=4) as report:
        for index in (1, 2, 3):
            report.update(prediction(index, label="lying" if index < 3 else "standing"))
    first, labels = report.summary()
    assert first.startswith("3 predictions for 12 s of video, from 0:04 on, in ")
    assert labels == "labels: lying 67%, standing 33%"


def test_a_report_without_predictions_says_so():
    report = console.WatchReport(Console(file=io.StringIO()), duration_seconds=20)
    assert report.summary() == ["no new predictions"]


def test_elsewhere_than_on_a_terminal_progress_is_a_plain_line_now_and_then(monkeypatch):
    screen = Console(file=io.StringIO(), highlight=False, soft_wrap=True)
    with console.WatchReport(screen, duration_seconds=20) as report:
        report.update(prediction(0))
        monkeypatch.setattr(console, "PLAIN_LINE_SECONDS", 0.0)
        report.update(prediction(1))
    lines = screen.file.getvalue().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("0:08 of 0:20  lying (0.90)  ")
    assert "\x1b" not in lines[0]


def test_on_a_terminal_progress_is_redrawn():
    screen = Console(file=io.StringIO(), force_terminal=True, width=120)
    with console.WatchReport(screen, duration_seconds=20) as report:
        report.update(prediction(0))
    assert "0:04 of 0:20" in screen.file.getvalue()
    assert "x real time" in screen.file.getvalue()
