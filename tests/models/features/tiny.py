"""Small encoders of features, with random weights and a reduction fitted to random clips."""

import torch

from vidmem.models.backbones.backbone import Backbone
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.features.config import FeatureConfig
from vidmem.models.features.encoder import FeatureEncoder
from vidmem.models.features.reduction import Reduction

WIDTH = 12
"""Of the image encoder's tokens."""

SIDE = 32
"""Rows and columns of its pictures."""


def tiny_backbone():
    torch.manual_seed(0)
    options = {
        "hidden_size": WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": 3,
        "patch_size": 8,
        "image_size": SIDE,
    }
    return Backbone(BackboneConfig(model_type="vit", options=options, tokens_per_frame=4)).eval()


def tiny_config(**changes):
    fields = {"backbone": "tiny", "tokens_per_frame": 4, "cell_components": 3}
    return FeatureConfig(**(fields | {"frame_components": 5} | changes))


def make_clips(batch=2, num_frames=6):
    torch.manual_seed(3)
    return torch.randn(batch, num_frames, 3, SIDE, SIDE)


def tiny_encoder(**changes):
    config, backbone = tiny_config(**changes), tiny_backbone()
    raw = FeatureEncoder(config, backbone).raw(make_clips(1, 40))[0]
    return FeatureEncoder(config, backbone, Reduction.fit(config, raw))
