"""What mattered, in the browser: tests begun, watched, cancelled, and what they found."""

from __future__ import annotations

import json
import time

import pytest

from app.explain.jobs import Job
from tests.browser.conftest import (
    LONG,
    choose,
    leave,
    newest,
    step_to,
    wait_for_clip,
    wait_for_status,
    wait_until,
)
from tests.browser.test_looks import is_well_everywhere

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PART = "#mattered-page"
OCCLUSION = "[data-figure=occlusion] .main-svg"
AT = 21.0
KINDS = ("direct", "total", "memory", "pixels", "occlusion")
TESTED = (
    "kind => document.querySelector(`.vm-mat-list [data-kind=${kind}]`)?.textContent === 'Again'"
)


def watch(page) -> None:
    """Play the video to its end."""
    page.locator(".vm-main").first.click()
    wait_for_status(page, "finished")


def open_card(page, view="memory", at=AT) -> None:
    page.evaluate("view => { location.hash = view; }", view)
    if at is not None:
        page.evaluate("at => window.vidmem.inside.setAt(at)", at)
    page.wait_for_function("document.querySelectorAll('.vm-mat-list button').length === 5")


def press(page, kind) -> None:
    page.locator(f".vm-mat-list [data-kind={kind}]").click()


def do(page, kind) -> None:
    press(page, kind)
    page.wait_for_function(TESTED, arg=kind)


@pytest.fixture
def slow(monkeypatch):
    """Each evaluation takes a while longer."""
    ran = Job.on_evaluated

    def slowly(job, done, total):
        time.sleep(0.8)  # twenty-five of them outlast what a test asks meanwhile
        ran(job, done, total)

    monkeypatch.setattr(Job, "on_evaluated", slowly)


def the_run(page, site):
    return site.registry().find(page.evaluate("window.vidmem.run"))


def test_a_moment_is_tested_in_every_way(open_page, site):
    """One page for all of these: each of them would play the video anew."""
    page = open_page()
    watch(page)
    open_card(page)
    direct_and_total_effects_stand_beside_attention(page, site)
    maps_are_drawn_and_all_can_be_downloaded(page)
    assert is_well_everywhere(page)


def direct_and_total_effects_stand_beside_attention(page, site):
    assert "Attention is not an explanation" in page.locator(PART).inner_text()
    do(page, "direct")
    do(page, "total")
    # Drawn a moment after the answer is here.
    page.wait_for_function("document.querySelector('[data-figure=effects]').data?.length === 3")
    traces = page.evaluate(
        "document.querySelector('[data-figure=effects]').data.map(({ type }) => type)"
    )
    assert traces == ["bar", "scatter", "scatter"]
    said = page.locator(".vm-mat-effects .vm-mat-said").inner_text()
    assert said.count("rank correlation") == 2
    found = the_run(page, site).inside.tests.tested_moment
    assert found.index == 10
    assert set(found.results) == {"direct", "total"}
    buttons = page.locator(".vm-mat-clips button")
    assert buttons.count() == len(found.subject.remembered)
    buttons.first.click()
    assert page.locator(".vm-mat-preview p").inner_text().startswith("00:12\N{EN DASH}00:14")
    assert page.evaluate("window.vidmem.last.mark") == {"start": 12, "end": 14}
    assert page.evaluate("window.vidmem.inside.at") == AT


def maps_are_drawn_and_all_can_be_downloaded(page):
    for kind in ("memory", "pixels", "occlusion"):
        do(page, kind)
    page.wait_for_function("document.querySelectorAll('.vm-mat-maps canvas').length === 4")
    page.locator(OCCLUSION).first.wait_for()
    for selector, name in (
        ("[data-png=effects]", "mattered-effects-10.png"),
        ("[data-png=memory]", "mattered-memory-10.png"),
        ("[data-png=occlusion]", "mattered-occlusion-10.png"),
        ("[data-png=pixels]", "mattered-pixels-10.png"),
        ("[data-file]", "mattered-10.json"),
    ):
        with page.expect_download() as download:
            page.locator(f"{PART} {selector}").click()
        assert download.value.suggested_filename == name
    content = json.loads(download.value.path().read_text())
    assert set(content["results"]) == set(KINDS)
    assert content["moment"]["start_seconds"] == 20


