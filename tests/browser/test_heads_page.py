"""The Heads page in the browser: heads, regions and frames picked, and where they look."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.browser.conftest import LONG, choose, leave, newest, set_slider, step_to, wait_for_clip
from tests.browser.test_looks import is_well_everywhere

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

KEY = "document.querySelector('.vm-heads-page').dataset.key"
OFFSETS = (
    "[...document.querySelectorAll('.vm-sight-text b')].map((offset) => offset.textContent).join()"
)
SHARES = "[...document.querySelectorAll('.vm-sight-text span')].map((one) => one.textContent)"
MAPS = (
    "[...document.querySelectorAll('.vm-sight-frames canvas')].map((one) => one.toDataURL()).join()"
)
WHO = ".vm-who-when"
MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def page(open_page, spool_site):
    spool_site.clip_seconds = 0.1
    opened = open_page(spool_site.address)
    yield opened
    leave(opened)
    spool_site.app.registry.clear()


def open_heads(page) -> None:
    page.get_by_role("link", name="Heads").click()
    page.wait_for_function(KEY)


def open_paused(page, clip: int = 4) -> None:
    step_to(page, clip)
    open_heads(page)


def changed(page, act) -> None:
    """Do something by hand, and wait until the page shows what became of it."""
    before = page.evaluate(KEY)
    act()
    page.wait_for_function(f"before => {KEY} !== before", arg=before)


def head(page, layer: int, number: int):
    return page.get_by_role("radio", name=f"layer {layer}, head {number}")


def click_picture(page, x: float, y: float) -> None:
    box = page.locator(".vm-who-picture").bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def asked(page, **more) -> dict:
    """The server's own answer to what the page asks."""
    values = {"run": page.evaluate("window.vidmem.run"), "at": "newest", **more}
    return page.request.get(f"{page.url.split('#')[0]}inside/heads", params=values).json()


def test_a_page_that_is_paused_is_asked_by_head_region_and_frame(page):
    """One page for all of these: to open it and its figures takes longer than to ask it."""
    open_paused(page)
    assert page.title() == "vidmem: Heads"
    what_is_seen_can_be_downloaded(page)
    a_head_that_is_picked_changes_where_is_looked(page)
    the_maps_sum_to_the_shares_and_the_shares_to_one(page)
    a_region_that_is_drawn_or_clicked_changes_the_maps(page)
    another_frame_can_look(page)
    changed(page, lambda: click_picture(page, 0.2, 0.2))
    assert is_well_everywhere(page)


def what_is_seen_can_be_downloaded(page):
    page.wait_for_function("document.querySelector('.vm-heads-offsets .main-svg')")
    page.locator("[data-png=offsets]").scroll_into_view_if_needed()
    for selector, name in (
        (".vm-sight-png", "heads-layer-1-head-0.png"),
        ("[data-png=offsets]", "heads-offsets.png"),
        (".vm-sight [data-file=npz]", ".npz"),
        (".vm-sight [data-file=json]", ".json"),
    ):
        with page.expect_download() as download:
            page.locator(selector).click()
        assert download.value.suggested_filename.endswith(name)
    assert json.loads(download.value.path().read_text())["moment"]["model"] == "Tiny Spool"


def a_head_that_is_picked_changes_where_is_looked(page):
    assert page.get_by_role("radio").count() == 2 * 4
    assert (
        page.evaluate(OFFSETS) == f"{MINUS}2,{MINUS}1,own"
    )  # the last layer's first head looks back
    ends = page.locator(".vm-sight-shares dd")
    assert ends.nth(2).inner_text() == "may not look"  # masked, which is not zero
    changed(page, head(page, 0, 3).click)
    assert page.evaluate(OFFSETS) == "own,+1,+2"
    assert ends.nth(1).inner_text() == "may not look"
    assert "lookahead" in page.locator(".vm-sight-head").inner_text()
    changed(page, lambda: head(page, 0, 3).press("ArrowLeft"))
    changed(page, lambda: head(page, 0, 2).press("ArrowDown"))
    assert page.evaluate("document.activeElement.ariaLabel") == "layer 1, head 2, lookahead"
    assert head(page, 1, 2).get_attribute("aria-checked") == "true"
    assert "Layer 1, head 2" in page.locator(".vm-sight-spoken").inner_text()


