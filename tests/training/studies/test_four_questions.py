"""The four questions: each needs what it says it needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vidmem.errors import SettingError
from vidmem.training.runs.kinds import Draw, SequenceScores
from vidmem.training.studies.four_questions import (
    FIRST_SYMBOL,
    MARK,
    QuestionsConfig,
    draw_questions,
)
from vidmem.training.studies.questions_task import QuestionsTask, QuestionsTaskConfig

SEQUENCE = QuestionsConfig(noise=0.15)
K = SEQUENCE.num_symbols


class Reader(nn.Module):
    """Answers by the features of frames before and after each one, as far as it sees."""

    def __init__(self, *, back: int, ahead: int, sees_all: bool = True) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(()))
        self.back, self.ahead, self.sees_all = back, ahead, sees_all

    def forward(self, values):
        """The nearest symbols as logits; of events, which came first."""
        shown = values[..., FIRST_SYMBOL : FIRST_SYMBOL + K].amax(2)
        is_shown = shown.amax(-1) > 1.2
        rows, frames = values.shape[:2]
        logits = torch.zeros(rows, frames, 3 * K + 2)
        for row in range(rows):
            for frame in range(frames):
                near = range(max(0, frame - self.back), frame)
                past = next((at for at in reversed(near) if is_shown[row, at]), None)
                near = range(frame + 1, min(frames, frame + self.ahead + 1))
                future = next((at for at in near if is_shown[row, at]), None)
                symbols = [
                    None if at is None else int(shown[row, at].argmax()) for at in (past, future)
                ]
                for number, symbol in enumerate(symbols):
                    if symbol is not None:
                        logits[row, frame, number * K + symbol] = 1
                if None not in symbols:
                    logits[row, frame, 2 * K + sum(symbols) % K] = 1
        events = values[..., FIRST_SYMBOL + K : FIRST_SYMBOL + K + 2].amax(2).argmax(1)
        clip = torch.zeros(rows, 3 * K + 2)
        if self.sees_all:
            clip[:, -2:] = -events.float()
        return SequenceScores(logits, clip)


def scores(**reader):
    task = QuestionsTask(QuestionsTaskConfig(sequence=SEQUENCE, num_sequences=48))
    return task.scores(Reader(**reader), "test")


def test_a_sequence_follows_from_seed_and_index():
    one, same, other = (draw_questions(SEQUENCE, 1, index) for index in (4, 4, 5))
    assert np.array_equal(one.values, same.values)
    assert not np.array_equal(one.values, other.values)


def test_the_features_hold_all_answers():
    found = scores(back=SEQUENCE.reach, ahead=SEQUENCE.reach)
    assert found == dict.fromkeys(["accuracy", "past", "future", "both", "order"], 1.0)


@pytest.mark.parametrize(("back", "ahead", "known"), [(6, 0, "past"), (0, 6, "future")])
def test_one_side_answers_one_question_and_says_nothing_of_the_sum(back, ahead, known):
    found = scores(back=back, ahead=ahead, sees_all=False)
    assert found[known] == 1.0
    for unknown in {"past", "future", "both"} - {known}:
        assert found[unknown] == pytest.approx(1 / K, abs=0.12)
    assert found["order"] == pytest.approx(0.5, abs=0.2)


def test_either_symbol_says_nothing_of_the_sum():
    drawn = [draw_questions(SEQUENCE, 0, index) for index in range(500)]
    for side in ("past", "future"):
        pairs = np.zeros((K, K))
        for one in drawn:
            np.add.at(pairs, (getattr(one, side), one.both), 1)
        assert pairs.min() > 0.75 * pairs.mean()


def test_symbols_lie_within_reach_and_events_apart():
    config = replace(SEQUENCE, noise=0.0)
    for index in range(30):
        one = draw_questions(config, 0, index)
        feature = one.values.max(1)
        assert np.flatnonzero(feature[:, MARK]).tolist() == one.marked.tolist()
        symbols = np.flatnonzero(feature[:, FIRST_SYMBOL : FIRST_SYMBOL + K].any(1))
        assert len(symbols) == 2 * len(one.marked)
        before, after = symbols[::2], symbols[1::2]
        assert ((one.marked - before >= 1) & (one.marked - before <= config.reach)).all()
        assert ((after - one.marked >= 1) & (after - one.marked <= config.reach)).all()
        times = [int(feature[:, FIRST_SYMBOL + K + event].argmax()) for event in range(2)]
        assert times[1] - times[0] == (config.apart if one.order == 0 else -config.apart)


def test_only_what_is_asked_is_learnt_and_scored():
    task = QuestionsTask(QuestionsTaskConfig(asked=("future",), num_sequences=8))
    draw = Draw(seed=0, step=0, part=0, num_parts=1, size=4)
    logits = torch.zeros(4, SEQUENCE.num_frames, 3 * K + 2, requires_grad=True)

    class Given(nn.Linear):
        def forward(self, values):
            return SequenceScores(logits[: len(values)], logits[: len(values)].mean(1))

    task.loss(Given(1, 1), task.batch(draw)).backward()
    assert logits.grad is not None
    touched = logits.grad.abs().sum((0, 1)) > 0
    assert touched.nonzero()[:, 0].tolist() == list(range(K, 2 * K))
    assert set(scores_of(task)) == {"accuracy", "future"}


def scores_of(task):
    return task.scores(Reader(back=0, ahead=6), "valid")


def test_what_cannot_be_drawn_or_asked_is_refused():
    with pytest.raises(SettingError, match="apart"):
        QuestionsConfig(apart=64)
    with pytest.raises(SettingError, match="num_frames"):
        QuestionsConfig(num_frames=12)
    with pytest.raises(SettingError, match="asked"):
        QuestionsTaskConfig(asked=("past", "past"))
