"""Probabilities computed again: those that the model weighed its values with."""

import itertools
from dataclasses import replace

import pytest
import torch

from tests.nn.test_frame_attention import LAYOUTS, make_inputs, make_layout
from vidmem.inspection import frame_weights, memory_weights
from vidmem.nn.attention import attend, attention_weights
from vidmem.nn.capture import FrameRead, MemoryRead, Site, capture
from vidmem.nn.frame_attention import attend_frames
from vidmem.nn.masks import mask_matrix
from vidmem.nn.memory import MemoryAttention, MemoryQueue

CLOSE = {"rtol": 0, "atol": 1e-5}


def make_memory(counts=(0, 1, 3), l_mem=4, tokens_per_clip=5, dim=12):
    """A memory attention, tokens of three streams, and what they read."""
    torch.manual_seed(0)
    attention = MemoryAttention(dim, num_heads=3)
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    shape = (len(counts), l_mem, tokens_per_clip, dim)
    slots = torch.arange(l_mem).expand(len(counts), -1)
    slot_clips = torch.where(slots >= l_mem - torch.tensor(counts)[:, None], slots, -1)
    queue = MemoryQueue(
        tokens=torch.randn(shape) * (slot_clips >= 0)[..., None, None],
        slot_clips=slot_clips,
        slot_seconds=torch.zeros(len(counts), l_mem, 2, dtype=torch.float64),
    )
    memory = attention.keys_values(queue, torch.full((len(counts),), l_mem), is_projected=False)
    return attention, torch.randn(len(counts), 7, dim), memory


@torch.no_grad()
def read_memory(counts=(0, 1, 3)):
    attention, tokens, memory = make_memory(counts)
    with capture() as seen:
        output = attention(tokens, memory)
    return attention, memory, seen.memory_reads[0], output


def make_read(layout, dtype=torch.float32, bias=None):
    query, keys, values = make_inputs(layout, dtype=dtype)
    return FrameRead(Site(), query, keys, layout, bias), values


def dense_reference(read):
    """All probabilities at once, under the whole mask: `[B, A, L, L]`."""
    layout = read.layout
    mask = mask_matrix(layout.mask_mod(), layout.length, layout.length, num_heads=layout.num_heads)
    bias = torch.zeros(layout.num_heads, layout.length, layout.length)
    if read.offset_bias is not None:
        frame = torch.arange(layout.length) // layout.tokens_per_frame - layout.num_context_frames
        is_real = (frame >= 0) & (frame < layout.num_frames)
        for q, k in itertools.product(range(layout.length), repeat=2):
            if is_real[q] and is_real[k]:
                distance = min(abs(int(frame[q] - frame[k])), read.offset_bias.shape[1] - 1)
                bias[:, q, k] = read.offset_bias[:, distance]
    bias = bias.masked_fill(~mask[0], float("-inf"))
    return attention_weights(read.query, read.keys, bias=bias), mask[0]


