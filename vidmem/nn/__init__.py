"""Parts of networks; knows tensors, not videos."""

from vidmem.nn import attention, memory

__all__ = ["attention", "memory"]
