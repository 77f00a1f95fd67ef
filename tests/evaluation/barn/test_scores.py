from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.conftest import make_tiny_model
from vidmem.data.barn import CLASS_NAMES, LOOK_ALIKES, LabelledClips
from vidmem.evaluation.barn import scores as barn
from vidmem.evaluation.barn.scores import (
    UNSEEN_SEEDS,
    evaluate_barn,
    score_barn,
    scores_as_markdown,
)
from vidmem.training.barn.fam_swin_nano import BarnTraining
from vidmem.video.transforms import to_clip

FED, DRANK = (CLASS_NAMES.index(name) for name in LOOK_ALIKES)


def certain(classes):
    """Probabilities of a model that is sure of these classes."""
    return np.eye(len(CLASS_NAMES))[np.array(classes)]


def test_a_perfect_model_scores_one_at_every_delay():
    labels = np.array([*range(len(CLASS_NAMES)), FED, DRANK])
    delays = np.where(np.isin(labels, [FED, DRANK]), np.arange(len(labels)) % 8 + 1, -1)
    scores = score_barn(labels, certain(labels), delays, 2, 8, 1)
    assert scores.visible_macro_f1 == scores.look_alike_macro_f1 == 1
    assert sum(delay.num_clips for delay in scores.by_delay) == 4
    assert all(delay.accuracy == 1 for delay in scores.by_delay if delay.num_clips)
    assert "| 2 | 1.000 | 1.000 | 1.000 |" in scores_as_markdown([scores])


def test_one_answer_for_both_look_alikes_is_chance():
    labels = np.array([FED, DRANK] * 5)
    scores = score_barn(labels, certain([FED] * 10), np.full(10, 3), 2, 8, 1)
    assert scores.look_alike_accuracy == 0.5
    assert scores.look_alike_macro_f1 < 0.5


def test_a_visible_error_lowers_only_the_visible_score():
    labels = np.array([0, 1, 2, 3, 4, 5, 6, FED, DRANK])
    predicted = labels.copy()
    predicted[0] = 1
    scores = score_barn(labels, certain(predicted), np.where(labels > 6, 1, -1), 2, 8, 1)
    assert scores.visible_macro_f1 < 1
    assert scores.look_alike_macro_f1 == 1


def test_training_never_sees_the_videos_of_the_evaluation():
    assert BarnTraining().num_videos < UNSEEN_SEEDS.start


@torch.no_grad()
def test_each_video_is_a_stream_of_its_own_with_the_memory_asked_for(monkeypatch):
    model = make_tiny_model(num_classes=len(CLASS_NAMES))
    model.card = replace(model.card, class_names=CLASS_NAMES)
    rng = np.random.default_rng(0)
    videos = {seed: rng.integers(0, 256, (5, 8, 64, 64, 3), np.uint8) for seed in (1, 2)}
    labels = {seed: rng.integers(0, len(CLASS_NAMES), 5) for seed in videos}

    def draw(config, **shape):
        assert shape["num_clips"] == 5
        seed = config.seed
        ones = np.ones(5)
        places, kinds = np.ones((5, 4, 3, 2)), np.ones((5, 4, 3), int)
        return LabelledClips(videos[seed], labels[seed], -ones.astype(int), ones, places, kinds)

    monkeypatch.setattr(barn, "render_clips", draw)
    done = []
    got = evaluate_barn(
        model,
        l_mems=(3, 0),
        seeds=(1, 2),
        clips_per_video=5,
        progress=lambda *counts: done.append(counts),
    )
    card = model.card
    for scores, l_mem in zip(got, (3, 0), strict=True):
        probabilities = []
        for pixels in videos.values():
            clips = torch.stack(
                [to_clip(torch.from_numpy(p), mean=card.mean, std=card.std)[0] for p in pixels]
            )
            logits, _ = model.forward_clips(clips[None], model.init_state(1, l_mem=l_mem))
            probabilities.append(logits[0].softmax(-1).double().numpy())
        truth, delays = np.concatenate(list(labels.values())), np.full(10, -1)
        want = score_barn(truth, np.concatenate(probabilities), delays, l_mem, 12, 2)
        assert (scores.l_mem, scores.num_videos, scores.num_clips) == (l_mem, 2, 10)
        assert scores.visible == want.visible
        assert scores.look_alike_macro_f1 == want.look_alike_macro_f1
    assert done == [(1, 2), (2, 2)]
    assert [(d.first_delay_clips, d.last_delay_clips) for d in got[0].by_delay][-1][1] == 12


def test_delays_are_scored_apart():
    labels = np.array([FED] * 8)
    predicted = [FED, FED, FED, DRANK, DRANK, DRANK, FED, FED]
    delays = np.array([1, 1, 2, 2, 3, 4, 9, -1])  # 9 is beyond what is asked
    scores = score_barn(labels, certain(predicted), delays, 1, 4, 1)
    assert [d.num_clips for d in scores.by_delay] == [2, 2, 1, 1]
    assert [d.accuracy for d in scores.by_delay] == [1, 0.5, 0, 0]
    assert scores.look_alike_accuracy == 5 / 8


def test_a_model_of_other_classes_is_refused():
    with pytest.raises(ValueError, match="barn's classes"):
        evaluate_barn(make_tiny_model(), l_mems=(4,))
