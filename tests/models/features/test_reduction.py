"""Principal components of tokens, and how far frames are from those that they were fitted to."""

import math

import pytest
import torch

from tests.models.features.tiny import WIDTH, tiny_config
from vidmem.models.features.reduction import (
    LIMIT_MARGIN,
    LIMIT_QUANTILE,
    RawFeatures,
    Reduction,
)

PLACES = 4


def make_raw(num_frames=60, seed=0, spread=1.0):
    """Tokens that vary mostly in two directions, the first three times as much as the second."""
    torch.manual_seed(0)
    directions = torch.linalg.qr(torch.randn(WIDTH, WIDTH)).Q[:2]
    torch.manual_seed(seed)
    strengths = torch.randn(num_frames, PLACES, 2) * torch.tensor([3.0, 1.0]) * spread
    tokens = 5 + strengths @ directions + 0.01 * torch.randn(num_frames, PLACES, WIDTH)
    motion = torch.randn(num_frames, PLACES, 3) * 2 - 4
    return RawFeatures(tokens, motion, motion.mean(1))


def test_components_keep_their_natural_size():
    config, raw = tiny_config(), make_raw(400)
    values = Reduction.fit(config, raw)(raw)
    assert values.shape == (400, PLACES, config.feature_dim)
    spread = values.flatten(0, 1).std(0)
    assert spread[0] == pytest.approx(1, rel=0.02)
    assert spread[1] == pytest.approx(1 / 3, rel=0.15)
    assert spread[2] < 0.01
    assert spread[config.cell_components] == pytest.approx(1, rel=0.02)  # of whole frames
    assert values.flatten(0, 1).mean(0).tolist() == pytest.approx(
        [0] * config.feature_dim, abs=1e-4
    )


def test_motion_is_brought_to_a_spread_of_one():
    raw = make_raw(200)
    motion = Reduction.fit(tiny_config(), raw)(raw)[..., -6:]
    assert motion[..., :3].flatten(0, 1).std(0).tolist() == pytest.approx([1] * 3, rel=0.01)
    assert motion[:, 0, 3:].std(0).tolist() == pytest.approx([1] * 3, rel=0.01)
    assert torch.equal(motion[:, 0, 3:], motion[:, 1, 3:])  # all places have the frame's


def test_without_motion_there_is_none():
    config = tiny_config(has_motion=False)
    assert Reduction.fit(config, make_raw())(make_raw()).shape[-1] == 3 + 5


@pytest.mark.parametrize("num_frames", [7, 60])
def test_signs_do_not_depend_on_the_order_of_frames(num_frames):
    config, raw = tiny_config(), make_raw(num_frames)
    one, other = Reduction.fit(config, raw), Reduction.fit(config, raw[torch.randperm(num_frames)])
    for name in ("cell_components", "frame_components"):
        got, want = getattr(one, name), getattr(other, name)
        torch.testing.assert_close(got[:2], want[:2], rtol=1e-3, atol=1e-4)
        assert (got.sum(1) >= 0).all()


@pytest.mark.parametrize("num_frames", [1, 2, 3])
def test_fewer_frames_than_components_are_enough(num_frames):
    config = tiny_config(frame_components=9)
    raw = make_raw(num_frames)
    reduction = Reduction.fit(config, raw)
    assert reduction(raw).isfinite().all()
    assert not reduction.frame_components[num_frames:].any()
    assert reduction.distances(raw).isfinite().all()


def test_own_footage_is_within_the_limit_and_noise_far_beyond():
    raw = make_raw(300)
    reduction = Reduction.fit(tiny_config(), raw)
    own = make_raw(50, seed=7)
    assert reduction.unlikeness(own) < 1
    noise = RawFeatures(torch.randn(50, PLACES, WIDTH) * 9, own.cell_motion, own.frame_motion)
    assert reduction.unlikeness(noise) > 5
    stronger = make_raw(50, seed=7, spread=12)  # in the same directions, and too far along them
    assert reduction.unlikeness(stronger) > 1
    both = RawFeatures(
        *(
            torch.stack([getattr(one, name) for one in (own, noise)])
            for name in ("tokens", "cell_motion", "frame_motion")
        )
    )
    torch.testing.assert_close(
        reduction.unlikeness(both),
        torch.stack([reduction.unlikeness(own), reduction.unlikeness(noise)]),
    )


def test_the_limit_comes_from_stretches_that_were_left_out():
    raw, halves = make_raw(60), (slice(0, 30), slice(30, 60))
    away = [
        Reduction.fit(tiny_config(), raw[fitted]).distances(raw[other])
        for fitted, other in (halves, halves[::-1])
    ]
    want = LIMIT_MARGIN * torch.cat(away).quantile(LIMIT_QUANTILE)
    got = Reduction.fit(tiny_config(), raw, num_blocks=2).distance_limit
    torch.testing.assert_close(got, want)


def test_a_single_frame_says_nothing_of_what_is_unlike_it():
    assert float(Reduction.fit(tiny_config(), make_raw(1)).distance_limit) == math.inf


def test_in_bfloat16_the_reduction_stays_in_float32():
    raw = make_raw()
    reduction = Reduction.fit(tiny_config(), raw)
    want = reduction(raw)
    moved = reduction.to(torch.bfloat16)
    assert {buffer.dtype for buffer in moved.buffers()} == {torch.float32}
    half = RawFeatures(raw.tokens.bfloat16(), raw.cell_motion, raw.frame_motion)
    assert moved(half).dtype == torch.float32
    assert torch.equal(moved(raw), want)
