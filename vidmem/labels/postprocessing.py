"""From a model's probabilities to bouts that a person would have written down.

    predicted      lying . lying stand. lying      . . .     lying
    fill gaps      lying---lying stand. lying      . . .     lying
    join           lying-----------------lying     . . .     lying
    minimum bout   lying-----------------lying

Raw probabilities are kept wherever they came from: this makes bouts, and changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self

from vidmem.errors import SettingError
from vidmem.labels.bout import Bout
from vidmem.labels.checks import TICKS_PER_SECOND, checked_name
from vidmem.labels.ethogram import NONE_OF_THESE, reserved_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

_NONE, _HOLE = -1, -2  # what a cell of time may be besides a class


@dataclass(frozen=True, kw_only=True)
class BehaviourRule:
    """How one behaviour is treated in its own way; `None`: as all others are."""

    behaviour: str
    threshold: float | None = None
    fill_gap_seconds: float | None = None
    join_seconds: float | None = None
    min_bout_seconds: float | None = None

    def __post_init__(self) -> None:
        checked_name("the behaviour of a rule", self.behaviour)
        _check_rule(self)


@dataclass(frozen=True, kw_only=True)
class PostProcessing:
    """How bouts are made from probabilities; as it is, the most probable behaviour at any time."""

    threshold: float = 0.0
    """Probability that a behaviour must reach to be taken, 0 to 1."""

    hole_seconds: float = 0.0
    """Time without predictions that is bridged between two of the same; 0: none is."""

    fill_gap_seconds: float = 0.0
    """Longest time in which no behaviour reached its threshold that a bout goes on over."""

    join_seconds: float = 0.0
    """Longest time, of other behaviours too, over which two bouts become one."""

    min_bout_seconds: float = 0.0
    """Bouts shorter than this are left out."""

    rules: tuple[BehaviourRule, ...] = ()
    """What single behaviours have in another way; those of other axes may be among them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", tuple(self.rules))
        _check_rule(self)
        names = [one.behaviour for one in self.rules]
        if len(set(names)) < len(names):
            raise SettingError(f"each behaviour must have one rule at most, got {names}")

    def rule_of(self, behaviour: str) -> BehaviourRule:
        """What holds for a behaviour, without `None`."""
        own = next((one for one in self.rules if one.behaviour == behaviour), None)
        values = {}
        for name in _RULES:
            value = getattr(own, name, None)
            values[name] = getattr(self, name) if value is None else value
        return BehaviourRule(behaviour=behaviour, **values)

    def summary(self) -> str:
        """One line, in the order in which it is done: `threshold 0.5, gaps up to 2 s filled`."""
        parts = [_words(self)]
        parts += [f"{one.behaviour}: {words}" for one in self.rules if (words := _words(one))]
        return "; ".join(part for part in parts if part) or "the most probable behaviour, as it is"


@dataclass(frozen=True, eq=False)
class ClassProbabilities:
    """What a model gave: `N` samples in order of time, of `C` classes; bouts are made of one axis.

    Raises:
        ValueError: If shapes do not fit, samples overlap or do not last, or a value is no
            probability.
    """

    class_names: tuple[str, ...]
    """Behaviours; one named `NONE_OF_THESE` is never a bout."""

    probabilities: NDArray[np.float64]
    """`[N, C]`, 0 to 1."""

    start_seconds: NDArray[np.float64]
    """`[N]`, of each sample."""

    end_seconds: NDArray[np.float64]
    """`[N]`, half open; where the next starts later, nothing was predicted between them."""

    def __post_init__(self) -> None:
        import numpy as np

        object.__setattr__(self, "class_names", tuple(self.class_names))
        values = np.asarray(self.probabilities, dtype=np.float64)
        times = [np.asarray(x, dtype=np.float64) for x in (self.start_seconds, self.end_seconds)]
        shape = (len(times[0]), len(self.class_names))
        if not shape[1] or values.shape != shape or any(one.shape != shape[:1] for one in times):
            raise ValueError(
                "probabilities must have shape [N, C], C at least 1, and times [N], got "
                f"{list(values.shape)}, {[list(one.shape) for one in times]} "
                f"and {len(self.class_names)} class names"
            )
        if not ((values >= 0) & (values <= 1)).all():  # NaN is neither
            raise ValueError("probabilities must be from 0 to 1; take the softmax of logits first")
        if not all(np.isfinite(one).all() for one in times):
            raise ValueError("times of samples must be finite")
        starts, ends = (np.rint(one * TICKS_PER_SECOND) for one in times)
        if (ends - starts <= 1).any() or (starts[1:] < ends[:-1] - 1).any():
            raise ValueError(
                "samples must be in order, last longer than a microsecond and not overlap; merge "
                "windows that overlap to moments first (vidmem.streaming.ScoreMerger)"
            )
        for name, value in zip(_ARRAYS, (values, *times), strict=True):
            object.__setattr__(self, name, value)

    @classmethod
    def at_times(
        cls,
        class_names: Sequence[str],
        probabilities: ArrayLike,
        times_seconds: ArrayLike,
        *,
        sample_seconds: float | None = None,
    ) -> Self:
        """Of samples with a time each: each lasts until the next.

        Args:
            class_names: Of the columns.
            probabilities: `[N, C]`.
            times_seconds: `[N]`, rising.
            sample_seconds: From one sample to the next, as a rule; `None`: the median. Where the
                next comes later than one and a half of it, the sample lasts this long and a hole
                follows. So long lasts the last one, too.
        """
        import numpy as np

        times = np.asarray(times_seconds, dtype=np.float64)
        steps = np.diff(times)
        usual = sample_seconds or (float(np.median(steps)) if len(steps) else 1.0)
        lengths = np.append(
            np.where(steps <= 1.5 * usual, steps, usual), [usual] * bool(len(times))
        )
        values = np.asarray(probabilities, dtype=np.float64)
        return cls(tuple(class_names), values, times, times + lengths)

    def of_classes(self, class_names: Sequence[str]) -> Self:
        """Of some of the classes, such as those of one axis."""
        columns = [self.class_names.index(name) for name in class_names]
        values = self.probabilities[:, columns]
        return replace(self, class_names=tuple(class_names), probabilities=values)


