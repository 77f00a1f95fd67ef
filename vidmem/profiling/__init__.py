"""What a model costs: memory and time, estimated and measured."""

from vidmem.profiling.estimate import estimate
from vidmem.profiling.gauges import DeviceGauge, DeviceHeld, HostGauge, HostHeld, weights_bytes
from vidmem.profiling.held import Held
from vidmem.profiling.live_bytes import LiveBytes, peak_live_bytes
from vidmem.profiling.plan import Plan, plan
from vidmem.profiling.plan_numbers import plan_numbers, study_numbers
from vidmem.profiling.plan_request import PlanRequest, memory_of_this_machine, request_for
from vidmem.profiling.process import ProcessGauge
from vidmem.profiling.rate import measure_clips_per_second
from vidmem.profiling.seed_study import StudyComparison, compare_with_study
from vidmem.profiling.sizing import Estimate, Part, StepSize
from vidmem.profiling.timeline import EVENT_KINDS, MemoryEvent, MemoryRecord, MemoryTimeline
from vidmem.profiling.trend import Slope

__all__ = [
    "EVENT_KINDS",
    "DeviceGauge",
    "DeviceHeld",
    "Estimate",
    "Held",
    "HostGauge",
    "HostHeld",
    "LiveBytes",
    "MemoryEvent",
    "MemoryRecord",
    "MemoryTimeline",
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
