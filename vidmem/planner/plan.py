"""How many streams a machine takes, what they remember, and what runs out first.

Weights are held once. A stream costs its state, and what a step holds while it runs costs once for
each step, not for each stream: streams take turns in batches.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from vidmem.planner.estimate import estimate
from vidmem.planner.request import PlanRequest
from vidmem.planner.sizing import Estimate
from vidmem.units import file_size

Limit = Literal["memory", "compute", "decoding"]
PIXEL_BYTES = 4
"""A clip reaches the model in float32."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The answer to a `PlanRequest`: what is held, and how many streams run."""

    estimate: Estimate
    """Of a step of `batch_size` streams."""

    batch_size: int
    """Streams that take a step together: fewer than requested where more do not fit."""

    seconds_per_clip: float
    """Source time that a clip spans."""

    seconds_between_clips: float
    """Source time from one clip's start to the next one's."""

    seconds_remembered: float
    """How far back the remembered clips reach."""

    state_bytes: int
    """What one more stream costs."""

    step_bytes: int
    """What a step holds while it runs: its activations, its clips, and its streams' states in one
    batch beside the states they came from."""

    usable_bytes: int
    """Of the device's memory, what was not left free."""

    streams_in_memory: int
    """Streams whose state fits; 0: not even one does."""

    streams_computed: int | None
    """Streams that are judged in real time; None where no rate is known."""

    streams_decoded: int | None
    """Streams that are decoded in real time; None where no speed is known."""

    @property
    def limits(self) -> dict[Limit, int]:
        """Streams by what may run out, as far as it is known."""
        known: dict[Limit, int | None] = {
            "memory": self.streams_in_memory,
            "compute": self.streams_computed,
            "decoding": self.streams_decoded,
        }
        return {name: count for name, count in known.items() if count is not None}

    @property
    def binds(self) -> Limit:
        """What runs out first."""
        return min(self.limits, key=lambda name: self.limits[name])

    @property
    def streams(self) -> int:
        """Streams that run in real time, as far as the limits are known."""
        return self.limits[self.binds]

    @property
    def flops_per_stream_second(self) -> float:
        """FLOPs per second that one stream in real time takes."""
        return self.estimate.total_flops / self.batch_size / self.seconds_between_clips

    @property
    def sentence(self) -> str:
        """What binds first, in words."""
        if not self.streams_in_memory:
            # In GB of 10^9 bytes, as devices are sold and as requests name them, not in GiB.
            need = self.estimate.shared_bytes + self.step_bytes + self.state_bytes
            return (
                f"Not even one stream fits: it needs {file_size(need)}, and "
                f"{file_size(self.usable_bytes)} may be used."
            )
        unknown = {
            "how fast this device computes": self.streams_computed,
            "how fast it decodes": self.streams_decoded,
        }
        missing = [words for words, count in unknown.items() if count is None]
        if len(missing) == len(unknown):
            return (
                f"{self.streams:,} streams fit into memory; {' and '.join(missing)} is not known, "
                "so something else may bind first."
            )
        reason = _REASONS[self.binds]
        counts = ", ".join(f"{count:,} by {name}" for name, count in self.limits.items())
        but = f"; {missing[0]} is not known" if missing else ""
        return f"{self.streams:,} streams: {reason} ({counts}){but}."


_REASONS: dict[Limit, str] = {
    "memory": "memory is full first",
    "compute": "computing binds first",
    "decoding": "decoding binds first",
}


def plan(request: PlanRequest) -> Plan:
    """Plan for a request; where its batch does not fit into memory, smaller ones are tried."""
    result = _plan(request)
    while result.streams_in_memory < result.batch_size and result.batch_size > 1:
        size = replace(request.size, batch_size=result.batch_size // 2)
        request = replace(request, size=size)
        result = _plan(request)
    return result


def _plan(request: PlanRequest) -> Plan:
    size = request.size
    cost = estimate(request.config, size, request.backbone)
    pixels = size.batch_size * size.clip_frames * 3 * size.frame_height * size.frame_width
    # The states of several streams are copied into one for the step; a single one is used as it is.
    in_one_batch = cost.state_bytes if size.batch_size > 1 else 0
    step_bytes = cost.activation_bytes + in_one_batch + pixels * PIXEL_BYTES
    state_bytes = cost.state_bytes // size.batch_size
    usable = int(request.device_bytes * (1 - request.free_share))
    left = usable - cost.shared_bytes - step_bytes
    between = request.window_stride / request.fps
    rate, speed = request.clips_per_second, request.decode_speed
    return Plan(
        estimate=cost,
        batch_size=size.batch_size,
        seconds_per_clip=size.clip_frames / request.fps,
        seconds_between_clips=between,
        seconds_remembered=size.l_mem * request.memory_every * between,
        state_bytes=state_bytes,
        step_bytes=step_bytes,
        usable_bytes=usable,
        streams_in_memory=max(left // state_bytes, 0),
        streams_computed=None if rate is None else int(rate * between),
        streams_decoded=None if speed is None else int(speed),
    )
