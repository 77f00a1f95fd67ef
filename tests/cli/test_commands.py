"""The commands, as a user types them."""

from __future__ import annotations

import csv
import importlib.metadata
import importlib.util
import runpy
import shlex
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import av
import numpy as np
import pytest

import vidmem
from tests.models.test_spool_checkpoint import make_backbone, make_spool
from vidmem import cli, console
from vidmem.models import bundled_models


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """Twelve seconds of moving stripes, 96 x 64."""
    path = tmp_path_factory.mktemp("video") / "stripes.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(120):
            pixels = np.zeros((64, 96, 3), np.uint8)
            pixels[:, np.arange(96) // 8 % 12 == number % 12] = 200
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def model_folder(tiny_model, tmp_path) -> Path:
    folder = tmp_path / "tiny"
    vidmem.save(tiny_model, folder)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def stop_after(monkeypatch, num_predictions: int) -> None:
    """Press Ctrl-C when so many predictions have come."""
    update = console.WatchReport.update

    def update_and_press(report, prediction):
        update(report, prediction)
        if report.num_predictions == num_predictions:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(console.WatchReport, "update", update_and_press)


def test_version(run):
    done = run("--version")
    assert (done.code, done.out.strip()) == (0, f"vidmem {vidmem.__version__}")


def test_python_m_vidmem_is_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["vidmem", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("vidmem", run_name="__main__")
    assert not ended.value.code
    assert capsys.readouterr().out.strip() == f"vidmem {vidmem.__version__}"


def test_help_lists_the_commands(run):
    done = run("--help")
    assert done.code == 0
    for command in ("app", "watch", "sample", "doctor"):
        assert command in done.out


def test_an_unknown_option_is_a_usage_error(run, video):
    assert run("watch", video, "--lmem", 3).code == 2


def test_watch_writes_a_row_per_clip_and_says_what_the_settings_mean(
    run, video, model_folder, tmp_path
):
    out = tmp_path / "predictions.csv"
    done = run("watch", video, "--model", model_folder, "--out", out, "--fps", 4, "--l-mem", 3)
    assert done.code == 0, done.err
    assert "remembers the last 3 clips: 6 s" in done.out
    assert "read with " in done.out
    assert "6 predictions for 12 s of video, in " in done.out
    assert str(out) in done.out
    assert [float(row["start_seconds"]) for row in rows(out)] == [0, 2, 4, 6, 8, 10]
    assert [int(row["remembered"]) for row in rows(out)] == [0, 1, 2, 3, 3, 3]


@pytest.fixture
def spool_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("VIDMEM_CACHE", str(tmp_path / "cache"))
    backbone = make_backbone()
    model = make_spool(backbone, backbone_config=asdict(backbone.config), window_frames=6)
    vidmem.save(model, tmp_path / "spool")
    return tmp_path / "spool"


def test_spool_says_its_window_and_when_its_predictions_are_final(
    run, video, spool_folder, tmp_path
):
    out = tmp_path / "predictions.csv"
    words = ("watch", video, "--model", spool_folder, "--out", out, "--fps", 2)
    done = run(*words, "--window-frames", 8, "--local-frame-range", 3)
    assert done.code == 0, done.err
    assert "sees the last 8 frames at once: 4 s" in done.out
    assert "looks 3 frames ahead in 1 layers: a prediction is final 2 s after" in done.out
    assert "12 predictions for 12 s of video" in done.out
    assert [float(row["start_seconds"]) for row in rows(out)] == list(range(12))


def test_one_pass_over_the_whole_video_keeps_its_features(run, video, spool_folder, tmp_path):
    words = ("watch", video, "--model", spool_folder, "--fps", 2, "--whole", "--out")
    first, second = run(*words, tmp_path / "1.csv"), run(*words, tmp_path / "2.csv")
    assert first.code == second.code == 0, first.err
    assert f"features are kept in {tmp_path / 'cache' / 'features'}" in second.out
    assert len(rows(tmp_path / "1.csv")) == 12
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert "leave out --resume" in run(*words, tmp_path / "3.csv", "--resume").err


def test_settings_of_another_model_are_refused(run, video, model_folder, spool_folder, tmp_path):
    words = ("watch", video, "--out", tmp_path / "none.csv", "--model")
    done = run(*words, model_folder, "--local-frame-range", 2)
    assert (done.code, "no local_frame_range" in done.err) == (1, True)
    assert "needs a Spool" in run(*words, model_folder, "--whole").err
    assert (
        "must be a multiple of clip_frames" in run(*words, spool_folder, "--window-frames", 5).err
    )


def test_train_makes_two_models(run, tmp_path):
    assert "fam-swin-nano or spool-nano" in run("train", tmp_path / "x", "--model", "yolo").err


def test_start_begins_later_in_the_video(run, video, model_folder, tmp_path):
    out = tmp_path / "late.csv"
    words = ("watch", video, "--model", model_folder, "--out", out, "--fps", 4, "--start", 8)
    assert run(*words).code == 0
    assert float(rows(out)[0]["start_seconds"]) == 8


def test_after_ctrl_c_the_command_that_is_named_goes_on_to_the_same_end(
    run, video, model_folder, tmp_path, monkeypatch
):
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    words = ("watch", video, "--model", model_folder, "--fps", 4)
    assert run(*words, "--out", whole).code == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        done = run(*words, "--out", parts)
    assert done.code == cli.INTERRUPTED
    assert "2 predictions for 4 s of video" in done.out
    assert len(rows(parts)) == 2
    again = done.out.strip().splitlines()[-1].split("go on with: vidmem ")[1]
    assert run(*shlex.split(again)).code == 0
    assert parts.read_bytes() == whole.read_bytes()


def test_an_interrupt_handler_is_put_back(run, video, model_folder, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    run("watch", video, "--model", model_folder, "--out", tmp_path / "p.csv", "--fps", 4)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--l-mem", "5000"], "l_mem must be"),
        (["--fps", "0"], "fps must be"),
        (["--reader", "vlc"], "reader"),
    ],
)
def test_an_impossible_setting_is_refused_with_what_is_allowed(
    run, video, model_folder, tmp_path, options, words
):
    out = tmp_path / "predictions.csv"
    done = run("watch", video, "--model", model_folder, "--out", out, *options)
    assert done.code == 1
    assert done.err.startswith("vidmem: ")
    assert words in done.err
    assert "Traceback" not in done.err
    assert not out.exists()


@pytest.mark.parametrize("content", [None, b"", b"no video at all, though the name says so"])
def test_a_bad_file_is_one_sentence_and_exit_code_1(run, model_folder, tmp_path, content):
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    done = run("watch", path, "--model", model_folder, "--out", tmp_path / "p.csv")
    assert done.code == 1
    assert "bad.mp4" in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_an_unknown_model_is_refused_with_the_known_ones(run, video):
    done = run("watch", video, "--model", "fam-swin-giant")
    assert done.code == 1
    assert "fam-swin-t" in done.err


def test_sample_writes_a_video_and_its_labels(run, tmp_path):
    out = tmp_path / "barn.mp4"
    done = run("sample", out, "--minutes", 0.05, "--fps", 4, "--width", 160, "--height", 96)
    assert done.code == 0, done.err
    with av.open(str(out)) as container:
        assert container.streams.video[0].frames == 12
    assert "barn.labels.csv" in done.out
    assert float(rows(tmp_path / "barn.labels.csv")[-1]["end_seconds"]) == 3


def test_app_without_gradio_says_how_to_install_it(run, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "gradio" else find_spec(name)
    )
    done = run("app")
    assert done.code == 1
    assert "pip install" in done.err


def test_app_lists_its_own_options(run):
    done = run("app", "--help")
    assert done.code == 0
    for option in ("--host", "--port", "--model", "--videos", "--max-upload", "--max-runs"):
        assert option in done.out


def test_doctor_says_what_is_there(run):
    if not bundled_models():
        pytest.skip("the bundled model is not in assets/ yet")
    done = run("doctor")
    assert done.code == 0, done.out
    for word in ("torch", "PyAV", "cpu", "fam-swin-nano", "fam-swin-t"):
        assert word in done.out


def test_doctor_fails_where_something_needed_is_missing(run, monkeypatch):
    monkeypatch.setattr("vidmem.doctor.bundled_models", dict)
    done = run("doctor")
    assert done.code == 1
    assert "no bundled model" in done.out
    assert "install vidmem again" in done.out


def test_doctor_says_how_to_get_what_is_not_installed(run, monkeypatch):
    version = importlib.metadata.version

    def without_gradio(name: str) -> str:
        if name == "gradio":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_gradio)
    assert "pip install 'vidmem[app]'" in run("doctor").out
