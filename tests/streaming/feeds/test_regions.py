"""A region is a box on the picture: what it may be, and what is decoded for it."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.streaming.doubles import CARD
from vidmem.errors import SettingError
from vidmem.streaming import Region
from vidmem.streaming.feeds.region_layout import Cut, cuts
from vidmem.streaming.feeds.regions import check_regions
from vidmem.video import decode_size

SMALL = replace(CARD, frame_width=112, frame_height=112, resize="squash")
CROPPED = replace(SMALL, resize="crop")
LETTERBOXED = replace(SMALL, resize="letterbox")


def info(width: int = 1280, height: int = 720):
    return SimpleNamespace(width=width, height=height)


def test_a_region_is_read_as_it_is_typed():
    assert Region.parse("pen1=0,0.25,0.5,0.75") == Region("pen1", 0, 0.25, 0.5, 0.75)
    assert Region.parse("pen 2 = .5, 0, .5, 1") == Region("pen 2", 0.5, 0, 0.5, 1)
    assert Region.parse("Stall-Süd=0,0,1,1").name == "Stall-Süd"


@pytest.mark.parametrize("text", ["pen1", "pen1=", "pen1=0,0,1", "pen1=0,0,1,1,1", "pen1=a,0,1,1"])
def test_what_is_written_otherwise_is_refused_with_an_example(text):
    with pytest.raises(SettingError, match=r"such as pen1=0,0,0\.5,0\.5"):
        Region.parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p=0,0,0,1", "width must be above 0, got 0"),
        ("p=0,0,1,-1", "height must be above 0, got -1"),
        ("p=0.6,0,0.5,1", "must lie in the picture, from 0 to 1, got 0.6 to 1.1 of its width"),
        ("p=0,-0.1,1,1", "got -0.1 to 0.9 of its height"),
        ("p=nan,0,1,1", "left must be a number from 0 to 1, got nan"),
        ("p=0,0,inf,1", "width must be a number from 0 to 1, got inf"),
        ("=0,0,1,1", "a region's name must have 1 to 60 letters"),
        ("../p=0,0,1,1", "got '../p'"),
        ("a/b=0,0,1,1", "got 'a/b'"),
        (".p=0,0,1,1", "got '.p'"),
    ],
)
def test_what_is_no_region_is_refused_with_the_reason(text, said):
    with pytest.raises(SettingError) as caught:
        Region.parse(text)
    assert said in str(caught.value)


def test_two_of_a_name_are_refused_whatever_their_case():
    with pytest.raises(SettingError, match="two regions 'PEN'"):
        check_regions([Region("pen", 0, 0, 0.5, 1), Region("PEN", 0.5, 0, 0.5, 1)])
    with pytest.raises(SettingError, match="regions must be 1 to 64, got 0"):
        check_regions([])


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (2, 2), (3, 2), (7, 9)])
def test_tiles_cover_every_pixel_once(columns, rows):
    tiles = Region.tiles(columns, rows)
    check_regions(tiles)
    seen = set()
    for tile in tiles:
        left, top, right, bottom = tile.pixels(131, 97)
        pixels = {(x, y) for x in range(left, right) for y in range(top, bottom)}
        assert not seen & pixels
        seen |= pixels
    assert len(seen) == 131 * 97


def test_too_many_tiles_are_refused():
    for columns, rows in ((0, 2), (9, 9)):
        with pytest.raises(SettingError, match="tiles must be 1 to 64"):
            Region.tiles(columns, rows)


def test_a_file_has_a_list_of_regions(tmp_path):
    path = tmp_path / "pens.json"
    one = {"name": "pen1", "left": 0, "top": 0, "width": 0.5, "height": 1}
    path.write_text(json.dumps([one, {**one, "name": "pen2", "left": 0.5}]))
    assert Region.read_file(path) == (Region("pen1", 0, 0, 0.5, 1), Region("pen2", 0.5, 0, 0.5, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "must be JSON, a list of objects with name, left"),
        ("{}", "got an object"),
        ("[1]", "got 1"),
        ('[{"name": "a"}]', 'got {"name": "a"}'),
        ('[{"name": "a", "left": "0", "top": 0, "width": 1, "height": 1}]', "got '0'"),
        ('[{"name": 3, "left": 0, "top": 0, "width": 1, "height": 1}]', "got 3"),
        ('[{"name": "a", "left": true, "top": 0, "width": 1, "height": 1}]', "got True"),
    ],
)
def test_a_file_with_something_else_is_refused(tmp_path, text, said):
    path = tmp_path / "pens.json"
    path.write_text(text)
    with pytest.raises(SettingError) as caught:
        Region.read_file(path)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingError, match=r"pens.json cannot be read: No such file"):
        Region.read_file(tmp_path / "pens.json")


def test_a_region_of_too_few_pixels_is_refused():
    with pytest.raises(SettingError, match=r"at least 8 x 8 pixels .* 1280 x 720, got 6 x 720"):
        cuts(info(), [Region("thin", 0, 0, 0.005, 1)], SMALL)


def test_tiles_are_decoded_so_that_nothing_is_left_to_resize():
    found = cuts(info(), Region.tiles(2, 2), SMALL)
    assert found["row2-column1"] == Cut((224, 224), (0, 112, 112, 224), (112, 112), is_plain=False)
    assert {cut.decoded for cut in found.values()} == {(224, 224)}


def test_thirds_are_cut_to_the_pixel():
    for cut in cuts(info(1280, 719), Region.tiles(3, 3), SMALL).values():
        left, top, right, bottom = cut.box
        assert (right - left, bottom - top) == cut.size == (112, 112)


def test_the_smallest_region_sets_the_size_but_not_beyond_the_source():
    half, small = Region("half", 0, 0, 0.5, 1), Region("small", 0.5, 0.5, 0.25, 0.125)
    found = cuts(info(), [half, small], SMALL)
    assert found["half"].decoded == found["small"].decoded == (448, 720)  # 8 x 112 is above 720
    assert found["small"].box == (224, 360, 336, 450)
    assert found["half"].box == (0, 0, 224, 720)


def test_the_whole_picture_is_decoded_as_without_regions():
    tiles, whole = Region.tiles(2, 2), Region("all", 0, 0, 1, 1)
    for card in (SMALL, CROPPED, LETTERBOXED):
        cut = cuts(info(), [*tiles, whole], card)["all"]
        plain = decode_size(1280, 720, frame_width=112, frame_height=112, resize=card.resize)
        assert cut == Cut(plain, (0, 0, *plain), plain, is_plain=True)


def test_a_model_that_crops_gets_the_shape_of_the_region():
    found = cuts(info(), [Region("wide", 0, 0, 0.5, 0.25), Region("b", 0, 0, 0.5, 0.5)], CROPPED)
    assert found["wide"].size == (398, 112)
    assert found["b"].size == (199, 112)
    assert found["wide"].decoded == (796, 448)


def test_a_model_with_bars_gets_all_of_the_region_in_its_own_shape():
    regions = [Region("wide", 0, 0, 0.5, 0.5), Region("tall", 0, 0, 0.25, 1)]
    found = cuts(info(), regions, LETTERBOXED)
    assert found["wide"].size == (112, 63)  # 640 x 360
    assert found["tall"].size == (50, 112)  # 320 x 720
