"""Compiled `flex_attention` on CUDA beside what computes the same without a compiler."""

from dataclasses import replace

import pytest
import torch

from tests.conftest import make_tiny_model
from vidmem.nn.frame_attention import attend_frames, resolve_frame_backend
from vidmem.nn.frames import FrameLayout
from vidmem.nn.memory import MemoryAttention, MemoryQueue
from vidmem.nn.swin import WindowAttention

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.filterwarnings("default"),  # what the compilers for GPUs advise is no failure
]

DEVICE = torch.device("cuda")
LAYOUT = FrameLayout(
    num_frames=24, tokens_per_frame=30, local_frame_range=4, num_lookback_heads=2, num_heads=3
)


@pytest.fixture(autouse=True, scope="module")
def forget_compilations():
    """What is compiled here must not count against the limit of other tests."""
    yield
    torch.compiler.reset()


def make_qkv(layout):
    torch.manual_seed(0)
    shape = (2, layout.num_heads, layout.length, 32)
    return [torch.randn(shape, device=DEVICE, dtype=torch.bfloat16) for _ in range(3)]


def make_bias():
    torch.manual_seed(1)
    return torch.randn(3, 5, device=DEVICE)


def output_and_gradients(layout, qkv, bias, backend, dtype):
    """What attention gives at the frames that are not padding, and the gradients of its inputs."""
    inputs = [x.detach().to(dtype).requires_grad_() for x in qkv]
    learned = None if bias is None else bias.detach().clone().requires_grad_()
    out = attend_frames(*inputs, layout, offset_bias=learned, backend=backend)
    weights = torch.linspace(-1, 1, out.shape[-1], device=DEVICE).bfloat16().float()
    (out.float() * weights).sum().backward()
    gradients = (
        [x.grad for x in inputs] if learned is None else [x.grad for x in [*inputs, learned]]
    )
    return [out.detach(), *gradients]


def assert_close_in_bf16(got, want):
    """Close on the scale of the largest: sums of many terms cancel, their roundings do not."""
    for mine, reference in zip(got, want, strict=True):
        scale = reference.abs().max().item()
        torch.testing.assert_close(mine.float(), reference, rtol=0.02, atol=0.02 * scale)


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize(
    "layout",
    [
        LAYOUT,
        replace(LAYOUT, context_scope="local"),
        replace(LAYOUT, has_context_frames=False),
        replace(LAYOUT, num_frames=9).padded_to(24),
        replace(LAYOUT, num_frames=1),  # fewer than 128 queries: another kernel of torch
    ],
    ids=["global", "local", "no context", "padded", "short"],
)
def test_flex_and_its_gradients_equal_dense(layout, has_bias):
    qkv, bias = make_qkv(layout), make_bias() if has_bias else None
    want = output_and_gradients(layout, qkv, bias, "dense", torch.float32)
    got = output_and_gradients(layout, qkv, bias, "flex", torch.bfloat16)
    assert resolve_frame_backend(DEVICE)[0] == "flex"
    assert_close_in_bf16(got, want)


@pytest.mark.parametrize("has_bias", [False, True])
def test_a_range_that_moves_and_a_window_that_fills_compile_nothing(has_bias):
    qkv, bias = make_qkv(LAYOUT), make_bias() if has_bias else None
    output_and_gradients(LAYOUT, qkv, bias, "flex", torch.bfloat16)
    with torch.compiler.set_stance("fail_on_recompile"):
        for num_frames, reach in ((24, 0), (24, 23), (3, 1), (10, 4), (24, 4)):
            layout = replace(LAYOUT, num_frames=num_frames, local_frame_range=reach)
            layout = layout.padded_to(LAYOUT.num_frames)
            got = output_and_gradients(layout, qkv, bias, "flex", torch.bfloat16)
            want = output_and_gradients(layout, qkv, bias, "dense", torch.float32)
            assert_close_in_bf16(got, want)


@pytest.mark.parametrize("shift", [(0, 0, 0), (1, 2, 2)])
def test_windows_by_flex_equal_those_by_boxes(shift):
    torch.manual_seed(0)
    attention = WindowAttention(48, 3, (2, 4, 4), shift).to(DEVICE)
    torch.nn.init.normal_(attention.relative_position_bias_table)
    tokens = torch.randn(2, 3 * 9 * 7, 48, device=DEVICE)  # no axis fits its windows
    results = []
    for is_flex in (False, True):
        attention.is_flex = is_flex
        attention.zero_grad()
        out = attention(tokens, (3, 9, 7))
        out.square().sum().backward()
        results.append([out.detach(), *(p.grad for p in attention.parameters())])
    for got, want in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-3)


def test_memory_by_flex_equals_memory_under_a_mask():
    torch.manual_seed(0)
    attention = MemoryAttention(48, 3).to(DEVICE)
    torch.nn.init.ones_(attention.gate)
    queue = MemoryQueue.empty(2, 3, (5, 48), like=torch.zeros(1, device=DEVICE))
    for clip, is_write in ((0, [True, True]), (1, [True, False])):
        queue = queue.push(
            torch.randn(2, 5, 48, device=DEVICE),
            torch.tensor([clip, clip], device=DEVICE),
            torch.zeros(2, 2, device=DEVICE),
            torch.tensor(is_write, device=DEVICE),
        )
    tokens = torch.randn(2, 150, 48, device=DEVICE)
    results = []
    for is_flex in (False, True):
        attention.is_flex = is_flex
        attention.zero_grad()
        clip_index = torch.tensor([2, 2], device=DEVICE)
        out = attention(tokens, attention.keys_values(queue, clip_index, is_projected=False))
        out.square().sum().backward()
        results.append([out.detach(), *(p.grad for p in attention.parameters())])
    for got, want in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_a_stream_of_fam_swin_by_flex_equals_its_sdpa_path():
    model = make_tiny_model().to(DEVICE)
    torch.manual_seed(0)
    clips = torch.randn(6, 2, 8, 3, 64, 64, device=DEVICE)  # more than it remembers
    logits = []
    for is_flex in (False, True):
        model.use_flex(is_flex)
        state, outputs = model.init_state(2), []
        for clip in clips:
            output = model.step(clip, state)
            state = output.state
            outputs.append(output.logits)
        logits.append(torch.stack(outputs))
    torch.testing.assert_close(logits[1], logits[0], rtol=1e-3, atol=1e-3)
