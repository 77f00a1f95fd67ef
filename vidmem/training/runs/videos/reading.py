"""Clips of samples as pixels: at random for learning, at fixed places for scoring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidmem.data import DatasetSample, LongStream, StreamPart
from vidmem.models import ModelCard
from vidmem.training.augmentation import Variation
from vidmem.training.runs.videos.source import VideoSourceConfig
from vidmem.video import FeedLimits, VideoInfo, decode_size, probe_safely, to_clip


@dataclass(frozen=True)
class View:
    """A place in a sample."""

    at: float
    """0 to 1: of the places where a clip may begin."""

    across: float
    """0 to 1: of those where a crop may, from the left; 0.5 is the middle."""

    down: float = 0.5


CENTRE = View(0.5, 0.5)


def views(num_clips: int, num_crops: int) -> list[View]:
    """Clips evenly along a sample, times crops along the longer side of its picture.

    Each clip is in the middle of its share of the sample; three crops are those of Feichtenhofer et
    al., arXiv:1812.03982, section 4.1: both ends and the middle.
    """
    starts = [(number + 0.5) / num_clips for number in range(num_clips)]
    places = [0.5] if num_crops == 1 else [n / (num_crops - 1) for n in range(num_crops)]
    return [View(at, place, place) for at in starts for place in places]


class ClipReader:
    """Reads clips of samples.

    Args:
        config: Size, rate and frames.
    """

    def __init__(self, config: VideoSourceConfig) -> None:
        self._config = config
        self._infos: dict[str, VideoInfo] = {}

    def pixels(self, sample: DatasetSample, view: View) -> NDArray[np.uint8]:
        """`[T, H, W, 3]`; where a sample is shorter than a clip, its last frame is repeated.

        Raises:
            UnreadableVideoError: If the video cannot be read.
            DecoderError: If its decoder hangs, crashes or grows too large.
        """
        config, info = self._config, self._info(sample)
        fps, wanted = config.fps, config.clip_frames
        end = info.duration_seconds
        end = end if sample.end_seconds is None else min(sample.end_seconds, end)
        first = math.ceil(sample.start_seconds * fps - 1e-6)
        num_frames = max(1, math.ceil(end * fps - 1e-6) - first)
        start = round(view.at * max(0, num_frames - wanted))
        width, height = decode_size(
            info.width,
            info.height,
            frame_width=math.ceil(config.width / config.crop_share),
            frame_height=math.ceil(config.height / config.crop_share),
            resize=config.resize,
        )
        part = StreamPart(sample=sample, start_frame=0, num_frames=num_frames, start_in_video=first)
        stream = LongStream(
            parts=(part,),
            class_names=(),
            fps=fps,
            width=width,
            height=height,
            limits=FeedLimits(queue_frames=-(-wanted // 8) * 8),
        )
        pixels = stream.read(start, min(wanted, num_frames)).pixels
        missing = wanted - len(pixels)
        if missing:
            pixels = torch.cat([pixels, pixels[-1:].expand(missing, -1, -1, -1)])
        top, left = (
            round(view.down * (height - config.height)),
            round(view.across * (width - config.width)),
        )
        return pixels[:, top : top + config.height, left : left + config.width].numpy()

    def _info(self, sample: DatasetSample) -> VideoInfo:
        # Looked at once: its shape says how large it is decoded, its length where clips may begin.
        key = str(sample.video)
        if key not in self._infos:
            self._infos[key] = probe_safely(sample.video)
        return self._infos[key]


def random_view(rng: np.random.Generator) -> View:
    """Any place of a sample, as likely as any other."""
    return View(*rng.random(3).tolist())


def varied(
    pixels: NDArray[np.uint8],
    config: VideoSourceConfig,
    card: ModelCard,
    rng: np.random.Generator,
    *,
    is_one_video: bool = False,
) -> Tensor:
    """Clips `[B, T, H, W, 3]` as they are learnt from: varied and normalised, `[B, T, 3, H, W]`."""
    variation = Variation.draw(len(pixels), rng, is_one_video=is_one_video)
    is_mirrored = variation.is_mirrored & [config.mirrors != "none", config.mirrors == "both"]
    if config.recolours:
        return replace(variation, is_mirrored=is_mirrored).of_pixels(pixels, card)
    rows = zip(pixels, is_mirrored, strict=True)
    mirrored = [
        clip[:, :: -1 if down else 1, :: -1 if across else 1] for clip, (across, down) in rows
    ]
    return normalised(mirrored, card)


def normalised(clips: Sequence[NDArray[np.uint8]], card: ModelCard) -> Tensor:
    """Clips `[T, H, W, 3]` as they are scored: `[B, T, 3, H, W]`."""
    rows = [torch.from_numpy(np.ascontiguousarray(clip)) for clip in clips]
    return torch.cat([to_clip(row, mean=card.mean, std=card.std) for row in rows])
