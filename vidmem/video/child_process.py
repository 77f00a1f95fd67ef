"""A child process that decodes: started, watched, given a time limit, and always ended.

Decoders crash, hang and swell on damaged files, and a hanging one can only be ended from outside.
The child is a fresh interpreter that runs `vidmem.video.child_main`, not a fork and not
`multiprocessing`: so it works from notebooks and from scripts without a `__main__` guard, and
inherits no lock and no GPU.

    parent                                   child
    commands: one line of JSON      ->       standard input
    messages: length, JSON, bytes   <-       standard output; what libraries print is led elsewhere
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Self

import psutil

import vidmem.errors
from vidmem.errors import (
    DecoderCrashedError,
    DecoderError,
    DecoderMemoryError,
    DecoderTimeoutError,
    VidmemError,
)
from vidmem.video.child_format import HEADER

GIB = 1 << 30
WATCH_SECONDS = 0.2
PIPE_BYTES = 1 << 20
"""What Linux lets any process have."""

PATIENCE = 20
"""Time limits that a child may be busy without a result, as long as it says that it is alive."""

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_ALLOCATION = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "OPENBLAS_NUM_THREADS": "1",
}
"""Give freed frames back to the system at once (glibc), and start no threads for matrices."""

_START = (
    "import sys; sys.path.append(sys.argv[1]); from vidmem.video.child_main import main; main()"
)


@dataclass(frozen=True)
class Message:
    """What a child says."""

    values: dict[str, Any]
    data: bytearray

    @property
    def kind(self) -> str:
        """What it is about."""
        return self.values["kind"]


@dataclass(frozen=True, kw_only=True)
class ChildLimits:
    """What a child may take."""

    timeout_seconds: float = 30.0
    """Longest silence while something is waited for."""

    max_rss_bytes: int = 2 * GIB
    """Resident memory; beyond it the child is ended."""

    queue_messages: int = 8
    """Messages held in the parent; when they are not taken, the child waits."""


_running: weakref.WeakSet[ChildProcess] = weakref.WeakSet()


@cache
def _register_exit() -> None:
    atexit.register(_close_running)


def _close_at_exit(child: ChildProcess) -> None:
    """Close a child before the interpreter shuts down.

    Later, when what is left of a script is finalised, its daemon threads stand still holding the
    locks of the pipes, and closing those would end the whole process with a fatal error.
    """
    _register_exit()
    _running.add(child)


def _close_running() -> None:
    for child in list(_running):
        child.close()


class ChildProcess:
    """A running child. Every wait has a time limit; `close` ends it whatever it does.

    Args:
        task: `module:function` that runs in the child, see `child_main`.
        settings: Given to the task.
        label: The file's name, for error messages.
        limits: Time, memory and how far it may run ahead.
    """

    def __init__(
        self, task: str, settings: dict[str, Any], label: str, limits: ChildLimits | None = None
    ) -> None:
        self.label = label
        self.limits = limits or ChildLimits()
        self._failure: VidmemError | None = None
        self._is_closed = False
        self._messages: queue.Queue[Message | None] = queue.Queue(self.limits.queue_messages)
        self._wanted: Callable[[Message], bool] | None = None
        self._last_heard = time.monotonic()
        self._complaints: deque[str] = deque(maxlen=20)
        self._process = _start()
        _close_at_exit(self)
        self._threads = [
            threading.Thread(target=target, name=f"vidmem-child-{name}", daemon=True)
            for target, name in (
                (self._receive, "receive"),
                (self._watch_memory, "memory"),
                (self._collect_complaints, "stderr"),
            )
        ]
        for thread in self._threads:
            thread.start()
        self.send({"task": task, "settings": settings})

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the child is alive."""
        return self._process.poll() is None

    @property
    def rss_bytes(self) -> int:
        """The child's resident memory; 0 when it has ended."""
        try:
            return psutil.Process(self.pid).memory_info().rss if self.is_running else 0
        except psutil.Error:
            return 0

    def send(self, command: dict[str, Any]) -> None:
        """Give the child a command; a dead child shows at the next `receive`."""
        line = json.dumps(command).encode() + b"\n"
        with contextlib.suppress(OSError, ValueError):
            _pipe(self._process.stdin).write(line)
            _pipe(self._process.stdin).flush()

    def drop_unless(self, wanted: Callable[[Message], bool]) -> None:
        """From now on throw away messages that are not wanted, those already received too."""
        self._wanted = wanted
        with contextlib.suppress(queue.Empty):
            while True:
                if self._messages.get_nowait() is None:
                    self._messages.put(None)
                    return

    def receive(self) -> Message:
        """The next message that is wanted.

        Raises:
            DecoderTimeoutError: If the child is silent for too long; it is ended then.
            DecoderCrashedError: If the child ended.
            DecoderMemoryError: If it was ended because of its memory.
            VidmemError: What the child itself reports.
        """
        started = time.monotonic()
        while True:
            if self._is_closed:
                raise DecoderError(f"the decoder of {self.label} has been closed")
            message = self._poll(started)
            if message is None or message.kind == "alive":
                continue
            if self._wanted is not None and not self._wanted(message):
                continue
            if message.kind == "error":
                self._failure = _error_of(message)
                raise self._failure
            return message

    def close(self) -> None:
        """End the child, within about a second, and let go of everything."""
        if self._is_closed:
            return
        self._is_closed = True
        self._kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        with contextlib.suppress(queue.Empty):  # frees a receiver that waits for a place
            while True:
                self._messages.get_nowait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=1.0)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError, ValueError):
                _pipe(pipe).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _poll(self, started: float) -> Message | None:
        """One message, or None after a moment without; raises when there is no hope of one."""
        try:
            message = self._messages.get(timeout=0.1)
        except queue.Empty:
            now, limit = time.monotonic(), self.limits.timeout_seconds
            is_silent = now - max(started, self._last_heard) > limit
            if is_silent or now - started > PATIENCE * limit:
                self._kill()
                self._failure = self._failure or DecoderTimeoutError(
                    f"the decoder of {self.label} gave nothing for "
                    f"{limit if is_silent else PATIENCE * limit:g} s and was ended; the file may "
                    "be damaged, or on a disk that does not answer"
                )
                raise self._failure from None
            return None
        if message is None:
            self._messages.put(None)  # so that later calls see the end too
            raise self._failure or self._crash()
        return message

    def _crash(self) -> DecoderCrashedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        said = "; ".join(list(self._complaints)[-2:])
        return DecoderCrashedError(
            f"the decoder of {self.label} ended unasked (exit code {self._process.returncode})"
            + (f": {said}" if said else "; the file may be damaged")
        )

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            self._process.kill()

    def _receive(self) -> None:
        """Thread: messages from the pipe to the queue; a full queue makes the child wait."""
        pipe = _pipe(self._process.stdout)
        try:
            while not self._is_closed:
                message = _read_message(pipe)
                self._last_heard = time.monotonic()
                if message is None:
                    break
                if self._wanted is None or self._wanted(message):
                    self._put(message)
        except (OSError, ValueError):
            pass
        self._put(None)

    def _put(self, message: Message | None) -> None:
        while not self._is_closed:
            with contextlib.suppress(queue.Full):
                self._messages.put(message, timeout=0.2)
                return

    def _watch_memory(self) -> None:
        """Thread: end the child when it grows beyond its limit."""
        while not self._is_closed and self.is_running:
            rss_bytes = self.rss_bytes
            if rss_bytes > self.limits.max_rss_bytes:
                self._failure = DecoderMemoryError(
                    f"the decoder of {self.label} grew to {rss_bytes / GIB:.1f} GiB, above its "
                    f"limit of {self.limits.max_rss_bytes / GIB:.1f} GiB, and was ended"
                )
                self._kill()
                return
            time.sleep(WATCH_SECONDS)

    def _collect_complaints(self) -> None:
        """Thread: keep the last lines of standard error."""
        with contextlib.suppress(OSError, ValueError):
            for line in _pipe(self._process.stderr):
                self._complaints.append(line.decode(errors="replace").strip()[:300])


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-c", _START, str(PACKAGE_ROOT)]
    environment = {**_ALLOCATION, **os.environ, "PYTHONUNBUFFERED": "1"}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise DecoderError(f"a process for decoding could not be started: {error}") from error
    _widen(_pipe(process.stdout))
    return process


def _widen(pipe: IO[bytes]) -> None:
    """Let a whole batch of frames wait in the pipe.

    Else the child stands still in the middle of one whenever the parent's interpreter is busy.
    """
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # a system may allow less
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _read_message(pipe: IO[bytes]) -> Message | None:
    """One message; None where the pipe ends."""
    header = pipe.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    num_json, num_data = HEADER.unpack(header)
    text = pipe.read(num_json)
    data = bytearray(num_data)
    view, filled = memoryview(data), 0
    while filled < num_data:
        count = pipe.readinto(view[filled:])  # type: ignore[attr-defined]
        if not count:
            return None
        filled += count
    return Message(json.loads(text), data) if len(text) == num_json else None


def _error_of(message: Message) -> VidmemError:
    kind = getattr(vidmem.errors, message.values["class"], DecoderError)
    return kind(message.values["text"])
