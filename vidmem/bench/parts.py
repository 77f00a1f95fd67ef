"""The parts of `vidmem bench` that need a model and no video."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from vidmem.bench.models import FamSwinStep
from vidmem.bench.peers.transformers import make_peer
from vidmem.bench.results import BenchRow
from vidmem.bench.spool import blocks_config
from vidmem.bench.timing import Clock, Timing, clock, time_alternately
from vidmem.errors import SettingError
from vidmem.models.device import fastest_dtype, has_fast_bf16
from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.models.fam_swin.model import FamSwin
from vidmem.models.presets import fam_swin_t, load
from vidmem.models.spool.model import Spool
from vidmem.nn.frame_attention import FrameBackend

PEERS = ("TimeSformer", "VideoMAE")
FPS = 4.0
"""Sampled frames per second of video, for rows that are per second of video."""


class CannotMeasureError(Exception):
    """A part does not apply to this machine; the message says why."""


@dataclass(frozen=True, kw_only=True)
class BenchSize:
    """Where to measure, and how much."""

    device: torch.device
    is_full: bool = False
    config: FamSwinConfig
    """Of the FAM Swin; with memory."""

    clip_frames: int = 32
    clip_pixels: int = 224
    peer_frames: int = 16
    """Frames of a clip for the peers from `transformers`, which are larger and take longer."""

    num_rounds: int = 5
    part_seconds: float = 25.0
    """After which no new round of a comparison begins."""

    @classmethod
    def usual(cls, device: torch.device, *, is_full: bool) -> BenchSize:
        """The Swin-T size with a memory of 25 clips; more and longer rounds if `is_full`."""
        config = fam_swin_t()
        if not is_full:
            return cls(device=device, config=config)
        return cls(
            device=device,
            is_full=True,
            config=config,
            peer_frames=32,
            num_rounds=21,
            part_seconds=240.0,
        )

    @property
    def dtype(self) -> torch.dtype:
        """The type in which a model of this size is fastest on the device."""
        return fastest_dtype(28_000_000, self.device)  # weights of the Swin-T size

    def step(self, dtype: torch.dtype | None = None) -> FamSwinStep:
        """A step of one stream with a full memory."""
        return FamSwinStep.of(
            self.config, self.device, dtype or self.dtype, self.clip_frames, self.clip_pixels
        )

    def shape(self, batch_size: int = 1) -> tuple[int, ...]:
        """Shape of a batch of clips, `[B, T, 3, H, W]`."""
        return (batch_size, self.clip_frames, 3, self.clip_pixels, self.clip_pixels)

    def compare(self, ways: dict[str, Clock]) -> dict[str, Timing]:
        """Time all ways in turn, round after round, and give the median of each."""
        return time_alternately(ways, self.num_rounds, max_seconds=self.part_seconds)

    @property
    def per_clip(self) -> str:
        """What a row's times are of, in words."""
        return f"clip of {self.clip_frames} frames"


Part = Callable[[BenchSize], Iterator[BenchRow]]


def bench_memory(size: BenchSize) -> Iterator[BenchRow]:
    """A step with a full memory beside one with memory off."""
    full = size.step()
    off = FamSwinStep.on(full.model, size.shape(), l_mem=0)
    timings = size.compare({"on": full.timed, "off": off.timed})
    what = f"FAM Swin, memory of {full.state.l_mem} clips, {_name(size.dtype)}"
    yield BenchRow.of(
        "memory", (what, "memory off"), (timings["on"], timings["off"]), per=size.per_clip
    )


def bench_dtype(size: BenchSize) -> Iterator[BenchRow]:
    """A step in bfloat16 beside one in float32.

    Raises:
        CannotMeasureError: If this CPU computes no bfloat16.
    """
    if size.device.type == "cpu" and not has_fast_bf16():
        raise CannotMeasureError("this CPU has no instructions for bf16, so fp32 is used")
    wide, narrow = size.step(torch.float32), size.step(torch.bfloat16)
    timings = size.compare({"fp32": wide.timed, "bf16": narrow.timed})
    names = ("FAM Swin, bfloat16", "float32")
    yield BenchRow.of("dtype", names, (timings["bf16"], timings["fp32"]), per=size.per_clip)


def bench_l_mem(size: BenchSize) -> Iterator[BenchRow]:
    """A step with a memory of 10, 25 and 50 clips beside one with memory off."""
    model = size.step().model
    steps = {l_mem: FamSwinStep.on(model, size.shape(), l_mem=l_mem) for l_mem in (0, 10, 25, 50)}
    timings = size.compare({str(l_mem): step.timed for l_mem, step in steps.items()})
    for l_mem in steps:
        if l_mem:
            names = (f"FAM Swin, L_mem {l_mem}, {_name(size.dtype)}", "L_mem 0")
            yield BenchRow.of(
                "l_mem", names, (timings[str(l_mem)], timings["0"]), per=size.per_clip
            )


