"""The Cost page in the browser: live, with what happened, in words, and to take away."""

from __future__ import annotations

import csv
import json

import pytest

from tests.browser.conftest import (
    LONG,
    choose,
    set_slider,
    step_to,
    wait_for_clip,
)
from tests.browser.test_looks import is_well_everywhere

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DRAWN = "document.querySelector('.vm-costs-plot .main-svg')"
NUM_CLIPS = """() => Number([...document.querySelectorAll('.vm-costs-facts tr')]
    .find((row) => row.cells[0].textContent === 'clips judged')?.cells[1].textContent ?? 0)"""
KINDS = "[...document.querySelectorAll('.vm-costs-events li')].map((one) => one.textContent)"


def open_cost(page) -> None:
    page.get_by_role("link", name="Cost", exact=True).click()
    page.wait_for_function(DRAWN)


@pytest.fixture
def page(open_page, site):
    opened = open_page()
    choose(opened, LONG)
    return opened


def test_before_the_first_clip_it_says_where_to_begin(page):
    page.get_by_role("link", name="Cost", exact=True).click()
    none = page.locator(".vm-costs-none")
    none.get_by_text("Nothing has been measured yet").wait_for()
    assert page.title() == "vidmem: Cost"
    assert page.locator(".vm-player").is_hidden()
    assert page.locator(".vm-costs-plot").is_hidden()


def test_it_follows_what_plays_and_says_what_is_held(page):
    page.locator(".vm-big").click()
    wait_for_clip(page, 1)
    open_cost(page)
    seen = page.evaluate(NUM_CLIPS)
    page.wait_for_function(f"seen => ({NUM_CLIPS})() > seen", arg=seen)
    assert "Settling" in page.locator(".vm-costs-headline").inner_text()
    facts = page.locator(".vm-costs-facts").inner_text()
    assert "state of the stream" in facts
    assert "bytes =" in facts
    assert "processor" in page.locator(".vm-costs-gpu").inner_text()
    legend = page.locator(".vm-costs-legend").inner_text()
    assert legend.split()[1] == "process"


def test_what_happens_is_listed_newest_first_and_marked_on_the_card(page):
    page.locator(".vm-big").click()
    wait_for_clip(page, 1)
    set_slider(page, "l_mem", 1)
    open_cost(page)
    full = "Full: each new clip takes the place of the oldest of 1after"
    page.wait_for_function(f"full => {KINDS}[0]?.includes(full)", arg=full)
    events = page.evaluate(KINDS)
    assert "in use" in events[-1]
    assert any("L_mem is 1 now" in event for event in events)
    # The card is told of them once a second.
    page.wait_for_function(f"window.vidmem.last.cost.events.length === {len(events)}")


def test_figure_and_numbers_can_be_downloaded(page):
    page.locator(".vm-big").click()
    wait_for_clip(page, 2)
    page.locator("a[href='#cost']", has_text="Cost page").click()
    page.wait_for_function(DRAWN)
    paths = {}
    for selector in ("[data-cost=png]", ".vm-costs [data-file=json]", ".vm-costs [data-file=csv]"):
        with page.expect_download() as download:
            page.locator(selector).click()
        kind = download.value.suggested_filename.removeprefix("memory-over-time.")
        paths[kind] = download.value.path()
    assert paths["png"].read_bytes().startswith(b"\x89PNG")
    told = json.loads(paths["json"].read_text())
    assert told["newest"]["num_clips"] >= 3
    assert "allocated_bytes" in told["not_measured"]
    rows = list(csv.DictReader(paths["csv"].read_text().splitlines()))
    assert float(rows[-1]["process_bytes_mean"]) > 1e7


def test_it_is_well_at_every_size_and_in_every_scheme(open_page, site):
    opened = open_page(is_calm=True)
    step_to(opened, 4)
    open_cost(opened)
    opened.wait_for_function(f"({NUM_CLIPS})() > 0")
    assert is_well_everywhere(opened)
