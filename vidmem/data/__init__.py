"""Datasets: drawn barns, the samples of official annotations, and long streams made of them.

Names are imported when first used, so importing this package is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidmem.data import barn
    from vidmem.data.manifest.manifest import Manifest
    from vidmem.data.manifest.sample import DatasetSample
    from vidmem.data.streams.long_stream import LongStream, StreamFrames, StreamPart
    from vidmem.data.streams.long_streams import LongStreams
    from vidmem.data.streams.writing import WrittenStream, write_stream

_HOME = {
    "DatasetSample": "manifest.sample",
    "LongStream": "streams.long_stream",
    "LongStreams": "streams.long_streams",
    "Manifest": "manifest.manifest",
    "StreamFrames": "streams.long_stream",
    "StreamPart": "streams.long_stream",
    "WrittenStream": "streams.writing",
    "write_stream": "streams.writing",
}

__all__ = [
    "DatasetSample",
    "LongStream",
    "LongStreams",
    "Manifest",
    "StreamFrames",
    "StreamPart",
    "WrittenStream",
    "barn",
    "write_stream",
]


def __getattr__(name: str) -> Any:
    if name == "barn":
        return import_module("vidmem.data.barn")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
