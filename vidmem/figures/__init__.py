"""Figures of results, for the app and for notebooks: results in, a Plotly figure out.

No model is run here. Each figure takes a `theme`, `light` or `dark`, in the colours of the app.
Plotly comes with `pip install 'vidmem[app]'` or `'vidmem[notebooks]'`.
"""

from vidmem.figures.attention import (
    gathered_figure,
    head_clip_figure,
    head_grid_figure,
    mean_age_figure,
    memory_map_figure,
    memory_share_figure,
    offset_figure,
)
from vidmem.figures.attribution import effects_figure, occlusion_figure, pixel_figure
from vidmem.figures.cost import footprint_figure, plan_memory_figure, plan_streams_figure
from vidmem.figures.filmstrip import filmstrip_figure
from vidmem.figures.labels import actogram_figure, ethogram_figure, transitions_figure
from vidmem.figures.masks import block_mask_figure, mask_figure, mask_page
from vidmem.figures.shares import shares_figure
from vidmem.figures.teaching import (
    behaviour_f1_figure,
    calibration_figure,
    candidates_figure,
    confusion_figure,
    learning_curve_figure,
    less_memory_figure,
    split_figure,
)
from vidmem.figures.theme import THEMES, ThemeName
from vidmem.renamed import renamed_names
from vidmem.units import memory_size

__all__ = [
    "THEMES",
    "ThemeName",
    "actogram_figure",
    "behaviour_f1_figure",
    "block_mask_figure",
    "calibration_figure",
    "candidates_figure",
    "confusion_figure",
    "effects_figure",
    "ethogram_figure",
    "filmstrip_figure",
    "footprint_figure",
    "gathered_figure",
    "head_clip_figure",
    "head_grid_figure",
    "learning_curve_figure",
    "less_memory_figure",
    "mask_figure",
    "mask_page",
    "mean_age_figure",
    "memory_map_figure",
    "memory_share_figure",
    "memory_size",
    "occlusion_figure",
    "offset_figure",
    "pixel_figure",
    "plan_memory_figure",
    "plan_streams_figure",
    "shares_figure",
    "split_figure",
    "transitions_figure",
]

__getattr__ = renamed_names(
    __name__,
    {
        "memory_time_figure": "footprint_figure",
    },
)
