"""Four questions about one sequence of frames: what was, what will be, both, and what came first.

    frame     0  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
              -  b  -  -  A  ?  -  -  d  -  -  -  -  -  -  -  ...  B  ...

At a marked frame (?) the *past* symbol is the last one shown before it, the *future* one the next
one after it, each within `reach` frames. *Both* is the sum of the two, counted round: either alone
says nothing of it. *Order* is of the whole clip: which of the events A and B came first; they lie
`apart` frames from each other.

Symbols and events are drawn independently of each other and with equal chances, so whoever cannot
see what a question is about answers it by chance.

Letters: T frames, P places of a frame, F features, K symbols, Q marked frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidmem.errors import SettingError

Question = Literal["past", "future", "both", "order"]

MARK, FIRST_SYMBOL = 0, 1
"""Features: the mark of a frame that asks, then one for each symbol, then A and B, then noise."""

SHOWN = 2.0
"""A mark's, a symbol's or an event's value, beside noise of `QuestionsConfig.noise`."""


@dataclass(frozen=True, kw_only=True)
class QuestionsConfig:
    """How sequences are drawn."""

    num_symbols: int = 4
    """K; chance is one of so many at a marked frame, and one half for the order."""

    num_frames: int = 64
    """T."""

    reach: int = 6
    """Frames from a marked frame to its symbols, at most."""

    apart: int = 40
    """Frames from one event to the other."""

    tokens_per_frame: int = 2
    """P. What is shown is shown in one place."""

    feature_dim: int = 16
    """F."""

    noise: float = 0.3
    """Standard deviation of all features."""

    def __post_init__(self) -> None:
        least = FIRST_SYMBOL + self.num_symbols + 2
        if self.num_symbols < 2 or self.feature_dim < least:
            raise SettingError(
                f"num_symbols must be at least 2 and feature_dim {least} or more for so many, got "
                f"{self.num_symbols} and {self.feature_dim}"
            )
        if self.reach < 1 or self.num_frames < self.slot_frames:
            raise SettingError(
                f"reach must be at least 1 and num_frames {self.slot_frames} or more for it, got "
                f"{self.reach} and {self.num_frames}"
            )
        if not 0 < self.apart < self.num_frames:
            raise SettingError(
                f"apart must be from 1 to below num_frames, got {self.apart} and {self.num_frames}"
            )
        if self.tokens_per_frame < 1 or self.noise < 0:
            raise SettingError(
                f"tokens_per_frame must be at least 1 and noise at least 0, got "
                f"{self.tokens_per_frame} and {self.noise}"
            )

    @property
    def slot_frames(self) -> int:
        """Frames that hold one marked frame and its two symbols, and no other's."""
        return 2 * self.reach + 4

    @property
    def num_marked(self) -> int:
        """Q."""
        return self.num_frames // self.slot_frames


@dataclass(frozen=True, kw_only=True)
class QuestionsSequence:
    """One sequence, and the answers."""

    values: NDArray[np.float32]
    """`[T, P, F]`"""

    marked: NDArray[np.int64]
    """`[Q]`, frames that ask."""

    past: NDArray[np.int64]
    """`[Q]`, from 0 to K - 1."""

    future: NDArray[np.int64]
    """`[Q]`, from 0 to K - 1."""

    both: NDArray[np.int64]
    """`[Q]`, from 0 to K - 1."""

    order: int
    """0 where A came first, 1 where B did."""


def draw_questions(config: QuestionsConfig, seed: int, index: int) -> QuestionsSequence:
    """Draw one sequence.

    Args:
        config: How.
        seed: Of all sequences of its kind.
        index: Of this one among them.
    """
    rng = np.random.default_rng([seed, index])
    shape = (config.num_frames, config.tokens_per_frame, config.feature_dim)
    values = rng.normal(0.0, config.noise, shape).astype(np.float32)

    def show(frame: int, feature: int) -> None:
        values[frame, rng.integers(config.tokens_per_frame), feature] += SHOWN

    count, reach = config.num_marked, config.reach
    past, future = rng.integers(config.num_symbols, size=(2, count))
    spare = config.slot_frames - 2 * reach
    marked = np.arange(count) * config.slot_frames + reach + rng.integers(spare, size=count)
    before, after = rng.integers(1, reach + 1, size=(2, count))
    for number, frame in enumerate(marked.tolist()):
        show(frame, MARK)
        show(frame - int(before[number]), FIRST_SYMBOL + int(past[number]))
        show(frame + int(after[number]), FIRST_SYMBOL + int(future[number]))
    order = int(rng.integers(2))
    start = int(rng.integers(config.num_frames - config.apart))
    first_event = FIRST_SYMBOL + config.num_symbols
    show(start, first_event + order)
    show(start + config.apart, first_event + 1 - order)
    return QuestionsSequence(
        values=values,
        marked=marked,
        past=past,
        future=future,
        both=(past + future) % config.num_symbols,
        order=order,
    )
