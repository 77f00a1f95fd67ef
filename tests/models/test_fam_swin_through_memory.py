"""Clips in a row with gradients through all of memory: the numbers are those of a stream."""

from __future__ import annotations

import pytest
import torch

from tests.models.fam_on_features import make_config
from vidmem.models import FamSwin
from vidmem.models.fam_swin.through_memory import remembered_clips, run_through_memory

NUM_CLIPS = 7


def make_model(**memory):
    """With open gates and projections that differ from stage to stage."""
    torch.manual_seed(0)
    model = FamSwin(make_config(l_mem=2, **memory))
    for stage in model.memory_stages:
        torch.nn.init.constant_(model.memory_attention(stage).gate, 0.7)
        torch.nn.init.normal_(model.memory_attention(stage).age.weight, std=0.3)
    return model


def make_features(model, num_clips=NUM_CLIPS):
    features = model.config.features
    shape = (2, num_clips, 4, features.tokens_per_frame, features.feature_dim)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("memory", "l_mem"),
    [
        ({}, 2),
        ({}, 0),
        ({"stages": (4,)}, 2),
        ({"stages": (3,)}, 2),
        ({"memory_every": 2}, 2),
        ({"anchors": 1}, 3),
        ({"has_feedback": False}, 2),
        ({"has_feedback": False, "stages": (4,), "anchors": 1}, 2),
    ],
)
def test_logits_are_those_of_the_stream(memory, l_mem):
    model = make_model(**memory).eval()
    features = make_features(model)
    with torch.no_grad():
        state = model.init_state(2, l_mem=l_mem, is_projected=False)
        wanted, _ = model.forward_clip_features(features, state)
        logits = run_through_memory(model, features, l_mem=l_mem)
    torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-5)


def reach_of_gradients(model, l_mem):
    """The clips whose features the last clip's logits have gradients to."""
    features = make_features(model).requires_grad_()
    run_through_memory(model.train(), features, l_mem=l_mem)[:, -1].sum().backward()
    assert features.grad is not None
    return (features.grad.abs().sum((0, 2, 3, 4)) > 0).nonzero()[:, 0].tolist()


def test_with_feedback_gradients_reach_clips_that_have_left_the_queue():
    assert reach_of_gradients(make_model(), 2) == list(range(NUM_CLIPS))


def test_without_feedback_they_reach_what_is_in_the_queue():
    assert reach_of_gradients(make_model(has_feedback=False), 2) == [4, 5, 6]
    assert reach_of_gradients(make_model(has_feedback=False, anchors=1), 2) == [0, 5, 6]


def test_without_memory_they_stay_in_their_clip():
    assert reach_of_gradients(make_model(), 0) == [NUM_CLIPS - 1]


def test_what_is_remembered_is_what_a_queue_holds():
    assert remembered_clips(5, 2, 1, 0) == ((), (0,), (0, 1), (1, 2), (2, 3))
    assert remembered_clips(5, 2, 1, 1) == ((), (0,), (0, 1), (0, 2), (0, 3))
    assert remembered_clips(6, 2, 2, 0) == ((), (0,), (0,), (0, 2), (0, 2), (2, 4))
