"""`vidmem teach`: from labels and a small video to a folder that `vidmem watch` takes."""

from __future__ import annotations

import inspect
import io
import json
import shutil
import signal
import sys

import av
import numpy as np
import pytest
import torch

import vidmem
from vidmem.cli.teaching import teach as command
from vidmem.cli.teaching_progress import TeachingDisplay
from vidmem.cli.terminal import new_console
from vidmem.labels import Bout
from vidmem.models import FollowedCrop
from vidmem.models.checkpoint import read_description
from vidmem.projects import Project
from vidmem.teaching import LearnConfig, TeachConfig, TeachProgress, read_report, teach

BOUT_SECONDS, NUM_BOUTS = 4, 9
BEHAVIOURS = ("left", "right")
SIDE = 48


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    """A folder with a video of a block that is left or right, and one with a tiny encoder."""
    folder = tmp_path_factory.mktemp("footage")
    (folder / "videos").mkdir()
    rng = np.random.default_rng(0)
    with av.open(str(folder / "videos" / "pen.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        for number in range(4 * BOUT_SECONDS * NUM_BOUTS):
            picture = rng.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
            start = number // (4 * BOUT_SECONDS) % 2 * SIDE // 2
            picture[16:32, start : start + SIDE // 2] += 150
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    rows = (
        f"pen.mp4,{at * BOUT_SECONDS},{(at + 1) * BOUT_SECONDS},{BEHAVIOURS[at % 2]}\n"
        for at in range(NUM_BOUTS)
    )
    (folder / "labels.csv").write_text("video,start_seconds,end_seconds,label\n" + "".join(rows))
    _save_encoder(folder / "encoder")
    return folder


def _save_encoder(folder) -> None:
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        patch_size=8,
        image_size=SIDE,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        ViTModel(config).save_pretrained(folder)
    pictures = {
        "size": {"height": SIDE, "width": SIDE},
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))


@pytest.fixture
def here(footage, tmp_path, monkeypatch):
    """The current folder, with the footage, a cache of its own, and lessons of a few steps."""
    for name in ("videos", "encoder", "labels.csv"):
        (tmp_path / name).symlink_to(footage / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIDMEM_CACHE", str(footage / "cache"))
    defaults = LearnConfig.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "steps", 2)
    monkeypatch.setitem(defaults, "check_every", 1)
    monkeypatch.setattr("vidmem.teaching.warm_start.CORRECTION", LearnConfig())
    monkeypatch.setattr("vidmem.teaching.linear.STRENGTHS", (0.3,))
    monkeypatch.setattr("vidmem.teaching.report.insight.NUM_DRAWS", 1)
    return tmp_path


QUICK = ("--encoder", "encoder", "--fps", 2, "--gap", 1, "--no-baselines")
FILES = ("--labels", "labels.csv", "--videos", "videos")


def test_a_taught_model_is_one_that_watch_takes(run, here):
    done = run("teach", "mine", *FILES, *QUICK)
    assert done.code == 0, done.err
    assert "labels: 9 bouts in 1 video" in done.out
    assert "encoding pen.mp4\nsplit: " in done.out
    assert "behaviour: " in done.out
    assert "Spool (the model) " in done.out
    assert "Always the most common " in done.out
    assert "use it: vidmem watch VIDEO --model mine --out p.csv" in done.out
    names = {path.name for path in (here / "mine").iterdir()}
    assert names >= {"model.safetensors", "config.json", "report.json", "report.md"}
    config, card = read_description("mine")
    assert (card.name, card.class_names) == ("mine", BEHAVIOURS)
    assert config.features.backbone == str(here / "encoder")  # found again from elsewhere

    (here / "elsewhere").mkdir()
    out = here / "p.csv"
    assert run("watch", "videos/pen.mp4", "--model", here / "mine", "--out", out).code == 0
    lines = out.read_text().splitlines()
    assert lines[0].startswith("start_seconds,end_seconds,label,probability,remembered,left,right")
    assert len(lines) == 1 + 2 * BOUT_SECONDS * NUM_BOUTS


def test_regions_of_a_file_are_taught_and_then_watched(run, here):
    boxes = [
        {"name": "pen 1", "left": 0, "top": 0, "width": 1, "height": 0.9},
        {"name": "pen 2", "left": 0, "top": 0.1, "width": 1, "height": 0.9},
    ]
    (here / "pens.json").write_text(json.dumps(boxes))
    rows = (here / "labels.csv").read_text().splitlines()
    whose = [f"{row},pen {1 + at % 2}" for at, row in enumerate(rows[1:])]
    whose += [f"{row},pen {2 - at % 2}" for at, row in enumerate(rows[1:])]
    (here / "whose.csv").write_text("\n".join([f"{rows[0]},subject", *whose]))
    words = ("--labels", "whose.csv", "--videos", "videos", "--regions", "pens.json")
    done = run("teach", "mine", *words, *QUICK)
    assert done.code == 0, done.err
    assert "encoding 2 regions of pen.mp4" in done.out
    assert "Macro-F1 of the model on each subject" in done.out
    use = "vidmem watch VIDEO --model mine --regions pens.json --out p.csv"
    assert f"use it: {use}" in done.out
    found = read_report("mine")
    assert [one["subject"] for one in found["subjects"]] == ["pen 1", "pen 2"]
    done = run(*use.replace("VIDEO", "videos/pen.mp4").split()[1:])
    assert done.code == 0, done.err
    assert {path.name for path in (here / "p").glob("*.csv")} == {"pen 1.csv", "pen 2.csv"}


def test_json_is_the_report_alone_and_a_model_that_is_there_is_kept(run, here):
    words = ("--model", "fam", "--memory-seconds", 1, "--name", "sows", "--no-motion", "--seeds", 2)
    done = run("teach", "mine", *FILES, *QUICK, *words, "--json", "--report", "papers/first")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["model"] == "fam"
    assert found["model_folder"] == "mine"
    assert len(found["candidates"][0]["seeds"]) == 2
    assert "split: " in done.err
    assert read_report("mine") == read_report("papers/first")
    assert read_report("mine")["macro_f1"] == found["macro_f1"]
    config, card = read_description("mine")
    assert (card.name, config.features.has_motion) == ("sows", False)

    weights = (here / "mine" / "model.safetensors").read_bytes()
    words = ("teach", "mine", *FILES, *QUICK)
    done = run(*words)
    assert (done.code, "mine has a model already" in done.err) == (1, True)
    assert (here / "mine" / "model.safetensors").read_bytes() == weights
    assert run(*words, "--replace", "--follow").code == 0
    assert type(vidmem.load("mine")).__name__ == "Spool"
    assert read_description("mine")[1].follow == FollowedCrop(share=0.3, every_frames=2)


def test_a_model_is_corrected_as_it_was_taught(run, here):
    assert run("teach", "mine", *FILES, *QUICK, "--no-motion").code == 0
    first = read_report("mine")
    done = run("teach", "mine", *FILES, "--warm-start", "mine", "--replace", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["split"]["pieces"] == first["split"]["pieces"]
    assert found["earlier"]["macro_f1"] == first["macro_f1"]
    assert "CBAS head (biLSTM)" in found["left_out"]
    config, card = read_description("mine")
    assert (config.features.has_motion, card.fps, card.name) == (False, 4, "mine")
    for words, sentence in (
        (("--model", "fam", "--fps", 2), "which is a Spool, and a FAM Swin was asked for"),
        (("--gap", 3, "--split", "time"), "--split, --gap: with --warm-start what is kept"),
    ):
        done = run("teach", "other", *FILES, "--warm-start", "mine", *words)
        assert (done.code, sentence in done.err) == (1, True), done.err
    done = run("teach", "other", *FILES, "--warm-start", "videos")
    assert (done.code, "is no model" in done.err) == (1, True)


def test_a_project_gives_labels_and_videos_and_gets_the_model(run, here):
    shutil.copy("videos/pen.mp4", "other.mp4")
    with Project.create(here / "project", preset="empty") as project:  # open beside, as by an app
        video = project.add_video(here / "other.mp4")
        labels = vidmem.labels.read("labels.csv")
        project.behaviours.unite(labels.ethogram)
        for bout in labels.bouts:
            project.labels.add_bout(bout.changed(video=video.name, source="human"))
        done = run("teach", "--project", "project", "first", *QUICK)
        assert done.code == 0, done.err
        folder = project.models_folder / "first"
        assert read_report(folder)["axes"] == {"behaviour": list(BEHAVIOURS)}
        assert list(project.features_folder.iterdir())
        assert read_description(folder)[1].name == "first"

        (here / "other.mp4").write_bytes(b"another")
        done = run("teach", "--project", "project", "second", *QUICK)
        assert (done.code, "has other content than when it was labelled" in done.err) == (1, True)
        (here / "other.mp4").unlink()
        done = run("teach", "--project", "project", "second", *QUICK)
        assert (done.code, "the file of other.mp4 is not there" in done.err) == (1, True)
        assert not (project.models_folder / "second").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("mine",), "--labels and --videos must be given"),
        (("mine", "--labels", "labels.csv"), "--videos must be given"),
        (("mine", "--labels", "none.csv", "--videos", "videos"), "none.csv"),
        (("mine", "--labels", "labels.csv", "--videos", "encoder"), "pen.mp4 of the labels is not"),
        (("mine", *FILES, "--project", "project"), "are those of the project"),
        (("a/b", "--project", "project"), "is no name for a model of a project"),
        (("mine", "--project", "project"), "there is no folder"),
        (("labels.csv", *FILES), "is no folder"),
        (("videos", *FILES), "is there and is no model's folder"),
        (("encoder", *FILES, "--replace"), "is there and is no model's folder"),
        (("spool-nano", *FILES), "is the name of a model that vidmem has"),
        (("mine", *FILES, "--report", "labels.csv/r"), "is no folder"),
        (("mine", *FILES, "--model", "gru"), "gru is a baseline"),
        (("mine", *FILES, "--model", "resnet"), "spool or fam"),
        (("mine", *FILES, "--encoder", "./none"), "there is no folder ./none"),
        (("mine", *FILES, "--axis", "posture"), "posture"),
        (("mine", *FILES, "--subject", "sow 7"), "sow 7"),
        (("mine", *FILES, "--fps", 100), "feature_fps"),
        (
            ("mine", *FILES, "--split", "frames"),
            "--split must be auto, videos, subjects, blocks, time",
        ),
        (("mine", *FILES, "--learn-share", 0.5), "give --split time"),
        (("mine", *FILES, "--split", "time", "--test-videos", "*2*"), "leaves whole videos out"),
        (("mine", *FILES, "--split", "time", "--test-subjects", "*7"), "give --split subjects"),
        (("mine", *FILES, "--test-subjects", "*", "--test-videos", "*"), "give one of them"),
        (("mine", *FILES, "--split", "subjects"), "do not say whose they are"),
        (("mine", *FILES, "--regions", "none.json"), "none.json cannot be read"),
        (("mine", *FILES, "--regions", "labels.csv"), "labels.csv must be JSON"),
        (("mine", *FILES, "--features-gb", 0.01, "--gap", -1), "gap_seconds"),
        (("mine", *FILES, "--gap", "nan"), "gap_seconds"),
        (("mine", *FILES, "--seed", 2**40), "seed must be from 0 to"),
        (("mine", *FILES, "--follow-share", 3), "0.05 to 1 of the shorter edge, got 3"),
        (("mine", *FILES, "--clip-seconds", 60), "clip_frames must be a whole number from 2 to"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_taught_is_said_before_a_video_is_encoded(run, here, words, sentence):
    before = sorted(here.rglob("*"))
    done = run("teach", *words, *(() if "--encoder" in words else ("--encoder", "encoder")))
    assert done.code == 1, done.out
    assert sentence in done.err
    assert "encoding" not in done.out
    assert sorted(here.rglob("*")) == before


def test_the_command_teaches_as_a_script_does_where_nothing_is_said():
    said = {name: one.default for name, one in inspect.signature(command).parameters.items()}
    config = TeachConfig()
    assert said["model"] == config.model
    assert said["encoder"] == config.features.backbone
    assert said["fps"] == config.feature_fps
    assert said["gap"] == config.split.gap_seconds
    assert said["split"] == config.split.method
    assert said["features_gb"] * 1e9 == vidmem.models.FeatureStore().max_bytes
    assert all(said[name] == getattr(config, name) for name in ("clip_seconds", "memory_seconds"))
    assert (said["seed"], said["seeds"]) == (config.seed, config.num_seeds)


def test_what_is_encoded_is_kept_at_ctrl_c(run, here, monkeypatch):
    update, stops = TeachingDisplay.update, iter([signal.SIGINT])

    def stop(display, progress):
        update(display, progress)
        for one in stops:  # a second time would stop it at once
            signal.raise_signal(one)

    monkeypatch.setattr(TeachingDisplay, "update", stop)
    monkeypatch.setenv("VIDMEM_CACHE", str(here / "cache"))
    done = run("teach", "mine", *FILES, *QUICK)
    assert done.code == 130, done.err
    assert "stopping; Ctrl-C again stops at once" in done.out
    assert f"What is encoded is kept in {here / 'cache' / 'features'}" in done.out
    assert not (here / "mine").exists()


def test_a_script_teaches_from_a_file_or_from_labels(here):
    config = TeachConfig(
        features=vidmem.models.FeatureConfig(backbone="encoder"),
        feature_fps=2,
        split=vidmem.teaching.SplitConfig(gap_seconds=1),
        has_baselines=False,
    )
    model, report = vidmem.teach("labels.csv", "videos", model="spool", config=config)
    assert teach is vidmem.teach
    assert "majority" in report.baselines
    assert model.card.class_names == BEHAVIOURS
    labels = vidmem.labels.read("labels.csv")
    with pytest.raises(vidmem.errors.LabelError, match="ends after the video"):
        vidmem.teach(labels.add(Bout("pen.mp4", 990, 999, "left")), "videos", config=config)


def test_on_a_terminal_a_line_is_redrawn(monkeypatch):
    """The bar puts a stream of its own in the place of stdout, which must not lead back to it."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    console = new_console()
    with TeachingDisplay(console) as display:
        for done in (0.25, 0.5):
            display.update(TeachProgress(stage="encoding pen.mp4", done=done, seconds_left=90.0))
        console.print("split: in blocks")
        sys.stdout.write("a warning\n")
    shown = terminal.getvalue()
    assert "encoding pen.mp4" in shown
    assert "1 min 30 s left" in shown
    assert "split: in blocks" in shown
    assert "a warning" in shown
