"""The stages of Video Swin (Liu et al., arXiv:2106.13230): tokens in, tokens out.

Tokens travel as `[B, N, D]` in raster order of their `(T, H, W)` grid. Numbers are those of
torchvision's `SwinTransformer3d`, padding and clipped windows included.

Letters: B batch, N tokens of the grid, D width, A heads, E width per head, G boxes, L tokens
of a box.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.nn.attention import attend
from vidmem.nn.attention_windows import (
    AttentionWindowPlan,
    BoxGroup,
    BoxRun,
    Size3,
    fit_window,
    relative_position_index,
    runs_of,
    whole_run,
    window_plan,
)

CACHED_BYTES = 8 << 20
"""Bytes of activations made at a time, at most, where a block is computed run by run."""

MemoryRead = Callable[[Tensor], Tensor]
"""Tokens `[B, N, D]` to the residual that memory adds, `[B, N, D]`."""


@dataclass(frozen=True)
class Grid:
    """Tokens with the grid that they lie on."""

    tokens: Tensor
    """`[B, T * H * W, D]`, raster order."""

    size: Size3

    def unflatten(self) -> Tensor:
        """The tokens as `[B, T, H, W, D]`."""
        return self.tokens.unflatten(1, self.size)


class PatchEmbedding(nn.Module):
    """Cut a clip into tubelets and embed each one."""

    def __init__(self, tubelet_size: Size3, embed_dim: int) -> None:
        super().__init__()
        self.tubelet_size = tubelet_size
        tubelet_values = 3 * tubelet_size[0] * tubelet_size[1] * tubelet_size[2]
        self.proj = nn.Linear(tubelet_values, embed_dim)
        self.norm = nn.LayerNorm(embed_dim)

    def forward(self, clip: Tensor) -> Grid:
        """Embed `[B, T, 3, H, W]`; sizes that no tubelet divides are padded with zeros."""
        t, h, w = self.tubelet_size
        pad = [-clip.shape[4] % w, -clip.shape[3] % h, 0, -clip.shape[1] % t]
        if any(pad):
            clip = F.pad(clip, (0, pad[0], 0, pad[1], 0, 0, 0, pad[3]))
        size = (clip.shape[1] // t, clip.shape[3] // h, clip.shape[4] // w)
        tubelets = clip.unflatten(4, (size[2], w)).unflatten(3, (size[1], h))
        tubelets = tubelets.unflatten(1, (size[0], t))  # [B, T', t, 3, H', h, W', w]
        # [B, T' * H' * W', 3 * t * h * w], in the order of a 3-D convolution's weights: so
        # `load_torchvision_swin` only has to flatten them.
        tubelets = tubelets.permute(0, 1, 4, 6, 3, 2, 5, 7).flatten(4).flatten(1, 3)
        return Grid(self.norm(self.proj(tubelets)), size)


class PatchMerging(nn.Module):
    """Halve the grid's height and width and double the width of its tokens."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, grid: Grid) -> Grid:
        """Merge 2 x 2 neighbours; an odd row or column is padded with zeros."""
        x_BTHWD = grid.unflatten()
        t, h, w = grid.size
        if h % 2 or w % 2:
            x_BTHWD = F.pad(x_BTHWD, (0, 0, 0, w % 2, 0, h % 2))
        size = (t, (h + 1) // 2, (w + 1) // 2)
        # [B, T, H', 2, W', 2, D]
        pairs = x_BTHWD.unflatten(3, (size[2], 2)).unflatten(2, (size[1], 2))
        # torchvision's order of the four neighbours: (row, column) = 00, 10, 01, 11
        merged = pairs.permute(0, 1, 2, 4, 5, 3, 6).flatten(4).flatten(1, 3)
        return Grid(self.reduction(self.norm(merged)), size)


@dataclass(frozen=True)
class _KeptBiases:
    """What was gathered from a table of relative position biases, and that table."""

    table: Tensor
    by_plan: dict[AttentionWindowPlan, list[Tensor]]

    @classmethod
    def of(cls, table: Tensor) -> _KeptBiases:
        """Nothing gathered yet."""
        return cls(table.detach().clone(), {})  # a copy: the table itself changes in place

    def is_of(self, table: Tensor) -> bool:
        """Whether the table still has the same values."""
        kept = self.table
        is_alike = (kept.dtype, kept.device) == (table.dtype, table.device)
        return is_alike and torch.equal(kept, table)


class WindowAttention(nn.Module):
    """Self-attention inside shifted windows, with a learned bias per head and relative position."""

    relative_position_index: Tensor

    def __init__(self, dim: int, num_heads: int, attention_window: Size3, shift: Size3) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attention_window = attention_window
        self.shift = shift
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        rows = 1
        for w in attention_window:
            rows *= 2 * w - 1
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        index = relative_position_index(attention_window)
        self.register_buffer("relative_position_index", index, persistent=False)
        self._kept_biases = _KeptBiases.of(self.relative_position_bias_table)
        self.is_flex = False  # set by `FamSwin.use_flex`

    def forward(self, tokens: Tensor, size: Size3) -> Tensor:
        """Attend inside the windows of a `(T, H, W)` grid: `[B, N, D]` to `[B, N, D]`."""
        plan = self.plan(size, tokens.device)
        if plan.has_padding:
            tokens = F.pad(tokens, (0, 0, 0, 1))  # the zeros that `order` calls `num_tokens`
        # In the order of the boxes, so that each box is a slice: with neither roll nor mask.
        qkv_BND = self.qkv(tokens.index_select(1, plan.order))
        if self.is_flex:
            attended = self._attend_flex(qkv_BND, plan)
        else:
            attended = self._attend(qkv_BND, whole_run(plan), self._biases(plan))
        return self.proj(attended).index_select(1, plan.restore)

    def added(self, tokens: Tensor, norm: nn.Module, plan: AttentionWindowPlan) -> Tensor:
        """`tokens + self(norm(tokens), size)` of a plan without padding, run by run."""
        result, biases = torch.empty_like(tokens), self._biases(plan)
        runs = runs_of(plan, cached_tokens(3 * tokens[0, 0].nbytes))
        for rows, output in zip(split_streams(tokens), split_streams(result), strict=True):
            # Several streams in `rows` are small enough together to be computed at once.
            for run in (whole_run(plan),) if len(rows) > 1 else runs:
                places = plan.order[run.start : run.stop]
                part = self._added_run(rows.index_select(1, places), norm, run, biases)
                output.index_copy_(1, places, part)
        return result

    def _added_run(
        self, part_BND: Tensor, norm: nn.Module, run: BoxRun, biases: list[Tensor]
    ) -> Tensor:
        # In place: the caller cut `part_BND` out for this run alone.
        return part_BND.add_(self.proj(self._attend(self.qkv(norm(part_BND)), run, biases)))

    def plan(self, size: Size3, device: torch.device) -> AttentionWindowPlan:
        """The boxes of a `(T, H, W)` grid."""
        window, shift = fit_window(size, self.attention_window, self.shift)
        return shape_plan(size, window, shift, device)

    def _attend(self, qkv_BND: Tensor, run: BoxRun, biases: list[Tensor]) -> Tensor:
        """Boxes of one shape at a time."""
        outputs, start = [], 0
        for number, group in run.parts:
            stop = start + group.num_boxes * group.tokens_per_box
            outputs.append(self._attend_boxes(qkv_BND[:, start:stop], group, biases[number]))
            start = stop
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, 1)

    def _attend_flex(self, qkv_BND: Tensor, plan: AttentionWindowPlan) -> Tensor:
        """All boxes in one compiled call."""
        from vidmem.nn.flex import flex_attend_windows  # brings torch's compiler: seconds

        q_BANE, k_BANE, v_BANE = qkv_BND.unflatten(-1, (3, self.num_heads, -1)).permute(
            2, 0, 3, 1, 4
        )
        out = flex_attend_windows(
            q_BANE,
            k_BANE,
            v_BANE,
            plan,
            self.relative_position_bias_table,
            self.relative_position_index,
        )
        return out.transpose(1, 2).flatten(2)

    def _attend_boxes(self, qkv_BND: Tensor, group: BoxGroup, bias_ALL: Tensor) -> Tensor:
        batch, width = qkv_BND.shape[0], qkv_BND.shape[2] // 3
        # [B * boxes, L, 3, A, E], then queries, keys and values `[G, A, L, E]`.
        boxes = qkv_BND.reshape(
            batch * group.num_boxes, group.tokens_per_box, 3, self.num_heads, -1
        )
        q_GALE, k_GALE, v_GALE = boxes.permute(2, 0, 3, 1, 4)
        out_GALE = attend(q_GALE, k_GALE, v_GALE, bias=bias_ALL)
        return out_GALE.transpose(1, 2).reshape(batch, -1, width)

    def _biases(self, plan: AttentionWindowPlan) -> list[Tensor]:
        """The bias `[A, L, L]` of each group of boxes, kept while the table stays the same."""
        table = self.relative_position_bias_table
        # Off the CPU, comparing the table would wait for the device, and gathering is quick.
        is_kept = table.device.type == "cpu" and not torch.compiler.is_compiling()
        if torch.is_grad_enabled() or not is_kept:
            return [self._bias(group) for group in plan.groups]
        kept = self._kept_biases  # held here: streams in other threads may replace it
        # The values are compared, not the tensor's version: fused optimisers and `parameter.data`
        # change values without counting.
        if not kept.is_of(table):
            kept = self._kept_biases = _KeptBiases.of(table)
        biases = kept.by_plan.get(plan)
        if biases is None:
            if len(kept.by_plan) > 4:  # a stream has one size of clip: many are rare
                kept.by_plan.clear()
            biases = kept.by_plan[plan] = [self._bias(group) for group in plan.groups]
        return biases

    def _bias(self, group: BoxGroup) -> Tensor:
        # Where the window was shrunk to a small grid, places of the small window index the first
        # rows of the full one. Odd, but torchvision does so (`relative_position_index[:N, :N]`),
        # and its weights are used unchanged.
        places = group.window_positions
        index = self.relative_position_index[places[:, None], places[None, :]]
        bias_LLA = self.relative_position_bias_table[index.flatten()].unflatten(0, index.shape)
        return bias_LLA.permute(2, 0, 1).contiguous()


