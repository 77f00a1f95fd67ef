import itertools
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from vidmem.nn.attention_windows import fit_window, window_plan
from vidmem.nn.masks import (
    box_of_token,
    lookahead_mask_mod,
    lookback_mask_mod,
    mask_matrix,
    memory_mask_mod,
    shifted_window_mask_mod,
    spool_mask_mod,
)

REFERENCE = Path(__file__).parents[3] / "shared/reference/spool_masks.safetensors"


def may_attend(is_lookback, q, k, num_frames, reach, scope):
    """DESIGN 2.2, word for word."""
    start, end = 0, num_frames + 1
    is_real = 1 <= k <= num_frames
    if q in (start, end):
        if not is_real:
            return True
        return scope == "global" or abs(q - k) <= reach
    if is_lookback:
        return (is_real and 0 <= q - k <= reach) or k == start
    return (is_real and 0 <= k - q <= reach) or k == end


def by_brute_force(num_frames, tokens, reach, num_lookback, num_heads, scope):
    length = (num_frames + 2) * tokens
    mask = torch.zeros(num_heads, length, length, dtype=torch.bool)
    for h, q, k in itertools.product(range(num_heads), range(length), range(length)):
        mask[h, q, k] = may_attend(
            h < num_lookback, q // tokens, k // tokens, num_frames, reach, scope
        )
    return mask


@pytest.mark.parametrize("scope", ["global", "local"])
@pytest.mark.parametrize(("num_lookback", "num_heads"), [(1, 3), (0, 2), (2, 2)])
@pytest.mark.parametrize("reach", [0, 1, 2, 9])
def test_spool_matches_its_definition(scope, num_lookback, num_heads, reach):
    mask_mod = spool_mask_mod(4, 3, reach, num_lookback, scope)
    got = mask_matrix(mask_mod, 18, 18, num_heads=num_heads)[0]
    assert torch.equal(got, by_brute_force(4, 3, reach, num_lookback, num_heads, scope))


@pytest.mark.skipif(not REFERENCE.exists(), reason="needs ../shared/reference")
def test_spool_equals_the_reference_masks():
    with safe_open(REFERENCE, "pt") as file:
        cases = json.loads(file.metadata()["cases"])
        for name, case in cases.items():
            want = file.get_tensor(name)
            ahead = case.pop("num_lookahead_heads")
            got = mask_matrix(
                spool_mask_mod(**case),
                *want.shape[1:],
                num_heads=case["num_lookback_heads"] + ahead,
            )
            assert torch.equal(got[0], want), name


@pytest.mark.parametrize("scope", ["global", "local"])
@pytest.mark.parametrize("reach", [0, 1, 9])
def test_padding_neither_attends_nor_is_attended_to(scope, reach):
    got = mask_matrix(spool_mask_mod(4, 3, reach, 1, scope), 24, 24, num_heads=3)[0]
    assert torch.equal(got[:, :18, :18], by_brute_force(4, 3, reach, 1, 3, scope))
    assert not got[:, 18:].any() and not got[:, :, 18:].any()


def test_every_query_sees_its_own_frame():
    got = mask_matrix(spool_mask_mod(5, 2, 0, 1, "local"), 14, 14, num_heads=2)[0]
    assert all(got[h, q, q] for h in range(2) for q in range(14))


def test_without_context_frames_only_the_band_is_left():
    mask_mod = spool_mask_mod(5, 2, 1, 1, has_context_frames=False)
    back, ahead = mask_matrix(mask_mod, 10, 10, num_heads=2)[0]
    assert torch.equal(back, mask_matrix(lookback_mask_mod(1, 2), 10, 10)[0, 0])
    assert torch.equal(ahead, mask_matrix(lookahead_mask_mod(1, 2), 10, 10)[0, 0])
    assert torch.equal(back, ahead.T)


def test_a_range_in_a_tensor_can_change():
    reach = torch.tensor(0)
    mask_mod = spool_mask_mod(4, 1, reach, 1)
    narrow = mask_matrix(mask_mod, 6, 6, num_heads=2)
    reach.fill_(2)
    wide = mask_matrix(mask_mod, 6, 6, num_heads=2)
    assert torch.equal(wide, mask_matrix(spool_mask_mod(4, 1, 2, 1), 6, 6, num_heads=2))
    assert narrow.sum() < wide.sum()


def test_an_unknown_scope_is_refused():
    with pytest.raises(ValueError, match="global or local"):
        spool_mask_mod(4, 1, 1, 1, "everything")


@pytest.mark.parametrize("size", [(4, 7, 5), (2, 4, 4), (5, 6, 9)])
@pytest.mark.parametrize("shift", [(0, 0, 0), (1, 2, 2)])
def test_shifted_windows_equal_the_roll_with_its_regions(size, shift):
    window = (2, 4, 4)
    got = mask_matrix(
        shifted_window_mask_mod(size, window, shift), *[size[0] * size[1] * size[2]] * 2
    )
    window, shift = fit_window(size, window, shift)
    groups = []
    for t, h, w in itertools.product(*map(range, size)):
        group = []
        for place, n, width, by in zip((t, h, w), size, window, shift, strict=True):
            padded = -(-n // width) * width
            rolled = (place - by) % padded
            wrapped = rolled >= padded - by if by else False
            group.append((rolled // width, wrapped))
        groups.append(group)
    want = torch.tensor([[a == b for b in groups] for a in groups])
    assert torch.equal(got[0, 0], want)


def test_boxes_hold_each_token_once():
    plan = window_plan((4, 7, 5), (2, 4, 4), (1, 2, 2), torch.device("cpu"))
    boxes = box_of_token(plan)
    assert boxes.shape == (140,)
    assert boxes.bincount().max() <= 2 * 4 * 4
    assert len(boxes.unique()) <= sum(group.num_boxes for group in plan.groups)


def test_memory_shows_written_slots_and_the_no_memory_token():
    is_valid = torch.tensor([[False, True], [False, False]])
    got = mask_matrix(memory_mask_mod(is_valid, 3), 2, 7, batch_size=2)
    assert got[0, 0].tolist() == [[True, *[False] * 3, *[True] * 3]] * 2
    assert got[1, 0].tolist() == [[True, *[False] * 6]] * 2


def test_a_mask_too_large_to_draw_is_refused():
    with pytest.raises(ValueError, match="too large to draw"):
        mask_matrix(lookback_mask_mod(1, 1), 20_000, 20_000)
