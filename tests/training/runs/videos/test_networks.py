"""Every kind of network on pixels: made, run, and refused with a sentence."""

import sys
import types

import pytest
import torch
from safetensors.torch import save_file

from tests.training.runs.videos.miniature import FAM, VIT, config_values, make_card
from vidmem.errors import (
    CheckpointError,
    MissingPackageError,
    SettingError,
    WeightsNotAvailableError,
)
from vidmem.models import FamSwin, Spool, save
from vidmem.models.baselines import packaged_video
from vidmem.models.fam_swin.checkpoint import load_torchvision_swin
from vidmem.training.runs.config import config_from
from vidmem.training.runs.kinds import HoldsModel, PixelFacts
from vidmem.training.runs.registry import NETWORKS
from vidmem.training.runs.videos.networks.fam_swin import FamSwinPixelsConfig, make_fam_swin

TINY = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 16}
MODELS = {
    "fam-swin": {"kind": "fam-swin", **FAM},
    "spool": {
        "kind": "spool",
        "backbone_config": VIT,
        "num_heads": 2,
        "num_lookback_heads": 1,
        "num_lookahead_heads": 1,
        "num_layers": 1,
        "tokens_per_frame": 4,
    },
    "mean": {"kind": "image", "backbone_config": VIT},
    "attentive": {"kind": "image", "backbone_config": VIT, "pooling": "attentive", "num_heads": 2},
    "fine-tuned": {"kind": "image", "backbone_config": VIT, "is_backbone_frozen": False},
    "gru": {"kind": "gru", "backbone_config": VIT, "hidden": 4},
    "cbas": {"kind": "cbas", "backbone_config": VIT, "hidden": 4, "reach_frames": 1},
    "timesformer": {
        "kind": "transformers",
        "model_type": "timesformer",
        "options": {**TINY, "intermediate_size": 8},
    },
    "vivit": {
        "kind": "transformers",
        "model_type": "vivit",
        "options": {
            "hidden_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 8,
            "tubelet_size": [2, 16, 16],
        },
    },
    "videomae": {
        "kind": "transformers",
        "model_type": "videomae",
        "options": {**TINY, "intermediate_size": 8},
    },
    "vjepa2": {
        "kind": "transformers",
        "model_type": "vjepa2",
        "options": {
            **TINY,
            "hidden_size": 12,
            "mlp_ratio": 1,
            "pred_hidden_size": 12,
            "pred_num_attention_heads": 2,
            "pred_num_hidden_layers": 1,
            "num_pooler_layers": 1,
            "tubelet_size": 2,
        },
    },
}


def make(model):
    config = config_from(config_values("nowhere", model))
    torch.manual_seed(0)
    return config.model_kind.make(config.model, PixelFacts(card=make_card()))


@pytest.mark.parametrize("name", MODELS)
def test_clips_become_logits_and_gradients_reach_what_learns(name):
    network = make(MODELS[name])
    logits = network(torch.randn(3, 4, 3, 32, 32))
    assert logits.shape == ((3, 2, 2) if name == "spool" else (3, 2))
    logits.square().sum().backward()
    # Only what nothing uses has none: a part that predicts what is masked, or ends unread.
    learned = {n: p for n, p in network.named_parameters() if p.requires_grad}
    reached = {n for n, p in learned.items() if p.grad is not None}
    assert all("predictor" in n or "mask" in n for n in learned.keys() - reached)
    is_frozen = name in {"spool", "mean", "attentive", "gru", "cbas"}
    assert any("backbone" in n for n in learned) == (name == "fine-tuned")
    assert not is_frozen or not any(n.startswith("backbone") for n in learned)


def test_every_network_is_tried_here_but_what_needs_a_package():
    tried = {("clips", model["kind"]) for model in MODELS.values()}
    there = {key for key in NETWORKS if key[0] == "clips"}
    assert there - tried == {("clips", "packaged")}


@pytest.mark.parametrize("network", ["mvit_v2_s", "slowfast_r50"])
def test_what_needs_a_package_says_how_to_get_it(monkeypatch, network):
    for package in ("torchvision", "pytorchvideo"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=f"{network} needs .*: pip install "):
        make({"kind": "packaged", "network": network})


