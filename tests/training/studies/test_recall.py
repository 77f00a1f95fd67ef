"""Delayed recall: whoever reads the cue can answer, and nobody else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vidmem.errors import SettingError
from vidmem.training.runs.kinds import Draw, SequenceScores
from vidmem.training.studies.recall import (
    CUE_MARK,
    FIRST_PATTERN,
    NO_CUE,
    QUESTION_MARK,
    RecallConfig,
    draw_lesson,
    draw_question,
)
from vidmem.training.studies.recall_task import RecallTask, RecallTaskConfig

SMALL = RecallConfig(num_clips=8, noise=0.15)
TASK = RecallTaskConfig(sequence=SMALL, delays=(1, 4), num_questions=48, steps=10)


class Reader(nn.Module):
    """Answers with the last cue of at most `reach` clips ago, by the features alone."""

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(()))
        self.reach = reach

    def forward(self, values):
        """The cue's pattern as logits, of all frames alike in a clip."""
        clips = values.unflatten(1, (-1, SMALL.clip_frames))
        marks, place = clips[..., CUE_MARK].flatten(2).max(2)
        tokens = clips[..., FIRST_PATTERN : FIRST_PATTERN + SMALL.num_classes].flatten(2, 3)
        shown = tokens.gather(2, place[..., None, None].expand(-1, -1, 1, SMALL.num_classes))[
            :, :, 0
        ]
        logits = torch.zeros_like(shown)
        for clip in range(clips.shape[1]):
            for earlier in range(max(0, clip - self.reach), clip + 1):
                is_cue = marks[:, earlier] > 1.4
                logits[:, clip] = torch.where(is_cue[:, None], shown[:, earlier], logits[:, clip])
        frames = logits.repeat_interleave(SMALL.clip_frames, 1)
        return SequenceScores(frames, frames[:, -1])


def test_a_sequence_follows_from_seed_and_index():
    one, same = (draw_question(SMALL, 3, 5, delay=2, cue_clip=1) for _ in range(2))
    other = draw_question(SMALL, 3, 6, delay=2, cue_clip=1)
    assert np.array_equal(one.values, same.values)
    assert not np.array_equal(one.values, other.values)


def test_only_the_clips_of_cue_and_question_have_their_marks():
    one = draw_question(replace(SMALL, noise=0.0), 0, 0, delay=4, cue_clip=2)
    clips = one.values.reshape(-1, SMALL.clip_frames * SMALL.tokens_per_frame, SMALL.feature_dim)
    assert np.flatnonzero(clips[..., CUE_MARK].any(1)).tolist() == [2]
    assert np.flatnonzero(clips[..., QUESTION_MARK].any(1)).tolist() == [6] == [one.question_clip]
    assert one.last_cues[:2].tolist() == [NO_CUE, NO_CUE]
    assert len(set(one.last_cues[2:].tolist())) == 1


def test_the_features_hold_the_answer():
    scores = RecallTask(TASK).scores(Reader(reach=4), "test")
    assert scores == dict.fromkeys(["recall", "recall_1", "recall_4", "first_1", "first_4"], 1.0)


def test_who_sees_too_few_clips_answers_by_chance():
    many = replace(TASK, num_questions=400)
    scores = RecallTask(many).scores(Reader(reach=3), "test")
    assert (scores["recall_1"], scores["first_1"]) == (1.0, 1.0)
    # Answers nothing: always the first class, which is right for one in four.
    assert scores["recall_4"] == pytest.approx(0.25, abs=0.07)
    assert scores["first_4"] == pytest.approx(0.25, abs=0.07)


def test_cues_and_distractors_are_balanced():
    drawn = [draw_question(SMALL, 0, index, delay=1, cue_clip=0) for index in range(400)]
    counts = np.bincount([one.last_cues[0] for one in drawn], minlength=4)
    assert counts.min() > 70
    # Beside the cue, all patterns are shown as often, whatever the cue is.
    rest = np.stack([one.values[SMALL.clip_frames :, :, FIRST_PATTERN:][..., :4] for one in drawn])
    cues = np.array([one.last_cues[0] for one in drawn])
    shown = np.array([(rest[cues == cue] > 1).sum((0, 1, 2)) for cue in range(4)])
    assert shown.min() > 0.6 * shown.mean()
    assert shown.max() < 1.5 * shown.mean()


def test_a_lesson_asks_after_its_first_cue():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        lesson = draw_lesson(SMALL, rng, longest_gap=3, num_clips=6)
        assert len(lesson.last_cues) == 6
        assert lesson.last_cues[lesson.question_clip] != NO_CUE


def test_sequences_grow_with_the_steps_and_a_batch_follows_from_its_draw():
    config = replace(TASK, first_gap=1, longest_gap=7, curriculum=0.5)
    assert [config.gap_at(step) for step in (0, 5, 9)] == [1, 7, 7]
    assert [config.num_clips_at(step) for step in (0, 5)] == [5, 8]
    task = RecallTask(config)
    batches = [task.batch(Draw(seed=1, step=0, part=0, num_parts=1, size=3)) for _ in range(2)]
    assert batches[0].values.shape == (3, 5 * SMALL.clip_frames, 4, 16)
    assert torch.equal(batches[0].values, batches[1].values)


def test_the_loss_asks_at_every_clip_or_at_the_question_alone():
    draw = Draw(seed=1, step=9, part=0, num_parts=1, size=16)
    knows, forgets = {}, {}
    for weight in (0.0, 1.0):
        task = RecallTask(replace(TASK, dense_weight=weight))
        knows[weight] = task.loss(Reader(reach=8), task.batch(draw)).item()
        forgets[weight] = task.loss(Reader(reach=0), task.batch(draw)).item()
        assert knows[weight] < forgets[weight]
    assert knows[0.0] < knows[1.0]  # one question, and one at every clip beside it
    assert forgets[0.0] < forgets[1.0]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"feature_dim": 5}, "feature_dim"),
        ({"num_clips": 0}, "num_clips"),
        ({"distractor_rate": 1.5}, "distractor_rate"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, word):
    with pytest.raises(SettingError, match=word):
        RecallConfig(**change)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(SettingError, match="delays"):
        RecallTaskConfig(delays=())
    with pytest.raises(SettingError, match="curriculum"):
        RecallTaskConfig(curriculum=2.0)
