"""Pictures of a video, read for a notebook: by themselves, or in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.errors import SettingError
from vidmem.figures import ThemeName, filmstrip_figure
from vidmem.units import clock, clock_range
from vidmem.video import Picture, PictureReader

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

STRIP_PIXELS = 180
"""Height of the pictures as they are decoded."""


def filmstrip(
    video: str | Path,
    *,
    num_pictures: int = 6,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    name: Callable[[float], str] | None = None,
    theme: ThemeName = "light",
) -> Figure:
    """Draw pictures of a video at even distances, each with its time.

    Args:
        video: A video file.
        num_pictures: How many; each stands for an equal part, and is from the middle of it.
        start_seconds: Where the first part begins.
        end_seconds: Where the last part ends; `None`: with the video.
        name: What else is said of a time, such as a label, on a line of its own.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no picture or no time to show, or no such theme.
        UnreadableVideoError: If the file cannot be read.
        MissingPackageError: If Plotly is not installed.
    """
    if num_pictures < 1:
        raise SettingError(f"num_pictures must be at least 1, got {num_pictures}")
    with closing(PictureReader(video, max_height=STRIP_PIXELS)) as reader:
        end = reader.info.duration_seconds if end_seconds is None else end_seconds
        if not 0 <= start_seconds < end:
            raise SettingError(
                f"a filmstrip goes forward in time, got {start_seconds:g} s to {end:g} s"
            )
        times = _middles(start_seconds, end, num_pictures)
        pictures = [reader.picture(seconds) for seconds in times]
    names = [clock(at, has_tenths=end - start_seconds < num_pictures) for at in times]
    if name is not None:
        names = [f"{shown}\n{name(at)}" for shown, at in zip(names, times, strict=True)]
    return filmstrip_figure(
        pictures, names, title=f"{Path(video).name}, {clock_range(start_seconds, end)}", theme=theme
    )


def read_pictures(video: str | Path, seconds: Sequence[float]) -> list[Picture]:
    """The pictures on display at some times of a video, small.

    Raises:
        UnreadableVideoError: If the file cannot be read.
    """
    with closing(PictureReader(video, max_height=STRIP_PIXELS)) as reader:
        return [reader.picture(at) for at in seconds]


def _middles(start: float, end: float, count: int) -> Sequence[float]:
    return [start + (end - start) * (number + 0.5) / count for number in range(count)]
