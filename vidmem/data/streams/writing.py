"""A long stream as a file, with its labels beside it, for programs that want files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidmem.data.encoding import Encoding, write_mp4
from vidmem.data.streams.long_stream import LongStream
from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels, write

BATCH_FRAMES = 16


@dataclass(frozen=True)
class WrittenStream:
    """The files that `write_stream` wrote."""

    video_path: Path
    labels_path: Path
    num_frames: int


def write_stream(
    stream: LongStream,
    out_path: str | Path,
    *,
    quality: int = 26,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> WrittenStream:
    """Write a stream into an MP4 file, and its labels into `<name>.labels.csv` beside it.

    Frames are decoded, coded and forgotten one batch at a time. Samples whose label is held back
    are frames without a label.

    Args:
        stream: Its width and height must be even.
        out_path: Of the MP4 file; its folder must exist.
        quality: Constant rate factor of H.264: lower is better and larger.
        overwrite: Take the place of labels that are there.
        on_progress: Told how many frames are written, and of how many.

    Raises:
        StorageError: If the files cannot be written.
        UnreadableVideoError: If a video cannot be read.
        DecoderError: If a decoder hangs, crashes or grows too large.
        LabelError: If a class has a name that labels cannot have.
        ValueError: If width or height is odd.
    """
    encoding = Encoding(width=stream.width, height=stream.height, fps=stream.fps, quality=quality)
    path = Path(out_path)
    labels = stream_labels(stream, path.name)

    def frames() -> Iterator[NDArray[np.uint8]]:
        for batch in stream.batches(BATCH_FRAMES):
            yield from batch.pixels.numpy()
            on_progress(batch.start_frame + len(batch), stream.num_frames)

    labels_path = path.with_suffix(".labels.csv")
    write_mp4(path, frames(), encoding)
    write(labels, labels_path, format="csv", overwrite=overwrite)
    return WrittenStream(path, labels_path, stream.num_frames)


def stream_labels(stream: LongStream, video: str) -> Labels:
    """What is seen in a stream, as labels of a video: a bout for each class of each sample.

    Where a sample has several classes, each class is an axis of its own.

    Raises:
        LabelError: If a class has a name that labels cannot have.
    """
    names, fps = stream.class_names, stream.fps
    is_multi_label = any(len(part.sample.classes) > 1 for part in stream.parts)
    behaviours = (
        Behaviour(name, axis=name) if is_multi_label else Behaviour(name) for name in names
    )
    bouts = tuple(
        Bout(video, part.start_frame / fps, part.end_frame / fps, names[index])
        for part in stream.parts
        for index in part.sample.classes
    )
    known = LabelledVideo(video, stream.duration_seconds, fps)
    return Labels(Ethogram(tuple(behaviours)), bouts, videos=(known,))
