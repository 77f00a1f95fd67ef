"""The four questions as something to be learnt, together or each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.errors import SettingError
from vidmem.training.runs.kinds import Draw, SequenceFacts, SequenceScores, Split, TaskKind
from vidmem.training.runs.sequences.classes import device_of
from vidmem.training.studies.four_questions import (
    Question,
    QuestionsConfig,
    QuestionsSequence,
    draw_questions,
)

QUESTIONS: tuple[Question, ...] = get_args(Question)

_SEEDS: dict[Split, int] = {"valid": 2_000_001, "test": 2_000_002}
"""Of sequences that are scored; those learnt from have seeds below 2**20."""

_EVENTS = 2
"""Answers to the question of order."""


@dataclass(frozen=True, kw_only=True)
class QuestionsTaskConfig:
    """What is drawn, and what is asked."""

    sequence: QuestionsConfig = field(default_factory=QuestionsConfig)
    """How sequences are drawn."""

    asked: tuple[Question, ...] = QUESTIONS
    """Questions that are learnt and scored; their losses weigh the same."""

    num_sequences: int = 256
    """To test with; a quarter of them to validate."""

    def __post_init__(self) -> None:
        if not self.asked or len(set(self.asked)) < len(self.asked):
            raise SettingError(f"asked must be some of {QUESTIONS}, each once, got {self.asked}")
        if self.num_sequences < 1:
            raise SettingError(f"num_sequences must be at least 1, got {self.num_sequences}")


@dataclass(frozen=True)
class QuestionsBatch:
    """Sequences with their answers."""

    values: Tensor
    """`[B, T, P, F]`"""

    marked: Tensor
    """`[B, Q]`, frames that ask."""

    answers: dict[Question, Tensor]
    """`[B, Q]`, and `[B]` of the order."""


class QuestionsTask:
    """A `Task`: what was, what will be, both, and what came first."""

    def __init__(self, config: QuestionsTaskConfig) -> None:
        self._config = config

    @property
    def facts(self) -> SequenceFacts:
        """What a network has to fit: its classes are the answers to all questions in a row."""
        sequence, names = self._config.sequence, []
        for question in QUESTIONS[:-1]:
            names += [f"{question} {number + 1}" for number in range(sequence.num_symbols)]
        return SequenceFacts(
            tokens_per_frame=sequence.tokens_per_frame,
            feature_dim=sequence.feature_dim,
            num_frames=sequence.num_frames,
            class_names=(*names, "A first", "B first"),
        )

    def batch(self, draw: Draw) -> QuestionsBatch:
        """Sequences of one step."""
        seed = int(draw.rng.integers(2**20))
        return _batch(
            [draw_questions(self._config.sequence, seed, row) for row in range(draw.size)]
        )

    def loss(self, network: nn.Module, batch: QuestionsBatch) -> Tensor:
        """The mean cross-entropy of the questions."""
        logits = self._logits(network, batch)
        losses = [
            F.cross_entropy(logits[question].flatten(0, -2), batch.answers[question].flatten())
            for question in self._config.asked
        ]
        return torch.stack(losses).mean()

    @torch.no_grad()
    def scores(self, network: nn.Module, split: Split) -> dict[str, float]:
        """Share of right answers: the mean of the questions, then each."""
        batch = _scored(self._config, split)
        logits = self._logits(network, batch)
        right = {
            question: (logits[question].argmax(-1) == batch.answers[question]).float().mean().item()
            for question in self._config.asked
        }
        return {"accuracy": float(np.mean(list(right.values()))), **right}

    def _logits(self, network: nn.Module, batch: QuestionsBatch) -> dict[Question, Tensor]:
        """Of each question: `[B, Q, K]`, and `[B, 2]` of the order."""
        said: SequenceScores = network(batch.values.to(device_of(network)))
        rows = torch.arange(len(batch.values))[:, None]
        of_frames = said.frame_logits.cpu()[rows, batch.marked].split(
            self._config.sequence.num_symbols, -1
        )
        logits = dict(zip(QUESTIONS, of_frames, strict=False))
        return {**logits, "order": said.sequence_logits[:, -_EVENTS:].cpu()}


@cache
def _scored(config: QuestionsTaskConfig, split: Split) -> QuestionsBatch:
    count = config.num_sequences if split == "test" else max(1, config.num_sequences // 4)
    return _batch([draw_questions(config.sequence, _SEEDS[split], row) for row in range(count)])


def _batch(sequences: Sequence[QuestionsSequence]) -> QuestionsBatch:
    answers: dict[Question, Tensor] = {
        question: torch.from_numpy(np.stack([getattr(one, question) for one in sequences]))
        for question in QUESTIONS
    }
    return QuestionsBatch(
        values=torch.from_numpy(np.stack([one.values for one in sequences])),
        marked=torch.from_numpy(np.stack([one.marked for one in sequences])),
        answers=answers,
    )


FOUR_QUESTIONS = TaskKind(
    name="four-questions", form="sequences", config=QuestionsTaskConfig, make=QuestionsTask
)
