"""Memory that a run holds now: samples of it, and the gauges that read them.

`FootprintSample` is the whole of a run. `HostGauge` reads the main memory of this process,
`ProcessGauge` that of a decoder besides, `DeviceGauge` that of a GPU by torch and by its driver.

The GPU's part is written after the documentation of `torch.cuda` and NVML and tested with stand-ins
for both; it was not measured on a GPU yet (the test marked `gpu` does). NVML is optional:
`pip install 'vidmem[gpu]'`, or `pip install nvidia-ml-py`, lets the driver's own counts be shown.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import time
from dataclasses import dataclass, fields
from typing import Any

import psutil
import torch
from torch import nn

logger = logging.getLogger(__name__)

START_ROUNDING_SECONDS = 2.0
"""Linux gives the start of a process, and of the system it counts from, to a second each."""


@dataclass(frozen=True, kw_only=True)
class FootprintSample:
    """The footprint of a run at one moment; `None` where it cannot be measured here."""

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


NAMES = tuple(field.name for field in fields(FootprintSample))
"""The figures of a sample, in order."""


@dataclass(frozen=True)
class HostSample:
    """Main memory of this process."""

    process_bytes: int
    peak_bytes: int | None
    """`None` where the system does not say."""


@dataclass(frozen=True)
class DeviceSample:
    """Memory of a GPU; the fields are those of `FootprintSample`."""

    allocated_bytes: int
    reserved_bytes: int
    peak_allocated_bytes: int
    peak_reserved_bytes: int
    device_bytes: int
    device_process_bytes: int | None


class HostGauge:
    """Reads the main memory of this process. Make one and keep it: looking a process up is slow."""

    def __init__(self) -> None:
        self._here = psutil.Process()
        self._most = 0

    def read(self) -> HostSample:
        """The resident set of this process now, and its peak, both in bytes."""
        resident, peak = self._here.memory_info().rss, _peak_bytes()
        # The system's two counts differ by some pages: a peak is never below what was read.
        self._most = max(self._most, resident, peak or 0)
        return HostSample(resident, None if peak is None else self._most)


def _peak_bytes() -> int | None:
    if sys.platform == "win32":
        return None
    import resource  # no such module on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kilobytes elsewhere


class ProcessGauge:
    """Reads memory and processor time of this process and of a child, such as its decoder.

    Make one and keep it: looking a process up is slow, and processor time counts from call to call.
    """

    def __init__(self) -> None:
        self._here = psutil.Process()
        self._child: psutil.Process | None = None
        self._child_seconds = 0.0
        self._read_at = time.time()

    def resident_bytes(self, child_pid: int | None = None) -> int:
        """Bytes of main memory held by this process and by a child (0 for one that is gone).

        Pages that both share are counted twice, so the sum errs upwards.
        """
        return self._here.memory_info().rss + self.child_bytes(child_pid)

    def child_bytes(self, child_pid: int | None) -> int:
        """Bytes of main memory held by a child; 0 for one that is gone."""
        try:
            child = self._find(child_pid)
            return child.memory_info().rss if child else 0
        except psutil.Error:
            return 0

    def processor_seconds(self, child_pid: int | None = None) -> float:
        """Seconds of processor time that a child used since the last call, all cores added up.

        A child that is older than this gauge counts from the first call with its id.
        """
        try:
            child = self._find(child_pid)
            times = child.cpu_times() if child else None
        except psutil.Error:
            return 0.0
        finally:
            self._read_at = time.time()
        if times is None:
            return 0.0
        before, self._child_seconds = self._child_seconds, times.user + times.system
        return max(self._child_seconds - before, 0.0)

    def _find(self, child_pid: int | None) -> psutil.Process | None:
        if child_pid is None:
            return None
        if self._child is None or self._child.pid != child_pid:
            self._child = child = psutil.Process(child_pid)
            # A child that began since the last call is counted from its start.
            is_new = child.create_time() >= self._read_at - START_ROUNDING_SECONDS
            times = child.cpu_times()
            self._child_seconds = 0.0 if is_new else times.user + times.system
        return self._child


class DeviceGauge:
    """Reads the memory of one CUDA device, without waiting for what runs there.

    Raises:
        ValueError: If the device is another one.
    """

    def __init__(self, device: torch.device) -> None:
        if device.type != "cuda":
            raise ValueError(f"device must be a CUDA device, got {device}")
        self._device = device
        self._driver = _Driver.of(device)

    def read(self) -> DeviceSample:
        """What is held now; the peaks are those since the process began, or since their reset."""
        cuda, device = torch.cuda, self._device
        if self._driver is not None:
            device_bytes, process_bytes = self._driver.device_bytes(), self._driver.process_bytes()
        else:
            free, total = cuda.mem_get_info(device)
            device_bytes, process_bytes = total - free, None
        return DeviceSample(
            allocated_bytes=cuda.memory_allocated(device),
            reserved_bytes=cuda.memory_reserved(device),
            peak_allocated_bytes=cuda.max_memory_allocated(device),
            peak_reserved_bytes=cuda.max_memory_reserved(device),
            device_bytes=device_bytes,
            device_process_bytes=process_bytes,
        )


class _Driver:
    """The driver's own counts for one device, by NVML."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle

    @classmethod
    def of(cls, device: torch.device) -> _Driver | None:
        """`None` where NVML is not installed, or does not know the device."""
        try:
            nvml = importlib.import_module("pynvml")
        except ModuleNotFoundError:
            return None
        try:
            nvml.nvmlInit()
            # By UUID: `CUDA_VISIBLE_DEVICES` gives devices other numbers than the driver's.
            uuid = str(torch.cuda.get_device_properties(device).uuid)
            name = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
            return cls(nvml, nvml.nvmlDeviceGetHandleByUUID(name))
        except nvml.NVMLError as error:
            logger.info("NVML does not know %s: %s", device, error)
            return None

    def device_bytes(self) -> int:
        """In use on the device, by whatever process."""
        return int(self._nvml.nvmlDeviceGetMemoryInfo(self._handle).used)

    def process_bytes(self) -> int | None:
        """In use by this process; `None` where the driver does not say.

        It does not under Windows, nor in a container whose numbers of processes are its own.
        """
        try:
            running = self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle)
        except self._nvml.NVMLError:
            return None
        used = [one.usedGpuMemory for one in running if one.pid == os.getpid()]
        return int(used[0]) if used and used[0] is not None else None


def weights_bytes(model: object) -> int | None:
    """Bytes of a module's parameters and buffers; those that are shared count once.

    `None` for what is no module.
    """
    if not isinstance(model, nn.Module):
        return None
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in (*model.parameters(), *model.buffers())
    }
    return sum(storages.values())
