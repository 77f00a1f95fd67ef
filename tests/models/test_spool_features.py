"""Spool on features of groups of sampled frames: in pieces, in batches, and on disk."""

import json
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.models.features.tiny import (
    make_clips,
    tiny_backbone,
    tiny_config,
    tiny_encoder,
    tiny_spool,
    tiny_spool_config,
)
from vidmem.errors import CheckpointError, SettingError, StateError
from vidmem.models import Spool, SpoolConfig, load_folder, save
from vidmem.models.features import encoder as encoding
from vidmem.models.interface import config_values
from vidmem.nn.capture import capture
from vidmem.streaming.saving.identity import ModelIdentity

NUM_CLIPS = 6


def make_video(batch=2, num_frames=4 * NUM_CLIPS):
    return make_clips(batch, num_frames)


@torch.no_grad()
def run(model, video, state=None, *, l_mem=9):
    state = state or model.init_state(len(video), l_mem=l_mem)
    outputs = []
    for clip in video.split(4, 1):
        outputs.append(model.step(clip, state))
        state = outputs[-1].state
    return outputs, state


def close(got, want):
    torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_a_video_scores_each_of_its_feature_frames():
    model = tiny_spool()
    scores = model(make_video())
    assert scores.frame_logits.shape == (2, 12, 3)
    assert scores.clip_logits.shape == (2, 3)
    assert model.encode(make_video()).shape == (2, 12, 4, model.config.feature_dim)


def test_a_new_model_makes_no_difference_between_places():
    model = Spool(tiny_spool_config())
    assert not model.embedding.places.any()
    assert model.embedding.projection.weight.shape == (8, 3 + 5 + 6)


@torch.no_grad()
def test_the_linear_head_adds_what_it_says_of_single_frames():
    model, video = tiny_spool(), make_video()
    head = model.linear_head
    got, weights = model(video), {name: one.clone() for name, one in head.state_dict().items()}
    head.weight.zero_()
    head.bias.zero_()
    without = model(video)
    means = model.encode(video).mean(2)
    added = means @ weights["weight"].T + weights["bias"]
    assert added.abs().amax() > 0.1
    close(got.frame_logits, without.frame_logits + added)
    close(got.clip_logits, without.clip_logits + added.mean(1))
    new = Spool(tiny_spool_config())
    assert not any(one.any() for one in new.linear_head.parameters())
    assert Spool(replace(tiny_spool_config(), features=None)).linear_head is None


