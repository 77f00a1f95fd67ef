"""Which files a decoding child may still open: Landlock, of Linux 5.13 and newer.

What is not named is refused, whatever the rights of the user. It holds for the thread that asks for
it and for those that this starts later, so it is asked for before there are others.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

# linux/landlock.h; the three calls have the same numbers on all machines.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _BENEATH_PATH = 1, 1

_WRITE_FILE, _READ_FILE, _READ_FOLDER = 1 << 1, 1 << 2, 1 << 3
_FIRST_RIGHTS = (1 << 13) - 1
_RIGHTS_SINCE = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""Moving between folders, cutting a file short, and talking to a device."""

_DEVICE = 1 << 15
_NETWORK_SINCE, _TCP = 4, 0b11
"""Binding and connecting."""

_SCOPES_SINCE, _ABSTRACT_SOCKETS, _SIGNALS = 6, 0b01, 0b10


def version() -> int:
    """Landlock's version here; 0 where the kernel has none, or has it switched off."""
    return max(0, _call(_CREATE_RULESET, None, 0, _ASK_VERSION))


def restrict(
    *, readable: Iterable[str | Path], devices: Iterable[str | Path], has_network: bool
) -> None:
    """Let this thread open nothing but these, for good; `no_new_privs` must be set.

    Args:
        readable: Files, and folders with all that is in them; what does not exist is passed over.
        devices: Device files that may be read, written to and asked things.
        has_network: Connections may be made. Signals reach no other process in any case.

    Raises:
        OSError: If the kernel has no Landlock.
    """
    have = version()
    if not have:
        raise OSError(errno.ENOSYS, "no Landlock")
    handled = _FIRST_RIGHTS
    for since, right in _RIGHTS_SINCE.items():
        handled |= right if have >= since else 0
    tcp = _TCP if have >= _NETWORK_SINCE and not has_network else 0
    scopes = (_ABSTRACT_SOCKETS | _SIGNALS) if have >= _SCOPES_SINCE else 0
    attributes = struct.pack("<QQQ", handled, tcp, scopes)
    # Older kernels know fewer of the three numbers, and take the others where they are zero.
    ruleset = _checked(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for path in readable:
            _allow(ruleset, path, _READ_FILE | _READ_FOLDER)
        for path in devices:
            _allow(ruleset, path, (_READ_FILE | _WRITE_FILE | _DEVICE) & handled)
        _checked(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str | Path, rights: int) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (OSError, ValueError):
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(file).st_mode)
        rule = struct.pack("<Qi", rights if is_folder else rights & ~_READ_FOLDER, file)
        _checked(_ADD_RULE, ruleset, _BENEATH_PATH, rule, 0)
    finally:
        os.close(file)


def _checked(*arguments: int | bytes | None) -> int:
    result = _call(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno() or errno.EPERM, "Landlock")
    return result


def _call(*arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    plain = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return int(libc.syscall(*plain))
