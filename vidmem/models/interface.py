"""What a stream needs of a model: a card, an initial state, and a step."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import torch
from torch import Tensor

Resize = Literal["squash", "crop"]


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a model wants its pictures."""

    frame_height: int = 224
    """Pixels."""

    frame_width: int = 224
    """Pixels."""

    resize: Resize = "crop"
    """`squash`: the whole picture, whatever its shape. `crop`: the shorter side fits, then the
    centre is cut out."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """Of red, green and blue, in 0..1."""

    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    """Likewise."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(self.mean))  # a list, where JSON was in between
        object.__setattr__(self, "std", tuple(self.std))
        if min(self.frame_height, self.frame_width) < 1:
            got = f"{self.frame_height} x {self.frame_width}"
            raise ValueError(f"frames must be at least 1 x 1 pixels, got {got}")
        if self.resize not in ("squash", "crop"):
            raise ValueError(f'resize must be "squash" or "crop", got {self.resize!r}')
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError(
                f"mean and std must be three numbers each, std above 0, got {self.mean}, {self.std}"
            )


@dataclass(frozen=True, kw_only=True)
class ModelCard(Preprocessing):
    """What a checkpoint was made for: its classes, and how it wants a video sampled."""

    name: str
    """Short name, as `vidmem.load` takes it."""

    title: str
    """The name that people read."""

    class_names: tuple[str, ...]
    """One per logit."""

    fps: float = 4.0
    """Sampled frames per second of source time."""

    clip_frames: int = 16
    """Sampled frames in a clip."""

    window_stride: int = 16
    """Sampled frames from the start of one window to the start of the next."""

    trained_on: str = ""
    """A sentence for the page: on footage unlike this, the labels mean nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("clip_frames", "window_stride"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")


@dataclass(frozen=True, kw_only=True)
class StreamTraits:
    """What a stream has to know of a model beside its card."""

    l_mem: int = 0
    """Clips remembered unless somebody says otherwise."""

    has_memory: bool = True
    """Without it `l_mem` is 0, and stays so."""

    memory_every: int = 1
    """Every n-th clip is remembered."""

    frames_multiple: int = 1
    """Clips have a multiple of so many frames."""

    encodes_frames_once: bool = False
    """Clips lie back to back, and the last one of a video may be short."""

    local_frame_range: int | None = None
    """Frames that heads look back and ahead; None where there is no such thing."""

    lookahead_layers: int = 0
    """Layers with heads that look ahead: each waits for `local_frame_range` later frames."""


class StreamState(Protocol):
    """What a model remembers of some streams: a value, of constant size."""

    @property
    def num_bytes(self) -> int:
        """Bytes held, the same at every step."""
        ...

    @property
    def l_mem(self) -> int:
        """Clips that can be remembered."""
        ...

    @property
    def num_remembered(self) -> Tensor:
        """`[B]`, clips remembered now."""
        ...

    @property
    def slot_clips(self) -> Tensor:
        """`[B, l_mem]`, the number of the clip in each slot, oldest first, -1 where empty."""
        ...

    @property
    def slot_seconds(self) -> Tensor:
        """`[B, l_mem, 2]`, float64: source time of each slot's clip, half open."""
        ...

    def resized(self, l_mem: int) -> Self:
        """The state with another `l_mem`, keeping the newest clips."""
        ...

    def select(self, rows: Tensor | Sequence[int]) -> Self:
        """The state of some streams."""
        ...

    @property
    def batch_key(self) -> Hashable:
        """States with equal keys, and of equal `l_mem`, can be `joined`."""
        ...

    def joined(self, others: Sequence[Self]) -> Self:
        """The state of these streams and of others, in one batch; `select` takes it apart."""
        ...

    def to_tensors(self) -> dict[str, Tensor]:
        """The state as named tensors, for safetensors."""
        ...


@dataclass(frozen=True)
class StepOutput:
    """One step of some streams."""

    logits: Tensor
    """`[B, num_classes]`, float32."""

    state: Any
    """The next state."""

    earlier_logits: Tensor | None = None
    """`[B, K, num_classes]`, float32: those of the K clips before, oldest first, anew with what was
    seen since; NaN for clips that there were not. The oldest will not change any more. `None`: this
    model looks ahead at nothing."""


class StreamModel(Protocol):
    """A model that a stream can be driven through, clip by clip."""

    card: ModelCard
    config: Any

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """What the weights are made of."""
        ...

    @property
    def traits(self) -> StreamTraits:
        """What a stream has to know beside the card."""
        ...

    def init_state(
        self, batch_size: int = 1, *, l_mem: int | None = None, clip_frames: int | None = None
    ) -> Any:
        """The state of streams that have seen nothing; None: as the model was trained."""
        ...

    def step(self, clip: Tensor, state: Any, clip_seconds: Tensor | None = None) -> StepOutput:
        """Take the next clip `[B, T, 3, H, W]` of each stream, seen at `clip_seconds` `[B, 2]`."""
        ...

    def state_from_tensors(self, tensors: dict[str, Tensor]) -> Any:
        """The inverse of `StreamState.to_tensors`."""
        ...
