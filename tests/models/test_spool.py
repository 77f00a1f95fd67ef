import pytest
import torch

from vidmem.errors import CheckpointError, SettingError
from vidmem.models.spool.config import SpoolConfig
from vidmem.models.spool.model import Spool


def make_config(**changes):
    fields = {
        "embed_dim": 12,
        "num_layers": 2,
        "num_heads": 3,
        "num_lookback_heads": 2,
        "num_lookahead_heads": 1,
        "local_frame_range": 1,
        "tokens_per_frame": 4,
        "window_frames": 6,
        "num_classes": 5,
    }
    return SpoolConfig(**(fields | changes))


def make_model(**changes):
    torch.manual_seed(0)
    model = Spool(make_config(**changes)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def make_features(num_frames=7, batch=2):
    torch.manual_seed(1)
    return torch.randn(batch, num_frames, 4, 12)


def with_another_frame(features, number):
    """Not a constant more: layer norms would not see it."""
    torch.manual_seed(2)
    changed = features.clone()
    changed[:, number] = torch.randn_like(features[:, number])
    return changed


CONFIGS = [
    {},
    {"context_scope": "local"},
    {"has_context_frames": False},
    {"has_offset_bias": True},
    {"num_lookback_heads": 0, "num_lookahead_heads": 3},
    {"num_lookback_heads": 3, "num_lookahead_heads": 0, "local_frame_range": 0},
]


@torch.no_grad()
@pytest.mark.parametrize("changes", CONFIGS)
@pytest.mark.parametrize("num_frames", [1, 2, 9])
def test_linear_attention_scores_as_the_dense_reference(changes, num_frames):
    model, features = make_model(**changes), make_features(num_frames)
    got = model.forward_features(features)
    model.backend = "dense"
    want = model.forward_features(features)
    assert got.clip_logits.shape == (2, 5)
    assert got.frame_logits.shape == (2, num_frames, 5)
    torch.testing.assert_close(got.clip_logits, want.clip_logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(got.frame_logits, want.frame_logits, rtol=1e-4, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("changes", [*CONFIGS, {"num_layers": 1}, {"num_layers": 4}])
@pytest.mark.parametrize("num_newest", [1, 3, 11, 12])
def test_the_newest_frames_alone_score_as_among_all(changes, num_newest):
    model, features = make_model(**changes), make_features(11)
    got = model.newest_frame_logits(features, num_newest)
    want = model.forward_features(features).frame_logits[:, -num_newest:]
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)
    model.backend = "dense"
    torch.testing.assert_close(
        model.newest_frame_logits(features, num_newest), want, rtol=1e-4, atol=1e-4
    )


@torch.no_grad()
def test_without_lookahead_a_later_frame_changes_nothing_before_it():
    model = make_model(num_lookback_heads=3, num_lookahead_heads=0, has_context_frames=False)
    features = make_features()
    changed = with_another_frame(features, 4)
    before, after = model.forward_features(features), model.forward_features(changed)
    assert torch.equal(before.frame_logits[:, :4], after.frame_logits[:, :4])
    assert not torch.equal(before.frame_logits[:, 4], after.frame_logits[:, 4])


@torch.no_grad()
@pytest.mark.parametrize("backend", ["sdpa", "dense"])
@pytest.mark.parametrize(
    ("heads", "first", "last"), [((3, 0), 4, 6), ((0, 3), 2, 4), ((2, 1), 2, 6)]
)
def test_a_changed_frame_moves_only_frames_that_can_see_it(heads, first, last, backend):
    """Bit by bit, through both blocks: lookback carries frame 4 on to 6, lookahead back to 2."""
    model = make_model(
        num_lookback_heads=heads[0], num_lookahead_heads=heads[1], has_context_frames=False
    )
    model.backend = backend
    features = make_features(9)
    changed = with_another_frame(features, 4)
    before, after = model.forward_features(features), model.forward_features(changed)
    moved = (before.frame_logits != after.frame_logits).any(-1).any(0)
    assert moved.nonzero()[:, 0].tolist() == list(range(first, last + 1))


@torch.no_grad()
@pytest.mark.parametrize("reach", [0, 1, 2])
def test_a_score_is_final_after_its_latency(reach):
    model = make_model(has_context_frames=False, local_frame_range=reach)
    latency = model.config.latency_frames()
    features = make_features(9)
    changed = with_another_frame(features, 6)
    before, after = model.forward_features(features), model.forward_features(changed)
    moved = (before.frame_logits != after.frame_logits).any(-1).any(0)
    assert latency == 2 * reach
    assert not moved[: 6 - latency].any()
    assert moved[6 - latency :].any()


@torch.no_grad()
def test_a_window_scores_its_middle_as_the_whole_video():
    model = make_model(has_context_frames=False)
    features = make_features(15)
    whole = model.forward_features(features).frame_logits
    part = model.forward_features(features[:, 3:12]).frame_logits
    edge = model.config.latency_frames()
    torch.testing.assert_close(part[:, edge : 9 - edge], whole[:, 3 + edge : 12 - edge])


@torch.no_grad()
def test_a_batch_equals_its_rows():
    model, features = make_model(), make_features()
    both = model.forward_features(features).frame_logits
    each = [model.forward_features(row[None]).frame_logits for row in features]
    torch.testing.assert_close(both, torch.cat(each))


def test_everything_learns():
    model = make_model(has_offset_bias=True, dropout=0.1).train()
    scores = model.forward_features(make_features())
    (scores.clip_logits.sum() + scores.frame_logits.square().sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@torch.no_grad()
def test_the_range_can_be_another_one_at_each_call():
    model, features = make_model(), make_features()
    near = model.forward_features(features, local_frame_range=0).frame_logits
    far = model.forward_features(features, local_frame_range=5).frame_logits
    assert not torch.allclose(near, far)
    want = make_model(local_frame_range=5).forward_features(features).frame_logits
    torch.testing.assert_close(far, want)


def test_misuse_fails_clearly():
    with pytest.raises(SettingError, match=r"2 \+ 2 and 3"):
        make_config(num_lookahead_heads=2)
    with pytest.raises(SettingError, match="must divide embed_dim"):
        make_config(embed_dim=13)
    model = make_model()
    with pytest.raises(CheckpointError, match="no backbone"):
        model(torch.zeros(1, 2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"\[B, T, 4, 12\]"):
        model.forward_features(torch.zeros(1, 2, 4, 11))
    with pytest.raises(SettingError, match="at least 0 frames"):
        model.forward_features(make_features(), local_frame_range=-1)


@torch.no_grad()
@pytest.mark.parametrize("changes", CONFIGS)
def test_padding_to_a_fixed_length_changes_no_score(changes):
    model, features = make_model(**changes), make_features(5)
    want, got = model.forward_features(features), model.forward_features(features, padded_to=9)
    assert got.frame_logits.shape == (2, 5, 5)
    torch.testing.assert_close(got.clip_logits, want.clip_logits, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(got.frame_logits, want.frame_logits, rtol=1e-4, atol=1e-5)
    with pytest.raises(SettingError, match="5 frames cannot be padded to 4"):
        model.forward_features(features, padded_to=4)
