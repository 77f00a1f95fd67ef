"""The Cost page in the browser: live, with what happened, in words, and to take away."""

from __future__ import annotations

import csv
import json

import pytest

from tests.browser.conftest import (
    LONG,
    choose,
    set_slider,
    wait_for_clip,
    wait_for_status,
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


def test_it_says_where_to_begin_and_then_what_is_held_and_what_happened(open_page, site):
    """One page for all of these: to open it and its figure takes longer than to read it."""
    page = open_page()
    site.clip_seconds = 0.1  # the video does not end meanwhile
    choose(page, LONG)
    before_the_first_clip_it_says_where_to_begin(page)
    page.get_by_role("link", name="Watch").click()
    page.locator(".vm-big").click()
    wait_for_clip(page, 1)
    open_cost(page)
    it_follows_what_plays_and_says_what_is_held(page)
    page.get_by_role("link", name="Watch").click()
    set_slider(page, "l_mem", 1)
    page.locator("a[href='#cost']", has_text="Cost page").click()
    page.wait_for_function(DRAWN)
    what_happens_is_listed_newest_first_and_marked_on_the_card(page)
    figure_and_numbers_can_be_downloaded(page)
    page.evaluate("window.vidmem.act('pause')")
    wait_for_status(page, "paused")
    assert is_well_everywhere(page)


def before_the_first_clip_it_says_where_to_begin(page):
    page.get_by_role("link", name="Cost", exact=True).click()
    none = page.locator(".vm-costs-none")
    none.get_by_text("Nothing has been measured yet").wait_for()
    assert page.title() == "vidmem: Cost"
    assert page.locator(".vm-player").is_hidden()
    assert page.locator(".vm-costs-plot").is_hidden()


def it_follows_what_plays_and_says_what_is_held(page):
    seen = page.evaluate(NUM_CLIPS)
    page.wait_for_function(f"seen => ({NUM_CLIPS})() > seen", arg=seen)
    assert "Settling" in page.locator(".vm-costs-headline").inner_text()
    facts = page.locator(".vm-costs-facts").inner_text()
    assert "state of the stream" in facts
    assert "bytes =" in facts
    assert "processor" in page.locator(".vm-costs-gpu").inner_text()
    legend = page.locator(".vm-costs-legend").inner_text()
    assert legend.split()[1] == "process"


def what_happens_is_listed_newest_first_and_marked_on_the_card(page):
    full = "Full: each new clip takes the place of the oldest of 1after"
    page.wait_for_function(f"full => {KINDS}[0]?.includes(full)", arg=full)
    events = page.evaluate(KINDS)
    assert "in use" in events[-1]
    assert any("L_mem is 1 now" in event for event in events)
    # The card is told of them once a second.
    page.wait_for_function(f"window.vidmem.last.cost.events.length === {len(events)}")


def figure_and_numbers_can_be_downloaded(page):
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