class SwinBlock(nn.Module):
    """Window attention, then what is read from memory (a stage's last block only), then MLP."""

    def __init__(self, dim: int, num_heads: int, attention_window: Size3, shift: Size3) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attention = WindowAttention(dim, num_heads, attention_window, shift)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, grid: Grid, memory_read: MemoryRead | None = None) -> Grid:
        """One block; the grid keeps its size."""
        if _is_run_by_run(grid.tokens):
            return self._forward_run_by_run(grid, memory_read)
        attended = self.attended(grid)
        if memory_read is not None:
            attended = Grid(attended.tokens + memory_read(attended.tokens), grid.size)
        return self.after_attention(attended)

    def attended(self, grid: Grid) -> Grid:
        """The first part of the block: its own attention, before anything is read from memory."""
        return Grid(grid.tokens + self.attention(self.norm1(grid.tokens), grid.size), grid.size)

    def after_attention(self, grid: Grid) -> Grid:
        """The last part of the block, after what is read from memory was added."""
        return Grid(grid.tokens + self.mlp(self.norm2(grid.tokens)), grid.size)

    def _forward_run_by_run(self, grid: Grid, memory_read: MemoryRead | None) -> Grid:
        """The same with few large tensors."""
        # On a CPU the system hands a new large tensor out page by page, which takes longer than
        # computing what is written into it. So sums are made in place and the MLP run by run.
        plan = self.attention.plan(grid.size, grid.tokens.device)
        if plan.has_padding or self.attention.is_flex:
            x = self.attention(self.norm1(grid.tokens), grid.size).add_(grid.tokens)
        else:
            x = self.attention.added(grid.tokens, self.norm1, plan)
        if memory_read is not None:
            x += memory_read(x)
        for rows in split_streams(x):
            num_tokens = rows.shape[1] if len(rows) > 1 else cached_tokens(4 * x[0, 0].nbytes)
            for part in rows.split(num_tokens, 1):
                part += self.mlp(self.norm2(part))
        return Grid(x, grid.size)


