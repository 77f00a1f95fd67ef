"""Pictures in a row, and shares beside a picture."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.footage import SAMPLE
from tests.figures.views import check_drawable, words_of
from vidmem.errors import SettingError
from vidmem.figures import filmstrip_figure, shares_figure
from vidmem.notebooks import filmstrip


def make_pictures(count):
    return [np.full((12, 20, 3), number, np.uint8) for number in range(count)]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (6, 6), (8, 8), (16, 6)])
def test_every_picture_has_a_place_of_its_own_and_its_name_below(count, columns):
    names = [f"{number} s\nlying <b>" for number in range(count)]
    figure = filmstrip_figure(make_pictures(count), names, title="A pen")
    images, texts = figure.layout.images, figure.layout.annotations
    assert len({(image.x, image.y) for image in images}) == count == len(texts)
    assert {image.x for image in images} == set(range(columns))
    for image, text in zip(images, texts, strict=True):
        assert (text.x, text.y) == (image.x, image.y + image.sizey)
        assert text.text.endswith("lying &lt;b&gt;")
    assert figure.layout.xaxis.range[1] > columns - 1
    lowest = max(text.y for text in texts)
    assert figure.layout.yaxis.range[0] > lowest  # the names of the last row are in the figure
    assert "A pen" in words_of(figure)


def test_a_filmstrip_without_pictures_says_so():
    assert "There are no pictures." in words_of(filmstrip_figure([], []))
    with pytest.raises(ValueError, match="got 2 pictures and 1 names"):
        filmstrip_figure(make_pictures(2), ["one"])


def test_a_filmstrip_of_a_video_has_pictures_from_the_middle_of_equal_parts():
    figure = filmstrip(SAMPLE, num_pictures=3, end_seconds=30, name=lambda at: f"{at:g} s")
    words = [text.text for text in figure.layout.annotations]
    assert words == ["00:05<br>5 s", "00:15<br>15 s", "00:25<br>25 s"]
    assert "barn-sample.mp4, 00:00 to 00:30" in words_of(figure)
    assert len({image.source for image in figure.layout.images}) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_pictures": 0}, "num_pictures must be at least 1"),
        ({"start_seconds": 9, "end_seconds": 9}, "goes forward in time, got 9 s to 9 s"),
    ],
)
def test_a_filmstrip_needs_pictures_and_time(given, message):
    with pytest.raises(SettingError, match=message):
        filmstrip(SAMPLE, **given)


def test_shares_are_bars_in_order_and_what_is_undefined_says_so():
    shares = {"accuracy": 0.9, "kappa": -0.25, "F1": None}
    figure = check_drawable(shares_figure(shares, "Scores", "of a minute", marked="kappa"))
    bars = figure.data[0]
    assert tuple(bars.x) == (0.9, -0.25, 0.0)
    assert tuple(bars.text) == ("0.90", "\N{MINUS SIGN}0.25", "undefined")
    assert bars.marker.color[1] not in (bars.marker.color[0], bars.marker.color[2])
    assert figure.layout.xaxis.range[0] < -0.25
    assert tuple(figure.layout.yaxis.ticktext) == tuple(shares)
    assert "of a minute" in words_of(figure)


def test_shares_stand_beside_their_picture():
    figure = shares_figure({"lying": 1.0}, "A moment", picture=make_pictures(1)[0])
    picture = figure.layout.images[0]
    assert picture.x + picture.sizex < figure.layout.xaxis.domain[0]
