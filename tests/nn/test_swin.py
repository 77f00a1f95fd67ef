import copy
import threading

import pytest
import torch

from vidmem.nn import swin
from vidmem.nn.attention_windows import runs_of, window_plan
from vidmem.nn.swin import Grid, SwinBlock, SwinStage, WindowAttention

SIZE = (3, 5, 4)


def make_attention():
    torch.manual_seed(3)
    return WindowAttention(dim=8, num_heads=2, attention_window=(2, 3, 3), shift=(1, 1, 1))


def make_tokens(dtype=torch.float32):
    torch.manual_seed(4)
    return torch.randn(2, 60, 8).to(dtype)


def halve_in_place(attention):
    with torch.no_grad():
        attention.relative_position_bias_table.mul_(0.5)


def set_through_data(attention):
    attention.relative_position_bias_table.data.normal_(std=3)


def set_in_inference_mode(attention):
    with torch.inference_mode():
        attention.relative_position_bias_table.normal_(std=3)


def load_other_weights(attention):
    state = {key: value + 1 for key, value in attention.state_dict().items()}
    table = "relative_position_bias_table"
    attention.load_state_dict({**state, table: 3 * torch.randn_like(state[table])})


def assign_other_weights(attention):
    state = {key: torch.randn_like(value) for key, value in attention.state_dict().items()}
    attention.load_state_dict(state, assign=True)


def optimise(attention, *, fused):
    optimizer = torch.optim.AdamW(attention.parameters(), lr=1.0, fused=fused)
    attention(make_tokens(), SIZE).square().sum().backward()
    optimizer.step()


def step_the_plain_optimiser(attention):
    optimise(attention, fused=False)


def step_the_fused_optimiser(attention):
    optimise(attention, fused=True)


def go_to_bf16_and_back(attention):
    attention.bfloat16().float()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(
    "change",
    [
        halve_in_place,
        set_through_data,
        set_in_inference_mode,
        load_other_weights,
        assign_other_weights,
        step_the_plain_optimiser,
        step_the_fused_optimiser,
        go_to_bf16_and_back,
    ],
)
def test_inference_uses_the_bias_that_the_table_holds_now(change, mode):
    attention, tokens = make_attention(), make_tokens()
    with mode():
        before = attention(tokens, SIZE)
    change(attention)
    with mode():
        got = attention(tokens, SIZE)
        assert not torch.equal(got, before)
        fresh = make_attention()
        fresh.load_state_dict(attention.state_dict())
        assert torch.equal(got, fresh(tokens, SIZE))


def test_biases_are_gathered_once_while_the_table_stays():
    attention, tokens = make_attention(), make_tokens()
    gathered = []
    gather = attention._bias
    attention._bias = lambda group: gathered.append(group) or gather(group)
    with torch.no_grad():
        attention(tokens, SIZE)
        num_groups = len(gathered)
        attention(tokens, SIZE)
    assert num_groups == len(gathered) > 1


def test_biases_of_many_sizes_are_not_all_kept():
    attention = make_attention()
    with torch.no_grad():
        for height in range(4, 20):
            attention(torch.randn(1, 3 * height * 4, 8), (3, height, 4))
    assert len(attention._kept_biases.by_plan) <= 5


@pytest.mark.parametrize("is_frozen", [False, True])
def test_what_inference_left_behind_serves_training(is_frozen):
    window_plan.cache_clear()
    attention, tokens = make_attention(), make_tokens()
    attention.relative_position_bias_table.requires_grad_(not is_frozen)
    with torch.inference_mode():
        want = attention(tokens, SIZE)
    got = attention(tokens.requires_grad_(), SIZE)
    got.sum().backward()
    torch.testing.assert_close(got, want)
    assert tokens.grad is not None


def test_a_module_made_in_inference_mode_runs():
    window_plan.cache_clear()
    with torch.inference_mode():
        attention = make_attention()
        attention(make_tokens(), SIZE)
        assert attention(make_tokens(), SIZE).shape == (2, 60, 8)


