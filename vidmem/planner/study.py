"""The pilot study's figures of this architecture beside the same recomputed from the code.

Of the study two figures are known here: 2.5 to 3.5 GB per stream, and 32 to 40 streams on 96 GB.
What it measured for each `l_mem` is not known, so those columns are ours. GB are 10^9 bytes, as
devices are sold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vidmem.planner.estimate import estimate
from vidmem.planner.plan import Plan, plan
from vidmem.planner.request import PlanRequest
from vidmem.planner.sizing import Part
from vidmem.units import file_size

GB = 1_000_000_000
STUDY_STREAM_BYTES = (2_500_000_000, 3_500_000_000)
STUDY_STREAMS = (32, 40)
STUDY_DEVICE_GB = 96
STUDY_L_MEMS = (10, 20, 25, 30)
DEVICES_GB = (80, 96)

GRADIENTS_BYTES = 2_700_000_000
"""Measured, 2026-11-21: a step of `fam-swin-t` (32 frames, 224 px, float32, one stream, an empty
memory) outside `torch.no_grad()` holds so much at its peak; `LiveBytes`, CPU. A slow test measures
it again."""


@dataclass(frozen=True, kw_only=True)
class StudyRow:
    """One `l_mem`, counted as the study did and as it is."""

    l_mem: int

    breakdown: tuple[Part, ...]
    """Bytes of a stream that has everything to itself: weights, tables, activations, state."""

    copied_streams: dict[int, int]
    """By memory of the device in GB: such streams as fit, each with its own copy of everything."""

    shared: dict[int, Plan]
    """By memory of the device in GB: the plan of streams that share one set of weights."""

    @property
    def copied_bytes(self) -> int:
        """Of a stream that has everything to itself."""
        return sum(part.amount for part in self.breakdown)

    @property
    def state_bytes(self) -> int:
        """Of a stream that shares everything else."""
        return next(part.amount for part in self.breakdown if part.name == "state")


@dataclass(frozen=True, kw_only=True)
class StudyComparison:
    """The study's table, recomputed."""

    rows: tuple[StudyRow, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Where the study and this differ, and why."""
        first, last = self.rows[0], self.rows[-1]
        low, high = (STUDY_DEVICE_GB / streams for streams in reversed(STUDY_STREAMS))
        few, many = (int(STUDY_DEVICE_GB * GB / held) for held in reversed(STUDY_STREAM_BYTES))
        share = last.state_bytes / last.copied_bytes
        grown = last.copied_bytes - first.copied_bytes
        return (
            f"The study says 2.5 to 3.5 GB per stream and 32 to 40 streams on 96 GB. The two "
            f"overlap and do not agree: 40 to 32 streams are {low:.1f} to {high:.1f} GB each, and "
            f"3.5 to 2.5 GB each are {few} to {many} streams.",
            f"It paid weights and buffers for each stream. Counted like that, a stream here holds "
            f"{file_size(last.copied_bytes)} at l_mem {last.l_mem}, of which its own state is "
            f"{share:.1%}; from l_mem {first.l_mem} to {last.l_mem} it grows by "
            f"{file_size(grown)}. What such a stream pays for is mostly copies. (A process of "
            f"its own would add its CUDA context, which is not counted here.)",
            f"Shared weights leave the state: {file_size(last.state_bytes)} a stream at l_mem "
            f"{last.l_mem}.",
            *self._other_explanation(last),
        )

    def _other_explanation(self, last: StudyRow) -> tuple[str, ...]:
        if last.copied_bytes >= STUDY_STREAM_BYTES[0]:
            return ()
        return (
            f"Copies alone do not reach 2.5 GB. A step of fam-swin-t in float32 that keeps what "
            f"gradients need does: {file_size(GRADIENTS_BYTES)}, measured. That the study ran "
            f"outside torch.no_grad() would explain its figure; its code is not at hand.",
        )


def compare_with_study(request: PlanRequest) -> StudyComparison:
    """Recompute the study's table for a model; the request's `l_mem` and device do not matter."""
    return StudyComparison(rows=tuple(_row(request, l_mem) for l_mem in STUDY_L_MEMS))


def _row(request: PlanRequest, l_mem: int) -> StudyRow:
    size = replace(request.size, l_mem=l_mem)
    alone = estimate(request.config, replace(size, batch_size=1), request.backbone)
    breakdown = (
        Part("weights", alone.weight_bytes),
        Part("tables", alone.table_bytes),
        Part("activations", alone.activation_bytes),
        Part("state", alone.state_bytes),
    )
    copied = sum(part.amount for part in breakdown)
    usable = 1 - request.free_share
    return StudyRow(
        l_mem=l_mem,
        breakdown=breakdown,
        copied_streams={gb: int(gb * GB * usable / copied) for gb in DEVICES_GB},
        shared={gb: plan(replace(request, size=size, device_bytes=gb * GB)) for gb in DEVICES_GB},
    )
