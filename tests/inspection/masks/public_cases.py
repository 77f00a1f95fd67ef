"""Mistakes with masks that were reported in public, each rebuilt in miniature.

`docs/masks.md` has the table: which thread, and what was wrong. What is given here is written anew
from what the threads say; none of it is their code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.attention.flex_attention import create_block_mask

from vidmem.inspection import MaskFinding, MaskIntent, check_mask, grad_reach

CAUSAL = MaskIntent(causal=True)


@dataclass(frozen=True)
class PublicCase:
    """One report."""

    thread: str
    """`owner/repository#number`."""

    find: Callable[[], tuple[MaskFinding, ...]]
    """Rebuilds the mistake, and has it looked over."""

    says: str
    """A regular expression for the words that name it."""

    line: str = ""
    """What the line of the mask that is named must hold; empty: the words name a row or a block."""


CASES: list[PublicCase] = []


def case(thread: str, says: str, line: str = ""):
    """Put a function that rebuilds a mistake on the list."""

    def add(find: Callable[[], tuple[MaskFinding, ...]]):
        CASES.append(PublicCase(thread, find, says, line))
        return find

    return add


@case("huggingface/transformers#39408", r"row 4 sees key 0, 4 back.* off by one", "q_idx - kv_idx")
def a_window_that_counts_the_query_twice():
    """`sliding_window` keys were meant, its own included; one more is seen."""
    sliding_window = 4

    def mask(b, h, q_idx, kv_idx):
        near = q_idx - kv_idx <= sliding_window
        return near & (kv_idx <= q_idx)

    window = (sliding_window - 1, 0)
    return check_mask(mask, (16, 16), intent=MaskIntent(window=window)).mistakes


@case(
    "huggingface/transformers#47162",
    r"row 0 does not see key 4, 4 ahead.* off by one",
    "kv_idx - q_idx",
)
def a_window_whose_right_side_is_one_short():
    """Four later frames were meant, `<` lets three be seen."""
    left, right = 16, 4

    def mask(b, h, q_idx, kv_idx):
        is_left = (q_idx >= kv_idx) & (q_idx - kv_idx < left)
        is_right = (q_idx < kv_idx) & (kv_idx - q_idx < right)
        return is_left | is_right

    window = (left - 1, right)
    return check_mask(mask, (24, 24), intent=MaskIntent(window=window)).mistakes


@case("ml-explore/mlx-lm#390", r"row 8 sees key 0, 8 back, where the window .* end 7.*off by one")
def a_table_of_a_window_with_one_too_many():
    """A dense table: `window` keys before the query, and the query."""
    window = 8
    queries, keys = torch.arange(20)[:, None], torch.arange(20)[None]
    table = (queries >= keys) & (queries <= keys + window)
    return check_mask(table, intent=MaskIntent(window=(window - 1, 0))).mistakes


@case("huggingface/transformers#41228", r"row 4 sees key 0, 4 back, where .* end 3")
def a_window_masked_on_the_wrong_diagonal():
    """The offset of the window was added where it had to be taken away, so nothing is cut off."""
    length, window = 12, 4
    future = torch.ones(length, length).triu(1)
    beyond = future.tril(length - length + window)
    return check_mask(beyond + future == 0, intent=MaskIntent(window=(window - 1, 0))).mistakes


@case("pytorch/pytorch#152528", r"row 0 sees key 1, 1 ahead, where the window was meant to have")
def a_window_without_its_other_side():
    """`q_idx - kv_idx <= WINDOW` holds of every later key, too."""
    reach = 5

    def mask(b, h, q_idx, kv_idx):
        return q_idx - kv_idx <= reach

    return check_mask(mask, (16, 16), intent=MaskIntent(window=(reach, 0))).mistakes


@case("pytorch/pytorch#134560", r"`&` binds tighter than a comparison: .*\(.*\) == 0", "% 2 == 0")
def a_comparison_without_brackets():
    """Causal in every second batch row was meant; Python compares all of `a & b` with 0."""

    def mask(b, h, q_idx, kv_idx):
        return (q_idx >= kv_idx) & b % 2 == 0

    return check_mask(mask, (2, 1, 8, 8), intent=CAUSAL).mistakes


@case("pytorch/functorch#257", r"`if` asks a tensor for one truth", "if q_idx < prefix")
def python_decides():
    """An `if` about the query; torch says that vmap does not support it, and not which line."""
    prefix = 4

    def mask(b, h, q_idx, kv_idx):
        if q_idx < prefix:
            return kv_idx < prefix
        return q_idx >= kv_idx

    return check_mask(mask, (16, 16)).mistakes


@case("meta-pytorch/attention-gym#25", r"`and` asks a tensor for one truth", "is_kept[")
def python_combines():
    """Tables combined by `and`."""
    is_kept = torch.arange(16) % 3 > 0

    def mask(b, h, q_idx, kv_idx):
        return is_kept[q_idx] and is_kept[kv_idx]

    return check_mask(mask, (16, 16)).mistakes


@case("meta-pytorch/attention-gym#97", r"row 0 sees key 4, 1 ahead", "<= kv_idx")
def a_comparison_the_wrong_way_round():
    """`q_idx + offset <= kv_idx` is what comes after the query."""
    offset = torch.tensor([3, 3])

    def mask(b, h, q_idx, kv_idx):
        return q_idx + offset[b] <= kv_idx

    intent = MaskIntent(causal=True, first_query=3)
    return check_mask(mask, (2, 1, 5, 8), intent=intent).mistakes


@case("pytorch/pytorch#136196", r"row 0 sees key 6, which is padding", "is_real[b, q_idx]")
def padding_asked_of_the_query():
    """The table of real tokens is asked for the query: rows see nothing, and padding is seen."""
    is_real = torch.arange(8)[None] < torch.tensor([[6]])

    def mask(b, h, q_idx, kv_idx):
        return is_real[b, q_idx]

    intent = MaskIntent(padding=~is_real)
    return check_mask(mask, (8, 8), intent=intent).mistakes


@case("meta-pytorch/attention-gym#98", r"batch row 1, the block of rows 0 to 3 .* skipped.*B=None")
def one_block_mask_for_all_batch_rows():
    """`B=None` beside a predicate that depends on `b`: only row 0 was asked."""
    lengths = torch.tensor([4, 16])

    def mask(b, h, q_idx, kv_idx):
        return kv_idx < lengths[b]

    block_mask = create_block_mask(mask, None, None, 16, 16, device="cpu", BLOCK_SIZE=4)
    return check_mask(block_mask, (2, 1, 16, 16)).mistakes


@case("pytorch/pytorch#163314", r"cut from a larger one .*row 0 of the part is not row 0")
def a_part_of_a_block_mask():
    """`block_mask[:, :, i]` for decoding: its `mask_mod` is gone."""

    def causal(b, h, q_idx, kv_idx):
        return q_idx >= kv_idx

    whole = create_block_mask(causal, None, None, 256, 256, device="cpu")
    return check_mask(whole[:, :, 1], (128, 256)).mistakes


@case("meta-pytorch/attention-gym#122", r"made for 1,500 . 1,500 tokens, .*used with 500 . 1,500")
def a_block_mask_of_another_length():
    """Made for the longest input and used with a shorter one."""

    def causal(b, h, q_idx, kv_idx):
        return q_idx >= kv_idx

    block_mask = create_block_mask(causal, None, None, 1500, 1500, device="cpu")
    return check_mask(block_mask, (500, 1500)).mistakes


@case("kuleshov-group/bd3lms#23", r"one place for each block, not for each pair")
def blocks_taken_for_pairs():
    """`to_dense()` is read as if it had a place for each pair."""
    size, length = 4, 256

    def blocks(b, h, q_idx, kv_idx):
        return q_idx // size == kv_idx // size

    table = create_block_mask(blocks, None, None, length, length, device="cpu").to_dense()
    try:
        check_mask(table, (length, length))
    except ValueError as error:
        return (MaskFinding(kind="shape", words=str(error)),)
    return ()


@case(
    "meta-pytorch/attention-gym#135", r"`table` .* lives on meta, queries and keys on cpu", "table"
)
def a_table_on_another_device():
    """One mask for all devices of a pipeline; here torch's device without memory stands for one."""
    table = torch.ones(8, 8, dtype=torch.bool, device="meta")

    def mask(b, h, q_idx, kv_idx):
        return table[q_idx, kv_idx]

    return check_mask(mask, (8, 8), device="cpu").mistakes


