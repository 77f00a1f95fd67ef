"""Figures of what mattered: which clips, and which parts of the picture, a score rests on."""

from vidmem.figures.attribution.effects import effects_figure
from vidmem.figures.attribution.picture_parts import occlusion_figure, pixel_figure

__all__ = [
    "effects_figure",
    "occlusion_figure",
    "pixel_figure",
]
