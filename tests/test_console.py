"""What the command line prints about a stream."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from vidmem import console
from vidmem.models.checkpoint import read_description
from vidmem.streaming.settings import StreamSettings
from vidmem.video.sampling import Gap


def test_settings_are_told_in_seconds():
    settings = StreamSettings(fps=4, clip_frames=16, window_stride=16, l_mem=50)
    assert console.settings_text(settings) == [
        "clips of 16 frames at 4 per second: 4 s each, one every 4 s",
        "remembers the last 50 clips: 3 min 20 s",
        "shortest bout that can be seen: 4 s",
    ]


def test_memory_off_and_skipped_frames_are_said():
    text = console.settings_text(StreamSettings(clip_frames=8, window_stride=12, l_mem=0))
    assert "memory is off: each clip is judged on its own" in text
    assert "no clip sees 1 s between two clips" in text


def test_the_introduction_says_what_the_model_knows_and_promises_no_teaching():
    screen = Console(file=io.StringIO(), soft_wrap=True)
    engine = SimpleNamespace(
        info=SimpleNamespace(
            name="pen.mp4",
            is_live=False,
            size_bytes=1000,
            duration_seconds=8,
            width=96,
            height=64,
            codec="h264",
            fps=25,
        ),
        reader_name="pyav",
        reader_reason="as asked",
        settings=StreamSettings(),
        resumed=None,
    )
    _, card = read_description(Path(__file__).parents[1] / "assets/fam-swin-nano")
    console.introduce(screen, engine, card)
    assert (
        "model: FAM Swin nano. Trained on generated barn videos. On other footage its labels mean "
        "nothing.\n"
    ) in screen.file.getvalue()


def prediction(
    index: int, label: str = "lying", *, gaps: tuple[Gap, ...] = (), is_unlike: bool = False
) -> SimpleNamespace:
    one = SimpleNamespace(
        labels=(label,),
        best_classes=(0,),
        probabilities=(0.9, 0.1),
        start_seconds=4.0 * index,
        end_seconds=4.0 * index + 4,
        gaps=gaps,
        is_unlike_training=is_unlike,
    )
    one.settled = (one,)
    return one


def test_of_several_axes_all_labels_are_told_and_each_axis_is_counted():
    screen = Console(file=io.StringIO(), soft_wrap=True)
    with console.WatchReport(screen, duration_seconds=8) as report:
        for index, place in enumerate(("wall", "nest")):
            one = prediction(index, "moving")
            one.labels, one.best_classes = ("moving", place), (0, 1)
            report.count(one)
            said = console.label_text(one)
    assert said == "moving (0.90), nest (0.10)"
    assert "labels: moving 100%; wall 50%, nest 50%" in report.summary()


def test_a_report_counts_what_it_was_given():
    screen = Console(file=io.StringIO())
    with console.WatchReport(screen, duration_seconds=20, start_seconds=4) as report:
        for index in (1, 2, 3):
            report.update(prediction(index, label="lying" if index < 3 else "standing"))
    first, labels = report.summary()
    assert first.startswith("3 predictions for 12 s of video, from 00:04 on, in ")
    assert labels == "labels: lying 67%, standing 33%"


MEAN_NOTHING = (
    "footage that looks unlike what the model was trained on: it knows other scenes only, and "
)
IT_MEANS = f"{MEAN_NOTHING}its label means nothing"
THEY_MEAN = f"{MEAN_NOTHING}their labels mean nothing"


@pytest.mark.parametrize(
    ("num_unlike", "lines"),
    [
        (0, ["labels: lying 100%"]),
        (1, ["labels: lying 100%", f"1 of 4 predictions is of {IT_MEANS}"]),
        (2, ["labels: lying 100%", f"2 of 4 predictions are of {THEY_MEAN}"]),
        (3, [f"labels: lying 100%; but 3 of 4 predictions are of {THEY_MEAN}"]),
    ],
)
def test_labels_of_unlike_footage_are_said_to_mean_nothing(num_unlike, lines):
    report = console.WatchReport(Console(file=io.StringIO()), duration_seconds=16)
    for index in range(4):
        report.update(prediction(index, is_unlike=index < num_unlike))
    assert report.summary()[1:] == lines


def gap(start_seconds: float, end_seconds: float) -> Gap:
    return Gap(start_seconds=start_seconds, end_seconds=end_seconds, reason="no frames")


@pytest.mark.parametrize("told_with", [1, 902])
def test_a_hole_is_no_video_that_was_watched(monkeypatch, told_with):
    monkeypatch.setattr(console.WatchReport, "wall_seconds", 2.0)
    report = console.WatchReport(Console(file=io.StringIO()), duration_seconds=3620)
    for index in (0, 1, 902, 903, 904):
        gaps = (gap(8.0, 3608.0),) if index == told_with else ()
        report.update(prediction(index, gaps=gaps))
    assert (report.seen_seconds, report.missed_seconds) == (20, 3600)
    assert report.summary()[:2] == [
        "5 predictions for 20 s of video, in 2 s (10.0 x real time)",
        "not seen: 1 h of the video, missing or damaged",
    ]


def test_of_a_hole_only_what_lies_in_the_run_counts_and_once():
    report = console.WatchReport(Console(file=io.StringIO()), duration_seconds=40, start_seconds=4)
    before, behind = gap(2.0, 5.0), gap(15.0, 30.0)
    report.update(prediction(1, gaps=(before,)))
    report.count(prediction(1, gaps=(before,)))  # judged anew
    report.update(prediction(2))
    report.update(prediction(3, gaps=(behind,)))
    assert report.end_seconds == 16
    assert report.missed_seconds == 1 + 1
    assert report.seen_seconds == 10


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
    assert lines[0].startswith("00:08 of 00:20  lying (0.90)  ")
    assert "\x1b" not in lines[0]


def test_on_a_terminal_progress_is_redrawn():
    screen = Console(file=io.StringIO(), force_terminal=True, width=120)
    with console.WatchReport(screen, duration_seconds=20) as report:
        report.update(prediction(0))
    assert "00:04 of 00:20" in screen.file.getvalue()
    assert "x real time" in screen.file.getvalue()
