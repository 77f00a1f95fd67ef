import shutil

import pytest
import torch

from vidmem.errors import AttentionError
from vidmem.nn.memory import MemoryAttention, MemoryQueue
from vidmem.nn.swin import WindowAttention

CPP = pytest.mark.skipif(not shutil.which("g++"), reason="needs g++ to compile")


@pytest.mark.slow
@CPP
def test_windows_in_cpp_equal_those_by_boxes():
    compare_windows((1, 2, 2))


@pytest.mark.usefixtures("flex_as_graph")
@pytest.mark.parametrize("shift", [(0, 0, 0), (1, 2, 2)])
def test_windows_by_flex_equal_those_by_boxes(shift):
    compare_windows(shift)


@torch.no_grad()
def compare_windows(shift):
    torch.manual_seed(0)
    attention = WindowAttention(48, 3, (2, 4, 4), shift)
    torch.nn.init.normal_(attention.relative_position_bias_table)
    tokens = torch.randn(2, 3 * 9 * 7, 48)  # no axis fits its windows
    want = attention(tokens, (3, 9, 7))
    attention.is_flex = True
    torch.testing.assert_close(attention(tokens, (3, 9, 7)), want, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@CPP
@torch.no_grad()
def test_memory_by_flex_equals_memory_under_a_mask():
    torch.manual_seed(0)
    attention = MemoryAttention(48, 3)
    torch.nn.init.ones_(attention.gate)
    queue = MemoryQueue.empty(2, 3, (5, 48), like=torch.zeros(1))
    for clip, is_write in ((0, [True, True]), (1, [True, False])):
        queue = queue.push(
            torch.randn(2, 5, 48),
            torch.tensor([clip, clip]),
            torch.zeros(2, 2),
            torch.tensor(is_write),
        )
    memory = attention.keys_values(queue, torch.tensor([2, 2]), is_projected=False)
    tokens = torch.randn(2, 150, 48)
    want = attention(tokens, memory)
    attention.is_flex = True
    torch.testing.assert_close(attention(tokens, memory), want, rtol=1e-4, atol=1e-5)


def test_trouble_of_the_compiler_is_said(monkeypatch):
    # Not with this file, which others collect and do not run: torch's compiler is large.
    from torch._dynamo.exc import FailOnRecompileLimitHit
    from torch._inductor.exc import InductorError

    from vidmem.nn import flex

    attention = WindowAttention(32, 2, (2, 2, 2), (0, 0, 0))
    attention.is_flex = True
    for error, told in (
        (InductorError(RuntimeError("no g++"), None), "needs a C.. compiler"),
        (FailOnRecompileLimitHit("too many"), "again and again"),
    ):

        def fail(*inputs, error=error, **options):
            raise error

        monkeypatch.setattr(flex, "_compiled", lambda fail=fail: fail)
        with torch.no_grad(), pytest.raises(AttentionError, match=f"{told}.*use the sdpa backend"):
            attention(torch.randn(1, 8 * 11, 32), (2, 4, 11))