@pytest.mark.parametrize("model_type", ["videomae", "vjepa2"])
def test_a_video_classifier_begins_as_the_one_in_a_folder_but_for_its_classes(tmp_path, model_type):
    saved = make(MODELS[model_type])
    saved.network.save_pretrained(tmp_path / "saved")
    model = {"kind": "transformers", "model_type": model_type, "folder": str(tmp_path / "saved")}
    own, before = make(model), saved.state_dict()
    assert own(torch.zeros(1, 4, 3, 32, 32)).shape == (1, 2)
    body = [name for name in before if "classifier" not in name]
    assert all(torch.equal(own.state_dict()[name], before[name]) for name in body)
    with pytest.raises(WeightsNotAvailableError, match="there is no folder"):
        make({**model, "folder": str(tmp_path / "other")})
    (tmp_path / "saved" / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot be read as a"):
        make(model)


class TwoWays(torch.nn.Module):
    """What pytorchvideo's SlowFast takes, and gives."""

    def __init__(self, pretrained, model_num_class):
        super().__init__()
        self.body, self.head = torch.nn.Linear(6, 4), torch.nn.Linear(4, model_num_class)

    def forward(self, ways):
        slow, fast = ways
        assert (slow.shape[1:], fast.shape[1:]) == ((3, 1, 32, 32), (3, 4, 32, 32))
        means = torch.cat([way.mean((2, 3, 4)) for way in ways], 1)
        return self.head(self.body(means))


def test_a_slowfast_sees_every_fourth_frame_and_all_and_loads_all_but_another_head(
    tmp_path, monkeypatch
):
    hub = types.SimpleNamespace(slowfast_r50=TwoWays)
    monkeypatch.setattr(packaged_video, "import_module", lambda name: hub)
    path = tmp_path / "weights.pth"
    other = TwoWays(pretrained=False, model_num_class=7)
    torch.save({"model_state": other.state_dict()}, path)
    network = make({"kind": "packaged", "network": "slowfast_r50", "weights": str(path)})
    assert network(torch.zeros(2, 4, 3, 32, 32)).shape == (2, 2)
    assert torch.equal(network.network.body.weight, other.body.weight)
    torch.save({"body.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="is of another network"):
        make({"kind": "packaged", "network": "slowfast_r50", "weights": str(path)})


def test_lora_learns_little_beside_an_encoder_that_stays(monkeypatch):
    lora = {"kind": "image", "backbone_config": VIT, "lora_rank": 2}
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "peft", None)
        with pytest.raises(MissingPackageError, match=r"pip install 'vidmem\[train\]'"):
            make(lora)
    pytest.importorskip("peft", reason="peft is in the extra `train`")
    plain, network = make({"kind": "image", "backbone_config": VIT}), make(lora)
    clips = torch.randn(2, 4, 3, 32, 32)
    before = plain.backbone(clips)
    torch.testing.assert_close(network.backbone(clips), before)  # at first they add nothing
    learned = {n for n, p in network.named_parameters() if p.requires_grad and "backbone" in n}
    assert learned and all("lora" in name for name in learned)
    network.train()(clips).square().sum().backward()
    assert any(
        p.grad is not None and p.grad.any() for n, p in network.named_parameters() if n in learned
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"kind": "image"}, "give one of backbone and backbone_config"),
        ({"kind": "transformers", "options": {"hidden_size": "wide"}}, "no options of a timesf"),
        ({"kind": "packaged", "network": "c3d"}, "network must be one of mvit_v1_b"),
        ({"kind": "fam-swin", **FAM, "pretrained": "nowhere"}, "pretrained must be a file of"),
        ({"kind": "fam-swin", "num_heads": [5, 6, 12, 24]}, "num_heads must divide"),
    ],
)
def test_what_does_not_fit_is_named(model, message):
    with pytest.raises(SettingError, match=message):
        make(model)


