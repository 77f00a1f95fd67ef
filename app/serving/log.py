"""A log that does not grow with what visitors send: of lines that are alike, a few a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MAX_ALIKE = 5
PERIOD_SECONDS = 60.0
MAX_KINDS = 500


@dataclass
class _Kind:
    since: float
    num_shown: int = 0
    num_hidden: int = 0


class FewAlike(logging.Filter):
    """Lets so many records a minute of one place in the code through, and counts the others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: OrderedDict[tuple[str, int, str], _Kind] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is shown; it tells how many like it were not."""
        key = (record.name, record.lineno, str(record.msg)[:60])
        now = self._clock()
        with self._lock:
            kind = self._kinds.setdefault(key, _Kind(now))
            if now - kind.since >= PERIOD_SECONDS:
                num_hidden = kind.num_hidden
                kind = self._kinds[key] = _Kind(now)
                if num_hidden:
                    record.msg = f"{record.getMessage()} (and {num_hidden} more like this)"
                    record.args = None
            self._kinds.move_to_end(key)
            while len(self._kinds) > MAX_KINDS:
                self._kinds.popitem(last=False)
            if kind.num_shown < MAX_ALIKE:
                kind.num_shown += 1
                return True
            kind.num_hidden += 1
            return False


@contextmanager
def few_alike() -> Iterator[None]:
    """All that is logged meanwhile goes through `FewAlike`."""
    few, handlers = FewAlike(), list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(few)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(few)


class NoDisconnects(logging.Filter):
    """Drops the log records of uploads that a visitor breaks off."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is shown."""
        kind = record.exc_info[0] if record.exc_info else None
        return kind is None or kind.__name__ != "ClientDisconnect"
