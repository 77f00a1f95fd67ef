"""What really reaches an output, against what the mask says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vidmem.errors import SettingError
from vidmem.inspection import MaskIntent, grad_reach

TOKENS = 9
CAUSAL = MaskIntent(causal=True)


def make_x(*shape):
    return torch.randn(shape or (2, TOKENS, 4), generator=torch.Generator().manual_seed(3))


def causal(b, h, q_idx, kv_idx):
    return q_idx >= kv_idx


def attend(x, mask=None):
    mask = torch.ones(x.shape[1], x.shape[1]).tril().bool() if mask is None else mask
    return nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)


class Layers(nn.Module):
    """Windowed attention, some layers of it, with something beside each."""

    def __init__(self, layers=1, beside=None):
        super().__init__()
        self.layers, self.beside = layers, beside or nn.Identity()
        self.norm = nn.LayerNorm(4)
        places = torch.arange(TOKENS)
        back = places[:, None] - places[None]
        self.register_buffer("mask", (back >= 0) & (back <= 2))

    def forward(self, x):
        for _ in range(self.layers):
            x = x + self.beside(attend(self.norm(x), self.mask))
        return x


@pytest.mark.parametrize("mask", [CAUSAL, causal, torch.ones(TOKENS, TOKENS).tril().bool()])
def test_what_a_mask_allows_is_what_reaches(mask):
    report = grad_reach(attend, make_x(), mask)
    assert not report.findings, str(report)
    assert torch.equal(report.reaches, torch.ones(TOKENS, TOKENS).tril().bool())
    assert "Nothing goes around the mask." in str(report)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_window_widens_with_each_layer(layers):
    torch.manual_seed(0)
    report = grad_reach(Layers(layers), make_x(), MaskIntent(window=(2, 0)), layers=layers)
    assert not report.mistakes
    assert int(report.reaches[-1].sum()) == min(TOKENS, 2 * layers + 1)


def test_more_layers_than_were_said_are_a_way_around():
    torch.manual_seed(0)
    report = grad_reach(Layers(2), make_x(), MaskIntent(window=(2, 0)))
    assert "row 3 depends on key 0" in report.mistakes[0].words


def test_the_part_where_it_begins_is_named():
    torch.manual_seed(0)

    class Shift(nn.Module):
        def forward(self, x):
            return x.roll(-1, 1)

    report = grad_reach(Layers(beside=Shift()), make_x(), CAUSAL)
    assert "It is there first after `beside` (Shift)." in report.mistakes[0].words


def beside(add):
    return lambda x: attend(x) + add(x)


LEAKS = [
    (beside(lambda x: 0.01 * x.mean(1, keepdim=True)), "a statistic over tokens"),
    (beside(lambda x: x.roll(-2, 1) * (torch.arange(TOKENS) < 7)[:, None]), "always 2 ahead"),
    (beside(lambda x: x[:, -1:]), "always comes from key 8"),
    (lambda x: attend(x, torch.ones(TOKENS, TOKENS).bool()), "the mask is not applied"),
    (lambda x: attend(x).flip(1), "without a `transpose`"),
    (
        lambda x: torch.cat([attend(x)[:, :1] + x.mean(1, keepdim=True), attend(x)[:, 1:]], 1),
        "always goes to row 0",
    ),
]


@pytest.mark.parametrize(("model", "words"), LEAKS, ids=[words for _, words in LEAKS])
def test_a_way_around_is_named_by_what_it_looks_like(model, words):
    report = grad_reach(model, make_x(), CAUSAL)
    assert words in report.mistakes[0].words


def test_what_has_no_gradient_is_found_by_changing_a_token():
    def ranked(x):
        return attend(x) + (x.mean((1, 2), keepdim=True) > 0).float()

    def detached(x):
        return attend(x) + x.detach().mean(1, keepdim=True)

    assert grad_reach(detached, make_x(), CAUSAL).mistakes
    assert bool(grad_reach(ranked, 3 * make_x()).reaches.sum() >= TOKENS)


def test_whole_numbers_are_tokens_too():
    torch.manual_seed(0)
    embed = nn.Embedding(11, 4)
    ids = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5]])
    report = grad_reach(lambda x: attend(embed(x)), ids, causal)
    assert not report.mistakes
    assert torch.equal(report.reaches, torch.ones(TOKENS, TOKENS).tril().bool())


def test_what_a_large_number_leaves_of_a_weight_counts_as_masked():
    def swin(x):
        scores = x @ x.transpose(1, 2) - 100.0 * torch.ones(TOKENS, TOKENS).triu(1)
        return scores.softmax(-1) @ x

    def weak(x):
        scores = x @ x.transpose(1, 2) - 5.0 * torch.ones(TOKENS, TOKENS).triu(1)
        return scores.softmax(-1) @ x

    assert not grad_reach(swin, make_x(), CAUSAL).mistakes
    assert grad_reach(weak, make_x(), CAUSAL).mistakes


def test_what_is_allowed_and_does_not_arrive_is_a_note():
    report = grad_reach(lambda x: x * 1.0, make_x(), CAUSAL)
    (finding,) = report.findings
    assert not finding.is_mistake
    assert finding.words.startswith("row 1 may see key 0, but nothing of it arrives. 36 such pairs")


def test_a_report_is_drawn_with_the_way_around_in_its_own_colour():
    report = grad_reach(LEAKS[2][0], make_x(), CAUSAL)
    view = report.view()
    assert view.spec.kinds == ("reaches", "around the mask", "allowed, does not reach")
    assert int((view.kinds == 2).sum()) == int(report.leaks.sum())
    assert grad_reach(attend, make_x()).view().spec.kinds == ("allowed",)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (nn.Dropout(0.5), {}, r"model\.eval\(\)"),
        (lambda x: (x, x), {}, "one tensor of floating point, got tuple"),
        (lambda x: x.argmax(-1), {}, "got torch.int64"),
        (lambda x: x / 0, {}, "NaN or infinity"),
        (attend, {"token_dim": 5}, "no dimension 5"),
        (attend, {"mask": torch.ones(4, 4).bool()}, "of 4 queries, 4 keys"),
        (lambda x: attend(x)[:, :3], {"mask": CAUSAL, "layers": 2}, "layers must be 1 where"),
        (lambda x: x, {"layers": 0}, "layers must be at least 1"),
    ],
)
def test_what_cannot_be_asked_is_refused(model, options, message):
    with pytest.raises(SettingError, match=message):
        grad_reach(model, make_x(), **options)


def test_a_sequence_may_have_so_many_tokens():
    with pytest.raises(SettingError, match="513 tokens along dimension 1, at most 512"):
        grad_reach(lambda x: x, make_x(1, 513, 1))
