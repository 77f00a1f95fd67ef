"""Taught models streaming a file end to end, and what their steps are made of."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vidmem.bench.teach.footage import read_pixels
from vidmem.bench.timing import clock, time_alternately
from vidmem.models import FamSwin, Spool
from vidmem.processors import fit_threads
from vidmem.streaming import watch
from vidmem.streaming.batching import to_model_clip
from vidmem.video import probe_safely


@dataclass(frozen=True, kw_only=True)
class TaughtStreamBench:
    """A taught model over a file."""

    model: str
    """`spool` or `fam`."""

    video_seconds: float
    num_threads: int
    """Of torch, beside the process that decodes."""

    seconds: float
    """From opening the file to the last prediction."""

    clip_seconds: float
    """Of video, in a step."""

    num_remembered: int
    """Clips held while steps were timed: as many as it can."""

    encoder_seconds: float
    """Of a step: image encoder, motion and reduction. The median."""

    temporal_seconds: float
    """Of a step: all that comes after the features. The median."""

    @property
    def times_real_time(self) -> float:
        """Seconds of video streamed in a second."""
        return self.video_seconds / self.seconds

    @property
    def temporal_share(self) -> float:
        """The temporal part over the encoder."""
        return self.temporal_seconds / self.encoder_seconds


def bench_streams(
    video: Path, models: Mapping[str, Spool | FamSwin], *, num_rounds: int
) -> tuple[TaughtStreamBench, ...]:
    """Stream a file through each model, in turn, then look at the steps of each.

    Args:
        video: A video file, of at least one clip.
        models: With encoders, all of one size; by name.
        num_rounds: In each of which every model streams once.
    """
    info, threads = probe_safely(video), torch.get_num_threads()
    try:
        fit_threads(next(iter(models.values())))  # as `vidmem watch` does
        clocks = {
            name: clock(lambda model=model: _stream(video, model), model.device)
            for name, model in models.items()
        }
        timings = time_alternately(clocks, num_rounds)
        rows = []
        for name, model in models.items():
            encoder_seconds, temporal_seconds = _step_parts(video, model)
            row = TaughtStreamBench(
                model=name,
                video_seconds=info.duration_seconds,
                num_threads=torch.get_num_threads(),
                seconds=timings[name].seconds,
                clip_seconds=model.card.clip_frames / model.card.fps,
                num_remembered=model.traits.l_mem,
                encoder_seconds=encoder_seconds,
                temporal_seconds=temporal_seconds,
            )
            rows.append(row)
    finally:
        torch.set_num_threads(threads)
    return tuple(rows)


def _stream(video: Path, model: Spool | FamSwin) -> None:
    for _ in watch(video, model):
        pass


@torch.no_grad()
def _step_parts(video: Path, model: Any) -> tuple[float, float]:
    """Seconds of encoder and of temporal part, in turn clip by clip: medians of the file's clips.

    The model is a Spool or a FAM Swin, whose states are of two types. Its memory, or its window, is
    full from the first of them on.
    """
    encoder = model.encoder
    assert encoder is not None, "it was taught with one"
    state, device = model.init_state(1), model.device
    features = encoder.encode(next(_clips(video, model))).values
    for _ in range(model.traits.l_mem):
        state = model.step_features(features, state).state
    encoding, stepping = [], []
    for clip in _clips(video, model):
        encoding.append(clock(lambda clip=clip: encoder.encode(clip), device)().seconds)
        features = encoder.encode(clip).values
        step = clock(lambda own=features, state=state: model.step_features(own, state), device)
        stepping.append(step().seconds)
        state = model.step_features(features, state).state
    return statistics.median(encoding), statistics.median(stepping)


def _clips(video: Path, model: Spool | FamSwin) -> Iterator[Tensor]:
    """Whole clips `[1, T, 3, H, W]`, one at a time: all of them would be a gigabyte."""
    frames = model.card.clip_frames
    for pixels in read_pixels(video, model.card).split(frames):
        if len(pixels) == frames:
            yield to_model_clip(pixels, model)
