"""The fields of the Planner page: what each allows, and the request that they make."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from app.explain.fields import Choice, Number
from app.pages.api import Query
from vidmem.errors import SettingError
from vidmem.models import ModelCard, ModelConfig
from vidmem.models.device import resolve_device
from vidmem.models.presets import describe
from vidmem.planner import PlanRequest, memory_of_this_machine, request_for

GB = 1_000_000_000
SIZES = (1 / 2, 3 / 4, 1, 5 / 4, 3 / 2, 2, 5 / 2, 3, 4)
"""Of the picture that a model was made for: its patches stay whole."""

CLIP_FRAMES = (2, 4, 8, 12, 16, 24, 32, 48, 64)
FPS = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30)
L_MEMS = tuple(range(51))
CURVE_L_MEMS = (*range(13), *range(14, 51, 3))
"""Where the curve over `l_mem` is worked out, which is smooth."""

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
MEMORIES_GB = (24, 80, 96)
DEFAULT_BATCH = 8
"""As `vidmem plan` has it."""

FREE = Number(
    "free", "Share of the memory left free, percent", 10, 0, 90, (0, 5, 10, 15, 20, 30, 50)
)
BATCH = Number("batch", "Streams that take a step together", DEFAULT_BATCH, 1, 1024, BATCHES)
DTYPE = Choice(
    "dtype",
    "Numbers",
    (("auto", "the fastest there"), ("float32", "float32"), ("bfloat16", "bfloat16")),
)
DEVICE = Choice("device", "Device", (("cpu", "CPU"), ("cuda", "GPU")))
_DTYPES = {"auto": None, "float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Measure:
    """A number above 0 that a visitor sets, whole or not."""

    name: str
    title: str
    high: float

    def read(self, given: Any) -> float | None:
        """What was given; `None` for nothing.

        Raises:
            SettingError: If it is no such number.
        """
        if given in (None, ""):
            return None
        try:
            value = float(given)
        except ValueError:
            value = math.nan
        if not 0 < value <= self.high:
            raise SettingError(
                f"{self.title} must be a number above 0, up to {self.high:,.0f}, got {given}"
            )
        return value


RATE = Measure("rate", "clips per second", 1e7)
DECODE = Measure("decode", "decode speed", 1e6)
MEMORY = Measure("memory", "memory in GB", 1e5)
FRAMES_PER_SECOND = Measure("fps", "frames per second", 240)


@dataclass(frozen=True)
class Planned:
    """A model that can be planned: its config and card, without its weights."""

    config: ModelConfig
    card: ModelCard

    @property
    def numbers(self) -> tuple[Number, ...]:
        """What can be set of it in whole numbers."""
        card = self.card
        # A clip is cut into whole tubelets.
        multiple = self.config.traits(card.clip_frames).frames_multiple
        clips = {n for n in (*CLIP_FRAMES, card.clip_frames) if n % multiple == 0}
        height, width = _stops(card.frame_height), _stops(card.frame_width)
        return (
            Number("height", "Height of the picture, pixels", card.frame_height, 16, 4096, height),
            Number("width", "Width of the picture, pixels", card.frame_width, 16, 4096, width),
            Number("clip_frames", "Clip length", card.clip_frames, 1, 512, tuple(sorted(clips))),
            self._l_mem,
            BATCH,
            FREE,
        )

    @property
    def _l_mem(self) -> Number:
        own = request_for(self.config, self.card, device="cpu", device_bytes=GB).size.l_mem
        has_memory = self.config.traits(self.card.clip_frames).has_memory
        stops = tuple(sorted({*L_MEMS, own})) if has_memory else (0,)
        return Number("l_mem", "L_mem, clips remembered", own, 0, 1000 if has_memory else 0, stops)

    def as_dict(self) -> dict[str, Any]:
        """For the page: what each control offers, and where it stands at first."""
        fps = {
            "name": "fps",
            "title": "Frames per second",
            "start": self.card.fps,
            "stops": sorted({*FPS, self.card.fps}),
        }
        numbers = [number.as_dict() for number in self.numbers]
        return {"fields": [*numbers[:2], fps, *numbers[2:]]}


def _stops(made_for: int) -> tuple[int, ...]:
    return tuple(sorted({round(made_for * share) for share in SIZES}))


# Kept, since a page requests a plan with each move of a slider, and a config is read from disk.
@lru_cache(maxsize=64)
def planned(name: str) -> Planned:
    """A model by name.

    Raises:
        CheckpointError: If its config cannot be read.
    """
    return Planned(*describe(name))


def machine() -> dict[str, Any]:
    """The memory that can be planned for: this machine's, and usual sizes to choose."""
    gpu = memory_of_this_machine("cuda") if torch.cuda.is_available() else None
    return {
        "device": resolve_device("auto").type,
        "here": {"cpu": _gb(memory_of_this_machine("cpu")), "cuda": gpu and _gb(gpu)},
        "memories": MEMORIES_GB,
    }


def _gb(num_bytes: int) -> float:
    return round(num_bytes / GB, 1)


def request_of(query: Query, model: Planned) -> PlanRequest:
    """The request that a query makes for a model; what it leaves out is the model's own.

    Raises:
        SettingError: If something is not allowed; it says what is.
    """
    values = {n.name: n.read(query[n.name]) for n in model.numbers if query.get(n.name)}
    device = DEVICE.read(query.get("device", machine()["device"]))
    memory = MEMORY.read(query.get("memory"))
    kind = "cpu" if device == "cpu" else "cuda"
    return request_for(
        model.config,
        model.card,
        device=kind,
        device_bytes=memory_of_this_machine(kind) if memory is None else int(memory * GB),
        frame_height=values.get("height"),
        frame_width=values.get("width"),
        fps=FRAMES_PER_SECOND.read(query.get("fps")),
        l_mem=values.get("l_mem"),
        clip_frames=values.get("clip_frames"),
        batch_size=values.get("batch", DEFAULT_BATCH),
        dtype=_DTYPES[DTYPE.read(query.get("dtype", "auto"))],
        free_share=values.get("free", FREE.start) / 100,
        clips_per_second=RATE.read(query.get("rate")),
        decode_speed=DECODE.read(query.get("decode")),
    )
