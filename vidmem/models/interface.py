"""What a stream needs of a model: a card, an initial state, and a step."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Protocol, Self, get_args

import torch
from torch import Tensor, nn

from vidmem.errors import SettingError

Resize = Literal["squash", "crop", "letterbox"]

MAX_FRAME_SIDE = 8192
"""Pixels: of what a model sees, beyond any that is trained today."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a model wants its pictures."""

    frame_height: int = 224
    """Pixels."""

    frame_width: int = 224
    """Pixels."""

    resize: Resize = "crop"
    """`squash`: the whole picture, whatever its shape. `crop`: the shorter side fits, then the
    centre is cut out. `letterbox`: the whole picture in its own shape; what it leaves free has the
    mean colour."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """Mean of red, green and blue, for pixels from 0 to 1."""

    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    """Standard deviation of the same."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(self.mean))  # a list, where JSON was in between
        object.__setattr__(self, "std", tuple(self.std))
        sides, got = (
            (self.frame_height, self.frame_width),
            f"{self.frame_height} x {self.frame_width}",
        )
        if min(sides) < 1:
            raise ValueError(f"frames must be at least 1 x 1 pixels, got {got}")
        if max(sides) > MAX_FRAME_SIDE:
            raise ValueError(f"frames must be at most {MAX_FRAME_SIDE} pixels a side, got {got}")
        if self.resize not in get_args(Resize):
            raise ValueError(f'resize must be "squash", "crop" or "letterbox", got {self.resize!r}')
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError(
                f"mean and std must be three numbers each, std above 0, got {self.mean}, {self.std}"
            )


NOT_KEPT_YET = " until you teach it"
"""In the cards of the bundled models, which stay as they are: saved runs have their hashes."""


ONLY_AXIS = "behaviour"
"""What the axis of a model is called that names none."""


