"""Pixels to clips."""

from __future__ import annotations

import pytest
import torch

from vidmem.video import decode_size, to_clip

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def make_pixels(height: int = 5, width: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (3, height, width, 3), dtype=torch.uint8, generator=generator)


def test_a_clip_is_its_definition() -> None:
    pixels = make_pixels()
    clip = to_clip(pixels, mean=MEAN, std=STD)
    assert clip.shape == (1, 3, 3, 5, 7)
    assert clip.is_contiguous()
    for colour in range(3):
        expected = (pixels[..., colour] / 255 - MEAN[colour]) / STD[colour]
        torch.testing.assert_close(clip[0, :, colour], expected)


def test_the_middle_is_cut_out() -> None:
    pixels = make_pixels(6, 9)
    cropped = to_clip(pixels, mean=MEAN, std=STD, crop=(4, 5))
    assert torch.equal(cropped, to_clip(pixels[:, 1:5, 2:7], mean=MEAN, std=STD))


def test_in_a_letterbox_all_of_the_picture_is_there_and_around_it_exactly_0() -> None:
    pixels = make_pixels(4, 7)
    for dtype in (torch.float32, torch.bfloat16):
        framed = to_clip(pixels, mean=MEAN, std=STD, letterbox=(9, 8), dtype=dtype)
        assert framed.shape == (1, 3, 3, 9, 8)
        inner = to_clip(pixels, mean=MEAN, std=STD, dtype=dtype)
        assert torch.equal(framed[..., 3:7, 1:8], inner)  # the odd pixel is above and on the left
        framed[..., 3:7, 1:8] = 0
        assert not framed.any()


def test_a_picture_of_the_size_of_its_letterbox_has_no_bars() -> None:
    pixels = make_pixels()
    framed = to_clip(pixels, mean=MEAN, std=STD, letterbox=(5, 7))
    assert torch.equal(framed, to_clip(pixels, mean=MEAN, std=STD))
    with pytest.raises(ValueError, match="fit into a letterbox of 4 x 7 pixels, got 5 x 7"):
        to_clip(pixels, mean=MEAN, std=STD, letterbox=(4, 7))


def test_half_precision_is_rounded_once() -> None:
    pixels = make_pixels()
    half = to_clip(pixels, mean=MEAN, std=STD, dtype=torch.bfloat16)
    assert torch.equal(half, to_clip(pixels, mean=MEAN, std=STD).to(torch.bfloat16))


def test_pixels_stay_as_they_are() -> None:
    pixels = make_pixels()
    before = pixels.clone()
    to_clip(pixels, mean=MEAN, std=STD, crop=(4, 4))
    assert torch.equal(pixels, before)


def test_wrong_pixels_are_refused() -> None:
    for pixels in (make_pixels().float(), make_pixels()[0], make_pixels().permute(0, 3, 1, 2)):
        with pytest.raises(ValueError, match=r"uint8 \[T, H, W, 3\]"):
            to_clip(pixels, mean=MEAN, std=STD)
    with pytest.raises(ValueError, match="crop must fit into 5 x 7 pixels, got 8 x 4"):
        to_clip(make_pixels(), mean=MEAN, std=STD, crop=(8, 4))


def test_the_size_to_decode_at() -> None:
    model = {"frame_width": 224, "frame_height": 112}
    assert decode_size(1920, 1080, **model, resize="squash") == (224, 112)
    assert decode_size(1920, 1080, **model, resize="crop") == (224, 126)
    assert decode_size(1080, 1920, **model, resize="crop") == (224, 398)
    assert decode_size(1000, 100, **model, resize="crop") == (1120, 112)
    assert decode_size(10, 10, **model, resize="crop") == (224, 224)
    assert decode_size(1920, 1080, **model, resize="letterbox") == (199, 112)
    assert decode_size(1080, 1920, **model, resize="letterbox") == (63, 112)
    assert decode_size(10, 10, **model, resize="letterbox") == (112, 112)
    assert decode_size(3000, 2, **model, resize="letterbox") == (224, 1)
    with pytest.raises(ValueError, match='"squash", "crop" or "letterbox"'):
        decode_size(10, 10, **model, resize="fit")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_it_is_the_same_and_nobody_waits_for_the_copy() -> None:
    pixels, how = make_pixels(), {"mean": MEAN, "std": STD, "device": "cuda"}
    to_clip(pixels, **how)  # what is kept on the device is made
    torch.cuda.set_sync_debug_mode("error")
    try:
        clip = to_clip(pixels, **how)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(clip.cpu(), to_clip(pixels, mean=MEAN, std=STD))
