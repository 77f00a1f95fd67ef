"""Labelled videos of invented features: the class of a frame shows in some of its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from vidmem.labels import NO_CLASS, Behaviour, Bout, Ethogram, Labels
from vidmem.models import CardAxis, FeatureConfig, ModelCard
from vidmem.teaching.learners import LearnerFacts
from vidmem.teaching.learning import Labelled, LearnConfig, Lesson
from vidmem.teaching.samples import TaughtVideo, classes_at

FPS = 4.0
"""Feature frames per second."""

FEATURES = FeatureConfig(
    backbone="tiny", tokens_per_frame=4, cell_components=3, frame_components=5, has_motion=False
)
POSTURE = CardAxis("posture", ("lying", "standing"))
ACTIVITY = CardAxis("activity", ("nursing", "eating", "none of these"))
ETHOGRAM = Ethogram(
    (
        Behaviour("lying", axis="posture"),
        Behaviour("standing", axis="posture"),
        Behaviour("nursing", axis="activity"),
        Behaviour("eating", axis="activity"),
    )
)
CARD = ModelCard(
    name="tiny",
    title="Tiny",
    class_names=POSTURE.class_names,
    fps=8.0,
    clip_frames=4,
    window_stride=4,
)
FACTS = LearnerFacts(
    features=FEATURES, card=CARD, memory_seconds=2.0, context_seconds=4.0, reach_seconds=0.5
)
QUICK = LearnConfig(steps=6, batch=2, segment_seconds=4.0, check_every=2)


@dataclass(frozen=True)
class Said:
    """Labels of one axis, and the videos that they are of."""

    labels: Labels
    videos: tuple[TaughtVideo, ...]
    axes: tuple[CardAxis, ...] = (POSTURE,)


def make_video(labels: Labels, axes, name="pen.mp4", seconds=60.0, seed=0, noise=0.3, late=0):
    """Its first numbers say which class it was `late` frames before, one axis after the other."""
    rng = np.random.default_rng(seed)
    starts = np.arange(round(seconds * FPS)) / FPS
    times = starts + 0.5 / FPS
    classes = classes_at(times, labels, axes, name=name)
    values = rng.normal(0, noise, (len(times), FEATURES.tokens_per_frame, FEATURES.feature_dim))
    at = 0
    for axis, own in zip(axes, classes, strict=True):
        for index in range(len(axis.class_names)):
            values[..., at] += np.roll(own == index, late)[:, None]
            at += 1
    return TaughtVideo(
        name=name,
        values=torch.from_numpy(values).half(),
        times_seconds=times,
        start_seconds=starts,
        end_seconds=starts + 1 / FPS,
        classes=classes,
        is_repeated=np.zeros(len(times), bool),
    )


def alternating(seconds=60.0, bout=5.0, name="pen.mp4", names=POSTURE.class_names, start=0.0):
    """Bouts of behaviours in turn, without a gap."""
    edges = np.arange(start, seconds, bout)
    return tuple(
        Bout(name, float(edge), float(min(edge + bout, seconds)), names[number % len(names)])
        for number, edge in enumerate(edges)
    )


def one_video(seconds=120.0, **options):
    """Fully labelled."""
    labels = Labels(ETHOGRAM, alternating(seconds))
    return Said(labels, (make_video(labels, (POSTURE,), seconds=seconds, **options),))


def lesson_of(said: Said, learn=(0.0, 80.0), stop=(80.0, 120.0)):
    """Of all videos, times to learn from and to stop by."""

    def counted(video, edges):
        is_in = (video.times_seconds >= edges[0]) & (video.times_seconds < edges[1])
        return Labelled(video, is_in & (video.classes != NO_CLASS).any(0))

    return Lesson(
        axes=said.axes,
        feature_fps=FPS,
        learn=tuple(counted(video, learn) for video in said.videos),
        stop=() if stop is None else tuple(counted(video, stop) for video in said.videos),
    )
