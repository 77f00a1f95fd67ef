"""Why a child ended: what it was ended for, or how it went down by itself."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections import deque

from vidmem.errors import DecoderCrashedError, VidmemError
from vidmem.video.child.start import the_pipe

MAX_COMPLAINT_BYTES = 4096


class ChildEnding:
    """The end of one child, whoever brings it about; of several reasons the first is kept."""

    def __init__(self, process: subprocess.Popen[bytes], label: str) -> None:
        self._process = process
        self._label = label
        self._is_ours = False
        self._complaints: deque[str] = deque(maxlen=20)
        self.failure: VidmemError | None = None
        """What it was ended for."""

    @property
    def was_killed(self) -> bool:
        """Whether something else has ended it by force, such as a system without free memory."""
        return self._process.poll() == -9 and not self._is_ours

    def kill(self, failure: VidmemError | None = None) -> None:
        """End it now, for a reason or since it is done with."""
        self._is_ours = self._is_ours or self._process.poll() is None
        self.failure = self.failure or failure
        with contextlib.suppress(OSError):
            self._process.kill()

    def collect_complaints(self) -> None:
        """Keep the last lines of its standard error, until it ends."""
        with contextlib.suppress(OSError, ValueError):
            while line := the_pipe(self._process.stderr).readline(MAX_COMPLAINT_BYTES):
                self._complaints.append(line.decode(errors="replace").strip()[:300])

    def crash(self) -> DecoderCrashedError:
        """What is to be said of a child that ended unasked."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        if self.was_killed:
            return DecoderCrashedError(
                f"the decoder of {self._label} was killed from outside (signal 9), probably "
                "because the machine ran out of memory; free some, or watch fewer videos at once"
            )
        complaint = "; ".join(list(self._complaints)[-2:])
        return DecoderCrashedError(
            f"the decoder of {self._label} ended unasked ({_ending(self._process.returncode)})"
            + (f": {complaint}" if complaint else "; the file may be damaged")
        )


def _ending(code: int | None) -> str:
    """How a process ended, from its exit code."""
    if code is None or code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"signal {-code}, {signal.Signals(-code).name}"
    return f"signal {-code}"
