"""Task of a decoding child: JPEG pictures for people's eyes, at the times asked for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from PIL import Image

from vidmem.errors import DecoderError
from vidmem.units import clock
from vidmem.video.child.main import Interrupted, Parent
from vidmem.video.probe import VideoInfo, probe_video
from vidmem.video.readers.pyav import FrameCursor, PyavSource
from vidmem.video.sampling import SampleClock


def picture_size(info: VideoInfo, max_height: int) -> tuple[int, int]:
    """Width and height as a person should see it, at most `max_height` high; never enlarged."""
    height = min(info.display_height, max_height)
    width = round(info.display_width * height / info.display_height)
    return max(1, width), max(1, height)


def run(parent: Parent, settings: dict[str, Any]) -> None:
    """Open the video, say so, and answer each request with a picture."""
    info = probe_video(settings["path"], parent.tick)
    width, height = picture_size(info, settings["max_height"])
    source = PyavSource(info, width, height, skip=False, tick=parent.tick)
    cursor = FrameCursor(source)
    parent.send("open", info=info.to_json(), width=width, height=height)
    for command in _commands(parent):
        try:
            _answer(parent, cursor, command, settings["quality"])
        except Interrupted:
            cursor = FrameCursor(source)
        except DecoderError as error:
            parent.send_error(error, run=command["run"])


def _commands(parent: Parent) -> Iterator[dict[str, Any]]:
    while True:
        yield parent.wait()


def _answer(parent: Parent, cursor: FrameCursor, command: dict[str, Any], quality: int) -> None:
    info = cursor.source.info
    times = SampleClock.make(1.0, info.tick, info.start_pts)
    pts = times.pts_at(max(0.0, command["seconds"]))
    decoded = cursor.frame_at(pts)
    if decoded is None:
        when = clock(command["seconds"], has_tenths=True)
        raise DecoderError(f"{info.path}: no picture can be decoded at {when}")
    picture = Image.fromarray(cursor.source.to_pixels(decoded.frame))
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=quality)
    seconds = float((decoded.pts - info.start_pts) * info.tick)
    parent.send("picture", buffer.getbuffer(), run=command["run"], seconds=seconds)
