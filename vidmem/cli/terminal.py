"""What the commands share: a console to print on, and the code after Ctrl-C."""

from __future__ import annotations

from rich.console import Console

INTERRUPTED = 130


def new_console(*, stderr: bool = False) -> Console:
    """Redrawn lines on a terminal; plain, unwrapped lines elsewhere."""
    return Console(highlight=False, soft_wrap=True, stderr=stderr)
