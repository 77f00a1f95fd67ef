"""What a FAM Swin on features costs: what is estimated is what is measured."""

from dataclasses import replace

import pytest
import torch

from tests.models.fam_on_features import make_config
from tests.planner.measured import cost_of_fam_swin
from vidmem.errors import SettingError
from vidmem.models.backbones.config import BackboneConfig
from vidmem.planner.estimate import estimate
from vidmem.planner.fam_swin.estimate import random_fam_swin, uncounted_encoder
from vidmem.planner.sizing import StepSize

WITHIN = 0.1
SIZE = StepSize(clip_frames=8, frame_height=96, frame_width=96, l_mem=4)
ENCODER = BackboneConfig(
    model_type="vit",
    options={
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 96,
        "patch_size": 8,
        "image_size": 96,
    },
    tokens_per_frame=36,
)
SMALL_ENCODER = replace(
    ENCODER, options=ENCODER.options | {"hidden_size": 8, "intermediate_size": 8}
)

CASES = {
    "usual": (make_config(), SIZE, ENCODER),
    "memory off": (make_config(), replace(SIZE, l_mem=0), ENCODER),
    "two streams, a long memory": (make_config(), replace(SIZE, batch_size=2, l_mem=40), ENCODER),
    "a long memory counts most": (
        replace(make_config(), embed_dim=64),
        replace(SIZE, l_mem=200, frame_height=48, frame_width=48),
        SMALL_ENCODER,
    ),
    "an odd number of groups": (make_config(), replace(SIZE, clip_frames=5), ENCODER),
    "bf16": (make_config(), replace(SIZE, dtype=torch.bfloat16), ENCODER),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_estimated_is_what_is_measured(name):
    config, size, backbone = CASES[name]
    estimated, measured = estimate(config, size, backbone), cost_of_fam_swin(config, size, backbone)
    assert estimated.weight_bytes == measured.weight_bytes
    assert estimated.state_bytes == measured.state_bytes
    assert estimated.table_bytes == pytest.approx(measured.table_bytes, rel=WITHIN)
    assert estimated.total_flops == pytest.approx(measured.flops, rel=1e-6)
    assert estimated.activation_bytes == pytest.approx(measured.activation_bytes, rel=WITHIN)


def test_an_encoder_that_is_not_known_is_named_and_left_out():
    config = make_config()
    assert uncounted_encoder(config) == "somebody/some-encoder"
    assert uncounted_encoder(config, ENCODER) is None
    assert uncounted_encoder(replace(config, features=None)) is None
    parts = [part.name for part in estimate(config, SIZE).flops]
    assert parts[0] == "feature embedding"
    with pytest.raises(SettingError, match="somebody/some-encoder is not known here"):
        random_fam_swin(config)


def test_a_published_encoder_is_counted_by_its_name():
    config = make_config()
    features = replace(config.features, backbone="facebook/dinov2-small", backbone_sha256="0" * 64)
    config = replace(config, features=features)
    assert uncounted_encoder(config) is None
    assert estimate(config, SIZE).weight_bytes > 80_000_000
