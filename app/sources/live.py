"""Live sources that a run can watch: which addresses, what is known of them, their pictures."""

from __future__ import annotations

import base64
import io
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

from app.guard.visitor import Visitor
from app.sources import wording as source_wording
from app.sources.clip_pictures import MAX_FRAMES, MAX_HEIGHT, QUALITY, ClipPicture
from app.sources.pictures import Shown, numbers
from app.sources.shelf import Video
from app.sources.webcam import Webcam
from vidmem.errors import SettingError
from vidmem.streaming import is_live
from vidmem.video import AddressPolicy, file_stem, without_credentials

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "srt")
"""Of cameras that this machine connects to; none that would make it a server."""

MAX_ADDRESS_CHARACTERS = 2000
MAX_KEPT = 400
"""Pictures kept, at `MAX_HEIGHT` of 10 to 50 kB each."""

FRAMES_KEPT = 8
"""Of each clip, to be looked at again while the model remembers it."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# Parameters with which FFmpeg waits for a connection instead of making one.
_LISTENS = re.compile(r"[?&](listen|mode=(listener|rendezvous))", re.IGNORECASE)
_DEVICE = re.compile(r"/dev/video\d{1,3}")
_numbers = itertools.count(1)
"""Of the live sources of the process: with one key twice, a picture could be shown for another."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Which addresses visitors may have opened: it is this machine that opens them."""

    allows_everybody: bool = False
    """Also visitors who do not sit at this machine, though nothing on it or near it for them."""

    networks: tuple[str, ...] = ()
    """Private networks that may be opened for them too."""

    def policy_for(self, visitor: Visitor) -> AddressPolicy | None:
        """Where addresses that a visitor types may lead; `None`: they open none.

        Who sits at this machine reaches all that it does by other means, and is told what failed.
        """
        if visitor.is_local:
            return AddressPolicy(allows_private=True)
        if self.allows_everybody:
            return AddressPolicy(networks=self.networks, tells_why=False)
        return None


def address_video(text: str, policy: AddressPolicy | None) -> Video:
    """The live source at an address that a visitor typed.

    Args:
        text: What was typed.
        policy: Where it may lead; `None`: nowhere, for this visitor.

    Raises:
        SettingError: If it is no address that is opened: of a camera, never of a file.
    """
    if policy is None:
        raise SettingError(source_wording.NOT_ALLOWED)
    address = text.strip()
    scheme = _SCHEME.match(address)
    is_known = scheme is not None and scheme[1].lower() in SCHEMES and is_live(address)
    is_known = is_known and not _LISTENS.search(address) and _has_host(address)
    is_short = 0 < len(address) <= MAX_ADDRESS_CHARACTERS and address.isprintable()
    if not is_short or not (is_known or _DEVICE.fullmatch(address)):
        # What stands before an `@` may be a password, also where the address cannot be read.
        shown = "This" if "@" in address else without_credentials(address)[:80] or "This"
        schemes = ", ".join(f"{name}://" for name in SCHEMES[:4])
        raise SettingError(source_wording.NO_ADDRESS.format(shown=shown, schemes=schemes))
    title = without_credentials(address)
    path = Path(f"{file_stem(address)}.csv")
    return Video(f"live/{next(_numbers)}", title, path, address=address, policy=policy)


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
        f"webcam/{next(_numbers)}", source_wording.WEBCAM_TITLE, Path("webcam.csv"), webcam=webcam
    )


@dataclass(frozen=True, kw_only=True)
class LiveInfo:
    """What is assumed of a live source before it is opened: a common shape of picture."""

    width: int = 16
    height: int = 9
    display_width: int = 16
    display_height: int = 9
    duration_seconds: float = math.inf


class LivePictures:
    """Pictures of a live run: the clips' own pixels, since there is nothing to read again.

    It has the methods of `PictureWorker` and of `ClipPictures`.
    """

    def __init__(self, video: Video) -> None:
        self.video = video
        self._lock = threading.Lock()
        self._shown: Shown | None = None
        self._frames: deque[ClipPicture] = deque(maxlen=MAX_KEPT)

    @property
    def shown(self) -> Shown | None:
        """The newest picture."""
        return self._shown

    def want(self, seconds: float, *, is_urgent: bool = False, is_model_idle: bool = False) -> None:
        """Do nothing: there is the newest picture, and no other."""

    def add_clip(self, pixels: Any, times: tuple[float, float], info: Any) -> None:
        """A clip was judged.

        Args:
            pixels: Its own, uint8 `[T, H, W, 3]`.
            times: From when to when.
            info: The size of the source's pictures, as displayed.
        """
        start, end = times
        kept = np.linspace(0, len(pixels) - 1, min(FRAMES_KEPT, len(pixels))).round().astype(int)
        part = (end - start) / len(pixels)
        # `fromkeys`: of a short clip, rounding may pick a frame twice.
        fresh = [(start + at * part, _jpeg(pixels[at], info)) for at in dict.fromkeys(kept)]
        with self._lock:
            seconds, jpeg = fresh[-1]
            self._shown = Shown(next(numbers), seconds, jpeg)
            for when, picture in fresh:
                text = base64.b64encode(picture).decode("ascii")
                self._frames.append({"seconds": round(when, 3), "jpeg": text})

    def frames(self, start: float, end: float, count: int) -> list[ClipPicture]:
        """`count` pictures between two times, repeated where fewer are kept.

        Raises:
            SettingError: If the times are not in order, or nothing between them is kept.
        """
        if not 0 <= start <= end < math.inf or not 1 <= count <= MAX_FRAMES:
            raise SettingError(f"frames must be 1 to {MAX_FRAMES} between two times, got {count}")
        with self._lock:
            held = [one for one in self._frames if start - 1e-6 <= float(one["seconds"]) < end]
        if not held:
            raise SettingError(source_wording.NO_PAST)
        return _spread(held, count)

    def close(self) -> None:
        """Free them."""
        with self._lock:
            self._frames.clear()


def _spread(held: Sequence[ClipPicture], count: int) -> list[ClipPicture]:
    places = (np.arange(count) + 0.5) / count * len(held)
    return [held[min(int(place), len(held) - 1)] for place in places]


def _jpeg(pixels: Any, info: Any) -> bytes:
    # In the shape that people see: the model's picture may be squashed.
    image = Image.fromarray(np.asarray(pixels))
    shape = info.display_width / info.display_height
    height = min(MAX_HEIGHT, max(image.height, round(image.width / shape)))
    image = image.resize((max(1, round(height * shape)), height), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
