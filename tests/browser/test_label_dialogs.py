"""The ethogram editor, import and export in the browser, by keys alone."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from threading import Event

import pytest

from tests.browser.conftest import WAIT_SECONDS, wait_until
from tests.browser.test_looks import is_well_everywhere
from tests.browser.test_runs import go_to
from vidmem.labels import Bout, preset
from vidmem.labels.formats import import_file

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

VIDEO = "second pen.mp4"
OFFERED = "long pen.mp4"
CSV = """video,start_seconds,end_seconds,label
dialogs.mp4,1,5,resting
dialogs.mp4,9,7,resting
dialogs.mp4,12,14,sneezing
"""


@pytest.fixture
def project(site):
    """The project of the app, with nothing in its ethogram."""

    def empty():
        for name in project.ethogram.names:
            project.behaviours.delete(name)

    project = site.app.project
    empty()
    for video in project.videos.list():
        project.remove_video(video.name)
    project.add_video(site.videos / VIDEO)
    yield project
    empty()
    for video in project.videos.list():
        project.remove_video(video.name)


@pytest.fixture
def page(open_page, project):
    opened = open_page(is_calm=True)
    go_to(opened, "label")
    return opened


def open_dialog(page, button, title):
    page.locator(f"[data-code={button}]").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=title)
    dialog.wait_for()
    return dialog


def type_into(control, text):
    control.press("Control+a")
    control.press_sequentially(text)
    control.press("Enter")


def test_behaviours_are_edited_by_keys(page, project):
    """One dialog, opened once; each part begins with what the one before left."""
    dialog = open_dialog(page, "edit", "Behaviours")
    dialog.get_by_label("A list that others use").select_option("mouse")
    dialog.get_by_role("button", name="Add these").press("Enter")
    dialog.get_by_label("Name of still").wait_for()
    assert project.ethogram == preset("mouse")

    type_into(dialog.get_by_label("Name of still", exact=True), "resting")
    named = dialog.get_by_label("Name of resting", exact=True)
    named.wait_for()
    assert named.evaluate("element => element === document.activeElement")
    assert project.ethogram.names[0] == "resting"
    record_keys(page, dialog, project)
    change_one(page, dialog, project)
    assert is_well_everywhere(page)
    page.set_viewport_size({"width": 1440, "height": 1000})
    type_while_an_edit_is_answered(page, dialog, project)
    delete_what_others_label(dialog, project)
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


def record_keys(page, dialog, project):
    key = dialog.get_by_label(re.compile("Key of resting"))
    key.press("Enter")
    dialog.get_by_text("Press the key for resting").wait_for()
    for press, sentence in (
        ("F5", "F5 belongs to the browser or to the page"),
        ("Control+w", "Ctrl+W belongs to the browser"),
        (" ", "The space bar plays and pauses"),
    ):
        page.keyboard.press(press)
        dialog.get_by_role("alert").get_by_text(sentence).wait_for()
    page.keyboard.press("w")
    dialog.get_by_text("w is the key of moving.").wait_for()
    page.keyboard.press("Enter")  # take it
    wait_until(lambda: project.ethogram["resting"].key == "w")
    assert project.ethogram["moving"].key == ""
    dialog.get_by_label("Key of resting: w").wait_for()
    key.press("Enter")
    page.keyboard.press(".")  # a frame on, before
    dialog.get_by_role("status").get_by_text("On this page . also means").wait_for()


def change_one(page, dialog, project):
    """Order, colour, axis; and one more."""
    down = dialog.get_by_label("Move resting down")
    for _ in range(2):
        down.press("Enter")
    wait_until(lambda: project.ethogram.names[2] == "resting")
    dialog.get_by_label("Colour of resting").press("Enter")
    dialog.get_by_role("button", name="Colour #8800ff").press("Enter")
    wait_until(lambda: project.ethogram["resting"].colour == "#8800ff")
    dialog.get_by_label("Axis of resting").select_option(
        label="another axis \N{HORIZONTAL ELLIPSIS}"
    )
    page.keyboard.type("calm")
    page.keyboard.press("Enter")
    wait_until(lambda: project.ethogram["resting"].axis == "calm")
    type_into(dialog.get_by_label("Name of the axis calm"), "activity")
    dialog.get_by_role("alert").get_by_text("there is an axis 'activity' already").wait_for()

    type_into(dialog.get_by_label("Name of a new behaviour"), "sneezing")
    dialog.get_by_label("Name of sneezing").wait_for()
    assert project.ethogram["sneezing"].key == "n"  # the first letter that is free


def type_while_an_edit_is_answered(page, dialog, project):
    """What is typed meanwhile stays, and Enter takes it, whenever the answer comes."""
    grooming = dialog.get_by_label("What counts as grooming")
    with answer_held_back(project, "rename") as answer:
        dialog.get_by_label("Name of digging", exact=True).press("End")
        page.keyboard.type("!")
        page.keyboard.press("Tab")
        grooming.press("End")
        page.keyboard.type(", also another mouse")
        answer.set()
        dialog.get_by_label("Name of digging!", exact=True).wait_for()
    assert "digging!" in project.ethogram
    grooming.press("Enter")
    wait_until(
        lambda: project.ethogram["grooming"].description.endswith("itself, also another mouse")
    )


@contextmanager
def answer_held_back(project, edit):
    """An edit of behaviours that is not done before the event is set."""
    made, may_answer = getattr(project.behaviours, edit), Event()

    def made_late(*arguments, **about):
        assert may_answer.wait(WAIT_SECONDS)
        return made(*arguments, **about)

    with pytest.MonkeyPatch.context() as late:
        late.setattr(project.behaviours, edit, made_late)
        try:
            yield may_answer
        finally:
            may_answer.set()


def delete_what_others_label(dialog, project):
    """Nothing goes that was not said."""
    # By its content it may be the sample, which a run of another test brought in under its name.
    (video,) = project.videos.list()
    project.labels.add_bout(Bout(video.name, 1, 2, "sneezing"))
    dialog.get_by_label("Delete sneezing").press("Enter")
    dialog.get_by_text("1 bout of sneezing would go, not 0").wait_for()
    dialog.get_by_label("Delete sneezing").press("Enter")
    dialog.get_by_text("Deleting sneezing also deletes 1 bout").wait_for()
    dialog.get_by_role("button", name="Delete it with 1 bout").press("Enter")
    dialog.get_by_text("Deleted the behaviour sneezing with 1 bout.").wait_for()
    assert "sneezing" not in project.ethogram
    dialog.get_by_role("button", name="Undo").press("Enter")
    wait_until(lambda: "sneezing" in project.ethogram)
    assert project.behaviours.num_bouts("sneezing") == 1


def test_labels_come_in_and_go_out(page, project, tmp_path):
    bouts = bring_labels(page, project, tmp_path)
    take_labels_out(page, project, tmp_path, bouts)


def bring_labels(page, project, tmp_path):
    path = tmp_path / "monday.csv"
    path.write_text(CSV)
    dialog = open_dialog(page, "import", "Import labels")
    dialog.locator("input[type=file]").set_input_files(path)
    dialog.get_by_text("2 bouts are added").wait_for()
    assert "1 problem: no time 1" in dialog.inner_text()
    assert "row 3" in dialog.inner_text()
    assert dialog.get_by_label("Format").locator("option:checked").inner_text() == (
        "recognised: vidmem CSV"
    )
    assert is_well_everywhere(page)
    which = dialog.get_by_label("Which video dialogs.mp4 is")
    which.select_option(label="leave it out")
    dialog.get_by_text("2 bouts are added").wait_for(state="hidden")
    assert "New behaviours: resting, sneezing" in dialog.inner_text()
    which.select_option(label="not here: add it by name")
    dialog.get_by_text("2 bouts are added").wait_for()
    assert project.ethogram.names == ()
    dialog.get_by_role("button", name="Import", exact=True).press("Enter")
    dialog.get_by_text("Done: imported 2 bouts.").wait_for()
    bouts = project.labels.of("dialogs.mp4").labels.bouts
    assert [(one.behaviour, one.end_seconds) for one in bouts] == [("resting", 5), ("sneezing", 14)]
    page.keyboard.press("Escape")
    return bouts


def test_a_video_of_the_folder_comes_along_with_its_labels(page, project, tmp_path):
    """Who imports into a new project has the videos there already."""
    path = tmp_path / "tuesday.csv"
    path.write_text(CSV.replace("dialogs.mp4", OFFERED))
    dialog = open_dialog(page, "import", "Import labels")
    dialog.locator("input[type=file]").set_input_files(path)
    which = dialog.get_by_label(f"Which video {OFFERED} is")
    assert which.locator("option:checked").inner_text() == "here in the folder: add it"
    dialog.get_by_role("button", name="Import", exact=True).press("Enter")
    dialog.get_by_text("Done: imported 2 bouts.").wait_for()
    video = project.videos[OFFERED]
    assert (video.path.name, project.labels.num_bouts()[OFFERED]) == (OFFERED, 2)
    page.keyboard.press("Enter")  # what is left is to close it
    dialog.wait_for(state="hidden")
    project.undo()
    project.remove_video(OFFERED)


def take_labels_out(page, project, tmp_path, bouts):
    dialog = open_dialog(page, "export", "Export")
    dialog.get_by_label("Videos").select_option("dialogs.mp4")
    dialog.get_by_label("Format").select_option("srt")
    dialog.get_by_text("whether").or_(dialog.get_by_text("the difference between")).first.wait_for()
    dialog.get_by_label("Format").select_option("boris")
    save = dialog.get_by_role("link", name="Download dialogs.boris")
    save.wait_for()
    assert "2 bouts in 1 video" in dialog.inner_text()
    assert is_well_everywhere(page)
    with page.expect_download() as download:
        save.press("Enter")
    assert download.value.suggested_filename == "dialogs.boris"
    out = tmp_path / "dialogs.boris"
    download.value.save_as(out)
    assert json.loads(out.read_text())["project_format_version"] == "7.0"
    read = import_file(out).labels
    assert read.bouts == bouts and read.ethogram.names == project.ethogram.names
    page.keyboard.press("Escape")

    # The way back, by the dialog that did it.
    project.undo()
    assert project.ethogram.names == ()
