"""Clips of a miniature in Kinetics' own layout: learnt from, and scored in several views."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from tests.data.footage import write_pen
from tests.data.manifest import miniatures
from tests.training.runs.videos.miniature import FAM, VIT, config_values
from vidmem.errors import DatasetError, SettingError
from vidmem.evaluation.metrics import mean_average_precision, top_share
from vidmem.models import FamSwin, load_folder
from vidmem.training.runs.config import config_from
from vidmem.training.runs.kinds import Draw
from vidmem.training.runs.run import train_run
from vidmem.training.runs.videos.reading import CENTRE, ClipReader, View, views
from vidmem.training.runs.videos.scoring import Predictions


def make_task(miniature, **task):
    values = config_values(miniature, {"kind": "image", "backbone_config": VIT}, task=task)
    config = config_from(values)
    return config.task_kind.make(config.task)


def draw(step, part=0):
    return Draw(seed=1, step=step, part=part, num_parts=2, size=2)


def test_a_run_goes_on_bit_for_bit_and_leaves_a_model_that_streams(miniature, tmp_path):
    model = {"kind": "fam-swin", **FAM}
    config = config_from(config_values(miniature, model, checkpoints={"every": 1}))
    scores = train_run(config, tmp_path / "whole", device="cpu")
    assert scores.keys() == {"top1", "top5", "macro_f1", "mean_average_precision"}

    def die(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(config, tmp_path / "cut", device="cpu", on_step=die)
    assert train_run(config, tmp_path / "cut", device="cpu") == scores
    texts = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("whole", "cut")]
    assert texts[0] == texts[1]
    models = [load_folder(tmp_path / name / "model") for name in ("whole", "cut")]
    assert isinstance(models[0], FamSwin)
    assert models[0].card.class_names == ("shearing sheep", "tai chi")
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["ucf101", "hmdb51"])
def test_a_split_of_a_dataset_is_learnt_and_scored_from_end_to_end(name, tmp_path):
    path = getattr(miniatures, name)(
        tmp_path / name, write_pen(tmp_path / "pen.mp4", 2, width=64, height=48, fps=8)
    )
    model = {"kind": "gru", "backbone_config": VIT, "hidden": 4}
    scores = train_run(config_from(config_values(path, model)), tmp_path / "run", device="cpu")
    assert 0 <= scores["top1"] <= 1
    assert scores["top5"] == 1  # of two classes


def test_a_batch_follows_from_its_draw(miniature):
    task = make_task(miniature)
    clips, classes = task.batch(draw(3))
    assert clips.shape == (2, 4, 3, 32, 32)
    again, same = make_task(miniature).batch(draw(3))
    assert torch.equal(clips, again) and torch.equal(classes, same)
    assert not torch.equal(clips, task.batch(draw(4))[0])
    assert not torch.equal(clips, task.batch(draw(3, part=1))[0])


def test_views_lie_evenly_along_a_sample_and_across_its_picture(miniature):
    task = make_task(miniature, crop_share=0.5, resize="crop")
    sample = task.splits.valid.samples[0]
    reader = ClipReader(task._config)
    centre = reader.pixels(sample, CENTRE)
    assert centre.shape == (4, 32, 32, 3)
    # 64 x 48 pixels at 85 x 64, since a crop takes half: its right edge is where the picture ends.
    left, right = (reader.pixels(sample, View(0.5, at, 0.5)) for at in (0.0, 1.0))
    assert not np.array_equal(left, right)
    assert [view.at for view in views(2, 3)] == [0.25] * 3 + [0.75] * 3
    assert [view.across for view in views(1, 3)] == [0.0, 0.5, 1.0]
    long = make_task(miniature, clip_frames=20)
    padded = ClipReader(long._config).pixels(sample, CENTRE)  # of 8 sampled frames
    assert len(padded) == 20
    assert np.array_equal(padded[8], padded[19])


class ByBrightness(torch.nn.Module):
    """A network without weights that matter: the brighter, the more of class 1."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, clips):
        mean = clips.mean((1, 2, 3, 4))
        return torch.stack([-mean, mean], 1)


