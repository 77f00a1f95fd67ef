"""The form of the messages between a decoding child process and its parent.

A child may have been taken over by the file that it reads, so nothing that it says is believed
before it is checked: how much comes, what kind of value it is, and whether it can be true.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, TypeVar

HEADER = struct.Struct("<IQ")
"""Bytes of JSON and bytes of data that follow."""

MAX_FRAMES_BYTES = 4 << 20
"""Pixels in one message, unless one frame alone has more."""

MAX_JSON_BYTES = 1 << 20
MAX_TEXT = 4096
MAX_WHOLE = 2**53
"""Beyond, JSON's numbers are no longer exact."""

_Value = TypeVar("_Value")


class MessageError(Exception):
    """A message that no sound child sends; says what is wrong with it."""


@dataclass(frozen=True)
class Message:
    """A message from a child: values of its JSON, and raw bytes such as pixels.

    The methods return a value once it is of the kind and within the bounds that are asked for.

    Raises:
        MessageError: From each method, if it is not.
    """

    values: dict[str, Any]
    data: bytearray

    @property
    def kind(self) -> str:
        """Its kind, such as `frames`, `picture`, `error` or `alive`."""
        return self.values["kind"]

    def must_be(self, kind: str) -> None:
        """Refuse a message of another kind."""
        if self.kind != kind:
            raise MessageError(f"a message of kind {self.kind[:40]!r} instead of {kind!r}")

    def text(self, name: str) -> str:
        """A text of at most `MAX_TEXT` characters."""
        return as_text(self._value(name), name)

    def whole(self, name: str, least: int = 0, most: int = MAX_WHOLE) -> int:
        """A whole number."""
        return as_whole(self._value(name), name, least, most)

    def number(self, name: str) -> float:
        """A finite number."""
        return as_number(self._value(name), name)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._value(name)
        if not isinstance(value, bool):
            raise MessageError(f"{name} is {_shown(value)} instead of true or false")
        return value

    def list_of(self, name: str, check: Callable[[Any, str], _Value], most: int) -> list[_Value]:
        """A list of at most `most` values, each of which passes a check such as `as_number`."""
        value = self._value(name)
        if not isinstance(value, list) or len(value) > most:
            raise MessageError(f"{name} is {_shown(value)} instead of a list of at most {most}")
        return [check(one, name) for one in value]

    def _value(self, name: str) -> Any:
        if name not in self.values:
            raise MessageError(f"{name} is missing")
        return self.values[name]


def as_text(value: Any, name: str) -> str:
    """A text of at most `MAX_TEXT` characters; else `MessageError`."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise MessageError(f"{name} is {_shown(value)} instead of a short text")
    return value


def as_whole(value: Any, name: str, least: int = 0, most: int = MAX_WHOLE) -> int:
    """A whole number within bounds; else `MessageError`."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise MessageError(
            f"{name} is {_shown(value)} instead of a whole number in [{least}, {most}]"
        )
    return value


def as_number(value: Any, name: str) -> float:
    """A finite number; else `MessageError`."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise MessageError(f"{name} is {_shown(value)} instead of a number")
    if (isinstance(value, int) and abs(value) > MAX_WHOLE) or not math.isfinite(value):
        raise MessageError(f"{name} is {_shown(value)}, which is not finite")
    return float(value)


def read_message(pipe: IO[bytes], max_data_bytes: Callable[[], int]) -> Message | None:
    """One message; None where the pipe ends.

    Args:
        pipe: From the child.
        max_data_bytes: Asked once a message has come: the limit may change while one is waited for.

    Raises:
        MessageError: If it is larger than a child of this task sends, or no message at all.
    """
    header = pipe.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    num_json, num_data = HEADER.unpack(header)
    most = max_data_bytes()
    if num_json > MAX_JSON_BYTES or num_data > most:
        raise MessageError(
            f"a message of {num_json} and {num_data} bytes, where at most {MAX_JSON_BYTES} and "
            f"{most} may come"
        )
    text = pipe.read(num_json)
    data = bytearray(num_data)
    view, filled = memoryview(data), 0
    while filled < num_data:
        count = pipe.readinto(view[filled:])  # type: ignore[attr-defined]
        if not count:
            return None
        filled += count
    return Message(_values(text), data) if len(text) == num_json else None


def _values(text: bytes) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"no JSON: {type(error).__name__}") from error
    if not isinstance(values, dict) or not isinstance(values.get("kind"), str):
        raise MessageError("JSON without a kind of message")
    return values


def _shown(value: Any) -> str:
    """A value in a sentence, in few characters, whatever it is."""
    if isinstance(value, str | list | dict):
        return f"a {type(value).__name__} of length {len(value)}"
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        return "a very large number"
    return repr(value)
