"""`vidmem bench torchvision`: FAM Swin beside torchvision's `swin3d_t`, clip by clip in turn."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

from vidmem.bench.models import FamSwinStep
from vidmem.bench.peers import torchvision_child
from vidmem.bench.results import BenchRow
from vidmem.bench.timing import Timing, time_alternately
from vidmem.errors import SettingError
from vidmem.models.device import has_fast_bf16
from vidmem.models.presets import fam_swin_t

PART = "torchvision"
CLIP_FRAMES, CLIP_PIXELS, L_MEM = 32, 224, 25
START_SECONDS, ANSWER_SECONDS = 120.0, 120.0


@dataclass(frozen=True)
class TorchvisionBench:
    """Rows that compare both, and versions and threads of the other Python."""

    rows: tuple[BenchRow, ...]
    peer: dict[str, Any]


class Peer:
    """Another Python that runs torchvision; a context manager, which ends it in any case."""

    def __init__(self, python: Path, frames: int = CLIP_FRAMES, pixels: int = CLIP_PIXELS) -> None:
        sizes = [str(number) for number in (frames, pixels, torch.get_num_threads())]
        # -I: no PYTHONPATH or working folder, so that it imports its own torch and not ours.
        command = [str(python), "-I", torchvision_child.__file__, *sizes]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            raise SettingError(f"--python {python} cannot be started: {error}") from error
        self._lines: queue.Queue[str] = queue.Queue()
        self._errors: list[str] = []
        self._listeners = [
            threading.Thread(target=listen, daemon=True)
            for listen in (self._listen, self._listen_to_errors)
        ]
        for listener in self._listeners:
            listener.start()

    def __enter__(self) -> Self:
        try:
            self.facts = self._answer(START_SECONDS)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, dtype: str) -> Timing:
        """Have it classify one clip in a dtype, such as `float32`; the time is its own.

        Raises:
            SettingError: If it ended, or does not answer.
        """
        assert self._process.stdin is not None
        with suppress(OSError):  # it ended: `_answer` raises with its last error
            self._process.stdin.write(f"{dtype}\n")
            self._process.stdin.flush()
        answer = self._answer(ANSWER_SECONDS)
        return Timing(answer["seconds"], answer["cpu_seconds"])

    def close(self) -> None:
        """End its process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for listener in self._listeners:
            listener.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError):  # what was not sent any more
                    pipe.close()

    def _answer(self, timeout_seconds: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=timeout_seconds)
        except queue.Empty:
            raise SettingError(
                f"the other Python did not answer within {timeout_seconds:.0f} s"
            ) from None
        try:
            return json.loads(line)
        except ValueError as error:
            last_error = next(filter(None, map(str.strip, reversed(self._errors))), line.strip())
            raise SettingError(
                f"the other Python cannot run torchvision's swin3d_t ({last_error or 'it ended'}); "
                "install torchvision with the torch build that it wants in that environment"
            ) from error

    def _listen(self) -> None:  # in a thread, since reading a pipe has no time limit
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._process.wait()
        self._listeners[1].join(timeout=5)  # so that its last error is there to be quoted
        self._lines.put("")  # no JSON: `_answer` raises

    def _listen_to_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors = [*self._errors[-19:], line]  # the last 20: it may warn without end


def bench_torchvision(python: Path, *, num_rounds: int = 9) -> TorchvisionBench:
    """Time clips of 32 frames of 224 pixels: torchvision's, and ours with a full memory.

    Both have random weights of the same sizes and as many threads; everything takes turns.

    Args:
        python: An interpreter that has torch and torchvision.
        num_rounds: In which each comes once.

    Raises:
        SettingError: If it cannot be started, has no torchvision, or does not answer.
    """
    dtypes = ["float32", "bfloat16"] if has_fast_bf16() else ["float32"]
    with Peer(python) as peer, _ours(dtypes) as ours:
        ways = {f"ours {dtype}": ours[dtype].timed for dtype in dtypes}
        ways |= {f"theirs {dtype}": _run_peer(peer, dtype) for dtype in dtypes}
        timings = time_alternately(ways, num_rounds)
        rows = tuple(
            BenchRow.of(
                PART,
                (
                    f"FAM Swin of the Swin-T size, memory of {L_MEM} clips, {dtype}",
                    f"torchvision swin3d_t, no memory, {other}",
                ),
                (timings[f"ours {dtype}"], timings[f"theirs {other}"]),
                per=f"clip of {CLIP_FRAMES} frames",
            )
            for dtype in dtypes
            for other in dict.fromkeys(("float32", dtype))
        )
        return TorchvisionBench(rows, peer.facts)


def _run_peer(peer: Peer, dtype: str) -> Any:
    return lambda: peer.run(dtype)


@contextmanager
def _ours(dtypes: list[str]) -> Iterator[dict[str, FamSwinStep]]:
    with torch.inference_mode():
        yield {
            dtype: FamSwinStep.of(
                fam_swin_t(), torch.device("cpu"), getattr(torch, dtype), CLIP_FRAMES, CLIP_PIXELS
            )
            for dtype in dtypes
        }
