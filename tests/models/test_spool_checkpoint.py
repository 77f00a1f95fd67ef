"""Spool on disk: with the backbone that is its own, or the name of one from elsewhere."""

from dataclasses import asdict, replace

import pytest
import torch

from vidmem.errors import CheckpointError, WeightsNotAvailableError
from vidmem.models import (
    Backbone,
    BackboneConfig,
    ModelCard,
    Preprocessing,
    Spool,
    SpoolConfig,
    list_models,
    load,
    load_folder,
    presets,
    save,
)

CLASSES = ("standing", "lying", "feeding")


def make_backbone(**changes):
    torch.manual_seed(0)
    options = {
        "hidden_size": 12,
        "num_hidden_layers": 1,
        "num_attention_heads": 3,
        "patch_size": 8,
        "image_size": 32,
    }
    return Backbone(BackboneConfig(options=options, tokens_per_frame=4, **changes))


def make_spool(backbone, **changes):
    torch.manual_seed(1)
    fields = {
        "backbone": "somebody/some-encoder",
        "embed_dim": 12,
        "num_layers": 1,
        "num_heads": 2,
        "num_lookback_heads": 1,
        "num_lookahead_heads": 1,
        "tokens_per_frame": 4,
        "num_classes": 3,
    }
    card = ModelCard(name="tiny", title="Tiny", class_names=CLASSES, clip_frames=2, window_stride=2)
    return Spool(SpoolConfig(**(fields | changes)), card, backbone=backbone).eval()


@torch.no_grad()
def scores_are_equal(one, other):
    clips = torch.rand(1, 3, 3, 32, 32)
    return torch.equal(one(clips).frame_logits, other(clips).frame_logits)


@pytest.mark.parametrize("is_frozen", [True, False])
def test_a_backbone_of_its_own_comes_back_with_it(tmp_path, is_frozen):
    backbone = make_backbone(is_frozen=is_frozen)
    own = {"backbone_config": asdict(backbone.config)} if is_frozen else {}
    model = make_spool(backbone, is_backbone_frozen=is_frozen, **own)
    save(model, tmp_path)
    loaded = load_folder(tmp_path)
    assert isinstance(loaded, Spool)
    assert loaded.card == model.card
    assert not loaded.training
    assert scores_are_equal(model, loaded)
    assert all(p.requires_grad != is_frozen for p in loaded.backbone.parameters())
    save(loaded, tmp_path / "again")
    assert (tmp_path / "again" / "config.json").read_bytes() == (
        tmp_path / "config.json"
    ).read_bytes()


def test_a_frozen_backbone_from_elsewhere_is_found_by_name(tmp_path, monkeypatch):
    model = make_spool(make_backbone())
    save(model, tmp_path)
    asked = []

    def find(name, *, tokens_per_frame):
        asked.append((name, tokens_per_frame))
        return make_backbone()

    monkeypatch.setattr("vidmem.models.spool.checkpoint.load_backbone", find)
    assert scores_are_equal(load_folder(tmp_path), model)
    assert asked == [("somebody/some-encoder", 4)]


def test_a_backbone_that_is_not_here_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDMEM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    save(make_spool(make_backbone()), tmp_path / "model")
    with pytest.raises(
        WeightsNotAvailableError, match="somebody/some-encoder is not on this machine"
    ):
        load_folder(tmp_path / "model")


def test_another_size_is_refused(tmp_path):
    backbone = make_backbone()
    model = make_spool(backbone, backbone_config=asdict(backbone.config))
    save(model, tmp_path)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"num_layers": 1', '"num_layers": 2'))
    with pytest.raises(CheckpointError, match="of another model"):
        load_folder(tmp_path)
    (tmp_path / "config.json").write_text(text.replace('"num_heads": 2', '"num_heads": 5'))
    with pytest.raises(CheckpointError, match="does not describe a Spool"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    "name, make_config", [("spool-s", presets.spool_s), ("spool-b", presets.spool_b)]
)
def test_presets_fetch_their_backbone_and_say_that_they_are_untrained(
    name, make_config, monkeypatch
):
    config = make_config()
    pictures = Preprocessing(frame_height=32, frame_width=48, resize="squash")
    asked = []

    def fetch(backbone, *, tokens_per_frame, may_fetch):
        asked.append((backbone, tokens_per_frame, may_fetch))
        return make_backbone(preprocessing=pictures)

    small = replace(config, embed_dim=12, num_heads=2, num_lookback_heads=1, num_lookahead_heads=1)
    monkeypatch.setattr(presets, "load_backbone", fetch)
    monkeypatch.setitem(presets._PRESETS, name, presets.SpoolPreset("Title", lambda: small))
    model, again = load(name, device="cpu"), load(name, device="cpu")
    assert asked[0] == (config.backbone, 64, True)
    assert (model.card.frame_height, model.card.resize) == (32, "squash")
    assert "untrained" in model.card.trained_on
    assert torch.equal(model.clip_head.weight, again.clip_head.weight)


def test_listing_says_which_backbone_would_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDMEM_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    listing = {model.name: model for model in list_models()}
    assert "facebook/dinov2-base" in listing["spool-b"].needs
    assert not listing["spool-b"].is_available


def test_a_backbone_that_learned_is_never_left_out(tmp_path):
    model = make_spool(make_backbone(is_frozen=False))
    save(model, tmp_path)
    assert scores_are_equal(load_folder(tmp_path), model)
    own = asdict(make_backbone().config)
    with pytest.raises(CheckpointError, match="no backbone to be saved"):
        save(make_spool(None, backbone_config=own), tmp_path)
