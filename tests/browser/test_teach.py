"""From labels to a model that is watched with: on the Teach page, through a reload and a cancel."""

from __future__ import annotations

import zipfile

import pytest

from app.teaching.process import ChildOfApp
from tests.browser.conftest import VIDEO_SECONDS, leave, serving, step_to, wait_until
from tests.browser.test_looks import is_well_everywhere
from tests.browser.test_runs import go_to
from vidmem.labels import Behaviour, Bout
from vidmem.projects import VideoFacts

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

BEHAVIOURS = ("lying", "standing")
TAUGHT_MILLISECONDS = 400_000
"""In which a model is taught: some ten seconds, where the machine has no other work."""

JOB, REPORT, MODELS = ".vm-teach-job", ".vm-teach-report", ".vm-teach-models"


@pytest.fixture
def teaching(browser, material, tmp_path):
    with serving(material, tmp_path) as running:
        # Beside the other tests, what stands back for them would take minutes.
        running.app.teaching._start = lambda job: ChildOfApp({**job, "niceness": 0})
        yield running
        running.app.teaching.close()


@pytest.fixture
def page(open_page, teaching):
    opened = open_page(teaching.address)
    go_to(opened, "teach")
    yield opened
    leave(opened)
    teaching.app.registry.clear()


def test_from_labels_to_a_model_that_is_watched_with(page, teaching):
    project = teaching.app.project
    page.get_by_text("Begin on the Label page").wait_for()
    assert page.locator(".vm-teach-begin").is_hidden()
    label(project, teaching.videos / "second pen.mp4")
    see_labels_and_split(page)
    see_how_the_error_falls(page)
    begin_reload_and_cancel(page, teaching)
    teach_it(page, "pens v1")
    assert is_well_everywhere(page, within=".vm-teach")
    play_a_cell(page)
    label_what_is_in_doubt(page)
    watch_with_it(page)
    correct_what_it_says(page, teaching)
    correct_the_model_from_what_is_kept(page, project)
    rename_download_and_delete(page, project)