def the_maps_sum_to_the_shares_and_the_shares_to_one(page):
    for layer, number in ((0, 0), (1, 3)):
        got = asked(page, layer=layer, head=number)
        for look in got["looks"]:
            assert np.sum(look["map"]) == pytest.approx(look["share"], abs=1e-3)
        total = sum(look["share"] for look in got["looks"])
        total += sum(share or 0 for share in got["context"].values())
        assert total == pytest.approx(1, abs=1e-3)


def a_region_that_is_drawn_or_clicked_changes_the_maps(page):
    whole, said = page.evaluate(MAPS), page.evaluate(SHARES)
    changed(page, lambda: click_picture(page, 0.2, 0.2))
    assert page.evaluate(MAPS) != whole
    assert page.locator(".vm-who-region p").inner_text() == "The framed patch looks."
    box, patch = page.locator(".vm-who-picture").bounding_box(), page.evaluate(MAPS)

    def drag() -> None:
        page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.7 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.9 * box["height"], steps=3)
        page.mouse.up()

    changed(page, drag)
    assert page.evaluate(MAPS) not in (whole, patch)
    assert page.locator(".vm-who .vm-region").is_visible()
    changed(page, page.get_by_role("button", name="Whole frame").click)
    assert page.evaluate(SHARES) == said
    picture = page.locator(".vm-who-picture")
    picture.press("ArrowUp")
    changed(page, lambda: picture.press("Enter"))
    changed(page, lambda: picture.press("Escape"))
    assert page.evaluate(SHARES) == said


def another_frame_can_look(page):
    first = page.locator(WHO).inner_text()
    slider = page.get_by_role("slider", name="Which frame looks")
    changed(page, lambda: slider.press("End"))
    assert page.locator(".vm-film-picked").inner_text() == "the newest frame"
    changed(page, head(page, 0, 3).click)
    assert page.evaluate(OFFSETS) == "own"  # there is nothing ahead of the newest
    changed(page, lambda: slider.press("Home"))
    assert page.evaluate(OFFSETS) == "own,+1,+2"
    changed(page, page.locator(".vm-sight-frames button").last.click)
    assert slider.input_value() == "2"
    assert page.locator(WHO).inner_text() != first


def test_the_grid_follows_the_range_and_all_follows_the_newest_clip(page, spool_site):
    set_slider(page, "local_frame_range", 1)
    open_paused(page)
    assert page.evaluate(OFFSETS) == f"{MINUS}1,own"
    drawn = "document.querySelector('.vm-pick-grid canvas').toDataURL()"
    by_offset = page.evaluate(drawn)
    page.get_by_role("button", name="By frame").click()
    assert page.evaluate(drawn) != by_offset
    page.get_by_role("link", name="Watch").click()
    it_follows_the_newest_clip_and_stays_with_one_of_the_past(page, spool_site)


def it_follows_the_newest_clip_and_stays_with_one_of_the_past(page, spool_site):
    spool_site.clip_seconds = 0.6
    choose(page, LONG)
    page.locator(".vm-player .vm-main").click()
    wait_for_clip(page, 3)
    page.get_by_role("link", name="Heads").click()
    page.wait_for_function(KEY)
    page.locator(".vm-who .vm-badge").wait_for()
    changed(page, lambda: None)
    page.evaluate("window.vidmem.inside.setAt(3)")
    page.wait_for_function("document.querySelector('.vm-who-when').textContent.includes('00:03')")
    stays = page.evaluate(KEY)
    wait_for_clip(page, newest(page)["index"] + 2)
    assert page.evaluate(KEY) == stays


def test_it_says_why_it_is_empty(open_page, site, page):
    page.get_by_role("link", name="Heads").click()
    page.locator(".vm-heads-none", has_text="Nothing has been judged yet").wait_for()
    other = open_page(site.address)
    other.get_by_role("link", name="Heads").click()
    other.locator(".vm-heads-none", has_text="no lookback or lookahead heads").wait_for()
    other.locator(".vm-heads-none").get_by_role("link", name="Memory").click()
    other.wait_for_function("document.title === 'vidmem: Memory'")
