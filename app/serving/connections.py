"""Connections of the server: so many at a time, and none for those who never ask for anything.

uvicorn gives a connection all the time it wants for its request. A few hundred half requests would
then take all file descriptors, and nobody else could be answered. Here each has deadlines, and
where all places are taken, the one that has waited longest without a request makes room.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
"""For the head of a request, from its first byte, or from when a connection was made."""

BODY_SECONDS = 30.0
"""Between two pieces of a body. What a body may be is up to each address."""

MAX_HEADER_BYTES = 32 << 10
MAX_CONNECTIONS = 512
PLACES_OF_PEER = 4
"""One peer may have one in so many of the connections that wait for a request."""


class Connections:
    """Those that are open, of one server.

    Args:
        max_open: At once.
        on_refused: Called when one was closed to make room.
    """

    def __init__(self, max_open: int, on_refused: Callable[[], None] = lambda: None) -> None:
        self.max_open = max_open
        self._on_refused = on_refused
        self._open: set[LimitedProtocol] = set()
        self._waiting: OrderedDict[LimitedProtocol, str] = OrderedDict()  # the oldest first

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: LimitedProtocol, peer: str) -> None:
        """Another one was made: make room for it."""
        self._open.add(connection)
        self.wait(connection, peer)
        own = [one for one, of in self._waiting.items() if of == peer]
        if len(own) > max(2, self.max_open // PLACES_OF_PEER):
            own[0].make_room()
        if len(self._open) > self.max_open:
            # All the others are being answered: the new one has to come again.
            next(iter(self._waiting)).make_room()
            self._on_refused()

    def wait(self, connection: LimitedProtocol, peer: str) -> None:
        """One has no request under way (any more)."""
        if connection in self._open:
            self._waiting[connection] = peer
            self._waiting.move_to_end(connection)

    def answer(self, connection: LimitedProtocol) -> None:
        """The head of a request has arrived."""
        self._waiting.pop(connection, None)

    def remove(self, connection: LimitedProtocol) -> None:
        """One was closed."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)


class LimitedProtocol(H11Protocol):
    """HTTP of one connection, with deadlines; `connections` is set by `limited_by`."""

    connections_of_server: Connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        self._peer = self._deadline = None
        self._answering: Any = None
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._set_deadline(HEADER_SECONDS)
        self.connections_of_server.add(self, self._peer)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        before = self.cycle
        super().data_received(data)
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle is not before:
                self.connections_of_server.answer(self)
            # Its body, if there is more of it; else it is up to the app how long an answer takes.
            self._set_deadline(BODY_SECONDS if cycle.more_body else None)
        elif self._deadline is None:  # the first bytes of another request
            self._set_deadline(HEADER_SECONDS)

    def on_response_complete(self) -> None:
        """Uvicorn calls it after each answer; a request may have come meanwhile."""
        self._set_deadline(None)  # uvicorn's own, for connections that are kept alive, begins
        if self._peer is not None:
            self.connections_of_server.wait(self, self._peer)
        super().on_response_complete()
        if self.cycle is not None and not self.cycle.response_complete:
            self.connections_of_server.answer(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._set_deadline(None)
        self.connections_of_server.remove(self)
        super().connection_lost(exc)

    def make_room(self) -> None:
        """Close, for another connection."""
        self.connections_of_server.remove(self)
        self._set_deadline(None)
        self.transport.abort()

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._on_deadline)

    def _on_deadline(self) -> None:
        self._deadline = None
        # While it is read slower than it arrives, the delay is ours.
        cycle = self.cycle
        if cycle is not None and cycle.more_body and self.flow.read_paused:
            self._set_deadline(BODY_SECONDS)
            return
        self.transport.abort()


def limited_by(connections: Connections) -> type[LimitedProtocol]:
    """The protocol for a server whose connections are these."""
    return type("Protocol", (LimitedProtocol,), {"connections_of_server": connections})
