"""The clips of a stream up to one moment, kept so that they can be run again without some of them.

    clips     4   5   6   7   8   9          recorded from the state before clip 4
    without 6         ~   +   +   +          from the state before clip 6, clip 6 neutral
    without 8                 ~   +          from the state before clip 8, reached from that of 6

What a model makes of a clip by itself (`see`) is kept, so that only what depends on memory runs
again. Only the last unchanged state reached is held, so replays should come oldest clip first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.inspection.attribution.subject import Seen, continue_step
from vidmem.inspection.attribution.work import Tick
from vidmem.models import StreamModel
from vidmem.renamed import renamed_fields


@renamed_fields({"seen": "encoded"})
@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedClip:
    """A clip of a stream."""

    index: int
    """The number of its window."""

    encoded: Seen
    """See `vidmem.inspection.see`."""

    seconds: Tensor | None = None
    """`[1, 2]`, its source time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedReplay:
    """A stream that can be run again up to one moment; a `Replay`."""

    model: StreamModel

    state: Any
    """Before the first clip."""

    clips: tuple[RecordedClip, ...]
    """In a row; the score of the last one is to be explained."""

    neutral: Seen
    """`see` of a clip in the model's mean colour."""

    def __post_init__(self) -> None:
        first = self.clips[0].index if self.clips else 0
        got = [clip.index for clip in self.clips]
        if not got or got != list(range(first, first + len(got))):
            raise ValueError(f"clips must be windows in a row, at least one, got {got}")

    @property
    def index(self) -> int:
        """The window whose score is to be explained."""
        return self.clips[-1].index

    @property
    def earlier(self) -> range:
        """The windows before it, which can be neutral."""
        return range(self.clips[0].index, self.index)

    def num_steps(self, replays: Sequence[Collection[int]]) -> int:
        """Steps that these replays take, one after the other."""
        reached, total = 0, 0
        for neutral in replays:
            start = self._start(neutral, reached)
            # From the state held, or from the beginning where that one is too late already.
            total += len(self.clips) - (reached if reached <= start else 0)
            reached = start
        return total

    @torch.no_grad()
    def logits(self, replays: Sequence[Collection[int]], on_step: Tick = lambda: None) -> Tensor:
        """The logits of the last clip, with the pixels of some windows neutral.

        Args:
            replays: The windows that are neutral, for each replay; best in order of their oldest.
            on_step: Called after every step; what it raises stops the replays.

        Returns:
            `[len(replays), num_classes]`, float32.

        Raises:
            SettingError: If a window was not recorded, or is the last one itself.
        """
        starts = [self._start(neutral, 0) for neutral in replays]  # refuses before any step
        reached, state = 0, self.state
        rows = []
        for neutral, start in zip(replays, starts, strict=True):
            start = start if neutral else reached  # the stream as it was: any state will do
            if start < reached:
                reached, state = 0, self.state
            state = self._run(slice(reached, start), state, (), on_step)[0]
            reached = start
            rows.append(self._run(slice(start, None), state, neutral, on_step)[1])
        return torch.cat(rows)

    def _run(
        self, part: slice, state: Any, neutral: Collection[int], on_step: Tick
    ) -> tuple[Any, Tensor]:
        """The state after some clips, and the logits `[1, num_classes]` of the last of them."""
        logits = torch.empty(0)
        for clip in self.clips[part]:
            encoded = self.neutral if clip.index in neutral else clip.encoded
            output = continue_step(self.model, encoded, state, clip.seconds)
            state, logits = output.state, output.logits
            on_step()
        return state, logits

    def _start(self, neutral: Collection[int], reached: int) -> int:
        """Place in `clips` of the first one that has to run again."""
        unknown = sorted(set(neutral) - set(self.earlier))
        if unknown:
            raise SettingError(
                f"windows {unknown} cannot be replayed: the stream was recorded from window "
                f"{self.earlier.start} on, and window {self.index} is what is asked about"
            )
        return min(neutral) - self.earlier.start if neutral else reached
