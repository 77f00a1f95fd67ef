"""The compiled step beside the plain one."""

from __future__ import annotations

import shutil

import pytest
import torch

import vidmem
from vidmem.errors import AttentionError, SettingError
from vidmem.models import FamSwin, FamSwinConfig
from vidmem.models.fam_swin.config import MemoryConfig
from vidmem.nn.capture import capture

CONFIG = FamSwinConfig(
    embed_dim=8,
    depths=(1, 1, 1, 1),
    num_heads=(1, 1, 2, 2),
    attention_window=(2, 16, 16),
    num_classes=3,
    memory=MemoryConfig(l_mem=2, tokens_per_clip=16, stages=(4,)),
)


@pytest.fixture
def compiled():
    """The module; not imported with this file, which others collect and do not run."""
    from vidmem.models.fam_swin import compiled

    return compiled


def make_model():
    torch.manual_seed(0)
    model = FamSwin(CONFIG).eval()
    model.memory_attention(4).gate.data.fill_(0.7)
    return model


ONE_FILE = {"cpp_wrapper": True, "aot_inductor.debug_compile": True}
"""The same kernels in one file of C++ instead of 33, and not optimised: it takes half as long."""

NEEDS_CPP = pytest.mark.skipif(not shutil.which("g++"), reason="needs g++ to compile")
TO_CPP = pytest.param("inductor", marks=[pytest.mark.slow, NEEDS_CPP])


@pytest.mark.parametrize("backend", ["eager", TO_CPP])
@torch.no_grad()
def test_compiled_equals_plain_and_nothing_is_compiled_again_while_a_memory_fills(
    backend, compiled, monkeypatch
):
    """`eager` makes one graph of the step and runs it as it is; `inductor` makes C++ of it."""
    torch.compiler.reset()
    options = ONE_FILE if backend == "inductor" else None
    run = torch.compile(
        compiled._step, dynamic=False, fullgraph=True, backend=backend, options=options
    )
    monkeypatch.setattr(compiled, "_compiled", lambda is_graph: run)
    model, clips = make_model(), torch.randn(4, 2, 4, 3, 64, 64)
    plain, fast = model.init_state(2), model.init_state(2)
    for number, clip in enumerate(clips):
        seconds = torch.tensor([[number, number + 1.0]] * 2)
        model.use_compiled(False)
        want = model.step(clip, plain, seconds)
        model.use_compiled(True)
        with torch.compiler.set_stance("fail_on_recompile" if number else "default"):
            got = model.step(clip, fast, seconds)
        torch.testing.assert_close(got.logits, want.logits, rtol=1e-4, atol=1e-5)
        for name, tensor in want.state.to_tensors().items():
            torch.testing.assert_close(
                got.state.to_tensors()[name], tensor, rtol=1e-4, atol=1e-5, check_stride=False
            )
        plain, fast = want.state, got.state
        assert fast.num_remembered.tolist() == [min(number + 1, 2)] * 2
    torch.compiler.reset()


@pytest.mark.slow
@NEEDS_CPP
@torch.no_grad()
def test_what_the_package_asks_of_the_compiler_is_made_and_equals_plain(compiled, monkeypatch):
    """As a user has it made: a file for each kernel, optimised. Of the first layer alone."""

    def first_layer(model, clip, state, seconds):
        return model.patch_embedding(clip).tokens

    torch.compiler.reset()
    monkeypatch.setattr(compiled, "_step", first_layer)
    made = compiled._compiled.__wrapped__(is_graph=False)
    inputs = make_model(), torch.randn(2, 4, 3, 64, 64), None, None
    torch.testing.assert_close(made(*inputs), first_layer(*inputs), rtol=1e-4, atol=1e-5)
    torch.compiler.reset()


def test_gradients_and_whoever_looks_inside_get_the_plain_step(compiled, monkeypatch):
    monkeypatch.setattr(compiled, "compiled_step", None)
    model = make_model()
    model.use_compiled(True)
    clip, state = torch.randn(1, 4, 3, 64, 64), model.init_state(1)
    assert model.step(clip, state).logits.requires_grad
    with torch.no_grad(), capture() as seen:
        model.step(clip, state)
    assert seen.memory_reads
    with torch.no_grad(), pytest.raises(TypeError):
        model.step(clip, state)


@torch.no_grad()
def test_trouble_of_the_compiler_is_said(compiled, monkeypatch):
    from torch._dynamo.exc import FailOnRecompileLimitHit
    from torch._inductor.exc import InductorError

    model = make_model()
    model.use_compiled(True)
    for error, told in (
        (InductorError(RuntimeError("no g++"), None), "needs a C.. compiler"),
        (FailOnRecompileLimitHit("too many"), "again and again"),
    ):

        def fail(*inputs, error=error):
            raise error

        monkeypatch.setattr(compiled, "_compiled", lambda is_graph, fail=fail: fail)
        with pytest.raises(AttentionError, match=f"{told}.*without --compile"):
            model.step(torch.randn(1, 4, 3, 64, 64), model.init_state(1))


@pytest.mark.slow
def test_only_a_fam_swin_is_compiled():
    model = vidmem.load("fam-swin-nano", device="cpu", compile=True)
    assert model.is_compiled
    assert not vidmem.load("fam-swin-nano", device="cpu").is_compiled
    with pytest.raises(SettingError, match="only FAM Swin can be compiled"):
        vidmem.load("spool-nano", device="cpu", compile=True)


@pytest.mark.gpu
@pytest.mark.filterwarnings("default")  # what the compilers for GPUs advise is no failure
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@torch.no_grad()
def test_a_cuda_graph_equals_the_plain_step_and_states_outlive_its_next_run():
    torch.compiler.reset()
    model = make_model().cuda()
    clips = torch.randn(6, 2, 4, 3, 64, 64, device="cuda")
    plain, fast, kept = model.init_state(2), model.init_state(2), []
    for clip in clips:
        model.use_compiled(False)
        want = model.step(clip, plain)
        model.use_compiled(True)
        got = model.step(clip, fast)
        torch.testing.assert_close(got.logits, want.logits, rtol=1e-3, atol=1e-3)
        plain, fast = want.state, got.state
        kept.append((got.logits, want.logits))
    for got, want in kept:
        torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-3)
    torch.compiler.reset()
