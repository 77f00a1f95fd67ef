"""What a task gives, what a network takes, and the records that name their kinds.

A task is of one of three forms, and a network is made for one form:

    form       facts            a network's face
    sequences  SequenceFacts    network(values [B, T, P, F]) -> SequenceScores
    clips      PixelFacts       network(clips [B, T, 3, H, W]) -> logits [B, C]; while it
                                 learns, K answers that are all taught: [B, K, C]
    lanes      PixelFacts       `vidmem.training.runs.videos.lanes.LaneNetwork`

Letters: B rows, T frames, P tokens of a frame, F width of a token, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn

from vidmem.models import ModelCard

Split = Literal["valid", "test"]
Form = Literal["sequences", "clips", "lanes"]


@dataclass(frozen=True, kw_only=True)
class SequenceFacts:
    """What a network on sequences of features has to fit."""

    tokens_per_frame: int
    """P"""

    feature_dim: int
    """F"""

    num_frames: int
    """T, of a sequence that is learnt from."""

    class_names: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        """C: logits."""
        return len(self.class_names)


@dataclass(frozen=True, kw_only=True)
class PixelFacts:
    """What a network on pixels has to fit."""

    card: ModelCard
    """Classes, size, frames of a clip and their rate. A network whose encoder wants other colours
    has them in its own card."""

    @property
    def num_classes(self) -> int:
        """C: logits."""
        return len(self.card.class_names)


@dataclass(frozen=True)
class SequenceScores:
    """What a network says of sequences."""

    frame_logits: Tensor
    """`[B, T, C]`, float32: of each frame."""

    sequence_logits: Tensor
    """`[B, C]`, float32: of a sequence as a whole. Causal networks: of its last frame."""


class SequenceNetwork(Protocol):
    """The face of a network on sequences of features."""

    def __call__(self, values: Tensor) -> SequenceScores:
        """Score sequences `[B, T, P, F]`; T may differ from that of `SequenceFacts`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Which batch is asked for: a part of that of one step."""

    seed: int
    """Of the run."""

    step: int
    part: int
    """From 0 to below `num_parts`: gradients of the parts are averaged, on one process or many."""

    num_parts: int
    """`optimizer.accumulate`."""

    size: int
    """Rows of a part: `optimizer.batch`."""

    @cached_property
    def rng(self) -> np.random.Generator:
        """All that the batch needs of chance: the same at the same step, whatever came before."""
        return np.random.default_rng([self.seed, self.step, self.part])

    @property
    def torch_seed(self) -> int:
        """For what a network draws, as dropout does."""
        source = np.random.SeedSequence([self.seed, self.step, self.part, 1])
        return int(source.generate_state(1, np.uint64)[0] >> 1)  # torch takes 63 bits


class Task(Protocol):
    """What is to be learnt."""

    @property
    def facts(self) -> Any:
        """What a network has to fit: `SequenceFacts` or `PixelFacts`."""
        ...

    def batch(self, draw: Draw) -> Any:
        """What `loss` is of: on the CPU, a function of `draw` alone."""
        ...

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        """The mean loss of a batch, a number with gradients; the network is in training mode."""
        ...

    def scores(self, network: nn.Module, split: Split) -> dict[str, float]:
        """Scores by name, without gradients; the network is in eval mode.

        The first one is what early stopping and the choice of the best step look at: higher is
        better.
        """
        ...


@runtime_checkable
class CarriesState(Protocol):
    """A task that carries something from step to step, as lanes carry memory."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values, for a checkpoint."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state_dict`."""
        ...


@runtime_checkable
class HoldsOpen(Protocol):
    """A task that holds something open, as decoders."""

    def close(self) -> None:
        """Let go of it."""
        ...


@runtime_checkable
class HoldsModel(Protocol):
    """A network around a model that streams: that one is saved beside the scores."""

    @property
    def model(self) -> Any:
        """A `vidmem.models.interface.Network`."""
        ...


@dataclass(frozen=True, kw_only=True)
class TaskKind:
    """A kind of task."""

    name: str
    """What `task.kind` says."""

    form: Form
    config: type
    """A frozen dataclass: the other keys of `[task]`."""

    make: Callable[[Any], Task]
    """The task of such a config. What is drawn for `valid` and `test` follows from it alone, so
    that runs of all seeds are scored on the same."""

    reads_ahead: bool = False
    """Whether the next batch is made in a thread while the network learns from this one."""


@dataclass(frozen=True, kw_only=True)
class NetworkKind:
    """A kind of network for tasks of one form."""

    name: str
    """What `model.kind` says."""

    form: Form
    config: type
    """A frozen dataclass: the other keys of `[model]`."""

    make: Callable[[Any, Any], nn.Module]
    """The network of such a config and the facts of the task. Its first weights are drawn with the
    seed of the run, which torch has been given."""
