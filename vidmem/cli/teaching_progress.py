"""How far teaching is: a line that is redrawn on a terminal, or now and then a plain one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from vidmem.console import PLAIN_LINE_SECONDS
from vidmem.units import span, visible

if TYPE_CHECKING:
    from vidmem.teaching import TeachProgress

LEAST_LEFT_SECONDS = 1.0
"""Less is not worth a word."""


class TeachingDisplay:
    """Shows each stage, and in words how labelled time is split before a network learns from it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._printed_at = float("-inf")
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[left]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=1.0, left="")

    def __enter__(self) -> TeachingDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, progress: TeachProgress) -> None:
        """Show it."""
        if progress.split is not None:
            self._console.print(f"split: {progress.split.words()}", markup=False)
            return
        stage = visible(progress.stage)
        left = _left_text(progress.seconds_left)
        self._bar.update(self._task, description=stage, completed=progress.done, left=left)
        if not self._console.is_terminal:
            self._print(stage, progress.done, left)

    def _print(self, stage: str, done: float, left: str) -> None:
        now = time.monotonic()
        is_new = stage != self._stage
        if not is_new and now - self._printed_at < PLAIN_LINE_SECONDS:
            return
        self._stage, self._printed_at = stage, now
        # Of a stage that begins nothing is known yet, or what is known means little.
        far = "" if is_new else ": " + ", ".join(filter(None, (f"{done:.0%}", left)))
        self._console.print(f"{stage}{far}", markup=False)


def _left_text(seconds: float | None) -> str:
    if seconds is None or seconds < LEAST_LEFT_SECONDS:
        return ""
    return f"{span(round(seconds))} left"
