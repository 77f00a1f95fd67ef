"""Cameras in the browser: an address that is typed, and the webcam of the visitor's device."""

from __future__ import annotations

import pytest

from tests.browser.conftest import (
    leave,
    newest,
    status,
    wait_for_clip,
    wait_for_status,
    wait_until,
)
from tests.browser.test_looks import is_well_everywhere
from tests.browser.test_memory_page import open_memory
from tests.video.live.http_camera import HttpCamera

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PACE = "document.querySelector('.vm-pace').textContent"


def watch(page, address) -> None:
    page.get_by_role("textbox", name="Address of a camera").fill(address)
    page.get_by_role("button", name="Watch", exact=True).click()


@pytest.fixture
def page(open_page, site):
    opened = open_page()
    yield opened
    leave(opened)
    site.app.registry.clear()


def test_addresses_are_watched_or_it_is_told_why_not(page, material):
    what_cannot_be_opened_is_told_and_the_page_goes_on(page)
    with HttpCamera(material / "long.mp4", speed=2.0) as camera:
        watch(page, camera.url)
        wait_for_clip(page, 2)
        seen = it_is_watched_as_it_comes(page)
        assert is_well_everywhere(page)
        page.locator("[data-act=stop]").click()
        wait_for_status(page, "stopped")
    its_predictions_stay(page, seen)


def what_cannot_be_opened_is_told_and_the_page_goes_on(page):
    watch(page, "file:///etc/passwd")
    page.get_by_text("file:///etc/passwd is no address of a camera").wait_for()
    watch(page, "http://127.0.0.1:9/pen.ts")
    wait_for_status(page, "failed")
    page.get_by_text("refuses the connection").wait_for()


def it_is_watched_as_it_comes(page):
    assert "live" in page.locator(".vm-file").inner_text()
    page.wait_for_function(f"/behind/.test({PACE}) && /Analysed to/.test({PACE})")
    assert page.locator(".vm-screen img").is_visible()
    assert page.locator(".vm-jump").is_hidden()
    assert page.locator(".vm-no-seek").is_visible()
    page.wait_for_function(
        "window.vidmem.tail.length + (window.vidmem.last.range?.start.length ?? 0) > 1"
    )
    page.locator(".vm-main").first.click()
    wait_for_status(page, "paused")
    page.wait_for_function(f"/dropped/.test({PACE})")
    page.locator(".vm-main").first.click()
    seen = newest(page)["index"]
    wait_for_clip(page, seen + 1)
    page.wait_for_function("window.vidmem.last.timeline.gaps.some((gap) => /slower/.test(gap[2]))")
    return seen


def its_predictions_stay(page, seen):
    with page.expect_download() as download:
        page.locator(".vm-csv").click()
    assert len(download.value.path().read_text().splitlines()) >= seen + 2


def test_addresses_are_not_offered_to_whom_a_proxy_forwards(open_page):
    page = open_page()
    page.set_extra_http_headers({"X-Forwarded-For": "10.0.0.7"})
    page.reload()
    page.wait_for_function("window.vidmem?.last.hello")
    assert page.get_by_role("textbox", name="Address of a camera").is_hidden()
    page.get_by_text("it opens no addresses").wait_for()
    page.evaluate("window.vidmem.act('address', { address: 'http://127.0.0.1/pen.ts' })")
    page.get_by_text("can allow that with --allow-addresses").wait_for()
    page.set_extra_http_headers({})


def test_the_webcam_is_watched_until_it_is_stopped(open_page, site, monkeypatch):
    page = open_page()
    page.context.grant_permissions([])  # to whatever asks, no
    a_camera_that_is_refused_is_told_in_a_sentence(page)
    page.context.grant_permissions(["camera"])
    button = page.locator(".vm-webcam")
    with monkeypatch.context() as busy:  # refused, it releases the camera
        busy.setattr(site.app.registry, "max_runs", 0)
        button.click()
        page.get_by_text("which is its limit").wait_for()
        page.wait_for_function("!document.querySelector('.vm-webcam[aria-pressed=true]')")
    button.click()
    wait_for_clip(page, 1)
    assert button.get_attribute("aria-pressed") == "true"
    assert newest(page)["end_seconds"] > 0
    assert page.locator(".vm-screen img").is_visible()
    open_memory(page)  # with pictures of clips, though no file has them
    page.get_by_role("link", name="Watch", exact=True).click()
    button.click()
    wait_for_status(page, "stopped")
    assert button.get_attribute("aria-pressed") == "false"
    page.locator(".vm-main").first.click()  # to play it again is to ask for the camera again
    page.wait_for_function("window.vidmem.last.play.status === 'playing'")
    wait_for_clip(page, 0)
    assert button.get_attribute("aria-pressed") == "true"
    run_id = page.evaluate("window.vidmem.run")
    site.set_grace(0.5)
    page.close()  # the camera ends with the page, and so does the run
    wait_until(lambda: not (run := site.app.registry.find(run_id)) or not run.is_active)


def a_camera_that_is_refused_is_told_in_a_sentence(page):
    page.locator(".vm-webcam").click()
    page.get_by_text("The browser did not allow the camera").wait_for()
    assert status(page) == "ready"
