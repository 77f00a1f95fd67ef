"""What is held at one moment: the figures of memory, by name."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Held:
    """What is held at one moment; `None` where it cannot be told here."""

    process_bytes: int | None = None
    """Main memory of this process (its resident set)."""

    process_peak_bytes: int | None = None
    """The most that this process ever held, as the system counts it."""

    decoder_bytes: int | None = None
    """Main memory of the process that decodes."""

    weights_bytes: int | None = None
    """The model's parameters and buffers, counted tensor by tensor."""

    state_bytes: int | None = None
    """The stream's memory, counted tensor by tensor."""

    held_clips: int | None = None
    """Clips in the memory queue, or past clips in the window."""

    l_mem: int | None = None
    """Clips that fit there."""

    num_clips: int | None = None
    """Clips judged so far."""

    num_evicted: int | None = None
    """Clips that left the memory so far, because another came or because it was made smaller."""

    video_seconds: float | None = None
    """Video judged so far: what is seen twice counts twice."""

    allocated_bytes: int | None = None
    """GPU: in tensors of this process."""

    reserved_bytes: int | None = None
    """GPU: what torch's allocator keeps for this process, tensors included."""

    peak_allocated_bytes: int | None = None
    """GPU: high-water mark of `allocated_bytes`."""

    peak_reserved_bytes: int | None = None
    """GPU: high-water mark of `reserved_bytes`."""

    device_bytes: int | None = None
    """GPU: in use, by whatever process."""

    device_process_bytes: int | None = None
    """GPU: in use by this process, as the driver (NVML) counts it: kernels and contexts too."""


NAMES = tuple(field.name for field in fields(Held))
