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
    wait_until_it_listens,
)

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

ROW = "#part-runs_page tbody tr"


def go_to(page, view):
    page.evaluate("view => { location.hash = view; }", f"#{view}")
    page.wait_for_function("view => document.body.dataset.view === view", arg=view)
    wait_until_it_listens(page)


def wait_for_state(page, text):
    page.locator(f"{ROW} .vm-runs-state", has_text=text).first.wait_for()


def test_a_run_outlives_its_tab_and_is_found_on_the_runs_page(open_page, site):
    for kept in site.app.project.runs.list():
        site.app.project.runs.delete(kept.run_id)
    site.clip_seconds = 0.1
    run_id = begin_and_close_the_tab(open_page(), site)
    second = open_page()
    site.set_grace(0.0)
    index, rows = find_it_playing_and_stop_it(second, site, run_id)
    leave(second)
    free(site, run_id)
    third = open_page()
    site.set_grace(0.0)
    open_it_and_go_on(third, index, rows)
    label_beside_it(third)
    export_it(third)
    delete_it(third, site)
    let_one_end_with_its_page(third, site)


def free(site, run_id):
    """Sweep, until the run is not there any more."""
    wait_until(lambda: site.registry().sweep() == [] and site.registry().find(run_id) is None)


def begin_and_close_the_tab(page, site):
    go_to(page, "runs")
    page.get_by_text("Nothing was watched yet").wait_for()
    go_to(page, "watch")
    choose(page, LONG)
    page.locator(".vm-main").click()
    wait_for_clip(page, 3)
    run_id = page.evaluate("window.vidmem.run")
    site.set_grace(0.0)
    leave(page)
    wait_until(lambda: not site.registry().has_page(run_id))
    assert site.registry().sweep() == []
    return run_id


def find_it_playing_and_stop_it(page, site, run_id):
    run = site.registry().find(run_id)
    reached = run.view.newest.index
    go_to(page, "runs")
    wait_for_state(page, "playing, without a page")
    assert page.locator(ROW).count() == 1
    wait_until(lambda: run.view.newest.index > reached)
    page.locator(f"{ROW} [data-run=open]").click()
    page.wait_for_function("id => window.vidmem.run === id", arg=run_id)
    page.wait_for_function("document.body.dataset.view === 'watch'")
    wait_for_clip(page, reached + 1)
    page.locator(".vm-bouts tbody tr").first.wait_for()
    page.locator("[data-act=stop]").click()
    wait_for_status(page, "stopped")
    page.wait_for_function(
        "window.vidmem.last.timeline.analysed === window.vidmem.last.now.end_seconds"
    )
    return newest(page)["index"], page.locator(".vm-bouts tbody").inner_text()


def open_it_and_go_on(page, index, rows):
    """Of a page that knows nothing of it, after it was freed: all is from its files."""
    go_to(page, "runs")
    wait_for_state(page, "stopped")
    page.locator(f"{ROW} [data-run=open]").click()
    wait_for_status(page, "stopped")
    wait_for_clip(page, index)
    assert page.locator(".vm-bouts tbody").inner_text() == rows
    page.get_by_role("button", name="Resume from").wait_for()
    go_to(page, "runs")
    page.locator(f"{ROW} [data-run=resume]").click()
    wait_for_clip(page, index + 2)
    go_to(page, "runs")
    page.locator(f"{ROW} [data-run=stop]").click()
    wait_for_state(page, "stopped")


def label_beside_it(page):
    """Its video is chosen on Label, and itself below what a person says."""
    chosen = page.locator(f"{ROW}").get_attribute("data-id")
    page.locator(f"{ROW} [data-run=label]").click()
    page.wait_for_function(
        "run => document.querySelector('.vm-code-run select')?.value === run", arg=chosen
    )
    assert page.locator(".vm-code-run-trouble").is_hidden()
    go_to(page, "runs")


def export_it(page):
    files = page.locator(f"{ROW} .vm-runs-files a")
    with page.expect_download() as download:
        files.first.click()
    clips = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert [float(one["start_seconds"]) for one in clips] == [2.0 * n for n in range(len(clips))]
    assert len(clips) == newest(page)["index"] + 1
    with page.expect_download() as download:
        files.last.click()
    assert download.value.suggested_filename == "long pen-bouts.csv"


def delete_it(page, site):
    """Only if one says so twice; by the keyboard as well."""
    page.locator(f"{ROW} [data-run=delete]").press("Enter")
    assert "go for good" in page.locator(".vm-runs-sure").inner_text()
    page.keyboard.press("Enter")  # the hand is on what keeps it
    page.locator(".vm-runs-sure").wait_for(state="detached")
    page.locator(f"{ROW} [data-run=delete]").press("Enter")
    page.get_by_role("button", name="Delete it").click()
    page.get_by_text("Nothing was watched yet").wait_for()
    assert site.app.project.runs.list() == ()


def let_one_end_with_its_page(page, site):
    go_to(page, "watch")
    switch = page.get_by_label("Stop when this page is closed")
    assert not switch.is_checked()
    switch.check()
    page.get_by_text("It can be resumed on the Runs page").wait_for()
    page.locator("[data-act=toggle]").click()
    run = site.registry().find(page.evaluate("window.vidmem.run"))
    wait_until(lambda: run.status == "playing" and len(run.view.timeline) > 2)
    leave(page)
    free(site, run.run_id)
    (kept,) = site.app.project.runs.list()
    assert kept.state == "stopped"
