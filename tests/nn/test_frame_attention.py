import itertools
import shutil

import pytest
import torch

from vidmem.errors import AttentionError, SettingError
from vidmem.nn import frame_attention
from vidmem.nn.frame_attention import attend_frames, attend_newest_frames, newest_frames
from vidmem.nn.frames import FrameLayout

needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="needs g++ to compile")


def make_layout(**changes):
    fields = {
        "num_frames": 5,
        "tokens_per_frame": 3,
        "local_frame_range": 1,
        "num_lookback_heads": 2,
        "num_heads": 3,
    }
    return FrameLayout(**(fields | changes))


def make_inputs(layout, batch=2, width=5, dtype=torch.float32):
    torch.manual_seed(0)
    shape = (batch, layout.num_heads, layout.length, width)
    return tuple(torch.randn(shape, dtype=dtype) for _ in range(3))


LAYOUTS = [
    make_layout(
        num_frames=frames,
        local_frame_range=reach,
        num_lookback_heads=back,
        context_scope=scope,
        has_context_frames=context,
    )
    for frames, reach, back, (scope, context) in itertools.product(
        (1, 2, 7), (0, 1, 3, 9), (0, 1, 3), (("global", True), ("local", True), ("global", False))
    )
]


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("copy_bytes", [1, 2000, 1 << 25])
def test_sdpa_equals_dense(has_bias, copy_bytes, monkeypatch):
    monkeypatch.setattr(frame_attention, "COPY_BYTES", copy_bytes)
    bias = torch.randn(3, 3) if has_bias else None
    for layout in LAYOUTS:
        inputs = make_inputs(layout)
        want = attend_frames(*inputs, layout, offset_bias=bias, backend="dense")
        got = attend_frames(*inputs, layout, offset_bias=bias, backend="sdpa")
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backend", ["sdpa", "dense"])
@pytest.mark.parametrize("num_newest", [1, 3, 8])
def test_the_newest_frames_attend_as_among_all(num_newest, backend):
    bias = torch.randn(3, 3)
    for layout in LAYOUTS[::3]:
        inputs = make_inputs(layout)
        got = attend_newest_frames(*inputs, layout, num_newest, offset_bias=bias, backend=backend)
        whole = attend_frames(*inputs, layout, offset_bias=bias, backend="dense")
        want = newest_frames(whole, layout, num_newest)
        assert want.shape[2] == layout.newest(num_newest).length
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_frames_with_padding_behind_them_cannot_be_cut():
    with pytest.raises(SettingError, match="cannot be cut to the newest"):
        make_layout().padded_to(9).newest(2)


@pytest.mark.parametrize("has_bias", [False, True])
def test_gradients_of_sdpa_equal_those_of_dense(has_bias):
    for layout in LAYOUTS[::5]:
        gradients = []
        for backend in ("sdpa", "dense"):
            bias = torch.ones(3, 3).requires_grad_() if has_bias else None
            inputs = [x.requires_grad_() for x in make_inputs(layout)]
            out = attend_frames(*inputs, layout, offset_bias=bias, backend=backend)
            (out * torch.arange(out.shape[-1])).sum().backward()
            learned = [*inputs, bias] if bias is not None else inputs
            gradients.append([x.grad for x in learned])
        for got, want in zip(*gradients, strict=True):
            torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


def test_bf16_stays_close_to_float32():
    layout = make_layout(num_frames=9, local_frame_range=2)
    inputs = make_inputs(layout, width=16)
    want = attend_frames(*inputs, layout, backend="dense")
    got = attend_frames(*(x.bfloat16() for x in inputs), layout, backend="sdpa")
    torch.testing.assert_close(got.float(), want, rtol=0.05, atol=0.05)


def test_a_batch_equals_its_rows():
    layout = make_layout()
    inputs = make_inputs(layout)
    both = attend_frames(*inputs, layout, backend="sdpa")
    each = [attend_frames(*(x[i : i + 1] for x in inputs), layout, backend="sdpa") for i in (0, 1)]
    torch.testing.assert_close(both, torch.cat(each))


@pytest.mark.slow
@needs_compiler
def test_flex_equals_dense():
    """Other widths and scopes, and heads without a bias: `test_a_window_that_fills_...`."""
    bias = torch.randn(3, 3)
    layout = make_layout(
        num_frames=40, tokens_per_frame=7, local_frame_range=4, context_scope="local"
    )
    inputs = make_inputs(layout, width=5)
    want = attend_frames(*inputs, layout, offset_bias=bias, backend="dense")
    with torch.no_grad():
        got = attend_frames(*inputs, layout, offset_bias=bias, backend="flex")
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_flex_without_gradients_says_what_to_use():
    layout = make_layout()
    inputs = [x.requires_grad_() for x in make_inputs(layout)]
    with pytest.raises(AttentionError, match="use the sdpa backend"):
        attend_frames(*inputs, layout, backend="flex")
    bias = torch.zeros(3, 2).requires_grad_()
    with pytest.raises(AttentionError, match="use the sdpa backend"):
        attend_frames(*make_inputs(layout), layout, offset_bias=bias, backend="flex")


@pytest.mark.parametrize("backend", ["sdpa", "dense"])
def test_padding_changes_nothing_and_comes_out_as_zeros(backend):
    for layout in LAYOUTS[::3]:
        padded = layout.padded_to(9)
        inputs = make_inputs(padded)
        there = [x[:, :, : layout.length] for x in inputs]
        got = attend_frames(*inputs, padded, backend=backend)
        want = attend_frames(*there, layout, backend=backend)
        torch.testing.assert_close(got[:, :, : layout.length], want)
        assert got.shape == inputs[0].shape
        assert not got[:, :, layout.length :].any()


def test_misuse_fails_clearly():
    layout = make_layout()
    inputs = make_inputs(layout)
    with pytest.raises(SettingError, match="flex, sdpa, dense"):
        attend_frames(*inputs, layout, backend="magic")
    with pytest.raises(ValueError, match=r"\[B, 3, 18, E\]"):
        attend_frames(*inputs, make_layout(num_frames=4), backend="sdpa")
    with pytest.raises(SettingError, match="from 0 to 3"):
        make_layout(num_lookback_heads=4)
    with pytest.raises(SettingError, match="at least 0 frames"):
        make_layout(local_frame_range=-1)
    with pytest.raises(SettingError, match="padded_frames must be at least 0"):
        make_layout(padded_frames=-1)
    with pytest.raises(SettingError, match="5 frames cannot be padded to 4"):
        make_layout().padded_to(4)
