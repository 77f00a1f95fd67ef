"""Task of a decoding child: sampled frames in order, restarted at another place on command."""

from __future__ import annotations

import contextlib
import importlib
import os
from typing import Any

import numpy as np

from vidmem.video.child.format import MAX_FRAMES_BYTES
from vidmem.video.child.main import Interrupted, Parent
from vidmem.video.probe import probe_video
from vidmem.video.readers.decord import is_decord_installed
from vidmem.video.readers.sampled_video import SampledVideo
from vidmem.video.readers.sources import Sample


def prepare(settings: dict[str, Any]) -> None:
    """Load decord where it is wanted: from inside the box it could not be."""
    if settings.get("reader") == "decord" and is_decord_installed():
        os.environ.setdefault("PATH", "")  # decord reads it, and fails where there is none
        for name in ("decord", "psutil"):
            importlib.import_module(name)


def probe(parent: Parent, settings: dict[str, Any]) -> None:
    """Say what a file is."""
    parent.send("info", info=probe_video(settings["path"], parent.tick).to_json())


def run(parent: Parent, settings: dict[str, Any]) -> None:
    """Open the video, say so, and send frames until the end; then wait for another command."""
    info = probe_video(settings["path"], parent.tick)
    video = SampledVideo(
        info,
        fps=settings["fps"],
        size=(settings["width"], settings["height"]),
        reader=settings["reader"],
        tick=parent.tick,
        copy=parent.copy,
    )
    parent.send("open", info=info.to_json(), name=video.reader_name, reason=video.reader_reason)
    parent.while_waiting(video.relieve)
    command = {"start": settings["start"], "fps": settings["fps"], "run": settings["run"]}
    while True:
        video.set_fps(command["fps"])
        with contextlib.suppress(Interrupted):
            _send_samples(parent, video, command, settings["batch_frames"])
        command = parent.wait()


def _send_samples(
    parent: Parent, video: SampledVideo, command: dict[str, Any], batch_frames: int
) -> None:
    batch: list[Sample] = []
    most = max(1, min(batch_frames, MAX_FRAMES_BYTES // (video.size[0] * video.size[1] * 3)))
    for sample in video.samples(command["start"]):
        parent.tick()
        if sample.is_behind_break:
            # Damage is told before the break that it made.
            _send_batch(parent, video, command["run"], batch, is_end=False)
            batch = []
        batch.append(sample)
        if len(batch) == most:
            _send_batch(parent, video, command["run"], batch, is_end=False)
            batch = []
    _send_batch(parent, video, command["run"], batch, is_end=True)


def _send_batch(
    parent: Parent, video: SampledVideo, run_number: int, batch: list[Sample], *, is_end: bool
) -> None:
    pixels = np.stack([sample.pixels for sample in batch]).tobytes() if batch else b""
    gaps = [[gap.start_seconds, gap.end_seconds, gap.reason] for gap in video.take_gaps()]
    if not (batch or gaps or is_end):
        return
    parent.send(
        "frames",
        pixels,
        run=run_number,
        indices=[sample.index for sample in batch],
        seconds=[sample.pts_seconds for sample in batch],
        gaps=gaps,
        is_behind_break=bool(batch) and batch[0].is_behind_break,
        name=video.reader_name,
        reason=video.reader_reason,
        is_end=is_end,
    )
