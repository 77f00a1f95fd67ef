"""Steps of a model that fail: what came out is no number, or the memory did not suffice.

A model is somebody's file. What is wrong with it is told where it first shows, with the clip and
the likely cause, and never written down as a prediction.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from vidmem.errors import ModelError, ModelMemoryError
from vidmem.models.interface import StreamModel
from vidmem.units import memory_size

_IS_MEMORY = re.compile(
    r"out of memory|can't allocate|cannot allocate|bad_alloc|failed to allocate|"
    r"could not create a (primitive|memory)",
    re.IGNORECASE,
)
_BYTES = re.compile(r"tried to allocate ([\d.]+) *(bytes|KiB|MiB|GiB)", re.IGNORECASE)
_UNITS = {"bytes": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def check_finite(
    logits: Tensor,
    earlier_logits: Tensor | None,
    model: StreamModel,
    clips: Sequence[tuple[float, float]],
    states: Iterable[Any] = (),
) -> None:
    """Refuse logits that are no numbers.

    Args:
        logits: Of the newest clips, `[B, num_classes]`.
        earlier_logits: `[B, K, num_classes]`; rows of NaN alone say that there was no such clip.
        model: That made them.
        clips: The source time of each clip, half open.
        states: What the model remembered.

    Raises:
        ModelError: With the first such clip, and why.
    """
    is_bad = ~logits.isfinite().all(-1)
    if earlier_logits is not None:
        is_absent = earlier_logits.isnan().all(-1)
        is_bad = is_bad | ~(earlier_logits.isfinite().all(-1) | is_absent).all(-1)
    if not is_bad.any():
        return
    start, end = clips[int(is_bad.nonzero()[0])]
    raise ModelError(
        f"{model.card.title} gave scores that are no numbers for the clip from {start:.2f} to "
        f"{end:.2f} s: {_why_not_finite(model, states)}; nothing is predicted from there on"
    )


def _why_not_finite(model: StreamModel, states: Iterable[Any]) -> str:
    numbers = (*model.card.mean, *model.card.std)
    if not torch.tensor(numbers).isfinite().all():
        return "mean or std on its card is no number; mend its config.json"
    if isinstance(model, nn.Module):
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                return f"its weight {name} has values that are none; fetch or save the model again"
    for state in states:
        for name, tensor in state.to_tensors().items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                return f"what it remembers ({name}) has values that are none; start again"
    dtype = str(model.dtype).removeprefix("torch.")
    advice = "" if dtype == "float32" else "; try dtype float32"
    return f"its weights are numbers, so they overflow in {dtype} here{advice}"


def as_memory_error(
    error: BaseException, model: StreamModel, num_clips: int
) -> ModelMemoryError | None:
    """What to tell where a step found too little memory; `None` where it failed otherwise."""
    is_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    if not is_memory and not (isinstance(error, RuntimeError) and _IS_MEMORY.search(str(error))):
        return None
    found = _BYTES.search(str(error))
    needed = ""
    if found is not None:
        num_bytes = float(found[1]) * _UNITS[found[2].lower()]
        needed = f": it needed {memory_size(num_bytes)} more at once"
    free_bytes = _free_bytes(model.device)
    there = "" if free_bytes is None else f", and {memory_size(free_bytes)} are free"
    several = ", watch fewer videos at once" if num_clips > 1 else ""
    return ModelMemoryError(
        f"a step of {model.card.title} ran out of memory on {model.device.type}{needed}{there}. "
        f"What was predicted is kept. Free some memory and resume, or start again with a smaller "
        f"clip_frames or l_mem{several}, or a smaller model"
    )


def _free_bytes(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type != "cpu":
        return None
    free_bytes = psutil.virtual_memory().available
    if sys.platform != "win32":
        import resource  # which Windows has not

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            free_bytes = min(free_bytes, max(limit - psutil.Process().memory_info().vms, 0))
    return free_bytes
