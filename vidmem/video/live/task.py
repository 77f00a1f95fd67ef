"""Task of a decoding child: one connection to a live source, its sampled frames as they come."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import Any

from vidmem.video.child.main import Interrupted, Parent
from vidmem.video.live.address import LiveAddress
from vidmem.video.live.policy import AddressPolicy
from vidmem.video.live.sampling import LastSeen, LiveSample, LiveSampler
from vidmem.video.live.source import LivePicture, LiveSource


def run(parent: Parent, settings: dict[str, Any]) -> None:
    """Connect, describe the source, wait for a size, and send samples until the line breaks."""
    source = LiveSource(
        LiveAddress.parse(settings["address"]),
        open_seconds=settings["open_seconds"],
        read_seconds=settings["read_seconds"],
        policy=AddressPolicy.from_json(policy) if (policy := settings.get("policy")) else None,
    )
    reason = (
        "a live source, timed by the camera's clock"
        if source.has_clock
        else "a live source that sends no times, so timed as its pictures come"
    )
    info = source.info.to_json()
    parent.send("open", info=info, is_finite=source.is_finite, reason=reason)
    _Sending(parent, source, parent.wait()).go_on()


class _Sending:
    """Samples of a connection, at the size and rate that the parent asked for last."""

    def __init__(self, parent: Parent, source: LiveSource, command: dict[str, Any]) -> None:
        self.parent, self.source, self.command = parent, source, command
        after = LastSeen(**command["after"]) if command["after"] else None
        self.sampler: LiveSampler[LivePicture] = LiveSampler(
            command["fps"], source.tick, after, is_in_real_time=not source.is_finite
        )

    def go_on(self) -> None:
        """Until the source ends; a line that breaks raises."""
        last: LivePicture | None = None
        for last in self.source.pictures():
            self._obey()
            self._send(list(self.sampler.take(last.pts, last)))
        self._send(list(self.sampler.finish(_ticks_shown(last, self.source.tick))))
        self.parent.send("end")

    def _obey(self) -> None:
        """Do what the parent has asked for meanwhile."""
        while True:
            with contextlib.suppress(Interrupted):
                self.parent.tick()
                return
            command = self.parent.wait()
            if command["fps"] != self.command["fps"]:
                self.sampler.set_fps(command["fps"])
            self.command = command

    def _send(self, samples: list[LiveSample[LivePicture]]) -> None:
        width, height = self.command["width"], self.command["height"]
        for sample in samples:
            pixels = self.source.to_pixels(sample.picture, width, height)
            self.parent.send(
                "frame",
                pixels.tobytes(),
                run=self.command["run"],
                index=sample.index,
                seconds=sample.seconds,
                size=[height, width],
                break_before=sample.break_before,
            )


def _ticks_shown(last: LivePicture | None, tick: Fraction) -> int:
    """How long the last picture is shown; 0: it does not say."""
    if last is None or not last.frame.duration:
        return 0
    return round(last.frame.duration * (last.frame.time_base or tick) / tick)
