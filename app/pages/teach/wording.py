"""What the Teach page says of labels: which are missing, and what would help."""

from __future__ import annotations

from vidmem.units import span

ENOUGH_SECONDS = 60.0
"""Of one behaviour: below it, more labels helped with every task that was measured."""

STEP_SECONDS = 10.0
"""What is missing is said in steps of so much, since it is no exact number."""

NOTHING = "Nothing is labelled yet."
ONE_ANSWER = (
    "{axis}: all labels say {behaviour}. Label also what it is to be told from: another behaviour, "
    "or time marked as scored in which none of them happens."
)
ONE_BOUT = (
    "{behaviour}: {seconds} in 1 bout. It takes two, one to learn from and one to be tested with: "
    "label another, in another place."
)
TOO_SHORT = (
    "{behaviour}: {seconds} in {num} bouts; {missing} more, in another place, would help most."
)
WEAK = "{behaviour}: {model} finds it with F1 {f1:.2f}. Label more of it, in other places."
SEVERAL = (
    "The labels are of several animals, and a model judges the whole picture: choose below whose "
    "are taught."
)
MAX_SAID = 4


def too_short(behaviour: str, seconds: float, num_bouts: int) -> str:
    """That there is little of a behaviour, and how much more would do."""
    missing = max(STEP_SECONDS, -(-(ENOUGH_SECONDS - seconds) // STEP_SECONDS) * STEP_SECONDS)
    return TOO_SHORT.format(
        behaviour=behaviour, seconds=span(seconds), num=num_bouts, missing=span(missing)
    )


def one_bout(behaviour: str, seconds: float) -> str:
    """That a behaviour cannot be taught from one bout."""
    return ONE_BOUT.format(behaviour=behaviour, seconds=span(seconds))