def test_a_test_runs_beside_what_plays_and_can_be_cancelled(open_page, site, slow, own_threads):
    site.clip_seconds = 0.5
    page = open_page()
    choose(page, LONG)
    page.locator(".vm-main").first.click()
    wait_for_clip(page, 1)
    open_card(page, at=None)
    press(page, "occlusion")
    page.wait_for_function("document.querySelector('.vm-mat-told').textContent.includes(' left')")
    assert "25 runs of the model" in page.locator(".vm-mat-told").inner_text()
    wait_for_clip(page, newest(page)["index"] + 1)
    refused = page.evaluate(
        "async () => (await fetch(`inside/tests/start?kind=direct&run=${window.vidmem.run}`,"
        " { method: 'POST' })).json()"
    )
    assert "tested already" in refused["error"]
    page.locator(".vm-mat-cancel").click()
    page.wait_for_function(
        "document.querySelector('.vm-mat-ended').textContent.includes('Cancelled after')"
    )
    wait_until(lambda: own_threads("model-test") == [])
    assert the_run(page, site).inside.tests.tested_moment is None
    assert page.locator(".vm-mat-empty").is_visible()
    wait_for_clip(page, newest(page)["index"] + 1)  # the run goes on


def test_tests_stay_with_a_moment_while_the_stream_goes_on(open_page, site):
    site.clip_seconds = 0.3
    page = open_page()
    choose(page, LONG)
    page.locator(".vm-main").first.click()
    wait_for_clip(page, 4)
    open_card(page, at=None)
    do(page, "direct")
    tested = the_run(page, site).inside.tests.tested_moment.index
    wait_for_clip(page, tested + 2)
    do(page, "total")
    found = the_run(page, site).inside.tests.tested_moment
    assert (found.index, set(found.results)) == (tested, {"direct", "total"})
    page.get_by_role("button", name="Use the newest clip instead").click()
    do(page, "direct")
    assert the_run(page, site).inside.tests.tested_moment.index > tested


def test_another_video_and_the_end_of_the_run_end_a_test(open_page, site, slow, own_threads):
    page = open_page()
    step_to(page, 3)
    open_card(page, at=None)
    do(page, "direct")
    another_video_ends_it_and_nothing_is_left_on_the_page(page, site, own_threads)
    page.evaluate("location.hash = 'watch'")
    step_to(page, 1)
    open_card(page, at=None)
    closing_the_run_ends_it(page, site, own_threads)


def begin_occlusion(page):
    press(page, "occlusion")
    page.wait_for_function("document.querySelector('.vm-mat-told').textContent.includes(' left')")


def another_video_ends_it_and_nothing_is_left_on_the_page(page, site, own_threads):
    begin_occlusion(page)
    run = the_run(page, site)
    other = next(
        key for _, group in run.board.get("videos") for key, *_ in group if "second" in key
    )
    page.evaluate("video => window.vidmem.act('choose', { video })", other)
    wait_until(lambda: own_threads("model-test") == [])
    page.wait_for_function("!document.querySelector('.vm-mat-empty').hidden")
    assert page.locator(".vm-mat-effects").is_hidden()


def closing_the_run_ends_it(page, site, own_threads):
    begin_occlusion(page)
    site.registry().clear()
    wait_until(lambda: own_threads("model-test") == [])


def test_of_spool_it_says_what_cannot_be_tested(open_page, spool_site):
    page = open_page(spool_site.address)
    page.get_by_role("link", name="Heads").click()
    occlude = page.locator(".vm-mat-list [data-kind=occlusion]")
    occlude.wait_for(state="attached")
    assert occlude.is_disabled()  # nothing is judged yet
    page.get_by_role("link", name="Watch").click()
    watch(page)
    open_card(page, view="heads", at=9.0)
    assert "frozen" in page.locator(".vm-mat-not").inner_text()  # waits until the model is known
    assert page.locator(".vm-mat-list [data-kind=pixels]").is_disabled()
    do(page, "occlusion")
    page.locator(OCCLUSION).first.wait_for()
    page.evaluate("location.hash = 'memory'")
    page.locator(f"{PART} .vm-card").wait_for(state="hidden")
    leave(page)
    spool_site.app.registry.clear()
