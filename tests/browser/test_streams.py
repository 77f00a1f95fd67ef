"""The Streams page in the browser: many at once, each in its own tile."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest

from tests.browser.conftest import LONG, leave, wait_until
from tests.video.live.http_camera import HttpCamera

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

LABELLED = """count => [...document.querySelectorAll('.vm-tile')]
    .filter((tile) => tile.querySelector('.vm-tag:not([hidden])')).length >= count"""
LASTING = LONG.removeprefix("folder/")
SAMPLE = "Barn pen, day and night (sample)"


@pytest.fixture
def page(open_page, site):
    site.clip_seconds = 0.05
    opened = open_page(f"{site.address}#streams")
    yield opened
    leave(opened)
    site.app.registry.clear()


def tile(page, title):
    return page.locator(".vm-tile", has=page.get_by_role("heading", name=title, exact=True))


def start_videos(page, *titles):
    for title in titles:
        page.get_by_label(title, exact=True).check()
    page.locator("[data-streams=videos]").click()
    page.wait_for_function(
        "count => document.querySelectorAll('.vm-tile').length >= count", arg=len(titles)
    )


def status(page, title):
    return tile(page, title).get_attribute("data-status")


POOL_THREADS = ("streams", "vidmem-pool")


def test_two_videos_run_while_a_broken_file_says_what_is_wrong(page, site):
    (site.videos / "notes.mp4").write_text("This is not a video at all.\n" * 50)
    page.evaluate("vidmem.act('choose', { video: 'folder/second pen.mp4' })")  # lists them anew
    page.get_by_label("notes.mp4").wait_for()
    start_videos(page, SAMPLE, "second pen.mp4", "notes.mp4")
    page.wait_for_function(LABELLED, arg=2)
    wait_until(lambda: status(page, "notes.mp4") == "failed")
    assert "is no video file" in tile(page, "notes.mp4").inner_text()
    for title in (SAMPLE, "second pen.mp4"):
        wait_until(lambda title=title: status(page, title) == "ended")
        assert "watched to the end" in tile(page, title).inner_text()
    assert "3 streams through one set of weights" in page.locator(".vm-streams-of").inner_text()
    assert "held once for all 2" in page.locator(".vm-streams-facts").inner_text()
    (site.videos / "notes.mp4").unlink()
    with page.expect_download() as download:
        tile(page, "second pen.mp4").locator("a").click()
    assert download.value.suggested_filename == "second pen-predictions.csv"
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert len(rows) == 24
    with page.expect_download() as download:
        page.locator("[data-take='all.zip']").click()
    names = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())).namelist()
    assert len(names) == 2
    with page.expect_download() as download:
        page.locator("[data-take='figures.json']").click()
    assert json.loads(download.value.path().read_text())["pool"]["clips_done"] == 48


def test_streams_are_led_by_hand_and_found_again_after_a_reload(page, site, own_threads):
    site.clip_seconds = 0.3
    one_is_paused_jumps_remembers_less_and_leaves_by_itself(page, site)
    what_is_there_is_found_again_after_a_reload(page)
    all_end_with_the_page(page, site, own_threads)


def one_is_paused_jumps_remembers_less_and_leaves_by_itself(page, site):
    start_videos(page, LASTING, "second pen.mp4")
    page.wait_for_function(LABELLED, arg=2)
    mine, other = tile(page, "second pen.mp4"), tile(page, LASTING)
    mine.get_by_role("button", name="Pause").click()
    wait_until(lambda: status(page, "second pen.mp4") == "paused")
    slider = mine.locator("input[type=range]")
    assert "4 clips" in slider.get_attribute("aria-valuetext")
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    assert "2 clips" in mine.inner_text()
    pool = next(iter(site.app.streams.all()))
    wait_until(lambda: {one["l_mem"] for one in pool.news(-1)["streams"].values()} == {4, 2})
    assert status(page, LASTING) == "playing"
    strip = mine.get_by_role("slider", name="predicted so far")
    strip.press("Home")
    for _ in range(5):
        strip.press("Shift+ArrowRight")
    strip.press("Enter")
    page.get_by_role("status").filter(has_text="starts empty: the video jumped").wait_for()
    mine.get_by_role("button", name="Resume").click()
    page.wait_for_function(
        """() => [...document.querySelectorAll('.vm-tile-pace')]
            .some((one) => /00:(2[4-9]|[34]\\d)/.test(one.textContent))"""
    )
    mine.get_by_role("button", name="Remove").click()
    wait_until(lambda: page.locator(".vm-tile").count() == 1)
    assert page.locator(".vm-streams-earlier a").inner_text() == "second pen-predictions.csv"
    assert other.get_attribute("data-status") == "playing"


def what_is_there_is_found_again_after_a_reload(page):
    page.reload()
    page.wait_for_function("window.vidmem?.last.source")
    page.wait_for_function(LABELLED, arg=1)
    shared = page.locator(".vm-streams-shared")
    assert shared.is_hidden()
    page.evaluate("vidmem.act('play')")
    shared.get_by_text("take turns").wait_for()


def all_end_with_the_page(page, site, own_threads):
    site.set_grace(0.5)
    page.close()
    wait_until(lambda: own_threads(*POOL_THREADS) == [])


def test_a_camera_is_streamed_beside_a_file(page, material, own_threads):
    with HttpCamera(material / "long.mp4", speed=4.0) as camera:
        page.locator("#streams-page").get_by_label("Address of a camera").fill(camera.url)
        page.get_by_role("button", name="Add camera").click()
        page.get_by_role("button", name=f"Remove {camera.url}").click()
        assert page.get_by_label(camera.url, exact=True).count() == 0
        page.locator("#streams-page").get_by_label("Address of a camera").fill(camera.url)
        page.get_by_role("button", name="Add camera").click()
        assert page.get_by_label(camera.url, exact=True).is_checked()
        start_videos(page, "second pen.mp4")
        page.wait_for_function(LABELLED, arg=2)
        live = tile(page, camera.url.removeprefix("http://"))
        live.locator(".vm-tile-pace").get_by_text("live").wait_for()
        assert live.get_by_role("slider", name="predicted so far").is_visible()
        page.get_by_role("button", name="Close all").click()
        wait_until(lambda: own_threads(*POOL_THREADS) == [])
