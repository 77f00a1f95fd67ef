"""What the figures of memory share: remembered clips along an axis, oldest first, and their times.

Clips are drawn at equal distances, by their order: with anchors, or when only every n-th clip is
written, they do not lie at equal distances in time. The ticks say how long ago each began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vidmem.inspection import RememberedClip
from vidmem.inspection.attention.maps import MAX_SIDE, group_edges, sum_groups
from vidmem.units import MINUS, clock_range, span

MAX_TICKS = 5
"""As many as a figure on a phone has room for."""


@dataclass(frozen=True)
class ClipAxis:
    """Remembered clips, in at most 64 groups of neighbours: a group is one bar, or one column."""

    clips: tuple[RememberedClip, ...]
    edges: np.ndarray
    """`[G + 1]`: which clip each group begins with."""

    @classmethod
    def of(cls, clips: Sequence[RememberedClip], max_groups: int = MAX_SIDE) -> ClipAxis:
        """A group for each clip, or fewer where there are more clips than `max_groups`."""
        return cls(tuple(clips), group_edges(len(clips), max_groups))

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def title(self) -> str:
        """The title of the axis; it says so where ages are counted in clips."""
        unit = "" if self._is_timed else ", counted back from this one"
        return f"remembered clips, oldest first{unit}"

    def sums(self, shares: np.ndarray) -> np.ndarray:
        """Shares `[..., R]` by clip, summed to `[..., G]` by group."""
        return sum_groups(shares, self.edges)

    def strongest(self, shares: np.ndarray) -> list[int]:
        """Of each group the place of the clip with the largest share, of `[R]`: for clicks."""
        return [max(group, key=lambda at: shares[at]) for group in self._groups()]

    def index(self, at: int) -> int:
        """The number in its stream of clip `at` of those remembered."""
        return self.clips[at].index

    def place(self, index: int) -> int | None:
        """The group with clip `index` of the stream; None where it is not remembered."""
        for group, members in enumerate(self._groups()):
            if any(self.clips[at].index == index for at in members):
                return group
        return None

    def words(self) -> list[str]:
        """Which clips each group is, in two lines of a hover text."""
        return [
            self._words(self.clips[group[0]], self.clips[group[-1]]) for group in self._groups()
        ]

    def ticks(self, most: int = MAX_TICKS) -> dict[str, Any]:
        """Of some groups, counted from the newest: how long ago they began."""
        step = -(-len(self) // most)
        places = list(range(len(self) - 1, -1, -step))[::-1]
        return {
            "tickvals": places,
            "ticktext": [self._tick(self.clips[int(self.edges[place])]) for place in places],
            "tickangle": 0,
            "title_text": self.title,
            "range": [-0.5, len(self) - 0.5],
        }

    @property
    def _is_timed(self) -> bool:
        return all(clip.age_seconds is not None for clip in self.clips)

    def _groups(self) -> list[range]:
        pairs = zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), strict=True)
        return [range(*pair) for pair in pairs]

    def _tick(self, clip: RememberedClip) -> str:
        if clip.age_seconds is None or not self._is_timed:
            return f"{MINUS}{clip.age_clips}"
        # A phone has room for five of these only where "3 min 20 s" is two lines.
        return f"{MINUS}{span(clip.age_seconds)}".replace(" min ", " min<br>")

    def _words(self, first: RememberedClip, last: RememberedClip) -> str:
        name = f"clip {first.index}"
        if last is not first:
            name = f"clips {first.index} to {last.index}"
        if last.end_seconds > first.start_seconds:
            name += f" · {clock_range(first.start_seconds, last.end_seconds)}"
        ago = "1 clip" if first.age_clips == 1 else f"{first.age_clips} clips"
        if first.age_seconds is not None:
            ago = f"{span(first.age_seconds)} ({ago})"
        return f"<b>{name}</b><br>began {ago} before this one"
