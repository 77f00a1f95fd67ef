"""A computation of many evaluations of a model: its time is estimated first, then it is run.

    work = occlusion(subject)
    print(f"about {work.estimate_seconds():.0f} s")
    result = work.run(lambda done, total: print(done, total))

It can be stopped after every evaluation: what the callback of `run` raises ends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from vidmem.errors import SettingError

Result = TypeVar("Result", covariant=True)
Progress = Callable[[int, int], None]
"""Called with evaluations done and evaluations in all; raise in it to stop."""

Tick = Callable[[], None]
"""Called after every evaluation; it may raise."""

MAX_EVALUATIONS = 1024
"""The default bound: minutes for a small model on a CPU, hours for a large one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Work(Generic[Result]):
    """A computation that has not been run yet."""

    num_evaluations: int
    """Steps of the model, with or without gradients."""

    evaluate_one: Callable[[], object]
    """Does one evaluation, to be timed."""

    do: Callable[[Tick], Result]
    """All of it, with a tick after each evaluation."""

    def estimate_seconds(self) -> float:
        """About how long `run` will take; measured, so this takes one evaluation itself.

        The first one in a process can be slower than those that follow.
        """
        started = time.perf_counter()
        self.evaluate_one()
        return (time.perf_counter() - started) * self.num_evaluations

    def run(self, progress: Progress = lambda done, total: None) -> Result:
        """Run all evaluations.

        Args:
            progress: Called with evaluations done and evaluations in all, first with 0. What it
                raises stops the work within one evaluation, and nothing is left behind.
        """
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            progress(done, self.num_evaluations)

        progress(0, self.num_evaluations)
        return self.do(tick)


def check_evaluations(what: str, num_evaluations: int, most: int, instead: str) -> None:
    """Refuse what would take too long, before any of it is done.

    Raises:
        SettingError: If there are more evaluations than allowed.
    """
    if num_evaluations > most:
        raise SettingError(
            f"{what} takes {num_evaluations} evaluations of the model, at most {most} are allowed; "
            f"{instead}, or raise max_evaluations"
        )
