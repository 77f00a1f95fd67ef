"""Measures how drawn barn footage looks, for the bundled models: `look.safetensors`.

    python -m vidmem.training.barn.look FOLDER ...

Frames are taken as the models were trained on them, drawn at their size, and as a file gives them:
drawn larger, coded as H.264 by day and by night, and read back. The limit comes from videos of
other seeds, which nothing else is fitted to.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor

from vidmem.data.barn import BarnConfig, BarnVideo
from vidmem.data.barn.coded import coded_frames
from vidmem.models.look import SIZE, Look

logger = logging.getLogger(__name__)

TRAINING_SEEDS = range(72)
FILE_SEEDS, HELD_OUT_SEEDS = range(5000, 5028, 2), range(5001, 5028, 2)
FRAMES_OF_EACH = 6
FILE_SIZES = ((640, 360), (1280, 720), (320, 240), (640, 480))
LIGHTS = ("auto", "day", "night")
QUALITIES = (20, 26, 34)
"""Constant rate factors of H.264."""

MARGIN = 1.35
"""From the most unlike frame that was held out to the limit: the drawing of a seed that nobody has
seen yet may be a little further away."""


def drawn_frames(seed: int) -> Tensor:
    """`[N, H, W, 3]`, uint8: moments of a video at the size that the models see."""
    video, rng = BarnVideo(BarnConfig(minutes=8, seed=seed)), Random(seed)
    height, width = SIZE
    moments = [rng.uniform(0, 470) for _ in range(FRAMES_OF_EACH)]
    return torch.from_numpy(np.stack([video.frame(at, width, height) for at in moments]))


def file_frames(seed: int) -> Tensor:
    """`[N, H, W, 3]`, uint8: a video that was written to a file, read as the models see it."""
    place = seed - FILE_SEEDS.start
    light = LIGHTS[place % len(LIGHTS)]
    height, width = SIZE
    frames = coded_frames(
        BarnConfig(minutes=0.4, seed=seed, light=light, light_seconds=8.0),
        file_size=FILE_SIZES[place % len(FILE_SIZES)],
        quality=QUALITIES[place // 2 % len(QUALITIES)],
        size=(width, height),
    )
    return torch.from_numpy(frames)


def measure_look() -> Look:
    """The look of drawn barn footage; draws for minutes."""
    frames = torch.cat(
        [*map(drawn_frames, TRAINING_SEEDS), *map(file_frames, FILE_SEEDS)],
    )
    look = Look.fit(frames, limit=1.0)
    farthest = max(look.distance(frame) for frame in torch.cat([*map(file_frames, HELD_OUT_SEEDS)]))
    logger.info("the most unlike frame held out is at %.2f", farthest)
    return Look.fit(frames, limit=round(MARGIN * farthest, 2))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the look of drawn barn footage beside models."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    look = measure_look()
    for folder in options.folders:
        look.write(folder)


if __name__ == "__main__":
    main()
