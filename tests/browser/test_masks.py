"""The Masks page in the browser: beside a run that plays, its numbers, its cells, its files."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from app.explain.mask_catalogue import MASKS
from tests.browser.conftest import LONG, choose, leave, newest, set_slider, status, wait_for_clip
from tests.browser.test_looks import is_well_everywhere

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DRAWN = "document.querySelector('.vm-mask-blocks .main-svg')"
PLOT = "document.querySelector('.vm-mask-matrix .vm-plotly')"
MATRIX = f"JSON.stringify([...{PLOT}.data[0].hovertext])"
FITS = """() => ['matrix', 'blocks'].every((name) => {
  const plot = document.querySelector(`.vm-mask-${name} .vm-plotly`);
  const figure = plot.querySelector('.main-svg').getBoundingClientRect();
  const below = plot.nextElementSibling.getBoundingClientRect();
  return figure.height === plot.clientHeight && figure.bottom <= below.top;
})"""
"""Whether each figure is as high as its place, and covers nothing that stands under it."""

ALLOWED = "document.querySelector('.vm-mask-numbers tbody td').textContent"


def open_masks(page) -> None:
    page.get_by_role("link", name="Masks").click()
    page.wait_for_function(DRAWN)


@pytest.fixture
def page(open_page, spool_site):
    spool_site.clip_seconds = 0.3
    opened = open_page(spool_site.address)
    yield opened
    leave(opened)
    spool_site.app.registry.clear()


def test_it_starts_from_the_model_in_use_and_follows_its_range(page):
    choose(page, LONG)
    set_slider(page, "local_frame_range", 3)
    page.locator(".vm-main").click()
    wait_for_clip(page, 1)
    open_masks(page)
    assert page.title() == "vidmem: Masks"
    assert page.locator(".vm-player").is_hidden()
    assert page.locator(".vm-mask").input_value() == "model:0"
    assert "range 3" in page.locator(".vm-mask-title").inner_text()
    wait_for_clip(page, newest(page)["index"] + 2)  # the run goes on
    page.keyboard.press(" ")
    wait_for_clip(page, newest(page)["index"] + 2)  # the key is for a page on view only
    assert status(page) == "playing"
    page.get_by_role("link", name="Watch").click()
    page.locator(".vm-player").wait_for()


def test_a_mask_is_changed_by_numbers_and_can_be_downloaded(page):
    open_masks(page)
    figures_and_numbers_can_be_downloaded(page)
    a_number_changes_the_matrix_and_a_cell_says_why(page)
    what_is_not_allowed_is_said_and_another_mask_can_be_taken(page)
    a_saved_mask_is_opened_checked_and_compared(page)


def figures_and_numbers_can_be_downloaded(page):
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


def a_number_changes_the_matrix_and_a_cell_says_why(page):
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


def what_is_not_allowed_is_said_and_another_mask_can_be_taken(page):
    for name in ("Lookback heads", "Lookahead heads"):
        page.get_by_role("slider", name=name).press("Home")
    page.locator(".vm-mask-error").wait_for()
    assert "at least one head" in page.locator(".vm-mask-error").inner_text()
    page.locator(".vm-mask").select_option("mask:windows")
    page.locator(".vm-mask-error").wait_for(state="hidden")
    assert page.locator(".vm-mask-heads").is_hidden()


def a_saved_mask_is_opened_checked_and_compared(page):
    page.locator(".vm-mask").select_option("mask:saved")
    assert page.locator(".vm-mask-numbers tbody tr").count() == 0  # no file is chosen yet
    causal = np.tril(np.ones((12, 12), bool))
    wrong = causal.copy()
    wrong[3, 7] = True
    page.locator(".vm-mask-file").set_input_files(npy_file("wrong.npy", wrong))
    page.locator(".vm-mask-found").wait_for()
    assert "Nothing is wrong" in page.locator(".vm-mask-found").inner_text()
    page.locator("[data-number=future]").select_option("none")
    page.get_by_text("row 3 sees key 7, 4 ahead").wait_for()
    page.locator(".vm-mask-other").set_input_files(npy_file("causal.npy", causal))
    page.get_by_text("disagree on 1 of 144 pairs").wait_for()
    page.locator(".vm-mask-file").set_input_files(npy_file("bad.npy", np.ones((3, 3))))
    page.get_by_text("must be boolean, got float64").wait_for()
    assert page.locator(".vm-mask-found").is_hidden()
    page.locator(".vm-mask").select_option("mask:windows")
    page.locator(".vm-mask-saved").wait_for(state="hidden")


def npy_file(name, mask):
    file = io.BytesIO()
    np.save(file, mask)
    return {"name": name, "mimeType": "application/octet-stream", "buffer": file.getvalue()}


def test_it_is_well_at_every_size_and_in_every_scheme_and_no_figure_covers_what_is_under_it(
    open_page, site
):
    opened = open_page(is_calm=True)
    open_masks(opened)
    names = opened.locator(".vm-mask option").evaluate_all("all => all.map((one) => one.value)")
    assert {f"mask:{name}" for name in MASKS} < set(names)  # and the model's own
    for name in names:
        if name == "mask:saved":  # draws nothing before a file is chosen
            continue
        opened.evaluate(f"{PLOT}.data.isOld = true")  # replaced as the next one is drawn
        opened.locator(".vm-mask").select_option(name)
        opened.wait_for_function(f"!{PLOT}.data.isOld")
        opened.wait_for_function(FITS)
    opened.set_viewport_size({"width": 1000, "height": 1000})
    opened.wait_for_function(FITS)
    assert is_well_everywhere(opened)
