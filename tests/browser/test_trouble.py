"""Files that are no videos, files that go away, large uploads: a sentence, and the app goes on."""

from __future__ import annotations

import errno
import shutil

import pytest

from tests.browser.conftest import (
    LONG,
    choose,
    new_page,
    status,
    wait_for_clip,
    wait_for_status,
    wait_until,
)

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SILENT_MILLISECONDS = 13_000
"""A little longer than a page waits until it says that the app does not answer."""


def test_files_that_are_none_vanish_or_arrive_are_told_of_and_the_app_goes_on(
    open_page, site, tmp_path
):
    """One page for all of these: it must go on after each of them."""
    gone = site.videos / "gone.mp4"
    shutil.copy(site.videos / "second pen.mp4", gone)
    page = open_page()
    a_text_named_mp4_is_refused(page, site, tmp_path)
    a_file_that_vanished_is_said(page, gone)
    a_video_that_is_dropped_beside_the_card_is_taken(page, site)
    an_upload_can_be_broken_off_and_too_large_ones_are_refused(page, site, tmp_path)


def a_text_named_mp4_is_refused(page, site, tmp_path):
    fake = tmp_path / "notes.mp4"
    fake.write_text("This is not a video at all.\n" * 50)
    page.locator(".vm-upload input[type=file]").set_input_files(fake)
    alert = page.get_by_role("alert").filter(has_text="notes.mp4")
    alert.wait_for()
    assert alert.inner_text().startswith("notes.mp4 is no video file")
    assert page.evaluate("window.vidmem.last.source.key") == "sample"
    kept = [path.read_bytes() for path in site.app.uploads.path.glob("*/*.mp4")]
    assert fake.read_bytes() not in kept
    page.locator(".vm-main").click()
    wait_for_clip(page, 0)


def a_file_that_vanished_is_said(page, gone):
    page.locator(".vm-source select").select_option("folder/gone.mp4")
    page.wait_for_function("window.vidmem.last.source.title === 'gone.mp4'")
    gone.unlink()
    page.locator(".vm-main").click()
    wait_for_status(page, "failed")
    page.get_by_role("alert").filter(has_text="not there any more").wait_for()
    page.locator(".vm-source select").select_option("sample")
    page.wait_for_function("window.vidmem.last.source.key === 'sample'")
    page.locator(".vm-main").click()
    wait_for_clip(page, 0)


def a_video_that_is_dropped_beside_the_card_is_taken(page, site):
    data = (site.videos / "second pen.mp4").read_bytes()
    page.evaluate(DROP, [list(data), "dropped.mp4"])
    page.wait_for_function("window.vidmem.last.source.title === 'dropped.mp4'")


def an_upload_can_be_broken_off_and_too_large_ones_are_refused(page, site, tmp_path):
    folder = site.app.uploads.path
    before = {path.name for path in folder.iterdir()}
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    network.send("Network.emulateNetworkConditions", slow)
    video = tmp_path / "slow.mp4"
    video.write_bytes(bytes(20_000_000))
    page.locator(".vm-upload input[type=file]").set_input_files(video)
    page.locator(".vm-uploading").wait_for()
    wait_until(lambda: {path.name for path in folder.iterdir()} > before)
    page.locator(".vm-uploading button").click()
    page.locator(".vm-uploading").wait_for(state="hidden")
    wait_until(lambda: {path.name for path in folder.iterdir()} == before)
    network.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    page.evaluate("window.vidmem.emit('hello', { max_upload_bytes: 1000 })")
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(5000))
    page.locator(".vm-upload input[type=file]").set_input_files(large)
    page.get_by_role("alert").filter(has_text="larger than the 1.0 kB").wait_for()


def test_a_real_file_is_uploaded_and_watched(open_page, site, shared_videos):
    page = open_page()
    video = shared_videos / "human" / "mmaction2_demo.mp4"
    page.locator(".vm-upload input[type=file]").set_input_files(video)
    page.wait_for_function("window.vidmem.last.source.title === 'mmaction2_demo.mp4'")
    assert page.locator(".vm-source select").input_value().startswith("upload/")
    page.locator(".vm-main").click()
    wait_for_clip(page, 0)
    wait_for_status(page, "finished")


def test_a_full_disk_is_said_once_and_the_run_goes_on(open_page, site, monkeypatch):
    from vidmem.streaming.saving import predictions_csv as record

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    page = open_page()
    choose(page, LONG)
    site.clip_seconds = 0.1
    page.locator(".vm-main").click()
    wait_for_clip(page, 1)
    monkeypatch.setattr(record, "_write_all", fail)
    told = page.get_by_role("alert").filter(has_text="disk is full")
    told.wait_for()
    # Whatever alert appears from now on, also one that goes again.
    page.evaluate(
        """() => {
            const count = () => document.querySelectorAll('[role=alert]').length;
            window.alerts = [count()];
            new MutationObserver(() => window.alerts.push(count()))
                .observe(document.body, { childList: true, subtree: true });
        }"""
    )
    before = page.evaluate("Math.max(...window.alerts)")
    wait_for_clip(page, 6)
    assert page.evaluate("Math.max(...window.alerts)") == before
    assert status(page) in {"playing", "finished"}


def test_a_page_says_whether_the_app_hangs_or_does_not_know_it_any_more(browser, site):
    # Pages of their own: the browser complains of each request that is refused.
    unknown, hanging = new_page(browser), new_page(browser)
    for page in (unknown, hanging):
        page.clock.install()
        page.goto(site.address)
        page.wait_for_function("window.vidmem?.last.source")
    unknown.context.clear_cookies()  # as after the app was started anew: with another token
    held = []
    hanging.route("**/*", lambda route: held.append(route))  # no answer, and no end either
    for page in (unknown, hanging):
        page.clock.fast_forward(SILENT_MILLISECONDS)
    unknown.get_by_role("alert").filter(has_text="does not know this page").wait_for()
    hanging.get_by_role("alert").filter(has_text="does not answer").wait_for()
    for route in held:  # or Playwright waits for them when there is no page any more
        route.abort()
    for page in (unknown, hanging):
        page.context.close()
    site.app.registry.clear()


DROP = """([bytes, name]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([new Uint8Array(bytes)], name, { type: "video/mp4" }));
    const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
    document.querySelector(".vm-timeline").dispatchEvent(drop);
    if (!drop.defaultPrevented) throw new Error("the browser would leave the page for the file");
}"""
