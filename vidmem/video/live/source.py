"""A live source opened with PyAV: its pictures as they come, within time limits."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.error
import av.logging
import numpy as np
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from vidmem.errors import AddressError, VidmemError
from vidmem.video.container import NOT_VIDEO_FORMATS, bound_pixels
from vidmem.video.live.address import PROTOCOLS, LiveAddress
from vidmem.video.live.gate import PROTOCOLS as GATED_PROTOCOLS
from vidmem.video.live.gate import Gate
from vidmem.video.live.policy import AddressPolicy
from vidmem.video.orientation import Orientation
from vidmem.video.probe import VideoInfo

MOST_ANALYSIS_SECONDS = 2
"""Of the stream, that FFmpeg may look at before it gives the first packet."""

MAX_THREADS = 2
"""Slices of a picture at once; threads for whole pictures would hold them back."""

MAX_REDIRECTS = 5
"""Of RTSP, where they are checked here."""

_PLAYLIST_FORMATS = {"hls", "dash", "sdp"}
_CLOCKLESS_FORMATS = {"mpjpeg", "mjpeg", "h264", "hevc", "m4v"}
"""Their pictures have no times, and FFmpeg makes some up at 25 a second."""

_HERE_TICK = Fraction(1, 1_000_000)


@dataclass(frozen=True)
class LivePicture:
    """A decoded picture and when it was taken, in ticks."""

    frame: VideoFrame
    pts: int


class LiveSource:
    """One connection to a live source.

    Args:
        address: Where it is.
        open_seconds: Longest wait for the connection, and again for the first picture.
        read_seconds: Longest silence after that.
        policy: Where the address may lead, for one that somebody else typed; `None`: anywhere.

    Raises:
        AddressError: From any method: what went wrong, and what to do.
    """

    def __init__(
        self,
        address: LiveAddress,
        *,
        open_seconds: float,
        read_seconds: float,
        policy: AddressPolicy | None = None,
    ) -> None:
        self.address = address
        self.read_seconds = read_seconds
        self._reformatter = VideoReformatter()
        has_gate = policy is not None and address.format_name is None
        self._gate = Gate(policy, open_seconds) if policy is not None and has_gate else None
        self._container = _open(address, open_seconds, read_seconds, self._gate)
        try:
            self._stream = _video_stream(self._container, address)
            bound_pixels(self._stream, address.shown)
            self.has_clock = self._container.format.name not in _CLOCKLESS_FORMATS
            own_tick = self._stream.time_base or Fraction(1, 90_000)
            self.tick = own_tick if self.has_clock else _HERE_TICK
            self._pictures = self._decode()
            self._first = self._first_picture()
        except BaseException:
            self._container.close()
            raise

    @property
    def is_finite(self) -> bool:
        """Whether the server said how long it is: then its end is an end, not a broken line."""
        with contextlib.suppress(av.error.FFmpegError):
            return bool(self._container.duration) or self._container.size > 0
        return False

    @property
    def info(self) -> VideoInfo:
        """What the source says of itself, and what its first picture shows."""
        frame, stream = self._first.frame, self._stream
        is_sideways = self._orientation.is_sideways
        aspect = stream.sample_aspect_ratio
        aspect = float(aspect) if aspect and 0.1 < aspect < 10 else 1.0
        rate = stream.average_rate or stream.guessed_rate
        return VideoInfo(
            path=Path(self.address.shown),
            container=self._container.format.name,
            codec=stream.codec_context.codec.canonical_name,
            pixel_format=str(frame.format.name),
            stream_index=stream.index,
            width=frame.height if is_sideways else frame.width,
            height=frame.width if is_sideways else frame.height,
            rotation_degrees=90 * self._orientation.turns,
            pixel_aspect=1 / aspect if is_sideways else aspect,
            fps=float(rate) if rate and 0 < rate <= 480 else 25.0,
            duration_seconds=float("inf"),
            has_own_duration=False,
            num_frames=0,
            num_frames_is_exact=False,
            start_seconds=float(self._first.pts * self.tick),
            size_bytes=0,
            has_edit_list=False,
            is_variable_rate=False,
            is_truncated=False,
            has_reordered_frames=bool(stream.codec_context.has_b_frames),
            time_base=(self.tick.numerator, self.tick.denominator),
            start_pts=self._first.pts,
            uses_decode_times=False,
            address=self.address.shown,
            is_live=True,
            is_mirrored=self._orientation.is_mirrored,
        )

    def pictures(self) -> Iterator[LivePicture]:
        """All pictures, the first one included; ends where a finite source does."""
        yield self._first
        yield from self._pictures

    def to_pixels(self, picture: LivePicture, width: int, height: int) -> np.ndarray:
        """A picture at the size asked for, upright, uint8 `[H, W, 3]`."""
        is_sideways = self._orientation.is_sideways
        small = self._reformatter.reformat(
            picture.frame,
            width=height if is_sideways else width,
            height=width if is_sideways else height,
            format="rgb24",
            interpolation="BILINEAR",
            threads=1,
        )
        return self._orientation.apply(small.to_ndarray())

    def close(self) -> None:
        """Close the connection."""
        self._container.close()
        if self._gate is not None:
            self._gate.close()

    @property
    def _orientation(self) -> Orientation:
        return Orientation.of(self._first.frame)

    def _first_picture(self) -> LivePicture:
        first = next(self._pictures, None)
        if first is None:
            raise AddressError(f"{self.address.shown} ended before its first picture")
        return first

    def _decode(self) -> Iterator[LivePicture]:
        """Pictures from the first key frame on; what is damaged is left out."""
        context, has_begun = self._stream.codec_context, False
        context.thread_count = max(1, min((os.cpu_count() or 1) - 1, MAX_THREADS))
        heard_at = time.monotonic()
        for packet in self._packets():
            for frame in _decoded(context, packet):
                has_begun = has_begun or frame.key_frame
                pts = frame.pts if self.has_clock else round(time.monotonic() / self.tick)
                if pts is not None and has_begun and not frame.is_corrupt:
                    yield LivePicture(frame, pts)
                    heard_at = time.monotonic()  # the caller may have kept it for long
            if time.monotonic() - heard_at > self.read_seconds:
                raise AddressError(
                    f"{self.address.shown} sent no picture for {self.read_seconds:g} s, though it "
                    "sent other data"
                )

    def _packets(self) -> Iterator[av.Packet | None]:
        """Packets, `None` for those of sound, until the end of a finite source.

        Broken lines and silence raise.
        """
        shown = self.address.shown
        try:
            for packet in self._container.demux():
                if self._gate is not None and self._gate.refusal is not None:
                    # By an entry of a playlist, which FFmpeg would only leave out.
                    raise self._gate.refusal
                yield packet if packet.stream.index == self._stream.index else None
        except av.error.EOFError:
            pass
        except av.error.ExitError as error:
            raise AddressError(f"{shown} sent nothing for {self.read_seconds:g} s") from error
        except (av.error.FFmpegError, OSError) as error:
            raise AddressError(
                f"the connection to {shown} broke: the other side hung up, or the network failed "
                f"({_reason(error)})"
            ) from error
        if not self.is_finite:
            raise AddressError(f"{shown} ended the stream")


def _decoded(context: VideoCodecContext, packet: av.Packet | None) -> list[VideoFrame]:
    if packet is None:
        return []
    with contextlib.suppress(av.error.FFmpegError):
        return context.decode(packet)
    return []


def _open(
    address: LiveAddress, open_seconds: float, read_seconds: float, gate: Gate | None
) -> InputContainer:
    av.logging.set_level(None)
    _check_scheme(address)
    limits = (open_seconds, read_seconds)
    if gate is None:
        container = _open_url(address, address.url, limits, None)
    else:
        container = _open_gated(address, limits, gate)
    name = container.format.name
    if name in NOT_VIDEO_FORMATS - _PLAYLIST_FORMATS or name.endswith("_pipe"):
        container.close()
        raise AddressError(
            f"{address.shown} is no video: it sends {name.removesuffix('_pipe')}; give the address "
            "of the stream itself, as the camera's manual or VLC has it"
        )
    return container


def _open_gated(address: LiveAddress, limits: tuple[float, float], gate: Gate) -> InputContainer:
    """Open an address through a gate; redirects of RTSP, which it holds up, are followed here."""
    url = address.url
    for _ in range(MAX_REDIRECTS + 1):
        begun = time.monotonic()
        try:
            led = gate.lead(url)
        except (OSError, ValueError) as error:
            raise _open_error(address, error, time.monotonic() - begun, limits[0]) from error
        try:
            return _open_url(address, led, limits, gate)
        except AddressError:
            if gate.redirect is None:
                raise
            url = gate.redirect
            if not url.lower().startswith(("rtsp://", "rtsps://")):
                break
    raise AddressError(f"{address.shown} leads on to elsewhere, again and again, or to no RTSP")


def _open_url(
    address: LiveAddress, url: str, limits: tuple[float, float], gate: Gate | None
) -> InputContainer:
    open_seconds, _ = limits
    options = {"analyzeduration": str(MOST_ANALYSIS_SECONDS * 1_000_000)}
    if address.format_name is None:
        options["protocol_whitelist"] = PROTOCOLS if gate is None else _gated_protocols(url)
    if address.is_rtsp:
        options |= {"rtsp_flags": "prefer_tcp", "timeout": str(int(open_seconds * 1e6))}
        if gate is not None:  # which carries nothing else
            options["rtsp_transport"] = "tcp"
    begun = time.monotonic()
    try:
        container = av.open(
            url,
            format=address.format_name,
            options=options,
            metadata_errors="ignore",
            timeout=limits,
        )
    except (av.error.FFmpegError, OSError, ValueError, UnicodeError) as error:
        if gate is not None and gate.refusal is not None:
            raise gate.refusal from None
        cause = gate.failure if gate is not None and gate.failure is not None else error
        waited_seconds = time.monotonic() - begun
        raise _open_error(address, cause, waited_seconds, open_seconds) from error
    if gate is not None and gate.refusal is not None:  # of an entry of a playlist
        container.close()
        raise gate.refusal
    return cast(InputContainer, container)


def _gated_protocols(url: str) -> str:
    scheme = url.split("://")[0].lower()
    return GATED_PROTOCOLS.get(scheme.removesuffix("s"), scheme)


def _check_scheme(address: LiveAddress) -> None:
    scheme = address.url.split("://")[0].lower()
    if address.format_name is None and scheme not in PROTOCOLS.split(","):
        raise AddressError(
            f"{address.shown} begins with {scheme}://, which is no address to watch; it must be "
            "one of rtsp://, rtsps://, http://, https://, rtmp://, srt://, udp:// and rtp://"
        )


def _video_stream(container: InputContainer, address: LiveAddress) -> VideoStream:
    streams = [one for one in container.streams.video if one.codec_context is not None]
    if not streams:
        raise AddressError(
            f"{address.shown} sends no video that can be decoded; give the address of a stream "
            "with pictures, in H.264, HEVC or MJPEG"
        )
    best: Any = container.streams.best("video")
    return best if best in streams else streams[0]


def _open_error(
    address: LiveAddress, error: Exception, waited_seconds: float, open_seconds: float
) -> VidmemError:
    """Say why it could not be opened, and what to do; without the address's credentials."""
    shown = address.shown
    if address.format_name is not None:
        return AddressError(_device_trouble(address, error))
    is_timeout = isinstance(error, av.error.ExitError | TimeoutError)
    if is_timeout or waited_seconds >= open_seconds:
        return AddressError(
            f"{shown} did not answer as a video stream within {open_seconds:g} s; check that it is "
            "the address of the stream, and that the camera is on and can be reached"
        )
    for kinds, words in _TROUBLE:
        if isinstance(error, kinds):
            return AddressError(f"{shown} {words}")
    return AddressError(
        f"{shown} cannot be opened ({_reason(error)}): check the address and the host's name in "
        "it, and that this machine can reach it"
    )


