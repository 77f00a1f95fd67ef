"""A lesson in the browser: keys are held while a video plays, and bars follow."""

from __future__ import annotations

import pytest

from tests.browser.conftest import leave, wait_until
from tests.browser.test_looks import is_well_everywhere, violations
from tests.browser.test_runs import go_to
from tests.teaching.footage import write_video
from vidmem.labels import Behaviour

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

VIDEO = "square.mp4"
"""Its square is left and right in turn, for 2.5 seconds each."""

ROWS = ".vm-lesson-rows li"
REACHED = "at => document.querySelector('.vm-lesson-player video').currentTime >= at"
TOP = f"number => document.querySelectorAll('{ROWS}')[number]?.hasAttribute('data-top')"


@pytest.fixture
def project(site):
    """The project of the app, with one video and two behaviours."""
    project, path = site.app.project, site.videos.parent / VIDEO
    empty(project)
    write_video(path)
    for name in ("lying", "standing"):
        project.behaviours.add(Behaviour(name, axis="posture"))
    project.add_video(path)
    yield project
    empty(project)


def empty(project):
    for name in project.ethogram.names:
        project.behaviours.delete(name)
    for one in project.videos.list():
        project.remove_video(one.name)


def test_a_lesson_with_a_video_and_one_with_the_camera(open_page, site, project):
    page = open_page()
    go_to(page, "lesson")
    begin_and_play(page)
    bars_follow_what_was_shown(page)
    examples_become_labels_in_one_step(page, project)
    assert is_well_everywhere(page, within=".vm-lesson")
    page.get_by_role("button", name="End the lesson").click()
    page.locator(".vm-lesson-setup").wait_for()
    show_to_the_camera(page)
    it_ends_with_its_page(page, site)


def begin_and_play(page):
    page.wait_for_function(
        "document.querySelector('.vm-lesson .vm-vp-bar .vm-main:not(:disabled)')"
    )
    assert violations(page, within=".vm-lesson") == []
    page.get_by_role("button", name="Begin the lesson").press("Enter")
    page.locator(ROWS).nth(1).wait_for()
    page.keyboard.press("2")
    page.get_by_text("Play the video first").wait_for()
    page.keyboard.press("Space")


def bars_follow_what_was_shown(page):
    """What is shown while the one before is being learnt is not missed."""
    fits = []
    page.route("**/lesson/end?*", lambda route: fits.append(route))
    for number, start, end in ((1, 0.1, 2.2), (2, 2.8, 4.7)):
        page.wait_for_function(REACHED, arg=start)
        page.keyboard.down(str(number))
        page.wait_for_function(REACHED, arg=end)
        page.keyboard.up(str(number))
    while not fits:  # pictures go first
        page.wait_for_timeout(20)
    fits[0].continue_()
    page.unroute("**/lesson/end?*")  # the next one is on its way only now
    for number in (0, 1):
        page.locator(ROWS).nth(number).get_by_text("1 example").wait_for()
    page.wait_for_function(TOP, arg=0)  # it is left again
    page.wait_for_function(TOP, arg=1)
    assert page.locator(f"{ROWS} [role=meter]").nth(1).get_attribute("aria-valuenow") != "0"
    page.keyboard.press("Space")


def examples_become_labels_in_one_step(page, project):
    page.get_by_role("button", name="Keep as labels").press("Enter")
    page.locator(".vm-lesson-kept", has_text="2 examples are labels of square.mp4").wait_for()
    bouts = project.labels.of(VIDEO).labels.bouts
    assert [one.behaviour for one in bouts] == ["lying", "standing"]
    assert bouts[0].start_seconds < 1 < 2 < bouts[0].end_seconds < 3
    project.undo()
    assert project.labels.of(VIDEO).labels.bouts == ()
    page.get_by_role("button", name="Take back the last").press("Enter")
    page.locator(ROWS).nth(1).get_by_text("no example").wait_for()


def show_to_the_camera(page):
    page.context.grant_permissions(["camera"])
    page.get_by_role("radio", name="This device's camera").check()
    page.locator(".vm-lesson-webcam").click()
    page.wait_for_function("document.querySelector('.vm-lesson-own[data-open]')")
    page.locator(".vm-lesson-axis select").select_option("")
    page.get_by_role("textbox", name="Names").fill("waving, resting")
    page.keyboard.press("Enter")
    with page.expect_response("**/lesson/pictures?*"):
        page.locator(ROWS).nth(1).wait_for()
    page.locator(f"{ROWS} button").nth(1).hover()
    page.mouse.down()
    number = num_feature_frames(page)
    wait_until(lambda: num_feature_frames(page) >= number + 2)  # the first may be of before
    page.mouse.up()
    page.locator(ROWS).nth(1).get_by_text("1 example").wait_for()
    page.context.clear_permissions()  # the tab is the next test's
    assert page.get_by_role("button", name="Keep as labels").is_hidden()
    page.get_by_text("Of a camera no picture is kept").wait_for()


def it_ends_with_its_page(page, site):
    run = page.evaluate("window.vidmem.run")
    address = page.url.split("#")[0]
    leave(page)
    site.set_grace(0.0)
    wait_until(lambda: site.registry().sweep() == [] and site.registry().find(run) is None)
    assert page.request.get(f"{address}lesson/state?run={run}").json()["lesson"] is None


def num_feature_frames(page):
    query = f"run={page.evaluate('window.vidmem.run')}"
    answer = page.request.get(f"{page.url.split('#')[0]}lesson/state?{query}")
    return answer.json()["lesson"]["num_feature_frames"]
