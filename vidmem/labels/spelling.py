"""Names of behaviours that are one name, written in two ways: `at  wall`, `At-wall`, `at wal`."""

from __future__ import annotations

import re
from collections.abc import Iterable

MIN_CHARACTERS = 4
"""Of names that may be one by mistake: many shorter ones are a letter apart, such as in and on."""

_NO_MATTER = re.compile(r"[\s_-]+")


def like_spelled(name: str, known: Iterable[str]) -> str | None:
    """The only known name that differs in case, spaces, hyphens and underscores alone.

    Returns:
        `None` where the name itself is known, or no other or several are like it.
    """
    known = tuple(known)
    plain = _plain(name)
    if name in known or not plain:
        return None
    alike = [one for one in known if _plain(one) == plain]
    return alike[0] if len(alike) == 1 else None


def nearly_spelled(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Known names that a letter more, less, another, or two that changed places, make this one.

    They may be a mistake or two behaviours (lying, flying): a person has to say.
    """
    return tuple(one for one in known if _is_one_edit(_plain(name), _plain(one)))


def _plain(name: str) -> str:
    return _NO_MATTER.sub("", name.casefold())


def _is_one_edit(first: str, second: str) -> bool:
    short, long = sorted((first, second), key=len)
    if len(short) < MIN_CHARACTERS or len(long) - len(short) > 1 or first == second:
        return False
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = long[:at] + long[at : at + 2][::-1] + long[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or short == swapped
