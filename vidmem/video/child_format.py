"""The form of the messages between a decoding child process and its parent."""

from __future__ import annotations

import struct

HEADER = struct.Struct("<IQ")
"""Bytes of JSON and bytes of data that follow."""