@pytest.mark.parametrize("counts", [(0, 0, 0), (0, 1, 3), (4, 4, 4)])
def test_memory_weights_equal_the_dense_reference(counts):
    _, memory, read, _ = read_memory(counts)
    want = attention_weights(read.query, read.keys, mask=memory.mask)
    for row in range(3):
        got = memory_weights(read, row=row)
        torch.testing.assert_close(got.probabilities, want[row], **CLOSE)
        torch.testing.assert_close(got.probabilities.sum(-1), torch.ones(3, 7), **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("backend", ["sdpa", "pieces", "dense"])
def test_memory_weights_are_what_every_backend_weighs_the_values_with(backend):
    _, memory, read, _ = read_memory()
    values = memory.values.unflatten(-1, (3, -1)).transpose(1, 2)
    out = attend(read.query, read.keys, values, mask=memory.mask, backend=backend)
    for row in range(3):
        got = memory_weights(read, row=row).probabilities @ values[row]
        torch.testing.assert_close(got, out[row], **CLOSE)


@pytest.mark.usefixtures("flex_as_graph")
@torch.no_grad()
def test_memory_weights_are_what_flex_weighs_the_values_with():
    attention, tokens, _ = make_memory()
    attention.is_flex = True
    _, _, memory = make_memory()
    with capture() as seen:
        output = attention(tokens, memory)
    values = memory.values.unflatten(-1, (3, -1)).transpose(1, 2)
    for row in range(3):
        read_ANE = memory_weights(seen.memory_reads[0], row=row).probabilities @ values[row]
        got = attention.gate * attention.proj(read_ANE.transpose(0, 1).flatten(1))
        torch.testing.assert_close(got, output[row], rtol=1e-4, atol=1e-4)


def test_memory_that_is_masked_is_told_apart_from_weight_zero():
    _, _, read, _ = read_memory()
    far = MemoryRead(read.place, read.query * 1e4, read.keys, read.is_valid, read.tokens_per_clip)
    weights = memory_weights(far, row=1)  # of three slots read, one was written
    assert weights.is_allowed[0, 0].tolist() == [True] + [False] * 10 + [True] * 5
    assert (weights.probabilities[weights.is_allowed] == 0).any()
    assert torch.equal(weights.marked().isnan(), ~weights.is_allowed)


def test_chosen_queries_are_those_rows_of_all():
    _, _, read, _ = read_memory()
    chosen = torch.tensor([5, 0, 2])
    every, some = memory_weights(read, row=2), memory_weights(read, chosen, row=2)
    torch.testing.assert_close(some.probabilities, every.probabilities[:, chosen], **CLOSE)
    assert some.queries.tolist() == [5, 0, 2]


@pytest.mark.parametrize("has_bias", [False, True])
def test_frame_weights_equal_the_dense_reference(has_bias):
    for layout in LAYOUTS[::2]:
        read, _ = make_read(layout, bias=torch.randn(3, 3) if has_bias else None)
        want, mask = dense_reference(read)
        got = frame_weights(read, row=1)
        assert torch.equal(got.keys, torch.arange(layout.length))
        assert torch.equal(got.is_allowed, mask)
        torch.testing.assert_close(got.probabilities, want[1], **CLOSE)
        assert (got.probabilities[~mask] == 0).all()
        torch.testing.assert_close(got.probabilities.sum(-1), torch.ones(mask.shape[:2]), **CLOSE)


def test_frame_weights_leave_out_only_keys_that_are_masked():
    for layout in LAYOUTS[::3]:
        read, _ = make_read(layout)
        want, mask = dense_reference(read)
        for frame in range(layout.sequence_frames):
            queries = frame * layout.tokens_per_frame + torch.tensor([2, 0])
            got = frame_weights(read, queries)
            left_out = sorted(set(range(layout.length)) - set(got.keys.tolist()))
            assert not mask[:, queries][:, :, left_out].any()
            assert torch.equal(got.is_allowed, mask[:, queries][:, :, got.keys])
            torch.testing.assert_close(
                got.probabilities, want[0][:, queries][:, :, got.keys], **CLOSE
            )


@torch.no_grad()
@pytest.mark.parametrize("backend", ["sdpa", "dense", "flex"])
@pytest.mark.usefixtures("flex_as_graph")
def test_frame_weights_are_what_every_backend_weighs_the_values_with(backend):
    layout = make_layout(num_frames=7, local_frame_range=2)
    read, values = make_read(layout)
    out = attend_frames(read.query, read.keys, values, layout, backend=backend)
    for row in range(2):
        got = frame_weights(read, row=row).probabilities @ values[row]
        torch.testing.assert_close(got, out[row], **CLOSE)


def test_padding_after_the_frames_is_neither_asked_nor_seen():
    layout = make_layout(num_frames=4)
    padded = replace(layout, padded_frames=3)
    read, _ = make_read(padded)
    short = FrameRead(
        Site(), read.query[:, :, : layout.length], read.keys[:, :, : layout.length], layout, None
    )
    got, want = frame_weights(read), frame_weights(short)
    assert torch.equal(got.keys, want.keys)
    torch.testing.assert_close(got.probabilities, want.probabilities, **CLOSE)
    with pytest.raises(IndexError, match=r"tokens in \[0, 18\), got 18 to 18"):
        frame_weights(read, torch.tensor([18]))


def test_weights_of_bf16_queries_and_keys_are_float32():
    read, _ = make_read(make_layout(), dtype=torch.bfloat16)
    whole = FrameRead(Site(), read.query.float(), read.keys.float(), read.layout, None)
    got = frame_weights(read)
    assert got.probabilities.dtype == torch.float32
    torch.testing.assert_close(got.probabilities, frame_weights(whole).probabilities, **CLOSE)


def test_a_stream_is_found_by_its_number_where_streams_share_a_batch_by_age():
    read, _ = make_read(make_layout())
    some = replace(read, place=Site(rows=torch.tensor([4, 7])))
    assert torch.equal(
        frame_weights(some, row=7).probabilities, frame_weights(read, row=1).probabilities
    )
    with pytest.raises(IndexError, match=r"one of the captured streams \[4, 7\], got 1"):
        frame_weights(some, row=1)
