import itertools

import pytest
import torch

from vidmem.nn.pooling import grid_pool, memory_grid


def test_grids_of_128_tokens():
    assert memory_grid(3, 128) == (2, 8, 8)
    assert memory_grid(4, 128) == (8, 4, 4)


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
@pytest.mark.parametrize("tokens", [1, 2, 7, 16, 32, 64, 96, 128, 256])
def test_every_count_of_tokens_has_a_grid(stage, tokens):
    t, h, w = memory_grid(stage, tokens)
    assert t * h * w == tokens
    assert h == w


def test_each_token_is_the_mean_of_its_place_and_time():
    features = torch.randn(2, 4, 6, 8, 5)
    grid = (2, 3, 4)
    pooled = grid_pool(features, grid)
    for token, (t, row, column) in enumerate(itertools.product(*map(range, grid))):
        cell = features[:, 2 * t : 2 * t + 2, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        torch.testing.assert_close(pooled[:, token], cell.mean((1, 2, 3)))


def test_a_stage_smaller_than_the_grid_still_fills_it():
    assert grid_pool(torch.randn(1, 1, 2, 2, 3), (2, 4, 4)).shape == (1, 32, 3)