def test_the_probabilities_of_several_views_are_averaged(miniature):
    task, network = make_task(miniature), ByBrightness()
    found = task.predictions(network, "test", 2, 3)
    sample, reader = task.splits.test.samples[0], ClipReader(task._config)
    card = task.facts.card
    each = []
    for view in views(2, 3):
        pixels = torch.from_numpy(reader.pixels(sample, view).copy()).permute(0, 3, 1, 2) / 255
        mean, std = (torch.tensor(one)[:, None, None] for one in (card.mean, card.std))
        each.append(network(((pixels - mean) / std)[None]).softmax(-1))
    np.testing.assert_allclose(found.probabilities, torch.cat(each).mean(0)[None].detach(), 1e-5)
    assert found.classes.tolist() == [1]
    with pytest.raises(SettingError, match="crops of a clip must be 1 or 3, got 2"):
        task.predictions(network, "test", 1, 2)


class TwoAnswers(ByBrightness):
    """One that is sure of class 1, and one that is not."""

    def forward(self, clips):
        logits = torch.tensor([[0.0, 4.0], [0.0, 0.0]]) + self.weight
        return logits.expand(len(clips), 2, 2)


def test_all_answers_of_a_network_are_taught(miniature):
    task = make_task(miniature)
    loss = task.loss(TwoAnswers(), (torch.zeros(3, 4, 3, 32, 32), torch.tensor([1, 1, 0])))
    rows = torch.tensor([[0.0, 4.0], [0.0, 0.0]])
    want = [torch.nn.functional.cross_entropy(rows, torch.tensor([c, c])) for c in (1, 1, 0)]
    torch.testing.assert_close(loss, torch.stack(want).mean())


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities = rng.random((40, 6), np.float32)
    classes = rng.integers(5, size=40)  # the sixth class never occurs
    want = np.mean([average_precision_score(classes == c, probabilities[:, c]) for c in range(5)])
    assert mean_average_precision(probabilities, classes) == pytest.approx(want)
    assert top_share(probabilities, classes, 6) == 1
    right = np.eye(6, dtype=np.float32)[classes]
    scores = Predictions(right, classes).scores()
    assert set(scores.values()) == {1.0}
    same = np.full((40, 6), 1 / 6, np.float32)
    assert mean_average_precision(same, classes) < 0.25  # to say the same of all gains nothing


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        (
            {"train": "training"},
            SettingError,
            "has no subset 'training'; its subsets are train, val",
        ),
        ({"clip_frames": 0}, SettingError, "clip_frames must be a whole number of at least 1"),
        ({"crop_share": 0.0}, SettingError, "crop_share must be above 0"),
        ({"path": "nowhere"}, DatasetError, "nowhere"),
    ],
)
def test_what_does_not_fit_is_named(miniature, task, error, message):
    with pytest.raises(error, match=message):
        make_task(miniature, **task)


@pytest.mark.parametrize(
    ("layout", "sizes", "class_names"),
    [
        (miniatures.ucf101, (2, 1, 1), ("ApplyEyeMakeup", "Archery")),
        (miniatures.hmdb51, (2, 1, 1), ("brush_hair", "cartwheel")),
        (miniatures.something, (1, 1, 1), None),
        (miniatures.class_folders, (2, 1, 1), ("lying", "standing")),
    ],
)
def test_the_splits_of_other_layouts_are_theirs(miniature, tmp_path, layout, sizes, class_names):
    root = layout(tmp_path / "dataset", miniature.parent / "pen.mp4")
    splits = make_task(root).splits
    assert tuple(map(len, (splits.train, splits.valid, splits.test))) == sizes
    assert class_names is None or splits.train.class_names == class_names
    folds = 2 if layout is miniatures.ucf101 else 1
    assert len(make_task(root, fold=folds).splits.train)


def test_samples_of_several_classes_are_refused(miniature, tmp_path):
    root = miniatures.ava(tmp_path / "ava", miniature.parent / "pen.mp4")
    with pytest.raises(DatasetError, match="samples must be of one class each"):
        make_task(root)


def test_what_was_chosen_on_is_what_is_scored_where_there_is_no_other(miniature, tmp_path):
    task = make_task(miniature)
    assert task.splits.valid is not task.splits.train
    assert task.splits.valid.samples == task.splits.test.samples
    assert json.dumps(task.facts.card.trained_on)
