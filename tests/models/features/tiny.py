"""Small encoders of features, their reduction fitted to random clips, and models on them."""

import torch

from vidmem.models.backbones.backbone import Backbone
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.backbones.files import Preprocessing
from vidmem.models.features.config import FeatureConfig
from vidmem.models.features.encoder import FeatureEncoder
from vidmem.models.features.reduction import Reduction
from vidmem.models.interface import ModelCard
from vidmem.models.spool.config import SpoolConfig
from vidmem.models.spool.model import Spool

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
    config = BackboneConfig(
        model_type="vit",
        options=options,
        tokens_per_frame=4,
        preprocessing=Preprocessing(resize="letterbox"),  # as all encoders of features
    )
    return Backbone(config).eval()


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


def tiny_spool_config(**changes):
    fields = {
        "features": tiny_config(),
        "embed_dim": 8,
        "num_layers": 2,
        "num_heads": 4,
        "num_lookback_heads": 2,
        "num_lookahead_heads": 2,
        "local_frame_range": 1,
        "tokens_per_frame": 4,
        "window_frames": 8,
        "num_classes": 3,
    }
    return SpoolConfig(**(fields | changes))


def tiny_spool(**changes):
    """Sees four clips of four sampled frames: eight feature frames."""
    config = tiny_spool_config(**changes)
    card = ModelCard(
        name="tiny",
        title="Tiny",
        class_names=("lying", "standing", "walking"),
        fps=4.0,
        clip_frames=4,
        window_stride=4,
        frame_height=SIDE,
        frame_width=SIDE,
        resize="squash",
    )
    torch.manual_seed(5)
    model = Spool(config, card, encoder=tiny_encoder())
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()
