"""What a visitor sets beside a picture: numbers within a range, and choices of a few words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vidmem.errors import SettingError


@dataclass(frozen=True)
class Number:
    """A whole number that a visitor sets."""

    name: str
    title: str
    start: int
    """What it is at first."""

    low: int
    high: int
    stops: tuple[int, ...] = ()
    """Where its slider stops; empty: at every number."""

    def read(self, given: Any) -> int:
        """What was given, as a number of the range.

        Raises:
            SettingError: If it is none.
        """
        try:
            value = int(given)
        except (TypeError, ValueError):
            value = None
        if value is None or not self.low <= value <= self.high:
            raise SettingError(
                f"{self.title.lower()} must be a whole number from {self.low} to {self.high:,}, "
                f"got {given}"
            )
        return value

    def as_dict(self) -> dict[str, Any]:
        """For the page."""
        stops = list(self.stops or range(self.low, self.high + 1))
        return {"name": self.name, "title": self.title, "start": self.start, "stops": stops}


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    name: str
    title: str
    options: tuple[tuple[str, str], ...]
    """Each as the server and as the visitor calls it; the first is the default."""

    def read(self, given: Any) -> str:
        """What was given, if it is an option.

        Raises:
            SettingError: If it is none.
        """
        allowed = [key for key, _ in self.options]
        if given not in allowed:
            raise SettingError(
                f"{self.title.lower()} must be one of {', '.join(allowed)}, got {given}"
            )
        return str(given)

    def as_dict(self) -> dict[str, Any]:
        """For the page."""
        start = self.options[0][0]
        return {"name": self.name, "title": self.title, "start": start, "options": self.options}


Field = Number | Choice
