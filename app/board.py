"""The newest of everything a page shows, so that a page can be sent what it does not have yet."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any


class Board:
    """Named sections, each with a version that rises when its value changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sections: dict[str, tuple[int, Any]] = {}
        self._next_version = 0

    def put(self, topic: str, value: Any) -> None:
        """Set a section; an equal value changes nothing."""
        with self._lock:
            if topic in self._sections and self._sections[topic][1] == value:
                return
            self._sections[topic] = (self._next_version, value)
            self._next_version += 1

    def get(self, topic: str) -> Any:
        """The value of a section, `None` before its first."""
        with self._lock:
            return self._sections.get(topic, (0, None))[1]

    def changes(self, versions: Mapping[str, int]) -> dict[str, dict[str, Any]]:
        """The sections whose version is not the one that the page has."""
        with self._lock:
            return {
                topic: {"version": version, "value": value}
                for topic, (version, value) in self._sections.items()
                if versions.get(topic, -1) != version
            }
