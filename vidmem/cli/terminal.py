"""What the commands share: a console to print on, progress, and the exit code after Ctrl-C."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import Progress
from rich.segment import Segment

from vidmem.console import PLAIN_LINE_SECONDS
from vidmem.units import visible

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the number of the signal; so after others."""


INCOMPLETE = 3
"""Exit code of a run that broke off before the end of its video: what it predicted is kept."""


class VisibleConsole(Console):
    """A console on which no name of a file or a class does more than be read."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich's own; control characters of texts are spelled out, its own are kept."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text, keep="\n"), style, control)


class LastingStream(io.TextIOBase):
    """stdout or stderr that may go away: the terminal is closed, or the reader of a pipe leaves.

    A run goes on, or ends, without anybody to read of it; its files are what matters.
    """

    def __init__(self, name: str, *, is_of_console: bool = False) -> None:
        """By name, since tests and progress bars put other streams in its place.

        What a progress bar puts there hands everything to the console, so a console writes past it:
        else it would write to itself for ever.
        """
        self._name, self._is_of_console = name, is_of_console

    @property
    def _stream(self) -> Any:
        stream = getattr(sys, self._name)
        return getattr(stream, "rich_proxied_file", stream) if self._is_of_console else stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write it, if it can be written."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush it, if it can be flushed."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return bool(self._stream and self._stream.isatty())

    def fileno(self) -> int:
        """Of the stream."""
        return self._stream.fileno()


def prepare_streams() -> None:
    """Have characters that a terminal or a file cannot take replaced, instead of failing at them.

    A name of a file may have any, also under Windows or `LANG=C` with their few.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def leave_streams() -> None:
    """Flush what is printed; where nobody can read it any more, say so to nobody."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # Else Python tries again at its end, and changes the exit code.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def tell(sentence: str) -> None:
    """Print `vidmem:` and a sentence on stderr."""
    LastingStream("stderr").write(f"vidmem: {visible(sentence, keep=chr(10))}\n")


def new_console(*, stderr: bool = False) -> Console:
    """A console that redraws lines on a terminal, and prints plain, unwrapped lines elsewhere."""
    stream = LastingStream("stderr" if stderr else "stdout", is_of_console=True)
    return VisibleConsole(highlight=False, soft_wrap=True, file=cast(IO[str], stream))


def plural(number: int, what: str) -> str:
    """`1 bout`, `3 bouts`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def note(sentence: str) -> None:
    """Print on stderr how far a command is, so that stdout holds its result alone."""
    new_console(stderr=True).print(sentence, markup=False)


@contextmanager
def counting(what: str, things: str) -> Iterator[Callable[[int, int], None]]:
    """Show on stderr how many things are done, of how many: a bar, or now and then a line.

    Args:
        what: The work, such as `ablating fam-swin-nano`.
        things: The things counted, in the plural.
    """
    console = new_console(stderr=True)
    printed_at = float("-inf")

    def report(done: int, total: int) -> None:
        nonlocal printed_at
        now = time.monotonic()
        if now - printed_at >= PLAIN_LINE_SECONDS or done == total:
            printed_at = now
            console.print(f"{what}: {done} of {total} {things}", markup=False)

    if not console.is_terminal:
        yield report
        return
    with Progress(console=console) as progress:
        task = progress.add_task(what)
        yield lambda done, total: progress.update(task, completed=done, total=total)
