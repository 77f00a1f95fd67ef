"""A tiny FAM Swin on features, and footage for it."""

from __future__ import annotations

import torch

from vidmem.models import (
    Backbone,
    BackboneConfig,
    FamSwin,
    FamSwinConfig,
    MemoryConfig,
    ModelCard,
    Preprocessing,
)
from vidmem.models.features.config import FeatureConfig
from vidmem.models.features.encoder import FeatureEncoder
from vidmem.models.features.reduction import Reduction

CLIP_FRAMES = 8
"""Four feature frames, merged to two times."""


def make_backbone(**options):
    """A random ViT that sees 48 x 48 pixels as 6 x 6 patches."""
    given = {"hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 3}
    given |= {"intermediate_size": 24, "patch_size": 8, "image_size": 48}
    torch.manual_seed(0)
    config = BackboneConfig(
        model_type="vit",
        options=given | options,
        tokens_per_frame=36,
        preprocessing=Preprocessing(resize="letterbox"),  # as all encoders of features
    )
    return Backbone(config).eval()


def make_encoder(features, backbone=None):
    """An encoder whose reduction is fitted to noise."""
    encoder = FeatureEncoder(features, backbone or make_backbone())
    footage = torch.randn(1, 24, 3, 48, 48, generator=torch.Generator().manual_seed(5))
    encoder.reduction = Reduction.fit(features, encoder.raw(footage)[0])
    return encoder


def make_config(**memory):
    """Memory tokens lie 3 x 3 in the picture."""
    memory = {"l_mem": 4, "tokens_per_clip": 9} | memory
    return FamSwinConfig(
        tubelet_size=(2, 4, 4),
        embed_dim=8,
        depths=(1, 1, 2, 1),
        num_heads=(1, 1, 2, 4),
        attention_window=(2, 4, 4),
        num_classes=3,
        memory=MemoryConfig(**memory),
        features=FeatureConfig(
            backbone="somebody/some-encoder", cell_components=4, frame_components=3
        ),
    )


def make_tiny_fam(*, gate=1.0, has_encoder=True, **memory):
    """It has random weights, and memory speaks loudly."""
    config = make_config(**memory)
    card = ModelCard(
        name="tiny",
        title="Tiny",
        class_names=("lying", "standing", "walking"),
        fps=4.0,
        clip_frames=CLIP_FRAMES,
        window_stride=CLIP_FRAMES,
        frame_height=48,
        frame_width=48,
        resize="squash",
    )
    encoder = make_encoder(config.features) if has_encoder else None
    torch.manual_seed(7)
    model = FamSwin(config, card, encoder=encoder)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 and not name.startswith("encoder."):
            torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    for attention in model.memory.values():
        torch.nn.init.constant_(attention.gate, gate)
    return model.eval()


def make_clips(batch=2, num_clips=6, seed=0):
    """`[B, N, T, 3, H, W]`"""
    torch.manual_seed(seed)
    return torch.randn(batch, num_clips, CLIP_FRAMES, 3, 48, 48)
