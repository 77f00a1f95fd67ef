"""A sample of a dataset: a span of a video, and what is seen in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of the picture, 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSample:
    """A video, or a span of one, with its classes."""

    video: Path
    classes: tuple[int, ...]
    """Indices into the class names of the manifest, in order; empty: the label is held back, as
    that of most test subsets is."""

    start_seconds: float = 0.0
    """From the first frame of the video."""

    end_seconds: float | None = None
    """Half open; `None`: to the end of the video."""

    subset: str = ""
    """`train`, `val` or `test`; empty: the dataset does not say."""

    group: str = ""
    """What must not be divided when subsets are made, such as the recording it was cut from."""

    subject: str = ""
    """Who or what does it, where one video shows several."""

    box: Box | None = None
    """Where in the picture that is."""

    annotation: Path
    """The file that says so; of a folder per class, the video itself."""

    place: str = ""
    """Where in it: `row 12`, or a path into JSON; empty: it is the file as a whole."""

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole video."""
        return self.start_seconds == 0 and self.end_seconds is None
