"""The tensors that a Spool holds at the places of a step where it holds most, its encoder aside.

It follows `vidmem.models.spool` and `vidmem.nn.frame_attention`, as `planner.fam_swin.peak` does
for the other model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from vidmem.models.spool.config import SpoolConfig
from vidmem.models.spool.newest import BlockFrames, newest_through_blocks
from vidmem.nn.frame_attention import (
    chunk_frames,
    chunks_at_once,
    sees_whole_range,
    stretch_bounds,
)
from vidmem.nn.frames import FrameLayout
from vidmem.planner.sizing import SLOT_BYTES, Part, StepSize, piece_bytes


@dataclass(frozen=True)
class _Heads:
    """Heads that look to one side, over the frames of a window."""

    layout: FrameLayout
    size: StepSize
    num_heads: int
    head_width: int
    is_lookback: bool
    has_bias: bool

    @property
    def frame_bytes(self) -> int:
        """Of one frame's vectors in these heads, for all streams."""
        numbers = self.num_heads * self.head_width * self.layout.tokens_per_frame
        return self.size.batch_size * numbers * self.size.number_bytes


def peak_parts(config: SpoolConfig, size: StepSize) -> Iterator[Part]:
    """Bytes held when the window is put together, in the blocks, and when features are pushed.

    Args:
        config: Of the model.
        size: Its `clip_frames` are those that the blocks see.
    """
    layout = config.layout((size.l_mem + 1) * size.clip_frames)
    numbers = config.tokens_per_frame * size.batch_size * size.number_bytes
    clip = size.clip_frames * numbers * config.feature_dim
    window = (size.l_mem + 1) * clip
    kept = size.l_mem * (clip + SLOT_BYTES * size.batch_size)
    yield Part("window", clip + kept + clip + window)
    yield from _largest(_block_parts(config, layout, size, clip + window))
    if size.l_mem:
        longer = kept + clip + SLOT_BYTES * size.batch_size
        yield Part("ring of features", clip + window + clip + longer + kept)


def newest_in_blocks(
    config: SpoolConfig, layout: FrameLayout, size: StepSize
) -> Iterator[BlockFrames]:
    """The frames of each block in a step: all where attention is compiled, on a GPU."""
    clips = config.judged_clips(size.l_mem, size.clip_frames)
    newest = layout.num_frames if size.device != "cpu" else clips * size.clip_frames
    return newest_through_blocks(config.num_layers, layout, newest)


def _block_parts(
    config: SpoolConfig, layout: FrameLayout, size: StepSize, held: int
) -> Iterator[Part]:
    """Of each block; `held` are the clip's features and the window, which stay until the end."""
    frame = config.tokens_per_frame * config.embed_dim * size.batch_size * size.number_bytes
    # Without context frames the first block gets the window itself, or what is embedded of it.
    is_new = config.has_context_frames or config.features is not None
    before = layout.sequence_frames * frame if is_new else 0
    for frames in newest_in_blocks(config, layout, size):
        given = frames.layout.sequence_frames * frame
        gives = frames.layout.newest(frames.num_newest).sequence_frames * frame
        # Frames between context frames are cut out by copying, others stay where they were.
        is_copy = config.has_context_frames and frames.layout.num_frames < layout.num_frames
        around = held + (given if is_copy else before)
        attention = _attention(config, frames, size, frame)
        # The norm of a block's input, then queries, keys and values.
        yield Part("temporal attention", around + given + 3 * given + attention)
        # Attention added to the input, the norm of that, the hidden layer before and after GELU.
        yield Part("temporal MLP", around + (1 + 1 + 4 + 4) * gives)
        before, layout = gives, frames.layout.newest(frames.num_newest)


def _largest(parts: Iterable[Part]) -> Iterator[Part]:
    """The largest of each name."""
    largest: dict[str, int] = {}
    for part in parts:
        largest[part.name] = max(part.amount, largest.get(part.name, 0))
    return (Part(name, amount) for name, amount in largest.items())


def _attention(config: SpoolConfig, frames: BlockFrames, size: StepSize, frame: int) -> int:
    """What attention over frames adds to its queries, keys and values, at most.

    Args:
        config: Of the model.
        frames: Given to the block and given by it.
        size: Of the step.
        frame: Bytes of a frame's vectors, for all streams.
    """
    gives = frames.layout.newest(frames.num_newest).sequence_frames * frame
    projected = 3 * gives  # what was attended, the same token by token, projected
    if size.device != "cpu":
        return projected
    near = frames.layout.newest(frames.num_newest + frames.layout.reach)
    is_cut = config.has_context_frames and near.num_frames < frames.layout.num_frames
    copies = 3 * near.sequence_frames * frame if is_cut else 0
    head_width = config.embed_dim // config.num_heads
    counts = (config.num_lookback_heads, config.num_lookahead_heads)
    done = most = 0
    for num_heads, is_lookback in zip(counts, (True, False), strict=True):
        if num_heads:
            heads = _Heads(near, size, num_heads, head_width, is_lookback, config.has_offset_bias)
            peak, output = _chunks(heads)
            most = max(most, done + peak)
            done += output
    real = near.num_frames * frame
    most = max(most, done if min(counts) == 0 else done + real)
    if config.has_context_frames:
        context = _context(config, frames.layout, size, head_width)
        most = max(most, real + context, real + gives)
    return max(copies + most, projected)


