"""Several processes that learn one network: each takes some parts of every step's batch.

Each process has all weights and all optimisers. Gradients are averaged before the step, so all take
the same one. A run gives on many processes, within rounding, what it gives on one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from vidmem.errors import SettingError

T = TypeVar("T")


class Together(Protocol):
    """The processes of a run, as one of them sees them."""

    @property
    def rank(self) -> int:
        """Which one this is; the first one writes."""
        ...

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def own_parts(self, num_parts: int) -> list[int]:
        """The parts of a batch that are this one's.

        Raises:
            SettingError: If they cannot be shared out evenly.
        """
        ...

    def exchange(self, learned: list[nn.Parameter], loss: float) -> float:
        """Add up gradients and losses of all."""
        ...

    def from_first(self, make: Callable[[], T]) -> T:
        """What the first process makes, and all get; plain values."""
        ...

    def gathered(self, value: T) -> list[T]:
        """What each process has, in order."""
        ...


class Alone:
    """One process."""

    rank, size = 0, 1

    def own_parts(self, num_parts: int) -> list[int]:
        """See `Together`."""
        return list(range(num_parts))

    def exchange(self, learned: list[nn.Parameter], loss: float) -> float:
        """See `Together`."""
        return loss

    def from_first(self, make: Callable[[], T]) -> T:
        """See `Together`."""
        return make()

    def gathered(self, value: T) -> list[T]:
        """See `Together`."""
        return [value]


class Launched:
    """One of the processes that `accelerate launch` or `torchrun` has started.

    Args:
        device: Of this process: gradients are added up with NCCL on CUDA, else with gloo.
    """

    def __init__(self, device: torch.device) -> None:
        import torch.distributed as distributed  # only here: one process needs none of it

        self._distributed: Any = distributed
        if device.type == "cuda":
            torch.cuda.set_device(device)  # NCCL sends from the current one
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        self._device = device
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()

    def own_parts(self, num_parts: int) -> list[int]:
        """See `Together`."""
        if num_parts % self.size:
            raise SettingError(
                f"optimizer.accumulate must be a multiple of the {self.size} processes, got "
                f"{num_parts}: each takes as many parts of a batch"
            )
        return list(range(self.rank, num_parts, self.size))

    def exchange(self, learned: list[nn.Parameter], loss: float) -> float:
        """See `Together`."""
        grads = [torch.zeros_like(one) if one.grad is None else one.grad for one in learned]
        # All in one message: to send many small ones takes longer.
        flat = torch.cat([grad.flatten().float() for grad in grads])
        total = torch.tensor([loss], dtype=torch.float64, device=self._device)
        # What no process has a gradient of stays without, or weight decay would move it.
        is_there = torch.tensor(
            [one.grad is not None for one in learned], dtype=torch.int32, device=self._device
        )
        for values in (flat, total, is_there):
            self._distributed.all_reduce(values)
        pieces = flat.split([grad.numel() for grad in grads])
        for one, grad, piece, there in zip(learned, grads, pieces, is_there.tolist(), strict=True):
            one.grad = piece.view_as(grad).to(grad.dtype) if there else None
        return float(total)

    def from_first(self, make: Callable[[], T]) -> T:
        """See `Together`."""
        values: list[Any] = [None]
        failure: Exception | None = None
        if self.rank == 0:
            try:
                values = [(make(), None)]
            except Exception as error:  # all others wait for an answer
                failure, values = error, [(None, f"the first process failed: {error}")]
        self._distributed.broadcast_object_list(values, src=0)
        if failure is not None:
            raise failure
        value, problem = values[0]
        if problem is not None:
            raise SettingError(problem)
        return value

    def gathered(self, value: T) -> list[T]:
        """See `Together`."""
        values: list[Any] = [None] * self.size
        self._distributed.all_gather_object(values, value)
        return values


def is_launched() -> bool:
    """Whether this is one of several processes that were started for one run."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def own_device(device: str) -> str:
    """The device of this process, where `auto` leaves it open: each has a GPU of its own."""
    if device == "auto" and is_launched() and torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return device
