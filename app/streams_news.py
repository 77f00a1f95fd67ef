"""What is new on the Streams page since a version that a page names."""

from __future__ import annotations

import threading
from typing import Any


class News:
    """Topics whose versions rise together: one number says all that a page has."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: dict[str, tuple[int, Any]] = {}
        self._version = 0

    @property
    def version(self) -> int:
        """Of the newest change."""
        return self._version

    def tick(self) -> int:
        """The version of a change that is kept elsewhere."""
        with self._lock:
            self._version += 1
            return self._version

    def put(self, topic: str, value: Any) -> None:
        """Set a topic; an equal value is no news."""
        with self._lock:
            if topic in self._topics and self._topics[topic][1] == value:
                return
            self._version += 1
            self._topics[topic] = (self._version, value)

    def drop(self, topic: str) -> None:
        """Forget a topic; who had it hears of that elsewhere."""
        with self._lock:
            self._topics.pop(topic, None)

    def since(self, version: int) -> dict[str, Any]:
        """The topics that changed after a version."""
        with self._lock:
            return {
                topic: value for topic, (number, value) in self._topics.items() if number > version
            }
