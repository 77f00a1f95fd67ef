from dataclasses import replace

import pytest
import torch

from tests.models.features.tiny import (
    make_clips,
    tiny_backbone,
    tiny_config,
    tiny_encoder,
)
from vidmem.errors import CheckpointError
from vidmem.models import Backbone, FeatureEncoder
from vidmem.models.features import encoder as encoding


@pytest.mark.parametrize(("num_frames", "num_groups"), [(6, 3), (5, 3), (1, 1)])
def test_each_group_gives_a_feature_frame(num_frames, num_groups):
    encoder = tiny_encoder()
    features = encoder(make_clips(2, num_frames))
    assert features.shape == (2, num_groups, 4, encoder.feature_dim)
    assert features.dtype == torch.float32
    assert encoder.token_grid(32, 32) == (2, 2)


@pytest.mark.parametrize("every", [2, 3])
def test_a_group_that_is_cut_short_is_as_if_its_last_frame_were_repeated(every):
    """What is taught, a Spool's stream and a FAM Swin's all see the end of a video alike."""
    encoder, clips = tiny_encoder(encode_every=every), make_clips(2, every + 1)
    raw = encoder.raw(clips)
    repeated = encoder.raw(torch.cat([clips, *[clips[:, -1:]] * (every - 1)], 1))
    torch.testing.assert_close(raw.tokens, repeated.tokens)
    torch.testing.assert_close(raw.cell_motion, repeated.cell_motion)
    torch.testing.assert_close(raw.frame_motion, repeated.frame_motion)


@pytest.mark.parametrize("has_motion", [True, False])
def test_stilled_features_are_those_of_a_picture_repeated(has_motion):
    encoder, clips = tiny_encoder(has_motion=has_motion), make_clips(2, 4)
    repeated = encoder(torch.cat([clips, *[clips[:, -1:]] * 2], 1))
    stilled = encoder.reduction.stilled(encoder(clips)[:, -1])
    torch.testing.assert_close(stilled, repeated[:, -1], rtol=1e-4, atol=1e-4)


def test_a_clip_in_pieces_gives_the_same_as_the_whole():
    encoder, clips = tiny_encoder(encode_every=3), make_clips(2, 11)
    whole = encoder(clips)
    pieces = torch.cat([encoder(clips[:, start : start + 3]) for start in (0, 3, 6, 9)], 1)
    torch.testing.assert_close(pieces, whole, rtol=1e-4, atol=1e-4)


def test_rows_of_a_batch_are_independent():
    encoder, clips = tiny_encoder(), make_clips(3)
    together = encoder.encode(clips)
    for row in range(3):
        alone = encoder.encode(clips[row : row + 1])
        torch.testing.assert_close(together.values[row], alone.values[0], rtol=1e-4, atol=1e-4)
        assert float(together.unlikeness[row]) == pytest.approx(float(alone.unlikeness), rel=1e-3)


def test_it_is_never_taught():
    encoder = tiny_encoder()
    encoder.train()
    assert not encoder.training and not encoder.backbone.encoder.training
    assert not encoder(make_clips().requires_grad_()).requires_grad
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_in_bfloat16_features_stay_near():
    encoder, clips = tiny_encoder(), make_clips()
    want = encoder(clips)
    got = encoder.to(torch.bfloat16)(clips.bfloat16())
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, want, rtol=0.1, atol=0.2)


def test_another_image_encoder_is_refused():
    backbone = tiny_backbone()
    config = tiny_config(backbone_sha256=backbone.fingerprint())
    FeatureEncoder(config, backbone)
    with torch.no_grad():
        next(backbone.encoder.parameters()).add_(1)
    with pytest.raises(CheckpointError, match="tiny is not the one that the model was taught on"):
        FeatureEncoder(config, backbone)
    with pytest.raises(CheckpointError, match="gives 4 tokens per frame and the config says"):
        FeatureEncoder(tiny_config(tokens_per_frame=9), backbone)


def test_its_fingerprint_is_that_of_all_that_features_depend_on():
    one, again, other = tiny_encoder(), tiny_encoder(), tiny_encoder(encode_every=3)
    assert one.fingerprint() == again.fingerprint() != other.fingerprint()
    again.reduction.cell_mean.add_(1)
    assert one.fingerprint() != again.fingerprint()


def test_the_image_encoder_sees_whole_pictures_however_it_was_trained(monkeypatch):
    """An animal at the edge of the picture is seen, too; the weights are read once."""
    whole = tiny_backbone()
    pictures = replace(whole.preprocessing, resize="crop", frame_height=64)
    stored = Backbone(replace(whole.config, preprocessing=pictures), whole.encoder).eval()
    read = []

    def find(name, *, tokens_per_frame):
        read.append((name, tokens_per_frame))
        return stored

    monkeypatch.setattr(encoding, "load_backbone", find)
    backbone = encoding.load_feature_backbone(tiny_config())
    assert read == [("tiny", 4)]
    assert backbone.preprocessing == replace(pictures, resize="letterbox")
    assert not backbone.training
    clips = make_clips()
    assert torch.equal(backbone(clips), stored(clips))
