"""The masks that can be looked at: what each is called, its numbers, and the spec they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.explain.fields import Choice, Field, Number
from vidmem.errors import SettingError
from vidmem.inspection import (
    BandMaskSpec,
    ContextMaskSpec,
    FrameLayout,
    MemoryHistorySpec,
    MemoryMaskSpec,
    SpoolMaskSpec,
    WindowMaskSpec,
)

Values = Mapping[str, Any]
Spec = (
    SpoolMaskSpec
    | BandMaskSpec
    | ContextMaskSpec
    | WindowMaskSpec
    | MemoryMaskSpec
    | MemoryHistorySpec
)


@dataclass(frozen=True)
class Mask:
    """A mask by name."""

    title: str
    hint: str
    """What it is for, in a sentence."""

    fields: tuple[Field, ...]
    make: Callable[[Values], Spec]


def _up_to(high: int, *finer: int) -> tuple[int, ...]:
    """Round numbers up to `high`."""
    round_numbers = {base * 10**power for base in (1, 2, 3, 4, 5, 6, 8) for power in range(4)}
    powers = {2**power for power in range(12)}
    return tuple(sorted(n for n in round_numbers | powers | set(finer) if n <= high))


FRAMES = Number("frames", "Frames", 12, 1, 256, _up_to(256, 12))
TOKENS = Number("tokens", "Tokens per frame", 4, 1, 256, _up_to(256))
RANGE = Number("range", "Range, in frames", 2, 0, 64, (0, *_up_to(64, 12, 24)))
LOOKBACK = Number("lookback", "Lookback heads", 2, 0, 16)
LOOKAHEAD = Number("lookahead", "Lookahead heads", 2, 0, 16)
CONTEXT = Choice(
    "context",
    "Context frames",
    (
        ("global", "see every frame"),
        ("local", "see the range at their end"),
        ("none", "there are none"),
    ),
)
SCOPE = Choice("context", "Context frames", CONTEXT.options[:2])
L_MEM = Number("l_mem", "L_mem, in clips", 8, 0, 200, (0, *_up_to(200, 12, 15, 25, 150)))
EVERY = Number("every", "Write every n-th clip", 1, 1, 8)
ANCHORS = Number("anchors", "Anchors, clips never dropped", 0, 0, 8)
_AXES = ("time", "rows", "columns")


def _sides(name: str, title: str, starts: tuple[int, int, int], high: int) -> tuple[Number, ...]:
    return tuple(
        Number(f"{name}_{axis}", f"{title}, {axis}", start, 1, high)
        for axis, start in zip(_AXES, starts, strict=True)
    )


SIZE = _sides("size", "Tokens", (2, 4, 8), 32)
WINDOW = _sides("window", "Window", (2, 4, 4), 16)
SHIFT = Choice("shift", "Windows", (("yes", "shifted by half a window"), ("no", "not shifted")))
ORDER = Choice(
    "order", "Order of tokens", (("grid", "as they lie in the clip"), ("windows", "by window"))
)


def _layout(values: Values) -> FrameLayout:
    context = values["context"]
    heads = values["lookback"] + values["lookahead"]
    if not heads:
        raise SettingError("there must be at least one head, looking back or ahead")
    return FrameLayout(
        num_frames=values["frames"],
        tokens_per_frame=values["tokens"],
        local_frame_range=values["range"],
        num_lookback_heads=values["lookback"],
        num_heads=heads,
        # Without context frames the scope has no effect, but must be one of the two.
        context_scope="global" if context == "none" else context,
        has_context_frames=context != "none",
    )


def _band(values: Values) -> Spec:
    return BandMaskSpec(
        direction=values["direction"],
        num_frames=values["frames"],
        tokens_per_frame=values["tokens"],
        local_frame_range=values["range"],
    )


def _windows(values: Values) -> Spec:
    time, rows, columns = (values[field.name] for field in WINDOW)
    is_shifted = values["shift"] == "yes"
    shift = (time // 2, rows // 2, columns // 2) if is_shifted else (0, 0, 0)
    size = tuple(values[field.name] for field in SIZE)
    return WindowMaskSpec(
        size=(size[0], size[1], size[2]),
        attention_window=(time, rows, columns),
        shift=shift,
        order=values["order"],
    )


def _memory(values: Values) -> Spec:
    return MemoryMaskSpec(
        l_mem=values["l_mem"],
        clip_index=values["clip"],
        tokens_per_clip=values["tokens"],
        memory_every=values["every"],
        anchors=values["anchors"],
        num_queries=values["queries"],
    )


def _history(values: Values) -> Spec:
    return MemoryHistorySpec(
        num_clips=values["clips"],
        l_mem=values["l_mem"],
        memory_every=values["every"],
        anchors=values["anchors"],
    )


DIRECTION = Choice("direction", "Direction", (("lookback", "lookback"), ("lookahead", "lookahead")))
_SPOOL = (RANGE, FRAMES, TOKENS, LOOKBACK, LOOKAHEAD)
CLIP = Number("clip", "Clips before this one", 5, 0, 1_000_000, (0, *_up_to(1000)))

MASKS: dict[str, Mask] = {
    "spool": Mask(
        "Spool: lookback, lookahead and context frames",
        "What a head of Spool sees: its own frame, frames to its side, and a context frame.",
        (*_SPOOL, CONTEXT),
        lambda values: SpoolMaskSpec(layout=_layout(values)),
    ),
    "band": Mask(
        "Lookback or lookahead alone",
        "A frame sees itself and the frames to one side, up to the range.",
        (DIRECTION, RANGE, FRAMES, TOKENS),
        _band,
    ),
    "context": Mask(
        "Context frames alone",
        "What the frames before the first and after the last one see, and who sees them.",
        (*_SPOOL, SCOPE),
        lambda values: ContextMaskSpec(layout=_layout(values)),
    ),
    "windows": Mask(
        "Shifted windows of Video Swin",
        "A token sees the tokens of its window; every second block shifts the windows by half.",
        (SHIFT, ORDER, *SIZE, *WINDOW),
        _windows,
    ),
    "memory": Mask(
        "Memory, as one clip finds it",
        "What the tokens of one clip find in the queue of past clips, and how old it is.",
        (
            CLIP,
            L_MEM,
            Number("tokens", "Memory tokens per clip", 4, 1, 256, _up_to(256)),
            EVERY,
            ANCHORS,
            Number("queries", "Tokens that ask", 8, 1, 256, _up_to(256)),
        ),
        _memory,
    ),
    "history": Mask(
        "Memory, over the clips of a stream",
        "Which earlier clips each clip finds in the queue; a later clip's row lies further down.",
        (Number("clips", "Clips of the stream", 32, 1, 1024, _up_to(1024)), L_MEM, EVERY, ANCHORS),
        _history,
    ),
}
"""By the name that requests use."""

BLOCK = Number("block", "Block size, in tokens", 8, 1, 512, (1, 2, 4, 8, 16, 32, 64, 128, 256, 512))


def catalogue() -> list[dict[str, Any]]:
    """All masks, as the page gets them."""
    return [
        {
            "name": name,
            "title": mask.title,
            "hint": mask.hint,
            "fields": [field.as_dict() for field in (*mask.fields, BLOCK)],
        }
        for name, mask in MASKS.items()
    ]
