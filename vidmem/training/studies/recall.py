"""Delayed recall: a cue in one clip, the question which one it was some clips later.

    clip      0    1    2    3    4    5    6    7
              -  cue b  -    d    -    c  quest. -      delay 5; the answer is b

A cue is the pattern of a class beside a mark. Distractors (here c and d) are patterns without the
mark, so that a network has to choose what to keep. Everything else is noise. Nothing in the clip
of the question says which cue was shown: who does not remember is right by chance alone.

Letters: B sequences, N clips, T frames, P places of a frame, F features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidmem.errors import SettingError

CUE_MARK, QUESTION_MARK, FIRST_PATTERN = 0, 1, 2
"""Features: the two marks, then one for the pattern of each class; the rest is noise."""

NO_CUE = -1
"""The answer before the first cue."""

SHOWN = 2.0
"""A mark's or a pattern's value, beside noise of `RecallConfig.noise`."""


@dataclass(frozen=True, kw_only=True)
class RecallConfig:
    """How sequences are drawn."""

    num_classes: int = 4
    """Cues to tell apart; chance is one of so many."""

    clip_frames: int = 2
    """Feature frames of a clip."""

    tokens_per_frame: int = 4
    """Places of a frame: P. A cue is shown in one place of one frame."""

    feature_dim: int = 16
    """F."""

    num_clips: int = 24
    """Of a sequence."""

    noise: float = 0.3
    """Standard deviation of all features."""

    distractor_rate: float = 0.3
    """Share of the other clips that show a pattern without the mark."""

    def __post_init__(self) -> None:
        least = FIRST_PATTERN + self.num_classes
        if self.num_classes < 2 or self.feature_dim < least:
            raise SettingError(
                f"num_classes must be at least 2 and feature_dim {least} or more for so many, got "
                f"{self.num_classes} and {self.feature_dim}"
            )
        for name in ("clip_frames", "tokens_per_frame", "num_clips"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.noise < 0 or not 0 <= self.distractor_rate <= 1:
            raise SettingError(
                f"noise must be at least 0 and distractor_rate from 0 to 1, got {self.noise} and "
                f"{self.distractor_rate}"
            )


@dataclass(frozen=True, kw_only=True)
class RecallSequence:
    """One sequence, and what is right at each of its clips."""

    values: NDArray[np.float32]
    """`[T, P, F]`, T being N * `clip_frames`."""

    last_cues: NDArray[np.int64]
    """`[N]`: the class of the cue shown last, this clip's included; `NO_CUE` before the first."""

    question_clip: int
    """The clip that asks."""


def draw_recall(
    config: RecallConfig,
    rng: np.random.Generator,
    cues: Mapping[int, int],
    question_clip: int,
    *,
    num_clips: int | None = None,
) -> RecallSequence:
    """Draw a sequence whose cues are settled.

    Args:
        config: How.
        rng: What is random: noise, distractors, places.
        cues: The class of the cue in each clip that shows one.
        question_clip: The clip that asks.
        num_clips: Instead of the config's.
    """
    clips = config.num_clips if num_clips is None else num_clips
    shape = (clips, config.clip_frames, config.tokens_per_frame, config.feature_dim)
    values = rng.normal(0.0, config.noise, shape).astype(np.float32)
    patterns = rng.integers(config.num_classes, size=clips)
    is_shown = rng.random(clips) < config.distractor_rate
    frames = rng.integers(config.clip_frames, size=(2, clips))
    places = rng.integers(config.tokens_per_frame, size=(2, clips))
    last_cues, last = np.full(clips, NO_CUE), NO_CUE
    for clip in range(clips):
        token = values[clip, frames[0, clip], places[0, clip]]
        if clip in cues:
            last = cues[clip]
            token[CUE_MARK] += SHOWN
            token[FIRST_PATTERN + last] += SHOWN
        elif is_shown[clip]:
            token[FIRST_PATTERN + patterns[clip]] += SHOWN
        last_cues[clip] = last
    asking = (question_clip, frames[1, question_clip], places[1, question_clip])
    values[asking][QUESTION_MARK] += SHOWN
    return RecallSequence(
        values=values.reshape(-1, *shape[2:]), last_cues=last_cues, question_clip=question_clip
    )


def draw_lesson(
    config: RecallConfig, rng: np.random.Generator, *, longest_gap: int, num_clips: int
) -> RecallSequence:
    """Draw a sequence to learn from: cue after cue, the next one up to `longest_gap` clips later.

    Half of them begin with a cue: so a network with anchors meets what it can keep for ever.
    """
    clip = 0 if rng.random() < 0.5 else int(rng.integers(min(4, num_clips)))
    first, cues = clip, {}
    while clip < num_clips:
        cues[clip] = int(rng.integers(config.num_classes))
        clip += int(rng.integers(1, longest_gap + 1))
    question = int(rng.integers(first, num_clips))
    return draw_recall(config, rng, cues, question, num_clips=num_clips)


def draw_question(
    config: RecallConfig, seed: int, index: int, *, delay: int, cue_clip: int
) -> RecallSequence:
    """Draw a sequence with a single cue, and the question `delay` clips after it.

    Args:
        config: How.
        seed: Of all such sequences.
        index: Of this one among them.
        delay: In clips, at least 1.
        cue_clip: The clip that shows the cue.
    """
    rng = np.random.default_rng([seed, index])
    cue = int(rng.integers(config.num_classes))
    question = cue_clip + delay
    return draw_recall(
        config, rng, {cue_clip: cue}, question, num_clips=max(config.num_clips, question + 1)
    )