@dataclass(frozen=True)
class CardAxis:
    """Classes of a model that exclude each other, whatever those of its other axes are."""

    name: str
    """Such as posture; one line."""

    class_names: tuple[str, ...]
    """One per logit of the axis. Where several axes have a class for none of theirs, it is named
    "none of these (posture)"."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", tuple(self.class_names))
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError(f"the name of an axis must be one line of text, got {self.name!r:.60}")
        if not self.class_names:
            raise ValueError(f"the axis {self.name} must have at least one class")


MIN_FOLLOW_SHARE = 0.05
"""Of the shorter edge: less shows no animal that could be told from noise."""


@dataclass(frozen=True, kw_only=True)
class FollowedCrop:
    """A square that follows what differs from the usual picture, seen in place of the whole."""

    share: float = 0.3
    """Side of the square, as a share of the shorter edge of the picture: an animal of a tenth of
    that edge fills a third of it."""

    every_frames: int = 2
    """Its place is found in the first of so many sampled frames, counted from the video's first,
    and is that of all of them: what moves between them then moves in a square that does not."""

    def __post_init__(self) -> None:
        if isinstance(self.share, bool) or not MIN_FOLLOW_SHARE <= self.share <= 1:
            raise SettingError(
                f"the followed crop must be {MIN_FOLLOW_SHARE:g} to 1 of the shorter edge, got "
                f"{self.share!r}"
            )
        if self.every_frames < 1:
            raise SettingError(f"every_frames must be at least 1, got {self.every_frames!r}")


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
    """Sentences, as they are saved: on footage unlike this, the labels mean nothing. People are
    shown `training_note`."""

    axes: tuple[CardAxis, ...] = ()
    """Sets of classes that exclude each other, in the order of `class_names`; empty: all classes do
    (`all_axes`)."""

    follow: FollowedCrop | None = None
    """What of the picture it is shown; `None`: the whole. Streams of files alone have it."""

    hides_clock: bool = False
    """A clock that is burnt into the pictures of a file is painted over. Live ones keep theirs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "class_names", tuple(self.class_names))
        if isinstance(self.fps, bool) or not 0 < self.fps < math.inf:
            raise ValueError(f"fps must be above 0 frames per second, got {self.fps!r}")
        for name in ("clip_frames", "window_stride"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        object.__setattr__(self, "axes", tuple(self.axes))
        _check_axes(self.axes, self.class_names)

    @property
    def all_axes(self) -> tuple[CardAxis, ...]:
        """The axes, at least one: logits are theirs, one axis after the other."""
        return self.axes or (CardAxis(ONLY_AXIS, self.class_names),)

    @property
    def several_axes(self) -> tuple[CardAxis, ...]:
        """The axes where there are several; empty: all classes exclude each other."""
        return self.axes if len(self.axes) > 1 else ()

    @property
    def training_note(self) -> str:
        """What people are told of `trained_on`: without a promise that nothing keeps yet."""
        return self.trained_on.replace(NOT_KEPT_YET, "")


def _check_axes(axes: tuple[CardAxis, ...], class_names: tuple[str, ...]) -> None:
    if not axes:  # so that models of earlier versions load, whatever their classes are called
        return
    of_axes = tuple(name for axis in axes for name in axis.class_names)
    if of_axes != class_names:
        raise ValueError(
            f"the classes of the axes must be class_names, in order; got {of_axes!r:.200} and "
            f"{class_names!r:.200}"
        )
    for what, names in (("class", of_axes), ("axis", tuple(axis.name for axis in axes))):
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two of the {what} names are {twice[0]!r:.60}; each must be unique")


def class_probabilities(logits: Tensor, card: ModelCard) -> Tensor:
    """Probabilities of logits `[..., num_classes]`, float32; those of each axis add up to 1."""
    logits = logits.float()
    if not card.several_axes:
        return logits.softmax(-1)
    sizes = [len(axis.class_names) for axis in card.several_axes]
    return torch.cat([own.softmax(-1) for own in logits.split(sizes, -1)], -1)


@dataclass(frozen=True, kw_only=True)
class StreamTraits:
    """What a stream has to know of a model beside its card."""

    l_mem: int = 0
    """Clips remembered by default."""

    has_memory: bool = True
    """Without it `l_mem` is 0, and stays so."""

    memory_every: int = 1
    """Every n-th clip is remembered."""

    frames_multiple: int = 1
    """Clips have a multiple of so many frames."""

    encodes_frames_once: bool = False
    """Clips lie back to back, and the last one of a video may be short."""

    judges_whole_videos: bool = False
    """Whether a whole video can be scored in one pass, from the features of all its frames:
    `encode`, then `forward_features`."""

    local_frame_range: int | None = None
    """Frames that heads look back and ahead; None for a model without such heads."""

    lookahead_layers: int = 0
    """Layers with heads that look ahead: each waits for `local_frame_range` later frames."""

    frame_step: int = 1
    """Sampled frames for each frame that `local_frame_range` counts: above 1 for a model on
    features of groups of frames (`FeatureConfig.encode_every`)."""


class ModelConfig(Protocol):
    """The numbers of an architecture: a frozen dataclass that `asdict` makes ready for JSON."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def num_classes(self) -> int:
        """Logits."""
        ...

    def traits(self, clip_frames: int) -> StreamTraits:
        """What a stream has to know of the model, with clips of so many frames."""
        ...


def config_values(config: Any) -> dict[str, Any]:
    """A config as plain values, ready for JSON and for a hash.

    `features` is left out where it is `None`, with what is said of models on features, and so is
    that memory has feedback: models are still known by the hashes, and saved in the folders, that
    they had before there were such fields.
    """
    values = asdict(config)
    if (memory := values.get("memory")) and memory.get("has_feedback"):
        del memory["has_feedback"]
    if "features" in values and values["features"] is None:
        for name in ("features", "linear_reach"):
            values.pop(name, None)
    return values


class ModelState(Protocol):
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

    def without_clips(self, clips: Collection[int]) -> Self:
        """The state with the slots of some clips empty, by the numbers in `slot_clips`."""
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
    """`[B, K, num_classes]`, float32: the K clips before, oldest first, scored again now that later
    frames are known; NaN before the stream's first clip. The oldest of them is final. `None`: the
    model has no lookahead."""

    unlikeness: Tensor | None = None
    """`[B]`: above 1 a clip is unlike the footage that the model was taught on. `None`: the model
    itself does not know."""


class StreamModel(Protocol):
    """A model that a stream can be driven through, clip by clip."""

    card: ModelCard
    config: Any
    """A `ModelConfig`."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
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
        """The inverse of `ModelState.to_tensors`."""
        ...


class Network(StreamModel, Protocol):
    """A stream's model made of weights, as `load` gives it: an `nn.Module`."""

    look: Any
    """How its training footage looks (`vidmem.models.look.Look`); `None` where that is unknown."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All weights."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All weights by name."""
        ...

    def to(self, device: torch.device, dtype: torch.dtype) -> Self:
        """The same network, on another device and in another dtype."""
        ...

    def train(self, mode: bool = True) -> Self:
        """The same network, in training mode or in eval mode."""
        ...

    def eval(self) -> Self:
        """The same network, in eval mode."""
        ...
