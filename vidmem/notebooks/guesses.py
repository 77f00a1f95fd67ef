"""Predict, then run: what a reader guessed, held to what came out."""

from __future__ import annotations

from dataclasses import dataclass

UNGUESSED = "Nothing guessed yet: write a value in the cell above, and run both again."


@dataclass(frozen=True, kw_only=True, repr=False)
class GuessComparison:
    """A guess beside the result; its `repr` is the sentence that a notebook shows."""

    guess: float | str | None
    """`None`: the reader has not written one."""

    result: float | str
    unit: str = ""
    digits: int = 2
    """Behind the point, of numbers that are shown."""

    @property
    def off_by(self) -> float | None:
        """How far a guessed number is from the result, above 0 where it is too large."""
        if isinstance(self.guess, str) or isinstance(self.result, str) or self.guess is None:
            return None
        return self.guess - self.result

    def __repr__(self) -> str:
        result = self._shown(self.result)
        if self.guess is None:
            return f"{UNGUESSED} It is {result}."
        if self._shown(self.guess) == result:
            return f"You guessed {result}, and so it is."
        off = self.off_by
        by = "" if off is None else f" Off by {self._shown(abs(off))}, too "
        return (
            f"You guessed {self._shown(self.guess)}; it is {result}."
            f"{by}{'' if off is None else ('high.' if off > 0 else 'low.')}"
        )

    def _shown(self, value: float | str) -> str:
        text = value if isinstance(value, str) else f"{value:,.{self.digits}f}"
        if not isinstance(value, str) and "." in text:
            text = text.rstrip("0").rstrip(".")
        return f"{text} {self.unit}".strip()


def compare_guess(
    guess: float | str | None, result: float | str, *, unit: str = "", digits: int = 2
) -> GuessComparison:
    """Hold a guess to a result, in a sentence.

    Args:
        guess: The reader's; `None`: none yet, which is said beside the result.
        result: What came out.
        unit: Of both.
        digits: Behind the point: a guess that is the same when rounded counts as right.
    """
    return GuessComparison(guess=guess, result=result, unit=unit, digits=digits)