def torchvision_weights(num_classes):
    """As torchvision names them, of the size of `FAM`."""
    model = FamSwin(FamSwinPixelsConfig(**FAM_VALUES).architecture(num_classes))
    names = {"patch_embedding": "patch_embed"}
    weights = {}
    for name, value in model.state_dict().items():
        if name.startswith("memory."):
            continue
        parts = name.split(".")
        if parts[0] == "stages":
            name = ".".join(["features", str(2 * int(parts[1])), *parts[3:]])
            name = name.replace(".attention.", ".attn.").replace(".mlp.2.", ".mlp.3.")
        elif parts[0] == "merges":
            name = ".".join(["features", str(2 * int(parts[1]) + 1), *parts[2:]])
        for own, theirs in names.items():
            name = name.replace(own, theirs)
        weights[name] = value
    return weights


FAM_VALUES = {k: v for k, v in FAM.items() if k != "memory"}


@pytest.mark.parametrize("num_classes", [2, 5])
def test_it_begins_as_pretrained_weights_and_the_head_where_classes_are_as_many(
    tmp_path, num_classes
):
    path = tmp_path / "swin3d.pth"
    weights = torchvision_weights(num_classes)
    torch.save(weights, path)
    network = make({"kind": "fam-swin", **FAM, "pretrained": str(path)}).model
    own = FamSwin(network.config)
    if num_classes == 2:
        load_torchvision_swin(own, weights)
        clips = torch.randn(1, 4, 3, 32, 32)
        assert torch.equal(network.eval()(clips), own.eval()(clips))
    name = "stages.2.blocks.0.attention.qkv.weight"
    assert torch.equal(network.state_dict()[name], weights["features.4.0.attn.qkv.weight"])
    memory = network.memory_attention(3).state_dict()
    qkv = network.state_dict()[name].chunk(3)
    assert torch.equal(memory["query.weight"], qkv[0])
    assert not network.memory_attention(3).gate
    torch.save({**weights, "norm.weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError):
        make({"kind": "fam-swin", **FAM, "pretrained": str(path)})


def test_it_begins_as_a_model_that_was_saved(tmp_path):
    saved = make({"kind": "fam-swin", **FAM}).model
    torch.nn.init.normal_(saved.memory_attention(4).no_memory)
    torch.nn.init.constant_(saved.memory_attention(4).gate, 0.7)
    save(saved, tmp_path)
    model = {"kind": "fam-swin", **FAM, "pretrained": str(tmp_path)}
    own = make(model).model.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in saved.state_dict().items())
    assert make({**model, "gate": 0.2}).model.memory_attention(4).gate.item() == pytest.approx(0.2)
    with pytest.raises(CheckpointError, match=r"is of another size than \[model\]"):
        make({**model, "embed_dim": 16})
    save_file({"one": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError):
        make(model)


def test_a_spool_that_learnt_its_encoder_is_whole_in_its_folder(tmp_path):
    network = make({**MODELS["spool"], "is_backbone_frozen": False})
    assert isinstance(network.model, Spool)
    save(network.model, tmp_path)
    from vidmem.models import load_folder

    clips = torch.randn(1, 4, 3, 32, 32)
    again = load_folder(tmp_path)
    scores, both = again(clips), network(clips)
    torch.testing.assert_close(both[:, 1], scores.frame_logits.mean(1))
    torch.testing.assert_close(scores.clip_logits, network.eval()(clips))


def test_what_lora_learnt_has_no_place_in_a_spools_folder():
    pytest.importorskip("peft", reason="peft is in the extra `train`")
    assert isinstance(make(MODELS["spool"]), HoldsModel)
    assert not isinstance(make({**MODELS["spool"], "lora_rank": 2}), HoldsModel)


def test_clips_teach_memory_nothing_so_it_begins_as_copies_of_what_they_taught():
    network = make({"kind": "fam-swin", **FAM})
    block = network.fam.swin_stage(4).last_block
    torch.nn.init.normal_(block.attention.qkv.weight)
    query = network.model.memory_attention(4).query.weight
    assert torch.equal(query, block.attention.qkv.weight.chunk(3)[0])


def test_a_gate_can_begin_open():
    config = FamSwinPixelsConfig(**FAM_VALUES, gate=0.3)
    model = make_fam_swin(config, PixelFacts(card=make_card()))
    assert model.memory_attention(4).gate.item() == pytest.approx(0.3)
