"""Ctrl-C while a video is watched."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import typer
from rich.console import Console

from vidmem.cli.terminal import INTERRUPTED
from vidmem.video.live_address import without_credentials


class StopRequest:
    """Ctrl-C as a wish: the first one lets the clip in work finish, the second one does not.

    Args:
        console: Where it is said.
        also: Called at the first one, in a thread of its own: who waits for frames that do not come
            has no clip in work.
    """

    def __init__(self, console: Console, also: Callable[[], None] = lambda: None) -> None:
        self.console = console
        self.also = also
        self.is_made = False
        self._before: Any = None

    def __enter__(self) -> StopRequest:
        self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.is_made:
            raise KeyboardInterrupt
        self.is_made = True
        self.console.print("stopping after this clip; Ctrl-C again stops at once")
        # Not here: this may have interrupted somebody who holds a lock that it needs.
        threading.Thread(target=self.also, daemon=True).start()

    def leave(self) -> NoReturn:
        """Say with which command the same goes on, and end as after Ctrl-C."""
        words = [without_credentials(word) for word in sys.argv[1:] if word != "--resume"]
        again = shlex.join(["vidmem", *words, "--resume"])
        self.console.print(f"stopped; go on with: {again}", markup=False)
        raise typer.Exit(INTERRUPTED)


@contextmanager
def stopping_after(seconds: float | None, finish: Callable[[], None]) -> Iterator[None]:
    """Call `finish` once so much time has gone by, unless it is over before; `None`: never."""
    timer = threading.Timer(seconds or 0.0, finish)
    timer.daemon = True
    if seconds is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
