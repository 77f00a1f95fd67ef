"""A correction on top of a taught model: it follows new labels, and is tested on what it was."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from importlib import import_module

import pytest
import torch

import vidmem
from tests.teaching.footage import CONFIG, LABELS
from tests.teaching.taught import load_tiny
from vidmem.errors import CheckpointError, LabelError, SettingError
from vidmem.labels import Bout, Labels
from vidmem.models.features import encoder as encoders
from vidmem.teaching import LEARNERS, WarmStart, linear
from vidmem.teaching.report.report import read_report
from vidmem.teaching.teach import TeachConfig, teach

pytestmark = pytest.mark.usefixtures("here")

OTHER = {"lying": "standing", "standing": "lying"}
WRONG = Labels(
    LABELS.ethogram,
    tuple(replace(one, behaviour=OTHER[one.behaviour]) for one in LABELS.bouts),
)
"""Each bout has the name of the other behaviour."""


@pytest.fixture(autouse=True)
def quick_heads(monkeypatch):
    """Linear heads that are fitted in no time."""
    monkeypatch.setattr(linear, "STRENGTHS", (0.3,))


@pytest.fixture(scope="module")
def earlier(video, store):
    """A model that was taught on wrong labels, with its report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders, "load_backbone", load_tiny)
        patch.setattr(linear, "STRENGTHS", (0.3,))
        config = replace(CONFIG, name="wrong", has_curve=False)
        return teach(WRONG, video, config=config, store=store)


@pytest.fixture(scope="module")
def folder(earlier, tmp_path_factory):
    """It, written."""
    path = tmp_path_factory.mktemp("models") / "wrong"
    vidmem.save(earlier[0], path)
    earlier[1].write(path)
    return path


def quick(source, **fields):
    """The config of a correction, of few steps."""
    return replace(TeachConfig(**WarmStart.of(source).settings()), learn=CONFIG.learn, **fields)


def test_wrong_labels_that_are_corrected_raise_the_score_on_the_same_time(
    folder, video, store, tmp_path
):
    model, report = teach(LABELS, video, warm_start=folder, config=quick(folder), store=store)
    before = read_report(folder)
    assert before["macro_f1"] > 0.9  # by the wrong labels
    assert report.earlier.macro_f1 < 0.1
    assert report.macro_f1 > 0.9
    assert "made it better" in " ".join(report.verdict())
    held = [one for one in before["split"]["pieces"] if one["part"] == "test"]
    now = [one for one in report.as_dict()["split"]["pieces"] if one["part"] == "test"]
    assert held == now
    old = vidmem.load(str(folder))
    assert model.encoder.fingerprint() == old.encoder.fingerprint()
    assert (model.config, model.card.class_names) == (old.config, old.card.class_names)
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "## Before and after the correction" in text
    assert "left out of this report: GRU, causal, CBAS head (biLSTM), what more labels" in text
    # And on top of that once more, by what was returned.
    again = teach(LABELS, video, warm_start=(model, report), config=quick(folder), store=store)
    assert again[1].earlier.macro_f1 == report.macro_f1
    assert again[1].split.method == report.split.method


@pytest.mark.parametrize("kind", ["spool", "fam"])
def test_a_model_shows_the_settings_that_it_was_taught_with(kind, earlier):
    config = replace(CONFIG, model=kind, clip_seconds=0.5, name="mine", follow=0.4)
    card = replace(
        earlier[0].card,
        name="mine",
        clip_frames=config.clip_frames,
        fps=config.fps,
        follow=config.followed_crop,
    )
    network = LEARNERS[kind].make(config.facts(card)).network
    warm = replace(WarmStart.of(earlier), model=network)
    again = TeachConfig(**warm.settings())
    assert (again.name, again.fps, again.clip_frames) == ("mine", card.fps, card.clip_frames)
    assert LEARNERS[kind].make(again.facts(card)).network.config == network.config
    warm.check_features(again.features, again.followed_crop, again.fps, again.clip_frames)
    with pytest.raises(SettingError, match=r"a followed square .* None asked for"):
        warm.check_features(again.features, None, again.fps, again.clip_frames)
    warm.check_network(LEARNERS[kind].make(again.facts(card)).network)


@pytest.mark.parametrize("helps", [True, False])
def test_an_earlier_network_stays_where_it_helps(helps, earlier, video, store, monkeypatch):
    monkeypatch.setattr(import_module("vidmem.teaching.teach"), "is_gain", lambda *_: helps)
    monkeypatch.setattr("vidmem.teaching.learning.is_gain", lambda *_: False)
    old = earlier[0]
    marked = {name: one.clone() for name, one in old.state_dict().items()}
    with torch.no_grad():
        old.frame_head.bias += 0.25
    model, report = teach(LABELS, video, warm_start=earlier, config=quick(earlier), store=store)
    assert report.chosen.continues_earlier == helps
    assert report.chosen.num_steps == (0,)
    assert torch.equal(model.frame_head.bias, old.frame_head.bias) == helps
    assert not torch.equal(model.linear_head.weight, old.linear_head.weight)
    old.load_state_dict(marked)
    words = " ".join(report.verdict())
    assert ("that of the model before" in words) == helps


