"""The server: from the first connection to the last, however the process is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from app.serving.clock import AnsweringClock
from app.serving.connections import MAX_CONNECTIONS, MAX_HEADER_BYTES, Connections, limited_by
from app.serving.log import NoDisconnects

logger = logging.getLogger(__name__)

MAX_FILES = 65_536
"""File descriptors that are asked for; the system may allow fewer."""

RESERVED_FILES = 96
"""Of them, for what the app itself has open: videos' pipes and files, predictions, libraries."""

BACKLOG = 64
"""Connections that are accepted in one go, before any of them can be refused."""

GRACEFUL_SECONDS = 2


def raise_file_limit() -> int:
    """Let the process have as many file descriptors as the system lets it; returns how many."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return MAX_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MAX_FILES if soft == resource.RLIM_INFINITY else soft
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def max_connections(num_files: int) -> int:
    """Connections that may be open at a time, for so many file descriptors."""
    return max(16, min(MAX_CONNECTIONS, (num_files - RESERVED_FILES) // 2))


class Server(uvicorn.Server):
    """Serves until it is told to end by Ctrl-C, SIGTERM or SIGHUP.

    Args:
        api: What answers.
        host: Where it listens.
        port: 0: any that is free.
        clock: Is told of connections that could not be taken.
        on_listening: Called once a browser can connect; must not wait.
        on_exit: Called first when it has to end: it waits for open connections.
    """

    def __init__(
        self,
        api: Any,
        *,
        host: str,
        port: int,
        clock: AnsweringClock,
        on_listening: Callable[[], None] = lambda: None,
        on_exit: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock, self._on_listening, self._on_exit = clock, on_listening, on_exit
        self.open_connections = Connections(
            max_connections(raise_file_limit()), on_refused=clock.on_refused
        )
        super().__init__(
            uvicorn.Config(
                api,
                host=host,
                port=port,
                http=limited_by(self.open_connections),
                ws="none",  # no page uses it
                h11_max_incomplete_event_size=MAX_HEADER_BYTES,
                backlog=BACKLOG,
                log_config=None,  # what it logs goes where all else goes
                log_level="warning",
                access_log=False,
                proxy_headers=False,  # the guard asks who connects, not whom a header names
                timeout_graceful_shutdown=GRACEFUL_SECONDS,
            )
        )
        logging.getLogger("uvicorn.error").addFilter(NoDisconnects())

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and begin to tell the clock that it answers."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_error)
        self._beating = loop.create_task(self._clock.beat())
        self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End all connections."""
        self._beating.cancel()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Uvicorn calls it when the process is told to end."""
        self._on_exit()
        super().handle_exit(sig, frame)

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "accept" in str(context.get("message", "")):
            # No file descriptor is left. asyncio tries again in a second, and would log each time.
            self._clock.on_refused()
            logger.error("a connection could not be accepted: %s", context.get("exception"))
            return
        loop.default_exception_handler(context)


@contextmanager
def ended_by_signals(server: Server) -> Iterator[None]:
    """SIGTERM and SIGHUP end the process as Ctrl-C does: what follows in `finally` still runs.

    uvicorn itself handles SIGTERM, and sends it again when it is done, which would end the process
    on the spot. That it was closed with its terminal (SIGHUP), it does not hear of at all.
    """
    kinds = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if server.started and not server.should_exit:
            server.handle_exit(signal.SIGTERM, frame)
        else:  # before it serves, or when uvicorn sends it again
            raise KeyboardInterrupt

    before = {kind: signal.signal(kind, stop) for kind in kinds}
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore further SIGTERM and SIGHUP: what ends the process is under way already."""
    kinds = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {kind: signal.signal(kind, signal.SIG_IGN) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
