from dataclasses import replace

import numpy as np
import pytest
import torch

from vidmem.data.barn import (
    CLASS_NAMES,
    LOOK_ALIKES,
    MOMENTS,
    SIGHTING_KINDS,
    BarnConfig,
    BarnVideo,
    render_clips,
)
from vidmem.errors import SettingError
from vidmem.evaluation.barn.scores import evaluate_barn
from vidmem.models import FamSwin
from vidmem.training.augmentation import Variation
from vidmem.training.barn.clips import BarnClips, ClipShape, draw_barn_clips
from vidmem.training.barn.fam_swin_nano import (
    BarnTraining,
    encode_videos,
    learn_to_remember,
    learn_to_see,
    nano_card,
    nano_config,
)
from vidmem.training.barn.recipe import GROUP, sample_weights
from vidmem.training.barn.sightings import NOTHING, cell_kinds
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
        sow_places=rng.random((*shape, MOMENTS, 3, 2), np.float32),
        sow_kinds=rng.integers(0, len(SIGHTING_KINDS), (*shape, MOMENTS, 3)),
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
    same = Variation.draw(2, rng, is_one_video=True).of_pixels(twice, card)
    torch.testing.assert_close(same[0], same[1])
    each = Variation.draw(2, rng).of_pixels(twice, card)
    assert not torch.allclose(each[0], each[1])
    assert same.shape == (2, 4, 3, 32, 32)


def test_places_go_where_the_pixels_go():
    rng = np.random.default_rng(2)
    pixels = np.zeros((40, 1, 96, 160, 3), np.uint8)
    spots = np.stack([rng.integers(20, 76, 40), rng.integers(20, 140, 40)], 1)
    for clip, (y, x) in zip(pixels, spots, strict=True):
        clip[0, y - 1 : y + 2, x - 1 : x + 2] = 255
    places = torch.from_numpy((spots[:, ::-1] + 0.5) / (160, 96)).float()
    variation = replace(Variation.draw(40, rng), is_soft=False)
    clips = variation.of_pixels(pixels, nano_card())
    brightness = clips.sum(dim=(1, 2)).flatten(1)
    brightest = brightness.argsort(1, descending=True)[:, :9]
    found = torch.stack([brightest % 160, brightest // 160], -1).float().mean(1) + 0.5
    torch.testing.assert_close(variation.of_places(places, 160, 96), found, rtol=0, atol=1e-3)


def test_a_cell_shows_the_nearest_sow_if_she_is_near():
    places = torch.tensor([[[[24.0, 40.0], [30.0, 40.0], [152.0, 8.0]]]])
    kinds = torch.tensor([[[3, 9, 10]]])
    cells = cell_kinds(places, kinds, (6, 10), (96, 160))[0, 0]
    assert cells[2, 1] == 3
    assert cells[0, 9] == 10
    assert cells[5, 5] == NOTHING


def test_sightings_are_where_the_animals_are_drawn():
    clips = render_clips(BarnConfig(minutes=1, seed=4), num_clips=2)
    video = BarnVideo(BarnConfig(minutes=1, seed=4))
    seconds = 4.0 + (0.5 * 4 - 0.5) / 4
    want = [(sow.x, sow.y) for sow in video.sightings(seconds)]
    np.testing.assert_allclose(clips.sow_places[1, 0], want)
    assert clips.sow_kinds.shape == (2, MOMENTS, 3)
    assert SIGHTING_KINDS[clips.sow_kinds[1, 0, 0]] == video.sightings(seconds)[0].kind


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


def test_sequences_longer_than_the_videos_are_refused():
    with pytest.raises(SettingError, match="from 1 to num_clips, 8, got 9"):
        BarnTraining(num_clips=8, sequence_clips=9)


def test_mixed_windows_weigh_less():
    clips = replace(make_clips(1, 2), purity=np.array([[1.0, 0.5]], np.float32))
    weights = sample_weights(clips)[0]
    assert weights[0] == 1 > weights[1] > 0


def small_config():
    """The shape of the bundled model, with narrower layers and fewer of them."""
    return replace(nano_config(), embed_dim=16, depths=(1, 1, 2, 1), num_heads=(1, 1, 2, 2))


@pytest.mark.slow
def test_all_stages_learn_on_a_few_clips():
    torch.manual_seed(0)
    clips = make_clips()
    model = FamSwin(small_config(), nano_card()).train()
    training = BarnTraining(
        num_videos=3,
        num_clips=6,
        see=LoopConfig(steps=12, learning_rate=4e-3, warmup_steps=3),
        see_batch=4,
        remember=(LoopConfig(steps=4, warmup_steps=2),),
        remember_batch=2,
        sequence_clips=4,
    )
    seen, remembered = [], []
    learn_to_see(model, clips, training, lambda step: seen.append(step.loss))
    assert np.mean(seen[-5:]) < seen[0]
    trunk = [p.detach().clone() for p in model.stages[0].parameters()]
    videos = encode_videos(model, clips, np.random.default_rng(0))
    videos = videos.and_also(videos)
    learn_to_remember(model, videos, training, lambda step: remembered.append(step.loss))
    assert len(remembered) == 4
    gates = [p.item() for name, p in model.named_parameters() if name.endswith("gate")]
    assert len(gates) == 2 and 0 not in gates
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
def test_twins_differ_in_their_visits_and_look_alikes_only():
    shape = ClipShape(num_clips=20, fps=1.0, clip_frames=4, width=80, height=48)
    one = draw_barn_clips([11], shape, num_processes=1)
    twin = draw_barn_clips([11], shape, num_processes=1, swap_visits=True)
    swapped = ["feeding", "drinking", *LOOK_ALIKES]
    partner = dict(zip(swapped, ["drinking", "feeding", *reversed(LOOK_ALIKES)], strict=True))
    names = [CLASS_NAMES[label] for label in one.labels[0]]
    assert [CLASS_NAMES[label] for label in twin.labels[0]] == [partner.get(n, n) for n in names]
    assert set(names) & set(LOOK_ALIKES)
    same = (one.pixels == twin.pixels).all((2, 3, 4, 5))[0]
    assert not same.all() and same[np.isin(names, LOOK_ALIKES)].any()


@pytest.mark.slow
def test_an_untrained_model_can_be_scored():
    model = FamSwin(nano_config(), nano_card()).eval()
    with pytest.raises(ValueError, match="at least one l_mem"):
        evaluate_barn(model, l_mems=(), seeds=[3])
    with_memory, without = evaluate_barn(model, l_mems=(8, 0), seeds=[3], clips_per_video=6)
    assert with_memory.num_clips == without.num_clips == 6
    assert without.l_mem == 0