@case("pytorch/pytorch#137801", r"has 100 places, but row 100 .* up to 127", "is_kept[q_idx]")
def a_table_shorter_than_the_last_block():
    """The length is no multiple of the block, and a table is asked beyond its end."""
    is_kept = torch.arange(100) % 2 == 0

    def mask(b, h, q_idx, kv_idx):
        return is_kept[q_idx]

    return check_mask(mask, (128, 128)).mistakes


@case("pytorch/pytorch#150321", r"`buffer` .* has 7 places, but row 7", "buffer[kv_idx]")
def a_score_mod_that_reads_what_the_mask_hides():
    """The mask hides the last key, but the score of it is computed all the same."""
    buffer = torch.arange(7.0)

    def mask(b, h, q_idx, kv_idx):
        return (kv_idx < 7) & (q_idx >= kv_idx)

    def score(score, b, h, q_idx, kv_idx):
        return score + buffer[kv_idx]

    return check_mask(mask, (8, 8), score_mod=score).mistakes


@case("pytorch/pytorch#148527", r"head 0, row 0 sees nothing", "is_windowed[h]")
def a_head_that_sees_nothing():
    """A table of heads that holds False for one of them."""
    is_windowed = torch.tensor([False, True, True])

    def mask(b, h, q_idx, kv_idx):
        return is_windowed[h] & (q_idx >= kv_idx)

    return check_mask(mask, (1, 3, 8, 8)).mistakes


