"""Delayed recall as something to be learnt: asked at every clip, scored where it is asked.

A trace that has to be handed on from clip to clip is learnt only if it is asked for all the way
(`vidmem.training.barn.carry`): so while a network learns, every clip is asked which cue was the
last, and sequences begin short. Scores are of the marked question alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.errors import SettingError
from vidmem.training.runs.kinds import Draw, SequenceFacts, SequenceScores, Split, TaskKind
from vidmem.training.runs.sequences.classes import device_of
from vidmem.training.studies.recall import (
    NO_CUE,
    RecallConfig,
    RecallSequence,
    draw_lesson,
    draw_question,
)

_SEEDS: dict[Split, int] = {"valid": 1_000_001, "test": 1_000_003}
"""Of sequences that are scored; those learnt from have the seeds of runs."""

_ANYWHERE = (1, 2, 3)
"""Clips that show the cue where it does not come first."""


@dataclass(frozen=True, kw_only=True)
class RecallTaskConfig:
    """What is drawn, and how it is taught."""

    sequence: RecallConfig = field(default_factory=RecallConfig)
    """How sequences are drawn."""

    delays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8, 12, 16, 20)
    """In clips, from the cue to the question, each scored by itself."""

    num_questions: int = 128
    """Test sequences for each delay; a quarter of them to validate."""

    dense_weight: float = 1.0
    """Of being asked at every clip which cue was the last, beside the question."""

    first_gap: int = 3
    """Clips from one cue to the next, at most, in the first sequences."""

    longest_gap: int = 40
    """The same in the last ones. More than a sequence has, so that long delays are common."""

    curriculum: float = 0.5
    """Share of the steps over which the gap grows. 0: it is long from the beginning."""

    steps: int = 400
    """Over which the curriculum is laid: those of the optimiser."""

    def __post_init__(self) -> None:
        if not self.delays or min(self.delays) < 1:
            raise SettingError(f"delays must be some numbers of at least 1, got {self.delays}")
        for name in ("num_questions", "first_gap", "longest_gap", "steps"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.dense_weight < 0 or not 0 <= self.curriculum <= 1:
            raise SettingError(
                f"dense_weight must be at least 0 and curriculum from 0 to 1, got "
                f"{self.dense_weight} and {self.curriculum}"
            )

    def gap_at(self, step: int) -> int:
        """Clips from one cue to the next, at most, at a step."""
        grown = self.curriculum * self.steps
        share = 1.0 if step >= grown else step / grown
        return round(self.first_gap + share * (self.longest_gap - self.first_gap))

    def num_clips_at(self, step: int) -> int:
        """Clips of a sequence at a step: a few more than the gap, up to those of the config."""
        return min(self.sequence.num_clips, self.gap_at(step) + len(_ANYWHERE) + 1)


@dataclass(frozen=True)
class RecallBatch:
    """Sequences to learn from."""

    values: Tensor
    """`[B, T, P, F]`"""

    last_cues: Tensor
    """`[B, N]`"""

    question_clips: Tensor
    """`[B]`"""


class RecallTask:
    """A `Task`: which cue was shown?"""

    def __init__(self, config: RecallTaskConfig) -> None:
        self._config = config

    @property
    def facts(self) -> SequenceFacts:
        """What a network has to fit."""
        sequence = self._config.sequence
        return SequenceFacts(
            tokens_per_frame=sequence.tokens_per_frame,
            feature_dim=sequence.feature_dim,
            num_frames=sequence.num_clips * sequence.clip_frames,
            class_names=tuple(f"cue {number + 1}" for number in range(sequence.num_classes)),
        )

    def batch(self, draw: Draw) -> RecallBatch:
        """Sequences of the length of this step."""
        config = self._config
        gap, num_clips = config.gap_at(draw.step), config.num_clips_at(draw.step)
        return _stacked(
            [
                draw_lesson(config.sequence, draw.rng, longest_gap=gap, num_clips=num_clips)
                for _ in range(draw.size)
            ]
        )

    def loss(self, network: nn.Module, batch: RecallBatch) -> Tensor:
        """Cross-entropy of the question, and of every clip after the first cue."""
        logits_BNC = self._clip_logits(network, batch.values)
        rows = torch.arange(len(logits_BNC))
        at = batch.question_clips
        loss = F.cross_entropy(logits_BNC[rows, at], batch.last_cues[rows, at])
        if not self._config.dense_weight:
            return loss
        is_known = batch.last_cues != NO_CUE
        asked = F.cross_entropy(logits_BNC[is_known], batch.last_cues[is_known])
        return loss + self._config.dense_weight * asked

    @torch.no_grad()
    def scores(self, network: nn.Module, split: Split) -> dict[str, float]:
        """Share of right answers.

        `recall` is the mean over all delays, of cues anywhere; `recall_5` that at 5 clips, and
        `first_5` likewise, of cues in the first clip of a stream, which is what anchors keep.
        """
        recall = {delay: self._accuracy(network, split, delay, _ANYWHERE) for delay in self._delays}
        first = {delay: self._accuracy(network, split, delay, (0,)) for delay in self._delays}
        return {
            "recall": float(np.mean(list(recall.values()))),
            **{f"recall_{delay}": share for delay, share in recall.items()},
            **{f"first_{delay}": share for delay, share in first.items()},
        }

    @property
    def _delays(self) -> tuple[int, ...]:
        return self._config.delays

    def _accuracy(
        self, network: nn.Module, split: Split, delay: int, cue_clips: tuple[int, ...]
    ) -> float:
        batch = _questions(self._config, split, delay, cue_clips)
        logits_BNC = self._clip_logits(network, batch.values)
        rows = torch.arange(len(logits_BNC))
        answers = logits_BNC[rows, batch.question_clips].argmax(-1)
        return (answers == batch.last_cues[rows, batch.question_clips]).float().mean().item()

    def _clip_logits(self, network: nn.Module, values: Tensor) -> Tensor:
        """`[B, N, C]`: what is said at the last frame of each clip."""
        every = self._config.sequence.clip_frames
        said: SequenceScores = network(values.to(device_of(network)))
        return said.frame_logits[:, every - 1 :: every].cpu()


@cache
def _questions(
    config: RecallTaskConfig, split: Split, delay: int, cue_clips: tuple[int, ...]
) -> RecallBatch:
    """What is scored at one delay: all sequences of one length."""
    count = config.num_questions if split == "test" else max(1, config.num_questions // 4)
    length = max(cue_clips) + delay + 1
    sequence = config.sequence
    shortened = RecallConfig(**{**vars(sequence), "num_clips": length})
    first = (delay * 2 + (cue_clips == (0,))) * 100_000
    return _stacked(
        [
            draw_question(
                shortened,
                _SEEDS[split],
                first + number,
                delay=delay,
                cue_clip=cue_clips[number % len(cue_clips)],
            )
            for number in range(count)
        ]
    )


def _stacked(sequences: list[RecallSequence]) -> RecallBatch:
    return RecallBatch(
        values=torch.from_numpy(np.stack([one.values for one in sequences])),
        last_cues=torch.from_numpy(np.stack([one.last_cues for one in sequences])),
        question_clips=torch.tensor([one.question_clip for one in sequences]),
    )


DELAYED_RECALL = TaskKind(
    name="delayed-recall", form="sequences", config=RecallTaskConfig, make=RecallTask
)
