"""What runs in a decoding child process; imports little, so that it starts fast.

The first line on standard input names a task, a function `module:name` called with a `Parent`. The
child ends when its parent does: standard input closes then, and a thread waits for that.
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

from vidmem.errors import VidmemError
from vidmem.video.child_format import HEADER

ALIVE_SECONDS = 0.5
LONG_WAIT_SECONDS = 0.25
STUCK_SECONDS = 120.0


class Interrupted(Exception):  # noqa: N818
    """A new command has come in: what is being done is not wanted any more."""


class Parent:
    """The way to the parent: its commands come in, messages go out."""

    def __init__(self, commands: queue.SimpleQueue[dict[str, Any]], out: BinaryIO) -> None:
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
        is_ours = isinstance(error, VidmemError)
        name = (
            next(c.__name__ for c in type(error).__mro__ if c.__module__ == "vidmem.errors")
            if is_ours
            else "DecoderError"
        )
        text = str(error) if is_ours else f"the decoder failed: {type(error).__name__}: {error}"
        self.send("error", **{"class": name, "text": text, **values})

    def wait(self) -> dict[str, Any]:
        """The next command."""
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
    commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(commands,), daemon=True).start()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    parent = Parent(commands, out)
    first = parent.wait()
    module, name = first["task"].split(":")
    try:
        getattr(importlib.import_module(module), name)(parent, first["settings"])
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
