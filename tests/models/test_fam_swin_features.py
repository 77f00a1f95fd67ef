"""FAM Swin on the features of an image encoder: all that holds for one on pixels holds for it."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.conftest import make_tiny_model
from tests.models.fam_on_features import (
    CLIP_FRAMES,
    make_backbone,
    make_clips,
    make_config,
    make_encoder,
    make_tiny_fam,
)
from vidmem.errors import CheckpointError, SettingError
from vidmem.models import FamSwin, FeatureConfig, MemoryConfig, load_folder, presets, save
from vidmem.models.fam_swin.feature_embedding import MergedFeatureEmbedding
from vidmem.models.interface import config_values
from vidmem.planner.fam_swin.estimate import num_parameters
from vidmem.streaming import StreamSettings
from vidmem.streaming.batching import StepInput, step_batch, to_model_clip
from vidmem.streaming.saving.identity import ModelIdentity

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(scope="module")
def model():
    return make_tiny_fam()


@torch.no_grad()
def features_of(model, clips):
    """`[B, N, T', P, F]`"""
    return model.encoder(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])


def test_what_comes_before_stage_3_is_not_in_it(model):
    names = {name for name in model.state_dict() if not name.startswith("encoder.")}
    assert not [n for n in names if n.startswith(("patch_", "stages.0", "stages.1", "merges.0"))]
    assert not [n for n in names if n.startswith("merges.1")]
    assert {name.split(".")[1] for name in names if name.startswith("stages.")} == {"2", "3"}
    assert (model.config.width(3), model.config.stages) == (32, range(3, 5))
    learnt = {n for n, p in model.named_parameters() if p.requires_grad}
    assert learnt == {n for n, _ in model.named_parameters() if not n.startswith("encoder.")}


@torch.no_grad()
def test_a_clip_is_its_features(model):
    clips = make_clips(num_clips=1)[:, 0]
    features, state = model.encoder(clips), model.init_state(2)
    trunk = model.trunk_features(features)
    assert trunk.size == model.first_grid(CLIP_FRAMES) == (2, 6, 6)
    assert torch.equal(trunk.tokens, model.trunk(clips).tokens)
    by_pixels, by_features = model.step(clips, state), model.step_features(features, state)
    assert torch.equal(by_pixels.logits, by_features.logits)
    assert torch.equal(by_pixels.unlikeness, model.encoder.encode(clips).unlikeness)
    assert by_features.unlikeness is None
    assert [grid.size for grid in model.stage_grids(clips)] == [(2, 6, 6), (2, 3, 3)]
    of_time = model.classify(model.stage_grids(clips)[-1])
    torch.testing.assert_close(of_time + model.linear_logits(features), model(clips))


@torch.no_grad()
def test_features_lie_on_their_grid_and_are_merged_over_frames():
    embedding = MergedFeatureEmbedding(2, 6, 3, 6)
    embedding.proj.weight.copy_(torch.eye(6))
    embedding.norm = torch.nn.Identity()
    assert not embedding.places.any()
    embedding.places.copy_(torch.arange(6)[:, None].expand(6, 6) * 100)
    embedding.proj.bias.zero_()
    features = torch.randn(1, 3, 6, 3)
    grid = embedding(features, (2, 3))
    assert grid.size == (2, 2, 3)
    tokens = grid.unflatten()
    assert torch.equal(tokens[0, 0, 1, 2], torch.cat([features[0, 0, 5], features[0, 1, 5]]) + 500)
    last = torch.cat([features[0, 2, 1], torch.zeros(3)]) + 100  # an odd frame is padded
    assert torch.equal(tokens[0, 1, 0, 1], last)


@torch.no_grad()
def test_with_its_gates_at_zero_it_is_the_model_without_memory_bit_for_bit():
    model, clips = make_tiny_fam(gate=0.0), make_clips()
    with_memory, state = model.forward_clips(clips)
    assert state.num_remembered.tolist() == [4, 4]
    assert torch.equal(with_memory, model.forward_clips(clips, model.init_state(2, l_mem=0))[0])
    assert torch.equal(with_memory[:, 3], model(clips[:, 3]))


@torch.no_grad()
def test_whole_equals_clip_by_clip_equals_batched_equals_saved_and_resumed(model, tmp_path):
    clips = make_clips()
    whole, end = model.forward_clips(clips)
    off, _ = model.forward_clips(clips, model.init_state(2, l_mem=0))
    assert (whole - off)[:, 1:].abs().amax() > 1e-2  # memory has its say
    first, middle = model.forward_clips(clips[:, :2])
    save_file(middle.to_tensors(), tmp_path / "state.safetensors")
    middle = model.state_from_tensors(load_file(tmp_path / "state.safetensors"))
    rest, resumed = model.forward_clips(clips[:, 2:], middle)
    torch.testing.assert_close(torch.cat([first, rest], 1), whole, **TOLERANCE)
    torch.testing.assert_close(resumed.queues[0].tokens, end.queues[0].tokens, **TOLERANCE)
    assert resumed.num_bytes == middle.num_bytes
    for row in range(2):
        alone, _ = model.forward_clips(clips[row : row + 1])
        torch.testing.assert_close(alone, whole[row : row + 1], **TOLERANCE)
    at_once, state = model.forward_clip_features(features_of(model, clips), model.init_state(2))
    torch.testing.assert_close(at_once, whole, **TOLERANCE)
    torch.testing.assert_close(state.queues[1].tokens, end.queues[1].tokens, **TOLERANCE)


@torch.no_grad()
def test_cached_keys_and_values_equal_re_projected_memory(model):
    clips = make_clips(num_clips=4)
    cached, _ = model.forward_clips(clips)
    plain, _ = model.forward_clips(clips, model.init_state(2, is_projected=False))
    torch.testing.assert_close(cached, plain, **TOLERANCE)


@torch.no_grad()
def test_memory_is_resized_and_emptied_in_mid_stream():
    model = make_tiny_fam(memory_every=2, anchors=1)
    clips = make_clips(batch=1, num_clips=9)
    _, state = model.forward_clips(clips)
    assert state.slot_clips[0].tolist() == [0, 4, 6, 8]
    small = state.resized(2)
    assert small.slot_clips[0].tolist() == [0, 8]
    without = state.without_clips([4, 6])
    assert without.slot_clips[0].tolist() == [-1, -1, 0, 8]
    logits = [model.step(clips[:, 0], one).logits for one in (small, without)]
    torch.testing.assert_close(*logits, **TOLERANCE)


@torch.no_grad()
def test_in_bf16_it_agrees_with_itself_and_with_float32():
    model, clips = make_tiny_fam(), make_clips(num_clips=3)
    want, _ = model.forward_clips(clips)
    model.to(torch.bfloat16)
    assert model.encoder.reduction.cell_mean.dtype == torch.float32
    got, state = model.forward_clips(clips)
    assert got.dtype == torch.float32
    assert state.queues[0].tokens.dtype == torch.bfloat16
    torch.testing.assert_close(got, want, rtol=0.1, atol=0.1)


@torch.no_grad()
def test_compiled_equals_plain_and_the_encoder_runs_as_it_is(model, monkeypatch):
    from vidmem.models.fam_swin import compiled  # torch's compiler is for who runs this alone

    torch.compiler.reset()
    run = torch.compile(compiled._step, dynamic=False, fullgraph=True, backend="eager")
    monkeypatch.setattr(compiled, "_compiled", lambda is_graph: run)
    clips, plain = make_clips(num_clips=3), model.init_state(2)
    fast = plain
    for number, clip in enumerate(clips.unbind(1)):
        want = model.step(clip, plain)
        model.use_compiled(True)
        try:
            with torch.compiler.set_stance("fail_on_recompile" if number else "default"):
                got = model.step(clip, fast)
        finally:
            model.use_compiled(False)
        torch.testing.assert_close(got.logits, want.logits, **TOLERANCE)
        assert torch.equal(got.unlikeness, want.unlikeness)
        plain, fast = want.state, got.state
    assert fast.num_remembered.tolist() == [3, 3]
    torch.compiler.reset()


@torch.no_grad()
def test_flex_equals_plain(flex_as_graph):
    model, clips = make_tiny_fam(), make_clips(num_clips=3)
    want, _ = model.forward_clips(clips)
    model.use_flex(True)
    got, _ = model.forward_clips(clips)
    torch.testing.assert_close(got, want, **TOLERANCE)


def stepped(model, features, state):
    logits = []
    for clip in features.unbind(1):
        output = model.step_features(clip, state)
        logits.append(output.logits)
        state = output.state
    return torch.stack(logits, 1), state


def in_two_runs(model, features, state):
    logits = []
    for part in (features[:, :2], features[:, 2:]):
        some, state = model.forward_clip_features(part, state)
        logits.append(some)
    return torch.cat(logits, 1), state


def gradients(model, run, features, state):
    model.zero_grad()
    features = features.clone().requires_grad_()
    logits, state = run(model, features, state)
    weights = torch.arange(logits.numel()).view_as(logits).sin()
    (logits * weights).sum().backward()
    learnt = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    return logits.detach(), state, {"features": features.grad, **learnt}


@pytest.mark.parametrize("is_training", [True, False])
@pytest.mark.parametrize(
    ("memory", "is_projected"),
    [({}, False), ({"memory_every": 2, "anchors": 1, "l_mem": 2}, True), ({"l_mem": 0}, False)],
)
def test_a_sequence_at_once_equals_its_steps_gradients_and_all(memory, is_projected, is_training):
    model = make_tiny_fam(**memory).train(is_training)
    for attention in model.memory.values():
        torch.nn.init.normal_(attention.age.weight)
    features = torch.randn(2, 7, 4, 36, model.config.features.feature_dim)
    state = model.init_state(2, is_projected=is_projected)
    state = replace(state, clip_index=torch.tensor([0, 1]))  # streams of different age
    want, steps_end, steps_grads = gradients(model, stepped, features, state)
    got, end, grads = gradients(model, in_two_runs, features, state)
    torch.testing.assert_close(got, want, **TOLERANCE)
    assert grads.keys() == steps_grads.keys()
    for name, grad in steps_grads.items():
        torch.testing.assert_close(grads[name], grad, rtol=1e-3, atol=1e-4, msg=name)
    assert torch.equal(end.clip_index, steps_end.clip_index)
    assert torch.equal(end.slot_clips, steps_end.slot_clips)
    for queue, steps_queue in zip(end.queues, steps_end.queues, strict=True):
        torch.testing.assert_close(queue.tokens, steps_queue.tokens, **TOLERANCE)
        assert queue.tokens.requires_grad == steps_queue.tokens.requires_grad


def test_sequences_of_a_model_on_pixels_are_run_at_once_too():
    model = make_tiny_model().train()
    clips = torch.randn(2, 3, 8, 3, 64, 64)
    want, _ = model.forward_clips(clips)
    got, _ = model.forward_trunks(model.trunk(clips.flatten(0, 1)), model.init_state(2))
    torch.testing.assert_close(got, want, **TOLERANCE)
    with pytest.raises(ValueError, match="N clips of each of 4 sequences, got 6"):
        model.forward_trunks(model.trunk(clips.flatten(0, 1)), model.init_state(4))


def test_gradients_reach_one_clip_back_and_never_the_encoder():
    model = make_tiny_fam().train()
    assert not model.encoder.backbone.training
    features = torch.randn(1, 5, 4, 36, model.config.features.feature_dim).requires_grad_()
    trunks = model.trunk_features(features.flatten(0, 1))
    logits, _ = model.forward_trunks(trunks, model.init_state(1))
    logits[:, 3].sum().backward()
    reached = features.grad.abs().amax((0, 2, 3, 4)) > 0
    assert reached.tolist() == [False, False, True, True, False]
    assert all(attention.key.weight.grad.any() for attention in model.memory.values())
    assert not any(parameter.grad is not None for parameter in model.encoder.parameters())


def test_a_stream_has_to_know_its_groups():
    config = make_config()
    traits = config.traits(CLIP_FRAMES)
    assert (traits.frames_multiple, traits.frame_step, traits.l_mem) == (4, 2, 4)
    settings = StreamSettings.for_model(make_tiny_fam(has_encoder=False))
    with pytest.raises(SettingError, match="multiple of 4"):
        settings.changed(clip_frames=6)


@pytest.mark.parametrize(
    ("tokens_per_clip", "grids"),
    [
        (9, [(1, 3, 3), (1, 3, 3)]),
        (18, [(2, 3, 3), (2, 3, 3)]),
        (16, [(1, 4, 4), (4, 2, 2)]),
        (36, [(1, 6, 6), (4, 3, 3)]),
        (7, [(7, 1, 1), (7, 1, 1)]),
    ],
)
def test_memory_tokens_lie_in_squares_that_fit_the_features(tokens_per_clip, grids):
    config = make_config(tokens_per_clip=tokens_per_clip)
    assert [config.memory_grid(stage) for stage in (3, 4)] == grids


def test_a_stream_gets_its_own_word_on_how_unlike_a_clip_is(model):
    pixels = torch.randint(256, (2, CLIP_FRAMES, 48, 48, 3), dtype=torch.uint8)
    clips = [StepInput(one, (0.0, 1.0), model.init_state(1)) for one in pixels]
    together = step_batch(model, clips)
    for clip, result in zip(clips, together, strict=True):
        (alone,) = step_batch(model, [clip])
        want = model.encoder.encode(to_model_clip(clip.pixels, model)).unlikeness.item()
        assert result.unlikeness == pytest.approx(want, rel=1e-4)
        assert result.probabilities[0] == pytest.approx(alone.probabilities[0], abs=1e-5)


def test_models_of_today_are_what_they_were(tmp_path):
    model = make_tiny_model()
    assert "features" not in config_values(model.config)
    save(model, tmp_path)
    assert "features" not in json.loads((tmp_path / "config.json").read_text())["config"]
    identity = ModelIdentity.of(model)
    assert identity == ModelIdentity.of(load_folder(tmp_path))
    on_features = make_tiny_fam(has_encoder=False)
    assert config_values(on_features.config)["features"]["encode_every"] == 2


@torch.no_grad()
def test_its_encoder_is_found_by_name(model, tmp_path, monkeypatch):
    wanted = []

    def find(name, *, tokens_per_frame):
        wanted.append((name, tokens_per_frame))
        return make_backbone()

    save(model, tmp_path)
    names = load_file(tmp_path / "model.safetensors").keys()
    assert not [name for name in names if "backbone" in name]
    assert [name for name in names if name.startswith("encoder.reduction.")]
    monkeypatch.setattr("vidmem.models.features.encoder.load_backbone", find)
    loaded, clips = load_folder(tmp_path), make_clips(num_clips=3)
    assert wanted == [("somebody/some-encoder", 36)]
    assert not loaded.training
    assert loaded.config == model.config
    assert torch.equal(loaded.forward_clips(clips)[0], model.forward_clips(clips)[0])
    assert ModelIdentity.of(loaded) == ModelIdentity.of(model)


def test_another_encoder_than_that_of_the_time_is_refused(tmp_path, monkeypatch):
    backbone = make_backbone()
    features = replace(make_config().features, backbone_sha256=backbone.fingerprint())
    config = replace(make_config(), features=features)
    save(FamSwin(config, encoder=make_encoder(features, backbone)), tmp_path)

    def find_another(name, *, tokens_per_frame):
        return make_backbone(intermediate_size=20)

    monkeypatch.setattr("vidmem.models.features.encoder.load_backbone", find_another)
    with pytest.raises(CheckpointError, match="not the one that the model was taught on"):
        load_folder(tmp_path)


def test_the_linear_head_adds_what_it_says_of_single_frames():
    model, clips = make_tiny_fam(), make_clips(num_clips=3)
    head = model.linear_head
    with torch.no_grad():
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
        without = model.forward_clips(clips)[0]
        torch.nn.init.normal_(head.weight)
        torch.nn.init.normal_(head.bias)
        got = model.forward_clips(clips)[0]
        means = features_of(model, clips).mean((2, 3))
        want = without + means @ head.weight.T + head.bias
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)
    new = FamSwin(make_config())
    assert not any(one.any() for one in new.linear_head.parameters())
    assert make_tiny_model().linear_head is None


def test_a_folder_that_lacks_its_linear_head_is_refused(model, tmp_path):
    save(model, tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    save_file({n: w for n, w in weights.items() if not n.startswith("linear_head")}, path)
    with pytest.raises(CheckpointError):
        load_folder(tmp_path)


def test_a_folder_that_lacks_its_reduction_is_refused(model, tmp_path):
    with pytest.raises(CheckpointError, match="no encoder, and without its reduction"):
        save(make_tiny_fam(has_encoder=False), tmp_path)
    save(model, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["encoder.reduction.cell_mean"]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="lacks the reduction"):
        load_folder(tmp_path)


def test_what_does_not_fit_is_refused(model):
    config = make_config()
    with pytest.raises(SettingError, match="only the stages"):
        replace(config, memory=MemoryConfig(stages=(2, 3)))
    with pytest.raises(SettingError, match=r"divide the width of each stage, got 5 .* at stage 3"):
        replace(config, num_heads=(3, 5, 5, 5))
    other = replace(config.features, has_motion=False)
    with pytest.raises(CheckpointError, match="other features"):
        FamSwin(config, encoder=make_encoder(other))
    alone = make_tiny_fam(has_encoder=False)
    with pytest.raises(CheckpointError, match=r"has no encoder.*step_features"):
        alone.step(make_clips()[:, 0], alone.init_state(2))
    with pytest.raises(ValueError, match=r"shape \[B, T', 36, 13\].*got \[1, 4, 36, 12\]"):
        alone.step_features(torch.zeros(1, 4, 36, 12), alone.init_state(1))
    with pytest.raises(ValueError, match="made for pixels"):
        make_tiny_model().trunk_features(torch.zeros(1, 4, 36, 13), (6, 6))


def test_the_small_one_to_be_taught_has_few_weights_and_windows_that_fit():
    config = presets.fam_swin_on_features(FeatureConfig(tokens_per_frame=36), 5, clip_frames=4)
    assert [config.memory_grid(stage) for stage in (3, 4)] == [(1, 3, 3), (1, 3, 3)]
    assert [config.window(stage) for stage in (3, 4)] == [(2, 6, 6), (2, 3, 3)]
    assert sum(p.numel() for p in FamSwin(config).parameters()) == num_parameters(config) < 150_000
    assert config.traits(8).frames_multiple == 8


def test_without_an_encoder_the_grid_is_near_to_the_shape_of_the_picture():
    config = make_config()
    card = replace(make_tiny_fam(has_encoder=False).card, frame_height=90, frame_width=160)
    assert FamSwin(config, card).frame_grid == (4, 9)
    assert FamSwin(config, card, encoder=make_encoder(config.features)).frame_grid == (4, 9)


def test_without_feedback_fast_equals_plain_and_an_evicted_clip_is_silent():
    model, clips = make_tiny_fam(has_feedback=False).train(), make_clips()
    features = features_of(model, clips)
    plain, after = model.forward_clips(clips)
    fast, fast_after = model.forward_clip_features(features, model.init_state(2))
    torch.testing.assert_close(fast, plain, **TOLERANCE)
    torch.testing.assert_close(fast_after.queues[1].tokens, after.queues[1].tokens, **TOLERANCE)
    grads = [
        torch.autograd.grad(logits.square().sum(), model.memory["3"].key.weight)[0]
        for logits in (plain, fast)
    ]
    torch.testing.assert_close(*grads, **TOLERANCE)
    changed = features.clone()
    changed[:, 0] += 1
    other = model.forward_clip_features(changed, model.init_state(2))[0]
    differs = (other - fast).abs().amax((0, 2)) > 0
    assert differs.tolist() == [True] * 5 + [False]  # four clips remember it
    with_feedback = make_tiny_fam().train()
    pair = [
        with_feedback.forward_clip_features(own, with_feedback.init_state(2))[0]
        for own in (features, changed)
    ]
    assert (pair[0] - pair[1])[:, 5].abs().max() > 1e-6


def test_configs_are_known_by_the_hashes_that_they_had_before_feedback_could_be_left_out():
    assert "has_feedback" not in config_values(make_config())["memory"]
    assert config_values(make_config(has_feedback=False))["memory"]["has_feedback"] is False
