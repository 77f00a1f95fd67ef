"""Figures of results, for the app and for notebooks: results in, a Plotly figure out.

No model is run here. Each figure takes a `theme`, `light` or `dark`, in the colours of the app.
Plotly comes with `pip install 'vidmem[app]'` or `'vidmem[notebooks]'`.
"""

from vidmem.figures.block_masks import block_mask_figure
from vidmem.figures.masks import mask_figure

__all__ = ["block_mask_figure", "mask_figure"]
