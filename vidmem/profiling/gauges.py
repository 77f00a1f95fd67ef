"""What this machine holds for us, now: main memory, and a GPU's by torch and by its driver.

The GPU's part is written after the documentation of `torch.cuda` and NVML and tested with stand-ins
for both; it was not measured on a GPU yet (the test marked `gpu` does). NVML is optional:
`pip install 'vidmem[gpu]'`, or `pip install nvidia-ml-py`, lets the driver's own counts be shown.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from torch import nn

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HostHeld:
    """Main memory of this process."""

    process_bytes: int
    peak_bytes: int | None
    """`None` where the system does not say."""


@dataclass(frozen=True)
class DeviceHeld:
    """Memory of a GPU; the fields are those of `Held`."""

    allocated_bytes: int
    reserved_bytes: int
    peak_allocated_bytes: int
    peak_reserved_bytes: int
    device_bytes: int
    device_process_bytes: int | None


class HostGauge:
    """Reads the main memory of this process; made once, as finding a process is what costs."""

    def __init__(self) -> None:
        self._here = psutil.Process()
        self._most = 0

    def read(self) -> HostHeld:
        """What is held now."""
        held, peak = self._here.memory_info().rss, _peak_bytes()
        # The system's two counts differ by some pages: a peak is never below what was read.
        self._most = max(self._most, held, peak or 0)
        return HostHeld(held, None if peak is None else self._most)


class DeviceGauge:
    """Reads the memory of one CUDA device; waits for nothing that runs there."""

    def __init__(self, device: torch.device) -> None:
        if device.type != "cuda":
            raise ValueError(f"device must be a CUDA device, got {device}")
        self._device = device
        self._driver = _Driver.of(device)

    def read(self) -> DeviceHeld:
        """What is held now; the peaks are those since the process began, or since their reset."""
        cuda, device = torch.cuda, self._device
        if self._driver is not None:
            device_bytes, process_bytes = self._driver.device_bytes(), self._driver.process_bytes()
        else:
            free, total = cuda.mem_get_info(device)
            device_bytes, process_bytes = total - free, None
        return DeviceHeld(
            allocated_bytes=cuda.memory_allocated(device),
            reserved_bytes=cuda.memory_reserved(device),
            peak_allocated_bytes=cuda.max_memory_allocated(device),
            peak_reserved_bytes=cuda.max_memory_reserved(device),
            device_bytes=device_bytes,
            device_process_bytes=process_bytes,
        )


class _Driver:
    """NVML, asked about one device."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle

    @classmethod
    def of(cls, device: torch.device) -> _Driver | None:
        """NVML about a device; `None` where it is not installed, or does not know the device.

        The device is found by its UUID: `CUDA_VISIBLE_DEVICES` gives devices other numbers than
        the driver's.
        """
        try:
            nvml = importlib.import_module("pynvml")
        except ModuleNotFoundError:
            return None
        try:
            nvml.nvmlInit()
            uuid = str(torch.cuda.get_device_properties(device).uuid)
            name = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
            return cls(nvml, nvml.nvmlDeviceGetHandleByUUID(name))
        except nvml.NVMLError as error:
            logger.info("NVML does not tell about %s: %s", device, error)
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


def _peak_bytes() -> int | None:
    """The most that this process ever held."""
    if sys.platform == "win32":
        return None
    import resource  # no such module on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kilobytes elsewhere
