"""Models with random weights and full memories, ready to be timed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from vidmem.bench.timing import Timing, clock
from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.models.fam_swin.model import FamSwin
from vidmem.models.fam_swin.state import FamSwinState
from vidmem.nn.memory import MemoryQueue


@dataclass(frozen=True)
class FamSwinStep:
    """A FAM Swin, a clip, and a state whose memory is full."""

    model: FamSwin
    clip: Tensor
    state: FamSwinState

    @classmethod
    def of(
        cls,
        config: FamSwinConfig,
        device: torch.device,
        dtype: torch.dtype,
        clip_frames: int,
        clip_pixels: int,
    ) -> Self:
        """One stream, with random weights and pixels: they cost what any others do."""
        torch.manual_seed(0)
        model = FamSwin(config).eval().to(device, dtype)
        return cls.on(model, (1, clip_frames, 3, clip_pixels, clip_pixels))

    @classmethod
    def on(cls, model: FamSwin, shape: tuple[int, ...], l_mem: int | None = None) -> Self:
        """A step of a given model, for clips `[B, T, 3, H, W]` of noise."""
        clip = torch.randn(shape, device=model.device).to(model.dtype)
        return cls(model, clip, full_memory(model, batch_size=shape[0], l_mem=l_mem))

    def run(self) -> object:
        """Take the step once; its result is not kept."""
        return self.model.step(self.clip, self.state)

    def timed(self) -> Timing:
        """Take the step once, and time it."""
        return clock(self.run, self.model.device)()


def full_memory(model: FamSwin, *, batch_size: int = 1, l_mem: int | None = None) -> FamSwinState:
    """A state as after a long stream; its tokens are noise, which costs the same."""
    state = model.init_state(batch_size, l_mem=l_mem)
    queues = tuple(filled(queue) for queue in state.queues)
    return replace(state, queues=queues, clip_index=state.clip_index + state.l_mem)


def filled(queue: MemoryQueue) -> MemoryQueue:
    """A queue whose every slot was written, with noise."""
    # A slot counts as empty until a clip's number is noted in it.
    clips = torch.arange(queue.l_mem, device=queue.slot_clips.device)
    clips = clips.expand(len(queue.slot_clips), -1).clone()
    return replace(queue, tokens=torch.randn_like(queue.tokens), slot_clips=clips)
