"""A barn video as a file, with its labels beside it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidmem.data.barn.behaviour import BarnConfig, DrawnBout
from vidmem.data.barn.video import BarnVideo
from vidmem.data.encoding import Encoding, write_mp4
from vidmem.errors import StorageError

_COLUMNS = ("start_seconds", "end_seconds", "label", "deciding_seconds")


@dataclass(frozen=True)
class WrittenVideo:
    """The files that `write_video` wrote."""

    video_path: Path
    labels_path: Path
    num_frames: int
    codec: str


def write_video(  # noqa: PLR0913 - all but two have a default, and are named
    config: BarnConfig,
    out_path: str | Path,
    *,
    width: int = 640,
    height: int = 360,
    fps: float = 12.5,
    quality: int = 26,
    crop: tuple[int, int, int, int] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> WrittenVideo:
    """Draw a barn video into an MP4 file, and its bouts into `<name>.labels.csv` beside it.

    Frames are drawn, coded and forgotten one at a time.

    Args:
        config: Of the video.
        out_path: Of the MP4 file; its folder must exist.
        width: Pixels, even.
        height: Pixels, even.
        fps: Frames per second.
        quality: Constant rate factor of H.264: lower is better and larger.
        crop: Left, top, width and height, even, of the part of the picture that is kept, as by a
            camera over one pen; `None`: all of it.
        on_progress: Called after each frame with the frames written and the frames in all.

    Raises:
        StorageError: If the files cannot be written.
        ValueError: If width or height is odd, or the crop is not within the picture.
    """
    left, top, kept_width, kept_height = crop or (0, 0, width, height)
    if min(left, top) < 0 or left + kept_width > width or top + kept_height > height:
        raise ValueError(f"crop must lie within {width} x {height} pixels, got {crop}")
    rows, columns = slice(top, top + kept_height), slice(left, left + kept_width)
    encoding = Encoding(width=kept_width, height=kept_height, fps=fps, quality=quality)
    path = Path(out_path)
    labels_path = path.with_suffix(".labels.csv")
    video = BarnVideo(config)
    num_frames = round(video.duration_seconds * fps)

    def frames() -> Iterator[NDArray[np.uint8]]:
        for number in range(num_frames):
            drawn = video.frame(number / encoding.exact_fps, width, height)
            yield np.ascontiguousarray(drawn[rows, columns])
            if on_progress is not None:
                on_progress(number + 1, num_frames)

    codec = write_mp4(path, frames(), encoding)
    try:
        write_labels(video.bouts, labels_path)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(
            f"cannot write {labels_path}: {reason}; choose a folder that exists and has room"
        ) from error
    return WrittenVideo(
        video_path=path, labels_path=labels_path, num_frames=num_frames, codec=codec
    )


def write_labels(bouts: tuple[DrawnBout, ...], path: str | Path) -> None:
    """Write bouts as CSV; `deciding_seconds` is empty unless the sow rests."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for bout in bouts:
            deciding = "" if bout.deciding_seconds is None else f"{bout.deciding_seconds:.3f}"
            writer.writerow(
                [f"{bout.start_seconds:.3f}", f"{bout.end_seconds:.3f}", bout.label, deciding]
            )
