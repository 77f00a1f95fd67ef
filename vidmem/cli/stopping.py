"""Ctrl-C while a video is watched, or a signal that asks for the same."""

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

from vidmem.cli.terminal import INCOMPLETE, INTERRUPTED, tell
from vidmem.errors import DecoderError, ModelMemoryError, StorageError, VidmemError
from vidmem.video.live.address import without_credentials


class StopRequest:
    """Ctrl-C as a request: the first one lets the clip under way finish, the second does not.

    So are SIGTERM, by which schedulers and containers end what they started, and SIGHUP, which
    comes when the terminal is closed: the state is saved, and the exit code names the signal.

    Args:
        console: Where Ctrl-C is answered.
        also: Called at the first one, in a thread of its own: while a live source sends nothing,
            there is no clip whose end would be noticed.
        answer: What it is answered with: what is stopped, and when.
    """

    def __init__(
        self,
        console: Console,
        also: Callable[[], None] = lambda: None,
        *,
        answer: str = "stopping after this clip",
    ) -> None:
        self.console = console
        self.also = also
        self.answer = answer
        self.is_made = False
        self.signal = signal.SIGINT
        """The one that came."""

        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            # Ignored by who started us, as nohup does: it stays so.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.is_made:
            raise KeyboardInterrupt
        self.is_made, self.signal = True, signal.Signals(number)
        self.console.print(f"{self.answer}; Ctrl-C again stops at once")
        # In a thread: this handler may have interrupted code that holds a lock which `also` needs.
        threading.Thread(target=self.also, daemon=True).start()

    @property
    def exit_code(self) -> int:
        """As shells have it after such a signal."""
        return INTERRUPTED if self.signal == signal.SIGINT else 128 + self.signal

    def leave(self) -> NoReturn:
        """Print the command that resumes this run, and exit as after such a signal."""
        self.console.print(f"stopped; go on with: {resuming_command()}", markup=False)
        raise typer.Exit(self.exit_code)


def end_broken(error: VidmemError, *, can_resume: bool) -> NoReturn:
    """Say why a run broke off and how to go on, and exit as an incomplete one.

    Raises:
        VidmemError: The error itself, where the run would only meet it again.
    """
    if not isinstance(error, DecoderError | ModelMemoryError | StorageError):
        raise error
    tell(str(error))
    if can_resume:
        tell(f"what was predicted is kept; go on with: {resuming_command()}")
    raise typer.Exit(INCOMPLETE)


def resuming_command() -> str:
    """The command that goes on with the run of this one."""
    words = [without_credentials(word) for word in sys.argv[1:] if word != "--resume"]
    return shlex.join(["vidmem", *words, "--resume"])


@contextmanager
def stopping_after(seconds: float | None, finish: Callable[[], None]) -> Iterator[None]:
    """Call `finish` after so many seconds, unless the block ends before; `None`: never."""
    timer = threading.Timer(seconds or 0.0, finish)
    timer.daemon = True
    if seconds is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
