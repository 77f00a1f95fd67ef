"""Reading memory: this process's for real; a GPU's with stand-ins for torch's and the driver's."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from vidmem.profiling import DeviceGauge, HostGauge, weights_bytes

DEVICE = torch.device("cuda:0")
MIB = 2**20


class FakeNvml:
    """As `nvidia-ml-py` documents it."""

    class NVMLError(Exception): ...

    def __init__(self, running, knows_device=True):
        self.running, self.knows_device, self.asked = running, knows_device, []

    def nvmlInit(self): ...  # noqa: N802

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        self.asked.append(uuid)
        if not self.knows_device:
            raise self.NVMLError("Not Found")
        return "handle"

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        assert handle == "handle"
        return SimpleNamespace(total=80 * MIB, used=9 * MIB, free=71 * MIB)

    def nvmlDeviceGetComputeRunningProcesses(self, handle):  # noqa: N802
        assert handle == "handle"
        if self.running is None:
            raise self.NVMLError("Insufficient Permissions")
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in self.running]


@pytest.fixture
def cuda(monkeypatch):
    """What torch says of a GPU, on a machine without one."""
    uuid = SimpleNamespace(uuid="11112222-3333-4444-5555-666677778888")
    for name, value in {
        "memory_allocated": 1 * MIB,
        "memory_reserved": 2 * MIB,
        "max_memory_allocated": 3 * MIB,
        "max_memory_reserved": 4 * MIB,
        "mem_get_info": (70 * MIB, 80 * MIB),
        "get_device_properties": uuid,
    }.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)


def with_driver(monkeypatch, driver):
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    return DeviceGauge(DEVICE).read()


def test_torch_and_the_driver_are_asked(cuda, monkeypatch):
    driver = FakeNvml([(1, 5 * MIB), (os.getpid(), 6 * MIB)])
    held = with_driver(monkeypatch, driver)
    assert driver.asked == ["GPU-11112222-3333-4444-5555-666677778888"]
    assert (held.allocated_bytes, held.reserved_bytes) == (1 * MIB, 2 * MIB)
    assert (held.peak_allocated_bytes, held.peak_reserved_bytes) == (3 * MIB, 4 * MIB)
    assert (held.device_bytes, held.device_process_bytes) == (9 * MIB, 6 * MIB)


@pytest.mark.parametrize("running", [None, [], [(1, 5 * MIB)], [(os.getpid(), None)]])
def test_what_the_driver_does_not_say_is_not_known(cuda, monkeypatch, running):
    held = with_driver(monkeypatch, FakeNvml(running))
    assert (held.device_bytes, held.device_process_bytes) == (9 * MIB, None)


@pytest.mark.parametrize("driver", [None, FakeNvml([], knows_device=False)])
def test_without_the_driver_torch_says_what_the_device_holds(cuda, monkeypatch, driver):
    held = with_driver(monkeypatch, driver)  # None: an import fails
    assert (held.device_bytes, held.device_process_bytes) == (10 * MIB, None)


def test_a_gauge_of_a_device_is_for_cuda():
    with pytest.raises(ValueError, match="must be a CUDA device, got cpu"):
        DeviceGauge(torch.device("cpu"))


def test_the_peak_of_this_process_stays_when_memory_is_given_back():
    gauge = HostGauge()
    before = gauge.read()
    block = np.ones(max(before.peak_bytes - before.process_bytes, 0) + 100_000_000, dtype=np.uint8)
    held = gauge.read()
    assert held.process_bytes > before.process_bytes + 90_000_000
    del block
    after = gauge.read()
    assert after.process_bytes < held.process_bytes - 90_000_000
    assert after.peak_bytes >= held.process_bytes


def test_weights_are_counted_tensor_by_tensor_and_shared_ones_once():
    model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5))
    numbers = 3 * 5 + 5 + 2 * 5 + 2 * 5  # and a counter of batches, in 8 bytes
    assert weights_bytes(model) == 4 * numbers + 8
    tied = nn.ModuleList([model[0], nn.Linear(3, 5)])
    tied[1].weight = model[0].weight
    assert weights_bytes(tied) == 4 * (3 * 5 + 2 * 5)
    assert weights_bytes("a model") is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_a_tensor_is_seen_by_torch_and_by_the_driver():
    gauge = DeviceGauge(DEVICE)
    torch.empty(1, device=DEVICE)  # the context is there from here on
    before = gauge.read()
    block = torch.zeros(256 * MIB, dtype=torch.uint8, device=DEVICE)
    held = gauge.read()
    assert held.allocated_bytes - before.allocated_bytes == block.nbytes
    assert held.reserved_bytes >= held.allocated_bytes
    assert held.peak_allocated_bytes >= held.allocated_bytes
    assert held.device_bytes >= held.reserved_bytes
    if held.device_process_bytes is not None:
        assert held.device_process_bytes >= held.reserved_bytes
    del block
    assert gauge.read().allocated_bytes == before.allocated_bytes
    assert gauge.read().peak_allocated_bytes == held.peak_allocated_bytes
