"""Frames that went into a decoder and did not come out of it, or came out broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from av.video.frame import VideoFrame

from vidmem.video.packets.bitstream import PacketFacts
from vidmem.video.readers.packet_source import TimedPacket

ONE_FRAME_PER_PACKET = {"h264", "hevc"}

MOST_WAITING_SECONDS = 30.0
"""For a fresh start behind damage; where there is none so soon, slightly wrong pictures are better
than none."""


@dataclass(frozen=True, slots=True)
class _Sent:
    facts: PacketFacts
    is_shown_early: bool
    """Before a picture stored earlier: nothing behind that one is predicted from it."""


class Losses:
    """Notes which frames are lost, from the packets sent and the frames that came out."""

    def __init__(
        self, codec: str, ticks_per_second: float, next_entry: Callable[[int], int | None]
    ) -> None:
        """Nothing is lost yet; `next_entry` says when pictures may be decoded afresh."""
        self._codec, self._next_entry = codec, next_entry
        self._most_waiting = round(MOST_WAITING_SECONDS * ticks_per_second)
        self._sent: dict[int, _Sent] = {}
        self._latest: int | None = None
        self._failed_pts: int | None = None
        self._num_to_recovery: int | None = None
        self.start_pts: int | None = None
        """Time of the first lost frame since the last good one."""

        self._needs_key_frame = False

    def send(self, packet: TimedPacket) -> None:
        """This packet goes into the decoder."""
        is_early = self._latest is not None and packet.pts < self._latest
        self._latest = packet.pts if self._latest is None else max(self._latest, packet.pts)
        self._sent[packet.pts] = _Sent(packet.facts, is_early)

    def fail(self, packet: TimedPacket) -> None:
        """The decoder refused this packet."""
        failed = self._failed_pts
        self._failed_pts = packet.pts if failed is None else min(packet.pts, failed)

    def lose(self, pts: int) -> None:
        """What should be shown from here on is lost."""
        if self.start_pts is None:
            self.start_pts = pts

    def is_good(self, earlier_pts: int, pts: int, frame: VideoFrame) -> bool:
        """Take note of a frame that came out; False: it is no picture, or a broken one.

        Args:
            earlier_pts: Of the frame before it.
            pts: Of the frame.
            frame: As decoded.
        """
        lost = {time: sent for time, sent in self._sent.items() if earlier_pts < time < pts}
        own = self._sent.get(pts)
        self._sent = {time: sent for time, sent in self._sent.items() if time > pts}
        if lost and self._counts_as_lost(lost, pts, frame):
            self.lose(min(lost))
            self._failed_pts = None
            self._await_entry(pts, any(_is_built_on(sent) for sent in lost.values()))
        self._note_recovery(own)
        if frame.is_corrupt:
            self.lose(pts)
            self._await_entry(pts, own is None or _is_built_on(own))
            return False
        return not self._needs_key_frame

    def end_start(self, last_pts: int) -> int | None:
        """Where the loss at the end of the stream begins; `None` where nothing is lost there."""
        behind = [time for time in self._sent if time > last_pts]
        if self.start_pts is None and behind and self._failed_pts is not None:
            return min(behind)
        return self.start_pts

    def _await_entry(self, pts: int, is_built_on: bool) -> None:
        following = self._next_entry(pts)
        is_soon = following is not None and following - pts <= self._most_waiting
        self._needs_key_frame |= is_built_on and is_soon

    def _note_recovery(self, own: _Sent | None) -> None:
        """Whether what is shown from here on owes nothing to what was lost."""
        if self._num_to_recovery is not None:
            self._num_to_recovery -= 1
        if own is not None and own.facts.is_entry:
            left = own.facts.frames_to_recovery
            self._num_to_recovery = left if self._num_to_recovery is None else self._num_to_recovery
        if self._num_to_recovery is not None and self._num_to_recovery <= 0:
            self._num_to_recovery = None
            self._needs_key_frame = False

    def _counts_as_lost(self, lost: dict[int, _Sent], pts: int, frame: VideoFrame) -> bool:
        """Whether these are damage: some packets hold no frame to show, or half of one."""
        has_failed = self._failed_pts is not None and self._failed_pts < pts
        is_one_per_packet = self._codec in ONE_FRAME_PER_PACKET and not frame.interlaced_frame
        return has_failed or is_one_per_packet or len(lost) > 1


def _is_built_on(sent: _Sent) -> bool:
    """Whether what is stored behind it may be predicted from it."""
    return sent.facts.is_entry or (sent.facts.is_reference and not sent.is_shown_early)
