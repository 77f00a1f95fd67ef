"""A whole video in one pass: every frame is judged with all that came before and after it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from vidmem.errors import SettingError, StorageError
from vidmem.models import FeatureKey, FeatureStore, Spool, StoredFeatures
from vidmem.models.interface import class_probabilities
from vidmem.models.look import look_of
from vidmem.streaming.batching import to_model_clip
from vidmem.streaming.feeds.feed import FeedRequest, check_is_file, open_file_feed
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.settings import StreamSettings, settings_for
from vidmem.streaming.step_errors import check_finite
from vidmem.streaming.windows import Position, ReadWindow, WindowReader
from vidmem.units import GIB, memory_size
from vidmem.video.sampling import Gap, Window

_VALUES_PER_TOKEN = 24
"""Held at once for each value of a token: queries, keys, values, their copies, the MLP's hidden
layer. At most 22 were measured, for 1000 to 8000 frames in float32 and bfloat16."""

_UNLIKENESS = "unlikeness"
"""Array of what is kept of a video."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class WholeVideo:
    """A video's features, and where its windows are."""

    features: Tensor
    """`[T, P, F]`: a row for each frame that the model sees."""

    windows: tuple[Window, ...]
    gaps: tuple[Gap, ...]
    """Parts of the file that could not be decoded."""

    unlikeness: tuple[float | None, ...]
    """Of each window, as `Prediction.unlikeness` has it."""


def watch_whole(
    source: str | Path,
    model: Spool,
    settings: StreamSettings | None = None,
    *,
    reader: str = "auto",
    cache: FeatureStore | None = None,
    max_bytes: int = 8 * GIB,
) -> list[Prediction]:
    """Predict all windows of a video from one pass of Spool over the features of all its frames.

    Args:
        source: A video file.
        model: With a backbone.
        settings: `None`: what the model was trained with. `l_mem` is ignored.
        reader: "auto" (PyAV), "pyav" or "decord".
        cache: Where features are kept, so that the next pass over the same file and backbone
            decodes and encodes nothing; `None`: they are not. Those of damaged files are not kept.
        max_bytes: Refuse videos that would take more memory.

    Returns:
        One prediction per window, all final.

    Raises:
        SettingError: If the model is no Spool, or the video would need more memory.
        UnreadableVideoError: If the source cannot be read.
        ModelError: If the model gives what is no number.
    """
    if not model.traits.judges_whole_videos:
        raise SettingError("one pass over a whole video needs a Spool; stream it instead")
    check_is_file(source)
    settings = settings_for(model, settings)
    started = time.perf_counter()
    video = _encode_video(Path(source), model, settings, reader, cache, max_bytes)
    with torch.no_grad():
        scores = model.forward_features(
            video.features[None].to(model.device, model.dtype),
            local_frame_range=settings.local_frame_range,
        )
    clips = scores.frame_logits[0].split(model.config.num_seen_frames(settings.clip_frames))
    logits = torch.stack([clip.mean(0) for clip in clips])
    check_finite(logits, None, model, [(w.start_seconds, w.end_seconds) for w in video.windows])
    probabilities = class_probabilities(logits, model.card).tolist()
    seconds = (time.perf_counter() - started) / len(video.windows)
    blank = Prediction(
        index=0,
        window=video.windows[0],
        start_seconds=0.0,
        end_seconds=0.0,
        label="",
        probability=0.0,
        probabilities=(),
        class_names=model.card.class_names,
        axes=model.card.several_axes,
        num_real_frames=0,
        num_remembered=0,
        remembered=(),
        l_mem=0,
        state_bytes=video.features.numel() * video.features.element_size(),
        model_seconds=seconds,
        model_name=model.card.name,
    )
    return [
        replace(
            blank,
            index=window.index,
            window=window,
            start_seconds=window.start_seconds,
            end_seconds=window.end_seconds,
            num_real_frames=window.num_real_frames,
            gaps=video.gaps if window.is_last else (),
            unlikeness=unlike,
        ).judged_anew(tuple(row))
        for window, row, unlike in zip(video.windows, probabilities, video.unlikeness, strict=True)
    ]


def _encode_video(
    source: Path,
    model: Spool,
    settings: StreamSettings,
    reader: str,
    cache: FeatureStore | None,
    max_bytes: int,
) -> WholeVideo:
    key = None if cache is None else _key(source, model, settings, reader)
    if cache is not None and key is not None and (kept := cache.find(key)) is not None:
        _check_size(len(kept.arrays["features"]), model, max_bytes)
        return WholeVideo(
            features=kept.arrays["features"],
            windows=_windows(kept, settings),
            gaps=(),
            unlikeness=_kept_unlikeness(kept),
        )
    pieces, windows, gaps, unlikeness = [], [], [], []
    clip_frames = model.config.num_seen_frames(settings.clip_frames)
    for read in _read_windows(source, model, settings, reader, max_bytes):
        pixels = read.pixels[: read.window.num_real_frames]
        features, unlike = _encode_clip(pixels, model)
        pieces.append(features)
        unlikeness.append(unlike)
        windows.append(read.window)
        gaps.extend(read.gaps)
        _check_size(len(pieces) * clip_frames, model, max_bytes)
    video = WholeVideo(
        features=torch.cat(pieces),
        windows=tuple(windows),
        gaps=tuple(gaps),
        unlikeness=tuple(unlikeness),
    )
    if cache is not None and key is not None and not gaps:
        _keep(cache, key, video)
    return video


