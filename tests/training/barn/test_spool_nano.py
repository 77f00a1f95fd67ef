"""How Spool learns on the barn, on a few small clips."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from tests.training.barn.test_fam_swin_nano import make_clips
from vidmem.errors import SettingError
from vidmem.models import Backbone, Spool
from vidmem.training.barn.spool_nano import (
    SpoolTraining,
    encode_frames,
    learn_patches,
    learn_to_look_around,
    nano_backbone_config,
    spool_nano_card,
    spool_nano_config,
)
from vidmem.training.loop import LoopConfig


def make_training(**changes):
    fields = {
        "num_videos": 3,
        "num_clips": 6,
        "see": LoopConfig(steps=8, learning_rate=2e-3, warmup_steps=2),
        "see_batch": 4,
        "look_around": LoopConfig(steps=12, learning_rate=2e-3, warmup_steps=3),
        "clips_per_step": 18,
        "window_clips": (6, 2),
    }
    return SpoolTraining(**(fields | changes))


def make_spool():
    backbone = Backbone(nano_backbone_config())
    return Spool(spool_nano_config(), spool_nano_card(), backbone=backbone).train()


def make_small_spool():
    """The shape of the bundled model, with narrower layers and fewer of them."""
    options = nano_backbone_config().options | {"hidden_size": 32, "num_hidden_layers": 2}
    backbone = Backbone(replace(nano_backbone_config(), options=options))
    config = replace(
        spool_nano_config(), backbone_config=asdict(backbone.config), embed_dim=32, num_layers=2
    )
    return Spool(config, spool_nano_card(), backbone=backbone).train()


def small_clips():
    clips = make_clips()
    return replace(clips, pixels=clips.pixels[:, :, ::2])


def test_the_recipe_is_that_of_the_bundled_model():
    config, card = spool_nano_config(), spool_nano_card()
    assert config.window_frames % card.clip_frames == 0
    assert max(SpoolTraining().window_clips) == config.window_frames // card.clip_frames
    weights = sum(p.numel() for p in make_spool().parameters())
    assert weights * 4 < 8_000_000


def test_windows_longer_than_the_videos_are_refused():
    with pytest.raises(SettingError, match="from 1 to num_clips, 6, got"):
        make_training(window_clips=(7,))


@pytest.mark.slow
def test_both_stages_learn_on_a_few_clips():
    torch.manual_seed(0)
    clips, training, model = small_clips(), make_training(), make_small_spool()
    seen, looked = [], []
    learn_patches(model.backbone, clips, model.card, training, lambda step: seen.append(step.loss))
    assert np.mean(seen[-3:]) < seen[0]
    assert not any(p.requires_grad for p in model.backbone.parameters())
    before = model.backbone.fingerprint()
    frames = encode_frames(model, clips, np.random.default_rng(0))
    videos, num_clips, num_frames = clips.pixels.shape[:3]
    assert frames.tokens[0].shape == (videos, num_clips, num_frames, 15, 32)
    learn_to_look_around(
        model, frames.and_also(frames), training, lambda step: looked.append(step.loss)
    )
    assert np.mean(looked[-5:]) < looked[0]
    assert model.backbone.fingerprint() == before
