import numpy as np
import pytest
import torch

from vidmem.data.barn import CLASS_NAMES
from vidmem.models import FamSwin, Grid
from vidmem.training.barn.carry import (
    NO_VISIT,
    VISITS,
    CarryConfig,
    LastVisitHead,
    TwinVideos,
    learn_to_carry,
    run_last_stage,
    splice,
)
from vidmem.training.barn.fam_swin_nano import nano_card, nano_config
from vidmem.training.barn.recipe import GROUP
from vidmem.training.loop import LoopConfig

SIZE = (1, 2, 3)
FEEDING, DRINKING = VISITS
STANDING = CLASS_NAMES.index("standing")


def make_videos(num_videos=2):
    """Seven clips: standing, a visit of two, standing, two rests, a walk to a visit not met.

    Each clip's tokens hold its number, its side and its video.
    """
    feeds = np.array([STANDING, FEEDING, FEEDING, STANDING, GROUP[0], GROUP[0], STANDING])
    drinks = np.array([STANDING, DRINKING, DRINKING, STANDING, GROUP[1], GROUP[1], STANDING])
    is_visit = np.array([0, 1, 1, 0, 0, 0, 1], bool)
    tokens = torch.randn(
        num_videos, 2, len(feeds), 6, 256, generator=torch.Generator().manual_seed(0)
    )
    tokens[:, 1, ~is_visit] = tokens[:, 0, ~is_visit]
    tokens[..., 0, 0] = torch.arange(len(feeds))
    tokens[:, 1, :, 0, 1], tokens[:, 0, :, 0, 1] = 1, 0
    tokens[..., 0, 2] = torch.arange(num_videos)[:, None, None]
    return TwinVideos(
        tokens=(tokens.half(),),
        size=SIZE,
        labels=np.tile(np.stack([feeds, drinks]), (num_videos, 1, 1)),
        is_visit=np.tile(is_visit, (num_videos, 1)),
        weights=np.ones((num_videos, len(feeds)), np.float32),
    )


def make_config(**changes):
    settings = {"loop": LoopConfig(steps=6, warmup_steps=1), "batch": 4, "sequence_clips": 10}
    return CarryConfig(**{**settings, **changes})


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = FamSwin(nano_config(), nano_card())
    model.memory_attention(4).gate.data.fill_(0.5)
    return model.train()


def test_each_rest_has_the_label_of_the_visit_that_it_follows():
    batch = splice(make_videos(), np.random.default_rng(0), make_config(batch=20, longest_gap=5))
    assert batch.labels.shape == batch.last_visits.shape == (20, 10)
    sides = set()
    for labels, last in zip(batch.labels.tolist(), batch.last_visits.tolist(), strict=True):
        now = NO_VISIT
        for label, visit in zip(labels, last, strict=True):
            now = VISITS.index(label) if label in VISITS else now
            assert visit == now
            if label in GROUP and now != NO_VISIT:
                assert label == GROUP[now]
                sides.add(now)
    assert sides == {0, 1}


def test_a_sequence_is_of_one_video_and_meets_the_twin_only_at_visits():
    batch = splice(make_videos(3), np.random.default_rng(1), make_config(batch=20))
    number, side, video = batch.tokens[:, :, 0, :3].unbind(-1)
    assert (video == video[:, :1]).all() and len(video.unique()) == 3
    is_visit = torch.isin(batch.labels, torch.tensor(VISITS))
    assert (side[~is_visit] == 0).all()
    assert (side[is_visit] == (batch.labels[is_visit] == DRINKING)).all()
    # The last clip belongs to a visit that the video does not show: it is neither.
    assert not (number == 6).any()


def test_the_last_stage_alone_is_that_of_a_stream(model):
    trunks = torch.randn(2 * 5, 24, 128)
    streaming = FamSwin(nano_config(), nano_card()).eval()
    streaming.load_state_dict(model.state_dict())
    block = streaming.swin_stage(4).last_block
    with torch.no_grad():
        # Stage 3 of a new model adds nothing of memory: its gate is at zero.
        grid = streaming.swin_stage(3).forward_last(Grid(trunks, (4, 2, 3)), None)
        attended = block.attended(streaming.swin_stage(4).forward_trunk(streaming.merges[2](grid)))
        for l_mem in (2, 0):
            state = streaming.init_state(2, l_mem=l_mem)
            want, _ = streaming.forward_trunks(Grid(trunks, (4, 2, 3)), state)
            tokens = attended.tokens.unflatten(0, (2, 5))
            got, written = run_last_stage(streaming, tokens, attended.size, l_mem)
            torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)
            assert written.shape == (2, 5, 16, 256)


def test_gradients_reach_clips_that_left_the_queue_long_ago(model):
    tokens = torch.randn(1, 6, 6, 256, requires_grad=True)
    _, written = run_last_stage(model, tokens, SIZE, 1)
    LastVisitHead(model)(written[:, -1]).sum().backward()
    assert tokens.grad is not None and (tokens.grad[0].flatten(1).abs().amax(1) > 0).all()


def test_only_the_last_stage_learns(model):
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    losses = []
    learn_to_carry(model, make_videos(), make_config(), lambda step: losses.append(step.loss))
    assert len(losses) == 6 and np.mean(losses[-2:]) < losses[0]
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed
    starts = ("memory.4.", "stages.3.blocks.0.mlp.", "stages.3.blocks.0.norm2.", "norm.", "head.")
    assert all(name.startswith(starts) for name in changed)
