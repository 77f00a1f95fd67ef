"""The Results page in the browser: choose, filter, play, compare, and take away."""

from __future__ import annotations

from datetime import datetime

import pytest

import vidmem.labels
from tests.browser.conftest import VIDEO_SECONDS, serving
from tests.browser.test_looks import is_well_everywhere
from tests.labels.predictions import steps, write_predictions
from vidmem.labels import Behaviour, Bout, Ethogram, Labels, import_file
from vidmem.projects import VideoFacts

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

VIDEO = "second pen.mp4"
NAMES = ("lying", "standing")
ETHOGRAM = Ethogram((*Ethogram.of(*NAMES, axis="posture"), Behaviour("rolling", kind="point")))
BOUTS = ((0, 12, "lying"), (12, 20, "standing"), (20, 40, "lying"))
ROWS = "document.querySelectorAll('.vm-results-rows tr[data-at]')"
PLAYS_STANDING = """() => {
  const video = document.querySelector(".vm-span-player video");
  return video && !video.paused && video.currentTime >= 11.9 && video.currentTime < 20.1;
}"""
NUM_EVENTS = 3000


@pytest.fixture(scope="module")
def site(browser, material, tmp_path_factory):
    with serving(material, tmp_path_factory.mktemp("results")) as running:
        yield running


@pytest.fixture
def page(open_page):
    return open_page()


def show(page) -> None:
    """Open the page as one who comes from another."""
    page.evaluate("location.hash = '#watch'")
    page.evaluate("location.hash = '#results'")


def fill(project, folder):
    project.behaviours.unite(ETHOGRAM)
    facts = VideoFacts(
        duration_seconds=float(VIDEO_SECONDS),
        fps=8.0,
        start=datetime(2026, 5, 1, 23, 59, 50),
        start_from="typed",
    )
    project.add_video(folder / VIDEO, facts)
    bouts = [Bout(VIDEO, start, end, name, author="anna") for start, end, name in BOUTS]
    bouts.append(Bout(VIDEO, 15, 15, "rolling", author="ben"))
    project.labels.edit(VIDEO, lambda labels: labels.add(*bouts), words="made")
    run = project.runs.create(model="tiny", video=VIDEO, settings={})
    path = run.folder / "second pen-predictions.csv"
    write_predictions(path, NAMES, steps(0, 0, 0, 1, 0, 1, 0, 0, 0, 0))
    project.runs.finish(run.run_id, "finished")


def table(page) -> list[list[str]]:
    return page.evaluate(f"[...{ROWS}].map((row) => [...row.cells].map((one) => one.innerText))")


def wait_for_rows(page, count: int) -> None:
    page.wait_for_function(f"count => {ROWS}.length === count", arg=count)


def choose_run(page, select: str) -> None:
    key = page.evaluate("window.vidmem.last.results_choices.runs[0].key")
    page.locator(select).select_option(key)


def saved(page, click) -> str:
    with page.expect_download() as coming:
        click()
    return coming.value.path().read_text()


def check_filters(page) -> None:
    """Filters, and sorting by a click on a title."""
    page.locator(".vm-results-bouts [data-filter=behaviour]").select_option(label="lying")
    wait_for_rows(page, 2)
    assert page.locator(".vm-results-counted").inner_text() == "2 of 4"
    page.locator(".vm-results-bouts thead").get_by_role("button", name="Lasts").click()
    page.locator(".vm-results-bouts thead").get_by_role("button", name="Lasts").click()
    assert [row[3] for row in table(page)] == ["20 s", "12 s"]
    page.locator(".vm-results-bouts [data-filter=from]").fill("00:00")
    page.locator(".vm-results-bouts [data-filter=until]").fill("00:01")
    wait_for_rows(page, 1)
    page.locator(".vm-results-bouts [data-clear]").click()
    wait_for_rows(page, 4)


def check_playing(page) -> None:
    """A click plays a bout, again and again; keys do it too."""
    page.locator(".vm-results-rows").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.locator(".vm-span-player").get_by_text("lying, 00:20.0 to 00:40.0").wait_for()
    page.locator(".vm-results-rows tr[data-at]").filter(has_text="standing").click()
    page.wait_for_function(PLAYS_STANDING)
    assert page.locator(".vm-span-player [data-do=loop]").get_attribute("aria-pressed") == "true"


def check_figures(page) -> None:
    """The budget and the figures are of the same labels, and say so."""
    budget = page.locator(".vm-results-budget").inner_text()
    assert "posture scored 40 s" in budget
    assert "80.0 %" in budget
    page.locator(".vm-results-figures .main-svg").first.wait_for()
    text = saved(page, page.locator(".vm-results-figures [data-picture=svg]").click)
    assert text.lstrip().startswith("<svg")
    assert "labels of all people" in text
    page.locator(".vm-results-figures [data-kind=actogram]").click()
    page.locator(".vm-results-figures").get_by_text("Sat 2026-05-02").wait_for()
    sequences = page.locator(".vm-results-sequences")
    assert "2 100 %" not in sequences.inner_text()
    assert "1 100 %" in " ".join(sequences.locator("tbody").inner_text().split())


