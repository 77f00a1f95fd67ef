"""Bytes and FLOPs of what makes features of frames, beside the image encoder itself.

In all of it `size.clip_frames` are the feature frames of a clip, and `width` is that of the image
encoder's tokens.
"""

from __future__ import annotations

from vidmem.models.features.config import NUM_MOTION_CHANNELS, FeatureConfig
from vidmem.models.features.motion import SIDE
from vidmem.planner.sizing import StepSize, linear_flops

FLOAT_BYTES = 4
"""The reduction, and what is measured of motion, is in float32 whatever the weights are."""

_COLOURS = 3


def reduction_bytes(config: FeatureConfig, width: int) -> int:
    """Of the fitted reduction."""
    whole = config.tokens_per_frame * width
    numbers = (1 + config.cell_components) * width + (1 + config.frame_components) * whole
    numbers += config.frame_components + 2 * 2 * NUM_MOTION_CHANNELS
    return FLOAT_BYTES * (numbers + 2)  # and two single ones: what is left out, and the limit


def feature_flops(config: FeatureConfig, size: StepSize, width: int) -> int:
    """Of one stream: grey pictures, and the products with components.

    Those of whole frames are computed for the features, and for how far they are from usual ones.
    """
    frames, tokens = size.clip_frames, size.clip_frames * config.tokens_per_frame
    grey = 2 * linear_flops(frames * size.frame_height * size.frame_width, _COLOURS, 1)
    whole = linear_flops(frames, config.tokens_per_frame * width, config.frame_components)
    return grey + linear_flops(tokens, width, config.cell_components) + 2 * whole


def picture_bytes(size: StepSize, number_bytes: int = FLOAT_BYTES) -> int:
    """Of the pictures that are encoded, copied out of a clip of such numbers."""
    pixels = _COLOURS * size.frame_height * size.frame_width
    return size.batch_size * size.clip_frames * pixels * number_bytes


def motion_peak_bytes(
    config: FeatureConfig, size: StepSize, width: int, number_bytes: int = FLOAT_BYTES
) -> int:
    """The most that is held while motion is measured in such numbers, the tokens included."""
    frames = size.batch_size * size.clip_frames
    tokens = frames * config.tokens_per_frame * width * size.number_bytes
    grey = frames * size.frame_height * size.frame_width * FLOAT_BYTES
    as_floats = 0 if number_bytes == FLOAT_BYTES else _COLOURS * grey
    small = frames * SIDE * SIDE * FLOAT_BYTES
    # Of one of both its grey picture, made of its colours in another order.
    making_grey = as_floats + _COLOURS * grey + grey + small
    # Both grey pictures, their difference, its size without flicker and what has changed; and in a
    # byte for each place what is zero, what is a bar, and what has changed, not yet a number.
    comparing = 5 * small + 3 * small // FLOAT_BYTES
    # The frames and those before them stay to the end.
    return tokens + 2 * picture_bytes(size, number_bytes) + max(making_grey, comparing)
