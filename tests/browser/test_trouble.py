"""Files that are no videos, files that go away, large uploads: a sentence, and the app goes on."""

from __future__ import annotations

import shutil

import pytest

from tests.browser.conftest import status, wait_for_clip, wait_for_status, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_a_real_file_is_uploaded_and_watched(open_page, site, shared_videos):
    page = open_page()
    video = shared_videos / "human" / "mmaction2_demo.mp4"
    page.locator("input[type=file]").set_input_files(video)
    page.wait_for_function(
        "window.vidmem.last.source.title === 'mmaction2_demo.mp4'", timeout=20_000
    )
    assert page.locator(".vm-source select").input_value().startswith("upload/")
    page.locator(".vm-main").click()
    wait_for_clip(page, 0)
    wait_for_status(page, "finished", seconds=30)


def test_a_text_named_mp4_is_refused_and_the_app_goes_on(open_page, site, tmp_path):
    page = open_page()
    fake = tmp_path / "notes.mp4"
    fake.write_text("This is not a video at all.\n" * 50)
    page.locator("input[type=file]").set_input_files(fake)
    alert = page.get_by_role("alert").filter(has_text="notes.mp4")
    alert.wait_for()
    assert alert.inner_text().startswith("notes.mp4 is no video file")
    assert page.evaluate("window.vidmem.last.source.key") == "sample"
    assert not list((site.videos.parent / "uploads").rglob("notes.mp4"))
    page.locator(".vm-main").click()
    wait_for_clip(page, 0)


def test_a_file_that_vanished_is_said_and_the_app_goes_on(open_page, site):
    gone = site.videos / "gone.mp4"
    shutil.copy(site.videos / "second pen.mp4", gone)
    page = open_page()
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


def test_an_upload_can_be_broken_off_and_too_large_ones_are_refused(open_page, site, tmp_path):
    page = open_page()
    page.evaluate("window.vidmem.emit('hello', { max_upload_bytes: 1000 })")
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(5000))
    page.locator("input[type=file]").set_input_files(large)
    page.get_by_role("alert").filter(has_text="larger than the 1.0 kB").wait_for()


def test_a_full_disk_is_said_once_and_the_run_goes_on(open_page, site, monkeypatch):
    from vidmem.errors import StorageError
    from vidmem.streaming import record

    def fail(*arguments: object) -> None:
        raise StorageError("predictions.csv could not be written: no space left on the device")

    page = open_page()
    site.clip_seconds = 0.1
    page.locator(".vm-main").click()
    wait_for_clip(page, 1)
    monkeypatch.setattr(record.PredictionFile, "append", fail)
    page.get_by_role("alert").filter(has_text="no space left").wait_for()
    wait_for_clip(page, 6)
    wait_until(lambda: True, seconds=1)
    assert status(page) in {"playing", "finished"}
