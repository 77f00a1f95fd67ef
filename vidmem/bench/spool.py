"""`vidmem bench spool`: what Spool's temporal blocks cost as videos grow longer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.models.spool.config import SpoolConfig
from vidmem.models.spool.model import Spool
from vidmem.nn.frame_attention import FrameBackend, attend_frames, resolve_frame_backend
from vidmem.nn.frames import FrameLayout
from vidmem.nn.masks import lookahead_mask_mod, lookback_mask_mod
from vidmem.planner.measure import Measured, measure
from vidmem.units import MIB

TOKENS_PER_FRAME, NUM_HEADS, HEAD_WIDTH, LOCAL_FRAME_RANGE = 64, 8, 32, 4
CPU_FRAMES, CPU_DENSE_FRAMES = (128, 256, 512, 1024), (256,)
CUDA_FRAMES = (64, 128, 256, 512, 1024)
CUDA_CALLS = 20
"""Timed together as one measurement: a single call takes a fraction of a millisecond."""


@dataclass(frozen=True)
class SpoolRow:
    """The temporal blocks at one length."""

    num_frames: int
    measured: Measured


@dataclass(frozen=True)
class AttentionRow:
    """One attention at one length, computed in several ways."""

    num_frames: int
    measured: dict[str, Measured | None]
    """By backend, None where it does not fit into memory. `dense` is torch's
    `scaled_dot_product_attention` under the whole mask, which is made beforehand."""


@dataclass(frozen=True)
class SpoolBench:
    """Cost by length of the video, and beside dense attention."""

    device_name: str
    backend: FrameBackend
    dtype: torch.dtype
    rows: tuple[SpoolRow, ...]
    attentions: tuple[AttentionRow, ...]

    @property
    def seconds_slope(self) -> float:
        """Slope of time over length on log-log axes: 1 is linear, 2 quadratic."""
        return slope([(row.num_frames, row.measured.seconds) for row in self.rows])

    @property
    def bytes_slope(self) -> float:
        """Slope of peak memory over length on log-log axes: 1 is linear, 2 quadratic."""
        return slope([(row.num_frames, row.measured.peak_bytes) for row in self.rows])


@torch.inference_mode()
def bench_spool(
    device: torch.device,
    dtype: torch.dtype,
    *,
    backend: FrameBackend | None = None,
    num_frames: Sequence[int] | None = None,
    attention_frames: Sequence[int] | None = None,
    attention_backends: Sequence[FrameBackend] | None = None,
) -> SpoolBench:
    """Measure Spool's four temporal blocks at several lengths, and one attention beside dense.

    Args:
        device: Where.
        dtype: Of weights and features.
        backend: None: the device's own.
        num_frames: Lengths, shortest first; None: those that suit the device.
        attention_frames: Lengths at which one attention is measured beside dense, likewise.
        attention_backends: What is measured there; None: `flex` and `sdpa` on CUDA, else what the
            blocks take. Dense always is.
    """
    is_cuda = device.type == "cuda"
    backend = backend or resolve_frame_backend(device)[0]
    num_frames = num_frames or (CUDA_FRAMES if is_cuda else CPU_FRAMES)
    attention_frames = attention_frames or (CUDA_FRAMES if is_cuda else CPU_DENSE_FRAMES)
    attention_backends = attention_backends or (("flex", "sdpa") if is_cuda else (backend,))
    return SpoolBench(
        device_name=torch.cuda.get_device_name(device) if is_cuda else device.type,
        backend=backend,
        dtype=dtype,
        rows=tuple(_rows(device, dtype, backend, num_frames)),
        attentions=tuple(
            _attention_row(device, dtype, length, attention_backends) for length in attention_frames
        ),
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Slope of points on log-log axes, by least squares; x and y must be above 0."""
    xs, ys = ([math.log(value) for value in column] for column in zip(*points, strict=True))
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
    return across / sum((x - middle_x) ** 2 for x in xs)


def _rows(
    device: torch.device, dtype: torch.dtype, backend: FrameBackend, lengths: Sequence[int]
) -> Iterator[SpoolRow]:
    model = Spool(blocks_config()).eval().to(device, dtype)
    model.backend = backend
    for length in lengths:
        features = torch.zeros(
            1, length, TOKENS_PER_FRAME, model.embed_dim, device=device, dtype=dtype
        ).normal_()
        yield SpoolRow(length, _measure(_scores(model, features), device))


def _scores(model: Spool, features: Tensor) -> Callable[[], object]:
    return lambda: model.forward_features(features)


