"""Two masks side by side."""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask

from vidmem.errors import SettingError
from vidmem.inspection import diff_masks


def causal(b, h, q_idx, kv_idx):
    return q_idx >= kv_idx


def window(b, h, q_idx, kv_idx):
    return (q_idx - kv_idx <= 2) & (kv_idx - q_idx <= 1)


def test_where_two_masks_disagree_is_counted_and_told_row_by_row():
    diff = diff_masks(causal, window, (6, 6))
    assert (diff.num_first, diff.num_second) == (6, 5)
    first = next(diff.rows())
    assert (first.query, first.only_first, first.only_second) == (0, (), (1,))
    lines = str(diff).splitlines()
    assert lines[0] == (
        "causal and window disagree on 11 of 36 pairs, in rows 0 to 5: 6 only the first allows, 5 "
        "only the second."
    )
    assert lines[1].strip() == "row 0: only the second sees key 1"
    assert lines[4].strip() == "row 3: only the first sees key 0, only the second sees key 4"
    assert lines[-1].strip() == "and 1 more rows"
    assert diff.as_data()["only_first"] == 6


def test_a_mask_agrees_with_itself_in_every_form():
    table = torch.ones(8, 8).tril().bool()
    block_mask = create_block_mask(causal, None, None, 8, 8, device="cpu", BLOCK_SIZE=4)
    for other in (table, table.numpy(), block_mask):
        diff = diff_masks(causal, other)
        assert diff.are_equal
        assert "agree on all 64 pairs" in str(diff)


def test_both_are_drawn_in_one_figure():
    diff = diff_masks(causal, window, (6, 6))
    view = diff.view()
    assert view.spec.kinds == ("in both", "only in the first", "only in the second")
    assert [int((view.kinds == kind).sum()) for kind in (2, 3)] == [6, 5]
    with pytest.raises(SettingError, match="batch_row must be in"):
        diff.view(batch_row=1)


@pytest.mark.parametrize(
    ("first", "second", "shape", "message"),
    [
        (causal, window, None, "two mask_mods need a shape"),
        (torch.ones(4, 4).bool(), torch.ones(5, 4).bool(), None, "of 5 queries, 4 keys"),
        (causal, lambda b, h, q, k: q if q > k else k, (4, 4), "cannot be evaluated"),
    ],
)
def test_what_cannot_be_compared_is_refused(first, second, shape, message):
    with pytest.raises(SettingError, match=message):
        diff_masks(first, second, shape)
