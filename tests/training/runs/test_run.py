"""A run: goes on bit for bit, stops early, and leaves a folder that says all."""

import json
import logging
import sys

import pytest
import torch

from tests.training.runs.sequences import config_values, write_features
from vidmem.errors import CheckpointError, ModelError, SettingError, StorageError
from vidmem.training.loop import Loop, LoopConfig
from vidmem.training.runs import record
from vidmem.training.runs.config import config_from
from vidmem.training.runs.folder import RunFolder
from vidmem.training.runs.registry import TASKS
from vidmem.training.runs.run import RunCancelledError, train_run

KINDS = {
    "gru": {},
    "cbas": {"reach_frames": 2},
    "spool": {"dropout": 0.2, "embed_dim": 8},
    "fam": {
        "embed_dim": 2,
        "num_heads": [1, 1],
        "l_mem_shortest": 1,
        "gate": 0.5,
        "memory": {"l_mem": 3, "tokens_per_clip": 4},
    },
}


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write_features(tmp_path_factory.mktemp("features") / "tiny.npz")


@pytest.fixture(autouse=True)
def no_tensorboard(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


def make_config(features, kind="gru", **tables):
    return config_from(config_values(features, kind, **tables))


def metrics(folder):
    return (folder / "metrics.jsonl").read_text()


def weights(folder):
    (path,) = (folder / "checkpoints").glob("best-*.pt")
    return path.name, torch.load(path, weights_only=True)


def assert_same_run(one, other):
    assert metrics(one) == metrics(other)
    assert (one / "scores.json").read_text() == (other / "scores.json").read_text()
    (name, own), (other_name, others) = weights(one), weights(other)
    assert name == other_name
    assert own.keys() == others.keys()
    assert all(torch.equal(own[key], others[key]) for key in own)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_and_continued_it_is_the_same_bit_for_bit(features, tmp_path, kind):
    optimizer = {"ema": 0.9, "optimizer": "muon" if kind == "spool" else "adamw", "accumulate": 2}
    config = make_config(features, kind, model=KINDS[kind], optimizer=optimizer)
    torch.manual_seed(5)
    scores = train_run(config, tmp_path / "whole", device="cpu")
    for kill_at in (1, 4, 11):
        torch.manual_seed(kill_at)
        torch.rand(kill_at)

        def die(report, kill_at=kill_at):
            if report.step == kill_at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train_run(config, tmp_path / "killed", device="cpu", on_step=die)
    assert train_run(config, tmp_path / "killed", device="cpu") == scores
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_it_learns_and_leaves_a_folder_that_says_all(features, tmp_path, caplog):
    config = make_config(features, optimizer={"steps": 60, "batch": 16})
    reports = []
    with caplog.at_level(logging.INFO):
        scores = train_run(config, tmp_path, device="cpu", toml="# mine", on_step=reports.append)
    assert "pip install 'vidmem[train]'" in caplog.text
    assert scores["accuracy"] > 0.8
    assert [report.step for report in reports] == list(range(60))
    folder = RunFolder(tmp_path)
    assert folder.config() == config
    assert (tmp_path / "config.toml").read_text() == "# mine"
    done = folder.scores()
    assert done is not None and done.test == scores and done.num_steps == 60
    lines = folder.metrics()
    assert [line["step"] for line in lines] == list(range(4, 61, 4))
    best = max(lines, key=lambda line: line["valid"]["accuracy"])
    assert (best["step"], best["valid"]) == (done.best_step, done.valid)
    (note,) = json.loads((tmp_path / "run.json").read_text())
    assert (note["outcome"], note["seed"], note["device"]) == ("done", 3, "cpu")
    assert note["torch"] == str(torch.__version__)
    assert note["parameters"] == note["learned_parameters"] > 0


def test_a_run_that_is_done_is_not_run_again(features, tmp_path, monkeypatch):
    config = make_config(features)
    scores = train_run(config, tmp_path, device="cpu")
    monkeypatch.setitem(TASKS, "feature-file", None)
    assert train_run(config, tmp_path, device="cpu") == scores


def test_the_seed_decides(features, tmp_path):
    train_run(make_config(features), tmp_path / "one", device="cpu")
    train_run(make_config(features, seed=4), tmp_path / "two", device="cpu")
    assert metrics(tmp_path / "one") != metrics(tmp_path / "two")


def test_parts_of_a_batch_are_averaged():
    def learn(losses_of, share):
        weight = torch.nn.Parameter(torch.tensor([[1.0, -2.0]]))
        loop = Loop([weight], LoopConfig(steps=3, max_grad_norm=1e9))
        reports = [loop.step(step, losses_of(weight), share=share) for step in range(3)]
        return weight.detach(), [report.loss for report in reports]

    parts = torch.tensor([[1.0, 0.5], [3.0, -1.0]])
    whole = learn(lambda weight: [((weight * parts).sum(1) ** 2).mean()], 1.0)
    halves = learn(lambda weight: ((weight * part).sum() ** 2 for part in parts), 0.5)
    torch.testing.assert_close(whole, halves)


def test_it_stops_when_nothing_is_gained(features, tmp_path):
    stop = {"check_every": 2, "patience": 2}
    still = {"learning_rate": 1e-12, "steps": 100}
    train_run(make_config(features, optimizer=still, stop=stop), tmp_path, device="cpu")
    done = RunFolder(tmp_path).scores()
    assert done is not None and (done.best_step, done.num_steps) == (2, 6)


def test_what_is_scored_is_the_average_of_weights(features, tmp_path):
    plain = make_config(features, optimizer={"steps": 4})
    train_run(plain, tmp_path / "plain", device="cpu")
    train_run(
        make_config(features, optimizer={"steps": 4, "ema": 0.99}), tmp_path / "mean", device="cpu"
    )
    # The steps are the same, since what learns is not averaged.
    losses = [RunFolder(tmp_path / name).metrics()[0]["loss"] for name in ("plain", "mean")]
    assert losses[0] == losses[1]
    own, mean = weights(tmp_path / "plain")[1], weights(tmp_path / "mean")[1]
    assert any(not torch.equal(own[name], mean[name]) for name in own)


def test_bf16_learns_too(features, tmp_path):
    config = make_config(features, "spool", optimizer={"precision": "bf16", "steps": 30})
    assert train_run(config, tmp_path, device="cpu")["accuracy"] > 0.7
    _, own = weights(tmp_path)
    assert all(value.dtype == torch.float32 for value in own.values())


def test_a_folder_of_another_config_is_refused(features, tmp_path):
    train_run(make_config(features), tmp_path, device="cpu")
    other = make_config(features, model={"hidden": 16})
    with pytest.raises(SettingError, match=r"its model.hidden is 32, not 16"):
        train_run(other, tmp_path, device="cpu")


def test_a_folder_in_use_is_refused(features, tmp_path):
    with RunFolder(tmp_path).held(), pytest.raises(StorageError, match="another process trains"):
        train_run(make_config(features), tmp_path, device="cpu")


def test_a_loss_that_is_no_number_ends_it_with_a_sentence(features, tmp_path):
    config = make_config(
        features, optimizer={"learning_rate": 1e30, "warmup_steps": 0, "max_grad_norm": 1e30}
    )
    with pytest.raises(
        ModelError, match=r"tiny: the loss is .* lower the learning rate, now 1e\+30"
    ):
        train_run(config, tmp_path, device="cpu")
    (note,) = json.loads((tmp_path / "run.json").read_text())
    assert "ModelError: tiny: the loss is" in note["outcome"]


def test_it_ends_when_it_is_asked_to_and_goes_on(features, tmp_path):
    config = make_config(features)
    scores = train_run(config, tmp_path / "whole", device="cpu")
    calls = iter([False, True])
    with pytest.raises(RunCancelledError, match="after step 2; it can go on"):
        train_run(config, tmp_path / "cut", device="cpu", is_cancelled=lambda: next(calls))
    assert train_run(config, tmp_path / "cut", device="cpu") == scores
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_a_damaged_checkpoint_is_named(features, tmp_path):
    config = make_config(features)
    with pytest.raises(RunCancelledError):
        train_run(config, tmp_path, device="cpu", is_cancelled=lambda: True)
    (tmp_path / "checkpoints" / "last.pt").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"last.pt is missing or damaged"):
        train_run(config, tmp_path, device="cpu")


def test_outside_of_a_checkout_there_is_no_revision(tmp_path):
    assert record.git_revision(tmp_path) is None
