"""What a mask needs to be drawn: its predicate, its axes in frames or clips, and its reasons.

A spec is a few numbers. It says who may attend to whom twice: as a `mask_mod`, which is what the
model computes with, and in words, pair by pair. Tests hold the two together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.nn.masks import MaskMod

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Reason:
    """Why a query may attend to a key, or why not."""

    is_allowed: bool
    """Whether it may."""

    words: str
    """Which query and key, and the rule that holds for them."""

    kind: str = ""
    """The rule in a word or two, one of the spec's `kinds`; empty where it may not."""

    def __str__(self) -> str:
        return f"{self.words}: {'allowed' if self.is_allowed else 'not allowed'}"


@dataclass(frozen=True)
class Axis:
    """The tokens along one side of a mask, in stretches that mean something: frames, clips."""

    title: str
    """What a stretch is: `frame`."""

    num_tokens: int
    """Tokens of all stretches."""

    starts: tuple[int, ...]
    """The first token of each stretch."""

    names: tuple[str, ...]
    """A short name for each stretch, for ticks: `12`."""

    phrases: tuple[str, ...]
    """A name for each stretch, for sentences: `frame 12`."""

    columns: int | None = None
    """Tokens of a row, where the tokens of a stretch lie in rows; None: they do not."""

    @classmethod
    def of_equal(cls, title: str, names: Sequence[str], tokens: int = 1) -> Axis:
        """Stretches of `tokens` tokens each, called by their names."""
        return cls(
            title=title,
            num_tokens=len(names) * tokens,
            starts=tuple(range(0, len(names) * tokens, tokens)),
            names=tuple(names),
            phrases=tuple(f"{title} {name}" for name in names),
        )

    def span_of(self, token: int) -> int:
        """The number of the stretch that a token is in."""
        return bisect_right(self.starts, token) - 1

    def stop_of(self, span: int) -> int:
        """The token after the last one of a stretch."""
        return self.starts[span + 1] if span + 1 < len(self.starts) else self.num_tokens

    def place(self, token: int) -> str:
        """A token in words: `frame 12, token 3`."""
        span = self.span_of(token)
        start, stop = self.starts[span], self.stop_of(span)
        if stop - start == 1:
            return self.phrases[span]
        inside = token - start
        if self.columns is None:
            return f"{self.phrases[span]}, token {inside}"
        row, column = inside // self.columns, inside % self.columns
        return f"{self.phrases[span]}, row {row}, column {column}"

    def stretch(self, start: int, stop: int) -> str:
        """The tokens `[start, stop)` in words: `frame 12, token 3 to frame 14`."""
        first, last = self.span_of(start), self.span_of(stop - 1)
        if stop - start == 1:
            return self.place(start)
        if first != last:
            is_whole = start == self.starts[first]
            begin = self.phrases[first] if is_whole else self.place(start)
            is_whole = stop == self.stop_of(last)
            return f"{begin} to {self.phrases[last] if is_whole else self.place(stop - 1)}"
        if (start, stop) == (self.starts[first], self.stop_of(first)):
            return self.phrases[first]
        begin = self.starts[first]
        return f"{self.phrases[first]}, tokens {start - begin} to {stop - 1 - begin}"

    def stretch_of_each(self) -> Tensor:
        """`[tokens]`: the number of the stretch that each token is in."""
        starts = torch.tensor((*self.starts, self.num_tokens))
        return torch.arange(len(self.starts)).repeat_interleave(starts.diff())

    def drawn_tokens(self, limit: int) -> tuple[int, ...]:
        """At most `limit` tokens that stand for all: as many of each stretch, evenly spread."""
        if self.num_tokens <= limit:
            return tuple(range(self.num_tokens))
        # Where there are more stretches than `limit`, some of them, with a token each.
        spans = _spread(0, len(self.starts), min(limit, len(self.starts)))
        each = max(1, limit // len(spans))
        drawn = []
        for span in spans:
            start, stop = self.starts[span], self.stop_of(span)
            drawn += _spread(start, stop, min(each, stop - start))
        return tuple(drawn)


@dataclass(frozen=True, eq=False)
class AlikeTokens:
    """Tokens that a mask does not tell apart, so that one of each group stands for all of it."""

    queries: Tensor
    """`[Q]`: the group of each query; those of a group see the same."""

    keys: Tensor
    """`[K]`: the group of each key; those of a group are seen by the same."""

    @classmethod
    def of_stretches(cls, queries: Axis, keys: Axis) -> AlikeTokens:
        """Each stretch of both axes is a group."""
        return cls(queries.stretch_of_each(), keys.stretch_of_each())


class MaskSpec(Protocol):
    """A mask that can be drawn, and explained pair by pair."""

    @property
    def title(self) -> str:
        """Which mask, with its numbers."""
        ...

    @property
    def num_heads(self) -> int:
        """Heads that may differ."""
        ...

    @property
    def queries(self) -> Axis:
        """The tokens that attend."""
        ...

    @property
    def keys(self) -> Axis:
        """The tokens attended to."""
        ...

    @property
    def alike(self) -> AlikeTokens | None:
        """Which tokens are not told apart; None: nothing is known of that."""
        ...

    @property
    def kinds(self) -> tuple[str, ...]:
        """All that `Reason.kind` may be, in the order of their colours."""
        ...

    def head_name(self, head: int) -> str:
        """A head in words; empty where there is nothing to tell heads apart."""
        ...

    def mask_mod(self) -> MaskMod:
        """The predicate that the model computes with."""
        ...

    def explain(self, head: int, query: int, key: int) -> Reason:
        """Why the token numbered `query` may attend to the one numbered `key`, or not."""
        ...


def check_at_least(low: int, **values: int) -> None:
    """Refuse numbers below `low`, by name.

    Raises:
        SettingError: If one is.
    """
    for name, value in values.items():
        if value < low:
            raise SettingError(f"{name} must be at least {low}, got {value}")


def plural(count: int, noun: str) -> str:
    """`1 frame`, `12 frames`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Rising numbers as half-open runs of neighbours: 3, 4, 9 as `[3, 5)` and `[9, 10)`."""
    start = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] != numbers[i - 1] + 1:
            yield numbers[start], numbers[i - 1] + 1
            start = i


def _spread(start: int, stop: int, count: int) -> list[int]:
    """`count` integers of `[start, stop)`, the first and the last among them."""
    if count == 1:
        return [start]
    return [start + round(i * (stop - 1 - start) / (count - 1)) for i in range(count)]
