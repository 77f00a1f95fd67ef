"""What is missing of a video: told as gaps at their place; long ones hold no sampled frames."""

from __future__ import annotations

from collections.abc import Iterator

from vidmem.video.probe import VideoInfo
from vidmem.video.readers.decoding import SourceFrame
from vidmem.video.readers.packet_source import TimedPacket
from vidmem.video.readers.sources import early_end, hole, is_hole
from vidmem.video.sampling import STAND_IN_SECONDS, Gap

STAND_IN_FRAMES = 3
"""Damage of up to so many frames is bridged like one of up to `STAND_IN_SECONDS`, and told."""

DAMAGED = "frames are damaged and cannot be decoded"


class Damage:
    """Collects the gaps of one reader, until they are taken."""

    def __init__(self, info: VideoInfo) -> None:
        self._info = info
        self._gaps: list[Gap] = []
        self._holes: list[tuple[int, int]] = []  # ahead of the frames that came out
        self._breaks: list[tuple[int, int]] = []
        self._stand_in = max(
            round(STAND_IN_SECONDS / info.tick), STAND_IN_FRAMES * info.usual_duration
        )
        self._notes = info.scan.line.notes if info.scan is not None else ()
        self._told_up_to: int | None = None
        self.end_pts = 0
        """End of the last good frame."""

    def take(self) -> tuple[Gap, ...]:
        """The gaps since the last call."""
        gaps, self._gaps = tuple(self._gaps), []
        return gaps

    def forget_vain(self) -> None:
        """Reading begins elsewhere: what was met on a way that led nowhere is not told."""
        self._gaps, self._holes, self._breaks, self._told_up_to = [], [], [], None

    def watched(self, packets: Iterator[TimedPacket]) -> Iterator[TimedPacket]:
        """Pass packets on, and note where the file has none for long."""
        end_pts: int | None = None
        for packet in packets:
            if end_pts is not None and is_hole(self._info, end_pts, packet.pts):
                self._holes.append((end_pts, packet.pts))
            end_pts = max(end_pts or packet.pts, packet.pts + packet.duration)
            yield packet

    def note_good(self, lost_from: int | None, frame: SourceFrame) -> None:
        """A good frame came, and those from `lost_from` up to it, if any, did not."""
        passed = [one for one in self._holes if one[1] <= frame.pts]
        self._holes = self._holes[len(passed) :]
        for start, end in passed:
            if lost_from is not None and lost_from <= end:
                # Damage around a hole is one gap with it.
                self._add(min(lost_from, start), frame.pts, DAMAGED)
                lost_from = None
            else:
                self._breaks.append((start, end))
                self._gaps.append(hole(self._info, start, end))
        if lost_from is not None:
            self._add(lost_from, frame.pts, DAMAGED)
        self._tell_notes(frame.pts)
        self.end_pts = frame.pts + frame.duration

    def note_end(self, lost_from: int | None, last: SourceFrame) -> None:
        """No frame comes any more, and those from `lost_from` on, if any, were lost."""
        if self._holes:
            start = self._holes[0][0]
            lost_from = start if lost_from is None else min(start, lost_from)
        if lost_from is None:
            self._gaps.extend(early_end(self._info, self.end_pts))
            return
        info = self._info
        promised = info.start_pts + round(info.duration_seconds / info.tick)
        self._add(lost_from, max(promised, lost_from + last.duration), "the end is damaged")

    def break_between(self, earlier_pts: int, pts: int) -> int | None:
        """Where pictures break off for long between two frames; `None`: they do not."""
        passed = [start for start, end in self._breaks if end <= pts and end > earlier_pts]
        self._breaks = [one for one in self._breaks if one[1] > pts]
        return min(passed, default=None)

    def _add(self, start_pts: int, end_pts: int, reason: str) -> None:
        if end_pts - start_pts > self._stand_in:
            self._breaks.append((start_pts, end_pts))
        first, tick = self._info.start_pts, self._info.tick
        start = max(0.0, float((start_pts - first) * tick))
        end = float((end_pts - first) * tick)
        self._gaps.append(Gap(start_seconds=start, end_seconds=end, reason=reason))

    def _tell_notes(self, pts: int) -> None:
        """What the time line has to say of frames passed since the last one."""
        earlier = self._told_up_to
        self._told_up_to = pts
        for note in self._notes:
            if note.pts <= pts and (note.pts == pts if earlier is None else note.pts > earlier):
                seconds = float((note.pts - self._info.start_pts) * self._info.tick)
                self._gaps.append(
                    Gap(start_seconds=seconds, end_seconds=seconds, reason=note.reason)
                )
