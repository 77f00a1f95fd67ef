"""Figures of results, for the app and for notebooks: results in, a Plotly figure out.

No model is run here. Each figure takes a `theme`, `light` or `dark`, in the colours of the app.
Plotly comes with `pip install 'vidmem[app]'` or `'vidmem[notebooks]'`.
"""

from vidmem.figures.attribution import occlusion_figure, pixel_figure
from vidmem.figures.block_masks import block_mask_figure
from vidmem.figures.effects import effects_figure
from vidmem.figures.frame_look import frame_look_figure
from vidmem.figures.gathered import gathered_figure
from vidmem.figures.head_grid import head_grid_figure
from vidmem.figures.heads import offset_figure
from vidmem.figures.masks import mask_figure
from vidmem.figures.memory import head_clip_figure, mean_age_figure, memory_share_figure
from vidmem.figures.memory_map import memory_map_figure
from vidmem.figures.memory_time import memory_time_figure
from vidmem.figures.plan import memory_size, plan_memory_figure, plan_streams_figure
from vidmem.figures.theme import THEMES, ThemeName

__all__ = [
    "THEMES",
    "ThemeName",
    "block_mask_figure",
    "effects_figure",
    "frame_look_figure",
    "gathered_figure",
    "head_clip_figure",
    "head_grid_figure",
    "mask_figure",
    "mean_age_figure",
    "memory_map_figure",
    "memory_share_figure",
    "memory_size",
    "memory_time_figure",
    "occlusion_figure",
    "offset_figure",
    "pixel_figure",
    "plan_memory_figure",
    "plan_streams_figure",
]
