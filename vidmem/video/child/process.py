"""A child process that decodes: started, watched, given a time limit, and always ended.

Decoders crash, hang and swell on damaged files, and a hanging one can only be ended from outside.
The child is a fresh interpreter that runs `vidmem.video.child.main`, not a fork and not
`multiprocessing`: so it works from notebooks and from scripts without a `__main__` guard, and
inherits no lock and no GPU.

    parent                                   child
    commands: one line of JSON      ->       standard input
    messages: length, JSON, bytes   <-       standard output; what libraries print is led elsewhere

The child gets none of the parent's environment but what Python itself needs, works in a box (see
`sandbox`), and what it says is checked before it is believed (see `format`).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import queue
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NoReturn, Self

import vidmem.errors
from vidmem.errors import (
    DecoderError,
    DecoderMemoryError,
    DecoderTimeoutError,
    VidmemError,
)
from vidmem.units import GIB
from vidmem.video.child import together
from vidmem.video.child.ending import ChildEnding
from vidmem.video.child.format import Message, MessageError, read_message
from vidmem.video.child.memory import ChildMemory
from vidmem.video.child.sandbox import ChildBox
from vidmem.video.child.start import start, the_pipe

WATCH_SECONDS = 0.2
PATIENCE = 20
"""Time limits that a child may be busy without a result, as long as it says that it is alive."""


@dataclass(frozen=True, kw_only=True)
class ChildLimits:
    """What a child may take."""

    timeout_seconds: float = 30.0
    """Longest silence while something is waited for."""

    max_rss_bytes: int = 2 * GIB
    """Resident memory; beyond it the child is ended."""

    queue_messages: int = 8
    """Messages held in the parent; when they are not taken, the child waits."""

    max_data_bytes: int = 0
    """Of raw bytes in one message, such as pixels; a larger message ends the child."""


_running: weakref.WeakSet[ChildProcess] = weakref.WeakSet()


@cache
def _register_exit() -> None:
    atexit.register(_close_running)


def _close_at_exit(child: ChildProcess) -> None:
    # Before the interpreter shuts down: later, its daemon threads stand still holding the locks of
    # the pipes, and closing those would end the whole process with a fatal error.
    _register_exit()
    _running.add(child)


def _close_running() -> None:
    for child in list(_running):
        child.close()


class ChildProcess:
    """A running child. Every wait has a time limit; `close` ends it whatever it does.

    Args:
        task: `module:function` that runs in the child, see `child.main`.
        settings: Given to the task.
        label: The file's name, for error messages.
        limits: Time, memory and how far it may run ahead.
        box: What of the system it needs; its memory is that of `limits`.
    """

    def __init__(
        self,
        task: str,
        settings: dict[str, Any],
        label: str,
        limits: ChildLimits | None = None,
        box: ChildBox | None = None,
    ) -> None:
        self.label = label
        self.limits = limits or ChildLimits()
        self.max_data_bytes = self.limits.max_data_bytes
        """May be changed while it runs, as other sizes are asked for."""

        self._closed = threading.Event()
        self._messages: queue.Queue[Message | None] = queue.Queue(self.limits.queue_messages)
        self._wanted: Callable[[Message], bool] | None = None
        self._last_heard = time.monotonic()
        box = replace(box or ChildBox(), max_rss_bytes=self.limits.max_rss_bytes)
        together.check_room(sum(child.is_running for child in list(_running)))
        self._process = start(box)
        self._ending = ChildEnding(self._process, label)
        self.memory = ChildMemory(self._process, self.limits.max_rss_bytes)
        _close_at_exit(self)
        self._threads = [
            threading.Thread(target=target, name=f"vidmem-child-{name}", daemon=True)
            for target, name in (
                (self._receive, "receive"),
                (self._watch_memory, "memory"),
                (self._ending.collect_complaints, "stderr"),
            )
        ]
        for thread in self._threads:
            thread.start()
        self.send({"task": task, "settings": settings, "box": box.to_json()})

    @property
    def pid(self) -> int:
        """The process id of the child, also after its end."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the child is alive."""
        return self._process.poll() is None

    @property
    def was_killed(self) -> bool:
        """Whether something else has ended it by force, such as a system without free memory."""
        return self._ending.was_killed

    def send(self, command: dict[str, Any]) -> None:
        """Give the child a command; a dead child shows at the next `receive`."""
        line = json.dumps(command).encode() + b"\n"
        with contextlib.suppress(OSError, ValueError):
            the_pipe(self._process.stdin).write(line)
            the_pipe(self._process.stdin).flush()

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
            if self._closed.is_set():
                raise DecoderError(f"the decoder of {self.label} has been closed")
            message = self._poll(started)
            if message is None or message.kind == "alive" or not self._is_wanted(message):
                # However much it says: a child that never comes to a result has a limit too.
                self._check_patience(started)
                continue
            if message.kind == "error":
                with self.checking():
                    failure = self._ending.failure = _error_of(message)
                raise failure
            return message

    @contextlib.contextmanager
    def checking(self) -> Iterator[None]:
        """What a message says is checked in here; one that cannot be true ends the child.

        Raises:
            DecoderError: Instead of `MessageError`.
        """
        try:
            yield
        except MessageError as error:
            self._distrust(error)
            assert self._ending.failure is not None
            raise self._ending.failure from error

    def close(self) -> None:
        """End the child, within about a second, with its threads and pipes."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._ending.kill()
        try:
            self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            # A loaded machine or a disk that does not answer may hold even a killed process: it is
            # waited for elsewhere, lest it stays behind as a zombie.
            threading.Thread(
                target=self._process.wait, name="vidmem-killed-child", daemon=True
            ).start()
        with contextlib.suppress(queue.Empty):  # frees a receiver that waits for a place
            while True:
                self._messages.get_nowait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=1.0)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError, ValueError):
                the_pipe(pipe).close()

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
            if now - max(started, self._last_heard) > limit:
                self._time_out(limit)
            return None
        if message is None:
            self._messages.put(None)  # so that later calls see the end too
            raise self._ending.failure or self._ending.crash()
        return message

    def _check_patience(self, started: float) -> None:
        limit = PATIENCE * self.limits.timeout_seconds
        if time.monotonic() - started > limit:
            self._time_out(limit)

    def _time_out(self, seconds: float) -> NoReturn:
        self._ending.kill(
            DecoderTimeoutError(
                f"the decoder of {self.label} gave nothing for {seconds:g} s and was ended; the "
                "file may be damaged, or on a disk that does not answer"
            )
        )
        assert self._ending.failure is not None
        raise self._ending.failure

    def _is_wanted(self, message: Message) -> bool:
        return self._wanted is None or self._wanted(message)

    def _distrust(self, error: MessageError) -> None:
        self._ending.kill(
            DecoderError(
                f"the decoder of {self.label} sent what cannot be true ({error}) and was ended; "
                "the file is damaged, or made to do harm"
            )
        )

    def _receive(self) -> None:
        """Thread: messages from the pipe to the queue; a full queue makes the child wait."""
        pipe = the_pipe(self._process.stdout)
        try:
            while not self._closed.is_set():
                message = read_message(pipe, lambda: self.max_data_bytes)
                self._last_heard = time.monotonic()
                if message is None or self._is_too_large():
                    break
                if self._is_wanted(message):
                    self._put(message)
        except MessageError as error:
            self._distrust(error)
        except (OSError, ValueError):
            pass
        self._put(None)

    def _put(self, message: Message | None) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._messages.put(message, timeout=0.2)
                return

    def _watch_memory(self) -> None:
        """Thread: end the child when it grows beyond its limit, also while it says nothing."""
        while self.is_running and not self._is_too_large():
            if self._closed.wait(WATCH_SECONDS):
                return

    def _is_too_large(self) -> bool:
        """Whether it holds, or has held, too much; it is ended then."""
        grown = self.memory.look()
        running = [child.memory for child in list(_running) if not child._closed.is_set()]
        if why := together.why_to_end(self.memory, running):
            grown = f"was ended: {why}"
        if grown:
            self._ending.kill(DecoderMemoryError(f"the decoder of {self.label} {grown}"))
        return bool(grown)


def _error_of(message: Message) -> VidmemError:
    kind = getattr(vidmem.errors, message.text("class"), None)
    if not (isinstance(kind, type) and issubclass(kind, VidmemError)):
        kind = DecoderError
    return kind(message.text("text"))


class ChildOwner:
    """Ends its child process when it is closed, left as a context, or forgotten."""

    _child: ChildProcess

    def close(self) -> None:
        """End the decoding process, within about a second whatever it does."""
        self._child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        child = getattr(self, "_child", None)  # there is none where opening it failed
        if child is not None:
            child.close()
