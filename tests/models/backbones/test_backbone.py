"""Image encoders: the tokens that Hugging Face's own models give, and weights that must fit."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from vidmem.errors import CheckpointError, WeightsNotAvailableError
from vidmem.models.backbones.backbone import Backbone, load_backbone, pooled_grid
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.interface import ModelCard, Preprocessing

BASE = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "patch_size": 8}
WIDE = {**BASE, "intermediate_size": 40, "image_size": 32}
# kind, its own tokens before the patches, model of Hugging Face and its options
KINDS = {
    "dinov2": (1, "Dinov2Model", {**BASE, "image_size": 32}),
    "dinov2_with_registers": (
        4,
        "Dinov2WithRegistersModel",
        {**BASE, "image_size": 32, "num_register_tokens": 3},
    ),
    "dinov3_vit": (5, "DINOv3ViTModel", {**WIDE, "num_register_tokens": 4}),
    "vit": (1, "ViTModel", WIDE),
    "clip_vision_model": (1, "CLIPVisionModel", WIDE),
    "siglip_vision_model": (0, "SiglipVisionModel", WIDE),
}
ASKS = {"vit", "clip_vision_model", "siglip_vision_model"}
PICTURES = {
    "do_center_crop": True,
    "crop_size": {"height": 32, "width": 32},
    "size": {"shortest_edge": 36},
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.3, 0.4],
}


def save_encoder(folder: Path, model, pictures=PICTURES) -> Path:
    """Write a model as its publisher would."""
    torch.manual_seed(3)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    if pictures is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    return folder


def make_encoder(kind: str):
    import transformers  # takes seconds: not for whoever runs other tests

    name, options = KINDS[kind][1:]
    model_class = getattr(transformers, name)
    return model_class(model_class.config_class(**options)).eval()


def make_frames(height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.randn(2, 3, 3, height, width, generator=torch.Generator().manual_seed(5))


def own_patch_tokens(kind: str, encoder, frames: torch.Tensor) -> torch.Tensor:
    flags = {"interpolate_pos_encoding": True} if kind in ASKS else {}
    with torch.no_grad():
        tokens = encoder(pixel_values=frames.flatten(0, 1), **flags).last_hidden_state
    return tokens[:, KINDS[kind][0] :].unflatten(0, frames.shape[:2])


def nano(**changes) -> Backbone:
    options = {**BASE, "hidden_size": 24, "image_size": 32}
    torch.manual_seed(4)
    return Backbone.from_config({"model_type": "dinov2", "options": options, **changes}).eval()


@pytest.mark.parametrize("size", [(32, 32), (24, 40)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_those_of_the_encoder_itself(kind, size, tmp_path):
    encoder = make_encoder(kind)
    backbone = load_backbone(save_encoder(tmp_path, encoder))
    frames = make_frames(*size)
    tokens = backbone(frames)
    assert tokens.shape == (2, 3, size[0] // 8 * size[1] // 8, backbone.embed_dim)
    torch.testing.assert_close(tokens, own_patch_tokens(kind, encoder, frames))
    assert backbone.config.model_type == kind
    assert not backbone.training


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_is_summed_up_by_its_class_token_or_its_mean_token(kind, tmp_path):
    encoder = make_encoder(kind)
    backbone = load_backbone(save_encoder(tmp_path, encoder), tokens_per_frame=4)
    frames = make_frames()
    flags = {"interpolate_pos_encoding": True} if kind in ASKS else {}
    with torch.no_grad():
        tokens = encoder(pixel_values=frames.flatten(0, 1), **flags).last_hidden_state
    want = tokens[:, 0] if KINDS[kind][0] else tokens.mean(1)
    encoded = backbone.encode(frames)
    assert encoded.summary.shape == (2, 3, backbone.summary_dim)
    torch.testing.assert_close(encoded.summary.flatten(0, 1), want)
    assert torch.equal(encoded.tokens, backbone(frames))


@pytest.mark.parametrize("kind", KINDS)
def test_an_encoder_is_made_again_from_its_config_and_weights(kind, tmp_path):
    backbone = load_backbone(save_encoder(tmp_path, make_encoder(kind)), tokens_per_frame=4)
    values = json.loads(json.dumps(asdict(backbone.config)))
    again = Backbone.from_config(values).eval()
    again.load_state_dict(backbone.state_dict())
    assert again.config == backbone.config
    assert torch.equal(again(make_frames()), backbone(make_frames()))
    assert again.fingerprint() == backbone.fingerprint()


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_the_text_tower_is_left_out(kind, tmp_path):
    import transformers

    whole_class, config_class, vision = {
        "clip": (transformers.CLIPModel, transformers.CLIPConfig, "clip_vision_model"),
        "siglip": (transformers.SiglipModel, transformers.SiglipConfig, "siglip_vision_model"),
    }[kind]
    text = {**BASE, "intermediate_size": 40, "vocab_size": 20}
    text.pop("patch_size")
    whole = whole_class(config_class(vision_config=WIDE, text_config=text)).eval()
    backbone = load_backbone(save_encoder(tmp_path, whole))
    want = own_patch_tokens(vision, whole.vision_model, make_frames())
    torch.testing.assert_close(backbone(make_frames()), want)


def test_a_classifier_on_top_is_left_out(tmp_path):
    import transformers

    config = transformers.Dinov2Config(**BASE, image_size=32)
    whole = transformers.Dinov2ForImageClassification(config).eval()
    backbone = load_backbone(save_encoder(tmp_path, whole))
    want = own_patch_tokens("dinov2", whole.dinov2, make_frames())
    torch.testing.assert_close(backbone(make_frames()), want)


def test_pooled_tokens_are_averages_of_their_cells():
    frames = make_frames(32, 64)
    tokens = nano(tokens_per_frame=None)(frames)
    pooled = nano(tokens_per_frame=8)(frames)
    cells = tokens.unflatten(2, (2, 2, 4, 2)).mean((3, 5)).flatten(2, 3)
    torch.testing.assert_close(pooled, cells)


def test_few_tokens_are_not_pooled():
    assert nano(tokens_per_frame=16)(make_frames()).shape[2] == 16
    assert nano(tokens_per_frame=64)(make_frames()).shape[2] == 16


@pytest.mark.parametrize(
    ("patches", "num_tokens", "want"),
    [
        ((16, 16), 64, (8, 8)),
        ((12, 20), 60, (6, 10)),
        ((12, 20), 64, (8, 8)),
        ((10, 40), 64, (4, 16)),
        ((16, 16), 1, (1, 1)),
        ((7, 10), 64, (8, 8)),
    ],
)
def test_cells_are_near_to_square(patches, num_tokens, want):
    assert pooled_grid(patches, num_tokens) == want


def test_the_number_of_tokens_does_not_depend_on_the_shape_of_the_frame():
    backbone = nano(tokens_per_frame=6)
    for height, width in [(32, 32), (24, 40), (40, 24), (72, 31)]:
        assert backbone(make_frames(height, width)).shape[2] == 6
        rows, columns = backbone.token_grid(height, width)
        assert rows * columns == 6


def test_in_pieces_equals_at_once():
    frames = make_frames()
    whole, pieces = nano(frames_per_batch=32), nano(frames_per_batch=4)
    seen = []
    pieces.encoder.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(len(kwargs["pixel_values"])), with_kwargs=True
    )
    torch.testing.assert_close(pieces(frames), whole(frames))
    assert seen == [4, 2]


def test_a_frozen_encoder_stays_frozen():
    backbone = nano().train()
    holder = torch.nn.Sequential(backbone).train().requires_grad_(True)
    assert not backbone.encoder.training
    assert not any(module.training for module in backbone.encoder.modules())
    assert not holder(make_frames()).requires_grad
    assert not any(parameter.requires_grad for parameter in nano().parameters())


def test_an_encoder_can_be_fine_tuned():
    backbone = nano(is_frozen=False).train()
    assert backbone.encoder.training
    backbone(make_frames()).square().mean().backward()
    unused = {name for name, p in backbone.named_parameters() if p.grad is None}
    assert unused == {"encoder.embeddings.mask_token"}
    with torch.no_grad():
        assert not backbone(make_frames()).requires_grad


def test_a_cast_leaves_rotary_frequencies_exact(tmp_path):
    backbone = load_backbone(save_encoder(tmp_path, make_encoder("dinov3_vit")))
    frames = make_frames()
    want = backbone(frames)
    frequencies = backbone.encoder.rope_embeddings.inv_freq.clone()
    torch.nn.Sequential(backbone).to(torch.bfloat16)
    assert torch.equal(backbone.encoder.rope_embeddings.inv_freq, frequencies)
    got = backbone(frames)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.float(), want, atol=0.1, rtol=0.1)


def damage(folder: Path, change) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_missing_weight_is_named(tmp_path):
    save_encoder(tmp_path, make_encoder("dinov2"))
    damage(tmp_path, lambda weights: weights.pop("encoder.layer.1.norm1.weight"))
    with pytest.raises(CheckpointError, match=r"1 missing \(encoder\.layer\.1\.norm1\.weight\)"):
        load_backbone(tmp_path)


def test_a_weight_of_another_shape_is_named(tmp_path):
    save_encoder(tmp_path, make_encoder("vit"))
    damage(tmp_path, lambda weights: weights.update({"layernorm.bias": torch.zeros(7)}))
    with pytest.raises(CheckpointError, match=r"layernorm\.bias of \[7\] for \[24\]"):
        load_backbone(tmp_path)


def test_layers_that_would_be_left_out_are_refused(tmp_path):
    save_encoder(tmp_path, make_encoder("dinov2"))
    values = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**values, "num_hidden_layers": 1}))
    with pytest.raises(CheckpointError, match=r"of unknown layers \(encoder\.layer\.1\."):
        load_backbone(tmp_path)


def test_an_untrained_mask_token_is_no_trouble(tmp_path):
    save_encoder(tmp_path, make_encoder("dinov2"))
    damage(tmp_path, lambda weights: weights.pop("embeddings.mask_token"))
    assert load_backbone(tmp_path).embed_dim == 24


def test_damaged_weights_are_refused(tmp_path):
    save_encoder(tmp_path, make_encoder("dinov2"))
    (tmp_path / "model.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_backbone(tmp_path)


def test_another_kind_of_model_is_refused(tmp_path):
    save_encoder(tmp_path, make_encoder("dinov2"))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match="of a bert; vidmem knows the encoders dinov2, "):
        load_backbone(tmp_path)


def test_options_of_another_model_are_refused():
    with pytest.raises(CheckpointError, match="no options of a dinov2"):
        Backbone.from_config({"model_type": "dinov2", "options": {"hidden_size": "wide"}})
    with pytest.raises(CheckpointError, match=r"no backbone's config: .*'vit2'"):
        Backbone.from_config({"model_type": "vit2"})
    with pytest.raises(CheckpointError, match="'colour'"):
        Backbone.from_config({"colour": 1})


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="tokens_per_frame must be at least 1, got 0"):
        BackboneConfig(tokens_per_frame=0)
    with pytest.raises(ValueError, match="frames_per_batch must be at least 1"):
        BackboneConfig(frames_per_batch=0)
    with pytest.raises(ValueError, match="image_size must be one number"):
        BackboneConfig(options={"image_size": [96, 160]})


def test_frames_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\[B, T, 3, H, W\], got \[3, 3, 32, 32\]"):
        nano()(torch.zeros(3, 3, 32, 32))
    with pytest.raises(ValueError, match="at least a patch of 8 x 8 pixels, got 4 x 32"):
        nano()(torch.zeros(1, 1, 3, 4, 32))


def test_a_token_too_many_is_noticed():
    backbone = nano()
    backbone.encoder.config.num_register_tokens = 1
    with pytest.raises(CheckpointError, match="4 x 4 patch tokens and 2 others"):
        backbone(make_frames())


def test_pictures_are_as_the_encoder_knows_them(tmp_path):
    backbone = load_backbone(save_encoder(tmp_path, make_encoder("dinov2")))
    assert backbone.preprocessing == Preprocessing(
        frame_height=32,
        frame_width=32,
        resize="crop",
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 0.4),
    )
    card = ModelCard(name="a", title="A", class_names=("x",), **asdict(backbone.preprocessing))
    assert card.frame_height == 32


def test_unknown_pictures_are_refused_unless_said(tmp_path):
    save_encoder(tmp_path, make_encoder("dinov2"), pictures=None)
    with pytest.raises(WeightsNotAvailableError, match=r"has no preprocessor_config\.json"):
        load_backbone(tmp_path)
    said = Preprocessing(frame_height=40)
    assert load_backbone(tmp_path, preprocessing=said).preprocessing == said
    (tmp_path / "preprocessor_config.json").write_text('{"size": "large"}')
    with pytest.raises(CheckpointError, match="does not say how pictures are resized"):
        load_backbone(tmp_path)


def test_the_fingerprint_is_of_all_that_features_depend_on():
    base = nano().fingerprint()
    assert nano(frames_per_batch=2, is_frozen=False).fingerprint() == base
    assert nano(tokens_per_frame=4).fingerprint() != base
    assert nano(preprocessing={"frame_height": 40}).fingerprint() != base
    assert nano().to(torch.bfloat16).fingerprint() != base
    other = nano()
    with torch.no_grad():
        next(other.parameters())[..., 0] += 1
    assert other.fingerprint() != base


def test_loading_says_nothing_and_settings_are_put_back(tmp_path, capfd):
    import transformers

    config = transformers.Dinov2Config(**BASE, image_size=32)
    save_encoder(tmp_path, transformers.Dinov2ForImageClassification(config))
    capfd.readouterr()
    level = transformers.logging.get_verbosity()
    has_bars = transformers.logging.is_progress_bar_enabled()
    load_backbone(tmp_path)
    assert capfd.readouterr() == ("", "")
    assert transformers.logging.get_verbosity() == level
    assert transformers.logging.is_progress_bar_enabled() == has_bars
