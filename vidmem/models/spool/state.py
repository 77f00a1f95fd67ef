"""The features that Spool keeps of some streams, as a value."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.nn.memory import MemoryQueue


@dataclass(frozen=True, kw_only=True)
class SpoolState:
    """The frames of the last clips of some streams; a `vidmem.models.interface.ModelState`.

    With the next clip they are the window that the temporal blocks see.
    """

    queue: MemoryQueue
    """The features of the clips, `[B, l_mem, T * P, F]`."""

    clip_index: Tensor
    """`[B]`, int64: the number of the next clip of each stream."""

    newest_frames: Tensor
    """`[B]`, int64: frames of the clip before; fewer than T where a video ended."""

    tokens_per_frame: int

    local_frame_range: int
    """Frames that heads see to their side, for all of these streams."""

    @property
    def clip_frames(self) -> int:
        """T, the frames of a clip: feature frames, where the model is on features."""
        return self.queue.tokens.shape[2] // self.tokens_per_frame

    @property
    def window_frames(self) -> int:
        """Frames of a full window, the next clip included."""
        return (self.l_mem + 1) * self.clip_frames

    @property
    def num_bytes(self) -> int:
        """Bytes of all tensors; the same at every step."""
        counts = (self.clip_index, self.newest_frames)
        return self.queue.num_bytes + sum(t.numel() * t.element_size() for t in counts)

    @property
    def l_mem(self) -> int:
        """Clips before the next one that its window holds."""
        return self.queue.l_mem

    @property
    def num_remembered(self) -> Tensor:
        """`[B]`, clips held now."""
        return self.queue.num_clips

    @property
    def slot_clips(self) -> Tensor:
        """`[B, l_mem]`, the number of the clip in each slot, oldest first, -1 where empty."""
        return self.queue.slot_clips

    @property
    def slot_seconds(self) -> Tensor:
        """`[B, l_mem, 2]`, source time of the clip in each slot."""
        return self.queue.slot_seconds

    def push(self, features: Tensor, clip_seconds: Tensor) -> SpoolState:
        """The state after one more clip `[B, t, P, F]` of at most T frames."""
        num_frames = features.shape[1]
        # A slot has T frames. The short last clip of a video is filled up with zeros, which nothing
        # reads: `newest_frames` keeps `Spool.step` from going on after it.
        missing = self.clip_frames - num_frames
        whole = torch.cat(
            [features, features.new_zeros(len(features), missing, *features.shape[2:])], 1
        )
        is_write = torch.ones_like(self.clip_index, dtype=torch.bool)
        return replace(
            self,
            queue=self.queue.push(whole.flatten(1, 2), self.clip_index, clip_seconds, is_write),
            clip_index=self.clip_index + 1,
            newest_frames=torch.full_like(self.newest_frames, num_frames),
        )

    def past(self, num_clips: int) -> Tensor:
        """`[B, num_clips * T, P, F]`: the frames of the newest clips, oldest first."""
        newest = self.queue.tokens[:, self.l_mem - num_clips :]
        return newest.unflatten(2, (self.clip_frames, self.tokens_per_frame)).flatten(1, 2)

    def resized(self, l_mem: int) -> SpoolState:
        """The state with another `l_mem`, keeping the newest clips; works in mid-stream."""
        if l_mem < 0:
            raise SettingError(f"l_mem must be at least 0 clips (0: no past), got {l_mem}")
        return replace(self, queue=self.queue.resized(l_mem))

    def without_clips(self, clips: Collection[int]) -> SpoolState:
        """The state without the frames of some clips.

        The window closes up: the frames before and after the hole become neighbours, and the
        window is shorter by those taken out.
        """
        return replace(self, queue=self.queue.without(clips))

    def with_range(self, local_frame_range: int) -> SpoolState:
        """The state with another range; features do not depend on it."""
        if local_frame_range < 0:
            raise SettingError(f"local_frame_range must be at least 0, got {local_frame_range}")
        return replace(self, local_frame_range=local_frame_range)

    def select(self, rows: Tensor | Sequence[int]) -> SpoolState:
        """The state of some streams, in the order of `rows`."""
        index = torch.as_tensor(rows, dtype=torch.long, device=self.clip_index.device)
        return replace(
            self,
            queue=self.queue.select(index),
            clip_index=self.clip_index[index],
            newest_frames=self.newest_frames[index],
        )

    @property
    def batch_key(self) -> Hashable:
        """States with equal keys can share a batch."""
        return self.l_mem, self.clip_frames, self.tokens_per_frame, self.local_frame_range

    def joined(self, others: Sequence[SpoolState]) -> SpoolState:
        """The state of these streams and of others of the same `batch_key`, in one batch."""
        return replace(
            self,
            queue=self.queue.joined([state.queue for state in others]),
            clip_index=torch.cat([self.clip_index, *(state.clip_index for state in others)]),
            newest_frames=torch.cat(
                [self.newest_frames, *(state.newest_frames for state in others)]
            ),
        )

    def to_tensors(self) -> dict[str, Tensor]:
        """The state as named tensors; `Spool.state_from_tensors` is the inverse."""
        return {
            "features": self.queue.tokens,
            "slot_clips": self.queue.slot_clips,
            "slot_seconds": self.queue.slot_seconds,
            "clip_index": self.clip_index,
            "newest_frames": self.newest_frames,
            "local_frame_range": torch.tensor(self.local_frame_range),
        }
