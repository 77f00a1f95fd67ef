"""Teaching on cached features: how long it takes, and how much memory it holds meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from vidmem.bench.teach.invented import invented_video
from vidmem.bench.teach.peak import PeakWatch, ResidentPeak
from vidmem.models import FamSwin, FeatureEncoder, Spool
from vidmem.teaching import LearnConfig, TeachConfig
from vidmem.teaching.teach import teach

SHORT_MINUTES = 10.0
"""Of what a model is taught on that is only to be streamed: its step costs the same."""

ONE_STEP = LearnConfig(steps=1, batch=1, check_every=1)


@dataclass(frozen=True, kw_only=True)
class LessonBench:
    """A model taught on the cached features of one video, with its report and no baselines."""

    model: str
    minutes: float
    """Of video."""

    labelled_seconds: float
    num_feature_frames: int
    feature_bytes: int
    """On disk."""

    seconds: float
    """From labels and cached features to the model and its report."""

    preparing_seconds: float
    """Of these: features checked, the reduction fitted, and all reduced."""

    num_steps: int
    """After which held-out time was told best; 0: the network added nothing to its linear head, and
    is not taught a second time."""

    peak: ResidentPeak

    correction_seconds: float
    """Then, from that model and one piece of labels more, to a corrected one and its report."""

    correction_preparing_seconds: float
    """Of these: features checked and reduced."""

    @property
    def correction_share(self) -> float:
        """Of the time that teaching anew takes."""
        return self.correction_seconds / self.seconds


def bench_lesson(config: TeachConfig, minutes: float, encoder: FeatureEncoder) -> LessonBench:
    """Teach the config's model on invented features.

    Args:
        config: Its baselines are left out.
        minutes: Of video.
        encoder: The config's image encoder.
    """
    config = replace(config, has_baselines=False, hide_clock=False)  # features are cached without
    with invented_video(config, minutes, encoder) as video:
        with PeakWatch() as watch:
            started = time.perf_counter()
            taught = teach(video.labels, video.path, config=config, store=video.store)
            seconds = time.perf_counter() - started
        report = taught[1]
        started = time.perf_counter()
        _, corrected = teach(video.more_labels, video.path, warm_start=taught, store=video.store)
        correction_seconds = time.perf_counter() - started
    return LessonBench(
        model=config.model,
        minutes=minutes,
        labelled_seconds=video.labelled_seconds,
        num_feature_frames=video.num_feature_frames,
        feature_bytes=video.num_bytes,
        seconds=seconds,
        preparing_seconds=report.encoding_seconds,
        num_steps=report.chosen.num_steps[0],
        peak=watch.peak,
        correction_seconds=correction_seconds,
        correction_preparing_seconds=corrected.encoding_seconds,
    )


def teach_briefly(
    config: TeachConfig, name: str, encoder: FeatureEncoder, *, minutes: float = SHORT_MINUTES
) -> Spool | FamSwin:
    """A model that knows next to nothing, and streams like one that was taught for long."""
    brief = replace(
        config,
        model=name,
        learn=ONE_STEP,
        num_seeds=1,
        has_baselines=False,
        hide_clock=False,  # features are cached without
    )
    with invented_video(brief, minutes, encoder) as video:
        return teach(video.labels, video.path, config=brief, store=video.store)[0]
