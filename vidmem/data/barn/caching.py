"""Caching the results of a method without keeping its object alive."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar
from weakref import WeakMethod

Result = TypeVar("Result")


def remember(method: Callable[..., Result], *, maxsize: int | None = None) -> Callable[..., Result]:
    """Cache a bound method, for an attribute of its own object.

    `lru_cache` on a bound method makes a cycle: the object, with all its pictures, would live until
    the garbage collector runs. `maxsize` None keeps every result.
    """
    weak = WeakMethod(method)

    def call(*key: Any) -> Result:
        bound = weak()
        assert bound is not None  # the cache dies with its object
        return bound(*key)

    return lru_cache(maxsize=maxsize)(call)
