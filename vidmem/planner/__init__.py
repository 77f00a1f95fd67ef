"""What a model holds and computes before it runs, and how many streams a machine takes."""

from vidmem.planner.estimate import estimate
from vidmem.planner.numbers import plan_numbers, study_numbers
from vidmem.planner.plan import Plan, plan
from vidmem.planner.rate import measure_clips_per_second
from vidmem.planner.request import PlanRequest, memory_of_this_machine, request_for
from vidmem.planner.sizing import Estimate, Part, StepSize
from vidmem.planner.study import StudyComparison, compare_with_study
from vidmem.planner.tensor_bytes import LiveBytes, peak_live_bytes

__all__ = [
    "Estimate",
    "LiveBytes",
    "Part",
    "Plan",
    "PlanRequest",
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
]
