"""Sections of the board that follow from a video, a model and its settings alone."""

from __future__ import annotations

from typing import Any

from app import text
from app.pacing import Pacer
from app.videos import Video
from vidmem.nn.attention import resolve_backend
from vidmem.streaming import StreamSettings

L_MEMS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)
CLIP_FRAMES = (4, 8, 12, 16, 24, 32, 48, 64)
STRIDES_IN_CLIPS = (1 / 8, 1 / 4, 1 / 2, 3 / 4, 1, 3 / 2, 2, 3, 4)
FPS = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15)
TIMES = "\N{MULTIPLICATION SIGN}"
MIN_BOUTS = (0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 45, 60, 120)
CODECS = {"h264": "H.264", "hevc": "HEVC", "av1": "AV1", "vp9": "VP9", "vp8": "VP8", "gif": "GIF"}
CODECS |= {"mpeg4": "MPEG-4", "mjpeg": "MJPEG", "mpeg2video": "MPEG-2"}


def allowed_settings(model: Any, settings: StreamSettings) -> dict[str, list[float]]:
    """The stops of each slider; the value in use is always one of them."""
    card = model.card
    made_for = StreamSettings.for_model(model)
    multiple = made_for.frames_multiple
    clips = {n for n in (*CLIP_FRAMES, card.clip_frames) if n % multiple == 0 and n >= 2}
    strides = {max(1, round(settings.clip_frames * share)) for share in STRIDES_IN_CLIPS}
    l_mems = {*L_MEMS, made_for.l_mem} if made_for.l_mem else {0}
    stops: dict[str, set[float]] = {
        "l_mem": {*l_mems, settings.l_mem},
        "window_stride": {*strides, settings.window_stride},
        "clip_frames": {*clips, settings.clip_frames},
        "fps": {*FPS, card.fps, settings.fps},
        "min_bout_seconds": {*MIN_BOUTS, settings.min_bout_seconds},
    }
    return {name: sorted(_plain(value) for value in values) for name, values in stops.items()}


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def describe_video(info: Any) -> str:
    """`6 h 00 min · 1920×1080 · 25 fps · H.264 · 11.2 GB`."""
    codec = CODECS.get(str(info.codec)) or str(info.codec).upper()
    facts = (
        text.span(info.duration_seconds),
        f"{info.width}{TIMES}{info.height}",
        f"{info.fps:.3g} fps",
        codec,
        text.size(info.size_bytes),
    )
    return " · ".join(facts)


def chips(model: Any, reader: str | None) -> list[str]:
    """What runs: the model, where, in what numbers, with which attention, and the reader."""
    shown = []
    if model is not None:
        dtype = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
        name = str(model.dtype).removeprefix("torch.")
        backend = resolve_backend(model.device, model.dtype).name
        where = f"{str(model.device).upper()} · {dtype.get(name, name)} · {backend}"
        shown += [model.card.title, where]
    return [*shown, f"reader: {reader}"] if reader else shown


def model_section(name: str, model: Any) -> dict[str, Any]:
    """The model in use, its classes, and what it was trained on."""
    card = model.card
    return {"name": name, "classes": list(card.class_names), "trained_on": card.trained_on}


def settings_section(model: Any, settings: StreamSettings) -> dict[str, Any]:
    """The settings in use and the stops of their sliders."""
    return {
        "values": settings.as_dict(),
        "allowed": allowed_settings(model, settings),
        "seconds_between_predictions": settings.seconds_between_predictions,
    }


def source_section(video: Video, info: Any, reader: str) -> dict[str, Any]:
    """The chosen video, and who reads it."""
    return {
        "key": video.key,
        "title": video.title,
        "duration_seconds": info.duration_seconds,
        "facts": describe_video(info),
        "reader": reader,
    }


def empty_memory(settings: StreamSettings | None) -> dict[str, Any]:
    """The memory before the first clip."""
    l_mem = settings.l_mem if settings else 0
    return {"l_mem": l_mem, "slots": [], "now_seconds": 0.0, "note": ""}


def play_section(
    status: str, pacer: Pacer, has_video: bool, analysed: float, pace: str
) -> dict[str, Any]:
    """Where the run is; the page moves the playhead on by itself at the rate given here."""
    is_moving = status == "playing" and pacer.is_real_time
    head = pacer.playhead_seconds
    return {
        "status": status,
        "is_held": pacer.is_paused,
        "can_play": has_video,
        "speed": "real" if pacer.is_real_time else "fast",
        "pace": pace,
        "analysed_seconds": analysed,
        "playhead": {
            "seconds": round(head, 2),
            "rate": 1 if is_moving else 0,
            "limit": pacer.limit_seconds if is_moving else head,
        }
        if has_video
        else None,
    }
