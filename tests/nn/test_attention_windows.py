import itertools

import pytest
import torch

from vidmem.nn.attention_windows import cut_axis, fit_window, relative_position_index, window_plan

CPU = torch.device("cpu")


def masked_neighbours(size, window, shift):
    """Which pairs attend when the grid is rolled, cut and masked, by brute force."""
    window, shift = fit_window(size, window, shift)
    padded = [-(-n // w) * w for n, w in zip(size, window, strict=True)]

    def box(place):
        key = []
        for p, n, w, s in zip(place, padded, window, shift, strict=True):
            rolled = (p - s) % n
            region = 0 if s == 0 else 1 + (rolled >= n - w) + (rolled >= n - s)
            key.append((rolled // w, region))
        return tuple(key)

    places = list(itertools.product(*(range(n) for n in size)))
    return [[box(a) == box(b) for b in places] for a in places]


@pytest.mark.parametrize(
    ("size", "window", "shift"),
    [
        ((4, 6, 6), (2, 3, 3), (0, 0, 0)),
        ((4, 6, 6), (2, 3, 3), (1, 1, 1)),
        ((3, 5, 4), (2, 3, 3), (1, 1, 1)),
        ((2, 5, 7), (4, 3, 3), (2, 1, 1)),
    ],
)
def test_boxes_join_the_same_tokens_as_rolled_and_masked_windows(size, window, shift):
    window_fit, shift_fit = fit_window(size, window, shift)
    plan = window_plan(size, window_fit, shift_fit, CPU)
    box_of, start = {}, 0
    for number, group in enumerate(plan.groups):
        for box in range(group.num_boxes):
            for token in plan.order[start : start + group.tokens_per_box].tolist():
                box_of[token] = (number, box)
            start += group.tokens_per_box
    got = [[box_of[a] == box_of[b] for b in range(plan.num_tokens)] for a in range(plan.num_tokens)]
    assert got == masked_neighbours(size, window, shift)


def test_order_and_restore_are_inverse():
    plan = window_plan((3, 5, 4), (2, 3, 3), (1, 1, 1), CPU)
    assert plan.has_padding
    assert plan.order[plan.restore].tolist() == list(range(60))


def test_axes_are_covered_once():
    for size, window, shift in itertools.product(range(1, 12), range(1, 6), range(3)):
        (w, _, _), (s, _, _) = fit_window((size, 1, 1), (window, 1, 1), (shift, 0, 0))
        if s >= w:
            continue
        cuts = cut_axis(size, w, s)
        covered = [p for cut in cuts for p in range(cut.start, cut.start + cut.length)]
        assert covered == list(range(-(-size // w) * w))


def test_relative_positions_of_equal_offsets_share_a_row():
    index = relative_position_index((2, 3, 3))
    assert index[0, 1] == index[4, 5] == index[9, 10]
    assert index.unique().numel() == 3 * 5 * 5
