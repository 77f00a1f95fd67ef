import pytest
import torch


def test_wrong_shapes_are_named(tiny_model):
    with pytest.raises(ValueError, match=r"add the batch with clip\[None\]"):
        tiny_model.step(torch.zeros(8, 3, 64, 64), tiny_model.init_state(1))
    with pytest.raises(ValueError, match=r"\[B, N, T, 3, H, W\]"):
        tiny_model.forward_clips(torch.zeros(1, 8, 3, 64, 64))
    with pytest.raises(ValueError, match="1 streams and the state 2"):
        tiny_model.step(torch.zeros(1, 8, 3, 64, 64), tiny_model.init_state(2))


def test_pixels_that_were_never_normalised_are_refused(tiny_model):
    with pytest.raises(ValueError, match=r"got torch\.uint8; vidmem\.video\.to_clip"):
        tiny_model(torch.zeros(1, 8, 3, 64, 64, dtype=torch.uint8))
