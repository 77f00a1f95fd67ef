"""What `vidmem bench inspection` measures: each model with a full memory, and ways to watch it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

import vidmem
from vidmem.bench.inspection import (
    OverheadRow,
    bench_inspection,
    bench_nobody_asking,
)
from vidmem.bench.models import filled, full_memory
from vidmem.inspection import HeadWatch, MemoryDetail, patch_grid, view_memory
from vidmem.models import FamSwin, Spool, SpoolState
from vidmem.models.device import resolve_dtype
from vidmem.models.presets import fam_swin_t
from vidmem.processors import fit_threads

NANO_PAIRS, LARGE_PAIRS = 41, 21
LARGE_CLIP = (1, 32, 3, 224, 224)


def inspection_costs(device: torch.device, *, is_full: bool) -> Iterator[OverheadRow]:
    """A row per model and way to watch it, as each is measured.

    Args:
        device: Where.
        is_full: Also a FAM Swin of the Swin-T size, which takes minutes on a CPU.
    """
    nano = vidmem.load("fam-swin-nano", device=str(device), dtype="float32")
    spool = vidmem.load("spool-nano", device=str(device), dtype="float32")
    assert isinstance(nano, FamSwin)
    assert isinstance(spool, Spool)
    yield from _fam_swin(nano, "fam-swin-nano", _noise(nano, _card_shape(nano)), NANO_PAIRS)
    yield from _spool(spool, "spool-nano", NANO_PAIRS)
    if is_full:
        torch.manual_seed(0)
        large = FamSwin(fam_swin_t()).eval()
        large = large.to(device, resolve_dtype(large, device))
        yield from _fam_swin(
            large, "fam-swin-t, random weights", _noise(large, LARGE_CLIP), LARGE_PAIRS
        )


def _fam_swin(model: FamSwin, name: str, clip: Tensor, num_pairs: int) -> Iterator[OverheadRow]:
    fit_threads(model)  # as the programs do: more threads slow a small model down
    state = full_memory(model)
    last = model.memory_stages[-1]
    name = f"{name}, {state.l_mem} clips remembered"
    bench = partial(bench_inspection, model, clip, state, num_pairs=num_pairs)
    of_all = partial(view_memory, config=model.config, state=state)
    of_last = partial(of_all, detail=MemoryDetail(stages=(last,)))
    stages = " and ".join(map(str, model.memory_stages))
    yield OverheadRow(name, "nobody asks", bench_nobody_asking(model, clip, state))
    yield OverheadRow(name, "capture alone", bench())
    yield OverheadRow(name, f"capture, view of stage {last}", bench(of_last))
    yield OverheadRow(name, f"capture, view of stages {stages}", bench(of_all))


def _spool(model: Spool, name: str, num_pairs: int) -> Iterator[OverheadRow]:
    fit_threads(model)
    clip, state = _noise(model, _card_shape(model)), _full_window(model)
    name = f"{name}, window of {state.window_frames} frames"
    watch = HeadWatch(patch_grid(model))
    yield OverheadRow(name, "nobody asks", bench_nobody_asking(model, clip, state))
    captured = bench_inspection(model, clip, state, num_pairs=num_pairs)
    yield OverheadRow(name, "capture alone", captured)
    watched = bench_inspection(model, clip, state, on_frames=watch, num_pairs=num_pairs)
    yield OverheadRow(name, "capture, HeadWatch on the spot", watched)
    viewed = bench_inspection(
        model, clip, state, lambda captured: watch.view(), on_frames=watch, num_pairs=num_pairs
    )
    yield OverheadRow(name, "the same, and its view", viewed)


def _card_shape(model: FamSwin | Spool) -> tuple[int, ...]:
    card = model.card
    return (1, card.clip_frames, 3, card.frame_height, card.frame_width)


def _noise(model: FamSwin | Spool, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, device=model.device).to(model.dtype)


def _full_window(model: Spool) -> SpoolState:
    state = model.init_state(1, clip_frames=model.card.clip_frames)
    return replace(
        state,
        queue=filled(state.queue),
        clip_index=state.clip_index + state.l_mem,
        newest_frames=torch.full_like(state.newest_frames, state.clip_frames),
    )