def _chunks(heads: _Heads) -> tuple[int, int]:
    """The most that one kind of heads holds at a time, and what its output takes."""
    layout, frame = heads.layout, heads.frame_bytes
    chunk, reach, edge = chunk_frames(layout), layout.reach, layout.num_context_frames
    num_chunks = -(-layout.num_frames // chunk)
    whole = num_chunks * chunk
    held = whole * frame + 2 * (whole + reach) * frame  # queries, keys and values with their ends
    seen_frames = chunk + reach + edge
    most = done = before = 0
    for first, stop, num_alike in _stretches(heads):
        copies = 2 * (stop - first) * seen_frames * frame
        output = (stop - first) * chunk * frame
        done += num_alike * output  # of those before it, which held less
        bias, making_bias = _bias(heads, first, stop)
        in_order, attending = _attend(heads, stop - first, copies, output)
        now = max(before + copies, copies + in_order + max(making_bias, bias + attending))
        most, done, before = max(most, done + now), done + output, copies
        is_only = stop - first == num_chunks
        most = most if is_only else max(most, before + 2 * done)  # all outputs as one
    return held + most, done


def _stretches(heads: _Heads) -> Iterator[tuple[int, int, int]]:
    """First chunk, chunk after the last one, and how many like it were left out just before it.

    Stretches as `vidmem.nn.frame_attention.chunk_stretches` makes them. What they hold differs only
    at the ends and by the outputs of those before them: so of many alike the first two and the last
    tell the most, and a window of hours costs no more to plan than one of seconds.
    """
    step = chunks_at_once(heads.layout, heads.frame_bytes)
    for low, high in pairwise(stretch_bounds(heads.layout, is_lookback=heads.is_lookback)):
        num_whole, rest = divmod(high - low, step)
        for number in sorted({*range(min(2, num_whole)), *range(max(0, num_whole - 1), num_whole)}):
            first = low + number * step
            yield first, first + step, max(0, num_whole - 3) if number > 1 else 0
        if rest:
            yield high - rest, high, 0


def _attend(heads: _Heads, num_chunks: int, copies: int, output: int) -> tuple[int, int]:
    """Copies of what is not in one piece, made before the bias, and what attention then adds."""
    layout, size = heads.layout, heads.size
    has_strides = heads.num_heads > 1 and num_chunks > 1
    in_one_piece = copies + output if has_strides else 0  # keys and values, and queries
    if not size.is_in_pieces:
        return (in_one_piece if size.batch_size > 1 else 0), output
    chunk, tokens = chunk_frames(layout), layout.tokens_per_frame
    seen_frames = chunk + layout.reach + layout.num_context_frames
    shape = (size.batch_size * num_chunks, heads.num_heads, chunk * tokens, seen_frames * tokens)
    scores = piece_bytes(shape, heads.head_width, size.number_bytes)
    if size.batch_size > 1:
        return in_one_piece, output + scores
    return 0, in_one_piece + output + scores


def _bias(heads: _Heads, first: int, stop: int) -> tuple[int, int]:
    """Bytes of the bias of some chunks, and the most while it is made."""
    layout, size = heads.layout, heads.size
    chunk, tokens = chunk_frames(layout), layout.tokens_per_frame
    is_alike = sees_whole_range(layout, first, stop, is_lookback=heads.is_lookback)
    if is_alike and chunk == 1 and not heads.has_bias:
        return 0, 0
    seen_frames = chunk + layout.reach + layout.num_context_frames
    rows = 1 if is_alike else stop - first
    pairs = (
        rows * (heads.num_heads if heads.has_bias else 1) * chunk * seen_frames * size.number_bytes
    )
    bias = pairs * tokens * tokens  # one number for each pair of tokens, not only of frames
    making = pairs + pairs * tokens + bias
    if rows > 1:  # repeated for each stream, even if there is one
        making = bias + bias * size.batch_size
        bias *= size.batch_size
    return bias, making


def _context(config: SpoolConfig, layout: FrameLayout, size: StepSize, head_width: int) -> int:
    """Both context frames' outputs, and copies of all that they see."""
    frame = config.tokens_per_frame * config.embed_dim * size.batch_size * size.number_bytes
    seen_frames = layout.attended_frames
    total = 2 * frame + 2 * frame
    if config.context_scope == "local":
        seen_frames = min(layout.local_frame_range, layout.num_frames) + 2
        total += 2 * seen_frames * frame
    if size.is_in_pieces:
        tokens = config.tokens_per_frame
        shape = (size.batch_size, config.num_heads, 2 * tokens, seen_frames * tokens)
        total += 2 * seen_frames * frame + piece_bytes(shape, head_width, size.number_bytes)
    return total
