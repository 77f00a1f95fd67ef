"""Figures of masks: who may attend to whom, pair by pair and block by block."""

from vidmem.figures.masks.blocks import block_mask_figure
from vidmem.figures.masks.page import mask_page
from vidmem.figures.masks.pairs import mask_figure

__all__ = [
    "block_mask_figure",
    "mask_figure",
    "mask_page",
]
