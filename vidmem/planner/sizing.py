"""The size of a step and the estimate of its cost, for any kind of model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch

from vidmem.errors import SettingError
from vidmem.nn.attention import piece_lengths, resolve_backend

DeviceKind = Literal["cpu", "cuda"]

INDEX_BYTES = 8
"""Of an int64, which places, clip numbers and indices are."""

SLOT_BYTES = INDEX_BYTES + 2 * 8
"""Beside the tokens of a memory slot: the number of its clip, and its start and end in seconds."""


@dataclass(frozen=True, kw_only=True)
class StepSize:
    """How large a step is: streams, frames, pixels, memory, and what numbers are made of."""

    batch_size: int = 1
    """Streams that take the step together."""

    clip_frames: int = 32
    """Sampled frames in a clip."""

    frame_height: int = 224
    """Pixels."""

    frame_width: int = 224
    """Pixels."""

    l_mem: int = 25
    """Clips remembered, all slots being full; 0: memory off."""

    dtype: torch.dtype = torch.float32
    """Of weights, state and activations."""

    device: DeviceKind = "cpu"
    """Where: on a CPU blocks go run by run, and biases are gathered once."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "clip_frames", "frame_height", "frame_width"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.l_mem < 0:
            raise SettingError(f"l_mem must be at least 0 clips (0: memory off), got {self.l_mem}")
        if not self.dtype.is_floating_point:
            raise SettingError(f"dtype must be a floating point type, got {self.dtype}")

    @property
    def number_bytes(self) -> int:
        """Of one number."""
        return self.dtype.itemsize

    @property
    def is_in_pieces(self) -> bool:
        """Whether attention runs as `vidmem.nn.attention` does in bf16 on a CPU without AMX."""
        return resolve_backend(self.device, self.dtype).name == "pieces"


@dataclass(frozen=True)
class Part:
    """A part of a sum, or one of several that a maximum is taken of."""

    name: str
    amount: int
    """Bytes or FLOPs."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a model costs, in closed form: bytes, and FLOPs of one step."""

    weight_bytes: int
    """Of all parameters."""

    table_bytes: int
    """What else the model holds after its first step, shared by all streams: index tables, and on a
    CPU the relative position biases as gathered for the size of the clip."""

    state_bytes: int
    """Of all streams of the step: what they remember."""

    live: tuple[Part, ...]
    """Bytes of tensors held at the places of a step where most are; neither the clip given nor the
    state given is among them, the new state is."""

    flops: tuple[Part, ...]
    """Of a step, in order. A multiplication and the addition after it are two. Matrix products are
    counted, those of attention and convolutions included; sums, norms and softmax are not."""

    @property
    def peak(self) -> Part:
        """Where in a step most is held, and how much."""
        return max(self.live, key=lambda part: part.amount)

    @property
    def activation_bytes(self) -> int:
        """The most that a step holds beside weights, tables and the state that it was given."""
        return self.peak.amount

    @property
    def shared_bytes(self) -> int:
        """Weights and tables: held once, however many streams there are."""
        return self.weight_bytes + self.table_bytes

    @property
    def total_flops(self) -> int:
        """Of a step of all its streams."""
        return sum(part.amount for part in self.flops)


def joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Parts of one name as one, in the order in which the names first come."""
    amounts: dict[str, int] = {}
    for part in parts:
        amounts[part.name] = amounts.get(part.name, 0) + part.amount
    return tuple(Part(name, amount) for name, amount in amounts.items())


def linear_flops(num_tokens: int, num_inputs: int, num_outputs: int) -> int:
    """Of a linear layer applied to so many tokens."""
    return 2 * num_tokens * num_inputs * num_outputs  # a multiplication and an addition each


def linear_parameters(num_inputs: int, num_outputs: int, *, has_bias: bool = True) -> int:
    """Weights and biases of a linear layer."""
    return (num_inputs + has_bias) * num_outputs


def attention_flops(num_pairs: int, width: int) -> int:
    """Of scores and weighted sums over so many pairs of tokens, in all heads: `width` is D."""
    return 4 * num_pairs * width  # two products, q k^T and weights v, of two operations each


def norm_parameters(width: int) -> int:
    """Scale and shift of a layer norm."""
    return 2 * width


def piece_bytes(shape: tuple[int, int, int, int], head_width: int, number_bytes: int) -> int:
    """Scores of a piece and of the one before (or their softmax), and a piece of queries.

    Args:
        shape: Rows of the batch, heads, queries and keys.
        head_width: E.
        number_bytes: Of one number.
    """
    num_rows, num_heads, num_queries, num_keys = shape
    # The same pieces that `vidmem.nn.attention` computes one after the other.
    rows, heads, queries = piece_lengths(num_heads, num_queries, num_keys * number_bytes)
    rows, queries = min(rows, num_rows), min(queries, num_queries)
    return rows * heads * queries * (2 * num_keys + head_width) * number_bytes
