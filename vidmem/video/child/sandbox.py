"""The box that a decoding child works in: what it keeps of the rights of whoever started it.

FFmpeg reads files that nobody has checked. Should one of them take over the child, it finds no
secrets, no other file to read, nothing to write to, nobody to talk to and nothing to start. The
parent says what a task needs, and `enter` gives up everything else, for good, before the file is
opened and before there are other threads:

    limits          memory, open files, sizes of files, no core dumps     POSIX
    privileges      none to be gained; those of root are dropped          Linux
    Landlock        which files can be opened, which processes reached    Linux 5.13, best 6.12
    seccomp         which requests the kernel answers at all              Linux on x86-64 and ARM64

What a system lacks is left out: the child runs with the rest. `vidmem doctor` tells, after trying.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from vidmem.units import GIB
from vidmem.video.child import landlock, seccomp

ROOM_BYTES = 2 * GIB
"""Of addresses beyond the memory that a child may hold: libraries, stacks, what is never touched.

The parent watches what is held and says so when it ends a child; this limit is for what swells too
quickly to be watched.
"""

MAX_OPEN_FILES = 128

_SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store")
_SYSTEM_FACTS = (
    *("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo"),
    *("/dev/null", "/dev/zero", "/dev/urandom"),
    *("/proc/stat", "/proc/meminfo", "/proc/cpuinfo", "/sys/devices/system/cpu"),
)
_NETWORK_FACTS = (
    *("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf"),
    *("/etc/services", "/etc/protocols", "/run/systemd/resolve", "/run/resolvconf"),
    *("/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls", "/etc/pki/ca-trust"),
    *("/etc/ca-certificates", "/usr/share/ca-certificates", "/etc/gnutls"),
)
"""What a connection needs: names of hosts, and whom to trust."""

_NO_NEW_PRIVILEGES, _AMBIENT, _CLEAR_ALL = 38, 47, 4
_CAPABILITY_VERSION, _READ_EVERYTHING = 0x20080522, 1 << 2
_CAPSET = {"x86_64": 126, "aarch64": 91}


@dataclass(frozen=True, kw_only=True)
class ChildBox:
    """What a task needs."""

    files: tuple[str, ...] = ()
    """Files that it reads: the video."""

    devices: tuple[str, ...] = ()
    """Cameras of this machine."""

    copy: str = ""
    """A file that it may write, opened for it beforehand, and read."""

    max_copy_bytes: int = 0

    has_network: bool = False
    """It connects to an address."""

    has_local_sockets: bool = False
    """It may talk to services of this machine, such as the one that knows names in `.local`."""

    may_listen: bool = False
    """It accepts connections, its own: what it connects to is checked by a gate of its own."""

    max_rss_bytes: int = 2 * GIB
    cpu_seconds: int = 0
    """Of processor time; 0: as much as it takes, since videos and cameras last for days."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, to be sent to the child."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Make it again from what `to_json` gave."""
        lists = {name: tuple(values[name]) for name in ("files", "devices")}
        return cls(**{**values, **lists})


def enter(box: ChildBox) -> None:
    """Give up everything but what is in the box; once, and before there are other threads."""
    _limit(box)
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return  # neither of the next two is given to a process that may still gain privileges
    _drop_capabilities(libc, box)
    with contextlib.suppress(OSError):
        landlock.restrict(readable=_readable(box), devices=box.devices, has_network=box.has_network)
    with contextlib.suppress(OSError):
        seccomp.restrict(
            sockets=seccomp.socket_families(
                has_network=box.has_network, has_local=box.has_local_sockets
            ),
            may_write=bool(box.devices),
            may_listen=box.may_listen,
        )


def _limit(box: ChildBox) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {
        resource.RLIMIT_AS: box.max_rss_bytes + ROOM_BYTES,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
        resource.RLIMIT_FSIZE: box.max_copy_bytes,
        resource.RLIMIT_CORE: 0,
    }
    if box.cpu_seconds:
        limits[resource.RLIMIT_CPU] = box.cpu_seconds
    for which, most in limits.items():
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.getrlimit(which)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(which, (most, most))


def _drop_capabilities(libc: ctypes.CDLL, box: ChildBox) -> None:
    """Drop what root may do beyond others, but for reading a video that belongs to somebody."""
    call = _CAPSET.get(os.uname().machine)
    if call is None:
        return
    libc.prctl(_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    _set_capabilities(libc, call, effective=0, permitted=_READ_EVERYTHING)
    if all(_can_read(path) for path in box.files):
        _set_capabilities(libc, call, effective=0, permitted=0)
    else:
        _set_capabilities(libc, call, effective=_READ_EVERYTHING, permitted=_READ_EVERYTHING)


def _set_capabilities(libc: ctypes.CDLL, call: int, *, effective: int, permitted: int) -> None:
    header = struct.pack("<Ii", _CAPABILITY_VERSION, 0)
    for kept in (permitted, 0):  # one who has no such right cannot keep it, but can drop the others
        data = struct.pack("<6I", effective & kept, kept, 0, 0, 0, 0)
        if libc.syscall(call, header, data) == 0:
            return


def _can_read(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except (PermissionError, ValueError):
        return False
    except OSError:
        return True  # it is not there, or no file: no right would help
    return True


def _readable(box: ChildBox) -> Iterator[str | Path]:
    yield from _programs()
    yield from (path for path in (*box.files, box.copy) if path and not os.path.isdir(path))
    if box.has_network:
        yield from _NETWORK_FACTS
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            if os.environ.get(name):
                yield os.environ[name]


def _programs() -> Iterator[str | Path]:
    """Python, the packages that decode, their libraries, and facts that libraries ask for."""
    yield Path(os.__file__).parent
    yield from _SYSTEM_LIBRARIES
    yield from _SYSTEM_FACTS
    yield f"/proc/{os.getpid()}"
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and "." not in name:
            is_package = hasattr(module, "__path__")
            yield Path(file).parent if is_package else file
    yield from _library_folders()


def _library_folders() -> set[Path]:
    """Where the libraries lie that are loaded, for those that they load later."""
    with open("/proc/self/maps", errors="replace") as maps:
        lines = [line.split(maxsplit=5) for line in maps]
    files = {Path(parts[5].rstrip("\n")) for parts in lines if len(parts) == 6}
    return {file.parent for file in files if ".so" in file.name}
