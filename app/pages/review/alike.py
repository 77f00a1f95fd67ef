"""Find more like this: by the features that teaching kept of the project's videos."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from app.pages.review.reviewed import ReviewedRun
from app.projects.without_paths import without_paths
from vidmem.errors import SettingError
from vidmem.labels import Labels
from vidmem.models import FeatureStore
from vidmem.projects import Project
from vidmem.review import EncodedStretch, SimilarStretch, find_alike
from vidmem.teaching import VideoFeatures, find_features

MAX_SHOWN = 20
NUM_LOOKED_AT = 80
"""Stretches among which those are left out that people have labelled."""

MAX_AGE_SECONDS = 60.0
"""For so long, what was read of the store is taken for all that there is."""

FRAMES_AT_ONCE = 512

NOT_TAUGHT = (
    "Only for the predictions of a model that was taught: what looks alike is told by the features "
    "that it was taught on. Teach one, and let it watch this video."
)
NOT_ENCODED = (
    "{video} has no features yet: they are kept when a model is taught with it. Teach again with "
    "this video in the project."
)


class AlikeFinder:
    """Stretches of the project's videos whose features are near those of a bout.

    Args:
        project: Whose store has the features; nothing is encoded.
        load_model: Of a run, by its name.
        clock: In seconds.
    """

    def __init__(
        self,
        project: Project,
        load_model: Callable[[str], Any],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._project, self._load, self._clock = project, load_model, clock
        self._lock = threading.Lock()
        self._read: tuple[str, float, list[EncodedStretch], list[str]] | None = None

    def answer(self, reviewed: ReviewedRun, start: float, end: float) -> dict[str, Any]:
        """The nearest first, and the videos that cannot be searched.

        Raises:
            SettingError: If the model has no features, or the video of the bout has none.
        """
        with self._lock:  # one at a time reads, so that two do not read the same
            stretches, without = self._stretches(reviewed.found.run.model)
        if reviewed.video in without:
            raise SettingError(NOT_ENCODED.format(video=reviewed.video))
        found = find_alike(
            stretches,
            video=reviewed.video,
            start_seconds=start,
            end_seconds=end,
            count=NUM_LOOKED_AT,
        )
        free = [one for one in found if not self._is_said(one, reviewed)][:MAX_SHOWN]
        return {
            "revision": reviewed.revision,
            "spans": [[one.start_seconds, one.end_seconds, one.video] for one in free],
            "without": without,
        }

    def _stretches(self, model_name: str) -> tuple[list[EncodedStretch], list[str]]:
        if self._read is not None:
            name, read_at, stretches, without = self._read
            if name == model_name and self._clock() - read_at < MAX_AGE_SECONDS:
                return stretches, without
        model = self._load(model_name)
        encoder = getattr(model, "encoder", None)
        if encoder is None:
            raise SettingError(NOT_TAUGHT)
        store = FeatureStore(folder=self._project.features_folder)
        stretches, without = [], []
        for video in self._project.videos.list():
            is_here = video.path is not None and self._project.videos.state_of(video) == "here"
            features = None
            if is_here and video.path is not None:
                with without_paths(video.name, video.path):
                    features = find_features(
                        video.path,
                        encoder,
                        fps=model.card.fps,
                        store=store,
                        follow=model.card.follow,
                        hides_clock=model.card.hides_clock,
                    )
            if features is None:
                without.append(video.name)
            else:
                stretches.append(_stretch(video.name, features, encoder))
        self._read = (model_name, self._clock(), stretches, without)
        return stretches, without

    def _is_said(self, one: SimilarStretch, reviewed: ReviewedRun) -> bool:
        """Whether people have labelled half of it."""
        labels = (
            reviewed.said
            if one.video == reviewed.video
            else self._project.labels.of(one.video).labels
        )
        return _said_share(labels, one, reviewed.axis, reviewed.subject) >= 0.5


def _stretch(video: str, features: VideoFeatures, encoder: Any) -> EncodedStretch:
    """A video's features, each frame's the mean over its places."""
    raw, reduction = features.raw, deepcopy(encoder.reduction).cpu()  # of a model on any device
    means = [
        reduction(raw[at : at + FRAMES_AT_ONCE]).mean(-2).numpy()
        for at in range(0, len(features), FRAMES_AT_ONCE)
    ]
    return EncodedStretch(
        video=video,
        values=np.concatenate(means),
        start_seconds=features.start_seconds.numpy(),
        end_seconds=features.end_seconds.numpy(),
    )


def _said_share(labels: Labels, one: SimilarStretch, axis: str, subject: str) -> float:
    if axis not in labels.ethogram.axes:
        return 0.0
    seconds = sum(
        max(
            0.0, min(said.end_seconds, one.end_seconds) - max(said.start_seconds, one.start_seconds)
        )
        for said in labels.timeline(one.video, axis, subject)
    )
    return seconds / max(one.end_seconds - one.start_seconds, 1e-6)
