"""`vidmem bench spool`: what Spool's temporal blocks cost as videos grow longer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.models.spool import Spool
from vidmem.models.spool_config import SpoolConfig
from vidmem.nn.frame_attention import FrameBackend, attend_frames, resolve_frame_backend
from vidmem.nn.frames import FrameLayout
from vidmem.nn.masks import lookahead_mask_mod, lookback_mask_mod
from vidmem.profiling.measure import Measured, measure

NUM_FRAMES = (128, 256, 512, 1024)
TOKENS_PER_FRAME, NUM_HEADS, HEAD_WIDTH, LOCAL_FRAME_RANGE = 64, 8, 32, 4
DENSE_FRAMES = 256


@dataclass(frozen=True)
class SpoolRow:
    """The temporal blocks at one length."""

    num_frames: int
    measured: Measured


@dataclass(frozen=True)
class SpoolBench:
    """How cost grows with length, and what it is beside dense attention."""

    backend: FrameBackend
    dtype: torch.dtype
    rows: tuple[SpoolRow, ...]
    attention: Measured
    """One attention at `DENSE_FRAMES` frames."""

    dense: Measured
    """The same by torch's `scaled_dot_product_attention` under the whole mask."""

    @property
    def seconds_slope(self) -> float:
        """Of the logarithm of time over that of length; 1 is linear, 2 quadratic."""
        return slope([(row.num_frames, row.measured.seconds) for row in self.rows])

    @property
    def bytes_slope(self) -> float:
        """Likewise of peak memory."""
        return slope([(row.num_frames, row.measured.peak_bytes) for row in self.rows])


@torch.inference_mode()
def bench_spool(
    device: torch.device,
    dtype: torch.dtype,
    *,
    backend: FrameBackend | None = None,
    num_frames: Sequence[int] = NUM_FRAMES,
    dense_frames: int = DENSE_FRAMES,
) -> SpoolBench:
    """Measure Spool's four temporal blocks at several lengths, and one attention beside dense.

    Args:
        device: Where.
        dtype: Of weights and features.
        backend: None: the device's own.
        num_frames: Lengths, shortest first.
        dense_frames: Length at which dense attention is measured too.
    """
    backend = backend or resolve_frame_backend(device)[0]
    rows = tuple(_rows(device, dtype, backend, num_frames))
    layout = _config().layout(dense_frames)
    torch.manual_seed(0)
    shape = (1, NUM_HEADS, layout.length, HEAD_WIDTH)
    q, k, v = (torch.randn(shape, device=device, dtype=dtype) for _ in range(3))
    banded = measure(lambda: attend_frames(q, k, v, layout, backend=backend), device)
    dense = measure(_dense([q, k, v], layout), device, num_calls=1, is_warm=True)
    return SpoolBench(backend, dtype, rows, banded, dense)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares through the logarithms of x and y."""
    xs, ys = ([math.log(value) for value in column] for column in zip(*points, strict=True))
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
    return across / sum((x - middle_x) ** 2 for x in xs)


def _rows(
    device: torch.device, dtype: torch.dtype, backend: FrameBackend, lengths: Sequence[int]
) -> Iterator[SpoolRow]:
    model = Spool(_config()).eval().to(device, dtype)
    model.backend = backend
    for length in lengths:
        features = torch.zeros(
            1, length, TOKENS_PER_FRAME, model.embed_dim, device=device, dtype=dtype
        ).normal_()
        yield SpoolRow(length, measure(_scores(model, features), device))


def _scores(model: Spool, features: Tensor) -> Callable[[], object]:
    return lambda: model.forward_features(features)


def _dense(qkv: list[Tensor], layout: FrameLayout) -> Callable[[], object]:
    """Two calls, one per kind of head, each under its own mask of all queries and keys."""
    tokens = torch.arange(layout.length, device=qkv[0].device)
    none = torch.zeros((), dtype=torch.long, device=qkv[0].device)
    halves = [
        make(layout.local_frame_range, layout.tokens_per_frame)(
            none, none, tokens[:, None], tokens[None, :]
        )
        for make in (lookback_mask_mod, lookahead_mask_mod)
    ]
    heads = layout.num_lookback_heads

    def call() -> None:
        for mask, part in zip(halves, (slice(heads), slice(heads, None)), strict=True):
            F.scaled_dot_product_attention(*(x[:, part] for x in qkv), attn_mask=mask)

    return call


def _config() -> SpoolConfig:
    return SpoolConfig(
        embed_dim=NUM_HEADS * HEAD_WIDTH,
        num_heads=NUM_HEADS,
        num_lookback_heads=NUM_HEADS // 2,
        num_lookahead_heads=NUM_HEADS // 2,
        local_frame_range=LOCAL_FRAME_RANGE,
        tokens_per_frame=TOKENS_PER_FRAME,
        num_classes=10,
    )


def bench_as_markdown(bench: SpoolBench) -> str:
    """The table, as it stands in the README."""
    lines = [
        f"Spool's temporal blocks, {TOKENS_PER_FRAME} tokens a frame, {NUM_HEADS} heads, range "
        f"{LOCAL_FRAME_RANGE}, {bench.backend}, {bench.dtype}.",
        "",
        "| frames | seconds | ms a frame | peak MiB |",
        "| --- | --- | --- | --- |",
    ]
    for row in bench.rows:
        seconds, mib = row.measured.seconds, row.measured.peak_bytes / 2**20
        per_frame = 1000 * seconds / row.num_frames
        lines.append(f"| {row.num_frames} | {seconds:.2f} | {per_frame:.2f} | {mib:.0f} |")
    ratio = bench.dense.seconds / bench.attention.seconds
    lines += [
        "",
        f"Slope on log-log axes: time {bench.seconds_slope:.2f}, memory {bench.bytes_slope:.2f} "
        "(1: linear).",
        f"One attention at {DENSE_FRAMES} frames: {1000 * bench.attention.seconds:.0f} ms; dense "
        f"under a mask {1000 * bench.dense.seconds:.0f} ms, {ratio:.1f} times as long.",
    ]
    return "\n".join(lines)
