"""Clips of several streams judged in one step of the model, each as if it were alone.

streams     a (l_mem 8)   b (l_mem 3)   c (l_mem 0)
batch_key       same          same          another: with memory off nothing is read
join        one state of two rows, the shorter queue padded with empty slots
step        once for a and b
split       a row each, b's queue cut back to 3
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from vidmem.models.interface import StepOutput, StreamModel
from vidmem.streaming.model_clip import to_model_clip
from vidmem.video.transforms import sent


@dataclass(frozen=True)
class ClipToJudge:
    """What a model is to judge of one stream."""

    pixels: Tensor
    """uint8, `[T, H, W, 3]`."""

    seconds: tuple[float, float]
    """Source time of the clip, half open."""

    memory: Any
    """The model's state (`vidmem.models.interface.StreamState`) of the one stream."""

    prepared: Tensor | None = None
    """The clip as the model gets it, `[1, T, 3, H, W]`, where it was made already."""

    def prepare(self, model: StreamModel) -> Self:
        """The same with the clip made, if that is work for the processor that calls.

        A GPU makes clips itself, and bytes take a quarter of the room until then.
        """
        if model.device.type != "cpu":
            return self
        return replace(self, prepared=to_model_clip(self.pixels, model))

    @property
    def batch_key(self) -> Hashable:
        """Clips with equal keys may be judged together."""
        return tuple(self.pixels.shape), self.memory.batch_key


@dataclass(frozen=True)
class Judged:
    """What the model said of it."""

    probabilities: tuple[tuple[float, ...], ...]
    """Of the clips before that it judged anew, oldest first, and of the clip itself."""

    memory: Any
    """The state that the stream goes on with."""

    seconds: float
    """Spent on it; in a batch, its equal share."""


def judge(model: StreamModel, clips: Sequence[ClipToJudge]) -> list[Judged]:
    """One step of the model for one clip of each of some streams, in their order.

    All clips must have the same `batch_key`. What is said of a clip does not depend on the others.
    """
    started = time.perf_counter()
    memories = [clip.memory for clip in clips]
    with torch.no_grad():
        pixels = [_model_clip(clip, model) for clip in clips]
        seconds = torch.tensor([clip.seconds for clip in clips], dtype=torch.float64)
        output = model.step(_cat(pixels), _join(memories), sent(seconds, model.device))
        probabilities = _probabilities(output)
        following = _split(output.state, memories)
    share = (time.perf_counter() - started) / len(clips)
    return [
        Judged(tuple(tuple(one) for one in rows), after, share)
        for rows, after in zip(probabilities, following, strict=True)
    ]


def _model_clip(clip: ClipToJudge, model: StreamModel) -> Tensor:
    return to_model_clip(clip.pixels, model) if clip.prepared is None else clip.prepared


def _cat(clips: list[Tensor]) -> Tensor:
    return clips[0] if len(clips) == 1 else torch.cat(clips)


def _join(memories: list[Any]) -> Any:
    """One state of all; the states of single streams keep their own `l_mem` outside of it."""
    if len(memories) == 1:
        return memories[0]
    most = max(memory.l_mem for memory in memories)
    padded = [memory if memory.l_mem == most else memory.resized(most) for memory in memories]
    return padded[0].joined(padded[1:])


def _split(state: Any, memories: list[Any]) -> list[Any]:
    if len(memories) == 1:
        return [state]
    rows = [state.select([row]) for row in range(len(memories))]
    return [
        row if row.l_mem == before.l_mem else row.resized(before.l_mem)
        for row, before in zip(rows, memories, strict=True)
    ]


def _probabilities(output: StepOutput) -> list[list[list[float]]]:
    """`[B, K + 1, num_classes]`: the clips before, then the newest; read from the device once."""
    logits = output.logits[:, None]
    if output.earlier_logits is not None:
        logits = torch.cat([output.earlier_logits, logits], 1)
    return logits.float().softmax(-1).tolist()