def check_a_run(page, folder) -> None:
    """A model's run, raw and post-processed, and as a file."""
    choose_run(page, ".vm-results-shown [data-choice=of]")
    wait_for_rows(page, 5)
    page.locator(".vm-results-shown [data-post=join]").fill("4")
    wait_for_rows(page, 1)
    assert "joined over up to 4 s" in page.locator(".vm-results-about").inner_text()
    path = folder / "bouts.csv"
    path.write_text(saved(page, page.locator(".vm-results-bouts [data-file=bouts]").click))
    imported = import_file(path)
    assert [(one.behaviour, one.end_seconds) for one in imported.labels.bouts] == [("lying", 40)]
    assert imported.about.settings == "fps=4; bouts: joined over up to 4 s"
    page.locator(".vm-results-shown [data-raw]").click()
    wait_for_rows(page, 5)


def check_agreement(page, folder) -> None:
    """With another person's file, and with the run."""
    theirs = Labels(
        ETHOGRAM,
        (
            Bout(VIDEO, 0, 14, "lying"),
            Bout(VIDEO, 14, 20, "standing"),
            Bout(VIDEO, 20, 40, "lying"),
        ),
    )
    vidmem.labels.write(theirs, folder / "ben.boris")
    agreement = page.locator(".vm-results-agreement")
    agreement.locator("input[type=file]").set_input_files(folder / "ben.boris")
    agreement.locator(".vm-results-confusion").wait_for()
    rows = agreement.locator(".vm-results-figures-table").first.inner_text()
    assert "0.83" in rows.split("Cohen's kappa")[1].split("Gwet")[0]
    agreement.get_by_role("button", name="standing, lying").click()
    span = agreement.locator(".vm-results-spans button")
    assert span.inner_text() == "00:12.0 \N{EN DASH} 00:14.0 (2 s)"
    span.click()
    agreement.locator(".vm-span-player").get_by_text("standing in the labels of").wait_for()
    text = saved(page, agreement.locator("[data-file=csv]").click)
    assert "labels of the file ben.boris" in text
    choose_run(page, "[data-agree=second]")
    agreement.get_by_text("How well the model does").wait_for()
    assert "Macro-F1" in agreement.locator(".vm-results-scores").inner_text()


def test_results_from_an_empty_project_to_files(page, site, tmp_path):
    show(page)
    empty = page.locator(".vm-results-empty")
    empty.wait_for()
    assert "no labels and no runs yet" in empty.inner_text()
    assert page.locator(".vm-results-budget").is_hidden()

    # Labels come from elsewhere: the page sees them by itself.
    fill(site.app.project, site.videos)
    wait_for_rows(page, 4)
    empty.wait_for(state="hidden")
    summary = page.locator(".vm-results-summary").inner_text()
    assert summary == "4 bouts and events, in 1 video: labels of all people."
    assert ["standing", "00:12.0", "2026-05-02 00:00:02", "8 s", "anna"] in table(page)

    check_filters(page)
    check_playing(page)
    check_figures(page)
    check_a_run(page, tmp_path)
    check_agreement(page, tmp_path)
    assert is_well_everywhere(page)


def test_of_thousands_of_bouts_a_page_holds_those_on_view(page, site):
    project = site.app.project
    events = [Bout(VIDEO, at / 100, at / 100, "rolling", "b") for at in range(NUM_EVENTS)]
    project.labels.edit(
        VIDEO,
        lambda before: Labels(before.ethogram, (*before.bouts, *events), videos=before.videos),
        words="made",
    )
    show(page)
    page.wait_for_function(f"count => {ROWS}.length > 10 && {ROWS}.length < 60", arg=0)
    rows = page.locator(".vm-results-rows")
    rows.focus()
    page.keyboard.press("End")
    last = page.locator(".vm-results-bouts tr[aria-current]")
    last.wait_for()
    assert last.get_attribute("aria-rowindex") == str(NUM_EVENTS + len(BOUTS) + 2)
    assert page.evaluate(f"{ROWS}.length") < 60


def test_a_figure_without_room_waits_for_it(page, site):
    """Plotly complains where not one label fits, and a view that is laid out may be so narrow."""
    show(page)
    page.locator(".vm-results-figures .main-svg").first.wait_for()
    set_width = "(width) => { document.querySelector('.vm-results-plot').style.width = width; }"
    page.evaluate(set_width, "30px")
    page.locator(".vm-results-figures [data-kind=actogram]").click()
    page.locator(".vm-results-plot[aria-label*=ctogram]").wait_for(state="attached")
    page.evaluate(set_width, "")
    page.locator(".vm-results-figures").get_by_text("Sat 2026-05-02").wait_for()
