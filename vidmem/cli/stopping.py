"""Ctrl-C while a video is watched."""

from __future__ import annotations

import shlex
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import typer
from rich.console import Console

from vidmem.cli.terminal import INTERRUPTED


class StopRequest:
    """Ctrl-C as a wish: the first one lets the clip in work finish, the second one does not."""

    def __init__(self, console: Console) -> None:
        self.console = console
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

    def leave(self) -> NoReturn:
        """Say with which command the same goes on, and end as after Ctrl-C."""
        words = [word for word in sys.argv[1:] if word != "--resume"]
        again = shlex.join(["vidmem", *words, "--resume"])
        self.console.print(f"stopped; go on with: {again}", markup=False)
        raise typer.Exit(INTERRUPTED)