def test_no_label_of_held_out_time_is_learnt_from(earlier, video, store):
    """Whatever is said there, the model is the same."""
    held = [one for one in earlier[1].split.pieces if one.part == "test"]
    inside = [
        bout
        for one in held
        for bout in LABELS.between(one.video, one.start_seconds, one.end_seconds).bouts
    ]
    swapped = LABELS.add(*(replace(one, behaviour=OTHER[one.behaviour]) for one in inside))
    assert inside
    (one, good), (other, bad) = (
        teach(labels, video, warm_start=earlier, config=quick(earlier), store=store)
        for labels in (LABELS, swapped)
    )
    assert good.macro_f1 > 0.9
    assert bad.macro_f1 < 0.1
    weights = other.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in one.state_dict().items())


NURSING = LABELS.add(
    Bout("pen.mp4", 36, 37, "nursing"),
    Bout("pen.mp4", 37, 38, "eating"),
    Bout("pen.mp4", 38, 39, "nursing"),
    Bout("pen.mp4", 39, 40, "eating"),
)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"feature_fps": 2.0}, "feature frames per second 4.0 there, 2.0 asked for"),
        ({"clip_seconds": 1.0}, "sampled frames of a clip 4 there, 8 asked for"),
        ({"features": replace(CONFIG.features, backbone="lite0")}, "backbone tiny there, lite0"),
        ({"features": replace(CONFIG.features, cell_components=9)}, "cell_components 3 there, 9"),
        ({"model": "fam"}, "which is a Spool, and a FAM Swin was asked for"),
        ({"reach_seconds": 1.0}, "local_frame_range 2 there, 4 asked for"),
        ({"subject": "sow 7"}, "say nothing of 'sow 7'"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_a_video_is_read(
    fields, sentence, earlier, video, monkeypatch
):
    monkeypatch.setattr("vidmem.teaching.lessons.probe_safely", None)
    config = quick(earlier)
    with pytest.raises(SettingError, match=sentence):
        teach(LABELS, video, warm_start=earlier, config=replace(config, **fields))


@pytest.mark.parametrize(
    ("labels", "fields", "sentence"),
    [
        (NURSING, {}, "have the axis activity, which the earlier model was not taught"),
        (NURSING, {"axes": ("activity",)}, "have the axis activity"),
    ],
)
def test_labels_of_something_else_are_refused(labels, fields, sentence, earlier, video, store):
    with pytest.raises(LabelError, match=sentence):
        teach(labels, video, warm_start=earlier, config=quick(earlier, **fields), store=store)


def test_of_several_axes_that_of_the_model_can_be_named(earlier, video, store):
    config = quick(earlier, axes=("posture",))
    assert teach(NURSING, video, warm_start=earlier, config=config, store=store)[1].macro_f1 > 0.9


def test_behaviours_must_be_those_of_the_model(earlier):
    warm = WarmStart.of(earlier)
    axis = warm.axes[0]
    with pytest.raises(LabelError, match="have the behaviour kneeling, which"):
        warm.check_axes((replace(axis, class_names=(*axis.class_names, "kneeling")),))
    with pytest.raises(LabelError, match="say nothing of the behaviour standing"):
        warm.check_axes((replace(axis, class_names=("lying",)),))


def test_a_folder_that_says_nothing_of_a_split_is_refused(folder, tmp_path, video):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    report = json.loads((copy / "report.json").read_text())
    for change, sentence in (
        ({"split": {"method": "?"}}, "does not say what was kept to test with"),
        ({"axes": {"posture": ["one", "another"]}}, "is the report of another model"),
    ):
        (copy / "report.json").write_text(json.dumps({**report, **change}))
        with pytest.raises(CheckpointError, match=sentence):
            teach(LABELS, video, warm_start=copy)
    (copy / "report.json").unlink()
    with pytest.raises(CheckpointError, match=r"has no report\.json that can be read"):
        teach(LABELS, video, warm_start=copy)
    with pytest.raises(CheckpointError, match="is no model"):
        teach(LABELS, video, warm_start=tmp_path)


def test_another_image_encoder_is_refused(folder, video, monkeypatch):
    def load(name, **options):
        backbone = load_tiny(name, **options)
        with torch.no_grad():
            next(backbone.parameters()).add_(1.0)
        return backbone

    monkeypatch.setattr(encoders, "load_backbone", load)
    with pytest.raises(CheckpointError, match="is not the one that the model was taught on"):
        teach(LABELS, video, warm_start=folder)
