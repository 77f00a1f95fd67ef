"""Encoding against real time, and each of its parts alone: decoding, pictures, encoder, motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from vidmem.bench.teach.footage import read_pixels
from vidmem.bench.timing import clock, time_alternately
from vidmem.models import FamSwin, FeatureEncoder, FeatureStore, Spool
from vidmem.models.features.motion import motion_channels
from vidmem.streaming.batching import to_model_clip
from vidmem.teaching.encoding import BATCH_GROUPS, encode_video
from vidmem.video import probe_safely


@dataclass(frozen=True, kw_only=True)
class EncodingBench:
    """A file encoded from its beginning to its end. Decoding goes on beside the rest."""

    video_seconds: float
    width: int
    height: int
    num_threads: int
    """Of torch, beside the process that decodes."""

    num_feature_frames: int
    seconds: float
    """Of all."""

    decoding_seconds: float
    """Of decoding alone, the start of its process included."""

    pictures_seconds: float
    """Of putting sampled frames between bars and normalising them, alone."""

    encoder_seconds: float
    """Of the image encoder alone."""

    motion_seconds: float
    """Of the motion channels alone."""

    @property
    def times_real_time(self) -> float:
        """Seconds of video encoded in a second."""
        return self.video_seconds / self.seconds

    @property
    def encoder_ms(self) -> float:
        """Milliseconds of the image encoder for a feature frame."""
        return 1000 * self.encoder_seconds / self.num_feature_frames

    def share(self, seconds: float) -> float:
        """Of the time of all; those of parts are more than 1 together where two go on at once."""
        return seconds / self.seconds


def bench_encoding(video: Path, model: Spool | FamSwin, *, num_rounds: int) -> EncodingBench:
    """Encode a file with a taught model's encoder, at the rate of its card.

    Args:
        video: A video file.
        model: With an encoder.
        num_rounds: In each of which all and every part come once.
    """
    encoder = model.encoder
    assert encoder is not None, "it was taught with one"
    info, pixels, every = probe_safely(video), read_pixels(video, model.card), _every(encoder)
    # As `encode_video` does: whole groups, so many at a time.
    pieces = pixels[: len(pixels) // every * every].split(BATCH_GROUPS * every)
    groups = [_groups(piece, model, every) for piece in pieces]
    ways: dict[str, Callable[[], object]] = {
        "all": lambda: _encode(video, encoder, model.card.fps),
        "decoding": lambda: read_pixels(video, model.card),
        "pictures": lambda: [_groups(piece, model, every) for piece in pieces],
        "encoder": lambda: [encoder.backbone(one[:, -1:]) for one in groups],
        "motion": lambda: [_motion(one, encoder) for one in groups],
    }
    with torch.no_grad():
        clocks = {name: clock(way, model.device) for name, way in ways.items()}
        timings = time_alternately(clocks, num_rounds)
    return EncodingBench(
        video_seconds=info.duration_seconds,
        width=info.width,
        height=info.height,
        num_threads=torch.get_num_threads(),
        num_feature_frames=sum(map(len, groups)),
        seconds=timings["all"].seconds,
        decoding_seconds=timings["decoding"].seconds,
        pictures_seconds=timings["pictures"].seconds,
        encoder_seconds=timings["encoder"].seconds,
        motion_seconds=timings["motion"].seconds,
    )


def _every(encoder: FeatureEncoder) -> int:
    return encoder.config.encode_every


def _groups(pixels: Tensor, model: Spool | FamSwin, every: int) -> Tensor:
    """`[N, every, 3, H, W]`, as the encoder gets them."""
    clip = to_model_clip(pixels, model)[0]
    return clip.view(-1, every, *clip.shape[1:])


def _motion(groups: Tensor, encoder: FeatureEncoder) -> object:
    grid = encoder.token_grid(*groups.shape[-2:])
    before = groups[:, max(groups.shape[1] - 2, 0)]
    return motion_channels(before, groups[:, -1], grid, encoder.backbone.preprocessing.std)


def _encode(video: Path, encoder: FeatureEncoder, fps: float) -> None:
    # A new store each time: what is there already would not be encoded again.
    with TemporaryDirectory(prefix="vidmem-") as folder:
        encode_video(video, encoder, fps=fps, store=FeatureStore(folder=Path(folder)))
