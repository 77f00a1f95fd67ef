"""The Masks page in the browser: beside a run that plays, its numbers, its cells, its files."""

from __future__ import annotations

import json

import pytest

from tests.browser.conftest import newest, set_slider, wait_for_clip
from tests.browser.test_looks import violations

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DRAWN = "document.querySelector('.vm-mask-blocks .main-svg')"
MATRIX = (
    "JSON.stringify([...document.querySelector('.vm-mask-matrix .vm-plotly').data[0].hovertext])"
)
ALLOWED = "document.querySelector('.vm-mask-numbers tbody td').textContent"


def open_masks(page) -> None:
    page.get_by_role("link", name="Masks").click()
    page.wait_for_function(DRAWN)


@pytest.fixture
def page(open_page, spool_site):
    spool_site.clip_seconds = 0.3
    opened = open_page(spool_site.address)
    yield opened
    opened.close()
    spool_site.app.registry.clear()


def test_it_starts_from_the_model_in_use_and_follows_its_range(page):
    set_slider(page, "local_frame_range", 3)
    page.wait_for_function("window.vidmem.last.settings.values.local_frame_range === 3")
    page.locator(".vm-main").click()
    wait_for_clip(page, 1)
    open_masks(page)
    assert page.title() == "vidmem: Masks"
    assert page.locator(".vm-player").is_hidden()
    assert page.locator(".vm-mask").input_value() == "model:0"
    assert "range 3" in page.locator(".vm-mask-title").inner_text()
    wait_for_clip(page, newest(page)["index"] + 2)  # what plays plays on
    page.keyboard.press(" ")
    assert page.evaluate("window.vidmem.last.play.status") != "paused"
    page.get_by_role("link", name="Watch").click()
    assert page.locator(".vm-player").is_visible()


def test_a_number_changes_the_matrix_and_a_cell_says_why(page):
    open_masks(page)
    matrix, allowed = page.evaluate(MATRIX), page.evaluate(ALLOWED)
    slider = page.get_by_role("slider", name="Range, in frames")
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_function(f"before => {ALLOWED} !== before", arg=allowed)
    assert page.evaluate(MATRIX) != matrix
    assert page.locator(".vm-mask").input_value() == "mask:spool"
    figure = page.locator(".vm-mask-matrix .vm-plotly")
    figure.focus()
    for key in ("ArrowDown", "End"):
        figure.press(key)
    assert page.locator(".vm-mask-why").inner_text().endswith("key token 55")
    assert "start context frame to end context frame" in page.locator(".vm-mask-why").inner_text()
    figure.press("Escape")
    assert page.locator(".vm-mask-why").inner_text().startswith("Point at a cell")
    page.locator(".vm-mask-head").select_option("3")
    page.wait_for_function(f"before => {MATRIX} !== before", arg=page.evaluate(MATRIX))


def test_what_is_not_allowed_is_said_and_another_mask_can_be_taken(page):
    open_masks(page)
    for name in ("Lookback heads", "Lookahead heads"):
        page.get_by_role("slider", name=name).press("Home")
    page.locator(".vm-mask-error").wait_for()
    assert "at least one head" in page.locator(".vm-mask-error").inner_text()
    page.locator(".vm-mask").select_option("mask:windows")
    page.locator(".vm-mask-error").wait_for(state="hidden")
    assert page.locator(".vm-mask-heads").is_hidden()


def test_figures_and_numbers_can_be_downloaded(page):
    open_masks(page)
    for selector, name in (
        (".vm-masks [data-png=matrix]", "mask-matrix.png"),
        (".vm-masks [data-png=blocks]", "mask-blocks.png"),
        (".vm-masks [data-file=npz]", "mask-spool.npz"),
        (".vm-masks [data-file=json]", "mask-spool.json"),
    ):
        with page.expect_download() as download:
            page.locator(selector).click()
        assert download.value.suggested_filename == name
    assert json.loads(download.value.path().read_text())["numbers"]["range"] == 2


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
)
def test_axe_finds_nothing_and_nothing_needs_a_sideways_scroll(open_page, site, width, scheme):
    opened = open_page(width=width, scheme=scheme, reduced_motion="reduce")
    open_masks(opened)
    assert violations(opened) == []
    widths = opened.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
