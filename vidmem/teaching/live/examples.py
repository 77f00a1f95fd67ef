"""What was shown in a lesson: spans of behaviours, begun and ended by a person."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from vidmem.errors import LabelError, SettingError
from vidmem.labels import NO_CLASS, Bout, Ethogram, Labels
from vidmem.models import CardAxis
from vidmem.teaching.linear import NUM_FOLDS
from vidmem.teaching.samples import classes_at
from vidmem.units import clock_range

MAX_BEHAVIOURS = 9
"""A key of a digit each."""

MAX_EXAMPLES = 200


class LessonExamples:
    """The examples of a lesson as labels of its source, and the one that is being shown.

    Args:
        ethogram: States of one axis, two to nine of them.
        name: Of the source.

    Raises:
        SettingError: If these are no behaviours that can be told apart.
    """

    def __init__(self, ethogram: Ethogram, name: str) -> None:
        self.axis = _checked_axis(ethogram)
        self.labels = Labels(ethogram)
        self._name = name
        self._shown: tuple[str, float] | None = None  # a behaviour, and since when
        self._earlier: list[Labels] = []  # before each example

    def begin(self, behaviour: str, seconds: float) -> None:
        """A behaviour is being shown from now on.

        Raises:
            LabelError: If there is no such behaviour.
        """
        if behaviour not in self.axis.class_names:
            known = ", ".join(self.axis.class_names)
            raise LabelError(f"there is no behaviour {behaviour!r:.60} in this lesson, but {known}")
        self._shown = (behaviour, seconds)

    def end(self, seconds: float, seen_seconds: NDArray[np.float64]) -> bool:
        """What is being shown was shown until now.

        Args:
            seconds: When it ended.
            seen_seconds: When feature frames were shown that are held.

        Returns:
            Whether anything was being shown.

        Raises:
            LabelError: If none of them lies in between: nothing of it was seen.
        """
        if self._shown is None:
            return False
        (behaviour, start), self._shown = self._shown, None
        if not ((seen_seconds >= start) & (seen_seconds < seconds)).any():
            when = clock_range(start, max(start, seconds))
            raise LabelError(
                f"nothing was seen of {behaviour}, {when}: hold it for as long as it is shown, "
                "half a second at least, while pictures come"
            )
        self._earlier.append(self.labels)
        self.labels = self.labels.add(Bout(self._name, start, seconds, behaviour))
        return True

    def clear_last(self) -> None:
        """Take the newest one back, and what it took from others; nothing, if there is none."""
        self._shown = None
        if self._earlier:
            self.labels = self._earlier.pop()

    def clear(self) -> None:
        """Take all back."""
        self._shown, self._earlier = None, []
        self.labels = Labels(self.labels.ethogram)

    def classes(self, seconds: NDArray[np.float64]) -> NDArray[np.int64]:
        """`[N]`, at some times: which behaviour was shown, or `NO_CLASS`."""
        return classes_at(seconds, self.labels, [self.axis], name=self._name)[0]

    def is_needed(self, seconds: NDArray[np.float64]) -> NDArray[np.bool_]:
        """`[N]`; whether a time is of an example, or will be of the one that is being shown."""
        is_in = self.classes(seconds) != NO_CLASS
        return is_in if self._shown is None else is_in | (seconds >= self._shown[1])

    def fold_groups(self, seconds: NDArray[np.float64]) -> list[int]:
        """Of each time within an example, the number of that example, from 0.

        The first of each behaviour come first, then the second ones: neighbours by number are left
        out together, and of each behaviour some have to remain.
        """
        seen: Counter[str] = Counter()
        keys = []
        for bout in self.labels.bouts:
            keys.append((seen[bout.behaviour], bout.behaviour))
            seen[bout.behaviour] += 1
        numbers = np.array([sorted(keys).index(key) for key in keys])
        starts = np.array([bout.start_seconds for bout in self.labels.bouts])
        return numbers[np.searchsorted(starts, seconds, side="right") - 1].tolist()

    def too_few(self) -> str:
        """What is missing before it can be said how good a fit is; empty: nothing."""
        counts = self._counts()
        single = [name for name, count in counts.items() if count < 2]
        if single:
            return f"of {single[0]} there is one"
        total = counts.total()
        return f"there are {total}" if total < NUM_FOLDS else ""

    def missing(self) -> str:
        """What has to be shown before more can be said, in a sentence; empty: nothing."""
        counts = self._counts()
        if not counts:
            return "Nothing was shown yet: hold the key of a behaviour for as long as it is shown."
        if len(counts) < 2:
            return f"Only {next(iter(counts))} was shown: show another one, to be told from it."
        if few := self.too_few():
            return (
                f"How good it is can be said from {NUM_FOLDS} examples on, at least two of each "
                f"behaviour that was shown; {few}."
            )
        return ""

    def _counts(self) -> Counter[str]:
        return Counter(bout.behaviour for bout in self.labels.bouts)


def _checked_axis(ethogram: Ethogram) -> CardAxis:
    """The one axis of a lesson, with its behaviours."""
    names = ethogram.names
    if not 2 <= len(names) <= MAX_BEHAVIOURS:
        raise SettingError(
            f"a lesson needs 2 to {MAX_BEHAVIOURS} behaviours to tell apart, got {len(names)}"
        )
    points = [one.name for one in ethogram if not one.is_state]
    if len(ethogram.axes) > 1 or points:
        wrong = f"{points[0]} is a point" if points else f"they are of {', '.join(ethogram.axes)}"
        raise SettingError(f"the behaviours of a lesson must be states of one axis; {wrong}")
    return CardAxis(ethogram.behaviours[0].axis, names)
