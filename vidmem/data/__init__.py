"""Labelled clips."""

from vidmem.data import barn

__all__ = ["barn"]
