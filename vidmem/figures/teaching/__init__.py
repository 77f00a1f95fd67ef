"""Figures of the report of a taught model: how good it is, how sure, and what is missing."""

from vidmem.figures.teaching.behaviours import behaviour_f1_figure
from vidmem.figures.teaching.calibration import calibration_figure
from vidmem.figures.teaching.candidates import candidates_figure, less_memory_figure
from vidmem.figures.teaching.confusion import confusion_figure
from vidmem.figures.teaching.curve import learning_curve_figure
from vidmem.figures.teaching.split import split_figure

__all__ = [
    "behaviour_f1_figure",
    "calibration_figure",
    "candidates_figure",
    "confusion_figure",
    "learning_curve_figure",
    "less_memory_figure",
    "split_figure",
]
