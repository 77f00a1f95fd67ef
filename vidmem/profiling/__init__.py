"""What a run holds over time, measured; and, from `vidmem.planner`, what a model will cost."""

from vidmem.planner.estimate import estimate
from vidmem.planner.numbers import plan_numbers, study_numbers
from vidmem.planner.plan import Plan, plan
from vidmem.planner.rate import measure_clips_per_second
from vidmem.planner.request import PlanRequest, memory_of_this_machine, request_for
from vidmem.planner.sizing import Estimate, Part, StepSize
from vidmem.planner.study import StudyComparison, compare_with_study
from vidmem.planner.tensor_bytes import LiveBytes, peak_live_bytes
from vidmem.profiling.gauges import (
    DeviceGauge,
    DeviceSample,
    FootprintSample,
    HostGauge,
    HostSample,
    ProcessGauge,
    weights_bytes,
)
from vidmem.profiling.timeline import (
    EVENT_KINDS,
    FootprintEvent,
    FootprintRecord,
    FootprintTimeline,
)
from vidmem.profiling.trend import Slope
from vidmem.renamed import renamed_names

__all__ = [
    "EVENT_KINDS",
    "DeviceGauge",
    "DeviceSample",
    "Estimate",
    "FootprintEvent",
    "FootprintRecord",
    "FootprintSample",
    "FootprintTimeline",
    "HostGauge",
    "HostSample",
    "LiveBytes",
    "Part",
    "Plan",
    "PlanRequest",
    "ProcessGauge",
    "Slope",
    "StepSize",
    "StudyComparison",
    "compare_with_study",
    "estimate",
    "measure_clips_per_second",
    "memory_of_this_machine",
    "peak_live_bytes",
    "plan",
    "plan_numbers",
    "request_for",
    "study_numbers",
    "weights_bytes",
]

__getattr__ = renamed_names(
    __name__,
    {
        "DeviceHeld": "DeviceSample",
        "Held": "FootprintSample",
        "HostHeld": "HostSample",
        "MemoryEvent": "FootprintEvent",
        "MemoryRecord": "FootprintRecord",
        "MemoryTimeline": "FootprintTimeline",
    },
)