def postprocess(
    predicted: ClassProbabilities,
    settings: PostProcessing | None = None,
    *,
    video: str,
    subject: str = "",
    author: str = "",
) -> tuple[Bout, ...]:
    """Bouts of one axis from a model's probabilities, in order, never two at a time.

    In this order, each step on all of time and, within it, behaviour by behaviour in the order of
    the class names:

    1. *Threshold*: a sample is the most probable of the behaviours that reach their threshold; of
       equals the first. Where none does, or the most probable is *none of these*, it is no
       behaviour.
    2. *Holes*: time without predictions, up to `hole_seconds`, becomes what is on both sides of it
       if that is the same. Any other hole stays, and nothing below reaches over it.
    3. *Fill gaps*: time of no behaviour, up to `fill_gap_seconds`, between two bouts of one.
    4. *Join*: time of anything else, up to `join_seconds`, between two bouts of one.
    5. *Minimum bout*: bouts shorter than `min_bout_seconds` are left out, also at the start and
       the end of the video. What they leave stays empty.

    The start and the end of the video are no gaps: a bout never grows towards them.

    Args:
        predicted: Of one axis; axes are done one by one.
        settings: `None`: all off, which gives the most probable behaviour.
        video: Of the bouts.
        subject: Of the bouts.
        author: Of the bouts: the model's name.

    Returns:
        Bouts with source "model" and, as score, the mean probability over their predicted time.
    """
    settings = settings or PostProcessing()
    cells = _Cells(predicted)
    rules = [settings.rule_of(name) for name in predicted.class_names]
    cells.take_best(rules)
    cells.bridge_holes(settings.hole_seconds)
    for index, rule in enumerate(rules):
        cells.close(index, rule.fill_gap_seconds or 0.0, over_others=False)
    for index, rule in enumerate(rules):
        cells.close(index, rule.join_seconds or 0.0, over_others=True)
    for index, rule in enumerate(rules):
        cells.drop_short(index, rule.min_bout_seconds or 0.0)
    return tuple(
        Bout(
            video,
            start,
            end,
            predicted.class_names[index],
            subject,
            author,
            score=score,
            source="model",
        )
        for start, end, index, score in cells.bouts()
    )


