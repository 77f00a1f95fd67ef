"""One call to watch a video: what notebooks, scripts and the command line start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vidmem.errors import VidmemError
from vidmem.models.interface import StreamModel
from vidmem.models.presets import load
from vidmem.streaming.engine import Engine
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.saving.run_files import RunFiles
from vidmem.streaming.settings import StreamSettings


def watch(  # noqa: PLR0913 - each is a setting that people name in one line of a script
    source: str | Path,
    model: str | Path | StreamModel,
    *,
    fps: float | None = None,
    clip_frames: int | None = None,
    window_stride: int | None = None,
    l_mem: int | None = None,
    window_frames: int | None = None,
    local_frame_range: int | None = None,
    start_seconds: float = 0.0,
    reader: str = "auto",
    device: str = "auto",
    dtype: str = "auto",
    out: str | Path | None = None,
    state: str | Path | None = None,
    resume: bool = False,
) -> Iterator[Prediction]:
    """Predict a video window by window, as it streams.

    Args:
        source: A video file; or live, an address (`rtsp://...`) or a camera (`/dev/video0`): it is
            watched as it comes, without `start_seconds` and `state`.
        model: A model, or what `vidmem.load` takes.
        fps: Sampled frames per second of source time; this and the next five are the model's own
            where they are `None`.
        clip_frames: Sampled frames in a clip.
        window_stride: Sampled frames from the start of one window to the start of the next.
        l_mem: Clips remembered; 0 is memory off.
        window_frames: Another way to say `l_mem`: frames seen at once, those of the newest clip
            included.
        local_frame_range: Frames that Spool's heads look back and ahead. For a model on features
            of groups of sampled frames this and `window_frames` count groups.
        start_seconds: Where to begin.
        reader: "auto" (PyAV), "pyav" or "decord"; a resumed run goes on with the one it had.
        device: For a model given by name.
        dtype: For a model given by name.
        out: A predictions.csv to write as predictions come.
        state: A file to save the stream to, now and then and at the end.
        resume: Go on from `state`, with the settings it was saved with.

    Returns:
        A generator of predictions, one per window, each when it is final: for a model that looks
        ahead that is some windows later (`Engine` gives provisional ones too). Settings are checked
        at once; the video is opened with the first prediction. Stopping early (`break`, an error,
        `close`) saves the state and frees the decoder.

    Raises:
        VidmemError: If the video, a setting, the model or a file is not usable; it says why.
    """
    if isinstance(model, str | Path):
        model = load(model, device=device, dtype=dtype)
    files = RunFiles(out=out, state_path=state, resume=resume)
    overrides = {
        "fps": fps,
        "clip_frames": clip_frames,
        "window_stride": window_stride,
        "l_mem": l_mem,
        "window_frames": window_frames,
        "local_frame_range": local_frame_range,
    }
    settings = StreamSettings.for_model(model, **overrides)
    # A resumed run keeps the settings it was saved with, unless some are given here.
    is_as_saved = resume and all(value is None for value in overrides.values())
    engine_settings = None if is_as_saved else settings
    # A generator of its own: in one with this function, settings would be checked only when the
    # first prediction is asked for.
    return _predictions(source, model, engine_settings, start_seconds, reader, files)


def _predictions(
    source: str | Path,
    model: StreamModel,
    settings: StreamSettings | None,
    start_seconds: float,
    reader: str,
    files: RunFiles,
) -> Iterator[Prediction]:
    with Engine(
        source, model, settings, start_seconds=start_seconds, reader=reader, files=files
    ) as engine:
        try:
            for prediction in engine:
                yield from prediction.settled
        except VidmemError:  # after what was judged but not final yet: it would be lost
            yield from engine.take_left()
            raise
        yield from engine.take_left()
