"""What teaching would do with labels, said before anything is encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vidmem.labels import Labels
from vidmem.models import CardAxis
from vidmem.teaching.lessons import look_ahead
from vidmem.teaching.splits import Split
from vidmem.teaching.subjects import Regions
from vidmem.teaching.teach import TeachConfig
from vidmem.teaching.warm_start import WarmStart


@dataclass(frozen=True, kw_only=True)
class TeachPreview:
    """What a model would be taught, and from which time."""

    axes: tuple[CardAxis, ...]
    """With the classes that there are labels of."""

    split: Split


def preview_teaching(
    labels: Labels,
    video_seconds: Mapping[str, float],
    config: TeachConfig,
    *,
    regions: Regions | None = None,
    warm_start: WarmStart | None = None,
) -> TeachPreview:
    """What `teach` would do; it opens no video, and takes milliseconds for minutes of labels.

    Args:
        labels: Of the videos.
        video_seconds: How long each labelled video is, by the name that the labels have for it.
        config: The recipe.
        regions: Parts of the picture that are taught each by itself, by video.
        warm_start: The earlier model that is corrected, whose config this is.

    Raises:
        LabelError: If the labels cannot teach it.
        SettingError: If something is asked for that the labels do not have.
    """
    files = {name: Path(name) for name in sorted({track.video for track in labels.tracks})}
    request = config.request(regions or {}, warm_start)
    ahead = look_ahead(labels, files, request, video_seconds.__getitem__)
    return TeachPreview(axes=ahead.axes, split=ahead.split)
