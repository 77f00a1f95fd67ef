"""Plain values and JSON: of a file, checked against the dataclass that they are to become.

A file may have been damaged, or written by another version: a value of another type must be refused
where it is read, with its name, and not surface hours later as a traceback.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import math
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")

_SINGLE = {
    float: ("a number", (int, float)),  # JSON writes 4.0 as 4 too
    int: ("a whole number", (int,)),
    str: ("a text", (str,)),
    bool: ("true or false", (bool,)),
    collections.abc.Mapping: ("an object", (dict,)),
    dict: ("an object", (dict,)),
}


def from_plain(kind: type[T], values: Any, place: str = "") -> T:
    """A dataclass from what JSON made of it.

    Args:
        kind: Its fields may be numbers, texts, tuples of one type, and dataclasses.
        values: An object of JSON.
        place: Where it stands, for the message.

    Raises:
        ValueError: If a field is missing, unknown or of another type; the message names it.
    """
    place = place or kind.__name__
    if not isinstance(values, dict):
        raise ValueError(f"{place} must be an object, got {_short(values)}")
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    if unknown := sorted(map(str, values.keys() - known.keys())):
        raise ValueError(f"{place} has an unknown field {unknown[0]!r:.60}")
    given = {}
    for name, field in known.items():
        if name in values:
            given[name] = _checked(hints[name], values[name], f"{place}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{place} lacks {name}")
    return kind(**given)


def to_json(value: Any, **options: Any) -> str:
    """Plain values as JSON by its standard, which every reader takes: NaN and infinity are `null`.

    Args:
        value: As `json.dumps` takes it.
        **options: Of `json.dumps`.
    """
    try:
        return json.dumps(value, allow_nan=False, **options)
    except ValueError:
        # Only now, since copying all takes longer than writing it.
        return json.dumps(_without_nan(value), allow_nan=False, **options)


def _without_nan(value: Any) -> Any:
    if isinstance(value, collections.abc.Mapping):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _checked(hint: Any, value: Any, place: str) -> Any:
    kind = typing.get_origin(hint) or hint
    if kind in (types.UnionType, typing.Union):
        options = typing.get_args(hint)
        if value is None and type(None) in options:
            return None
        (option,) = (one for one in options if one is not type(None))
        return _checked(option, value, place)
    if kind is typing.Literal:
        return _one_of(typing.get_args(hint), value, place)
    if kind is tuple:
        return _items(typing.get_args(hint)[0], value, place)
    if dataclasses.is_dataclass(kind):
        return from_plain(typing.cast(type, kind), value, place)
    return _single(kind, value, place)


def _one_of(choices: tuple[Any, ...], value: Any, place: str) -> Any:
    if value not in choices:
        raise ValueError(f"{place} must be one of {choices}, got {_short(value)}")
    return value


def _items(hint: Any, value: Any, place: str) -> tuple[Any, ...]:
    """Of one type all; how many there must be, the dataclass checks itself."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"{place} must be a list, got {_short(value)}")
    return tuple(_checked(hint, one, f"{place}[{n}]") for n, one in enumerate(value))


def _single(kind: Any, value: Any, place: str) -> Any:
    wanted, kinds = _SINGLE[kind]
    # By type: bool is an int in Python.
    if type(value) not in kinds or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"{place} must be {wanted}, got {_short(value)}")
    return value


def _short(value: object) -> str:
    return repr(value)[:60]
