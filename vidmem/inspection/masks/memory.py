"""The masks of memory: what a clip finds in the queue now, and over the clips of a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.inspection.masks.spec import AlikeTokens, Axis, Reason, check_at_least, plural
from vidmem.nn.masks import MaskMod, memory_mask_mod
from vidmem.nn.memory import EMPTY, MemoryAttention, age_bucket
from vidmem.units import MINUS, span

NO_MEMORY = "no-memory token"
EXACT_AGE = "clip of exact age"
BUCKET_AGE = "clip, age rounded"
ANCHOR = "anchor"


@dataclass(frozen=True, kw_only=True)
class MemoryMaskSpec:
    """What the tokens of one clip attend to in the memory queue."""

    l_mem: int = 8
    """Slots of the queue, in clips."""

    clip_index: int = 5
    """The number of the clip that reads: clips of its stream before it."""

    tokens_per_clip: int = 4
    """Memory tokens of a slot."""

    memory_every: int = 1
    """Every n-th clip is written."""

    anchors: int = 0
    """Clips written first that are never dropped, as long as the newest finds room."""

    num_queries: int = 8
    """Tokens of the clip that reads; all see the same."""

    seconds_per_clip: float | None = None
    """Source time from one clip to the next, for axes in seconds; None: axes in clips."""

    def __post_init__(self) -> None:
        check_at_least(0, l_mem=self.l_mem, clip_index=self.clip_index, anchors=self.anchors)
        check_at_least(
            1,
            tokens_per_clip=self.tokens_per_clip,
            memory_every=self.memory_every,
            num_queries=self.num_queries,
        )
        if self.seconds_per_clip is not None and not self.seconds_per_clip > 0:
            raise SettingError(f"seconds_per_clip must be above 0, got {self.seconds_per_clip}")

    num_heads: int = field(default=1, init=False)
    """All heads are alike."""

    kinds: tuple[str, ...] = field(default=(EXACT_AGE, BUCKET_AGE, ANCHOR, NO_MEMORY), init=False)
    """How old a clip is; ages beyond the first are told apart in ever wider buckets."""

    @property
    def title(self) -> str:
        """See `MaskSpec`."""
        return f"Memory of {plural(self.l_mem, 'clip')}, as clip {self.clip_index:,} finds it"

    @cached_property
    def slot_clips(self) -> tuple[int, ...]:
        """The clip in each slot, oldest first, -1 where empty."""
        clips = remembered_clips(self.clip_index, self.l_mem, self.memory_every, self.anchors)
        return (*[EMPTY] * (self.l_mem - len(clips)), *clips)

    @cached_property
    def queries(self) -> Axis:
        """See `MaskSpec`."""
        return Axis("clip", self.num_queries, (0,), ("now",), (f"clip {self.clip_index}",))

    @cached_property
    def keys(self) -> Axis:
        """See `MaskSpec`."""
        unit = "clips" if self.seconds_per_clip is None else "seconds"
        slots = range(self.l_mem)
        return Axis(
            title=f"remembered clip, in {unit} before now",
            num_tokens=1 + self.l_mem * self.tokens_per_clip,
            starts=(0, *(1 + slot * self.tokens_per_clip for slot in slots)),
            names=("none", *map(self._slot_name, slots)),
            phrases=(NO_MEMORY, *(f"slot {slot}" for slot in slots)),
        )

    @property
    def alike(self) -> AlikeTokens:
        """See `MaskSpec`."""
        return AlikeTokens.of_stretches(self.queries, self.keys)

    def head_name(self, head: int) -> str:
        """See `MaskSpec`."""
        return ""

    def mask_mod(self) -> MaskMod:
        """See `MaskSpec`."""
        if not self.l_mem:  # `memory_mask_mod` would index a table of no slots
            return _only_no_memory
        is_valid = torch.tensor([self.slot_clips]) != EMPTY
        return memory_mask_mod(is_valid, self.tokens_per_clip)

    def explain(self, head: int, query: int, key: int) -> Reason:
        """See `MaskSpec`."""
        if key == 0:
            return Reason(True, f"the {NO_MEMORY}, which is always there", NO_MEMORY)
        slot = (key - 1) // self.tokens_per_clip
        clip = self.slot_clips[slot]
        if clip == EMPTY:
            return Reason(False, f"slot {slot} is empty")
        age, bucket = self.clip_index - clip, self._buckets[slot]
        words = f"clip {clip} in slot {slot}, {self._ago(age)}, age bucket {bucket}"
        if clip < _num_anchors(self.l_mem, self.anchors) * self.memory_every:
            return Reason(True, f"{words}, an anchor", ANCHOR)
        # The first buckets hold one age each and have its number; see `age_bucket`.
        return Reason(True, words, EXACT_AGE if bucket == age else BUCKET_AGE)

    @cached_property
    def _buckets(self) -> list[int]:
        ages = self.clip_index - torch.tensor(self.slot_clips)
        return age_bucket(ages, MemoryAttention.NUM_AGES).tolist()

    def _ago(self, age: int) -> str:
        seconds = self.seconds_per_clip
        length = "" if seconds is None else f" ({span(age * seconds)})"
        return f"{plural(age, 'clip')} ago{length}"

    def _slot_name(self, slot: int) -> str:  # bare numbers: the axis's title has the unit
        clip = self.slot_clips[slot]
        if clip == EMPTY:
            return "empty"
        return f"{MINUS}{(self.clip_index - clip) * (self.seconds_per_clip or 1):g}"


@dataclass(frozen=True, kw_only=True)
class MemoryHistorySpec:
    """Which earlier clips each clip of a stream finds in the queue.

    No kernel computes with this mask, since each clip is a step of its own; it shows all those
    steps at once.
    """

    num_clips: int = 32
    """Clips of the stream, at most 1024."""

    l_mem: int = 8
    """Slots of the queue, in clips."""

    memory_every: int = 1
    """Every n-th clip is written."""

    anchors: int = 0
    """Clips written first that are never dropped, as long as the newest finds room."""

    def __post_init__(self) -> None:
        check_at_least(0, l_mem=self.l_mem, anchors=self.anchors)
        check_at_least(1, num_clips=self.num_clips, memory_every=self.memory_every)
        if self.num_clips > 1024:
            raise SettingError(f"num_clips must be at most 1024, got {self.num_clips}")

    num_heads: int = field(default=1, init=False)
    """All heads are alike."""

    alike: None = field(default=None, init=False)
    """See `MaskSpec`."""

    kinds: tuple[str, ...] = field(default=("remembered", ANCHOR, NO_MEMORY), init=False)
    """Why a clip is found."""

    @property
    def title(self) -> str:
        """See `MaskSpec`."""
        return f"Memory of {plural(self.l_mem, 'clip')} over {plural(self.num_clips, 'clip')}"

    @cached_property
    def queries(self) -> Axis:
        """See `MaskSpec`."""
        return Axis.of_equal("clip", [*map(str, range(self.num_clips))])

    @cached_property
    def keys(self) -> Axis:
        """See `MaskSpec`."""
        numbers = range(self.num_clips)
        return Axis(
            title="clip",
            num_tokens=1 + self.num_clips,
            starts=(0, *(1 + number for number in numbers)),
            names=("none", *map(str, numbers)),
            phrases=(NO_MEMORY, *(f"clip {number}" for number in numbers)),
        )

    def head_name(self, head: int) -> str:
        """See `MaskSpec`."""
        return ""

    def mask_mod(self) -> MaskMod:
        """See `MaskSpec`."""
        is_held = torch.zeros(self.num_clips, 1 + self.num_clips, dtype=torch.bool)
        is_held[:, 0] = True  # the no-memory token, so clips are at 1 + their number
        for clip in range(self.num_clips):
            is_held[clip, [1 + earlier for earlier in self._remembered(clip)]] = True

        def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
            return is_held[q_idx, kv_idx]

        mask_mod.__name__ = "memory_history"
        return mask_mod

    def explain(self, head: int, query: int, key: int) -> Reason:
        """See `MaskSpec`."""
        if key == 0:
            return Reason(True, f"the {NO_MEMORY}, which is always there", NO_MEMORY)
        clip = key - 1
        pair, age = f"clip {query} to clip {clip}", query - clip
        if age == 0:
            return Reason(False, f"{pair}, a clip reads memory before it writes")
        if age < 0:
            return Reason(False, f"{pair}, a later clip")
        if clip % self.memory_every:
            return Reason(False, f"{pair}, not written, one clip in {self.memory_every} is")
        if clip not in self._remembered(query):
            return Reason(False, f"{pair}, {self._why_dropped(clip)}")
        if clip < _num_anchors(self.l_mem, self.anchors) * self.memory_every:
            return Reason(True, f"{pair}, {plural(age, 'clip')} ago, an anchor", ANCHOR)
        return Reason(True, f"{pair}, {plural(age, 'clip')} ago, in the queue", self.kinds[0])

    def _remembered(self, clip: int) -> list[int]:
        return remembered_clips(clip, self.l_mem, self.memory_every, self.anchors)

    def _why_dropped(self, clip: int) -> str:
        if not self.l_mem:
            return "memory is off"
        # Every written clip takes the slot of the oldest that is no anchor.
        num_free = self.l_mem - _num_anchors(self.l_mem, self.anchors)
        return f"dropped when clip {clip + num_free * self.memory_every} was written"


def remembered_clips(clip_index: int, l_mem: int, memory_every: int, anchors: int) -> list[int]:
    """The clips in the queue of `l_mem` slots when clip `clip_index` reads it, oldest first.

    What repeated `MemoryQueue.push` gives, in closed form.
    """
    written = range(0, clip_index, memory_every)
    if len(written) <= l_mem:
        return list(written)
    num_anchors = _num_anchors(l_mem, anchors)
    num_newest = l_mem - num_anchors
    return [*written[:num_anchors], *written[len(written) - num_newest :]]


def _num_anchors(l_mem: int, anchors: int) -> int:
    """The clips that keep their slot; one slot is always the newest clip's."""
    return min(anchors, max(0, l_mem - 1))


def _only_no_memory(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
    return kv_idx == 0
