"""What the notebooks teach with: filmstrips, widgets, guesses held to results, checked exercises.

Widgets need ipywidgets and anywidget, which come with `pip install 'vidmem[notebooks]'`; they are
imported when one is made, and nothing else in vidmem needs them.
"""

from vidmem.notebooks.exercises import Check, check
from vidmem.notebooks.explorer import Explorer, explore
from vidmem.notebooks.filmstrip import filmstrip, read_pictures
from vidmem.notebooks.guesses import GuessComparison, compare_guess
from vidmem.notebooks.video_chooser import VideoChooser

__all__ = [
    "Check",
    "Explorer",
    "GuessComparison",
    "VideoChooser",
    "check",
    "compare_guess",
    "explore",
    "filmstrip",
    "read_pictures",
]
