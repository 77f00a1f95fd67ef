"""Figures of what a run holds over time, and of what a device has room for."""

from vidmem.figures.cost.footprint import footprint_figure
from vidmem.figures.cost.plan import plan_memory_figure, plan_streams_figure

__all__ = [
    "footprint_figure",
    "plan_memory_figure",
    "plan_streams_figure",
]
