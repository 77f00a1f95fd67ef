"""Figures of what a model attended to: how far its heads look, and what it reads in its memory."""

from vidmem.figures.attention.gathered import gathered_figure
from vidmem.figures.attention.head_grid import head_grid_figure
from vidmem.figures.attention.heads import offset_figure
from vidmem.figures.attention.memory import head_clip_figure, mean_age_figure, memory_share_figure
from vidmem.figures.attention.memory_map import memory_map_figure

__all__ = [
    "gathered_figure",
    "head_clip_figure",
    "head_grid_figure",
    "mean_age_figure",
    "memory_map_figure",
    "memory_share_figure",
    "offset_figure",
]
