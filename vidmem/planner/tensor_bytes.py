"""Exact bytes of the tensors that a call makes, counted as they come and go.

On CUDA torch's allocator counts what it allocates; on a CPU nothing does, and the resident memory
of a process also moves with what others freed. So every operation is watched: a storage counts from
the operation that made it until no tensor refers to it any more.

What an operation allocates inside its kernel and frees before it returns is not seen. On a CPU that
is little: `torch.profiler` with `profile_memory` sees it too, and a test compares the two.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class LiveBytes(TorchDispatchMode):
    """Counts, while it is entered, the bytes of tensors made since then and still held.

        with torch.no_grad(), LiveBytes() as live:
            output = model.step(clip, state)
        live.peak_bytes  # the most that was held at a time
        live.held_bytes  # what is held now: the output, and what the model keeps

    Tensors from before are not counted, nor are views. Not to be entered within
    `torch.inference_mode()`, where torch shows composed operations only as a whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held_bytes = 0
        self.peak_bytes = 0
        self.peak_at = ""
        """The operation after which most was held, with the shape that it gave."""
        self._bytes_of: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation, and count the storages that it made."""
        if torch.is_inference_mode_enabled():
            raise RuntimeError("LiveBytes cannot see inside torch.inference_mode(); use no_grad")
        for given in tree_iter((args, kwargs)):
            if isinstance(given, Tensor):
                self._meet(given, is_new=False)
        output = func(*args, **(kwargs or {}))
        for made in tree_iter(output):
            if isinstance(made, Tensor):
                self._meet(made, is_new=True)
                if self.held_bytes > self.peak_bytes:
                    self.peak_bytes = self.held_bytes
                    self.peak_at = f"{func} {list(made.shape)}"
        return output

    def _meet(self, tensor: Tensor, *, is_new: bool) -> None:
        """Count a storage not met before; what an operation was given was there earlier."""
        storage = tensor.untyped_storage()
        # The address of the storage itself: `untyped_storage` returns a new object each time.
        key = storage._cdata
        if key not in self._bytes_of:
            self._bytes_of[key] = storage.nbytes() if is_new else 0
            self.held_bytes += self._bytes_of[key]
            # Not at exit: all that are left would run when the process ends, for nothing.
            weakref.finalize(storage, self._forget, key).atexit = False

    def _forget(self, key: int) -> None:
        self.held_bytes -= self._bytes_of.pop(key)


def peak_live_bytes(call: Callable[[], object]) -> int:
    """The most bytes of tensors that a call holds at a time, beyond what there was before it."""
    with torch.no_grad(), LiveBytes() as live:
        output = call()
    del output
    return live.peak_bytes
