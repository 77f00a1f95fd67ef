import itertools

import pytest
import torch

from vidmem.nn.block_masks import BlockRelations, frame_block_relations, group_block_relations
from vidmem.nn.frames import FrameLayout
from vidmem.nn.masks import group_mask_mod, mask_matrix


def by_looking(matrix, block):
    """Some and every of each block of a boolean matrix `[A, L, L]`, the rest filled with false."""
    extra = -matrix.shape[-1] % block
    padded = torch.nn.functional.pad(matrix, (0, extra, 0, extra))
    tiles = padded.unflatten(2, (-1, block)).unflatten(1, (-1, block))
    return tiles.any(4).any(2), tiles.all(4).all(2)


@pytest.mark.parametrize("scope", ["global", "local"])
@pytest.mark.parametrize("has_context_frames", [True, False])
def test_blocks_equal_what_the_matrix_shows(scope, has_context_frames):
    sizes = itertools.product((1, 2, 5), (0, 1, 4), (1, 3, 8), (0, 1, 3, 9), (2, 4, 7))
    for num_frames, padded_frames, tokens, reach, block in sizes:
        layout = FrameLayout(
            num_frames=num_frames,
            tokens_per_frame=tokens,
            local_frame_range=reach,
            num_lookback_heads=1,
            num_heads=2,
            context_scope=scope,
            has_context_frames=has_context_frames,
            padded_frames=padded_frames,
        )
        matrix = mask_matrix(layout.mask_mod(), layout.length, layout.length, num_heads=2)[0]
        some, every = by_looking(matrix, block)
        got = frame_block_relations(layout, block)
        assert torch.equal(got.some, some), layout
        assert torch.equal(got.every, every), layout


@pytest.mark.parametrize("block", [2, 3, 5])
def test_blocks_of_groups_equal_what_the_matrix_shows(block):
    group_of = torch.tensor([0] * 5 + [1] * 2 + [2] * 7 + [3])
    some, every = by_looking(mask_matrix(group_mask_mod(group_of), 15, 15)[0], block)
    got = group_block_relations(group_of, block)
    assert torch.equal(got.some, some)
    assert torch.equal(got.every, every)


def test_a_block_mask_holds_its_relations():
    some = torch.tensor([[[True, True, False], [False, True, True], [True, False, True]]])
    every = torch.tensor([[[True, False, False], [False, True, False], [False, False, False]]])
    mask = BlockRelations(some, every).to_block_mask(lambda b, h, q, k: q >= k, (24, 24), 8)
    assert mask.shape == (1, 1, 24, 24)
    assert mask.to_dense()[0, 0].bool().tolist() == some[0].tolist()


def test_work_grows_with_the_frames_and_not_with_their_square():
    counts = []
    for num_frames in (128, 256, 512):
        layout = FrameLayout(
            num_frames=num_frames,
            tokens_per_frame=64,
            local_frame_range=4,
            num_lookback_heads=1,
            num_heads=2,
        )
        counts.append(frame_block_relations(layout).some.sum().item())
    assert counts[1] < 2.05 * counts[0]
    assert counts[2] < 2.05 * counts[1]
