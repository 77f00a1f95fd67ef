"""Figures of results, for the app and for notebooks: results in, a Plotly figure out.

No model is run here. Each figure takes a `theme`, `light` or `dark`, in the colours of the app.
Plotly comes with `pip install 'vidmem[app]'` or `'vidmem[notebooks]'`.
"""

from vidmem.figures.block_masks import block_mask_figure
from vidmem.figures.heads import offset_figure
from vidmem.figures.masks import mask_figure
from vidmem.figures.memory import head_clip_figure, mean_age_figure, memory_share_figure
from vidmem.figures.theme import THEMES, ThemeName

__all__ = [
    "THEMES",
    "ThemeName",
    "block_mask_figure",
    "head_clip_figure",
    "mask_figure",
    "mean_age_figure",
    "memory_share_figure",
    "offset_figure",
]
