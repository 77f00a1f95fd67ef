"""What is a live source, and what of its address people may see: never its credentials."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

DEVICE_FORMATS = ("v4l2", "avfoundation", "dshow")
"""Cameras of this machine by FFmpeg's names, on Linux, macOS and Windows."""

PROTOCOLS = (
    "http,https,httpproxy,tcp,tls,udp,udplite,rtp,srtp,rtsp,rtsps,rtmp,rtmps,rtmpt,srt,hls,crypto"
)
"""What an address may lead to, a playlist behind it included: no file of this machine."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_DEVICE = re.compile(rf"(?:{'|'.join(DEVICE_FORMATS)}):(?=.)")
_SQUASHED = re.compile(r"(rtsps?|https?|rtmps?|srt|udp|rtp|tcp):/(?=[^/])", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s]*@")
_ODD_CREDENTIALS = re.compile(
    r"(?<=://)(?:[^/?#\s@:]*:(?!\d+(?:[/?#\s]|$))\S*|(?!localhost:)[^/?#\s@:.]*:\d+/[^?#\s]*)@"
)
"""A password with a slash, which no address may have, but people type."""

_SECRET_FIELD = re.compile(
    r"([?&;/_](?:[a-z_-]*(?:token|key|pas|pass|psw|pwd|auth|cred|secret|sig|session|streamid)"
    r"[a-z_-]*|user|usr|login|loginuse|p|u)=)(?:(?!_channel=|_stream=|_password=)[^&#\s])*",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class LiveAddress:
    """An address in the parts that PyAV wants, and as people may see it."""

    url: str = field(repr=False)
    """With credentials."""

    format_name: str | None
    """FFmpeg's name of the kind of camera; `None` for addresses."""

    shown: str
    """Without credentials."""

    @classmethod
    def parse(cls, source: str | Path) -> LiveAddress:
        """Take a live source apart."""
        text = _text(source)
        if _DEVICE.match(text):
            format_name, url = text.split(":", 1)
            return cls(url=url, format_name=format_name, shown=text)
        is_device = not _SCHEME.match(text)
        return cls(
            url=text, format_name="v4l2" if is_device else None, shown=without_credentials(text)
        )

    @property
    def is_rtsp(self) -> bool:
        """Whether RTSP's own options are for it."""
        return self.url.lower().startswith(("rtsp://", "rtsps://"))

    def hide_in(self, text: str) -> str:
        """A text from elsewhere, such as an error message, without this address's credentials."""
        bare = text if self.format_name else text.replace(self.url, self.shown)
        return without_credentials(bare)


def is_live(source: str | Path) -> bool:
    """Whether a source is watched as it happens: an address, or a camera of this machine.

    Addresses are strings (`rtsp://...`, `http://...`); cameras are device files such as
    `/dev/video0`, or FFmpeg's names for them (`avfoundation:0`, `dshow:video=Webcam`).
    """
    text = _text(source)
    if _SCHEME.match(text):
        return not text.lower().startswith("file://")
    if _DEVICE.match(text) or re.fullmatch(r"/dev/video\d+", text):
        return True
    try:
        return stat.S_ISCHR(Path(text).stat().st_mode)
    except (OSError, ValueError):
        return False


def without_credentials(text: str) -> str:
    """Addresses in a text without user, password, and what looks like a secret in a query."""
    bare = _ODD_CREDENTIALS.sub("", _CREDENTIALS.sub("", text))
    return _SECRET_FIELD.sub(r"\1…", bare)


def file_stem(source: str | Path) -> str:
    """A name for the files of a live source: of host, port and path, without credentials."""
    shown = LiveAddress.parse(source).shown
    if _SCHEME.match(shown):
        parts = urlsplit(shown)
        shown = f"{parts.netloc}{parts.path}"
    words = re.sub(r"[^A-Za-z0-9.-]+", "-", shown).strip("-.")
    return words[:80] or "live"


def _text(source: str | Path) -> str:
    """The source as it was typed: a `Path` makes one slash of an address's two."""
    text = str(source)
    return _SQUASHED.sub(r"\1://", text, count=1) if _SQUASHED.match(text) else text
