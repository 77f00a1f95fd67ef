from dataclasses import replace

import pytest
import torch

from tests.planner.measured import SMALL, cost_of_spool, tiny_encoder
from vidmem.errors import SettingError
from vidmem.models.backbones.backbone import Backbone
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.backbones.families import FAMILIES
from vidmem.models.backbones.hugging_face import HUGGING_FACE
from vidmem.models.features.config import FeatureConfig
from vidmem.models.spool.config import SpoolConfig
from vidmem.planner.encoders.known import backbone_of, encoder_shape
from vidmem.planner.estimate import estimate
from vidmem.planner.sizing import StepSize
from vidmem.planner.spool.estimate import random_spool, uncounted_encoder

WITHIN = 0.1
NARROW = SpoolConfig(
    backbone="features from elsewhere",
    embed_dim=48,
    num_layers=2,
    num_heads=4,
    num_lookback_heads=1,
    num_lookahead_heads=3,
    local_frame_range=4,
    tokens_per_frame=16,
    num_classes=7,
)
LOOKBACK = replace(NARROW, num_lookback_heads=4, num_lookahead_heads=0)
ON_FEATURES = replace(
    NARROW,
    features=FeatureConfig(
        backbone="features from elsewhere",
        tokens_per_frame=16,
        encode_every=2,
        cell_components=6,
        frame_components=9,
    ),
)

CASES = {
    "usual": (NARROW, SMALL),
    "no past": (NARROW, replace(SMALL, l_mem=0)),
    "a long window": (NARROW, replace(SMALL, l_mem=20)),
    "range 0": (replace(NARROW, local_frame_range=0), SMALL),
    "range 9": (replace(NARROW, local_frame_range=9), SMALL),
    "a range beyond the window": (replace(NARROW, local_frame_range=50), SMALL),
    "local context": (replace(NARROW, context_scope="local"), SMALL),
    "no context frames": (replace(NARROW, has_context_frames=False), SMALL),
    "offset bias": (replace(NARROW, has_offset_bias=True), SMALL),
    "lookback only": (LOOKBACK, SMALL),
    "one layer": (replace(NARROW, num_layers=1), SMALL),
    "four layers": (replace(NARROW, num_layers=4), replace(SMALL, l_mem=12)),
    "four layers, no context frames": (
        replace(NARROW, num_layers=4, local_frame_range=1, has_context_frames=False),
        replace(SMALL, l_mem=12),
    ),
    "features": (ON_FEATURES, SMALL),
    "features, a long window": (ON_FEATURES, replace(SMALL, l_mem=20)),
    "three streams": (NARROW, replace(SMALL, batch_size=3)),
    "more tokens than a chunk": (replace(NARROW, tokens_per_frame=80), SMALL),
}

LITE0, LITE2 = (
    BackboneConfig(model_type="efficientnet_lite", options={"variant": variant}, tokens_per_frame=5)
    for variant in ("lite0", "lite2")
)

ENCODERS = {
    **{kind: tiny_encoder(kind) for kind in HUGGING_FACE},
    "in batches": replace(tiny_encoder(), frames_per_batch=3),
    "gated DINOv2": tiny_encoder(use_swiglu_ffn=True),
    "gated DINOv3": tiny_encoder("dinov3_vit", use_gated_mlp=True, num_register_tokens=4),
    "lite0": LITE0,
    "lite2 in batches": replace(LITE2, frames_per_batch=3),
    "lite0 not pooled": replace(LITE0, tokens_per_frame=None),
    "not pooled": replace(tiny_encoder(), tokens_per_frame=None),
}


ALSO_IN_BF16 = ["usual", "three streams", "more tokens than a chunk"]
ENCODERS_ALSO_IN_BF16 = ["dinov2", "vit", "dinov3_vit", "lite0"]


@pytest.mark.parametrize("name", CASES)
def test_what_is_estimated_of_the_temporal_blocks_is_what_is_measured(name):
    check(*CASES[name])


