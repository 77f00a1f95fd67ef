"""A run outlives its tab: it goes on, is on the Runs page, and is opened there with its results."""

from __future__ import annotations

import csv

import pytest

from tests.browser.conftest import (
    LONG,
    choose,
    leave,
    newest,
    wait_for_clip,
    wait_for_status,
    wait_until,
)

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

ROW = "#part-runs_page tbody tr"


def go_to(page, view):
    page.evaluate("view => { location.hash = view; }", f"#{view}")
    page.wait_for_function("view => document.body.dataset.view === view", arg=view)


def wait_for_state(page, text):
    page.locator(f"{ROW} .vm-runs-state", has_text=text).first.wait_for()


def test_a_run_outlives_its_tab_and_is_found_on_the_runs_page(open_page, site):
    for kept in site.app.project.runs.list():
        site.app.project.runs.delete(kept.run_id)
    site.clip_seconds = 0.1
    first = open_page()
    go_to(first, "runs")
    first.get_by_text("Nothing was watched yet").wait_for()
    go_to(first, "watch")
    choose(first, LONG)
    first.locator(".vm-main").click()
    wait_for_clip(first, 3)
    run_id = first.evaluate("window.vidmem.run")
    site.set_grace(0.0)
    leave(first)
    wait_until(lambda: not site.registry().has_page(run_id))
    assert site.registry().sweep() == []
    reached = site.registry().find(run_id).view.newest.index

    second = open_page()
    go_to(second, "runs")
    wait_for_state(second, "playing, without a page")
    assert second.locator(ROW).count() == 1
    wait_until(lambda: site.registry().find(run_id).view.newest.index > reached)
    second.locator(f"{ROW} [data-run=open]").click()
    second.wait_for_function("id => window.vidmem.run === id", arg=run_id)
    second.wait_for_function("document.body.dataset.view === 'watch'")
    wait_for_clip(second, reached + 1)
    second.locator(".vm-bouts tbody tr").first.wait_for()
    # It is stopped here, and opened again by somebody who knows nothing of it.
    second.locator("[data-act=stop]").click()
    wait_for_status(second, "stopped")
    index, rows = newest(second)["index"], second.locator(".vm-bouts tbody").inner_text()
    leave(second)
    wait_until(lambda: site.registry().sweep() == [] and site.registry().find(run_id) is None)
    site.clip_seconds = 0.0

    third = open_page()
    go_to(third, "runs")
    wait_for_state(third, "stopped")
    third.locator(f"{ROW} [data-run=open]").click()
    wait_for_status(third, "stopped")
    wait_for_clip(third, index)
    assert third.locator(".vm-bouts tbody").inner_text() == rows
    third.get_by_role("button", name="Resume from").wait_for()
    go_to(third, "runs")
    third.locator(f"{ROW} [data-run=resume]").click()
    wait_for_clip(third, index + 2)
    go_to(third, "runs")
    third.locator(f"{ROW} [data-run=stop]").click()
    wait_for_state(third, "stopped")
    with third.expect_download() as download:
        third.locator(f"{ROW} .vm-runs-files a").first.click()
    clips = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert [float(one["start_seconds"]) for one in clips] == [2.0 * n for n in range(len(clips))]
    assert len(clips) == third.evaluate("window.vidmem.last.now.index") + 1
    with third.expect_download() as download:
        third.locator(f"{ROW} .vm-runs-files a").last.click()
    assert download.value.suggested_filename == "long pen-bouts.csv"

    # Deleted only by who says so twice, and by the keyboard as well.
    third.locator(f"{ROW} [data-run=delete]").press("Enter")
    assert "go for good" in third.locator(".vm-runs-sure").inner_text()
    third.keyboard.press("Enter")  # the hand is on what keeps it
    third.locator(".vm-runs-sure").wait_for(state="detached")
    third.locator(f"{ROW} [data-run=delete]").press("Enter")
    third.get_by_role("button", name="Delete it").click()
    third.get_by_text("Nothing was watched yet").wait_for()
    assert site.app.project.runs.list() == ()

    # What becomes of a run without its page is said, and can be set.
    go_to(third, "watch")
    switch = third.get_by_label("Stop when this page is closed")
    assert not switch.is_checked()
    switch.check()
    third.get_by_text("It can be resumed on the Runs page").wait_for()
    site.clip_seconds = 0.1
    third.locator(".vm-main").click()
    run_id = third.evaluate("window.vidmem.run")
    run = site.registry().find(run_id)
    wait_until(lambda: run.status == "playing" and len(run.view.timeline) > 2)
    leave(third)
    wait_until(lambda: site.registry().sweep() == [] and site.registry().find(run_id) is None)
    (kept,) = site.app.project.runs.list()
    assert kept.state == "stopped"
