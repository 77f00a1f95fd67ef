"""The Review page in the browser: by keys alone, from nothing watched to all that was said kept."""

from __future__ import annotations

import pytest

from tests.browser.conftest import VIDEO_SECONDS, serving, wait_until
from tests.browser.test_looks import is_well_everywhere
from tests.labels.predictions import write_predictions
from vidmem.labels import Behaviour, Ethogram
from vidmem.projects import VideoFacts

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

VIDEO = "second pen.mp4"
NAMES = ("lying", "standing")
ETHOGRAM = Ethogram(
    tuple(Behaviour(name, axis="posture", key=key) for name, key in zip(NAMES, "qw", strict=True))
)
SURE = (0.9, 0.6, 0.95, 0.7, 0.8, 0.75)
"""Of lying, standing, lying, ...: bouts of eight seconds."""

PLAYS = """([from, to]) => {
  const video = document.querySelector(".vm-review-player video");
  return video && !video.paused && video.currentTime >= from && video.currentTime < to;
}"""


@pytest.fixture(scope="module")
def site(browser, material, tmp_path_factory):
    with serving(material, tmp_path_factory.mktemp("review")) as running:
        yield running


def show(page) -> None:
    """Open the page as one who comes from another."""
    page.evaluate("location.hash = '#watch'")
    page.evaluate("location.hash = '#review'")


def fill(project, folder) -> None:
    project.behaviours.unite(ETHOGRAM)
    project.add_video(folder / VIDEO, VideoFacts(duration_seconds=float(VIDEO_SECONDS), fps=8.0))
    run = project.runs.create(model="tiny", video=VIDEO, settings={})
    rows = [
        (at * 8.0, at * 8.0 + 8, [sure, 1 - sure][:: 1 if at % 2 == 0 else -1])
        for at, sure in enumerate(SURE)
    ]
    write_predictions(run.folder / "second pen-predictions.csv", NAMES, rows)
    project.runs.finish(run.run_id, "finished")


def at_hand(page, text: str) -> None:
    page.locator(".vm-review-what", has_text=text).wait_for()
    page.locator(".vm-review-row[aria-current]").wait_for()


def saved(page, text: str) -> None:
    """Until the sentence about how far it is says so."""
    page.locator(".vm-review-words", has_text=text).wait_for()


def said(project) -> list[str]:
    """What people say of the video, in order."""
    stretches = project.labels.of(VIDEO).labels.timeline(VIDEO, "posture")
    return [f"{one.what} {one.start_seconds:g}-{one.end_seconds:g}" for one in stretches]


def check_empty(page) -> None:
    show(page)
    page.locator(".vm-review-empty").wait_for()
    assert page.locator(".vm-review-empty a").get_attribute("href") == "#watch"
    assert page.locator(".vm-review-work").is_hidden()


def check_keys(page, project) -> None:
    """The most doubtful first: confirmed, corrected, taken back, edges moved, not told."""
    at_hand(page, "standing 00:08.0 to 00:16.0")
    saved(page, "0 of 6 checked")
    page.wait_for_function(PLAYS, arg=[6.9, 17.1])
    page.keyboard.press("Enter")
    saved(page, "1 of 6 checked")
    at_hand(page, "standing 00:24.0 to 00:32.0")
    page.keyboard.press("q")
    saved(page, "2 of 6 checked")
    assert said(project) == ["standing 8-16", "lying 24-32"]
    page.keyboard.press("u")
    saved(page, "1 of 6 checked")
    at_hand(page, "standing 00:24.0 to 00:32.0")
    page.keyboard.press("}")
    page.locator(".vm-review-what", has_text="to decide: 00:24.0 to 00:33.0").wait_for()
    page.keyboard.press("w")
    saved(page, "2 of 6 checked")
    at_hand(page, "standing 00:40.0 to 00:48.0")
    page.keyboard.press("n")
    saved(page, "3 of 6 checked")
    assert said(project) == ["standing 8-16", "standing 24-33", "not scored 40-48"]


def check_steps_and_disputes(page, project) -> None:
    """Tab goes on in the work area; where a person differs, her key alone changes her label."""
    at_hand(page, "lying 00:32.0 to 00:40.0")
    page.keyboard.press("Tab")
    at_hand(page, "lying 00:00.0 to 00:08.0")
    page.keyboard.press("ArrowUp")
    at_hand(page, "lying 00:32.0 to 00:40.0")
    page.locator("[data-review=order]").select_option("disagreement")
    at_hand(page, "to decide: 00:32.0 to 00:33.0")
    page.locator(".vm-review-left").focus()
    page.get_by_role("button", name="The model is right: lying").wait_for()
    page.keyboard.press("Enter")
    wait_until(lambda: said(project)[1:3] == ["standing 24-32", "lying 32-33"])
    page.locator(".vm-review-no-rows", has_text="Nowhere do you").wait_for()
    page.locator("[data-review=order]").select_option("doubt")
    at_hand(page, "to decide: 00:33.0 to 00:40.0")


def check_blindly(page, project) -> None:
    """Nothing of the model is on view; what is answered is a label, and counts."""
    page.get_by_role("button", name="Blind check").click()
    page.locator(".vm-review-what", has_text="Blind check 1 of 2").wait_for()
    for part in (".vm-review-plot", ".vm-review-bars", ".vm-review-rows"):
        assert page.locator(part).is_hidden()
    assert is_well_everywhere(page)
    page.locator(".vm-review-left").focus()
    page.keyboard.press("w")
    page.locator(".vm-review-what", has_text="Blind check 2 of 2").wait_for()
    page.keyboard.press("q")
    page.locator(
        ".vm-review-notice", has_text="Of 2 answers, 1 were what the model says"
    ).wait_for()
    saved(page, "5 of 6 checked")
    page.locator(".vm-review-blind-words", has_text="In 2 blind checks").wait_for()
    assert len(said(project)) == 6


def test_a_run_is_reviewed_by_keys(open_page, site):
    page, project = open_page(), site.app.project
    check_empty(page)
    fill(project, site.videos)
    show(page)
    check_keys(page, project)
    check_steps_and_disputes(page, project)
    check_blindly(page, project)
    before = said(project)
    page.reload()
    saved(page, "5 of 6 checked")
    page.locator(".vm-review-blind-words", has_text="In 2 blind checks").wait_for()
    assert said(project) == before
    at_hand(page, "lying 00:32.0")
    assert is_well_everywhere(page)
    page.locator(".vm-review-left").focus()
    page.keyboard.press("Enter")
    saved(page, "All 6 are checked")
    page.locator(".vm-review-no-rows", has_text="All are checked").wait_for()
