"""Bytes and FLOPs of a Spool in closed form; what it holds at its peak is in `peak`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vidmem.errors import SettingError
from vidmem.models.backbones.backbone import Backbone
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.features.encoder import FeatureEncoder
from vidmem.models.spool.config import SpoolConfig
from vidmem.models.spool.model import Spool
from vidmem.models.spool.newest import BlockFrames
from vidmem.nn.frame_attention import chunk_frames
from vidmem.nn.frames import FrameLayout
from vidmem.planner.encoders.known import backbone_of, encoder_shape
from vidmem.planner.encoders.piece import encoding_peak_bytes
from vidmem.planner.fam_swin.estimate import block_parameters
from vidmem.planner.features import (
    feature_flops,
    motion_peak_bytes,
    picture_bytes,
    reduction_bytes,
)
from vidmem.planner.sizing import (
    INDEX_BYTES,
    SLOT_BYTES,
    Estimate,
    Part,
    StepSize,
    attention_flops,
    linear_flops,
    linear_parameters,
    norm_parameters,
)
from vidmem.planner.spool.peak import newest_in_blocks, peak_parts


def estimate_spool(
    config: SpoolConfig, size: StepSize, backbone: BackboneConfig | None = None
) -> Estimate:
    """What a Spool costs in eval mode, its window full.

    Its encoder is part of it where the config carries it, names an EfficientNet-Lite or a published
    DINOv2, or it is given; else features are taken to come from elsewhere.

    FLOPs of attention over frames are those of the `sdpa` backend, which computes whole chunks of
    frames; `flex` computes blocks of 128 tokens instead, none of which the counter of torch sees.
    """
    backbone = backbone or backbone_of(config)
    shape = encoder_shape(backbone) if backbone else None
    size = replace(size, clip_frames=config.num_seen_frames(size.clip_frames))
    num_parameters = temporal_parameters(config)
    live = list(peak_parts(config, size))
    flops = list(_flops(config, size))
    if shape is not None:
        num_parameters += shape.num_parameters
        encoding = encoding_peak_bytes(shape, size, config.tokens_per_frame)
        live.insert(0, Part("encoder", encoding))
        frame = shape.flops(size.frame_height, size.frame_width)
        flops.insert(0, Part("encoder", size.clip_frames * frame))
    table_bytes = shape.table_bytes if shape else 0
    if shape is not None and config.features is not None:
        table_bytes += reduction_bytes(config.features, shape.width)
        live[0] = Part("encoder", live[0].amount + picture_bytes(size))
        live.insert(1, Part("motion", motion_peak_bytes(config.features, size, shape.width)))
        flops.insert(1, Part("features", feature_flops(config.features, size, shape.width)))
    return Estimate(
        weight_bytes=num_parameters * size.number_bytes,
        table_bytes=table_bytes,
        state_bytes=state_bytes(config, size),
        live=tuple(live),
        flops=tuple(Part(part.name, part.amount * size.batch_size) for part in flops),
    )


def random_spool(config: SpoolConfig, backbone: BackboneConfig | None = None) -> Spool:
    """A Spool with random weights, its encoder's too.

    Raises:
        SettingError: If its encoder is not known.
    """
    backbone = backbone or backbone_of(config)
    if backbone is None:
        raise SettingError(
            f"the encoder {_encoder_name(config)} is not known here, so its speed cannot be "
            "measured; give --clips-per-second instead"
        )
    if config.features is None:
        return Spool(config, backbone=Backbone(backbone))
    features = replace(config.features, backbone_sha256="")  # no encoder of random weights has it
    own = Backbone(replace(backbone, tokens_per_frame=features.tokens_per_frame))
    return Spool(replace(config, features=features), encoder=FeatureEncoder(features, own))


def uncounted_encoder(config: SpoolConfig, backbone: BackboneConfig | None = None) -> str | None:
    """The name of an encoder whose size is not known, so that an estimate leaves it out."""
    return None if backbone or backbone_of(config) else _encoder_name(config)


def _encoder_name(config: SpoolConfig) -> str:
    return config.backbone if config.features is None else config.features.backbone


def temporal_parameters(config: SpoolConfig) -> int:
    """Of all but the encoder: embedding, blocks, context frames, final norm and heads."""
    width, classes = config.embed_dim, config.num_classes
    num_offsets = config.local_frame_range + 1 if config.has_offset_bias else 0
    total = config.num_layers * (block_parameters(width) + config.num_heads * num_offsets)
    total += 2 * config.tokens_per_frame * width if config.has_context_frames else 0
    # The clip head reads both context frames, or else the mean over frames.
    summary = 2 * width if config.has_context_frames else width
    heads = linear_parameters(width, classes) + linear_parameters(summary, classes)
    if config.features is not None:
        total += linear_parameters(config.feature_dim, width) + config.tokens_per_frame * width
        total += linear_parameters((2 * config.linear_reach + 1) * config.feature_dim, classes)
    return total + norm_parameters(width) + heads


def state_bytes(config: SpoolConfig, size: StepSize) -> int:
    """Of `SpoolState`: the features of its clips, and what is noted beside them.

    Args:
        config: Of the model.
        size: Its `clip_frames` are those that the blocks see.
    """
    features = size.clip_frames * config.tokens_per_frame * config.feature_dim * size.number_bytes
    return size.batch_size * (size.l_mem * (features + SLOT_BYTES) + 2 * INDEX_BYTES)


def window_layout(config: SpoolConfig, size: StepSize) -> FrameLayout:
    """The frames of a full window."""
    return config.layout((size.l_mem + 1) * size.clip_frames)


def _flops(config: SpoolConfig, size: StepSize) -> Iterator[Part]:
    """Of one stream, without the encoder."""
    layout, width, classes = window_layout(config, size), config.embed_dim, config.num_classes
    num_frames = layout.num_frames
    if config.features is not None:
        embedded = layout.num_frames * layout.tokens_per_frame
        yield Part("embedding", linear_flops(embedded, config.feature_dim, width))
    projections = attention = hidden = 0
    for frames in newest_in_blocks(config, layout, size):
        given, layout = frames.layout, frames.layout.newest(frames.num_newest)
        projections += linear_flops(given.length, width, 3 * width)
        projections += linear_flops(layout.length, width, width)
        attention += attention_flops(_pairs(frames), width)
        hidden += linear_flops(layout.length, width, 8 * width)
    yield Part("temporal projections", projections)
    yield Part("temporal attention", attention)
    yield Part("temporal MLP", hidden)
    heads = linear_flops(layout.num_frames, width, classes)
    if size.device != "cpu":  # there the clip is scored from its context frames as well
        heads += linear_flops(1, 2 * width if config.has_context_frames else width, classes)
    if config.features is not None:
        reach = config.linear_reach
        # On a CPU of the newest frames, and of those next to them.
        judged = min(layout.num_frames + reach, num_frames)
        heads += linear_flops(judged, (2 * reach + 1) * config.feature_dim, classes)
    yield Part("heads", heads)


def _pairs(frames: BlockFrames) -> int:
    """Pairs of tokens that a head computes: those of chunks, then those of context frames."""
    layout = frames.layout
    near = layout.newest(frames.num_newest + layout.reach)
    chunk, tokens, edge = chunk_frames(near), layout.tokens_per_frame, layout.num_context_frames
    num_chunks = -(-near.num_frames // chunk)
    frame_pairs = num_chunks * chunk * (chunk + near.reach + edge)
    if edge and layout.context_scope == "global":
        frame_pairs += 2 * layout.attended_frames
    elif edge:
        near = min(layout.local_frame_range, layout.num_frames)
        frame_pairs += 2 * (near + 2)
    return frame_pairs * tokens**2