def test_a_folder_that_lacks_its_linear_head_is_refused(tmp_path):
    save(tiny_spool(), tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    save_file({n: w for n, w in weights.items() if not n.startswith("linear_head")}, path)
    with pytest.raises(CheckpointError):
        load_folder(tmp_path)


@torch.no_grad()
def test_clip_by_clip_it_scores_as_the_whole_video():
    model, video = tiny_spool(), make_video()
    outputs, _ = run(model, video)
    whole = model(video).frame_logits.unflatten(1, (-1, 2)).mean(2)
    close(outputs[-1].logits, whole[:, -1])
    close(outputs[-1].earlier_logits, whole[:, -2:-1])


@torch.no_grad()
def test_rows_of_a_batch_score_as_each_by_itself():
    model, video = tiny_spool(), make_video()
    together, _ = run(model, video, l_mem=3)
    for row in range(2):
        alone, _ = run(model, video[row : row + 1], l_mem=3)
        close(together[-1].logits[row : row + 1], alone[-1].logits)
        close(together[-1].unlikeness[row : row + 1], alone[-1].unlikeness)


@torch.no_grad()
def test_saved_and_taken_up_again_it_goes_on_with_the_same_numbers():
    model, video = tiny_spool(), make_video()
    whole, _ = run(model, video, l_mem=2)
    _, state = run(model, video[:, :12], l_mem=2)
    rest, _ = run(model, video[:, 12:], model.state_from_tensors(state.to_tensors()))
    assert all(torch.equal(a.logits, b.logits) for a, b in zip(whole[3:], rest, strict=True))


@torch.no_grad()
def test_the_state_keeps_features_and_never_grows():
    model = tiny_spool()
    start = model.init_state(2)
    _, early = run(model, make_video(2, 8), l_mem=3)
    _, late = run(model, make_video(2, 48), l_mem=3)
    assert start.num_bytes == early.num_bytes == late.num_bytes
    assert (start.l_mem, start.clip_frames, start.window_frames) == (3, 2, 8)
    assert start.queue.tokens.shape == (2, 3, 2 * 4, model.config.feature_dim)


@torch.no_grad()
def test_a_window_can_be_resized_and_lose_clips():
    model, video = tiny_spool(), make_video()
    _, state = run(model, video[:, :20], l_mem=4)
    _, short = run(model, video[:, 12:20], l_mem=2)
    close(
        model.step(video[:, 20:], state.resized(2)).logits,
        model.step(video[:, 20:], short).logits,
    )
    assert state.without_clips([2]).num_remembered.tolist() == [3, 3]


@torch.no_grad()
@pytest.mark.parametrize("num_last", [1, 2, 3])
def test_a_short_last_clip_has_as_many_groups_as_it_has_frames_for(num_last):
    model, video = tiny_spool(), make_video()
    _, state = run(model, video[:, :20])
    output = model.step(video[:, 20 : 20 + num_last], state)
    features = torch.cat([model.encode(clip) for clip in video[:, : 20 + num_last].split(4, 1)], 1)
    num_groups = (num_last + 1) // 2
    assert output.state.newest_frames.tolist() == [num_groups] * 2
    close(output.logits, model.forward_features(features).frame_logits[:, -num_groups:].mean(1))


@torch.no_grad()
def test_a_step_that_is_looked_into_scores_the_same():
    model, video = tiny_spool(), make_video()
    _, state = run(model, video[:, :20])
    plain = model.step(video[:, 20:], state)
    with capture() as seen:
        looked_into = model.step(video[:, 20:], state)
    close(plain.logits, looked_into.logits)
    close(plain.earlier_logits, looked_into.earlier_logits)
    assert [read.layout.num_frames for read in seen.frame_reads] == [12, 12]


@torch.no_grad()
def test_a_step_says_how_unlike_its_own_footage_a_clip_is():
    model, video = tiny_spool(), make_video(1)
    state = model.init_state(1)
    near = model.step(video[:, :4], state).unlikeness
    assert near.shape == (1,)
    assert 0 < float(near) < 1
    model.encoder.reduction.distance_limit.div_(100)  # as if its own footage were all alike
    close(model.step(video[:, :4], state).unlikeness, 100 * near)
    assert model.step_features(model.encode(video[:, :4]), state).unlikeness is None


def test_only_what_comes_after_the_features_is_taught():
    model = tiny_spool().train()
    model(make_video()).clip_logits.sum().backward()
    taught = {name for name, one in model.named_parameters() if one.grad is not None}
    assert {"embedding.places", "embedding.projection.weight"} <= taught
    assert not any(name.startswith("encoder.") for name in taught)


@torch.no_grad()
def test_in_bfloat16_it_streams_and_stays_near():
    video = make_video()
    want, _ = run(tiny_spool(), video, l_mem=3)
    model = tiny_spool().to(torch.bfloat16)
    got, state = run(model, video.bfloat16(), l_mem=3)
    assert state.queue.tokens.dtype == torch.bfloat16
    assert torch.equal(got[-1].logits.argmax(-1), want[-1].logits.argmax(-1))


def test_its_traits_count_in_groups():
    traits = tiny_spool_config(local_frame_range=3).traits(clip_frames=4)
    assert (traits.frame_step, traits.frames_multiple) == (2, 2)
    assert (traits.l_mem, traits.local_frame_range) == (3, 3)
    assert replace(tiny_spool_config(), features=None).traits(4).frame_step == 1


def test_models_without_features_stay_who_they_were():
    values = config_values(SpoolConfig())
    assert "features" not in values
    assert asdict(SpoolConfig(**values)) == asdict(SpoolConfig())
    with_features = config_values(tiny_spool_config())
    assert with_features["features"]["encode_every"] == 2
    hashes = {
        ModelIdentity.of(Spool(config)).config_sha256
        for config in (
            tiny_spool_config(),
            tiny_spool_config(features=tiny_config(encode_every=3)),
            replace(tiny_spool_config(), features=None),
        )
    }
    assert len(hashes) == 3


def test_misuse_says_what_was_expected():
    config, clip = tiny_spool_config(), make_video()
    with pytest.raises(CheckpointError, match=r"has no encoder; load one .tiny. or give features"):
        Spool(config)(clip)
    with pytest.raises(ValueError, match=r"gets encoder=..., not backbone"):
        Spool(config, backbone=tiny_backbone())
    with pytest.raises(ValueError, match=r"gets backbone=..., not encoder"):
        Spool(replace(config, features=None), encoder=tiny_encoder())
    with pytest.raises(CheckpointError, match="gives other features than the model was made for"):
        Spool(config, encoder=tiny_encoder(encode_every=3))
    with pytest.raises(SettingError, match="that of the features, got 9 and 4"):
        replace(config, tokens_per_frame=9)
    model = tiny_spool()
    with pytest.raises(ValueError, match=r"shape \[B, T, 4, 14\] with at least one"):
        model.forward_features(torch.zeros(1, 2, 4, 8))
    with pytest.raises(ValueError, match=r"init_state\(clip_frames=6\)"):
        model.step(clip[:, :6], model.init_state(2))
    tensors = model.init_state(1).to_tensors() | {"features": torch.zeros(1, 3, 8, 8)}
    with pytest.raises(StateError, match="this model wants frames of 4 tokens of 14"):
        model.state_from_tensors(tensors)


@pytest.fixture
def here(monkeypatch):
    """The image encoders that are on this machine, by name."""
    known = {"tiny": tiny_backbone()}
    monkeypatch.setattr(encoding, "load_backbone", lambda name, tokens_per_frame: known[name])
    return known


def test_a_folder_names_the_image_encoder_and_holds_the_rest(tmp_path, here):
    backbone = tiny_backbone()
    config = tiny_spool_config(features=tiny_config(backbone_sha256=backbone.fingerprint()))
    encoder = encoding.FeatureEncoder(config.features, backbone, tiny_encoder().reduction)
    card = tiny_spool().card
    model = Spool(config, card, encoder=encoder).eval()
    save(model, tmp_path)
    loaded = load_folder(tmp_path)
    assert isinstance(loaded, Spool)
    assert (loaded.config, loaded.card) == (config, card)
    with torch.no_grad():
        one, other = (m.step(make_video()[:, :4], m.init_state(2)) for m in (model, loaded))
    assert torch.equal(one.logits, other.logits)
    assert torch.equal(one.unlikeness, other.unlikeness)
    assert ModelIdentity.of(model) == ModelIdentity.of(loaded)
    # Next time another encoder of that name is on the machine.
    with torch.no_grad():
        next(here["tiny"].encoder.parameters()).add_(1)
    with pytest.raises(CheckpointError, match="is not the one that the model was taught on"):
        load_folder(tmp_path)


def test_what_a_folder_lacks_is_named(tmp_path, here):
    with pytest.raises(CheckpointError, match="this Spool has no encoder, whose reduction"):
        save(Spool(tiny_spool_config(), tiny_spool().card), tmp_path)
    save(tiny_spool(), tmp_path)
    path = tmp_path / "config.json"
    document = json.loads(path.read_text())
    document["config"]["features"]["cell_components"] = 4
    path.write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match="made with another size"):
        load_folder(tmp_path)
    del document["config"]["features"]
    path.write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match="is of another model"):
        load_folder(tmp_path)


def test_a_folder_of_a_model_without_features_reads_as_before(tmp_path):
    config = replace(tiny_spool_config(), features=None)
    save(Spool(config, tiny_spool().card), tmp_path)
    assert "features" not in json.loads((tmp_path / "config.json").read_text())["config"]
