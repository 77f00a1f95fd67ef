"""A live source connected to by a child process: whatever happens there, this process goes on."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import Tensor

from vidmem.errors import AddressError, DecoderTimeoutError, VidmemError
from vidmem.units import GIB
from vidmem.video.child.format import Message, MessageError, as_whole
from vidmem.video.child.process import ChildLimits, ChildOwner, ChildProcess
from vidmem.video.child.sandbox import ChildBox
from vidmem.video.claims import MAX_SIDE, info_of
from vidmem.video.live.address import LiveAddress
from vidmem.video.live.policy import AddressPolicy
from vidmem.video.live.sampling import LastSeen
from vidmem.video.probe import VideoInfo

logger = logging.getLogger(__name__)

NOT_TOLD = (
    "{shown} cannot be watched through this app: it gives no video, or may not be opened. "
    "Whoever runs the app finds the reason in its terminal."
)
"""Whatever happened, lest a visitor from elsewhere learns what listens where."""

STARTING_SECONDS = 20.0
"""For the process itself to start, on a busy machine."""


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """What one connection may take."""

    open_seconds: float = 10.0
    """Longest wait for the connection, and again for the first picture."""

    read_seconds: float = 10.0
    """Longest silence after that."""

    max_rss_bytes: int = 2 * GIB
    """Memory of the process that decodes."""

    policy: AddressPolicy | None = None
    """Where the address may lead, for one that somebody else typed; `None`: anywhere."""

    def __post_init__(self) -> None:
        for name in ("open_seconds", "read_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0 seconds, got {getattr(self, name)}")


@dataclass(frozen=True)
class LiveFrame:
    """A sampled frame of a live source as it arrived."""

    run: int
    """Number of the request that it answers; older ones differ from `LiveConnection.wanted_run`."""

    index: int
    seconds: float
    pixels: Tensor
    """uint8 `[H, W, 3]`."""

    break_before: str | None


@dataclass(frozen=True, kw_only=True)
class LiveFormat:
    """Rate and size at which frames are wanted."""

    fps: float
    width: int
    height: int


class LiveConnection(ChildOwner):
    """One connection to a live source; it starts when made, and `open` waits until it stands."""

    TASK = "vidmem.video.live.task:run"

    def __init__(self, address: str, limits: ConnectionLimits) -> None:
        self.address = LiveAddress.parse(address)
        self.is_finite, self.reason = False, ""
        self.wanted_run = 0
        self._tells_why = limits.policy is None or limits.policy.tells_why
        self._timeout_seconds = STARTING_SECONDS + 2 * limits.open_seconds + limits.read_seconds
        self._child = ChildProcess(
            self.TASK,
            {
                "address": address,
                "open_seconds": limits.open_seconds,
                "read_seconds": limits.read_seconds,
                "policy": limits.policy.to_json() if limits.policy is not None else None,
            },
            self.address.shown,
            ChildLimits(timeout_seconds=self._timeout_seconds, max_rss_bytes=limits.max_rss_bytes),
            _box_for(self.address, has_gate=limits.policy is not None),
        )

    @property
    def child_pid(self) -> int:
        """Process id of the decoding process."""
        return self._child.pid

    def open(self) -> VideoInfo:
        """Wait until the first picture is decoded.

        Raises:
            AddressError: If it cannot be watched.
            DecoderError: If the decoder crashes or grows too large.
        """
        message = self._receive()
        with self._child.checking():
            message.must_be("open")
            self.is_finite, self.reason = message.flag("is_finite"), message.text("reason")
            return info_of(message)

    def ask(self, wanted: LiveFormat, after: LastSeen | None = None) -> None:
        """Have frames of this kind from now on; earlier ones may still come, see `wanted_run`."""
        self.wanted_run += 1
        frame_bytes = wanted.width * wanted.height * 3  # those of older requests may still come
        self._child.max_data_bytes = max(self._child.max_data_bytes, frame_bytes)
        command: dict[str, Any] = {**asdict(wanted), "run": self.wanted_run}
        self._child.send({**command, "after": asdict(after) if after else None})

    def receive(self) -> LiveFrame | None:
        """The next frame, waiting for it; `None` where a source of known length has ended.

        Raises:
            AddressError: If the line broke, or nothing came for long.
            DecoderError: If the decoder crashes or grows too large.
        """
        message = self._receive()
        if message.kind == "end":
            return None
        with self._child.checking():
            message.must_be("frame")
            return _frame_of(message)

    def _receive(self) -> Message:
        """A message; errors that quote the address lose its credentials, or all that they tell."""
        try:
            return self._receive_telling()
        except VidmemError as error:
            if self._tells_why:
                raise
            logger.warning("%s", error)
            raise AddressError(NOT_TOLD.format(shown=self.address.shown)) from None

    def _receive_telling(self) -> Message:
        try:
            return self._child.receive()
        except DecoderTimeoutError:
            raise AddressError(
                f"{self.address.shown} gave nothing for {self._timeout_seconds:g} s, not even an "
                "error: looking up the host's name may hang, or the network; check both"
            ) from None
        except VidmemError as error:
            bare = self.address.hide_in(str(error))
            if bare == str(error):
                raise
            raise type(error)(bare) from None


def _frame_of(message: Message) -> LiveFrame:
    """The frame in a message; `MessageError` if it cannot be."""
    size = message.list_of("size", _as_side, 2)
    if len(size) != 2 or len(message.data) != size[0] * size[1] * 3:
        raise MessageError(f"a frame of size {size} with {len(message.data)} bytes")
    is_break = message.values.get("break_before") is not None
    return LiveFrame(
        run=message.whole("run"),
        index=message.whole("index"),
        seconds=message.number("seconds"),
        pixels=torch.frombuffer(message.data, dtype=torch.uint8).view(*size, 3),
        break_before=message.text("break_before") if is_break else None,
    )


def _as_side(value: Any, name: str) -> int:
    return as_whole(value, name, 1, MAX_SIDE)


def _box_for(address: LiveAddress, *, has_gate: bool) -> ChildBox:
    """A camera of this machine, or the network; names in `.local` are known by a service here."""
    if address.format_name is not None:
        return ChildBox(devices=(address.url,))
    host = urlsplit(address.url).hostname or ""
    return ChildBox(
        has_network=True,
        has_local_sockets=host.lower().endswith(".local"),
        may_listen=has_gate,
    )
