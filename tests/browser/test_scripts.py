"""The scripts of the page arrive late, one after the other, or not at all."""

from __future__ import annotations

import time

import pytest

from tests.browser.conftest import new_page, wait_for_clip, wait_for_status

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_a_first_visit_works_when_every_script_is_slow(browser, site):
    site.clip_seconds = 0.0
    page = new_page(browser)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)

    def late(route):
        time.sleep(0.05)  # routes are handled one after the other: fifty scripts take seconds
        route.continue_()

    page.route("**/scripts/**", late)
    page.goto(site.address)
    page.wait_for_function("window.vidmem?.last.source", timeout=60_000)
    page.locator(".vm-big").click()
    wait_for_clip(page, 1)
    wait_for_status(page, "finished")
    assert page.locator(".vm-notice").is_hidden()  # nor was it taken for a page that lost its run
    assert page.locator(".vm-strip li[data-clip] .vm-thumb[style*='data:image']").count() > 0
    assert complaints == []
    page.context.close()
    site.app.registry.clear()


def test_a_part_whose_script_does_not_come_is_missed_alone(browser, site):
    page = new_page(browser)
    page.route("**/watch/bouts.js", lambda route: route.abort())
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(site.address)
    page.locator(".vm-big").click(timeout=60_000)
    wait_for_clip(page, 1)
    assert page.locator(".vm-bouts tbody tr").count() == 0
    only_what_was_on_view_is_fetched(page, fetched)
    page.context.close()
    site.app.registry.clear()


def only_what_was_on_view_is_fetched(page, fetched):
    def folders():
        scripts = [url.split("/scripts/")[1] for url in fetched if "/scripts/" in url]
        return {script.split("/")[1] for script in scripts}

    assert folders() == {"shared", "watch"}
    page.get_by_role("link", name="Planner").click()
    page.wait_for_function("document.querySelector('.vm-plan-headline').textContent")
    assert folders() == {"shared", "watch", "planner"}
