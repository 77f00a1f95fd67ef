"""A live source connected to by a child process: whatever happens there, this process goes on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from vidmem.errors import AddressError, DecoderTimeoutError, VidmemError
from vidmem.video.child_owner import ChildOwner
from vidmem.video.child_process import GIB, ChildLimits, ChildProcess, Message
from vidmem.video.live_address import LiveAddress
from vidmem.video.live_sampling import LastSeen
from vidmem.video.probe import VideoInfo

STARTING_SECONDS = 20.0
"""For the process itself to start, on a machine that has much other work."""


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """What one connection may take."""

    open_seconds: float = 10.0
    """Longest wait for the connection, and again for the first picture."""

    read_seconds: float = 10.0
    """Longest silence after that."""

    max_rss_bytes: int = 2 * GIB
    """Memory of the process that decodes."""

    def __post_init__(self) -> None:
        for name in ("open_seconds", "read_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0 seconds, got {getattr(self, name)}")


@dataclass(frozen=True)
class LiveFrame:
    """A sampled frame as it came."""

    run: int
    """Number of the wish that it fulfils, see `LiveConnection.wanted_run`."""

    index: int
    seconds: float
    pixels: Tensor
    """uint8 `[H, W, 3]`."""

    break_before: str | None


@dataclass(frozen=True, kw_only=True)
class LiveFormat:
    """What frames are wanted."""

    fps: float
    width: int
    height: int


class LiveConnection(ChildOwner):
    """Starts to connect when made; `open` waits until it is."""

    TASK = "vidmem.video.live_task:run"

    def __init__(self, address: str, limits: ConnectionLimits) -> None:
        self.address = LiveAddress.parse(address)
        self.is_finite, self.reason = False, ""
        self.wanted_run = 0
        self._timeout_seconds = STARTING_SECONDS + 2 * limits.open_seconds + limits.read_seconds
        self._child = ChildProcess(
            self.TASK,
            {
                "address": address,
                "open_seconds": limits.open_seconds,
                "read_seconds": limits.read_seconds,
            },
            self.address.shown,
            ChildLimits(timeout_seconds=self._timeout_seconds, max_rss_bytes=limits.max_rss_bytes),
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
        self.is_finite, self.reason = message.values["is_finite"], message.values["reason"]
        return VideoInfo.from_json(message.values["info"])

    def ask(self, wanted: LiveFormat, after: LastSeen | None = None) -> None:
        """Have frames of this kind from now on; earlier ones may still come, see `wanted_run`."""
        self.wanted_run += 1
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
        values = message.values
        height, width = values["size"]
        return LiveFrame(
            run=values["run"],
            index=values["index"],
            seconds=values["seconds"],
            pixels=torch.frombuffer(message.data, dtype=torch.uint8).view(height, width, 3),
            break_before=values["break_before"],
        )

    def _receive(self) -> Message:
        """A message; errors that quote the address lose its credentials."""
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
