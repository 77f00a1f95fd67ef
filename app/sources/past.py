"""What is known of a source that was watched and cannot be read now: a camera, a moved file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PastInfo:
    """In place of what a reader would say: results can be shown on its times, and no pictures."""

    duration_seconds: float
    why: str
    """In a sentence, why it cannot be played."""

    width: int = 16
    height: int = 9
    display_width: int = 16
    display_height: int = 9
