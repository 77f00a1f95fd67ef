"""What a decoder is kept from on this machine: tried in a child, not told from versions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from vidmem.video.child.process import ChildProcess
from vidmem.video.child.sandbox import ChildBox
from vidmem.video.child.start import environment_names

TASK = "vidmem.video.protection_task:run"
_NEEDS_LANDLOCK = "Linux 5.13 or newer with Landlock has this; a container may switch it off"
_NEEDS_SECCOMP = "Linux on x86-64 or ARM64 has this (seccomp); a container may switch it off"


@dataclass(frozen=True, kw_only=True)
class Protection:
    """One thing that a decoder is kept from."""

    name: str
    text: str
    """What it cannot do, as the end of "a decoder ..."."""

    holds: bool
    needs: str
    """Where it would hold."""


def try_protections(*, has_network: bool = False) -> list[Protection]:
    """Start a child in the box of a decoder, and have it try to get out; takes a moment.

    Args:
        has_network: The box of a live source, which may connect, instead of that of a file.

    Raises:
        DecoderError: If no child can be started.
    """
    with TemporaryDirectory(prefix="vidmem-box-", ignore_cleanup_errors=True) as folder:
        paths = {name: str(Path(folder).resolve() / name) for name in ("own", "other", "new")}
        for name in ("own", "other"):
            Path(paths[name]).write_bytes(b"a file")
        box = ChildBox(files=(paths["own"],), has_network=has_network)
        with ChildProcess(TASK, paths, "a trial", box=box) as child:
            values = child.receive().values
    refused = values["refused"]
    is_empty = set(values["environment"]) <= environment_names(box)
    # The file itself must be readable: a child that can open nothing at all proves nothing.
    is_file_alone = refused["read"] and not refused["own"]
    found = [
        ("environment", "sees no environment variables", is_empty, "every system has this"),
        ("limits", "has limits of memory and files", values["has_limits"], "Linux has this"),
        ("privileges", "has no rights of root", not values["has_privileges"], "Linux has this"),
        ("files", "opens no file but its video", is_file_alone, _NEEDS_LANDLOCK),
        ("writing", "writes nothing", refused["write"] and refused["change"], _NEEDS_SECCOMP),
        ("programs", "starts no program", refused["start"], _NEEDS_SECCOMP),
        ("processes", "reaches no other process", refused["signal"], _NEEDS_SECCOMP),
        ("services", "talks to no service of this machine", refused["local"], _NEEDS_SECCOMP),
    ]
    if not has_network:
        found.append(("network", "connects to nothing", refused["connect"], _NEEDS_SECCOMP))
    return [Protection(name=a, text=b, holds=bool(c), needs=d) for a, b, c, d in found]
