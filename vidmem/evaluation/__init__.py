"""Scores on videos whose labels are known, and asking a stream what mattered."""

from vidmem.moments import RecordedMoment, record_replay

__all__ = ["RecordedMoment", "record_replay"]
