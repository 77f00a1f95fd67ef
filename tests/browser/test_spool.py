"""A model that looks ahead, in the browser: provisional until final, its controls, its heads."""

from __future__ import annotations

import csv

import pytest

from tests.browser.conftest import (
    leave,
    newest,
    set_slider,
    step_to,
    wait_for_clip,
    wait_for_status,
)
from tests.browser.test_looks import is_well_everywhere
from vidmem.streaming import StreamSettings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SAID = """start => {
    const inTail = window.vidmem.tail.find((point) => point[1] === start);
    if (inTail) return { isFinal: Boolean(inTail[5]) };
    const range = window.vidmem.last.range, at = range ? range.start.indexOf(start) : -1;
    return at < 0 ? null : { isFinal: !range.provisional.includes(at) };
}"""

OVERLAPS = """() => {
    const points = [...window.vidmem.tail].sort((a, b) => a[1] - b[1]);
    return points.filter((point, at) => at > 0 && point[1] < points[at - 1][2] - 1e-6).length;
}"""


@pytest.fixture
def page(open_page, spool_site):
    spool_site.clip_seconds = 0.3
    opened = open_page(spool_site.address)
    yield opened
    leave(opened)
    spool_site.app.registry.clear()


def latency_told(page) -> str:
    """The sentence on the page, checked against what the settings in use say."""
    used = StreamSettings(**page.evaluate("window.vidmem.last.settings.values"))
    told = page.locator(".vm-latency").inner_text()
    assert told == (
        f"final {used.latency_seconds:g} s after a clip ends: each of 2 layers looks "
        f"{used.local_frame_range} frames ahead"
    )
    return told


def test_what_is_provisional_becomes_final_and_is_well_at_every_size_and_in_every_scheme(page):
    a_provisional_prediction_becomes_final_and_the_range_says_when(page)
    page.locator(".vm-more summary").click()
    assert is_well_everywhere(page)


def a_provisional_prediction_becomes_final_and_the_range_says_when(page):
    before = latency_told(page)
    step_to(page, 3)
    page.locator(".vm-now .vm-badge").wait_for()
    assert page.locator(".vm-now .vm-badge").inner_text() == "provisional"
    start = newest(page)["start_seconds"]
    page.wait_for_function(f"start => ({SAID})(start)?.isFinal === false", arg=start)
    page.locator(".vm-hatched").wait_for()
    step_to(page, 6)
    page.wait_for_function(f"start => ({SAID})(start)?.isFinal === true", arg=start)
    set_slider(page, "local_frame_range", 6)
    assert latency_told(page) != before
    step_to(page, 10)
    assert page.locator(".vm-notice").is_hidden()  # the window was not emptied
    assert page.evaluate(OVERLAPS) == 0
    page.wait_for_function(
        "document.querySelectorAll('.vm-strip li.vm-provisional:not(.vm-leaving)').length === 3"
    )
    plot = page.locator(".vm-plot")
    plot.focus()
    plot.press("End")
    page.wait_for_function("window.vidmem.last.look !== null")
    assert plot.get_attribute("aria-valuetext").endswith("provisional")
    page.wait_for_function("document.querySelector('.vm-tag').innerText.endsWith('provisional')")


def test_stopped_the_page_and_the_file_say_the_same(page):
    page.locator(".vm-main").click()
    wait_for_clip(page, 5)
    page.locator("[data-act=stop]").click()
    wait_for_status(page, "stopped")
    page.locator(".vm-now .vm-badge").wait_for(state="hidden")
    page.wait_for_function("window.vidmem.last.bouts.note.includes('as judged last')")
    page.wait_for_function("document.querySelector('.vm-hatched').hidden")
    with page.expect_download() as download:
        page.locator(".vm-csv").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    counted = page.evaluate("window.vidmem.last.bouts.rows.reduce((sum, row) => sum + row[3], 0)")
    assert counted == pytest.approx(2 * len(rows), abs=0.5)


def test_the_heads_shown_follow_the_range_and_the_choice(page):
    seen = "document.querySelectorAll('.vm-heads svg .vm-see-{}').length"
    figure = page.locator(".vm-heads svg")
    before = figure.inner_html()
    slider = page.locator("[data-setting=local_frame_range]")
    slider.focus()
    slider.press("ArrowRight")
    assert figure.inner_html() != before
    assert "3 before it" in page.locator("#page .vm-legend").inner_text()
    assert (
        "context frames see the whole window (16)" in page.locator("#page .vm-legend").inner_text()
    )
    assert page.evaluate(seen.format("lookback")) > 0
    assert page.evaluate(seen.format("lookahead")) > 0
    page.locator("[data-heads=lookback]").click()
    assert page.evaluate(seen.format("lookahead")) == 0
    assert page.evaluate(seen.format("lookback")) > 0
    slider.press("Home")
    assert page.evaluate(seen.format("lookback")) == 0
    assert page.locator(".vm-latency").inner_text().startswith("final at once")


def test_the_controls_and_the_strip_change_with_the_model_in_mid_stream(page, spool_site):
    from vidmem.models.presets import bundled_models

    if "fam-swin-nano" not in bundled_models():
        pytest.skip("assets/ has no other model yet")
    models = page.locator("#page").get_by_label("Model", exact=True)
    spool = models.input_value()
    step_to(page, 2)
    assert page.get_by_role("region", name="What it sees").count() == 1
    assert page.locator("[data-setting=window_stride]").count() == 0
    for model, title, has_range in (
        ("fam-swin-nano", "What it remembers", False),
        (spool, "What it sees", True),
    ):
        models.select_option(model)
        page.wait_for_function("name => window.vidmem.last.model.name === name", arg=model)
        page.wait_for_function(
            "isWindow => window.vidmem.last.memory.is_window === isWindow", arg=has_range
        )
        assert page.get_by_role("region", name=title).count() == 1
        assert page.locator("[data-setting=local_frame_range]").count() == has_range
        assert page.locator("[data-setting=window_stride]").count() == (not has_range)
        assert page.locator(".vm-heads").is_visible() == has_range
        assert page.locator(".vm-latency").is_visible() == has_range
        step_to(page, (newest(page) or {"index": 2})["index"] + 2)
    spool_site.clip_seconds = 0.0
    page.locator(".vm-main").click()
    wait_for_status(page, "finished")
