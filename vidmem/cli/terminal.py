"""What the commands share: a console to print on, how far they are, the code after Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from vidmem.console import PLAIN_LINE_SECONDS

INTERRUPTED = 130


def new_console(*, stderr: bool = False) -> Console:
    """Redrawn lines on a terminal; plain, unwrapped lines elsewhere."""
    return Console(highlight=False, soft_wrap=True, stderr=stderr)


def note(sentence: str) -> None:
    """Say on stderr how far a command is."""
    new_console(stderr=True).print(sentence, markup=False)


@contextmanager
def counting(what: str, things: str) -> Iterator[Callable[[int, int], None]]:
    """Show on stderr how many things are done, of how many: a bar, or now and then a line.

    Args:
        what: Is being done.
        things: Are counted, in the plural.
    """
    console = new_console(stderr=True)
    said_at = float("-inf")

    def say(done: int, total: int) -> None:
        nonlocal said_at
        now = time.monotonic()
        if now - said_at >= PLAIN_LINE_SECONDS or done == total:
            said_at = now
            console.print(f"{what}: {done} of {total} {things}", markup=False)

    if not console.is_terminal:
        yield say
        return
    with Progress(console=console) as progress:
        task = progress.add_task(what)
        yield lambda done, total: progress.update(task, completed=done, total=total)
