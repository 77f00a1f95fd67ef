"""torchvision's `swin3d_t` as a child process that runs one clip for each line of input.

torchvision wants a torch build of its own, so another Python runs this file, with `-I`; vidmem need
not be installed there. The module `torchvision` beside it is the parent. Each line of standard
input is a dtype, each line of standard output a JSON object; the first has the versions that run.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import Any

import torch


def main(frames: int, pixels: int, threads: int) -> None:
    """Answer until standard input ends."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    models: dict[str, Any] = {}
    make_model = import_module("torchvision.models.video").swin3d_t
    clip = torch.randn(1, 3, frames, pixels, pixels)
    answer(
        torch=torch.__version__,
        torchvision=import_module("torchvision").__version__,
        threads=torch.get_num_threads(),
    )
    for line in sys.stdin:
        dtype = getattr(torch, line.strip())
        if line not in models:  # only with the first clip of a dtype, whose round is not counted
            models[line] = make_model(weights=None).eval().to(dtype), clip.to(dtype)
        model, clip_of_dtype = models[line]
        with torch.inference_mode():
            started, cpu_started = time.perf_counter(), time.process_time()
            model(clip_of_dtype)
            seconds = time.perf_counter() - started
        answer(seconds=seconds, cpu_seconds=time.process_time() - cpu_started)


def answer(**facts: object) -> None:
    """Write a line of JSON for the parent."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