@pytest.mark.parametrize("has_amx", [True, False])
@pytest.mark.parametrize("name", ALSO_IN_BF16)
def test_in_bf16_too_where_attention_may_go_in_pieces(name, has_amx, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_amx)
    config, size = CASES[name]
    check(config, replace(size, dtype=torch.bfloat16))


@pytest.mark.parametrize("name", ENCODERS)
def test_what_is_estimated_with_an_encoder_is_what_is_measured(name):
    check_with_encoder(name, torch.float32)


@pytest.mark.parametrize("name", ENCODERS_ALSO_IN_BF16)
def test_with_an_encoder_in_bf16_too(name):
    check_with_encoder(name, torch.bfloat16)


def check_with_encoder(name, dtype):
    encoder, size = ENCODERS[name], replace(SMALL, l_mem=0, dtype=dtype)
    outline = encoder_shape(encoder)
    tokens = encoder.tokens_per_frame
    # Sides of several kinds: where halved, an EfficientNet-Lite pads them differently.
    if encoder.model_type == "efficientnet_lite":
        size = replace(size, frame_height=60, frame_width=97)
    tokens = tokens or outline.piece(size).num_tokens
    config = replace(NARROW, embed_dim=outline.width, tokens_per_frame=tokens)
    check(config, size, encoder)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "change",
    [{}, {"batch_size": 2}, {"clip_frames": 7}, {"frame_height": 160, "frame_width": 320}],
)
def test_what_makes_features_is_counted_as_well(change, dtype):
    size = replace(SMALL, l_mem=0, dtype=dtype, **change)
    check(ON_FEATURES, size, tiny_encoder())


def test_an_encoder_of_features_that_is_not_known_is_named():
    assert uncounted_encoder(ON_FEATURES) == "features from elsewhere"
    named = replace(ON_FEATURES.features, backbone="facebook/dinov2-small")
    config = replace(ON_FEATURES, features=named)
    assert uncounted_encoder(config) is None
    assert backbone_of(config).tokens_per_frame == 16
    with pytest.raises(SettingError, match="the encoder features from elsewhere is not known"):
        random_spool(ON_FEATURES)


def check(config, size, encoder=None):
    estimated, measured = estimate(config, size, encoder), cost_of_spool(config, size, encoder)
    assert estimated.weight_bytes == measured.weight_bytes
    assert estimated.state_bytes == measured.state_bytes
    assert estimated.table_bytes == measured.table_bytes
    assert estimated.activation_bytes == pytest.approx(measured.activation_bytes, rel=WITHIN)
    assert estimated.total_flops == pytest.approx(measured.flops, rel=1e-6)


@pytest.mark.parametrize("kind", FAMILIES)
def test_options_left_out_have_their_default(kind):
    with torch.device("meta"):
        encoder = Backbone(BackboneConfig(model_type=kind))
    shape = encoder_shape(BackboneConfig(model_type=kind))
    assert shape.num_parameters == sum(p.numel() for p in encoder.parameters())


def test_a_published_encoder_is_sized_without_its_files():
    encoder = backbone_of(SpoolConfig())
    assert encoder is not None
    assert encoder_shape(encoder).num_parameters == 22_056_576  # of dinov2-small, published
    assert backbone_of(NARROW) is None
    lite2 = backbone_of(
        SpoolConfig(
            backbone="lite2",
            embed_dim=352,
            num_heads=4,
            num_lookback_heads=2,
            num_lookahead_heads=2,
        )
    )
    assert lite2 == BackboneConfig(model_type="efficientnet_lite", options={"variant": "lite2"})


def test_the_state_grows_with_the_window_and_the_encoder_does_not():
    short, long = (estimate(SpoolConfig(), replace(StepSize(), l_mem=n)) for n in (1, 9))
    assert long.state_bytes > 8 * short.state_bytes
    assert long.flops[0] == short.flops[0]
    assert long.flops[0].name == "encoder"
