"""Sections of the board that follow from a video, a model and its settings alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.projects.taught_models import PREFIX
from app.run import wording as run_wording
from app.sources import wording as source_wording
from app.sources.shelf import Video
from vidmem import units
from vidmem.inspection import attention_view
from vidmem.nn import frame_attention
from vidmem.nn.attention import resolve_backend
from vidmem.streaming import StreamSettings

L_MEMS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)
RANGES = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64)
CLIP_FRAMES = (4, 8, 12, 16, 24, 32, 48, 64)
STRIDES_IN_CLIPS = (1 / 8, 1 / 4, 1 / 2, 3 / 4, 1, 3 / 2, 2, 3, 4)
FPS = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15)
TIMES = "\N{MULTIPLICATION SIGN}"
MIN_BOUTS = (0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 45, 60, 120)
CODECS = {"h264": "H.264", "hevc": "HEVC", "av1": "AV1", "vp9": "VP9", "vp8": "VP8", "gif": "GIF"}
CODECS |= {"mpeg4": "MPEG-4", "mjpeg": "MJPEG", "mpeg2video": "MPEG-2"}


def allowed_settings(model: Any, settings: StreamSettings) -> dict[str, list[float]]:
    """The stops of each slider that this model has; the value in use is always one of them."""
    card, traits = model.card, model.traits
    made_for = StreamSettings.for_model(model)
    multiple = made_for.frames_multiple
    # A clip is cut into whole tubelets.
    clips = {n for n in (*CLIP_FRAMES, card.clip_frames) if n % multiple == 0 and n >= 2}
    stops: dict[str, set[float]] = {}
    if traits.local_frame_range is not None:
        reach = settings.local_frame_range or 0
        stops["local_frame_range"] = {*RANGES, traits.local_frame_range, reach}
    stops["l_mem"] = {*L_MEMS, traits.l_mem, settings.l_mem} if traits.has_memory else {0}
    if not settings.is_back_to_back:  # else the stride is the clip length
        strides = {max(1, round(settings.clip_frames * share)) for share in STRIDES_IN_CLIPS}
        stops["window_stride"] = {*strides, settings.window_stride}
    stops["clip_frames"] = {*clips, settings.clip_frames}
    stops["fps"] = {*FPS, card.fps, settings.fps}
    stops["min_bout_seconds"] = {*MIN_BOUTS, settings.min_bout_seconds}
    return {name: sorted(_plain(value) for value in values) for name, values in stops.items()}


def _plain(value: float) -> float | int:
    # `3`, not `3.0`, also in JSON.
    return int(value) if float(value).is_integer() else value


def describe_video(info: Any) -> str:
    """`6 h 00 min · 1920×1080 · 25 fps · H.264 · 11.2 GB`."""
    codec = CODECS.get(str(info.codec)) or str(info.codec).upper()
    facts = (
        units.span(info.duration_seconds),
        f"{info.width}{TIMES}{info.height}",
        f"{info.fps:.3g} fps",
        codec,
        units.file_size(info.size_bytes),
    )
    return " · ".join(facts)


def chips(model: Any, reader: str | None) -> list[str]:
    """What runs: the model, where, in what numbers, with which attention, and the reader."""
    shown = []
    if model is not None:
        dtype = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
        name = str(model.dtype).removeprefix("torch.")
        backend = _attention_of(model)
        where = f"{str(model.device).upper()} · {dtype.get(name, name)} · {backend}"
        shown += [model.card.title, where]
    return [*shown, f"reader: {reader}"] if reader else shown


def _attention_of(model: Any) -> str:
    if model.traits.local_frame_range is None:
        return resolve_backend(model.device, model.dtype).name
    return frame_attention.resolve_frame_backend(model.device)[0]


def model_section(name: str, model: Any) -> dict[str, Any]:
    """The model in use: its classes, what it was trained on, whether in this project, its heads."""
    card = model.card
    return {
        "name": name,
        "is_taught": name.startswith(PREFIX),
        "classes": list(card.class_names),
        "trained_on": card.training_note,
        "heads": _heads(model),
    }


def _heads(model: Any) -> dict[str, Any] | None:
    """The heads of each layer by side; `None` for models whose heads have no side."""
    if attention_view(model) != "heads":
        return None
    config = model.config
    return {
        "lookback": config.num_lookback_heads,
        "lookahead": config.num_lookahead_heads,
        "has_context_frames": config.has_context_frames,
        "sees_whole_window": config.context_scope == "global",
    }


def settings_section(model: Any, settings: StreamSettings) -> dict[str, Any]:
    """The settings in use and the stops of their sliders."""
    return {
        "values": settings.as_dict(),
        "allowed": allowed_settings(model, settings),
        "seconds_between_predictions": settings.seconds_between_predictions,
    }


def source_section(video: Video, info: Any, reader: str) -> dict[str, Any]:
    """The chosen video, and its reader; a live one has no length."""
    return {
        "key": video.key,
        "title": video.title,
        "is_live": video.is_live,
        "is_webcam": video.webcam is not None,
        "duration_seconds": 0.0 if video.is_live else info.duration_seconds,
        "width": info.width,
        "height": info.height,
        "facts": _facts(video, info),
        "reader": reader,
    }


def _facts(video: Video, info: Any) -> str:
    if video.past is not None:
        return source_wording.past_facts(info.duration_seconds)
    return source_wording.facts(video.title) if video.is_live else describe_video(info)


def empty_memory(settings: StreamSettings | None) -> dict[str, Any]:
    """The memory before the first clip."""
    return memory_section(settings, l_mem=settings.l_mem if settings else 0)


def memory_section(
    settings: StreamSettings | None,
    *,
    l_mem: int,
    slots: Sequence[Mapping[str, Any]] = (),
    now_seconds: float = 0.0,
    num_left: int = 0,
) -> dict[str, Any]:
    """The clips that the model holds.

    Args:
        settings: In use; they say whether it is a queue of past clips, or a window with the newest.
        l_mem: Past clips that it can hold.
        slots: The clips held, oldest first.
        now_seconds: Where the newest clip ends.
        num_left: Clips that are not held any more.
    """
    is_window = settings is not None and settings.is_back_to_back
    left = run_wording.left_the_window(num_left) if is_window else run_wording.evicted(num_left)
    return {
        "is_window": is_window,
        "num_places": l_mem + is_window,  # a window holds the newest clip too
        "slots": list(slots),
        "now_seconds": now_seconds,
        "note": left if l_mem or is_window else "",
    }
