"""The newest of everything a page shows, so that a page can be sent what it does not have yet."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any


class Board:
    """Topics, each with its newest value and the version at which that was set.

    Versions count the changes of the whole board. A page that keeps one number gets all changes
    after it (`since`); a page that may miss some topics keeps a number for each (`changes`). Safe
    to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: dict[str, tuple[int, Any]] = {}
        self._version = 0

    @property
    def version(self) -> int:
        """Of the newest change."""
        return self._version

    def tick(self) -> int:
        """Count a change that is kept elsewhere; returns its version."""
        with self._lock:
            self._version += 1
            return self._version

    def put(self, topic: str, value: Any) -> None:
        """Set a topic; an equal value is no change."""
        with self._lock:
            if topic in self._topics and self._topics[topic][1] == value:
                return
            self._version += 1
            self._topics[topic] = (self._version, value)

    def get(self, topic: str) -> Any:
        """The value of a topic, `None` before its first."""
        with self._lock:
            return self._topics.get(topic, (0, None))[1]

    def drop(self, topic: str) -> None:
        """Forget a topic; neither `since` nor `changes` reports that it is gone."""
        with self._lock:
            self._topics.pop(topic, None)

    def since(self, version: int) -> dict[str, Any]:
        """The topics that changed after a version."""
        with self._lock:
            return {
                topic: value for topic, (number, value) in self._topics.items() if number > version
            }

    def changes(self, versions: Mapping[str, int]) -> dict[str, dict[str, Any]]:
        """The topics whose version is not the one that the page has, with their versions."""
        with self._lock:
            return {
                topic: {"version": version, "value": value}
                for topic, (version, value) in self._topics.items()
                if versions.get(topic, -1) != version
            }
