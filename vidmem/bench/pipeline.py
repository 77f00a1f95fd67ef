"""The part of `vidmem bench` that needs a video: decoding alone, the model alone, and both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

import vidmem
from vidmem.bench.parts import BenchSize
from vidmem.bench.results import BenchRow
from vidmem.bench.timing import Clock, clock
from vidmem.data.barn import BarnConfig, write_video
from vidmem.processors import fit_threads
from vidmem.streaming import Engine, Stream, StreamSettings
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed
from vidmem.streaming.prediction import Prediction
from vidmem.video.sampling import Window

MINUTES = {False: 1.0, True: 5.0}
"""Length of the drawn video, by whether `--full` is given."""


def bench_pipeline(size: BenchSize) -> Iterator[BenchRow]:
    """The engine over a drawn barn video with the bundled model, beside each of its halves."""
    threads = torch.get_num_threads()  # `fit_threads` changes it, and other parts are still to come
    try:
        with TemporaryDirectory(prefix="vidmem-") as folder:
            video = Path(folder) / "barn.mp4"
            write_video(BarnConfig(minutes=MINUTES[size.is_full]), video)
            yield from _rows(size, video)
    finally:
        torch.set_num_threads(threads)


def _rows(size: BenchSize, video: Path) -> Iterator[BenchRow]:
    halves = _Halves.of(video, size.device)
    fit_threads(halves.model)
    ways: dict[str, Clock] = {
        "pipeline": clock(halves.both, size.device),
        "model": clock(halves.model_alone, size.device),
        "decode": clock(halves.decode_alone, size.device),
    }
    timings = size.compare(ways)
    clips = {name: timing.over(len(halves.windows)) for name, timing in timings.items()}
    what = "pipeline: vidmem.watch over 640 x 360 at 12.5 frames a second, fam-swin-nano"
    per = f"clip of {halves.model.card.clip_frames} frames"
    for name, text in (("model", "the model alone, pixels ready"), ("decode", "decoding alone")):
        yield BenchRow.of("pipeline", (what, text), (clips["pipeline"], clips[name]), per=per)


@dataclass(frozen=True)
class _Halves:
    """A video, its clips as they were decoded once, and a model."""

    video: Path
    model: vidmem.models.FamSwin
    settings: StreamSettings
    windows: list[Window]
    pixels: list[Tensor]

    @classmethod
    def of(cls, video: Path, device: torch.device) -> _Halves:
        model = vidmem.load("fam-swin-nano", device=str(device), dtype="float32")
        assert isinstance(model, vidmem.models.FamSwin)
        settings = StreamSettings.for_model(model)
        predictions: list[Prediction] = []
        with Engine(video, model, settings) as engine:
            predictions.extend(engine)
        frames = settings.clip_frames
        pixels = _read_all(video, model, settings)
        clips = list(pixels[: len(predictions) * frames].split(frames))
        # Without a shorter last clip: the engine pads it, and these pixels are not padded.
        whole = [clip for clip in clips if len(clip) == frames]
        windows = [prediction.window for prediction in predictions][: len(whole)]
        return cls(video, model, settings, windows, whole)

    def both(self) -> None:
        with Engine(self.video, self.model, self.settings) as engine:
            for _ in engine:
                pass

    def model_alone(self) -> None:
        stream = Stream(self.model, self.settings)
        for window, pixels in zip(self.windows, self.pixels, strict=True):
            stream.step(window, pixels)

    def decode_alone(self) -> None:  # in the decoder's own process, as a run has it
        _read_all(self.video, self.model, self.settings)


def _read_all(video: Path, model: vidmem.models.FamSwin, settings: StreamSettings) -> Tensor:
    request = FeedRequest(
        path=video, card=model.card, fps=settings.fps, start_frame=0, reader="auto"
    )
    feed, parts = open_file_feed(request), []
    try:
        while not parts or not parts[-1].is_end:
            parts.append(feed.read(settings.clip_frames))
        return torch.cat([part.pixels for part in parts])
    finally:
        feed.close()
