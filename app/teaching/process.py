"""The process that teaches, seen from the app: started, heard, cancelled, and always ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

from vidmem.errors import SettingError
from vidmem.plain import to_json

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path.insert(0, sys.argv[1]); from app.teaching.child import main; main()"
MAX_LINE, MAX_LOG_LINES, MAX_LOG_LINE = 1 << 20, 200, 500
END_SECONDS = 5.0


class TeachingProcess(Protocol):
    """What `TeachJobs` wants of a process."""

    def messages(self) -> Iterator[dict[str, Any]]:
        """What it says, until it ends."""
        ...

    def cancel(self) -> None:
        """Ask it to end; it says so when it does."""
        ...

    def end(self) -> None:
        """End it, whatever it does."""
        ...

    @property
    def exit_code(self) -> int:
        """Of a process that has ended; negative: a signal ended it."""
        ...

    @property
    def log(self) -> str:
        """The last lines that it, or a library of its, has printed."""
        ...


class ChildOfApp:
    """A fresh interpreter that runs `app.teaching.child`.

    Args:
        job: Its first line.

    Raises:
        SettingError: If the system has no process, or no room, for it.
    """

    def __init__(self, job: Mapping[str, Any]) -> None:
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, str(ROOT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise SettingError(f"a process for teaching could not be started: {error}") from error
        self._log: deque[str] = deque(maxlen=MAX_LOG_LINES)
        self._hearing = threading.Thread(
            target=self._collect, name="vidmem-teaching-log", daemon=True
        )
        self._hearing.start()
        self._send(job)

    def messages(self) -> Iterator[dict[str, Any]]:
        """What it says, until it ends."""
        pipe = _pipe(self._process.stdout)
        with contextlib.suppress(OSError, ValueError):
            while line := pipe.readline(MAX_LINE):
                with contextlib.suppress(ValueError):
                    message = json.loads(line)
                    if isinstance(message, dict):
                        yield message
            pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self._hearing.join(END_SECONDS)

    def cancel(self) -> None:
        """Ask it to end; it says so when it does."""
        self._send("cancel")

    def end(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(OSError, ValueError):
            _pipe(self._process.stdin).close()  # which it takes for the end of its parent
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)

    @property
    def pid(self) -> int:
        """The process id, also after its end."""
        return self._process.pid

    @property
    def exit_code(self) -> int:
        """Of a process that has ended; negative: a signal ended it."""
        code = self._process.poll()
        return 0 if code is None else code

    @property
    def log(self) -> str:
        """The last lines that it, or a library of its, has printed."""
        return "\n".join(self._log)

    def _send(self, value: Any) -> None:
        with contextlib.suppress(OSError, ValueError):  # of one that is gone: `messages` ends then
            pipe = _pipe(self._process.stdin)
            pipe.write(to_json(value).encode() + b"\n")
            pipe.flush()

    def _collect(self) -> None:
        """Thread: keep its newest lines, lest it waits for somebody to read them."""
        pipe = _pipe(self._process.stderr)
        with contextlib.suppress(OSError, ValueError):
            while line := pipe.readline(MAX_LINE):
                self._log.append(line.decode(errors="replace").rstrip()[:MAX_LOG_LINE])
            pipe.close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "it was started with all pipes"
    return pipe
