"""Figures of labels: an ethogram over time, days under each other, and what follows what."""

from vidmem.figures.labels.actogram import actogram_figure
from vidmem.figures.labels.ethogram import ethogram_figure
from vidmem.figures.labels.transitions import transitions_figure

__all__ = ["actogram_figure", "ethogram_figure", "transitions_figure"]