class _Cells:
    """Time in pieces without a gap: samples, and the holes between them; what each is."""

    def __init__(self, predicted: ClassProbabilities) -> None:
        import numpy as np

        starts, ends = (
            np.rint(one * TICKS_PER_SECOND).astype(np.int64)
            for one in (predicted.start_seconds, predicted.end_seconds)
        )
        # Ends that differ from the next start by a microsecond are that start.
        is_next = np.abs(starts[1:] - ends[:-1]) <= 1
        ends[:-1] = np.where(is_next, starts[1:], ends[:-1])
        before_hole = np.flatnonzero(starts[1:] > ends[:-1])
        self._is_none = np.array(
            [reserved_name(name) == NONE_OF_THESE for name in predicted.class_names], dtype=bool
        )
        self.starts = np.insert(starts, before_hole + 1, ends[before_hole])
        self.ends = np.insert(ends, before_hole + 1, starts[before_hole + 1])
        # A hole has no probability, and counts in no mean.
        self.probabilities = np.insert(predicted.probabilities, before_hole + 1, np.nan, axis=0)
        self.is_hole = np.insert(np.zeros(len(starts), bool), before_hole + 1, True)
        self.what = np.where(self.is_hole, _HOLE, _NONE)

    def take_best(self, rules: Sequence[BehaviourRule]) -> None:
        """Each sample becomes its most probable behaviour that reaches its threshold."""
        import numpy as np

        if not len(self.what):
            return
        thresholds = np.array([rule.threshold or 0.0 for rule in rules])
        thresholds[self._is_none] = 0.0
        samples = self.probabilities[~self.is_hole]
        reaching = np.where(samples >= thresholds, samples, -1.0)
        best = reaching.argmax(axis=1)
        is_none = (reaching.max(axis=1) < 0) | self._is_none[best]
        self.what[~self.is_hole] = np.where(is_none, _NONE, best)

    def bridge_holes(self, longest_seconds: float) -> None:
        """A short hole becomes what is before and after it, if that is the same."""
        import numpy as np

        # The first and the last cell are samples, so each hole has two neighbours.
        for at in np.flatnonzero(self.is_hole):
            is_short = self.ends[at] - self.starts[at] <= _ticks(longest_seconds)
            if is_short and self.what[at - 1] == self.what[at + 1]:
                self.what[at] = self.what[at - 1]

    def close(self, index: int, longest_seconds: float, *, over_others: bool) -> None:
        """Short time between two bouts of a behaviour becomes it."""
        import numpy as np

        firsts, stops = self._runs_of(index)
        gap_firsts, gap_stops = stops[:-1], firsts[1:]
        is_barrier = self.what == _HOLE if over_others else self.what != _NONE
        barriers = np.concatenate([[0], np.cumsum(is_barrier)])
        is_free = barriers[gap_stops] == barriers[gap_firsts]
        num_ticks = self.ends[gap_stops - 1] - self.starts[gap_firsts]
        is_closed = is_free & (num_ticks <= _ticks(longest_seconds))
        for first, stop in zip(gap_firsts[is_closed], gap_stops[is_closed], strict=True):
            self.what[first:stop] = index

    def drop_short(self, index: int, shortest_seconds: float) -> None:
        """Short bouts of a behaviour become no behaviour."""
        firsts, stops = self._runs_of(index)
        is_short = self.ends[stops - 1] - self.starts[firsts] < _ticks(shortest_seconds)
        for first, stop in zip(firsts[is_short], stops[is_short], strict=True):
            self.what[first:stop] = _NONE

    def bouts(self) -> Iterator[tuple[float, float, int, float]]:
        """Start and end in seconds, class and mean probability, in order."""
        import numpy as np

        firsts, stops = self._runs()
        if not len(firsts):
            return
        num_ticks = np.where(self.is_hole, 0, self.ends - self.starts)
        own = self.probabilities[np.arange(len(self.what)), np.maximum(self.what, 0)]
        sums = np.add.reduceat(np.where(self.is_hole, 0.0, own) * num_ticks, firsts)
        totals = np.maximum(np.add.reduceat(num_ticks, firsts), 1)  # a run may be a hole alone
        scores = np.minimum(sums / totals, 1.0).tolist()  # rounding may leave 1.0000000000000002
        starts = (self.starts[firsts] / TICKS_PER_SECOND).tolist()
        ends = (self.ends[stops - 1] / TICKS_PER_SECOND).tolist()
        rows = zip(starts, ends, self.what[firsts].tolist(), scores, strict=True)
        yield from (row for row in rows if row[2] >= 0)

    def _runs_of(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        firsts, stops = self._runs()
        is_its = self.what[firsts] == index
        return firsts[is_its], stops[is_its]

    def _runs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cells in a row that are the same: the first of each, and the one after its last."""
        import numpy as np

        changes = np.flatnonzero(np.diff(self.what)) + 1
        edges = np.concatenate([[0], changes, [len(self.what)]]).astype(np.int64)
        return (edges[:-1], edges[1:]) if len(self.what) else (edges[:0], edges[:0])


_ARRAYS = ("probabilities", "start_seconds", "end_seconds")
_RULES = ("threshold", "fill_gap_seconds", "join_seconds", "min_bout_seconds")


def _ticks(seconds: float) -> int:
    return round(seconds * TICKS_PER_SECOND)


def _check_rule(rule: PostProcessing | BehaviourRule) -> None:
    for one in fields(rule):
        value, is_threshold = getattr(rule, one.name), one.name == "threshold"
        if value is None or not (is_threshold or one.name.endswith("_seconds")):
            continue
        most, unit = (1, "") if is_threshold else (86_400, " seconds")
        # bool is an int in Python: `threshold=True` must not pass as 1.
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not 0 <= value <= most:
            raise SettingError(f"{one.name} must be from 0 to {most}{unit}, got {value!r:.60}")


def _words(rule: PostProcessing | BehaviourRule) -> str:
    words = {
        "threshold": "threshold {:g}",
        "hole_seconds": "holes up to {:g} s bridged",
        "fill_gap_seconds": "gaps up to {:g} s filled",
        "join_seconds": "joined over up to {:g} s",
        "min_bout_seconds": "bouts of at least {:g} s",
    }
    # Of a single behaviour 0 says something: that it is off for this one.
    is_shown = (lambda x: x is not None) if isinstance(rule, BehaviourRule) else bool
    values = {name: getattr(rule, name, None) for name in words}
    return ", ".join(text.format(values[n]) for n, text in words.items() if is_shown(values[n]))
