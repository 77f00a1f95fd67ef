"""Frame attention through compiled `flex_attention`: threads, and sequences of one shape."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
import torch

from tests.nn.test_frame_attention import make_inputs, make_layout
from vidmem.nn.frame_attention import attend_frames
from vidmem.nn.temporal import TemporalBlock

CPP = pytest.mark.skipif(not shutil.which("g++"), reason="needs g++ to compile")


@pytest.fixture(autouse=True, scope="module")
def forget_compilations():
    """What is compiled here must not count against the limit of other tests."""
    yield
    torch.compiler.reset()


@pytest.mark.usefixtures("flex_as_graph")
@torch.no_grad()
def test_threads_do_not_disturb_each_other():
    layouts = [make_layout(num_frames=60, local_frame_range=reach) for reach in (1, 7)]
    biases = [torch.randn(3, 3), torch.randn(3, 3)]
    inputs = make_inputs(layouts[0], width=16)
    barrier = Barrier(2)

    def attend(layout, bias, backend):
        return attend_frames(*inputs, layout, offset_bias=bias, backend=backend)

    @torch.no_grad()  # holds in one thread only
    def attend_often(layout, bias):
        results = []
        for _ in range(30):
            barrier.wait()
            results.append(attend(layout, bias, "flex"))
        return results

    attend(layouts[0], biases[0], "flex")  # compiled before the threads start
    with ThreadPoolExecutor(2) as pool:
        of_threads = list(pool.map(attend_often, layouts, biases))
    for layout, bias, results in zip(layouts, biases, of_threads, strict=True):
        want = attend(layout, bias, "dense")
        for got in results:
            torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("flex_as_graph")
@torch.no_grad()
def test_another_layer_or_call_or_range_compiles_nothing():
    layout = make_layout(num_frames=60)
    inputs = make_inputs(layout, width=16)
    layers = [torch.nn.Parameter(torch.randn(3, 3)) for _ in range(3)]
    attend_frames(*inputs, layout, offset_bias=layers[0], backend="flex")
    with torch.compiler.set_stance("fail_on_recompile"):
        for reach, bias in zip((1, 5, 0, 59), (*layers, layers[0]), strict=True):
            moved = layout.with_range(reach)
            got = attend_frames(*inputs, moved, offset_bias=bias, backend="flex")
            want = attend_frames(*inputs, moved, offset_bias=bias, backend="dense")
            torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(
    ("scope", "has_context_frames", "has_bias"),
    [("global", True, True), ("local", True, False), ("global", False, True)],
)
@pytest.mark.usefixtures("flex_as_graph")
def test_a_window_that_fills_compiles_nothing(scope, has_context_frames, has_bias):
    fill_a_window(scope, has_context_frames, has_bias)


@pytest.mark.slow
@CPP
@torch.no_grad()
def test_a_window_that_fills_is_right_in_cpp():
    fill_a_window("global", has_context_frames=True, has_bias=False)


def fill_a_window(scope, has_context_frames, has_bias):
    full = make_layout(
        num_frames=9,
        tokens_per_frame=40,
        context_scope=scope,
        has_context_frames=has_context_frames,
    )
    inputs = make_inputs(full, width=16)
    bias = torch.randn(3, 3) if has_bias else None
    attend_frames(*inputs, full, offset_bias=bias, backend="flex")
    with torch.compiler.set_stance("fail_on_recompile"):
        for num_frames, reach in ((3, 1), (5, 1), (9, 1), (5, 4)):
            layout = replace(full, num_frames=num_frames, local_frame_range=reach)
            there = [x[:, :, : layout.length] for x in inputs]
            want = attend_frames(*there, layout, offset_bias=bias, backend="dense")
            padded = layout.padded_to(9)
            got = attend_frames(*inputs, padded, offset_bias=bias, backend="flex")
            torch.testing.assert_close(got[:, :, : layout.length], want, rtol=1e-5, atol=1e-5)
            assert not got[:, :, layout.length :].any()


@pytest.mark.usefixtures("flex_as_graph")
@torch.no_grad()
def test_padding_stays_finite_through_blocks():
    torch.manual_seed(0)
    layout = make_layout(num_frames=3, tokens_per_frame=40)
    padded = layout.padded_to(9)
    tokens = torch.zeros(2, padded.length, 48)
    tokens[:, : layout.length].normal_()
    blocks = [TemporalBlock(48, 3, num_offsets=2).eval() for _ in range(3)]
    got, want = tokens, tokens[:, : layout.length]
    for block in blocks:
        got, want = block(got, padded, "flex"), block(want, layout, "dense")
    assert got.isfinite().all()
    torch.testing.assert_close(got[:, : layout.length], want, rtol=1e-4, atol=1e-4)


def test_masks_made_for_inference_serve_training():
    from vidmem.nn.flex import _frame_mask

    layout = make_layout(num_frames=11, local_frame_range=6)
    with torch.inference_mode():
        mask = _frame_mask(layout, torch.device("cpu"))
    assert mask is _frame_mask(layout, torch.device("cpu"))
    tensors = (mask.num_frames, mask.block_mask.kv_indices, mask.block_mask.q_indices)
    assert not any(x.is_inference() for x in tensors)
