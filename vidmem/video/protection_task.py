"""Task of a child that tries to get out of its box, and says what it was refused."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vidmem.video.child.main import Parent


def run(parent: Parent, settings: dict[str, Any]) -> None:
    """Try each thing that a decoder has no need of."""
    own, other, new = (settings[name] for name in ("own", "other", "new"))
    tries: dict[str, Callable[[], Any]] = {
        "own": lambda: _read(own),
        "read": lambda: _read(other),
        "write": lambda: Path(new).write_bytes(b"x"),
        "change": lambda: os.unlink(other),
        "connect": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(),
        "local": lambda: socket.socket(getattr(socket, "AF_UNIX", -1)).close(),
        "start": _start_a_program,
        "signal": lambda: os.kill(os.getppid(), 0),
    }
    refused = {name: _is_refused(action) for name, action in tries.items()}
    parent.send(
        "tried",
        refused=refused,
        environment=list(os.environ),
        has_limits=_has_limits(),
        has_privileges=_has_privileges(),
    )


def _is_refused(action: Callable[[], Any]) -> bool:
    try:
        action()
    except OSError:
        return True
    return False


def _read(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def _start_a_program() -> None:
    subprocess.run([sys.executable, "-S", "-c", ""], check=True, stdin=subprocess.DEVNULL)


def _has_limits() -> bool:
    try:
        import resource
    except ImportError:
        return False
    of = resource.getrlimit
    is_bounded = of(resource.RLIMIT_AS)[1] != resource.RLIM_INFINITY
    return is_bounded and of(resource.RLIMIT_CORE) == (0, 0)


def _has_privileges() -> bool:
    """Whether it has rights beyond those of its user, or could gain some."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return True
    facts = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return facts.get("NoNewPrivs") != "1" or int(facts.get("CapEff", "1"), 16) != 0
