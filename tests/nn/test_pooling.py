import pytest
import torch

from vidmem.nn.pooling import grid_pool, memory_grid, token_places


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
    for token, place in enumerate(token_places(grid)):
        cell = features[
            :,
            int(place.time[0] * 4) : int(place.time[1] * 4),
            round(place.top_bottom[0] * 6) : round(place.top_bottom[1] * 6),
            round(place.left_right[0] * 8) : round(place.left_right[1] * 8),
        ]
        torch.testing.assert_close(pooled[:, token], cell.mean((1, 2, 3)))


def test_a_stage_smaller_than_the_grid_still_fills_it():
    assert grid_pool(torch.randn(1, 1, 2, 2, 3), (2, 4, 4)).shape == (1, 32, 3)
