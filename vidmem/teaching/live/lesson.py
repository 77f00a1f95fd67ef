"""A lesson in real time: a person shows behaviours, and a linear head tells them apart.

frames     a b | c d | e f | g h ...          sampled, in groups of `encode_every` as everywhere
held       0     1     2     3                a feature frame of each, a bounded number
examples         [-- moving --)  [- still -)  begun and ended by whoever shows them
fitted                         ^           ^  whenever an example ends, to all that are held

A demonstration, not a report: what it is told in one sitting is much alike.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidmem.errors import LabelError
from vidmem.labels import Ethogram, Labels
from vidmem.models import FeatureConfig, FeatureEncoder, RawFeatures
from vidmem.models.features.encoder import load_encoder
from vidmem.teaching.encoding import EncoderPictures, encode_groups
from vidmem.teaching.live.examples import MAX_EXAMPLES, LessonExamples
from vidmem.teaching.live.fitting import FittedLesson, fit_lesson
from vidmem.teaching.live.held_features import HeldFeatures
from vidmem.units import span
from vidmem.video.live.pictures import fitted
from vidmem.video.transforms import decode_size

SAMPLED_FPS = 10.0
"""Sampled frames per second, two for each feature frame."""

MAX_FEATURE_FRAMES = 1800
"""Of examples, six minutes at five a second: 42 MB of the features of `lite0`."""

LONGEST_STEP = 2.5
"""Times the usual time from one sampled frame to the next; beyond it they are no group."""


def load_lesson_encoder(name: str = "lite0") -> FeatureEncoder:
    """The image encoder of lessons; it may be shared by several.

    Args:
        name: See `FeatureConfig.backbone`; `lite0` is the quickest that comes along.

    Raises:
        WeightsNotAvailableError: If it is not on this machine, with how to get it.
    """
    return load_encoder(FeatureConfig(backbone=name))


@dataclass(frozen=True, kw_only=True)
class LessonAnswer:
    """What a lesson says now."""

    probabilities: tuple[float, ...]
    """Of each behaviour, for the newest feature frame; empty: it cannot say yet."""

    left_out_f1: float | None
    """See `FittedLesson`."""

    missing: str
    """What has to be shown before it can say more, in a sentence; empty: nothing."""

    limit: str
    """Why no more examples are held, in a sentence; empty: they are."""


class LiveLesson:
    """A lesson of one source: frames go in as they come, examples as they are shown.

    Seconds are of the source, so that what is shown again is the same moment. What it holds is
    bounded by `max_feature_frames`.

    Args:
        ethogram: The behaviours to tell apart: states of one axis, two to nine of them.
        encoder: Its image encoder is used, and its motion; not its reduction.
        name: Of the source, for the labels.
        fps: At which frames are sampled.
        max_feature_frames: That are held.

    Raises:
        SettingError: If these are no behaviours that can be told apart.
    """

    def __init__(
        self,
        ethogram: Ethogram,
        encoder: FeatureEncoder,
        *,
        name: str = "lesson",
        fps: float = SAMPLED_FPS,
        max_feature_frames: int = MAX_FEATURE_FRAMES,
    ) -> None:
        self._examples = LessonExamples(ethogram, name)
        self.fitted: FittedLesson | None = None
        self._encoder, self._pictures = encoder, EncoderPictures.of(encoder)
        self._fps = fps
        self._held = HeldFeatures(max_feature_frames)
        self._group: list[tuple[Tensor, float]] = []  # sampled frames, not enough for a group yet
        self._newest: RawFeatures | None = None

    @property
    def behaviours(self) -> tuple[str, ...]:
        """In the order of all probabilities."""
        return self._examples.axis.class_names

    @property
    def labels(self) -> Labels:
        """The examples, as labels of the source."""
        return self._examples.labels

    @property
    def num_feature_frames(self) -> int:
        """That are held."""
        return len(self._held)

    def add_frames(self, frames: Tensor, seconds: Sequence[float]) -> int:
        """Sampled frames in order; how many come at a time makes no difference.

        A frame that does not follow on the one before (the source was paused, or went elsewhere)
        begins a group anew: motion is measured over a moment only.

        Args:
            frames: uint8 `[N, H, W, 3]`, of any size.
            seconds: When each was shown, N of them.

        Returns:
            How many feature frames these made.

        Raises:
            ValueError: If these do not fit together.
        """
        if frames.ndim != 4 or len(frames) != len(seconds):
            raise ValueError(
                "frames must be uint8 [N, H, W, 3] with N times, got "
                f"{list(frames.shape)} and {len(seconds)} times"
            )
        num_made = 0
        for picture, at in zip(frames, seconds, strict=True):
            if self._group and not self._follows(at):
                self._group = []
            self._group.append((self._sized(picture), at))
            if len(self._group) == self._encoder.config.encode_every:
                self._add_group()
                num_made += 1
        return num_made

    def begin(self, behaviour: str, seconds: float) -> None:
        """A behaviour is being shown from now on; what was shown until now ends.

        Raises:
            LabelError: If there is no such behaviour, or no more examples are held.
        """
        with contextlib.suppress(LabelError):  # nothing was seen of it: a slip of the hand
            self.end(seconds)
        if limit := self._limit():
            raise LabelError(limit)
        self._examples.begin(behaviour, seconds)

    def end(self, seconds: float) -> None:
        """What is being shown was shown until now: an example. Nothing, where nothing is.

        Raises:
            LabelError: If no feature frame came in between: nothing of it was seen.
        """
        if self._examples.end(seconds, self._held.seconds):
            self._fit()

    def clear_last(self) -> None:
        """Take the newest example back, and what it took from others; nothing, if there is none."""
        self._examples.clear_last()
        self._fit()

    def clear(self) -> None:
        """Take all examples back."""
        self._examples.clear()
        self._fit()

    def answer(self) -> LessonAnswer:
        """What it says of the newest frame, and what it lacks."""
        probabilities, left_out_f1 = (), None
        if self.fitted is not None and self._newest is not None:
            probabilities = self.fitted.probabilities(self._newest)
            left_out_f1 = self.fitted.left_out_f1
        return LessonAnswer(
            probabilities=probabilities,
            left_out_f1=left_out_f1,
            missing=self._examples.missing(),
            limit=self._limit(),
        )

    def _follows(self, seconds: float) -> bool:
        return 0 < seconds - self._group[-1][1] <= LONGEST_STEP / self._fps

    def _sized(self, picture: Tensor) -> Tensor:
        card = self._pictures.card
        width, height = decode_size(
            picture.shape[1],
            picture.shape[0],
            frame_width=card.frame_width,
            frame_height=card.frame_height,
            resize=card.resize,
        )
        return torch.from_numpy(fitted(picture.numpy(), width, height))

    def _add_group(self) -> None:
        pixels = torch.stack([picture for picture, _ in self._group])
        seconds, self._group = self._group[-1][1], []
        raw = encode_groups(pixels, self._encoder, self._pictures)
        self._newest = RawFeatures(raw.tokens[0], raw.cell_motion[0], raw.frame_motion[0])
        self._held.add(self._newest, seconds, self._is_needed)

    def _is_needed(self) -> NDArray[np.bool_]:
        return self._examples.is_needed(self._held.seconds)

    def _fit(self) -> None:
        self.fitted = fit_lesson(self._encoder.config, self._held, self._examples)

    def _limit(self) -> str:
        """Why there can be no more examples; empty: there can."""
        clear = "take some back to give others"
        if len(self.labels.bouts) >= MAX_EXAMPLES:
            return f"A lesson has {MAX_EXAMPLES} examples at most: {clear}."
        if self._held.is_full and self._is_needed().all():
            seconds = len(self._held) * self._encoder.config.encode_every / self._fps
            return f"The lesson is full: it holds {span(seconds)} of examples; {clear}."
        return ""
