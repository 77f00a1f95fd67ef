"""Files that people name, opened with care: a pipe hangs, a device never ends, JSON may be hostile.

`open` waits for ever at a pipe without a writer, and a device has no end. So nothing that a user
named is opened or read whole before it is known to be a regular file of bounded size.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

MAX_JSON_BYTES = 16 * 2**20
"""Of a description that people write or a model's folder holds: far more than any has."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n]")


def guarded(text: str) -> str:
    """A cell of a table that no spreadsheet takes for a formula; `unguarded` gives the text back.

    Names come from models and from people's files, and those from anywhere. One that begins like a
    formula gets an apostrophe before it; so does one that begins with apostrophes and then like a
    formula, lest they are taken away when it is read.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if _GUARDED.match(text) else text


def axes_cell(axes: Iterable[tuple[str, Sequence[str]]]) -> str:
    """The axes of a model and their classes as a cell: `activity: moving, still; place: wall`."""
    return guarded("; ".join(f"{axis}: {', '.join(names)}" for axis, names in axes))


def read_axes_cell(
    cell: str, class_names: Sequence[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What `axes_cell` was given, of classes that are known; empty where it says another thing."""
    text, axes = unguarded(cell), list[tuple[str, list[str]]]()
    for name in class_names:
        # The names are known, so whatever is in them separates nothing.
        if axes and text.startswith(f", {name}"):
            axes[-1][1].append(name)
            text = text[len(name) + 2 :]
            continue
        if axes and not text.startswith("; "):
            return ()
        axis, found, text = text.removeprefix("; " if axes else "").partition(f": {name}")
        if not found or not axis:
            return ()
        axes.append((axis, [name]))
    return () if text else tuple((axis, tuple(names)) for axis, names in axes)


def other_kind(path: str | Path) -> str | None:
    """What is there other than a regular file, such as "a folder"; `None` where nothing is."""
    try:
        return _kind_of(os.stat(path).st_mode)
    except OSError:
        return None


def open_regular(path: str | Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file, and nothing else; returns its descriptor.

    Raises:
        OSError: If it cannot be opened, or is something else; `strerror` says which.
    """
    # O_NONBLOCK: what was a file a moment ago may be a pipe now. It does nothing to files.
    extra = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if (kind := other_kind(path)) is not None:
        _refuse(path, kind)
    descriptor = os.open(path, flags | extra, 0o666)
    kind = _kind_of(os.fstat(descriptor).st_mode)
    if kind is not None:
        os.close(descriptor)
        _refuse(path, kind)
    return descriptor


def read_bounded(path: str | Path, max_bytes: int) -> bytes:
    """All bytes of a regular file of at most so many.

    Raises:
        OSError: If it cannot be read, is no regular file, or is larger.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(errno.EFBIG, f"it has more than {max_bytes} bytes", str(path))
    return data


def read_json(path: str | Path, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """The JSON of a regular file.

    Raises:
        OSError: As `read_bounded`.
        ValueError: As `parse_json`.
    """
    return parse_json(read_bounded(path, max_bytes))


def parse_json(text: str | bytes) -> Any:
    """JSON by its standard, from anybody.

    Raises:
        ValueError: If it is no JSON, has NaN or Infinity, which are none either, or is nested so
            deep that only an attacker writes it.
    """
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"it has {name}, which is no number")


def _kind_of(mode: int) -> str | None:
    kind = stat.S_IFMT(mode)
    return None if kind == stat.S_IFREG else _KINDS.get(kind, "no file")


def _refuse(path: str | Path, kind: str) -> NoReturn:
    raise OSError(errno.EINVAL, f"it is {kind}, and must be a file", str(path))
