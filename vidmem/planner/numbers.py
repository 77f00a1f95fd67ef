"""A plan and the study's tables as plain numbers, for a program or a file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from vidmem.models.architectures import architecture_of
from vidmem.planner.plan import Plan
from vidmem.planner.request import PlanRequest
from vidmem.planner.study import StudyComparison, StudyRow


def plan_numbers(request: PlanRequest, plan: Plan) -> dict[str, Any]:
    """All figures of a plan, in bytes, seconds and FLOPs."""
    size, cost = request.size, plan.estimate
    return {
        "architecture": architecture_of(request.config).name,
        "size": {**asdict(size), "dtype": str(size.dtype).removeprefix("torch.")},
        "fps": request.fps,
        "window_stride": request.window_stride,
        "device_bytes": request.device_bytes,
        "free_share": request.free_share,
        "clips_per_second": request.clips_per_second,
        "decode_speed": request.decode_speed,
        "batch_size": plan.batch_size,
        "seconds_per_clip": plan.seconds_per_clip,
        "seconds_between_clips": plan.seconds_between_clips,
        "seconds_remembered": plan.seconds_remembered,
        "weight_bytes": cost.weight_bytes,
        "table_bytes": cost.table_bytes,
        "activation_bytes": cost.activation_bytes,
        "step_bytes": plan.step_bytes,
        "state_bytes": plan.state_bytes,
        "usable_bytes": plan.usable_bytes,
        "live_bytes": [asdict(part) for part in cost.live],
        "flops_per_clip": cost.total_flops // plan.batch_size,
        "flops_of_a_step": [asdict(part) for part in cost.flops],
        "streams_in_memory": plan.streams_in_memory,
        "streams_computed": plan.streams_computed,
        "streams_decoded": plan.streams_decoded,
        "streams": plan.streams,
        "binds": plan.binds,
        "sentence": plan.sentence,
    }


def study_numbers(compared: StudyComparison) -> dict[str, Any]:
    """The study's tables as numbers."""
    return {
        "rows": [_study_row(row) for row in compared.rows],
        "sentences": list(compared.sentences),
    }


def _study_row(row: StudyRow) -> dict[str, Any]:
    return {
        "l_mem": row.l_mem,
        "breakdown_bytes": {part.name: part.amount for part in row.breakdown},
        "copied_bytes": row.copied_bytes,
        "copied_streams": {str(gb): count for gb, count in row.copied_streams.items()},
        "shared_streams": {str(gb): plan.streams_in_memory for gb, plan in row.shared.items()},
    }
