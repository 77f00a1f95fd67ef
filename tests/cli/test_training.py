"""`vidmem train CONFIG.toml` and `vidmem evaluate RUN`."""

import json
import signal
import sys

import pytest

from tests.training.runs.sequences import write_features
from tests.training.runs.videos.miniature import write_miniature
from vidmem.training.runs.run import train_run

CONFIG = """
name = "tiny"
[task]
kind = "feature-file"
path = "{path}"
[model]
kind = "gru"
[optimizer]
steps = 20
batch = 8
learning_rate = 0.02
[stop]
check_every = 10
"""

CLIPS = """
name = "miniature"
[task]
kind = "videos"
path = "{path}"
clip_frames = 4
height = 32
width = 32
[model]
kind = "fam-swin"
tubelet_size = [2, 8, 8]
embed_dim = 8
depths = [1, 1, 1, 1]
num_heads = [1, 1, 1, 2]
attention_window = [2, 2, 2]
memory = {{ l_mem = 2, tokens_per_clip = 8 }}
[optimizer]
steps = 1
batch = 2
"""


@pytest.fixture(autouse=True)
def no_tensorboard(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(CONFIG.format(path=write_features(tmp_path / "tiny.npz")))
    return path


def test_a_config_is_trained_and_scored(run, config, tmp_path):
    done = run("train", config, "--device", "cpu")
    folder = tmp_path / "tiny"
    assert (done.code, done.err) == (0, "")
    assert "tiny: gru on feature-file, 20 steps" in done.out
    assert "step 20 of 20: loss" in done.out
    assert (folder / "config.toml").read_text() == config.read_text()
    scores = json.loads((folder / "scores.json").read_text())
    assert f"accuracy {scores['test']['accuracy']:.4f}" in done.out
    found = run("evaluate", folder, "--device", "cpu", "--batch", 2)
    assert (found.code, found.err) == (0, "")
    assert f"accuracy {scores['test']['accuracy']:.4f}" in found.out
    evaluation = json.loads((folder / "evaluation.json").read_text())
    cost = evaluation["efficiency"]
    assert cost["parameters"] > 0 and cost["flops"] > 0 and cost["latency_seconds"] > 0
    assert "only runs on samples" in run("evaluate", folder, "--clips", 2).err


def test_a_run_on_videos_is_scored_in_views_class_by_class_and_streams(run, tmp_path):
    path = tmp_path / "clips.toml"
    path.write_text(CLIPS.format(path=write_miniature(tmp_path)))
    assert run("train", path, "--out", tmp_path / "run").code == 0
    words = ("evaluate", tmp_path / "run", "--clips", 2, "--crops", 3, "--batch", 1)
    done = run(*words)
    assert (done.code, done.err) == (0, "")
    assert "miniature: test, 2 clips x 3 crops, the weights after step 1" in done.out
    assert "top1" in done.out and "mean average precision" in done.out
    assert "| tai chi |" in done.out
    rows = (tmp_path / "run" / "confusion.csv").read_text().splitlines()
    assert rows[0] == "class \\ predicted,shearing sheep,tai chi"
    assert sum(int(cell) for row in rows[1:] for cell in row.split(",")[1:]) == 1
    video = tmp_path / "pen.mp4"
    watched = run(
        "watch", video, "--model", tmp_path / "run" / "model", "--out", tmp_path / "p.csv"
    )
    assert watched.code == 0
    assert (tmp_path / "p.csv").read_text().count("\n") > 1


def test_ctrl_c_ends_it_after_a_step_and_the_same_command_goes_on(
    run, config, tmp_path, monkeypatch
):
    def interrupted(config, folder, **options):
        on_step = options.pop("on_step")

        def interrupt(report):
            if report.step == 3:
                signal.raise_signal(signal.SIGINT)
            on_step(report)

        return train_run(config, folder, on_step=interrupt, **options)

    with monkeypatch.context() as patch:
        patch.setattr("vidmem.training.runs.run.train_run", interrupted)
        done = run("train", config)
    assert done.code == 130
    assert "the same command goes on with" in done.out
    again = run("train", config)
    assert again.code == 0
    records = json.loads((tmp_path / "tiny" / "run.json").read_text())
    assert [record["first_step"] for record in records] == [0, 5]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "{config}", "--videos", 3), "--videos and --model are for nano models"),
        (("train", "folder", "--device", "cpu"), "--out and --device go with a config"),
        (("evaluate", "fam-swin-nano", "--crops", 3), "go with the folder of a run"),
        (("train", "missing.toml"), "missing.toml cannot be read"),
    ],
)
def test_what_does_not_fit_together_is_said(run, config, words, message):
    done = run(*(str(word).format(config=config) for word in words))
    assert done.code == 1
    assert message in done.err


def test_a_run_that_is_not_done_is_not_scored(run, config, tmp_path):
    run("train", config)
    (tmp_path / "tiny" / "scores.json").unlink()
    assert "is not done" in run("evaluate", tmp_path / "tiny").err
