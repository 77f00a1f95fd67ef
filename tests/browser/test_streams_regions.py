"""Regions of one picture in the browser: drawn, named, tiled, and streams of their own."""

from __future__ import annotations

import pytest

from tests.browser.conftest import wait_until
from tests.browser.test_looks import is_well_everywhere
from tests.browser.test_streams import LABELLED, POOL_THREADS, SAMPLE, page, start_videos, tile
from vidmem.streaming import Region

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
__all__ = ["page"]


def drag_box(page, left, top, right, bottom):
    box = page.locator(".vm-boxes canvas").bounding_box()
    across = [box["x"] + box["width"] * share for share in (left, right)]
    down = [box["y"] + box["height"] * share for share in (top, bottom)]
    page.mouse.move(across[0], down[0])
    page.mouse.down()
    page.mouse.move(across[1], down[1], steps=4)
    page.mouse.up()


def test_regions_are_drawn_named_and_decoded_once(page, site):
    site.clip_seconds = 0.5
    drag_box(page, 0.05, 0.1, 0.45, 0.9)
    drag_box(page, 0.5, 0.5, 0.9, 0.95)
    drag_box(page, 0.6, 0.6, 0.601, 0.601)  # no region: a click
    picture = page.locator(".vm-boxes canvas")
    picture.focus()
    picture.press("Shift+ArrowRight")
    picture.press("Shift+ArrowLeft")
    names = page.locator(".vm-boxes-list input")
    assert names.count() == 2
    picture.press("ArrowUp")
    for key in ("Shift+ArrowRight", "Shift+ArrowDown") * 3:
        picture.press(key)
    picture.press("Enter")
    assert names.count() == 3
    names.first.fill("sow")
    page.get_by_role("button", name="Remove region 2").click()
    assert page.locator(".vm-boxes-drawn i").all_inner_texts() == ["sow", "region 3"]
    with page.expect_download() as download:
        page.locator("[data-streams=save]").press("Enter")
    assert [one.name for one in Region.read_file(download.value.path())] == ["sow", "region 3"]
    page.locator("[data-streams=regions]").click()
    page.wait_for_function(LABELLED, arg=2)
    assert f"of {SAMPLE}" in tile(page, "sow").inner_text()
    shape = tile(page, "sow").locator("img").evaluate("one => one.clientWidth / one.clientHeight")
    assert shape == pytest.approx((0.4 * 192) / (0.8 * 108), rel=0.06)
    pool = next(iter(site.app.streams.all()))
    wait_until(lambda: pool.figures()["num_decoders"] == 1)


def test_tiles_of_a_mosaic_run_are_well_at_every_size_and_in_every_scheme_and_close(
    page, site, own_threads
):
    site.clip_seconds = 0.3
    page.get_by_role("button", name="3 \N{MULTIPLICATION SIGN} 2").click()
    assert page.locator(".vm-boxes-drawn i").count() == 6
    page.get_by_role("button", name="2 \N{MULTIPLICATION SIGN} 2").click()
    page.get_by_role("button", name="Start 4 regions").click()
    page.wait_for_function(LABELLED, arg=4)
    assert page.locator("#vm-streams-setup").is_hidden()
    page.get_by_role("button", name="Add streams").click()
    assert page.locator(".vm-streams-model").is_disabled()
    start_videos(page, "second pen.mp4")  # more join while others run
    page.wait_for_function(LABELLED, arg=5)
    assert len(own_threads(*POOL_THREADS)) >= 6
    page.get_by_role("button", name="Add streams").click()
    page.locator(".vm-boxes-list input").first.focus()
    assert is_well_everywhere(page)
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.get_by_role("button", name="Close all").click()
    page.get_by_text("Watch many at once").wait_for()
    assert page.locator(".vm-tile").count() == 0
    assert page.locator("#vm-streams-setup").is_visible()
    wait_until(lambda: own_threads(*POOL_THREADS) == [])
