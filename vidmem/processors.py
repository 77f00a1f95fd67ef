"""How vidmem's programs share the processors with the decoders beside them.

Only programs call this (the command line, the app): a library leaves its user's process as it is.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

SMALL_PARAMETERS = 10_000_000
"""A model smaller than this is quicker on one thread than on several that wait for each other."""


def wait_passively() -> None:
    """Let torch's idle threads sleep instead of spinning; has to come before torch is imported.

    Spinning threads take the processors from the decoder, and it from them: with two cores shared
    with other work, a step took 5 to 10 times as long.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def fit_threads(model: Any) -> None:
    """Give a small model one thread, and a larger one as many as torch chose by itself.

    It holds for the thread that calls, and for threads to come: call it where the model runs.
    """
    import torch

    threads = _threads_of_torch()
    is_small = sum(p.numel() for p in model.parameters()) < SMALL_PARAMETERS
    torch.set_num_threads(1 if is_small else threads)


@cache
def _threads_of_torch() -> int:
    """What torch chose when the process started."""
    import torch

    return torch.get_num_threads()
