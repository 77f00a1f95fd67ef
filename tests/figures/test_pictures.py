import math
from base64 import b64decode
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from tests.figures.views import (
    check_drawable,
    make_memory_view,
    without_times,
    words_of,
)
from vidmem.figures import (
    memory_map_figure,
    occlusion_figure,
    pixel_figure,
)
from vidmem.figures.pictures import columns_for, picture_address
from vidmem.inspection import OcclusionMap, PixelAttribution, Score


@pytest.fixture(scope="module")
def view():
    return make_memory_view()


def make_picture(height=12, width=20, colour=(200, 30, 60)):
    return np.full((height, width, 3), colour, np.uint8)


def maps_of(figure):
    return [np.asarray(trace.z, dtype=float) for trace in figure.data]


def test_a_picture_is_sent_whole_and_not_too_large():
    address = picture_address(make_picture(1000, 1500))
    sent = Image.open(BytesIO(b64decode(address.split(",")[1])))
    assert sent.size == (480, 320)
    np.testing.assert_allclose(np.asarray(sent)[5, 5], (200, 30, 60), atol=6)


@pytest.mark.parametrize("count", range(1, 65))
def test_panels_fill_their_rows(count):
    columns = columns_for(count)
    rows = math.ceil(count / columns)
    assert (rows - 1) * columns < count <= rows * columns
    assert columns >= rows


def test_the_maps_of_a_clip_sum_to_its_share(view):
    memory = view.stages[-1]
    for head in (None, 1):
        figure = check_drawable(memory_map_figure(view, memory.stage, 2, head=head))
        heads = slice(None) if head is None else [head]
        share = memory.clip_share[heads, 2].mean()
        assert len(figure.data) == memory.grid[0]
        assert sum(map(np.sum, maps_of(figure))) == pytest.approx(share, rel=1e-5)
        assert f"{share:.1%} of attention" in words_of(figure)
    assert figure.data[0].customdata[0][0] == 2


def test_a_map_lies_where_its_tokens_lie_on_the_picture(view):
    memory = replace(view.stages[-1], extent=(1.5, 1.2))
    padded = replace(view, stages=(memory,))
    figure = memory_map_figure(padded, memory.stage, 2, picture=make_picture())
    cells, (_, rows, columns) = figure.data[0], memory.grid
    assert cells.x0 + (columns - 0.5) * cells.dx == pytest.approx(1.2)
    assert cells.y0 + (rows - 0.5) * cells.dy == pytest.approx(1.5)
    assert figure.layout.xaxis.range == (0, 1)  # what was padded is not of the picture
    assert figure.layout.yaxis.range == (1, 0)
    assert figure.layout.yaxis.scaleratio == pytest.approx(12 / 20)
    assert len(figure.layout.images) == memory.grid[0]
    assert cells.opacity < 1


def test_panels_of_a_clip_are_named_by_their_time(view):
    stage = view.stages[-1].stage
    names = [note.text for note in memory_map_figure(view, stage, 1).layout.annotations]
    assert names[0].startswith("00:04")
    assert names[-1].endswith("00:08")
    untimed = memory_map_figure(without_times(view), stage, 1)
    assert untimed.layout.annotations[0].text.startswith("part 1 of ")


def test_a_clip_that_is_not_remembered_is_refused(view):
    with pytest.raises(KeyError, match="clip 9 is not remembered"):
        memory_map_figure(view, view.stages[-1].stage, 9)


def test_occlusion_has_zero_in_the_middle_of_its_colours():
    values = torch.tensor([[0.5, -1.5, 0.0], [0.1, 0.2, -0.3]])
    figure = check_drawable(
        occlusion_figure(OcclusionMap(values=values, score=Score(1.0)), make_picture())
    )
    (cells,) = figure.data
    np.testing.assert_allclose(cells.z, values)
    assert (cells.zmin, cells.zmax) == (-1.5, 1.5)
    middle = dict(cells.colorscale)[0.5]
    assert middle.endswith(",0.000)")  # what did nothing shows the picture
    assert "+0.50 log-odds" in cells.hovertext[0][0]
    assert "73.1% with all of it" in words_of(figure)


def test_an_occlusion_without_any_effect_is_drawn():
    figure = occlusion_figure(OcclusionMap(values=torch.zeros(2, 3), score=Score(0.0)))
    assert figure.data[0].zmin < 0 < figure.data[0].zmax


def test_pixels_keep_their_sum_however_they_are_grouped():
    values = torch.randn(11, 13, 45, generator=torch.Generator().manual_seed(0))
    attribution = PixelAttribution(values=values, score=Score(2.0), neutral_score=Score(-1.0))
    pictures = [make_picture()] * 11
    figure = check_drawable(pixel_figure(attribution, pictures, frame_seconds=np.arange(11) / 4))
    assert len(figure.data) == len(figure.layout.images) == 8
    assert max(map(np.size, maps_of(figure))) <= 12 * 20
    assert sum(map(np.sum, maps_of(figure))) == pytest.approx(float(values.sum()), abs=1e-3)
    first = maps_of(figure)[0]
    assert first.sum() == pytest.approx(float(values[0].sum()), abs=1e-3)
    assert figure.layout.annotations[0].text == "00:00.0"
    assert "in all +3.00 log-odds" in words_of(figure)
    with pytest.raises(ValueError, match="each of 11 frames, got 2"):
        pixel_figure(attribution, pictures[:2])
