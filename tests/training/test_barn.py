from dataclasses import replace

import numpy as np
import pytest
import torch

from vidmem.data.barn import CLASS_NAMES
from vidmem.evaluation.barn import evaluate_barn
from vidmem.models import FamSwin
from vidmem.training.augmentation import augment
from vidmem.training.barn import (
    GROUP,
    BarnTraining,
    learn_to_look,
    learn_to_remember,
    learn_to_see,
    nano_card,
    nano_config,
    sample_weights,
)
from vidmem.training.barn_clips import BarnClips, ClipShape, draw_barn_clips
from vidmem.training.loop import LoopConfig, learning_rate, run_loop
from vidmem.training.losses import merged_cross_entropy


def make_clips(num_videos=3, num_clips=6):
    rng = np.random.default_rng(0)
    shape = (num_videos, num_clips)
    return BarnClips(
        pixels=rng.integers(0, 256, (*shape, 16, 96, 160, 3), np.uint8),
        labels=rng.integers(0, len(CLASS_NAMES), shape),
        delay_clips=np.full(shape, -1),
        purity=np.ones(shape, np.float32),
        focal_poses=np.full((*shape, 3), 0.5, np.float32),
    )


def test_either_of_a_merged_pair_is_right():
    logits = torch.zeros(2, len(CLASS_NAMES))
    logits[:, GROUP[0]] = 9.0
    labels = torch.tensor([GROUP[1], GROUP[1]])
    ones = torch.ones(2)
    merged = merged_cross_entropy(logits, labels, GROUP, torch.tensor([True, True]), ones)
    exact = merged_cross_entropy(logits, labels, GROUP, torch.tensor([False, False]), ones)
    assert merged < 0.01
    assert exact > 8
    want = torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(exact, want)


def test_merging_changes_nothing_for_other_labels():
    logits, labels = torch.randn(5, len(CLASS_NAMES)), torch.arange(5)
    merged = merged_cross_entropy(logits, labels, GROUP, torch.ones(5).bool(), torch.ones(5))
    torch.testing.assert_close(merged, torch.nn.functional.cross_entropy(logits, labels))


def test_clips_of_one_video_are_varied_alike():
    clip = np.random.default_rng(0).integers(0, 256, (1, 4, 32, 32, 3), np.uint8)
    twice = np.concatenate([clip, clip])
    card, rng = nano_card(), np.random.default_rng(1)
    same = augment(twice, card, rng, is_one_video=True)
    torch.testing.assert_close(same[0], same[1])
    each = augment(twice, card, rng)
    assert not torch.allclose(each[0], each[1])
    assert same.shape == (2, 4, 3, 32, 32)


def test_the_rate_rises_then_falls_to_zero():
    config = LoopConfig(steps=100, learning_rate=1.0, warmup_steps=10)
    rates = [learning_rate(step, config) for step in range(100)]
    assert rates[9] == 1.0 == max(rates)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] < 0.01


def test_a_loss_that_is_not_finite_stops_training():
    weight = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        run_loop([weight], lambda _: weight.sum() * float("nan"), LoopConfig(steps=1), print)


def test_mixed_windows_weigh_less():
    clips = replace(make_clips(1, 2), purity=np.array([[1.0, 0.5]], np.float32))
    weights = sample_weights(clips)[0]
    assert weights[0] == 1 > weights[1] > 0


@pytest.mark.slow
def test_all_stages_learn_on_a_few_clips():
    torch.manual_seed(0)
    clips = make_clips()
    model = FamSwin(nano_config(), nano_card()).train()
    training = BarnTraining(
        num_videos=3,
        num_clips=6,
        look=LoopConfig(steps=25, learning_rate=2e-3, warmup_steps=3),
        look_batch=8,
        see=LoopConfig(steps=3, learning_rate=2e-3, warmup_steps=3),
        see_batch=8,
        remember=LoopConfig(steps=8, warmup_steps=2),
        remember_batch=2,
        sequence_clips=4,
    )
    looked, seen, remembered = [], [], []
    learn_to_look(model, clips, training, lambda step: looked.append(step.loss))
    assert np.mean(looked[-5:]) < looked[0]
    learn_to_see(model, clips, training, lambda step: seen.append(step.loss))
    assert len(seen) == 3
    trunk = [p.detach().clone() for p in model.stages[0].parameters()]
    learn_to_remember(model, clips, training, lambda step: remembered.append(step.loss))
    assert len(remembered) == 8
    assert all(attention.gate.item() != 0 for attention in model.memory.values())
    for before, now in zip(trunk, model.stages[0].parameters(), strict=True):
        assert torch.equal(before, now)


@pytest.mark.slow
def test_drawn_clips_are_those_of_their_seeds():
    shape = ClipShape(num_clips=2, fps=4.0, clip_frames=4, width=96, height=64)
    both = draw_barn_clips([5, 6], shape, num_processes=1)
    again = draw_barn_clips([6], shape, num_processes=1)
    assert np.array_equal(both.pixels[1], again.pixels[0])
    assert both.labels.shape == (2, 2)


@pytest.mark.slow
def test_an_untrained_model_can_be_scored():
    model = FamSwin(nano_config(), nano_card()).eval()
    with_memory, without = evaluate_barn(model, l_mems=(8, 0), seeds=[3], clips_per_video=6)
    assert with_memory.num_clips == without.num_clips == 6
    assert without.l_mem == 0
