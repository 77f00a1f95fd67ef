"""Decoding children that begin with what they import, which is nearly all that starting them costs.

The suite starts hundreds. They are forked from a process that waits with that alone, as children
of whoever wants one. All else is as always: their code, environment, pipes, box and end.
Tests of the children themselves (`tests/video`) start fresh interpreters, as vidmem does.
"""

from __future__ import annotations

import json
import platform
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from vidmem.video.child import start

SERVER = """
import ctypes, json, os, signal, socket, sys
number, clone, folders = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
signal.signal(signal.SIGINT, signal.SIG_IGN)
before = list(sys.path)
sys.path.extend(folders)
import vidmem.video.frame_task
python, asker = ctypes.PyDLL(None), socket.socket(fileno=number)
while True:
    text, files, _, _ = socket.recv_fds(asker, 1 << 16, 3)
    if not text:  # whoever asked is gone
        os._exit(0)
    python.PyOS_BeforeFork()
    pid = python.syscall(clone, 0x8000 | signal.SIGCHLD, 0, 0, 0, 0)  # CLONE_PARENT: a sibling
    if pid == 0:
        python.PyOS_AfterFork_Child()
        break
    python.PyOS_AfterFork_Parent()
    for file in files:
        os.close(file)
    asker.send(str(pid).encode())
asker.close()
for place, file in enumerate(files):
    os.dup2(file, place)
    os.close(file)
signal.signal(signal.SIGINT, signal.default_int_handler)
wanted = json.loads(text)
os.environ.clear()
os.environ.update(wanted["environment"])
sys.path[:], sys.argv[:] = before, ["-c", *wanted["arguments"]]
exec(wanted["code"])
"""

CLONE = {"x86_64": 56, "aarch64": 220}.get(platform.machine(), 0)
"""Number of the system call."""

IS_POSSIBLE = sys.platform == "linux" and CLONE > 0


@contextmanager
def warm_children() -> Iterator[None]:
    """All decoding children that this process starts in here are warm, where that is possible."""
    if not IS_POSSIBLE:
        yield
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    arguments = [str(theirs.fileno()), str(CLONE), *start._package_folders()]
    with ours, pytest.MonkeyPatch.context() as patch:
        with theirs:
            server = subprocess.Popen(
                [sys.executable, "-P", "-S", "-c", SERVER, *arguments],
                env={**start._ALLOCATION, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        popen = _popen_of(ours)
        patch.setattr(start, "subprocess", SimpleNamespace(Popen=popen, PIPE=subprocess.PIPE))
        try:
            yield
        finally:
            server.kill()
            server.wait()


@contextmanager
def fresh_children() -> Iterator[None]:
    """In here they are started as vidmem starts them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "subprocess", subprocess)
        yield


def _popen_of(server: socket.socket) -> type[subprocess.Popen[bytes]]:
    lock = threading.Lock()

    class WarmPopen(subprocess.Popen[bytes]):
        """Its process is forked by the server; pipes, waiting and ending are `subprocess`'s."""

        def _execute_child(self, *given: Any) -> None:
            command, environment = given[0], given[6]
            stdin, _, _, stdout, _, stderr = given[10:16]
            code = command.index("-c") + 1
            wanted = {"code": command[code], "arguments": command[code + 1 :]}
            text = json.dumps({**wanted, "environment": environment}).encode()
            try:
                with lock:
                    socket.send_fds(server, [text], [stdin, stdout, stderr])
                    self.pid = int(server.recv(100))
            finally:
                self._close_pipe_fds(*given[10:16])
            self._child_created = True

    return WarmPopen
