"""The memory queue, and attention over it.

The queue is a value: `push` returns the next one and leaves the old one as it was. Its shapes never
change, so a stream costs the same bytes in its first minute and in its last hour.

Letters: B streams, S slots (`l_mem`), M memory tokens of a clip, D width, N tokens of the clip,
A heads, E width per head.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from vidmem.nn.attention import attend
from vidmem.nn.capture import hand_over_memory

EMPTY = -1
"""`slot_clips` of a slot that was never written."""


@dataclass(frozen=True, kw_only=True)
class MemoryQueue:
    """Memory tokens of the last `l_mem` clips of each stream: empty slots first, newest last."""

    tokens: Tensor
    """`[B, l_mem, M, D]`; slots that were never written hold zeros. `D` counts keys and values
    together where the queue holds projections (see `MemoryAttention.project`)."""

    slot_clips: Tensor
    """`[B, l_mem]`, int64: the number of the clip that wrote each slot, -1 where empty."""

    slot_seconds: Tensor
    """`[B, l_mem, 2]`, float64: source time of that clip, half open; zeros where unknown."""

    anchors: int = 0
    """Clips numbered below this are never evicted, as long as one slot is left for the newest."""

    @classmethod
    def empty(
        cls,
        batch_size: int,
        l_mem: int,
        shape: tuple[int, int],
        *,
        like: Tensor,
        anchors: int = 0,
    ) -> MemoryQueue:
        """A queue without clips for memory tokens of `shape` `(M, D)`, on the device of `like`."""
        return cls(
            tokens=like.new_zeros(batch_size, l_mem, *shape),
            slot_clips=torch.full((batch_size, l_mem), EMPTY, device=like.device),
            slot_seconds=like.new_zeros(batch_size, l_mem, 2, dtype=torch.float64),
            anchors=anchors,
        )

    @property
    def l_mem(self) -> int:
        """Slots of the queue, in clips."""
        return self.tokens.shape[1]

    @property
    def num_clips(self) -> Tensor:
        """`[B]`, clips now in the queue, at most `l_mem`."""
        return self.is_valid.sum(1)

    @property
    def is_valid(self) -> Tensor:
        """`[B, l_mem]`, true where a slot was written."""
        return self.slot_clips != EMPTY

    @property
    def num_bytes(self) -> int:
        """Bytes of the tensors, the same for an empty and a full queue."""
        tensors = (self.tokens, self.slot_clips, self.slot_seconds)
        return sum(t.numel() * t.element_size() for t in tensors)

    def push(
        self,
        memory_tokens: Tensor,
        clip_index: Tensor,
        clip_seconds: Tensor,
        is_write: Tensor,
    ) -> MemoryQueue:
        """Return the queue with one more clip, the oldest evicted where it is full.

        Args:
            memory_tokens: `[B, M, D]`. Gradients flow through them and through the queue: detach
                first what should not carry any.
            clip_index: `[B]`, the number of this clip in its stream.
            clip_seconds: `[B, 2]`, its source time.
            is_write: `[B]`, false for the streams that skip this clip and keep their queue.
        """
        if self.l_mem == 0:
            return self
        new = memory_tokens[:, None].to(self.tokens.dtype)
        # One slot too long for a moment: the new clip is slot `l_mem`, as `_sources` counts.
        longer = replace(
            self,
            tokens=torch.cat([self.tokens, new], 1),
            slot_clips=torch.cat([self.slot_clips, clip_index[:, None]], 1),
            slot_seconds=torch.cat([self.slot_seconds, clip_seconds[:, None]], 1),
        )
        return longer._select_slots(self._sources(is_write))

    def detach(self) -> MemoryQueue:
        """The same queue, cut off from the graph."""
        return replace(self, tokens=self.tokens.detach())

    def resized(self, l_mem: int) -> MemoryQueue:
        """The queue with another `l_mem`, keeping the newest clips, and anchors as `push` does."""
        if l_mem <= self.l_mem:
            return self._select_slots(self._newest(l_mem))
        tokens_per_clip, dim = self.tokens.shape[2:]
        extra = MemoryQueue.empty(
            len(self.tokens), l_mem - self.l_mem, (tokens_per_clip, dim), like=self.tokens
        )
        return replace(
            self,
            tokens=torch.cat([extra.tokens, self.tokens], 1),
            slot_clips=torch.cat([extra.slot_clips, self.slot_clips], 1),
            slot_seconds=torch.cat([extra.slot_seconds, self.slot_seconds], 1),
        )

    def without(self, clips: Collection[int]) -> MemoryQueue:
        """The queue with the slots of some clips empty; numbers that are not in it are ignored."""
        gone = torch.tensor(sorted(clips), dtype=torch.long, device=self.slot_clips.device)
        slot_clips = self.slot_clips.masked_fill(torch.isin(self.slot_clips, gone), EMPTY)
        is_empty = slot_clips == EMPTY
        # Empty slots come first in a queue, so the others move up; ages are by clip, not by slot.
        order = is_empty.logical_not().long().argsort(dim=1, stable=True)
        emptied = replace(
            self,
            tokens=self.tokens.masked_fill(is_empty[:, :, None, None], 0),
            slot_clips=slot_clips,
            slot_seconds=self.slot_seconds.masked_fill(is_empty[:, :, None], 0),
        )
        return emptied._select_slots(order)

    def select(self, rows: Tensor) -> MemoryQueue:
        """The queues of some streams, in the order of `rows`."""
        return replace(
            self,
            tokens=self.tokens[rows],
            slot_clips=self.slot_clips[rows],
            slot_seconds=self.slot_seconds[rows],
        )

    def joined(self, others: Sequence[MemoryQueue]) -> MemoryQueue:
        """The queues of these streams and of others of the same shapes, in one batch."""
        queues = (self, *others)
        return replace(
            self,
            tokens=torch.cat([queue.tokens for queue in queues]),
            slot_clips=torch.cat([queue.slot_clips for queue in queues]),
            slot_seconds=torch.cat([queue.slot_seconds for queue in queues]),
        )

    def _sources(self, is_write: Tensor) -> Tensor:
        """`[B, l_mem]`: which old slot (or `l_mem`, the new clip) each new slot takes."""
        slots = torch.arange(self.l_mem, device=is_write.device).expand(len(is_write), -1)
        num_anchors = self._is_anchor(self.l_mem).sum(1)  # a full queue begins with them
        # The slot given up: an empty one where there is one (they come first), else the oldest clip
        # after the anchors. All slots from there on move up by one.
        evicted = torch.where(self.slot_clips[:, 0] == EMPTY, 0, num_anchors)
        moved = slots + (slots >= evicted[:, None])
        return torch.where(is_write[:, None], moved, slots)

    def _newest(self, l_mem: int) -> Tensor:
        """`[B, l_mem]`: the slots to keep, oldest first; anchors go before everything."""
        # Empty slots rank last (their clip is -1). Sorted by slot at the end: a queue is in order.
        rank = torch.where(self._is_anchor(l_mem), torch.iinfo(torch.int64).max, self.slot_clips)
        kept = rank.argsort(dim=1, descending=True, stable=True)[:, :l_mem]
        return kept.sort(dim=1).values

    def _is_anchor(self, l_mem: int) -> Tensor:
        """`[B, l_mem]`, true for the clips that a queue of `l_mem` slots may not evict."""
        is_early = self.is_valid & (self.slot_clips < self.anchors)
        return is_early & (is_early.cumsum(1) < l_mem)  # one slot is left for the newest clip

    def _select_slots(self, source: Tensor) -> MemoryQueue:
        """The queue made of the slots `source` `[B, l_mem]` of this one."""
        rows = torch.arange(len(source), device=source.device)[:, None]
        return replace(
            self,
            tokens=self.tokens[rows, source],
            slot_clips=self.slot_clips[rows, source],
            slot_seconds=self.slot_seconds[rows, source],
        )


def age_bucket(age_clips: Tensor, num_buckets: int) -> Tensor:
    """Ages in clips (1: the clip before) to rows of a table: exact at first, then logarithmic.

    Ages of a day of clips still fall into the last buckets, as relative positions do in T5 (Raffel
    et al., arXiv:1910.10683, section 2.1).
    """
    exact = num_buckets // 2
    farthest = 32_768  # clips: 36 hours where a clip lasts 4 seconds
    scaled = (age_clips.clamp(min=1).float() / exact).log() / math.log(farthest / exact)
    coarse = exact + (scaled * (num_buckets - exact)).long()
    return torch.where(age_clips < exact, age_clips, coarse).clamp(0, num_buckets - 1)


@dataclass(frozen=True)
class MemoryKeysValues:
    """What a clip attends to: the no-memory token first, then the slots, oldest first."""

    keys: Tensor
    """`[B, 1 + S * M, D]`, ages included."""

    values: Tensor
    """`[B, 1 + S * M, D]`"""

    mask: Tensor | None
    """`[B, 1, 1, 1 + S * M]`, true where there is something to attend to; None: everywhere."""

    is_valid: Tensor
    """`[B, S]`, true where a slot was written."""

    tokens_per_clip: int
    """Memory tokens of a slot."""


class MemoryAttention(nn.Module):
    """Attention of a clip's tokens over the memory queue, added through a gate that starts at zero.

    One learned no-memory token keeps the softmax of a stream's first clip from being empty. The age
    of a slot, in clips before now, is an embedding added to its keys.
    """

    NUM_AGES = 64

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.is_flex = False  # set by `FamSwin.use_flex`
        self.norm = nn.LayerNorm(dim)
        self.memory_norm = nn.LayerNorm(dim)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.proj = nn.Linear(dim, dim)
        self.no_memory = nn.Parameter(torch.empty(dim))
        self.age = nn.Embedding(self.NUM_AGES, dim)
        # At zero the network gives the logits of the pretrained one, bit for bit.
        self.gate = nn.Parameter(torch.zeros(()))
        nn.init.trunc_normal_(self.no_memory, std=0.02)
        nn.init.zeros_(self.age.weight)  # ages begin without effect

    @torch.no_grad()
    def copy_from_block(self, norm: nn.LayerNorm, qkv: nn.Linear, proj: nn.Linear) -> None:
        """Start from a block's own self-attention: its projections fit these features already."""
        for ours in (self.norm, self.memory_norm):
            ours.load_state_dict(norm.state_dict())
        self.proj.load_state_dict(proj.state_dict())
        weights, biases = qkv.weight.chunk(3), qkv.bias.chunk(3)
        for ours, weight, bias in zip(
            (self.query, self.key, self.value), weights, biases, strict=True
        ):
            ours.weight.copy_(weight)
            ours.bias.copy_(bias)

    def project(self, memory_tokens: Tensor) -> Tensor:
        """Memory tokens `[..., D]` to their keys and values, side by side, `[..., 2 * D]`."""
        normed = self.memory_norm(memory_tokens)
        return torch.cat([self.key(normed), self.value(normed)], -1)

    def keys_values(
        self, queue: MemoryQueue, clip_index: Tensor, *, is_projected: bool
    ) -> MemoryKeysValues:
        """Make ready what the clips numbered `clip_index` `[B]` attend to."""
        tokens = queue.tokens.to(self.key.weight.dtype)
        clips, is_valid = queue.slot_clips, queue.is_valid
        # Slots that are empty in every stream cost nothing where shapes are free.
        if self._is_shape_free(tokens):
            used = int(queue.num_clips.max()) if queue.l_mem else 0
            first = queue.l_mem - used
            tokens, clips, is_valid = tokens[:, first:], clips[:, first:], is_valid[:, first:]
        projected = tokens if is_projected else self.project(tokens)
        keys_BSMD, values_BSMD = projected.chunk(2, -1)
        # Ages change with every clip, so they are added to keys here and never kept in the queue.
        # Those of empty slots (clip -1) mean nothing; the mask hides them.
        age = self.age_of(clip_index[:, None] - clips)
        no_key, no_value = self.project(self.no_memory).expand(len(clips), 1, -1).chunk(2, -1)
        return MemoryKeysValues(
            keys=torch.cat([no_key, (keys_BSMD + age[:, :, None]).flatten(1, 2)], 1),
            values=torch.cat([no_value, values_BSMD.flatten(1, 2)], 1),
            mask=_token_mask(is_valid, tokens.shape[2], may_leave_out=self._is_shape_free(tokens)),
            is_valid=is_valid,
            tokens_per_clip=tokens.shape[2],
        )

    def forward(self, tokens: Tensor, memory: MemoryKeysValues) -> Tensor:
        """What memory adds to the tokens: `[B, N, D]` to `[B, N, D]`, zero while the gate is."""
        query = self.queries(tokens)
        keys, values = self._heads(memory.keys), self._heads(memory.values)
        hand_over_memory(query, keys, memory.is_valid, memory.tokens_per_clip)
        return self._gated(self._read(query, keys, values, memory))

    def queries(self, tokens: Tensor) -> Tensor:
        """What a clip's tokens `[B, N, D]` ask for, `[B, A, N, E]`: whatever is remembered."""
        return self._heads(self.query(self.norm(tokens)))

    def age_of(self, age_clips: Tensor) -> Tensor:
        """What is added to the keys of clips of so many clips before now, `[..., D]`."""
        return self.age(age_bucket(age_clips, self.NUM_AGES))

    def read_keys(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """`forward` of queries, with keys and values `[B, 1 + S * M, D]` and what is valid there.

        For training: what streams hold at different ages is masked, never cut off.
        """
        return self._gated(attend(query, self._heads(keys), self._heads(values), mask=mask))

    def _gated(self, read_BANE: Tensor) -> Tensor:
        return self.gate * self.proj(read_BANE.transpose(1, 2).flatten(2))

    def _read(
        self, query: Tensor, keys: Tensor, values: Tensor, memory: MemoryKeysValues
    ) -> Tensor:
        if memory.mask is not None and self._is_shape_free(query):
            return self._read_by_age(query, memory)
        if not self.is_flex:
            return attend(query, keys, values, mask=memory.mask)
        from vidmem.nn.flex import flex_attend_memory  # brings torch's compiler: seconds

        return flex_attend_memory(query, keys, values, memory.is_valid, memory.tokens_per_clip)

    def _read_by_age(self, query: Tensor, memory: MemoryKeysValues) -> Tensor:
        """Attention of streams that hold equally many clips at a time."""
        # Nothing has to be masked then: each stream's numbers are, to the last bit, those that it
        # gets alone, whatever it shares a batch with; and empty slots cost nothing.
        num_clips = memory.is_valid.sum(1)
        read = torch.empty_like(query)
        for held in num_clips.unique().tolist():
            rows = (num_clips == held).nonzero()[:, 0]
            keys, values = (
                torch.cat([x[rows, :1], x[rows, x.shape[1] - held * memory.tokens_per_clip :]], 1)
                for x in (memory.keys, memory.values)
            )
            read[rows] = attend(query[rows], self._heads(keys), self._heads(values))
        return read

    def _is_shape_free(self, tokens: Tensor) -> bool:
        """Whether shapes may depend on how much is remembered: on a CPU, if nothing is compiled."""
        is_compiled = self.is_flex or torch.compiler.is_compiling()
        return tokens.device.type == "cpu" and not is_compiled

    def _heads(self, x_BLD: Tensor) -> Tensor:
        return x_BLD.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


def _token_mask(is_valid: Tensor, tokens_per_clip: int, *, may_leave_out: bool) -> Tensor | None:
    """`token_mask`, or None where nothing is masked."""
    # Only where `is_valid` is on the CPU: reading it elsewhere would wait for the device.
    if may_leave_out and bool(is_valid.all()):
        return None
    return token_mask(is_valid, tokens_per_clip)


def token_mask(is_valid: Tensor, tokens_per_clip: int) -> Tensor:
    """`[B, 1, 1, 1 + S * M]`: the tokens of valid slots `[B, S]`, and the no-memory token."""
    valid_BL = is_valid.repeat_interleave(tokens_per_clip, 1)
    always = valid_BL.new_ones(len(valid_BL), 1)
    return torch.cat([always, valid_BL], 1)[:, None, None]
