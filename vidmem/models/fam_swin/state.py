"""What FAM Swin remembers of some streams, as a value."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.nn.memory import MemoryQueue


@dataclass(frozen=True, kw_only=True)
class FamSwinState:
    """What FAM Swin remembers of some streams; a `vidmem.models.interface.ModelState`."""

    queues: tuple[MemoryQueue, ...]
    """One per stage with memory."""

    clip_index: Tensor
    """`[B]`, int64: the number of the next clip of each stream."""

    is_projected: bool
    """Whether the queues hold keys and values (inference) or memory tokens (training)."""

    @property
    def num_bytes(self) -> int:
        """Bytes of all tensors; the same at every step."""
        index = self.clip_index.numel() * self.clip_index.element_size()
        return index + sum(queue.num_bytes for queue in self.queues)

    @property
    def l_mem(self) -> int:
        """Clips that can be remembered."""
        return self.queues[0].l_mem if self.queues else 0

    @property
    def num_remembered(self) -> Tensor:
        """`[B]`, clips remembered now."""
        return self.slot_clips.ge(0).sum(1)  # all stages write together, so one queue is enough

    @property
    def slot_clips(self) -> Tensor:
        """`[B, l_mem]`, the number of the clip in each slot, oldest first, -1 where empty."""
        if not self.queues:
            return self.clip_index.new_zeros(len(self.clip_index), 0)
        return self.queues[0].slot_clips

    @property
    def slot_seconds(self) -> Tensor:
        """`[B, l_mem, 2]`, source time of the clip in each slot."""
        if not self.queues:
            return self.clip_index.new_zeros(len(self.clip_index), 0, 2, dtype=torch.float64)
        return self.queues[0].slot_seconds

    def detach(self) -> FamSwinState:
        """The same state, cut off from the graph."""
        return replace(self, queues=tuple(queue.detach() for queue in self.queues))

    def resized(self, l_mem: int) -> FamSwinState:
        """The state with another `l_mem`, keeping the newest clips; works in mid-stream."""
        if l_mem < 0:
            raise SettingError(f"l_mem must be at least 0 clips (0: memory off), got {l_mem}")
        return replace(self, queues=tuple(queue.resized(l_mem) for queue in self.queues))

    def without_clips(self, clips: Collection[int]) -> FamSwinState:
        """The state with the slots of some clips empty: masked, so that nothing attends to them.

        Zeros in their place would still draw attention.
        """
        return replace(self, queues=tuple(queue.without(clips) for queue in self.queues))

    def select(self, rows: Tensor | Sequence[int]) -> FamSwinState:
        """The state of some streams, in the order of `rows`."""
        index = torch.as_tensor(rows, dtype=torch.long, device=self.clip_index.device)
        return replace(
            self,
            queues=tuple(queue.select(index) for queue in self.queues),
            clip_index=self.clip_index[index],
        )

    @property
    def batch_key(self) -> Hashable:
        """States with equal keys can share a batch, once `resized` to one `l_mem`."""
        # With memory off nothing is read, not even the no-memory token: empty slots added by
        # `resized` would change the scores.
        return self.is_projected, self.l_mem > 0

    def joined(self, others: Sequence[FamSwinState]) -> FamSwinState:
        """The state of these streams and of others of the same `l_mem`, in one batch."""
        all_queues = zip(*(state.queues for state in (self, *others)), strict=True)
        return replace(
            self,
            queues=tuple(queues[0].joined(queues[1:]) for queues in all_queues),
            clip_index=torch.cat([self.clip_index, *(state.clip_index for state in others)]),
        )

    def to_tensors(self) -> dict[str, Tensor]:
        """The state as named tensors; `FamSwin.state_from_tensors` is the inverse."""
        tensors = {
            "clip_index": self.clip_index,
            "is_projected": torch.tensor(self.is_projected),
        }
        for number, queue in enumerate(self.queues):
            for name in ("tokens", "slot_clips", "slot_seconds"):
                tensors[f"queue{number}.{name}"] = getattr(queue, name)
        return tensors