def label(project, path):
    """Bouts in turn, up to the last eight seconds."""
    name = project.add_video(path, VideoFacts(duration_seconds=VIDEO_SECONDS, fps=8.0)).name
    for behaviour in BEHAVIOURS:
        project.behaviours.add(Behaviour(behaviour, axis="posture"))
    bouts = [
        Bout(name, float(at), at + 2.0, BEHAVIOURS[at // 2 % 2])
        for at in range(0, VIDEO_SECONDS - 8, 2)
    ]
    project.labels.edit(name, lambda labels: labels.add(*bouts), words="labelled")


def see_labels_and_split(page):
    """It is said without a reload that there are labels now, and how they would be split."""
    page.locator(".vm-teach-amounts").get_by_text("20 s").first.wait_for()
    assert "would help most" in page.locator(".vm-teach-missing li").first.inner_text()
    error = page.locator(".vm-teach-error")
    page.wait_for_function("!document.querySelector('.vm-teach-begin').disabled")
    assert error.is_hidden()
    assert "to test with" in page.locator(".vm-teach-split").inner_text()
    for part in ("learn", "stop", "test"):
        assert page.locator(f".vm-teach-split-lane [data-part={part}]").get_attribute("d")
    page.locator(".vm-teach details summary").press("Enter")
    page.locator("[name=fps]").select_option("2")
    page.locator("[name=encoder]").select_option("lite0")
    page.locator("[name=baselines]").press("Space")


def see_how_the_error_falls(page):
    """As the server tells it of a job, also after a reload."""
    stage = {"key": "model", "title": "Spool", "state": "now", "done": 0.5}
    job = {
        "id": "0" * 32,
        "name": "x",
        "state": "running",
        "is_here": True,
        "done": 0.5,
        "stages": [{**stage, "note": "", "seconds_left": 3}],
        "stop_losses": [[0, 0.9], [20, 0.6], [40, 0.7]],
    }
    state = {"jobs": [job], "models": [], "revision": 0}
    page.route("**/teach/state*", lambda route: route.fulfill(json=state))
    loss = page.locator(f"{JOB} .vm-teach-loss")
    loss.locator("polyline").wait_for()
    assert "0.90 at first, 0.70 after 40 steps; 0.60 after 20" in loss.inner_text()
    assert is_well_everywhere(page, within=JOB)
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.unroute("**/teach/state*")
    page.locator(JOB).wait_for(state="detached")


def begin_reload_and_cancel(page, teaching):
    page.locator("[name=name]").fill("pens v1")
    page.locator("[name=name]").press("Enter")
    page.locator(JOB).wait_for()
    page.reload()
    page.locator(f"{JOB} .vm-teach-stages").wait_for()
    page.wait_for_function(
        "document.querySelector('.vm-teach-begin')?.textContent.endsWith('after that')"
    )
    page.locator(f"{JOB} [data-act=cancel]").press("Enter")
    page.locator(JOB).wait_for(state="detached")
    assert teaching.app.teaching.rows() == []
    assert list(teaching.app.teaching.models.folder.iterdir()) == []


def teach_it(page, name):
    page.locator("[name=name]").fill(name)
    page.wait_for_function("!document.querySelector('.vm-teach-begin').disabled")
    page.locator(".vm-teach-begin").click()
    page.locator(f"{REPORT} h2", has_text=name).wait_for(timeout=TAUGHT_MILLISECONDS)
    page.locator(JOB).wait_for(state="detached")
    assert "macro-F1" in page.locator(f"{REPORT} .vm-teach-lead").first.inner_text()


def play_a_cell(page):
    cell = page.locator(".vm-teach-matrix button").first
    seconds = cell.get_attribute("aria-label")
    cell.press("Enter")
    page.locator(".vm-teach-span-list button").first.wait_for()
    assert seconds.startswith("You say lying")
    page.wait_for_function("document.querySelector('.vm-teach-player video')?.readyState > 1")
    looped = page.locator(".vm-teach-player [data-do=loop]")
    page.wait_for_function("button => button.ariaPressed === 'true'", arg=looped.element_handle())
    page.get_by_role("button", name="Close", exact=True).click()
    assert page.locator(".vm-teach-spans").is_hidden()


def label_what_is_in_doubt(page):
    page.locator(".vm-teach-next button").first.click()
    page.wait_for_function("document.body.dataset.view === 'label'")
    page.wait_for_function(
        "least => document.querySelector('.vm-code-player video')?.currentTime >= least",
        arg=VIDEO_SECONDS - 9,
    )
    go_to(page, "teach")


def watch_with_it(page):
    page.locator(".vm-teach-use").click()
    page.wait_for_function("window.vidmem.last.model?.name === 'models/pens v1'")
    assert page.locator(".vm-model option:checked").inner_text() == "pens v1"
    step_to(page, 8)
    assert page.evaluate("window.vidmem.last.now.label") in BEHAVIOURS


def correct_what_it_says(page, teaching):
    """By keys: a moment looked back at is on Label, with the bout of the model there chosen."""
    page.evaluate("window.vidmem.act('look', { seconds: 1.6 })")
    page.wait_for_function("Math.abs(window.vidmem.last.picture.seconds - 1.6) < 0.2")
    correct = page.locator("[data-act=correct]")
    correct.wait_for()
    page.locator("body").press("c")
    page.wait_for_function("document.body.dataset.view === 'label'")
    page.wait_for_function(
        "Math.abs(document.querySelector('.vm-code-player video').currentTime - 1.6) < 0.6"
    )
    page.locator(".vm-code-row[data-source=model][aria-current=true]").wait_for()
    project = teaching.app.project
    (video,) = project.videos.list()
    before = project.labels.of(video.name).labels.bouts
    project.remove_video(video.name)
    go_to(page, "watch")
    correct.press("Enter")
    page.get_by_text("is not in the project").wait_for()
    page.keyboard.press("Enter")  # the focus is on the button that adds it
    page.wait_for_function("document.body.dataset.view === 'label'")
    assert project.labels.of(video.name).labels.bouts == before
    go_to(page, "teach")


def correct_the_model_from_what_is_kept(page, project):
    """With labels more, it is offered; the scores before and after are in its report."""
    num_files = len(list(project.features_folder.rglob("*.npy")))
    (video,) = project.videos.list()
    more = Bout(video.name, VIDEO_SECONDS - 8.0, VIDEO_SECONDS - 6.0, BEHAVIOURS[0])
    project.labels.edit(video.name, lambda labels: labels.add(more), words="labelled")
    correct = page.get_by_role("button", name="Correct pens v1, as pens v2")
    correct.press("Enter")
    page.locator(f"{REPORT} h2", has_text="pens v2").wait_for(timeout=TAUGHT_MILLISECONDS)
    page.locator(JOB).wait_for(state="detached")
    assert "The correction" in page.locator(f"{REPORT} .vm-teach-corrected").inner_text()
    page.get_by_role("rowheader", name="pens v1, before").wait_for()
    correct.wait_for(state="hidden")
    assert len(list(project.features_folder.rglob("*.npy"))) == num_files
    page.locator(".vm-teach-compare select").select_option(label="pens v1")
    page.get_by_role("region", name="pens v2 beside pens v1").wait_for()


def rename_download_and_delete(page, project):
    """By the keyboard; what is used is refused."""
    page.locator(f"{MODELS} [data-act=rename]").press("Enter")
    page.keyboard.type("pens of May")
    page.keyboard.press("Enter")
    page.locator(f"{REPORT} h2", has_text="pens of May").wait_for()
    with page.expect_download() as download:
        page.locator(f"{REPORT} ~ .vm-card [data-file=zip]").first.click()
    assert download.value.suggested_filename == "pens of May.zip"
    names = zipfile.ZipFile(download.value.path()).namelist()
    assert "pens of May/report.md" in names
    page.locator(f"{MODELS} [data-show='models/pens v1']").click()
    page.locator(f"{MODELS} [data-act=delete]").press("Enter")
    page.get_by_role("button", name="Delete it").press("Enter")
    page.get_by_text("pens v1 is being used by a run").wait_for()
    page.locator(f"{MODELS} [data-show='models/pens v2']").click()
    page.locator(f"{MODELS} [data-act=delete]").press("Enter")
    page.get_by_role("button", name="Delete it").press("Enter")
    page.locator(f"{MODELS} [data-show='models/pens v2']").wait_for(state="detached")
    wait_until(lambda: [one.name for one in project.models_folder.iterdir()] == ["pens v1"])
