"""The settings of a stream, their limits, and what they mean in seconds."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Self

from vidmem.errors import SettingError

if TYPE_CHECKING:
    from vidmem.models.interface import ModelCard, StreamModel

FPS_RANGE = (0.1, 60.0)
CLIP_FRAMES_RANGE = (2, 128)
MAX_STRIDE_IN_CLIPS = 4
L_MEM_RANGE = (0, 200)


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """How a video is cut into clips and how many of them are remembered."""

    fps: float = 4.0
    """Sampled frames per second of source time, 0.1 to 60."""

    clip_frames: int = 16
    """Sampled frames in a clip, 2 to 128, a multiple of `frames_multiple`."""

    window_stride: int = 16
    """Sampled frames from the start of one window to the start of the next, 1 to 4 clips.
    Below `clip_frames` windows overlap; above it, frames between windows are skipped."""

    l_mem: int = 25
    """Clips remembered, 0 to 200; 0 is memory off."""

    min_bout_seconds: float = 0.0
    """Bouts shorter than this join their neighbours; predictions themselves are never changed."""

    frames_multiple: int = 1
    """The model's tubelet in frames: clips have a multiple of it."""

    memory_every: int = 1
    """The model writes every n-th clip to memory, so the same queue reaches n times further."""

    def __post_init__(self) -> None:
        _check_number("fps", self.fps, *FPS_RANGE, unit="frames per second")
        _check_integer("clip_frames", self.clip_frames, *CLIP_FRAMES_RANGE)
        if self.clip_frames % self.frames_multiple:
            below = max(self.clip_frames // self.frames_multiple, 1) * self.frames_multiple
            raise SettingError(
                f"clip_frames must be a multiple of {self.frames_multiple} for this model, such as "
                f"{below} or {below + self.frames_multiple}, got {self.clip_frames}"
            )
        max_stride = MAX_STRIDE_IN_CLIPS * self.clip_frames
        _check_integer("window_stride", self.window_stride, 1, max_stride)
        _check_integer("l_mem", self.l_mem, *L_MEM_RANGE)
        _check_number("min_bout_seconds", self.min_bout_seconds, 0.0, 86_400.0, unit="seconds")

    @classmethod
    def from_card(cls, card: ModelCard, **overrides: float | None) -> Self:
        """What the model was trained with, save where an override is given (`None`: not given)."""
        base = cls(fps=card.fps, clip_frames=card.clip_frames, window_stride=card.window_stride)
        return base.changed(**overrides)

    @classmethod
    def for_model(cls, model: StreamModel, **overrides: float | None) -> Self:
        """As `from_card`, with the memory, tubelet and memory interval of the model's config."""
        settings = cls.from_card(model.card, l_mem=model_l_mem(model))
        return replace(settings.changed(**overrides), **model_facts(model))

    def changed(self, **changes: float | None) -> Self:
        """These settings with some changed; `None` leaves one as it is.

        Back-to-back windows stay back to back when only the clip length changes.

        Raises:
            SettingError: If the result is outside the limits; it names the allowed values.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        is_back_to_back = self.window_stride == self.clip_frames
        if is_back_to_back and "clip_frames" in given and "window_stride" not in given:
            given["window_stride"] = given["clip_frames"]
        return replace(self, **given)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, float | int]:
        """Plain numbers, for a file."""
        return asdict(self)

    @property
    def seconds_per_clip(self) -> float:
        """Source time that one clip spans."""
        return self.clip_frames / self.fps

    @property
    def seconds_between_predictions(self) -> float:
        """Source time from one prediction to the next."""
        return self.window_stride / self.fps

    @property
    def memory_span_seconds(self) -> float:
        """How far back the remembered clips reach."""
        return self.l_mem * self.memory_every * self.seconds_between_predictions

    @property
    def unseen_seconds(self) -> float:
        """Source time between two windows that no clip sees (0 unless frames are skipped)."""
        return max(self.window_stride - self.clip_frames, 0) / self.fps

    @property
    def shortest_bout_seconds(self) -> float:
        """The shortest bout that can be told: one clip, one prediction, or the bout filter."""
        return max(
            self.seconds_per_clip, self.seconds_between_predictions, float(self.min_bout_seconds)
        )


def settings_for(model: StreamModel, settings: StreamSettings | None) -> StreamSettings:
    """Settings with what the model's config says in them; `None`: what it was trained with."""
    if settings is None:
        return StreamSettings.for_model(model)
    return replace(settings, **model_facts(model))


def model_facts(model: StreamModel) -> dict[str, int]:
    """The settings that are for the model's config to say, not for people.

    1 where it says nothing of tubelets; a model without memory has an `l_mem` of 0.
    """
    tubelet_size = getattr(model.config, "tubelet_size", (1,))
    memory = getattr(model.config, "memory", None)
    if memory is None:
        return {"frames_multiple": int(tubelet_size[0]), "memory_every": 1, "l_mem": 0}
    return {"frames_multiple": int(tubelet_size[0]), "memory_every": int(memory.memory_every)}


def model_l_mem(model: StreamModel) -> int:
    """The memory length of a model's config; 0 for a model without memory."""
    memory = getattr(model.config, "memory", None)
    return 0 if memory is None else int(memory.l_mem)


def _check_number(name: str, value: float, low: float, high: float, *, unit: str) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        raise SettingError(f"{name} must be from {low:g} to {high:g} {unit}, got {value!r}")


def _check_integer(name: str, value: int, low: int, high: int) -> None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or not low <= value <= high:
        raise SettingError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