def bench_batch(size: BenchSize) -> Iterator[BenchRow]:
    """Streams judged together beside one by one, each per clip."""
    model = size.step().model
    sizes = (1, 2, 4, 8, 16, 32) if size.device.type == "cuda" else (1, 2, 4)
    steps = {number: FamSwinStep.on(model, size.shape(number)) for number in sizes}
    timings = size.compare({str(number): step.timed for number, step in steps.items()})
    for number in sizes[1:]:
        names = (f"FAM Swin, batch of {number}, {_name(size.dtype)}", "batch of 1")
        both = (timings[str(number)].over(number), timings["1"])
        yield BenchRow.of("batch", names, both, per=size.per_clip)


def bench_compiled(size: BenchSize) -> Iterator[BenchRow]:
    """Compiled beside eager: the nano size on a CPU, and the large one where time allows.

    Raises:
        CannotMeasureError: If there is no C++ compiler.
    """
    if size.device.type == "cpu" and not shutil.which("g++"):
        raise CannotMeasureError("no C++ compiler: install g++")
    is_large = size.is_full or size.device.type == "cuda"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the programs do for a model so small
    try:
        yield _compiled_row(size, "nano", _nano_step(size))
    finally:
        torch.set_num_threads(threads)
    if is_large:
        yield _compiled_row(size, "Swin-T", size.step())


def _compiled_row(size: BenchSize, name: str, step: FamSwinStep) -> BenchRow:
    def compiled() -> None:
        step.model.use_compiled(True)  # what was compiled is kept, so switching costs nothing
        step.run()

    def eager() -> None:
        step.model.use_compiled(False)
        step.run()

    with torch.no_grad():
        ways = {"compiled": clock(compiled, size.device), "eager": clock(eager, size.device)}
        timings = size.compare(ways)
    step.model.use_compiled(False)
    frames = f"clip of {step.clip.shape[1]} frames"
    names = (f"FAM Swin of the {name} size, compiled, {_name(step.model.dtype)}", "eager")
    return BenchRow.of("compiled", names, (timings["compiled"], timings["eager"]), per=frames)


def _nano_step(size: BenchSize) -> FamSwinStep:
    model = load("fam-swin-nano", device=str(size.device), dtype="float32")
    assert isinstance(model, FamSwin)
    card = model.card
    shape = (1, card.clip_frames, 3, card.frame_height, card.frame_width)
    return FamSwinStep.on(model, shape)


def bench_spool_backends(size: BenchSize) -> Iterator[BenchRow]:
    """Spool's temporal blocks by each way to compute their attention."""
    config = blocks_config()
    # Few on a CPU: dense attention forms the scores of all pairs of tokens.
    num_frames = 256 if size.device.type == "cuda" else 16
    model = Spool(config).eval().to(size.device, size.dtype)
    shape = (1, num_frames, config.tokens_per_frame, model.embed_dim)
    features = torch.randn(shape, device=size.device).to(size.dtype)
    backends: tuple[FrameBackend, ...] = ("dense", "sdpa", "flex")
    if size.device.type == "cpu" and not shutil.which("g++"):
        backends = ("dense", "sdpa")  # flex is compiled

    def run(backend: FrameBackend) -> Clock:
        def scores() -> None:
            model.backend = backend
            model.forward_features(features)

        return clock(scores, size.device)

    timings = size.compare({backend: run(backend) for backend in backends})
    for backend in backends[1:]:
        names = (f"Spool's temporal blocks, {backend}, {_name(size.dtype)}", "dense")
        per = f"window of {num_frames} frames"
        yield BenchRow.of("spool", names, (timings[backend], timings["dense"]), per=per)


def bench_peers(size: BenchSize) -> Iterator[BenchRow]:
    """TimeSformer and VideoMAE at the same clip, per clip and per second of video."""
    small = replace(size, clip_frames=size.peer_frames)
    step = small.step()
    peers = [make_peer(name, step.clip) for name in PEERS]
    ways = {peer.name: clock(peer.run, size.device) for peer in peers}
    timings = size.compare({"ours": step.timed, **ways})
    seconds = small.clip_frames / FPS
    ours = f"FAM Swin of the Swin-T size ({_millions(step.model)}), memory full"
    dtype = _name(size.dtype)
    for peer in peers:
        names = (
            f"{ours}, {dtype}",
            f"{peer.name} base ({peer.num_parameters / 1e6:.0f} M), no memory",
        )
        both = timings["ours"], timings[peer.name]
        yield BenchRow.of("peers", names, both, per=small.per_clip)
        per = f"second of video at {FPS:g} frames a second"
        yield BenchRow.of("peers", names, (both[0].over(seconds), both[1].over(seconds)), per=per)


PARTS: dict[str, Part] = {
    "memory": bench_memory,
    "dtype": bench_dtype,
    "l_mem": bench_l_mem,
    "batch": bench_batch,
    "compiled": bench_compiled,
    "spool": bench_spool_backends,
    "peers": bench_peers,
}


def check_parts(names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse unknown names of parts.

    Raises:
        SettingError: With the names there are.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SettingError(f"--only must be one of {', '.join(known)}, got {', '.join(unknown)}")


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _millions(model: FamSwin) -> str:
    return f"{sum(p.numel() for p in model.parameters()) / 1e6:.0f} M"
