"""What runs in a decoding child process; imports little, so that it starts fast.

The first line on standard input names a task, a function `module:name` called with a `Parent`, and
the box to do it in. What the task needs is imported before the box closes; a module may have a
`prepare` for what it imports only sometimes. The child ends when its parent does: standard input
closes then, and a thread waits for that.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from vidmem.errors import DecoderMemoryError, VidmemError
from vidmem.video.child.format import HEADER, MAX_TEXT
from vidmem.video.child.sandbox import ChildBox, enter

ALIVE_SECONDS = 0.5
"""Longest silence while decoding, before the parent is sent a sign of life."""

LONG_WAIT_SECONDS = 0.25
"""A parent that takes no message for this long is busy."""

STUCK_SECONDS = 120.0
"""Without the interpreter lock for this long, the child ends itself."""


class Interrupted(Exception):  # noqa: N818
    """A new command has come in, and replaces the one being carried out."""


class Parent:
    """The child's side of the pipes: commands of the parent come in, messages go out."""

    def __init__(self, commands: queue.SimpleQueue[dict[str, Any]], out: BinaryIO) -> None:
        self.copy: BinaryIO | None = None
        """The file of `ChildBox.copy`: the only one that can be written to."""

        self._commands = commands
        self._out = out
        self._last_sent = time.monotonic()
        self._waiting_since: float | None = None
        self._lock = threading.Lock()

    def while_waiting(self, action: Callable[[], None]) -> None:
        """Have something done now and then while `send` waits for the parent, in another thread."""
        threading.Thread(target=self._act, args=(action,), daemon=True).start()

    def send(self, kind: str, data: bytes | memoryview = b"", **values: Any) -> None:
        """Send a message; waits while the parent has not taken the earlier ones."""
        text = json.dumps({"kind": kind, **values}).encode()
        self._waiting_since = time.monotonic()
        self._out.write(HEADER.pack(len(text), len(data)))
        self._out.write(text)
        self._out.write(data)
        self._out.flush()
        with self._lock:  # not before an action that has begun is over
            self._waiting_since = None
        self._last_sent = time.monotonic()

    def send_error(self, error: BaseException, **values: Any) -> None:
        """Send what went wrong; other exceptions than ours become a `DecoderError`."""
        if isinstance(error, MemoryError):
            error = DecoderMemoryError("the decoder wanted more memory than it may have")
        is_ours = isinstance(error, VidmemError)
        name = (
            next(c.__name__ for c in type(error).__mro__ if c.__module__ == "vidmem.errors")
            if is_ours
            else "DecoderError"
        )
        text = str(error) if is_ours else f"the decoder failed: {type(error).__name__}: {error}"
        self.send("error", **{"class": name, "text": text[:MAX_TEXT], **values})

    def wait(self) -> dict[str, Any]:
        """Wait for the next command: a JSON object as `ChildProcess.send` was given it."""
        return self._commands.get()

    def tick(self) -> None:
        """Called while decoding: says "alive" now and then, stops for a new command.

        Raises:
            Interrupted: If a command waits.
        """
        if not self._commands.empty():
            raise Interrupted
        if time.monotonic() - self._last_sent > ALIVE_SECONDS:
            self.send("alive")

    def _act(self, action: Callable[[], None]) -> None:
        while True:
            time.sleep(LONG_WAIT_SECONDS)
            with self._lock:
                since = self._waiting_since
                if since is not None and time.monotonic() - since > LONG_WAIT_SECONDS:
                    action()


def main() -> None:
    """Run the task that the parent names."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is for the parent to answer
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=1 << 16)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not disturb
    faulthandler.enable()
    parent_id = os.getppid()
    line = sys.stdin.buffer.readline()
    if not line:
        os._exit(1)
    first = json.loads(line)
    commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    parent = Parent(commands, out)
    try:
        task = _prepare(first, parent)
        for target, arguments in ((_listen, (commands,)), (_end_with_parent, (parent_id,))):
            threading.Thread(target=target, args=arguments, daemon=True).start()
        task(parent, first["settings"])
    except BrokenPipeError:
        os._exit(1)
    except Exception as error:
        if not isinstance(error, VidmemError):
            traceback.print_exc()
        with contextlib.suppress(OSError):
            parent.send_error(error)
    with contextlib.suppress(OSError):
        out.flush()
    os._exit(0)  # threads of a decoder may hang: do not wait for them


def _prepare(first: dict[str, Any], parent: Parent) -> Callable[[Parent, dict[str, Any]], None]:
    """Import what the task needs, then close the box; its threads start inside."""
    module_name, name = first["task"].split(":")
    module = importlib.import_module(module_name)
    if hasattr(module, "prepare"):
        module.prepare(first["settings"])
    box = ChildBox.from_json(first["box"])
    if box.copy:
        parent.copy = open(box.copy, "wb")  # noqa: SIM115 (open until the child ends)
    enter(box)
    return getattr(module, name)


def _listen(commands: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Thread: commands from the parent; its end is ours."""
    for line in sys.stdin.buffer:
        commands.put(json.loads(line))
    os._exit(1)


def _end_with_parent(parent_id: int) -> None:
    """Thread: a fork of the parent may hold our standard input open, so look for the parent too.

    A decoder that holds the interpreter lock stops this thread; `faulthandler` then ends us.
    """
    while os.name != "posix" or os.getppid() == parent_id:
        faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)
        time.sleep(1.0)
    os._exit(1)
