"""The settings of a stream, their limits, and what they mean in seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from vidmem.errors import SettingError
from vidmem.units import clock

if TYPE_CHECKING:
    from vidmem.models.interface import ModelCard, StreamModel

FPS_RANGE = (0.1, 60.0)
CLIP_FRAMES_RANGE = (2, 128)
MAX_STRIDE_IN_CLIPS = 4
L_MEM_RANGE = (0, 200)
FRAME_RANGE_RANGE = (0, 64)

REAL_SETTINGS = frozenset({"fps", "min_bout_seconds"})
WHOLE_SETTINGS = frozenset(
    {"clip_frames", "window_stride", "l_mem", "local_frame_range", "window_frames"}
)
CHANGEABLE_SETTINGS = REAL_SETTINGS | WHOLE_SETTINGS
"""What people may change, also while a video is watched; the model decides the rest."""


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
    """Sampled frames that the model takes together: clips have a multiple of it."""

    memory_every: int = 1
    """The model writes every n-th clip to memory, so the same queue reaches n times further."""

    local_frame_range: int | None = None
    """Frames that heads look back and ahead, 0 to 64, each of `frame_step` sampled frames; `None`
    for models without."""

    lookahead_layers: int = 0
    """The model's layers that look ahead; each waits for `local_frame_range` later frames."""

    frame_step: int = 1
    """Sampled frames for each frame that the model's heads see."""

    is_back_to_back: bool = False
    """The model encodes every frame once, so `window_stride` is `clip_frames`."""

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
        if self.local_frame_range is not None:
            _check_integer("local_frame_range", self.local_frame_range, *FRAME_RANGE_RANGE)
        if self.is_back_to_back and self.window_stride != self.clip_frames:
            raise SettingError(
                f"window_stride must be clip_frames for this model, which encodes every frame "
                f"once, got {self.window_stride} and {self.clip_frames}"
            )

    @classmethod
    def from_card(cls, card: ModelCard, **overrides: float | None) -> Self:
        """What the model was trained with, save where an override is given (`None`: not given)."""
        base = cls(fps=card.fps, clip_frames=card.clip_frames, window_stride=card.window_stride)
        return base.changed(**overrides)

    @classmethod
    def for_model(cls, model: StreamModel, **overrides: float | None) -> StreamSettings:
        """As `from_card`, with the memory, tubelet and memory interval of the model's config."""
        traits = model.traits
        base = cls.from_card(
            model.card, l_mem=traits.l_mem, local_frame_range=traits.local_frame_range
        )
        return settings_for(model, replace(base, **_facts(model)).changed(**overrides))

    def changed(self, **changes: float | None) -> Self:
        """These settings with some changed; `None` leaves one as it is.

        Back-to-back windows stay back to back when only the clip length changes. `window_frames` is
        another way to say `l_mem`.

        Raises:
            SettingError: If the result is outside the limits; it names the allowed values.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        is_back_to_back = self.window_stride == self.clip_frames
        if is_back_to_back and "clip_frames" in given and "window_stride" not in given:
            given["window_stride"] = given["clip_frames"]
        if self.is_back_to_back and "window_stride" in given and "clip_frames" not in given:
            given["clip_frames"] = given["window_stride"]
        if "window_frames" in given:
            if "l_mem" in given:
                raise SettingError("window_frames is another way to say l_mem: give one of them")
            clip_frames = given.get("clip_frames", self.clip_frames)
            window_frames = given.pop("window_frames")
            given["l_mem"] = _l_mem_of(window_frames, clip_frames, self.frame_step)
        # `replace` checks the result: it runs `__post_init__`.
        return replace(self, **given)  # type: ignore[arg-type]

    def for_another(self, before: StreamModel, model: StreamModel) -> Self:
        """These settings for a model that takes over: what people chose stays where it applies."""
        now, then = model.traits, before.traits
        # Without memory `l_mem` was 0 whatever people chose.
        settings = self if then.has_memory else replace(self, l_mem=now.l_mem)
        if now.encodes_frames_once and settings.window_stride != settings.clip_frames:
            settings = replace(settings, window_stride=settings.clip_frames)
        had_range = settings.local_frame_range is not None and now.local_frame_range is not None
        reach = settings.local_frame_range if had_range else now.local_frame_range
        return replace(settings, local_frame_range=reach, **_facts(model))

    def as_dict(self) -> dict[str, float | int | None]:
        """Plain numbers, for a file."""
        return asdict(self)

    @property
    def summary(self) -> str:
        """What a prediction depends on, for a cell of a table: `fps=4 clip_frames=16 ...`."""
        names = ("fps", "clip_frames", "window_stride", "l_mem", "local_frame_range")
        shown = ((name, getattr(self, name)) for name in names)
        return " ".join(f"{name}={value:g}" for name, value in shown if value is not None)

    def with_summary(self, text: str) -> Self:
        """These settings with those in a `summary` of others; what it does not name stays.

        Raises:
            SettingError: If a value is not allowed; it names the allowed ones.
        """
        given: dict[str, float] = {}
        for name, value in (part.split("=", 1) for part in text.split() if "=" in part):
            try:
                given[name] = float(value) if name == "fps" else int(value)
            except ValueError as error:
                raise SettingError(f"{name} must be a number, got {value!r:.60}") from error
        shown = self.summary.split()
        known = {part.split("=", 1)[0] for part in shown} | {"local_frame_range"}
        if unknown := sorted(given.keys() - known):
            raise SettingError(f"{unknown[0]:.60} is not in a summary, which has {sorted(known)}")
        return self if shown == text.split() else self.changed(**given)

    def changeable(self) -> dict[str, float | int | None]:
        """What people may change of these, as `change_settings` takes it."""
        return {name: value for name, value in asdict(self).items() if name in CHANGEABLE_SETTINGS}

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
    def window_frames(self) -> int:
        """Frames that a model can see at once, those of the newest clip included.

        Like `local_frame_range`, it counts one for each `frame_step` sampled frames.
        """
        return (self.l_mem + 1) * self.clip_frames // self.frame_step

    @property
    def latency_clips(self) -> int:
        """Later clips that a prediction waits for until it is final; 0: it is so at once.

        Not more than a window holds: a clip that leaves it stays as it was judged.
        """
        latency_frames = (self.local_frame_range or 0) * self.lookahead_layers * self.frame_step
        return min(math.ceil(latency_frames / self.clip_frames), self.l_mem)

    @property
    def latency_seconds(self) -> float:
        """Source time from the end of a clip until its prediction is final."""
        return self.latency_clips * self.seconds_between_predictions

    @property
    def unseen_seconds(self) -> float:
        """Source time between two windows that no clip sees (0 unless frames are skipped)."""
        return max(self.window_stride - self.clip_frames, 0) / self.fps

    @property
    def shortest_bout_seconds(self) -> float:
        """The shortest bout that can be resolved: one clip, one prediction, or the bout filter."""
        return max(
            self.seconds_per_clip, self.seconds_between_predictions, float(self.min_bout_seconds)
        )


def settings_for(model: StreamModel, settings: StreamSettings | None) -> StreamSettings:
    """Settings with what the model's traits say in them; `None`: what it was trained with.

    Raises:
        SettingError: If they name something that the model does not have.
    """
    if settings is None:
        return StreamSettings.for_model(model)
    traits, title = model.traits, model.card.title
    if traits.local_frame_range is None and settings.local_frame_range is not None:
        raise SettingError(
            f"{title} has no local_frame_range; leave it out, or take a model with lookback heads"
        )
    facts = _facts(model)
    if settings.local_frame_range is None:
        facts["local_frame_range"] = traits.local_frame_range
    if not traits.has_memory:
        facts["l_mem"] = 0
    return replace(settings, **facts)


@dataclass(frozen=True, kw_only=True)
class SettingsChange:
    """A change that was checked: how a stream goes on from its next clip."""

    settings: StreamSettings
    """All of them, as they will be."""

    model: StreamModel

    restarted: str | None = None
    """Why the memory will be emptied, as a sentence; `None` where it is kept."""


def change_settings(
    settings: StreamSettings,
    model: StreamModel,
    new_model: StreamModel | None,
    changes: Mapping[str, float | None],
) -> SettingsChange:
    """Change settings, or the model, or both: the one place where a change is checked.

    Args:
        settings: As they are.
        model: In use.
        new_model: Takes its place; `None`: it stays.
        changes: By name; `None` leaves one as it is.

    Raises:
        SettingError: If there is no such setting, or a value is not allowed; it names the allowed
            ones.
    """
    unknown = sorted(set(changes) - CHANGEABLE_SETTINGS)
    if unknown:
        raise SettingError(
            f"{unknown[0]} cannot be changed; it must be one of {sorted(CHANGEABLE_SETTINGS)}"
        )
    values = {name: _as_number(name, value) for name, value in changes.items()}
    after = new_model or model
    kept = settings if after is model else settings.for_another(model, after)
    new_settings = settings_for(after, kept.changed(**values))
    return SettingsChange(
        settings=new_settings,
        model=after,
        restarted=restart_reason(settings, model, new_settings, after),
    )


def restart_reason(
    settings: StreamSettings,
    model: StreamModel,
    new_settings: StreamSettings,
    new_model: StreamModel,
    *,
    jump_seconds: float | None = None,
) -> str | None:
    """Why a stream must empty its memory to go on in another way; `None` where it need not.

    Args:
        settings: As they are.
        model: In use.
        new_settings: Of the next clip.
        new_model: Of the next clip.
        jump_seconds: Where in the video it goes on; `None`: where it is.
    """
    reasons = []
    if new_model is not model:
        reasons.append(f"the model is now {new_model.card.title}")
    if new_settings.clip_frames != settings.clip_frames:
        now, before = new_settings.clip_frames, settings.clip_frames
        reasons.append(f"clips now have {now} frames instead of {before}")
    if jump_seconds is not None:
        has_tenths = jump_seconds != round(jump_seconds)
        reasons.append(f"the video jumped to {clock(jump_seconds, has_tenths=has_tenths)}")
    kept = "window" if new_model.traits.encodes_frames_once else "memory"
    return f"The {kept} starts empty: {', and '.join(reasons)}." if reasons else None


def _as_number(name: str, value: float | None) -> float | None:
    """A value as its setting is kept; one that came as JSON or from a slider may be 8.0 for 8."""
    if name in WHOLE_SETTINGS and isinstance(value, float) and value.is_integer():
        return int(value)
    if name in REAL_SETTINGS and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _facts(model: StreamModel) -> dict[str, Any]:
    """The settings that the model decides, not people."""
    traits = model.traits
    return {
        "frames_multiple": traits.frames_multiple,
        "memory_every": traits.memory_every,
        "lookahead_layers": traits.lookahead_layers,
        "frame_step": traits.frame_step,
        "is_back_to_back": traits.encodes_frames_once,
    }


def _l_mem_of(window_frames: Any, clip_frames: Any, frame_step: int) -> int:
    # `StreamSettings` checks it too, but only after it has divided here.
    _check_integer("clip_frames", clip_frames, *CLIP_FRAMES_RANGE)
    each = -(-clip_frames // frame_step)
    _check_integer("window_frames", window_frames, each, (L_MEM_RANGE[1] + 1) * each)
    num_clips, rest = divmod(window_frames, each)
    if rest:
        below = num_clips * each
        what = f"clip_frames, {each}"
        if frame_step > 1:
            what = f"{each}: this model sees one frame for {frame_step} of the clip's {clip_frames}"
        raise SettingError(
            f"window_frames must be a multiple of {what}, such as {below} or {below + each}, got "
            f"{window_frames}"
        )
    return num_clips - 1


def _check_number(name: str, value: float, low: float, high: float, *, unit: str) -> None:
    # bool is an int in Python: `fps=True` must not pass as 1.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        raise SettingError(f"{name} must be from {low:g} to {high:g} {unit}, got {value!r}")


def _check_integer(name: str, value: int, low: int, high: int) -> None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or not low <= value <= high:
        raise SettingError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
