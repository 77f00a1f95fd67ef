"""A Spool of random weights that can be saved: 64 x 64 pixels, clips of 4 frames, 4 of them."""

from __future__ import annotations

from dataclasses import asdict

import torch

from vidmem.models import (
    Backbone,
    BackboneConfig,
    CardAxis,
    ModelCard,
    Preprocessing,
    Spool,
    SpoolConfig,
)

BEHAVIOURS = ("lying", "standing", "walking")


def make_tiny_spool(num_lookahead_heads: int = 2, *, axes: tuple[CardAxis, ...] = ()) -> Spool:
    """Two layers that look two frames to each side: a clip's prediction waits for one more clip."""
    class_names = tuple(name for axis in axes for name in axis.class_names) or BEHAVIOURS
    torch.manual_seed(11)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    backbone = BackboneConfig(
        model_type="dinov2",
        options={**sizes, "patch_size": 16, "image_size": 64},
        tokens_per_frame=4,
        preprocessing=Preprocessing(frame_height=64, frame_width=64, resize="squash"),
    )
    config = SpoolConfig(
        backbone="tiny",
        backbone_config=asdict(backbone),
        embed_dim=16,
        num_layers=2,
        num_heads=4,
        num_lookback_heads=4 - num_lookahead_heads,
        num_lookahead_heads=num_lookahead_heads,
        local_frame_range=2,
        tokens_per_frame=4,
        window_frames=16,
        num_classes=len(class_names),
    )
    card = ModelCard(
        name="tiny-spool",
        title="Tiny Spool",
        class_names=class_names,
        axes=axes,
        fps=2.0,
        clip_frames=4,
        window_stride=4,
        frame_height=64,
        frame_width=64,
        resize="squash",
        trained_on="Not trained.",
    )
    model = Spool(config, card, backbone=Backbone(backbone))
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=1.5 * parameter.shape[-1] ** -0.5)
    return model.eval()