_TROUBLE: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
        "asks for a user and password, or refuses these; give them as "
        "scheme://user:password@host/...",
    ),
    (
        (av.error.HTTPNotFoundError,),
        "is not there (404): the server answers, but has no such stream; check the path",
    ),
    (
        (ConnectionRefusedError,),
        "refuses the connection: nothing listens there; check host and port",
    ),
    (
        (av.error.InvalidDataError, av.error.DemuxerNotFoundError),
        "answers, but not with a video stream; give the address of the stream itself",
    ),
)


def _device_trouble(address: LiveAddress, error: Exception) -> str:
    shown = address.shown
    if isinstance(error, ValueError) and "format" in str(error):
        return (
            f"{shown} cannot be opened: the installed FFmpeg reads no {address.format_name} "
            "cameras on this system; watch the camera by its rtsp:// or http:// address"
        )
    if isinstance(error, FileNotFoundError):
        return f"{shown} does not exist: no such camera; `ls /dev/video*` lists those there are"
    if isinstance(error, PermissionError):
        return f"{shown} may not be read; add yourself to the group of the device (often video)"
    if getattr(error, "errno", None) == 16:
        return f"{shown} is busy: another program has the camera; close that"
    return f"{shown} cannot be opened as a camera: {_reason(error)}"


def _reason(error: BaseException) -> str:
    # `str(error)` would add the address, with its credentials.
    return str(getattr(error, "strerror", None) or type(error).__name__)
