"""The masks of the model in use: which of the catalogue they are, and under which numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.explain.mask_catalogue import BLOCK, MASKS
from vidmem.models import FamSwinConfig, SpoolConfig
from vidmem.streaming import StreamSettings

BLOCK_TOKENS = 128
"""A side of the blocks of `flex_attention`."""

QUERIES = 8
"""Tokens of a clip that are drawn as reading memory: they all see the same."""


def model_masks(model: Any, settings: StreamSettings) -> dict[str, Any]:
    """The model's own masks, the most important first, with its numbers as they are now.

    Numbers that the catalogue does not go up to are left at its limit.
    """
    masks_of = MODEL_MASKS.get(type(model.config))
    masks = masks_of(model, settings) if masks_of else []
    return {"model": model.card.title, "masks": masks}


def _of_spool(model: Any, settings: StreamSettings) -> list[dict[str, Any]]:
    config: SpoolConfig = model.config
    reach = settings.local_frame_range
    tokens = config.tokens_per_frame
    values = {
        "range": config.local_frame_range if reach is None else reach,
        "frames": settings.window_frames,
        "tokens": tokens,
        "lookback": config.num_lookback_heads,
        "lookahead": config.num_lookahead_heads,
        "context": config.context_scope if config.has_context_frames else "none",
    }
    # So few that single cells can be seen, but beyond the range, so that its edge is seen too.
    few = min(values["frames"], max(12, min(30, 3 * values["range"])))
    small = {**values, "frames": few, "tokens": min(4 if few <= 14 else 2, tokens)}
    return [
        _offer("spool", "heads, on a few frames", {**small, "block": 8}),
        _offer("spool", "heads, on the whole window", {**values, "block": BLOCK_TOKENS}),
    ]


def _of_fam_swin(model: Any, settings: StreamSettings) -> list[dict[str, Any]]:
    config: FamSwinConfig = model.config
    return [*_of_memory(config, settings), *_of_windows(model, config, settings)]


def _of_memory(config: FamSwinConfig, settings: StreamSettings) -> list[dict[str, Any]]:
    memory = config.memory
    if memory is None:
        return []
    queue = {"l_mem": settings.l_mem, "every": memory.memory_every, "anchors": memory.anchors}
    now = {**queue, "tokens": memory.tokens_per_clip, "queries": QUERIES, "block": BLOCK_TOKENS}
    reach = max(8, 2 * settings.l_mem * memory.memory_every)
    return [
        _offer("history", "memory over a stream", {**queue, "clips": reach, "block": 8}),
        _offer("memory", "memory at the newest clip", {**now, "clip": None}),
    ]


def _of_windows(
    model: Any, config: FamSwinConfig, settings: StreamSettings
) -> list[dict[str, Any]]:
    time, rows, columns = model.first_grid(settings.clip_frames)
    names = [f"window_{axis}" for axis in ("time", "rows", "columns")]
    offers = []
    for stage in config.stages:
        window = dict(zip(names, config.window(stage), strict=True))
        size = {"size_time": time, "size_rows": rows, "size_columns": columns}
        values = {**size, **window, "shift": "yes", "order": "windows", "block": BLOCK_TOKENS}
        offers.append(_offer("windows", f"windows, stage {stage}", values))
        rows, columns = -(-rows // 2), -(-columns // 2)  # patches are merged two by two
    return offers


def _offer(mask: str, title: str, values: dict[str, Any]) -> dict[str, Any]:
    """One mask, its numbers within the catalogue's limits; `None`: a number that the page fills."""
    limits = {field.name: field for field in (*MASKS[mask].fields, BLOCK)}
    kept = {}
    for name, value in values.items():
        high = getattr(limits[name], "high", None)
        kept[name] = min(value, high) if isinstance(value, int) and high is not None else value
    return {"mask": mask, "title": title, "values": kept}


MODEL_MASKS: dict[type, Callable[[Any, StreamSettings], list[dict[str, Any]]]] = {
    FamSwinConfig: _of_fam_swin,
    SpoolConfig: _of_spool,
}
"""By the class of the config; a model of another kind has none to show."""
