"""Results made of arrays: short when printed, and ready to be written to a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np


class ArrayRecord:
    """A dataclass of arrays, numbers and other such records."""

    DERIVED: ClassVar[tuple[str, ...]] = ()
    """Properties that are written to a file beside the fields."""

    def __repr__(self) -> str:
        shown = (f"{name}={_short(value)}" for name, value in self._items())
        return f"{type(self).__name__}({', '.join(shown)})"

    def as_arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name, such as `stages.0.token_share`: for `numpy.savez`."""
        return {
            name + rest: array for name, value in self._items() for rest, array in _arrays_of(value)
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: arrays are nested lists, NaN is None."""
        return {name: _plain(value) for name, value in self._items()}

    def _items(self) -> Iterator[tuple[str, Any]]:
        for one in fields(self):  # type: ignore[arg-type]  # what is made of it is a dataclass
            yield one.name, getattr(self, one.name)
        for name in self.DERIVED:
            yield name, getattr(self, name)


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    return repr(value)


def _arrays_of(value: Any) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, np.ndarray):
        yield "", value
    elif isinstance(value, ArrayRecord):
        yield from ((f".{name}", array) for name, array in value.as_arrays().items())
    elif isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from ((f".{number}{rest}", array) for rest, array in _arrays_of(one))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else None  # JSON has neither NaN nor infinity
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, ArrayRecord):
        return value.as_dict()
    if hasattr(value, "__dataclass_fields__"):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return value
