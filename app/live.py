"""Live sources that a run can watch: which addresses, what is known of them, their pictures."""

from __future__ import annotations

import base64
import io
import ipaddress
import itertools
import math
import re
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from app import live_text
from app.clip_frames import MAX_FRAMES, MAX_HEIGHT, MAX_HELD, QUALITY, Frame
from app.pictures import Shown, numbers
from app.videos import Video
from app.webcam import Webcam
from vidmem.errors import SettingError
from vidmem.streaming import is_live
from vidmem.video import file_stem, without_credentials

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "srt")
"""Of cameras that are called; none that would have this machine listen."""

MAX_ADDRESS_CHARACTERS = 2000
FRAMES_KEPT = 8
"""Of each clip, to be looked at again while the model remembers it."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_LISTENS = re.compile(r"[?&](listen|mode=(listener|rendezvous))", re.IGNORECASE)
_DEVICE = re.compile(r"/dev/video\d{1,3}")
_numbers = itertools.count(1)
"""Of the live sources of the process: the picture of one is not shown for another."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an app that listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def address_video(text: str) -> Video:
    """A live source that a visitor typed.

    Raises:
        SettingError: If it is no address that is opened: of a camera, never of a file.
    """
    address = text.strip()
    scheme = _SCHEME.match(address)
    is_known = scheme is not None and scheme[1].lower() in SCHEMES and is_live(address)
    is_known = is_known and not _LISTENS.search(address) and _has_host(address)
    is_short = 0 < len(address) <= MAX_ADDRESS_CHARACTERS and address.isprintable()
    if not is_short or not (is_known or _DEVICE.fullmatch(address)):
        shown = "This" if "@" in address else without_credentials(address)[:80] or "This"
        schemes = ", ".join(f"{name}://" for name in SCHEMES[:4])
        raise SettingError(live_text.NO_ADDRESS.format(shown=shown, schemes=schemes))
    title = without_credentials(address)
    return Video(
        f"live/{next(_numbers)}", title, Path(f"{file_stem(address)}.csv"), address=address
    )


def _has_host(address: str) -> bool:
    try:
        return bool(urlsplit(address).hostname)
    except ValueError:
        return False


def webcam_video(width: int, height: int) -> Video:
    """The camera of a visitor's device.

    Raises:
        SettingError: If its pictures have no such size.
    """
    webcam = Webcam(width, height)
    return Video(
        f"webcam/{next(_numbers)}", live_text.WEBCAM_TITLE, Path("webcam.csv"), webcam=webcam
    )


@dataclass(frozen=True, kw_only=True)
class LiveInfo:
    """What is known of a live source before it is opened."""

    width: int = 16
    height: int = 9
    display_width: int = 16
    display_height: int = 9
    duration_seconds: float = math.inf


class LivePictures:
    """Pictures of a live run: the clips' own pixels, since there is nothing to read again.

    As `app.pictures.PictureWorker` and `app.clip_frames.ClipFrames`, for who asks.
    """

    def __init__(self, video: Video) -> None:
        self.video = video
        self._lock = threading.Lock()
        self._shown: Shown | None = None
        self._frames: deque[Frame] = deque(maxlen=MAX_HELD)

    @property
    def shown(self) -> Shown | None:
        """The newest picture."""
        return self._shown

    def want(self, seconds: float, *, is_urgent: bool = False) -> None:
        """Nothing: there is the newest picture, and no other."""

    def took(self, pixels: Any, times: tuple[float, float], info: Any) -> None:
        """A clip was judged.

        Args:
            pixels: Its own, uint8 `[T, H, W, 3]`.
            times: From when to when.
            info: What its source says of itself.
        """
        start, end = times
        kept = np.linspace(0, len(pixels) - 1, min(FRAMES_KEPT, len(pixels))).round().astype(int)
        part = (end - start) / len(pixels)
        fresh = [(start + at * part, _jpeg(pixels[at], info)) for at in dict.fromkeys(kept)]
        with self._lock:
            seconds, jpeg = fresh[-1]
            self._shown = Shown(next(numbers), seconds, jpeg)
            for when, picture in fresh:
                told = base64.b64encode(picture).decode("ascii")
                self._frames.append({"seconds": round(when, 3), "jpeg": told})

    def frames(self, start: float, end: float, count: int) -> list[Frame]:
        """Pictures between two times, as many as asked for, as far as they are kept.

        Raises:
            SettingError: If it is no time, or nothing of it is kept.
        """
        if not 0 <= start <= end < math.inf or not 1 <= count <= MAX_FRAMES:
            raise SettingError(f"frames must be 1 to {MAX_FRAMES} between two times, got {count}")
        with self._lock:
            held = [one for one in self._frames if start - 1e-6 <= float(one["seconds"]) < end]
        if not held:
            raise SettingError(live_text.NO_PAST)
        return _spread(held, count)

    def close(self) -> None:
        """Let them go."""
        with self._lock:
            self._frames.clear()


def _spread(held: Sequence[Frame], count: int) -> list[Frame]:
    places = (np.arange(count) + 0.5) / count * len(held)
    return [held[min(int(place), len(held) - 1)] for place in places]


def _jpeg(pixels: Any, info: Any) -> bytes:
    """A frame of a clip in the shape that people see."""
    image = Image.fromarray(np.asarray(pixels))
    shape = info.display_width / info.display_height
    height = min(MAX_HEIGHT, max(image.height, round(image.width / shape)))
    image = image.resize((max(1, round(height * shape)), height), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
