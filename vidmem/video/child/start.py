"""How a child is started: a fresh interpreter with almost nothing of what surrounds this one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from vidmem.errors import DecoderError
from vidmem.video.child.sandbox import ChildBox

PIPE_BYTES = 1 << 20
"""The largest pipe that Linux lets any process have."""

PACKAGE_ROOT = Path(__file__).resolve().parents[3]
_ALLOCATION = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "OPENBLAS_NUM_THREADS": "1",
}
"""Give freed frames back to the system at once (glibc), and start no threads for matrices."""

_PYTHON_NEEDS = (
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "PYTHONHOME"),
    *("LANG", "LC_ALL", "LC_CTYPE", "PYTHONUTF8"),  # how names of files are written
    *(("SYSTEMROOT", "WINDIR", "PATH", "TEMP", "TMP") if os.name == "nt" else ()),
)
_NETWORK_NEEDS = ("http_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What FFmpeg looks at to reach an address; a proxy may have a password of its own."""

_PACKAGES = ("numpy", "av", "PIL", "psutil", "decord")

_START = (
    "import sys; sys.path.extend(sys.argv[1:]); from vidmem.video.child.main import main; main()"
)


def start(box: ChildBox) -> subprocess.Popen[bytes]:
    """Start it, in its box.

    Raises:
        DecoderError: If the system has no process, or no room, for it.
    """
    # Neither the modules beside a script (-P) nor what a site adds (-S): only our packages.
    command = [sys.executable, "-P", "-S", "-c", _START, *_package_folders()]
    inherited = {name: os.environ[name] for name in environment_names(box) if name in os.environ}
    environment = {**inherited, **_ALLOCATION, "PYTHONUNBUFFERED": "1"}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            close_fds=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise DecoderError(f"a process for decoding could not be started: {error}") from error
    _widen(the_pipe(process.stdout))
    return process


def environment_names(box: ChildBox) -> set[str]:
    """The environment variables that a child in this box may have; all others stay here."""
    needed = {*_PYTHON_NEEDS, *(_NETWORK_NEEDS if box.has_network else ())}
    return needed | {*_ALLOCATION, "PYTHONUNBUFFERED"}


@cache
def _package_folders() -> tuple[str, ...]:
    """Where vidmem and what its decoders import lie, in that order."""
    folders = [str(PACKAGE_ROOT)]
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            folders.append(str(Path(spec.origin).resolve().parents[1]))
    return tuple(dict.fromkeys(folders))


def _widen(pipe: IO[bytes]) -> None:
    # A whole batch of frames fits in then. Else the child stands still in the middle of one
    # whenever the parent's interpreter is busy.
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # a system may allow less
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def the_pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """A pipe of a child that was started with it."""
    assert pipe is not None
    return pipe
