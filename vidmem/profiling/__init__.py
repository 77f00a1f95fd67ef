"""What a model costs: memory and time, measured."""

from vidmem.profiling.gauges import DeviceGauge, DeviceHeld, HostGauge, HostHeld, weights_bytes
from vidmem.profiling.held import Held
from vidmem.profiling.process import ProcessGauge
from vidmem.profiling.timeline import EVENT_KINDS, MemoryEvent, MemoryRecord, MemoryTimeline
from vidmem.profiling.trend import Slope

__all__ = [
    "EVENT_KINDS",
    "DeviceGauge",
    "DeviceHeld",
    "Held",
    "HostGauge",
    "HostHeld",
    "MemoryEvent",
    "MemoryRecord",
    "MemoryTimeline",
    "ProcessGauge",
    "Slope",
    "weights_bytes",
]