def test_a_copy_is_independent():
    attention, tokens = make_attention(), make_tokens()
    with torch.no_grad():
        want = attention(tokens, SIZE)
        other = copy.deepcopy(attention)
        set_through_data(other)
        assert not torch.equal(other(tokens, SIZE), want)
        assert torch.equal(attention(tokens, SIZE), want)


def test_threads_share_one_module():
    attention, tokens = make_attention(), make_tokens()
    results = []

    def run():
        with torch.no_grad():
            for height in (5, 4, 5, 6, 7, 8, 9, 5):
                attention(torch.zeros(1, 3 * height * 4, 8), (3, height, 4))
            results.append(attention(tokens, SIZE))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(torch.equal(result, results[0]) for result in results)


@torch.no_grad()
def test_memory_is_read_between_window_attention_and_mlp():
    torch.manual_seed(5)
    block, tokens = SwinBlock(8, 2, (2, 3, 3), (1, 1, 1)), make_tokens()
    read = torch.nn.Linear(8, 8)
    got = block(Grid(tokens, SIZE), read).tokens
    x = tokens + block.attention(block.norm1(tokens), SIZE)
    x = x + read(x)
    torch.testing.assert_close(got, x + block.mlp(block.norm2(x)))


@torch.no_grad()
def test_only_the_last_block_of_a_stage_reads_memory():
    torch.manual_seed(6)
    stage, grid = SwinStage(8, 3, 2, (2, 3, 3)), Grid(make_tokens(), SIZE)
    seen = []
    trunk = stage.forward_trunk(grid)
    whole = stage.forward_last(trunk, lambda tokens: seen.append(tokens) or 0 * tokens)
    assert len(seen) == 1
    torch.testing.assert_close(whole.tokens, stage(grid).tokens)
    assert torch.equal(trunk.tokens, stage.blocks[1](stage.blocks[0](grid)).tokens)


@pytest.mark.parametrize("cached_bytes", [1, 3000, 8 << 20])
@pytest.mark.parametrize("size", [(3, 5, 4), (4, 6, 6)], ids=["padded", "fits"])
@pytest.mark.parametrize("shift", [(0, 0, 0), (1, 1, 1)])
@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_block_run_by_run_equals_the_block_at_once(
    cached_bytes, size, shift, batch_size, monkeypatch
):
    monkeypatch.setattr(swin, "CACHED_BYTES", cached_bytes)
    torch.manual_seed(7)
    block, read = SwinBlock(8, 2, (2, 3, 3), shift), torch.nn.Linear(8, 8)
    tokens = torch.randn(batch_size, size[0] * size[1] * size[2], 8)
    kept = tokens.clone()
    want = block(Grid(tokens, size), read).tokens  # with gradients nothing is done in place
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            got = block(Grid(tokens, size), read).tokens
        torch.testing.assert_close(got, want.detach(), rtol=1e-5, atol=1e-5)
    assert torch.equal(tokens, kept)


@pytest.mark.parametrize("max_tokens", [1, 17, 60, 10_000])
@pytest.mark.parametrize("shift", [(0, 0, 0), (1, 1, 1)])
def test_runs_are_all_boxes_in_order_and_no_longer_than_asked(max_tokens, shift):
    plan = window_plan((4, 6, 6), (2, 3, 3), shift, torch.device("cpu"))
    stop, boxes = 0, [0] * len(plan.groups)
    for run in runs_of(plan, max_tokens):
        lengths = [group.num_boxes * group.tokens_per_box for _, group in run.parts]
        assert (run.start, run.stop) == (stop, stop + sum(lengths))
        assert sum(lengths) <= max_tokens or [g.num_boxes for _, g in run.parts] == [1]
        stop = run.stop
        for number, group in run.parts:
            boxes[number] += group.num_boxes
    assert stop == plan.order.numel()
    assert boxes == [group.num_boxes for group in plan.groups]
