"""Masks of anybody looked over: what is found, where, and what is not made up."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.nn.attention.flex_attention import BlockMask, and_masks, create_block_mask

from vidmem.errors import SettingError
from vidmem.inspection import FINDING_KINDS, MaskIntent, check_mask
from vidmem.nn.masks import lookback_mask_mod, mask_matrix

SIZE = 24
DOCUMENTS = [0] * 7 + [1] * 11 + [2] * 6


def causal(b, h, q_idx, kv_idx):
    return q_idx >= kv_idx


def window(b, h, q_idx, kv_idx, back=4):
    return (q_idx >= kv_idx) & (q_idx - kv_idx <= back)


def of_documents(b, h, q_idx, kv_idx):
    ids = torch.tensor(DOCUMENTS)
    return ids[q_idx] == ids[kv_idx]


def with_sinks(b, h, q_idx, kv_idx):
    return (q_idx >= kv_idx) & ((q_idx - kv_idx <= 4) | (kv_idx < 2))


def prefix_lm(b, h, q_idx, kv_idx):
    return (q_idx >= kv_idx) | (kv_idx < 5)


def neighbourhood(b, h, q_idx, kv_idx):
    centre = q_idx.clamp(2, SIZE - 3)
    return (kv_idx - centre).abs() <= 2


def found(report):
    return {finding.kind for finding in report.findings}


def words_of(report, kind):
    return next(finding.words for finding in report.findings if finding.kind == kind)


RIGHT = [
    (causal, MaskIntent(causal=True)),
    (window, MaskIntent(causal=True, window=(4, 0))),
    (of_documents, MaskIntent(documents=DOCUMENTS, symmetric=True)),
    (with_sinks, MaskIntent(causal=True, window=(4, 0), sinks=2)),
    (prefix_lm, MaskIntent(causal=True, prefix=5)),
    (neighbourhood, MaskIntent(keys_per_query=5)),
    (lookback_mask_mod(4, 1), MaskIntent(window=(4, 0))),
    (and_masks(causal, of_documents), MaskIntent(causal=True, documents=DOCUMENTS)),
]


@pytest.mark.parametrize(("mask", "intent"), RIGHT)
def test_nothing_is_found_in_what_is_as_meant(mask, intent):
    dense = mask_matrix(mask, SIZE, SIZE)
    block_mask = create_block_mask(mask, None, None, SIZE, SIZE, device="cpu", BLOCK_SIZE=4)
    for given in (mask, dense, dense[0, 0].numpy(), block_mask):
        report = check_mask(given, (SIZE, SIZE), intent=intent)
        assert report.findings == (), str(report)
        assert torch.equal(report.allowed, dense)
        assert "Nothing is wrong with it." in str(report)


WRONG = [
    (causal, MaskIntent(window=(4, 0)), "window", "row 5 sees key 0, 5 back"),
    (window, MaskIntent(window=(5, 0)), "window", "row 5 does not see key 0, 5 back"),
    (window, MaskIntent(window=(3, 0)), "window", "row 4 sees key 0, 4 back"),
    (of_documents, MaskIntent(causal=True), "future", "row 0 sees key 1, 1 ahead"),
    (causal, MaskIntent(documents=DOCUMENTS), "document", "row 7 sees key 0, of document 0, but"),
    (window, MaskIntent(window=(4, 0), sinks=2), "sink", "row 5 does not see key 0, 5 back"),
    (causal, MaskIntent(causal=True, prefix=3), "prefix", "row 0 does not see key 1, 1 ahead"),
    (causal, MaskIntent(symmetric=True), "asymmetry", "row 1 sees key 0, but row 0 does not"),
    (window, MaskIntent(keys_per_query=5), "keys per query", "row 0 sees 1 key where 5 were"),
    (
        causal,
        MaskIntent(padding=[key >= 20 for key in range(SIZE)]),
        "padding",
        "row 20 is padding and attends",
    ),
]


@pytest.mark.parametrize(("mask", "intent", "kind", "words"), WRONG)
def test_what_is_not_as_meant_is_found_with_its_first_place(mask, intent, kind, words):
    report = check_mask(mask, (SIZE, SIZE), intent=intent)
    assert words in words_of(report, kind)
    assert kind in FINDING_KINDS
    finding = next(finding for finding in report.findings if finding.kind == kind)
    if finding.is_mistake:
        assert finding.line.startswith("test_checking.py, line ")


def test_a_first_place_is_the_first_and_all_are_counted():
    report = check_mask(causal, (SIZE, SIZE), intent=MaskIntent(documents=DOCUMENTS))
    (finding,) = report.mistakes
    ids = torch.tensor(DOCUMENTS)
    bad = mask_matrix(causal, SIZE, SIZE)[0, 0] & (ids[:, None] != ids[None])
    assert finding.num_pairs == bad.sum()
    assert finding.pair == tuple(bad.nonzero()[0].tolist())


@pytest.mark.parametrize(
    ("intent", "change"),
    [
        (MaskIntent(window=(3, 0)), "`q_idx - kv_idx < back`"),
        (MaskIntent(window=(4, 0)), None),
    ],
)
def test_the_change_that_would_mend_it_is_named(intent, change):
    back = 4

    def mask(b, h, q_idx, kv_idx):
        near = q_idx - kv_idx <= back
        return near & (q_idx >= kv_idx)

    report = check_mask(and_masks(mask), (SIZE, SIZE), intent=intent)
    if change is None:
        assert not report.findings
        return
    (finding,) = report.mistakes
    assert f"With {change} it would be as meant" in finding.words
    assert finding.line.endswith("near = q_idx - kv_idx <= back")
    assert mask(0, 0, torch.tensor(4), torch.tensor(0))  # the function itself stays as it was


def test_a_note_says_that_heads_differ_and_a_mistake_where_they_were_meant_to_be_alike():
    def mask(b, h, q_idx, kv_idx):
        return q_idx - kv_idx >= h

    shape = (1, 2, SIZE, SIZE)
    for is_meant, expected in ((None, False), (True, True)):
        report = check_mask(mask, shape, intent=MaskIntent(heads_alike=is_meant))
        finding = next(f for f in report.findings if f.kind == "heads differ")
        assert finding.is_mistake is expected
        assert finding.words.startswith("head 1 differs from head 0 at row 0, key 0: only head 0")
    assert "heads differ" not in found(
        check_mask(mask, shape, intent=MaskIntent(heads_alike=False))
    )


def test_documents_of_each_batch_row_may_differ():
    ids = torch.tensor([[0, 0, 0, 1, 1], [0, 1, 1, 1, 1]])

    def mask(b, h, q_idx, kv_idx):
        return ids[b, q_idx] == ids[b, kv_idx]

    report = check_mask(mask, (2, 1, 5, 5), intent=MaskIntent(documents=ids))
    assert not report.findings
    other = MaskIntent(documents=ids.flip(0))
    words = words_of(check_mask(mask, (2, 1, 5, 5), intent=other), "document")
    assert words.startswith("batch row 0, row 0 sees key 1, of document 1, but is itself of")


def test_a_table_that_was_changed_since_the_block_mask_was_made_is_named():
    ids = torch.tensor(DOCUMENTS)

    def mask(b, h, q_idx, kv_idx):
        return ids[q_idx] == ids[kv_idx]

    block_mask = create_block_mask(mask, None, None, SIZE, SIZE, device="cpu", BLOCK_SIZE=4)
    assert not check_mask(block_mask).findings
    ids.fill_(0)
    words = words_of(check_mask(block_mask), "block mask")
    assert "the block of rows 0 to 3 and keys 8 to 11 is skipped, but the mask_mod lets" in words
    assert "`ids` (int64 [24]) was written to: since the block mask was made?" in words


def test_a_full_block_that_is_not_is_a_leak():
    every = torch.ones(1, 1, 2, 2, dtype=torch.int32)
    counts, order = every.sum(-1).int(), torch.tensor([[[[0, 1], [0, 1]]]], dtype=torch.int32)
    nothing = torch.zeros_like(counts)
    block_mask = BlockMask.from_kv_blocks(
        nothing, order, counts, order, BLOCK_SIZE=4, mask_mod=causal, seq_lengths=(8, 8)
    )
    report = check_mask(block_mask, intent=MaskIntent(causal=True))
    assert bool(report.allowed.all())  # what attention computes, whatever the mask_mod says
    assert "is taken as full, but the mask_mod does not let row 0 see key 1 in it" in words_of(
        report, "block mask"
    )
    assert "row 0 sees key 1" in words_of(report, "future")


def test_a_mask_of_the_head_in_a_block_mask_of_one_is_noted():
    def mask(b, h, q_idx, kv_idx):
        return (q_idx >= kv_idx) & (h == 0)

    block_mask = create_block_mask(mask, None, None, SIZE, SIZE, device="cpu", BLOCK_SIZE=4)
    report = check_mask(block_mask)
    assert "made with `H=None` or `H=1`" in words_of(report, "block mask")


def test_a_length_that_ends_inside_a_block_is_a_note():
    block_mask = create_block_mask(causal, None, None, 10, 10, device="cpu", BLOCK_SIZE=4)
    report = check_mask(block_mask)
    assert not report.mistakes
    assert "10 queries are no multiple of the block of 4" in report.notes[0].words


def test_a_table_of_another_batch_is_noted():
    ids = torch.zeros(40, dtype=torch.long)

    def mask(b, h, q_idx, kv_idx):
        return ids[q_idx] == ids[kv_idx]

    words = words_of(check_mask(mask, (SIZE, SIZE)), "captured tensor")
    assert "`ids` (int64 [40]) has 40 places, and rows and columns end at 23" in words


CONTROL_FLOW = [
    (lambda b, h, q_idx, kv_idx: q_idx >= kv_idx and kv_idx > 2, "`and`"),
    (lambda b, h, q_idx, kv_idx: 0 <= q_idx - kv_idx <= 4, "`a <= b <= c`"),
    (lambda b, h, q_idx, kv_idx: not (q_idx < kv_idx), "`not`"),
    (lambda b, h, q_idx, kv_idx: torch.tensor(int(q_idx) > 3), "`int()`"),
    (lambda b, h, q_idx, kv_idx: torch.tensor(q_idx.item() > 3), "`.item()`"),
    (lambda b, h, q_idx, kv_idx: (q_idx > 3) if kv_idx > 1 else (q_idx > 5), "`if`"),
]


@pytest.mark.parametrize(("mask", "sign"), CONTROL_FLOW, ids=[sign for _, sign in CONTROL_FLOW])
def test_python_control_flow_is_named_by_its_line(mask, sign):
    report = check_mask(mask, (8, 8))
    assert report.allowed is None
    finding = next(f for f in report.mistakes if sign in f.words)
    assert finding.kind == "python control flow"
    assert "test_checking.py, line " in finding.line
    assert "lambda" in finding.line
    with pytest.raises(SettingError, match="could not be evaluated"):
        report.view()


def test_python_control_flow_on_what_is_no_tensor_is_nobodys_business():
    def make(reach, is_causal):
        def mask(b, h, q_idx, kv_idx):
            near = (q_idx - kv_idx).abs() <= reach
            if is_causal and reach > 1:
                near = near & (q_idx >= kv_idx)
            return near

        return mask

    assert not check_mask(make(3, True), (8, 8)).findings


@pytest.mark.parametrize(
    ("mask", "is_wrong"),
    [
        (lambda b, h, q_idx, kv_idx: (q_idx >= kv_idx) & b % 2 == 0, True),
        (lambda b, h, q_idx, kv_idx: (kv_idx > 0) == q_idx & 1, True),
        (lambda b, h, q_idx, kv_idx: (q_idx & 1) == (kv_idx & 1), False),
        (lambda b, h, q_idx, kv_idx: (q_idx >= kv_idx) & (b % 2 == 0), False),
    ],
)
def test_brackets_that_are_missing_are_named(mask, is_wrong):
    assert ("operator precedence" in found(check_mask(mask, (8, 8)))) is is_wrong


def test_what_a_score_mod_spoils_or_hides_is_found():
    def nan(score, b, h, q_idx, kv_idx):
        return score + torch.where(kv_idx == 3, torch.nan, 0.0)

    def hides(score, b, h, q_idx, kv_idx):
        return torch.where((q_idx == 5) | (kv_idx == 1), -torch.inf, score)

    def alibi(score, b, h, q_idx, kv_idx):
        return score - (q_idx - kv_idx) * 0.5

    check = partial(check_mask, causal, (8, 8))
    assert not check(score_mod=alibi).findings
    (spoiled,) = check(score_mod=nan).mistakes
    assert spoiled.words.startswith("row 3, key 3 is NaN for a score of 1. 5 such pairs")
    report = check(score_mod=hides)
    assert "row 5 is -inf at every key that the mask allows" in report.mistakes[0].words
    assert "row 1, key 1 is -inf, though the mask allows it" in report.notes[0].words
    assert report.mistakes[0].line.endswith(
        "return torch.where((q_idx == 5) | (kv_idx == 1), -torch.inf, score)"
    )


def test_a_report_is_drawn_in_two_colours_and_is_data():
    report = check_mask(window, (SIZE, SIZE), intent=MaskIntent(window=(3, 0)))
    view = report.view()
    assert view.spec.kinds == ("as meant", "not meant")
    assert (view.kinds == 2).sum() == report.mistakes[0].num_pairs
    data = report.as_data()
    assert data["shape"] == [1, 1, SIZE, SIZE]
    assert data["findings"][0]["pair"] == (4, 0)
    assert "A query sees 1 to 5 keys, up to 4 back and 0 ahead of its own." in data["summary"]


@pytest.mark.parametrize(
    ("given", "shape", "intent", "message"),
    [
        (causal, None, {}, "a mask_mod needs a shape"),
        (causal, (8,), {}, r"must be \(queries, keys\)"),
        (causal, (0, 8), {}, "queries must be at least 1"),
        (causal, (1 << 14, 1 << 14), {}, "too large to look at"),
        ("causal", (8, 8), {}, "got str"),
        (torch.zeros(4, 4), None, {}, "boolean, .* got torch.float32.*`mask == 0`"),
        (torch.full((4, 4), 2), None, {}, "0 and 1 only"),
        (torch.zeros(4, dtype=torch.bool), None, {}, r"shape \[queries, keys\]"),
        (torch.ones(4, 4, dtype=torch.bool), (5, 4), {}, "of 4 queries, 4 keys, and is asked"),
        (causal, (8, 8), {"documents": [0, 1]}, r"documents must have shape \[8\] or \[1, 8\]"),
    ],
)
def test_what_is_no_mask_is_refused_with_what_was_got(given, shape, intent, message):
    with pytest.raises(SettingError, match=message):
        check_mask(given, shape, intent=MaskIntent(**intent))


@pytest.mark.parametrize(
    ("intent", "message"),
    [
        ({"window": (-1, 0)}, "each of window must be at least 0"),
        ({"sinks": -1}, "sinks must be at least 0"),
        ({"keys_per_query": 0}, "keys_per_query must be at least 1"),
    ],
)
def test_an_intent_out_of_range_is_refused(intent, message):
    with pytest.raises(SettingError, match=message):
        MaskIntent(**intent)
