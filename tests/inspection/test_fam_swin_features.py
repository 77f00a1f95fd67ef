"""What can be seen of a FAM Swin on features: its memory, laid on the frames."""

import numpy as np
import pytest
import torch

from tests.inspection.subjects import make_stream
from tests.models.fam_on_features import make_clips, make_encoder, make_tiny_fam
from vidmem.errors import SettingError
from vidmem.inspection import (
    PictureBox,
    direct_effects,
    inspect_memory,
    memory_gradients,
    occlusion,
    pixel_gradients,
    reaches_pixels,
    total_effects,
)
from vidmem.models import FamSwin


@pytest.fixture(scope="module")
def model():
    return make_tiny_fam()


@torch.no_grad()
def remembered(model, clips):
    return model.forward_clips(clips[:, :-1])[1]


@torch.no_grad()
def test_memory_lies_on_the_frames(model):
    clips = make_clips(batch=1, num_clips=4)
    state = remembered(model, clips)
    view = inspect_memory(model, clips[:, -1], state)
    assert [clip.index for clip in view.clips] == [0, 1, 2]
    assert view.stage(3).maps.shape == (2, 3, 1, 3, 3)
    assert view.stage(4).maps.shape == (4, 3, 1, 3, 3)
    for stage in view.stages:
        assert stage.extent == (1.0, 1.0)
        np.testing.assert_allclose(stage.clip_share.sum(-1) + stage.no_memory_share, 1, atol=1e-5)
    left = inspect_memory(model, clips[:, -1], state, region=PictureBox(right=0.5))
    assert left.stage(3).num_tokens == 2 * 6 * 3
    assert left.stage(3).region == PictureBox(right=0.5)


@torch.no_grad()
def test_an_odd_grid_that_was_padded_reaches_beyond_the_frames(model):
    card = {"frame_height": 90, "frame_width": 160}
    wide = FamSwin(
        model.config,
        type(model.card)(name="wide", title="Wide", class_names=("a", "b", "c"), **card),
        encoder=make_encoder(model.config.features),
    ).eval()
    clips = torch.randn(1, 8, 3, 90, 160)
    view = inspect_memory(wide, clips, wide.init_state(1))  # features lie in 4 rows of 9
    assert view.stage(3).extent == (1.0, 1.0)
    assert view.stage(4).extent == (1.0, pytest.approx(10 / 9))


def test_attributions_work_but_for_pixels(model):
    subject, replay = make_stream(model, num_clips=5, first_index=3)
    effects = direct_effects(subject).run()
    assert tuple(effect.clip for effect in effects.clips) == subject.remembered == (3, 4, 5, 6)
    assert all(effect.log_odds for effect in effects.clips)
    maps = memory_gradients(subject, num_steps=32).run()
    assert [one.values.shape for one in maps.maps] == [(4, 1, 3, 3)] * 2
    moved = maps.score.log_odds - maps.baseline_score.log_odds
    assert sum(maps.by_clip) == pytest.approx(moved, rel=0.02, abs=1e-3)
    assert maps.baseline_score.log_odds == pytest.approx(
        effects.nothing_remembered.log_odds, abs=1e-4
    )
    assert len(total_effects(replay, subject.remembered, 1).run().clips) == 4
    assert occlusion(subject, rows=2, columns=2).run().values.any()
    assert not reaches_pixels(model)
    with pytest.raises(SettingError, match="no gradients reach the pixels"):
        pixel_gradients(subject)
