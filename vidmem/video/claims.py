"""What a decoding child says of a video and of its frames, checked before it is believed."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from vidmem.video.child.format import (
    MAX_WHOLE,
    Message,
    MessageError,
    as_number,
    as_text,
    as_whole,
)
from vidmem.video.probe import VideoInfo
from vidmem.video.sampling import Gap

MAX_SIDE = 65_535
"""Pixels; no codec that FFmpeg decodes has larger pictures."""

MAX_GAPS = 10_000
MAX_ITEMS = 10_000
"""In a list inside of a `VideoInfo`."""

_RANGES = {
    "width": (1, MAX_SIDE),
    "height": (1, MAX_SIDE),
    "fps": (1e-9, 1e6),
    "pixel_aspect": (1e-3, 1e3),
    "rotation_degrees": (0, 270),
    "stream_index": (0, 1 << 20),
    "num_frames": (0, MAX_WHOLE),
    "size_bytes": (0, 2**63),
    "duration_seconds": (0.0, math.inf),
    "usual_ticks": (0, MAX_WHOLE),
    "hole_ticks": (0, MAX_WHOLE),
}
"""Least and most of fields that are used in sums; the others only have to be finite."""


def info_of(message: Message, path: str | None = None) -> VideoInfo:
    """The `VideoInfo` in a message.

    Args:
        message: Of a child.
        path: The file that the child was given, which is none of its business to say.

    Raises:
        MessageError: If a value is missing, of another kind, or cannot be true.
    """
    values = message.values.get("info")
    if not isinstance(values, dict):
        raise MessageError("info is missing")
    values = {**values, "path": path} if path is not None else values
    for name, hint in _hints().items():
        if name not in values:
            raise MessageError(f"{name} is missing")
        _check(values[name], hint, name)
        least, most = _RANGES.get(name, (-math.inf, math.inf))
        if name in _RANGES and not least <= values[name] <= most:
            raise MessageError(f"{name} is not in [{least}, {most}]")
    if any(part < 1 for part in values["time_base"]):
        raise MessageError("time_base is not above 0")
    return VideoInfo.from_json(values)


def gaps_of(message: Message) -> list[Gap]:
    """The gaps in a message of frames; `MessageError` if they cannot be."""
    return message.list_of("gaps", _as_gap, MAX_GAPS)


def _as_gap(value: Any, name: str) -> Gap:
    if not isinstance(value, list) or len(value) != 3:
        raise MessageError(f"{name} holds something that is no gap")
    start, end = (as_number(part, name) for part in value[:2])
    if end < start:
        raise MessageError(f"{name} holds one that ends before it begins")
    return Gap(start_seconds=start, end_seconds=end, reason=as_text(value[2], name))


@cache
def _hints() -> dict[str, Any]:
    hints = get_type_hints(VideoInfo)
    return {one.name: hints[one.name] for one in fields(VideoInfo)}


def _check(value: Any, hint: Any, name: str) -> None:
    """Refuse a value that is not what a field of this type can hold."""
    if get_origin(hint) in (Union, types.UnionType):
        _check_union(value, get_args(hint), name)
    elif get_origin(hint) is tuple:
        _check_tuple(value, get_args(hint), name)
    elif hint in _PLAIN:
        _PLAIN[hint](value, name)
    else:
        raise MessageError(f"{name} is nothing that a message can hold")


def _check_flag(value: Any, name: str) -> None:
    if not isinstance(value, bool):
        raise MessageError(f"{name} is not true or false")


def _check_number(value: Any, name: str) -> None:
    is_endless = value == math.inf and name == "duration_seconds"  # of a live source
    if not is_endless:
        as_number(value, name)


_PLAIN: dict[Any, Callable[[Any, str], object]] = {
    bool: _check_flag,
    int: lambda value, name: as_whole(value, name, -(2**63), 2**63),
    float: _check_number,
    str: as_text,
    Path: as_text,
}


def _check_union(value: Any, kinds: tuple[Any, ...], name: str) -> None:
    if value is None and type(None) in kinds:
        return
    others = [kind for kind in kinds if kind is not type(None)]
    if len(others) != 1:
        raise MessageError(f"{name} is nothing that a message can hold")
    _check(value, others[0], name)


def _check_tuple(value: Any, kinds: tuple[Any, ...], name: str) -> None:
    if not isinstance(value, list | tuple) or len(value) > MAX_ITEMS:
        raise MessageError(f"{name} is no short list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(value) != len(kinds):
        raise MessageError(f"{name} has {len(value)} values instead of {len(kinds)}")
    for one, kind in zip(value, kinds, strict=True):
        _check(one, kind, name)
