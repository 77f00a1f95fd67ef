"""A FAM Swin's step compiled as a whole, of fixed shapes: behind `FamSwin.use_compiled`.

Nothing is compiled again while a memory fills: slots that are empty are masked, not left out. On
CUDA the step is recorded as a CUDA graph and started by one call (not measured on GPU).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch._dynamo.exc import FailOnRecompileLimitHit

from vidmem.errors import AttentionError
from vidmem.models.fam_swin.state import FamSwinState
from vidmem.models.interface import StepOutput
from vidmem.nn.flex import MAX_COMPILATIONS, first_line, is_of_compiler
from vidmem.nn.swin import shape_plan

if TYPE_CHECKING:
    from vidmem.models.fam_swin.model import FamSwin

torch.compiler.assume_constant_result(shape_plan)  # not where it is: it loads torch's compiler


def compiled_step(
    model: FamSwin,
    clip: Tensor,
    state: FamSwinState,
    clip_seconds: Tensor | None,
    frame_grid: tuple[int, int] | None = None,
) -> StepOutput:
    """`FamSwin.step`, compiled at the first call for each size of clip, batch and memory.

    Args:
        model: In eval mode.
        clip: `[B, T, 3, H, W]`, or features `[B, T', P, F]`.
        state: See `FamSwin.step`.
        clip_seconds: See `FamSwin.step`.
        frame_grid: Rows and columns of the features; None: the clip is of pixels.

    Raises:
        AttentionError: If it cannot be compiled here, or is compiled again and again.
    """
    if clip_seconds is None:
        # None would be another signature, and compiled again.
        clip_seconds = torch.zeros(len(clip), 2, device=clip.device)
    seconds = clip_seconds.to(clip.device, torch.float64)
    is_graph = _is_graph(clip.device)
    try:
        # As in `vidmem.nn.flex`: too many compilations are an error, never eager code in silence.
        with torch._dynamo.config.patch(
            fail_on_recompile_limit_hit=True, recompile_limit=MAX_COMPILATIONS
        ):
            if is_graph:
                torch.compiler.cudagraph_mark_step_begin()
            output = _compiled(is_graph)(model, clip, state, seconds, frame_grid)
    except FailOnRecompileLimitHit as error:
        raise AttentionError(
            "the step was compiled again and again for new shapes; keep the size of clips, batches "
            "and memory fixed, or run without --compile"
        ) from error
    except Exception as error:
        if not is_of_compiler(error):
            raise
        raise AttentionError(
            f"the model cannot be compiled here ({first_line(error)}); it needs a C++ compiler on "
            "a CPU and Triton on CUDA. Install it, or run without --compile"
        ) from error
    # A CUDA graph overwrites its outputs at its next run, and a state has to outlive that.
    return _copied(model, output) if is_graph else output


def _step(
    model: FamSwin,
    clip: Tensor,
    state: FamSwinState,
    seconds: Tensor,
    frame_grid: tuple[int, int] | None,
) -> StepOutput:
    # An image encoder itself is run as it is: it may be anybody's, and need not be one graph.
    trunk = model.trunk(clip) if frame_grid is None else model.trunk_features(clip, frame_grid)
    return model.step_trunk(trunk, state, seconds)


def _is_graph(device: torch.device) -> bool:
    # torch keeps CUDA graphs for the main thread alone; other threads run the compiled kernels.
    return device.type == "cuda" and threading.current_thread() is threading.main_thread()


@lru_cache(maxsize=2)
def _compiled(is_graph: bool) -> Callable[..., StepOutput]:
    # `fullgraph`: a step that falls apart into pieces must fail here, not become slow in silence.
    mode = "reduce-overhead" if is_graph else None
    return torch.compile(_step, dynamic=False, fullgraph=True, mode=mode)


def _copied(model: FamSwin, output: StepOutput) -> StepOutput:
    tensors = {name: value.clone() for name, value in output.state.to_tensors().items()}
    return StepOutput(output.logits.clone(), model.state_from_tensors(tensors))