@torch.no_grad()
def _encode_clip(pixels: Tensor, model: Spool) -> tuple[Tensor, float | None]:
    """Features `[T, P, F]` of a clip, and how unlike what the model was trained on it is."""
    clip = to_model_clip(pixels, model)
    if model.encoder is not None:
        encoded = model.encoder.encode(clip)
        return encoded.values[0].cpu(), float(encoded.unlikeness)
    look = look_of(model)
    return model.encode(clip)[0].cpu(), None if look is None else look.unlikeness(pixels)


def _keep(cache: FeatureStore, key: FeatureKey, video: WholeVideo) -> None:
    features, windows = video.features, video.windows
    if features.dtype == torch.bfloat16:  # which no `.npy` file has
        features = features.float()
    seconds = [(window.start_seconds, window.end_seconds) for window in windows]
    arrays = {
        "features": features,
        "window_seconds": torch.tensor(seconds, dtype=torch.float64),
        "window_frames": torch.tensor([window.num_real_frames for window in windows]),
    }
    known = [one for one in video.unlikeness if one is not None]
    if known:  # of all windows, or of none
        arrays[_UNLIKENESS] = torch.tensor(known, dtype=torch.float64)
    try:
        writer = cache.writer(key)
        if writer is None:  # another process is keeping the same
            return
        with writer:
            writer.clear()
            writer.append(arrays)
            writer.complete()
    # A full disk, or features that are not finite, slow down the next pass and spoil nothing.
    except (StorageError, ValueError) as error:
        logger.warning("the features of the video are not kept: %s", error)


def _read_windows(
    source: Path, model: Spool, settings: StreamSettings, reader: str, max_bytes: int
) -> Iterator[ReadWindow]:
    request = FeedRequest(
        path=source, card=model.card, fps=settings.fps, start_frame=0, reader=reader
    )
    feed = open_file_feed(request)
    try:
        # Before any decoding. Containers may give too short a length, so it is checked again as
        # clips come.
        sampled = int(feed.info.duration_seconds * settings.fps)
        _check_size(model.config.num_seen_frames(sampled), model, max_bytes)
        windows = WindowReader(feed, settings, Position())
        while (read := windows.read()) is not None:
            yield read
    finally:
        feed.close()


def _check_size(num_frames: int, model: Spool, max_bytes: int) -> None:
    config = model.config
    values = num_frames * config.tokens_per_frame * config.embed_dim
    needed = values * _VALUES_PER_TOKEN * model.clip_head.weight.element_size()
    if needed > max_bytes:
        raise SettingError(
            f"one pass over {num_frames} frames or more takes about {memory_size(needed)}, and "
            f"max_bytes is {memory_size(max_bytes)}; stream the video instead, sample it at a "
            "lower fps, or raise max_bytes"
        )


def _key(source: Path, model: Spool, settings: StreamSettings, reader: str) -> FeatureKey | None:
    """Of the features and of the windows' times; `None` for a model that cannot encode."""
    encoder = model.backbone or model.encoder
    if encoder is None:
        return None
    card, look = model.card, look_of(model)
    return FeatureKey.of(
        source,
        {
            "kind": "whole video and how unlike its training it is",
            "backbone": encoder.fingerprint(),
            "fps": settings.fps,
            "clip_frames": settings.clip_frames,
            "frame_size": [card.frame_height, card.frame_width],
            "resize": card.resize,
            "mean": card.mean,
            "std": card.std,
            "reader": "pyav" if reader == "auto" else reader,
            "look": None if look is None else look.fingerprint(),
            "follow": None if card.follow is None else asdict(card.follow),
            "hides_clock": card.hides_clock,
        },
    )


def _kept_unlikeness(kept: StoredFeatures) -> tuple[float | None, ...]:
    if _UNLIKENESS in kept.arrays:
        return tuple(kept.arrays[_UNLIKENESS].tolist())
    return (None,) * len(kept.arrays["window_frames"])


def _windows(kept: StoredFeatures, settings: StreamSettings) -> tuple[Window, ...]:
    seconds = kept.arrays["window_seconds"].tolist()
    real_frames = kept.arrays["window_frames"].tolist()
    return tuple(
        Window(
            index=index,
            start_frame=index * settings.clip_frames,
            num_frames=settings.clip_frames,
            num_real_frames=num_real_frames,
            start_seconds=start,
            end_seconds=end,
            is_last=index == len(seconds) - 1,
        )
        for index, ((start, end), num_real_frames) in enumerate(
            zip(seconds, real_frames, strict=True)
        )
    )