def _attention_row(
    device: torch.device, dtype: torch.dtype, length: int, backends: Sequence[FrameBackend]
) -> AttentionRow:
    layout = blocks_config().layout(length)
    torch.manual_seed(0)
    shape = (1, NUM_HEADS, layout.length, HEAD_WIDTH)
    qkv = [torch.randn(shape, device=device, dtype=dtype) for _ in range(3)]
    measured: dict[str, Measured | None] = {
        backend: _measure(_by_backend(qkv, layout, backend), device) for backend in backends
    }
    measured["dense"] = _measure_dense(qkv, layout, device)
    if device.type == "cuda":
        torch.cuda.empty_cache()  # after an allocation that failed, what others may need
    return AttentionRow(length, measured)


def _by_backend(
    qkv: list[Tensor], layout: FrameLayout, backend: FrameBackend
) -> Callable[[], object]:
    q, k, v = qkv
    return lambda: attend_frames(q, k, v, layout, backend=backend)


def _measure(call: Callable[[], object], device: torch.device) -> Measured:
    return measure(call, device, num_calls=CUDA_CALLS if device.type == "cuda" else 3)


def _measure_dense(qkv: list[Tensor], layout: FrameLayout, device: torch.device) -> Measured | None:
    try:
        call = _dense(qkv, layout)
        if device.type == "cuda":
            return _measure(call, device)
        return measure(call, device, num_calls=1, is_warm=True)  # it takes long enough as it is
    except torch.OutOfMemoryError:
        return None


def _dense(qkv: list[Tensor], layout: FrameLayout) -> Callable[[], object]:
    """Two calls, one per kind of head, each under its own mask of all queries and keys."""
    tokens = torch.arange(layout.length, device=qkv[0].device)
    none = torch.zeros((), dtype=torch.long, device=qkv[0].device)
    halves = []
    for make in (lookback_mask_mod, lookahead_mask_mod):
        may_attend = make(layout.local_frame_range, layout.tokens_per_frame)
        # In pieces: the mask takes 1 byte a pair, but frame numbers on the way to it take 8.
        pieces = tokens[:, None].split(2048)
        halves.append(torch.cat([may_attend(none, none, q, tokens[None, :]) for q in pieces]))
    heads = layout.num_lookback_heads

    def call() -> None:
        for mask, part in zip(halves, (slice(heads), slice(heads, None)), strict=True):
            F.scaled_dot_product_attention(*(x[:, part] for x in qkv), attn_mask=mask)

    return call


def blocks_config() -> SpoolConfig:
    """Configuration of the temporal blocks that are measured; there is no encoder."""
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
    """The tables, as they stand in `docs/performance.md`."""
    lines = [
        f"Spool's temporal blocks, {TOKENS_PER_FRAME} tokens a frame, {NUM_HEADS} heads, range "
        f"{LOCAL_FRAME_RANGE}, {bench.backend}, {bench.dtype}, {bench.device_name}.",
        "",
        "| frames | seconds | ms a frame | peak MiB |",
        "| --- | --- | --- | --- |",
    ]
    for row in bench.rows:
        seconds, mib = row.measured.seconds, row.measured.peak_bytes / MIB
        per_frame = 1000 * seconds / row.num_frames
        lines.append(f"| {row.num_frames} | {_short(seconds)} | {_short(per_frame)} | {mib:.0f} |")
    lines += [
        "",
        f"Slope on log-log axes: time {bench.seconds_slope:.2f}, memory {bench.bytes_slope:.2f} "
        "(1: linear).",
    ]
    is_short = len(bench.attentions) == 1
    return "\n".join([*lines, *(_sentence(bench) if is_short else _attention_table(bench))])


def _sentence(bench: SpoolBench) -> Iterator[str]:
    """One attention at one length beside dense."""
    row = bench.attentions[0]
    dense, ours = row.measured["dense"], row.measured[bench.backend]
    if dense is not None and ours is not None:
        yield (
            f"One attention at {row.num_frames} frames: {1000 * ours.seconds:.0f} ms; dense under "
            f"a mask {1000 * dense.seconds:.0f} ms, {dense.seconds / ours.seconds:.1f} times as "
            "long."
        )


def _attention_table(bench: SpoolBench) -> Iterator[str]:
    """One attention, length by length and backend by backend."""
    names = list(bench.attentions[0].measured)
    yield from (
        "",
        "One attention, ms a call (peak MiB); dense: torch's, under the whole mask.",
        "",
    )
    yield f"| frames | {' | '.join(names)} |"
    yield "| --- " * (1 + len(names)) + "|"
    for row in bench.attentions:
        cells = [_cell(row.measured[name]) for name in names]
        yield f"| {row.num_frames} | {' | '.join(cells)} |"


def _cell(measured: Measured | None) -> str:
    if measured is None:
        return "does not fit"
    return f"{_short(1000 * measured.seconds)} ({measured.peak_bytes / MIB:.0f})"


def _short(number: float) -> str:
    return f"{number:.2f}" if number >= 0.1 else f"{number:.2g}"
