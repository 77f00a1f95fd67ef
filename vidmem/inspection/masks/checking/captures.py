"""The tensors that a mask reads: too short, too long, or on another device."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from vidmem.inspection.masks.checking.finding import MaskFinding
from vidmem.inspection.masks.checking.functions import CapturedTensor
from vidmem.inspection.masks.evaluation import MaskShape


def check_devices(captured: list[CapturedTensor], device: torch.device) -> Iterator[MaskFinding]:
    """Tensors that live elsewhere than queries and keys do."""
    for one in captured:
        # A number on the CPU may be read from everywhere.
        is_number = one.tensor.ndim == 0 and one.tensor.device.type == "cpu"
        if one.tensor.device.type != device.type and not is_number:
            yield MaskFinding(
                kind="captured tensor",
                words=(
                    f"{one} lives on {one.tensor.device}, queries and keys on {device}. Move it "
                    "with `.to(device)` before the mask is made."
                ),
                line=one.function.answer_place,
            )


def check_lengths_of(captured: list[CapturedTensor], shape: MaskShape) -> Iterator[MaskFinding]:
    """Tables that are longer than what the mask is asked about: of another batch?"""
    longest = max(shape.queries, shape.keys)
    for one in captured:
        table = max(one.tensor.shape, default=0)
        if one.tensor.ndim and one.tensor.numel() > 1 and table > longest:
            yield MaskFinding(
                kind="captured tensor",
                words=(
                    f"{one} has {table:,} places, and rows and columns end at {longest - 1:,}: is "
                    "it of another batch or length?"
                ),
                is_mistake=False,
                line=one.function.answer_place,
            )


def too_short(captured: list[CapturedTensor], shape: MaskShape) -> Iterator[MaskFinding]:
    """Tables that end before the mask does: what an index error came from."""
    for one in captured:
        table = max(one.tensor.shape, default=0)
        for name, length in (("row", shape.queries), ("key", shape.keys)):
            if one.tensor.ndim and 1 < table < length:
                yield MaskFinding(
                    kind="captured tensor",
                    words=(
                        f"{one} has {table:,} places, but {name} {table} and those after it are "
                        f"asked for, up to {length - 1:,}. Is it of another batch or length?"
                    ),
                    line=one.function.answer_place,
                )
                break