def shape_plan(
    size: Size3, window: Size3, shift: Size3, device: torch.device
) -> AttentionWindowPlan:
    """`window_plan`, which `models.fam_swin.compiled` declares a constant to torch's compiler."""
    return window_plan(size, window, shift, device)


def split_streams(tokens: Tensor) -> tuple[Tensor, ...]:
    """Cut a batch into groups of streams whose tokens are few together, or single streams.

    So that in float32 a stream's numbers are, to the last bit, those that it gets alone, whatever
    shares its batch.
    """
    # Four times: the hidden layer of the MLP is the widest.
    return tokens.split(cached_tokens(4 * tokens[0].nbytes))


def cached_tokens(token_bytes: int) -> int:
    """Tokens (or streams) of a run that makes so many bytes of each."""
    return max(1, CACHED_BYTES // token_bytes)


def _is_run_by_run(tokens: Tensor) -> bool:
    # Elsewhere torch keeps freed memory for the next tensor; gradients and compilers need one
    # expression without in-place sums.
    is_plain = not torch.is_grad_enabled() and not torch.compiler.is_compiling()
    return is_plain and tokens.device.type == "cpu"


class SwinStage(nn.Module):
    """Blocks at one resolution; every second one with shifted windows."""

    def __init__(self, dim: int, depth: int, num_heads: int, attention_window: Size3) -> None:
        super().__init__()
        # Video Swin, section 3.1: without the shift, windows would never exchange anything.
        half = (attention_window[0] // 2, attention_window[1] // 2, attention_window[2] // 2)
        self.blocks = nn.ModuleList(
            SwinBlock(dim, num_heads, attention_window, half if i % 2 else (0, 0, 0))
            for i in range(depth)
        )

    def forward(self, grid: Grid) -> Grid:
        """All blocks, without memory."""
        for block in self.blocks:
            grid = block(grid)
        return grid

    def forward_trunk(self, grid: Grid) -> Grid:
        """All blocks but the last."""
        for block in list(self.blocks)[:-1]:
            grid = block(grid)
        return grid

    @property
    def last_block(self) -> SwinBlock:
        """The one that reads memory, where its stage does."""
        block = self.blocks[-1]
        assert isinstance(block, SwinBlock)
        return block

    def forward_last(self, grid: Grid, memory_read: MemoryRead | None) -> Grid:
        """The last block, with what memory adds."""
        return self.last_block(grid, memory_read)


def by_row(layer: nn.Module, rows: Tensor) -> Tensor:
    """`layer(rows)` for few rows `[B, ...]`; on a CPU row by row."""
    # There a matrix product of few rows is summed in another order for every number of rows, so the
    # last bits of a stream's logits would depend on how many others share its batch.
    if rows.device.type != "cpu" or len(rows) == 1:
        return layer(rows)
    return torch.cat([layer(row) for row in rows.split(1)])