@case("unslothai/unsloth#9848", r"row 0 is padding and sees nothing.* rows 0 to 2.*NaN")
def padding_on_the_left():
    """Under a causal mask the first rows are left with padding alone, which is hidden."""
    padding = torch.arange(10) < 3

    def mask(b, h, q_idx, kv_idx):
        return (q_idx >= kv_idx) & ~padding[kv_idx]

    intent = MaskIntent(causal=True, padding=padding)
    return check_mask(mask, (10, 10), intent=intent).mistakes


@case("rasbt/LLMs-from-scratch#1062", r"(?i)the opposite of the mask would be as meant")
def a_mask_of_what_is_hidden():
    """True where a pair is masked, as `nn.MultiheadAttention` has it."""
    table = torch.ones(6, 6).triu(1).bool()
    return check_mask(table, intent=CAUSAL).mistakes


@case("huggingface/transformers#46634", r"row 3 sees key 0, of document 0, but is itself of docume")
def documents_that_are_left_out():
    """Packed documents, and a mask that is causal alone."""
    documents = [0, 0, 0, 1, 1, 2, 2, 2]
    table = torch.ones(8, 8).tril().bool()
    return check_mask(table, intent=MaskIntent(causal=True, documents=documents)).mistakes


@case("gittensor-ai-lab/sparkinfer#3", r"Row 0 stands at key 5, .* add 5 to `q_idx`")
def a_cache_that_is_not_seen():
    """Three queries after a cache of five keys, and a diagonal that begins at key 0."""
    table = torch.ones(3, 8).tril().bool()
    return check_mask(table, intent=MaskIntent(causal=True, window=(7, 0))).mistakes


@case("dphnAI/sonar#1526", r"row 0 sees key 4, 4 ahead", "q_idx < prefix")
def a_prefix_that_sees_the_suffix():
    """The prefix sees everything, and the suffix does not see the prefix."""
    prefix = 4

    def mask(b, h, q_idx, kv_idx):
        return (q_idx < prefix) | ((kv_idx >= prefix) & (q_idx >= kv_idx))

    return check_mask(mask, (9, 9), intent=MaskIntent(causal=True, prefix=prefix)).mistakes


class _Block(nn.Module):
    """Causal attention, and a norm over channels and time."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(2, 6)

    def forward(self, x):
        tokens = nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)
        return self.norm(tokens.transpose(1, 2)).transpose(1, 2)


def _inputs() -> torch.Tensor:
    return torch.randn(1, 11, 6, generator=torch.Generator().manual_seed(1))


@case("Wan-Video/Wan2.1#294", r"row 0 depends on key 1.*statistic over tokens.*GroupNorm", "")
def a_norm_over_time():
    """A GroupNorm takes its mean over all frames, those to come included."""
    return grad_reach(_Block(), _inputs(), CAUSAL).mistakes


class _LookAhead(nn.Module):
    """A convolution over time, padded at the left by one less than it needs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(6, 6, 3)

    def forward(self, x):
        return self.conv(nn.functional.pad(x, (1, 1)))


@case("lucidrains/magvit2-pytorch#27", r"row 0 depends on key 1.*always 1 ahead: a convolution")
def a_convolution_padded_too_little():
    """Padding at the left falls short, so a frame sees the one after it."""
    torch.manual_seed(0)
    return grad_reach(_LookAhead(), _inputs().transpose(1, 2), CAUSAL, token_dim=2).mistakes


class _Scrambled(nn.Module):
    """Two heads that are put together by `reshape` alone."""

    def forward(self, x):
        heads = x.unflatten(-1, (2, 3)).transpose(1, 2)
        heads = nn.functional.scaled_dot_product_attention(heads, heads, heads, is_causal=True)
        return heads.reshape(x.shape)


@case("jsbaan/transformer-from-scratch#6", r"row 0 depends on key 1.*without a `transpose`")
def heads_put_together_without_a_transpose():
    """Chunks of several tokens end up in one."""
    return grad_reach(_Scrambled(), _inputs(), CAUSAL).mistakes


class _Dropped(nn.Module):
    """Attention that forgets its mask."""

    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x)


@case("keras-team/keras#23038", r"row 0 depends on key 1.*the mask is not applied")
def a_mask_that_is_dropped_on_the_way():
    """One of two ways through the code leaves the mask out."""
    return grad_reach(_Dropped(), _inputs(), CAUSAL).mistakes
