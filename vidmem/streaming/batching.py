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
from vidmem.models.look import look_of
from vidmem.streaming.step_errors import as_memory_error, check_finite
from vidmem.video.transforms import sent, to_clip


@dataclass(frozen=True)
class StepInput:
    """The next clip of one stream, for the model to judge."""

    pixels: Tensor
    """uint8, `[T, H, W, 3]`."""

    seconds: tuple[float, float]
    """Source time of the clip, half open."""

    memory: Any
    """The model's state (`vidmem.models.interface.ModelState`) of the one stream."""

    prepared: Tensor | None = None
    """The clip as the model gets it, `[1, T, 3, H, W]`; `None` where it is still to be made."""

    def prepare(self, model: StreamModel) -> Self:
        """The same with the clip made already, where the model runs on the CPU."""
        # A GPU makes clips faster itself, and uint8 takes a quarter of the room until then.
        if model.device.type != "cpu":
            return self
        return replace(self, prepared=to_model_clip(self.pixels, model))

    @property
    def batch_key(self) -> Hashable:
        """Clips with equal keys may be judged together."""
        return tuple(self.pixels.shape), self.memory.batch_key


@dataclass(frozen=True)
class StepResult:
    """The result of a step of the model for one clip."""

    probabilities: tuple[tuple[float, ...], ...]
    """Of the clips before that it judged anew, oldest first, and of the clip itself."""

    memory: Any
    """The state that the stream goes on with."""

    seconds: float
    """Spent on it; in a batch, its equal share."""

    unlikeness: float | None = None
    """Of the clip to the footage that the model was trained on; above 1 it is unlike that. `None`:
    how that footage looks is unknown."""


def step_batch(model: StreamModel, clips: Sequence[StepInput]) -> list[StepResult]:
    """One step of the model for one clip of each of some streams, in their order.

    All clips must have the same `batch_key`. The result of a clip does not depend on the others.

    Raises:
        ModelError: If the model gives what is no number, or finds too little memory.
    """
    try:
        return _step_batch(model, clips)
    except (RuntimeError, MemoryError) as error:
        told = as_memory_error(error, model, len(clips))
        if told is None:
            raise
        raise told from error


def _step_batch(model: StreamModel, clips: Sequence[StepInput]) -> list[StepResult]:
    started = time.perf_counter()
    memories = [clip.memory for clip in clips]
    with torch.no_grad():
        pixels = [_model_clip(clip, model) for clip in clips]
        # float64: after a few hours float32 would round times to milliseconds.
        seconds = torch.tensor([clip.seconds for clip in clips], dtype=torch.float64)
        output = model.step(_cat(pixels), _join(memories), sent(seconds, model.device))
        check_finite(
            output.logits,
            output.earlier_logits,
            model,
            [clip.seconds for clip in clips],
            memories,
        )
        probabilities = _probabilities(output)
        following = _split(output.state, memories)
        unlikeness = _unlikeness(output, model, clips)
    # `_probabilities` has waited for the device: this is the work, not only its launch.
    share = (time.perf_counter() - started) / len(clips)
    return [
        StepResult(tuple(tuple(one) for one in rows), after, share, unlike)
        for rows, after, unlike in zip(probabilities, following, unlikeness, strict=True)
    ]


def _unlikeness(
    output: StepOutput, model: StreamModel, clips: Sequence[StepInput]
) -> Sequence[float | None]:
    """What the model itself says of each clip, or else how the footage looks."""
    if output.unlikeness is not None:
        return output.unlikeness.tolist()
    look = look_of(model)
    return [None if look is None else look.unlikeness(clip.pixels) for clip in clips]


def _model_clip(clip: StepInput, model: StreamModel) -> Tensor:
    return to_model_clip(clip.pixels, model) if clip.prepared is None else clip.prepared


def _cat(clips: list[Tensor]) -> Tensor:
    return clips[0] if len(clips) == 1 else torch.cat(clips)


def _join(memories: list[Any]) -> Any:
    if len(memories) == 1:
        return memories[0]
    # The shorter queues get empty slots, which a model does not read; `_split` cuts them off again.
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


def to_model_clip(pixels: Tensor, model: StreamModel) -> Tensor:
    """Pixels uint8 `[T, H, W, 3]` as the model's card wants them: `[1, T, 3, H, W]`."""
    card = model.card
    is_cropped = card.resize == "crop"
    return to_clip(
        pixels,
        mean=card.mean,
        std=card.std,
        crop=(card.frame_height, card.frame_width) if is_cropped else None,
        dtype=model.dtype,
        device=model.device,
    )
