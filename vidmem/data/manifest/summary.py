"""A manifest in a few numbers: what `vidmem data check` says."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vidmem.data.manifest.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class ManifestSummary:
    """How much of what there is."""

    num_samples: int
    num_named: int
    num_without_label: int
    num_videos: int
    num_videos_of_known_length: int
    video_seconds: float
    """Of the videos whose length is known, together."""

    class_counts: Mapping[str, int]
    subset_counts: Mapping[str, int]
    num_divided_groups: int
    """See `Manifest.divided_groups`."""

    @classmethod
    def of(cls, manifest: Manifest) -> ManifestSummary:
        """Count."""
        videos = {sample.video for sample in manifest.samples}
        known = [manifest.durations[one] for one in videos if one in manifest.durations]
        return cls(
            num_samples=len(manifest),
            num_named=manifest.num_named,
            num_without_label=sum(not sample.classes for sample in manifest.samples),
            num_videos=len(videos),
            num_videos_of_known_length=len(known),
            video_seconds=sum(known),
            class_counts=manifest.class_counts,
            subset_counts=manifest.subset_counts,
            num_divided_groups=len(manifest.divided_groups),
        )

    @property
    def samples_per_class(self) -> tuple[int, float, int] | None:
        """The least, the median and the most; `None`: there are no classes."""
        counts = list(self.class_counts.values())
        return (min(counts), statistics.median(counts), max(counts)) if counts else None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        least, median, most = self.samples_per_class or (None, None, None)
        return {
            "samples": self.num_samples,
            "named": self.num_named,
            "without_label": self.num_without_label,
            "videos": self.num_videos,
            "videos_of_known_length": self.num_videos_of_known_length,
            "video_seconds": round(self.video_seconds, 3),
            "classes": dict(self.class_counts),
            "samples_per_class": {"min": least, "median": median, "max": most},
            "subsets": dict(self.subset_counts),
            "divided_groups": self.num_divided_groups,
        }
