"""Names that modules and classes used to have, kept for the scripts that use them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

Class = TypeVar("Class")


def renamed_names(module: str, new_names: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__` that knows its old names too.

    Args:
        module: Its `__name__`.
        new_names: By old name, what the module calls it now.
    """

    def get(name: str) -> Any:
        if name not in new_names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        new = new_names[name]
        message = f"{module}.{name} is called {new} now"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return getattr(sys.modules[module], new)

    return get


def renamed_fields(new_names: Mapping[str, str]) -> Callable[[type[Class]], type[Class]]:
    """Let a dataclass know its old fields too: when it is made, and when it is read.

    Args:
        new_names: By old name, what the field is called now.
    """

    def keep(cls: type[Class]) -> type[Class]:
        make = cls.__init__

        @wraps(make)
        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            for old in kwargs.keys() & new_names.keys():
                _warn(cls, old, new_names[old])
                kwargs[new_names[old]] = kwargs.pop(old)
            make(self, *args, **kwargs)

        cls.__init__ = init
        for old, new in new_names.items():
            setattr(cls, old, _alias(cls, old, new))
        return cls

    return keep


def _alias(cls: type, old: str, new: str) -> property:
    def get(self: Any) -> Any:
        _warn(cls, old, new)
        return getattr(self, new)

    return property(get, doc=f"What is called `{new}` now.")


def _warn(cls: type, old: str, new: str) -> None:
    # From here to `init` or `get`, and from there to the script.
    warnings.warn(f"{cls.__name__}.{old} is called {new} now", DeprecationWarning, stacklevel=3)
