"""Places of the picture: regions, the tokens they touch, and what is sampled and pooled."""

import doctest
import json
from dataclasses import dataclass

import numpy as np
import pytest

from vidmem.errors import SettingError
from vidmem.inspection import PictureBox, TokenGrid
from vidmem.inspection.attention import maps
from vidmem.inspection.attention.maps import group_edges, sample_axes, sum_groups
from vidmem.inspection.records import ArrayRecord


def test_a_region_touches_the_tokens_that_it_overlaps():
    grid = TokenGrid(4, 5)
    assert grid.box(PictureBox()) == (range(4), range(5))
    assert grid.box(PictureBox(top=0.25, bottom=0.5, left=0.2, right=0.6)) == (
        range(1, 2),
        range(1, 3),
    )
    assert grid.box(PictureBox(top=0.24, bottom=0.51, left=0.2, right=0.61)) == (
        range(3),
        range(1, 4),
    )


def test_a_click_is_one_token_wherever_it_is():
    grid = TokenGrid(3, 4)
    for y in np.linspace(0, 1, 13):
        for x in np.linspace(0, 1, 13):
            rows, columns = grid.box(PictureBox.at(float(y), float(x)))
            assert (len(rows), len(columns)) == (1, 1)
            assert rows.start <= y * 3 + 1e-6 and y * 3 <= rows.stop + 1e-6
    assert grid.box(PictureBox.at(1, 1)) == (range(2, 3), range(3, 4))


def test_tokens_that_reach_beyond_the_picture_cover_more_than_all_of_it():
    grid = TokenGrid(2, 3, (4 / 3, 1.2))  # 64 pixels a token, over 96 x 160
    assert grid.box(PictureBox()) == (range(2), range(3))
    assert grid.box(PictureBox(bottom=2 / 3, right=0.4)) == (range(1), range(1))
    assert grid.box(PictureBox.at(0.7, 0.85)) == (range(1, 2), range(2, 3))
    there = grid.region(range(1, 2), range(1, 3))
    assert (there.top, there.bottom) == (pytest.approx(2 / 3), 1)
    assert (there.left, there.right) == (pytest.approx(0.4), 1)


@pytest.mark.parametrize(
    "edges", [{"top": -0.1}, {"right": 1.2}, {"top": 0.6, "bottom": 0.5}, {"left": float("nan")}]
)
def test_a_region_outside_the_picture_is_refused(edges):
    with pytest.raises(SettingError, match="fractions from 0 to 1"):
        PictureBox(**edges)


@pytest.mark.parametrize("most", [1, 2, 7, 60, None])
def test_samples_are_bounded_and_evenly_spread(most):
    sizes = (4, 3, 5)
    axes = sample_axes(sizes, most)
    assert np.prod([len(axis) for axis in axes]) <= (most or 60)
    for axis, size in zip(axes, sizes, strict=True):
        assert len(set(axis.tolist())) == len(axis)
        assert axis.min() >= 0 and axis.max() < size
        assert abs(axis.mean() - (size - 1) / 2) <= 0.5


def test_groups_keep_the_sum_and_are_of_nearly_one_size():
    values = np.arange(20.0).reshape(2, 10)
    edges = group_edges(10, 4)
    assert edges.tolist() == [0, 2, 5, 7, 10]
    assert sum_groups(values, edges).sum(-1).tolist() == values.sum(-1).tolist()
    assert np.array_equal(sum_groups(values, group_edges(10, None)), values)
    assert sum_groups(np.zeros((2, 0)), group_edges(0, 4)).shape == (2, 0)


def test_the_examples_run():
    assert doctest.testmod(maps).failed == 0


@dataclass(frozen=True, eq=False, repr=False)
class Part(ArrayRecord):
    share: np.ndarray
    name: str = "part"


@dataclass(frozen=True, eq=False, repr=False)
class Whole(ArrayRecord):
    parts: tuple[Part, ...]
    region: PictureBox


def test_a_record_prints_shapes_and_gives_its_arrays_for_a_file():
    whole = Whole((Part(np.array([0.5, np.nan], np.float32)),), PictureBox())
    assert "share=float32[2], name='part'" in repr(whole)
    assert list(whole.as_arrays()) == ["parts.0.share"]
    assert json.loads(json.dumps(whole.as_dict())) == {
        "parts": [{"share": [0.5, None], "name": "part"}],
        "region": {"top": 0.0, "bottom": 1.0, "left": 0.0, "right": 1.0},
    }
