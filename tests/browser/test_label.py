"""The Label page: a video is coded by keys alone, by mouse, beside a model, with the app gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import WAIT_SECONDS
from tests.browser.test_looks import is_well_everywhere
from vidmem.labels import Behaviour, Ethogram

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

ETHOGRAM = Ethogram(
    (
        Behaviour("lying", key="q", axis="posture", colour="#e69f00"),
        Behaviour("standing", key="w", axis="posture", colour="#56b4e9"),
        Behaviour("feeding", key="a", axis="activity", colour="#009e73"),
        Behaviour("drinking", key="l", axis="activity", colour="#0072b2"),  # the player's, too
        Behaviour("rolling", key="1", kind="point", axis="events", colour="#d55e00"),
    )
)
VIDEO = "coded.mp4"
RUN = {"id": "r", "model": "nano", "video": VIDEO, "state": "finished", "created": "2026-05-03T10"}
PREDICTED = [
    {"behaviour": "lying", "start": 0, "end": 8, "score": 0.9},
    {"behaviour": "standing", "start": 8, "end": 30, "score": 0.8},
    {"behaviour": "feeding", "start": 35, "end": 40, "score": 0.71},
    {"behaviour": "sneezing", "start": 41, "end": 42, "score": 0.5},
]
UNLIKE = "3 of 24 clips look unlike what the model was trained on: their labels mean nothing."
PIXELS = """
(colour) => {
  const canvas = document.querySelector(".vm-code-plot canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    count += wanted.every((value, part) => data[at + part] === value);
  return count;
}
"""


@pytest.fixture
def project(site, material):
    """The project of the app, with one video and an ethogram of two axes."""
    project = site.app.project

    def empty() -> None:
        for name in project.ethogram.names:
            project.behaviours.delete(name)
        for one in project.videos.list():
            project.remove_video(one.name)

    empty()
    path = site.videos.parent / VIDEO
    # An empty box behind it: of equal content, it would be the video of another test.
    path.write_bytes((material / "barn.mp4").read_bytes() + b"\0\0\0\x08free")
    project.behaviours.unite(ETHOGRAM)
    project.add_video(path)
    yield project
    empty()


@pytest.fixture
def page(open_page, project):
    opened = open_page(is_calm=True)
    runs = {"runs": [RUN]}
    opened.route("**/project/runs?*", lambda route: route.fulfill(json=runs))
    bouts = {"run": "r", "model": "nano", "title": "nano", "bouts": PREDICTED, "warning": UNLIKE}
    opened.route("**/project/runs/bouts?*", lambda route: route.fulfill(json=bouts))
    opened.get_by_role("link", name="Label", exact=True).click()
    opened.locator(".vm-code-key").first.wait_for()
    opened.wait_for_function("document.querySelector('.vm-vp-bar .vm-main:not(:disabled)')")
    yield opened
    opened.unroute_all()


def shown(project: Any) -> list[str]:
    """The bouts, with times to a tenth."""
    return [
        f"{one.behaviour} {one.start_seconds:.1f}-{one.end_seconds:.1f}"
        for one in project.labels.of(VIDEO).labels.bouts
    ]


def until(page: Any, is_true: Callable[[], Any], about: Callable[[], Any] = str) -> None:
    """Wait with the page's requests answered meanwhile, some of them by the test."""
    end = time.monotonic() + WAIT_SECONDS
    while not is_true():
        assert time.monotonic() < end, about()
        page.wait_for_timeout(20)


def wait_for_bouts(page: Any, project: Any, *wanted: str) -> None:
    until(page, lambda: shown(project) == list(wanted), lambda: shown(project))


def wait_for_time(page: Any, seconds: float) -> None:
    page.wait_for_function(
        "wanted => Math.abs(Number(document.querySelector('.vm-vp-seek').value) - wanted) < 0.07",
        arg=seconds,
    )


def go(page: Any, seconds: float) -> None:
    """By keys of the player: its start, and 5 seconds on."""
    page.keyboard.press("Home")
    wait_for_time(page, 0)
    for step in range(round(seconds / 5)):
        page.keyboard.press("ArrowRight")
        wait_for_time(page, 5.0 * (step + 1))


def on(page: Any) -> list[str]:
    return page.locator(".vm-code-key[aria-pressed=true]").evaluate_all(
        "rows => rows.map((row) => row.dataset.behaviour)"
    )


def test_a_video_is_coded_by_keys_alone(page, project):
    page.locator(".vm-code-left").focus()
    page.evaluate(
        "window.drawn = []; window.vidmem.on('label_drawn', (ms) => window.drawn.push(ms))"
    )
    coded = code(page, project)
    correct_edges(page, project, coded)
    reshape(page, project, coded)
    mark(page, project)
    look_at_keys(page, project)
    # The page is left: what is on is written as far as it goes.
    page.locator(".vm-code-left").focus()
    page.keyboard.press("ArrowRight")
    wait_for_time(page, 45)
    page.get_by_role("link", name="Watch", exact=True).click()
    until(page, lambda: "drinking 40.0-45.0" in shown(project))
    # Each press was drawn; how quick that is, is measured elsewhere.
    assert len(page.evaluate("window.drawn")) > 20


def code(page: Any, project: Any) -> tuple[str, ...]:
    """Two axes and a point; gives back what there is then."""
    keys = page.keyboard
    go(page, 0)
    keys.press("q")
    wait_for_bouts(page, project, "lying 0.0-0.1")  # there from the press on
    go(page, 5)
    keys.press("a")
    until(page, lambda: on(page) == ["lying", "feeding"])
    until(page, lambda: page.evaluate(PIXELS, "#e69f00") > 500)  # it reaches to the playhead
    go_on(page, 10)
    keys.press("w")  # ends the other posture, and not the activity
    wait_for_bouts(page, project, "lying 0.0-10.0", "feeding 5.0-5.1", "standing 10.0-10.1")
    keys.press("1")
    go_on(page, 15)
    keys.press("a")
    go_on(page, 20)
    keys.press("w")
    coded = ("lying 0.0-10.0", "feeding 5.0-15.0", "rolling 10.0-10.0", "standing 10.0-20.0")
    wait_for_bouts(page, project, *coded)
    for colour in ("#e69f00", "#56b4e9", "#009e73", "#d55e00"):
        until(page, lambda colour=colour: page.evaluate(PIXELS, colour) > 20)
    badges = page.locator(".vm-code-badge")
    until(page, lambda: badges.count() == 0)
    chosen = page.locator(".vm-code-row[aria-current]")
    for press, behaviour in (("", "standing"), ("Shift+Tab", "rolling"), ("Tab", "standing")):
        if press:
            keys.press(press)
        chosen.filter(has_text=behaviour).wait_for()
    wait_for_time(page, 10)
    until(page, lambda: badges.all_inner_texts() == ["standing", "feeding"])

    return coded


def correct_edges(page: Any, project: Any, coded: tuple[str, ...]) -> None:
    """By a second, and to the playhead; undone and done again."""
    keys, chosen = page.keyboard, page.locator(".vm-code-row[aria-current]")
    keys.press("}")
    wait_for_bouts(page, project, *coded[:3], "standing 10.0-21.0")
    keys.press("Shift+Tab")  # the point
    keys.press("Shift+Tab")
    chosen.filter(has_text="feeding").wait_for()
    wait_for_time(page, 5)
    keys.press("ArrowRight")
    wait_for_time(page, 10)
    keys.press("]")
    wait_for_bouts(
        page, project, "lying 0.0-10.0", "feeding 5.0-10.0", *coded[2:3], "standing 10.0-21.0"
    )
    for words in ("changed feeding", "changed standing"):
        page.get_by_role("button", name=f"Undo: {words}").wait_for()
        keys.press("Control+z")
    wait_for_bouts(page, project, *coded)
    page.get_by_role("button", name="Redo: changed standing").wait_for()
    keys.press("Control+Shift+z")
    wait_for_bouts(page, project, *coded[:3], "standing 10.0-21.0")
    keys.press("Control+z")
    wait_for_bouts(page, project, *coded)


def reshape(page: Any, project: Any, coded: tuple[str, ...]) -> None:
    """Another behaviour, two of one, one of two, a note, gone."""
    keys, chosen = page.keyboard, page.locator(".vm-code-row[aria-current]")
    go(page, 5)
    keys.press("Escape")
    keys.press("Shift+Tab")
    chosen.filter(has_text="lying").wait_for()
    keys.press("Alt+w")
    wait_for_bouts(page, project, "standing 0.0-10.0", *coded[1:])
    go(page, 5)
    keys.press("Shift+S")
    wait_for_bouts(page, project, "standing 0.0-5.0", "standing 5.0-10.0", *coded[1:])
    keys.press("Shift+J")  # with the next that is there
    wait_for_bouts(
        page,
        project,
        "standing 0.0-5.0",
        "feeding 5.0-15.0",
        "standing 5.0-20.0",
        "rolling 10.0-10.0",
    )
    keys.press("Shift+N")
    keys.type("restless q")  # no behaviour's key here
    keys.press("Control+Enter")
    until(page, lambda: "restless q" in {b.comment for b in project.labels.of(VIDEO).labels.bouts})
    keys.press("Delete")
    wait_for_bouts(page, project, "standing 0.0-5.0", "feeding 5.0-15.0", "rolling 10.0-10.0")


def mark(page: Any, project: Any) -> None:
    """What was looked at, and what could not be told."""
    keys = page.keyboard
    go(page, 15)
    keys.press("Shift+D")
    go(page, 25)
    keys.press("Shift+D")
    go(page, 30)
    keys.press("Shift+O")
    page.get_by_text("not scored from 00:30.0").wait_for()
    keys.press("ArrowRight")
    wait_for_time(page, 35)
    keys.press("Shift+O")
    until(page, lambda: len(project.labels.of(VIDEO).labels.not_scored) == 3)  # of each axis
    labels = project.labels.of(VIDEO).labels
    assert [span.interval for span in labels.scored] == [(15, 25)] * 3
    assert [span.interval for span in labels.not_scored] == [(30, 35)] * 3


def look_at_keys(page: Any, project: Any) -> None:
    """All are listed; a behaviour's goes before the player's; Tab and Escape."""
    keys = page.keyboard
    keys.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.get_by_text("loop on, off (taken by drinking)").wait_for()
    keys.press("q")
    keys.press("Escape")
    go(page, 40)
    keys.press("l")
    until(page, lambda: "drinking 40.0-40.1" in shown(project))
    assert page.locator("[data-code=loop]").get_attribute("aria-pressed") == "false"
    # Tab goes from bout to bout in the work area alone, and Escape leaves it.
    keys.press("Escape")
    keys.press("Escape")
    assert page.evaluate("document.activeElement === document.body")
    keys.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")


def go_on(page: Any, seconds: float) -> None:
    """5 seconds further: to the start first would end what is on."""
    page.keyboard.press("ArrowRight")
    wait_for_time(page, seconds)


def test_a_video_is_coded_by_mouse_beside_a_model(page, project):
    def key(name: str) -> Any:
        return page.locator(f".vm-code-key[data-behaviour={name}]")

    canvas = page.locator(".vm-code-plot canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    left, wide = box["x"] + 126, box["width"] - 127
    end = float(page.locator(".vm-vp-seek").get_attribute("max"))

    def at(seconds: float, row: int = 0) -> tuple[float, float]:
        return left + wide * seconds / end, box["y"] + 8 + 11 + row

    page.mouse.click(*at(10))
    wait_for_time(page, 10)
    key("lying").click()
    page.mouse.click(*at(20))
    wait_for_time(page, 20)
    key("standing").click()
    page.mouse.click(*at(25))
    wait_for_time(page, 25)
    key("standing").click()
    until(page, lambda: len(shown(project)) == 2 and shown(project)[1].endswith("-25.0"))
    # An edge is dragged, with the frame shown meanwhile, and sticks to a frame.
    page.mouse.move(*at(25))
    page.mouse.down()
    page.mouse.move(*at(28), steps=4)
    wait_for_time(page, 28)
    page.mouse.up()
    until(page, lambda: 27.8 < project.labels.of(VIDEO).labels.bouts[1].end_seconds < 28.2)
    # A body stays where it is: a drag of it pans.
    page.mouse.move(*at(15))
    page.mouse.down()
    page.mouse.move(*at(18), steps=3)
    page.mouse.up()
    assert page.locator(".vm-code-tip").is_hidden()
    # The strip of all of the video, below the axis, goes there; the picture plays and pauses.
    page.mouse.click(at(12)[0], box["y"] + box["height"] - 10)
    wait_for_time(page, 12)
    for is_paused in ("false", "true"):
        page.locator(".vm-code-player .vm-vp-screen").click()
        page.wait_for_function(
            f"document.querySelector('.vm-code-player video').paused === {is_paused}"
        )
    use_menus(page, project, at)
    take_over(page, project)
    assert is_well_everywhere(page)


def use_menus(page: Any, project: Any, at: Callable[[float], tuple[float, float]]) -> None:
    """Of a bout, and of a span that is marked with Shift."""
    page.mouse.click(*at(23), button="right")
    page.get_by_role("menuitem", name="It is lying").click()
    until(
        page, lambda: [b.behaviour for b in project.labels.of(VIDEO).labels.bouts] == ["lying"] * 2
    )
    # Of the bout at the playhead, where none is chosen.
    page.mouse.click(*at(23))
    wait_for_time(page, 23)
    page.keyboard.press("Escape")
    page.locator(".vm-code-row[aria-current]").wait_for(state="detached")
    page.locator("[data-code=more]").click()
    page.get_by_role("menuitem", name="Delete").click()
    until(page, lambda: len(shown(project)) == 1)
    page.keyboard.down("Shift")
    page.mouse.move(*at(30))
    page.mouse.down()
    page.mouse.move(*at(40), steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.get_by_role("menuitem", name="Scored: nothing").click()
    until(page, lambda: [s.axis for s in project.labels.of(VIDEO).labels.scored] == ["posture"])


def take_over(page: Any, project: Any) -> None:
    """The model's track: what differs is marked, a bout is taken over."""
    marked = page.evaluate(PIXELS, "#d55e00")  # the playhead has this colour, too
    # The only run of a video of which none was ever chosen is offered.
    page.get_by_role("button", name="Show what it says").click()
    until(page, lambda: page.locator(".vm-code-run select").input_value() == "r")
    assert page.locator(".vm-code-run-offer").is_hidden()
    predicted = page.locator(".vm-code-row[data-source=model]", has_text="feeding")
    predicted.wait_for()
    assert page.locator(".vm-code-run-warning").inner_text() == UNLIKE
    # A run that comes meanwhile is in the list, and the one that is chosen stays so.
    runs = {"runs": [RUN | {"id": "newer"}, RUN]}
    page.route("**/project/runs?*", lambda route: route.fulfill(json=runs))
    until(page, lambda: page.locator(".vm-code-run option").count() == 3)
    assert page.locator(".vm-code-run select").input_value() == "r"
    until(page, lambda: page.evaluate(PIXELS, "#d55e00") > marked + 100)
    predicted.click()
    wait_for_time(page, 35)
    page.get_by_text("model: feeding 0.71", exact=True).wait_for()
    page.keyboard.press("Enter")
    until(page, lambda: "feeding 35.0-40.0" in shown(project))
    (taken,) = project.labels.of(VIDEO).labels.bouts_of(behaviour="feeding")
    assert (taken.source, taken.score) == ("human", 0.71)
    page.locator(".vm-code-row", has_text="confirmed").wait_for()
    page.locator(".vm-code-row[data-source=model]", has_text="sneezing").click()
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("sneezing is not among your behaviours").wait_for()


def test_what_is_coded_while_the_app_does_not_answer_is_kept(page, project, tabs):
    saved, keys = page.locator(".vm-code-saved"), page.keyboard
    page.locator(".vm-code-left").focus()
    go(page, 5)
    answered = []

    def lose_the_answer(route: Any) -> None:
        answered.append(route.fetch())
        route.abort()

    page.route("**/label/edit", lose_the_answer)
    keys.press("1")
    until(page, lambda: answered)
    page.get_by_text("not saved yet: 1").wait_for()
    page.unroute("**/label/edit")
    page.get_by_text("saved just now").or_(page.get_by_text("ago")).first.wait_for()
    assert shown(project) == ["rolling 5.0-5.0"]
    before = project.revision

    page.route("**/label/*", lambda route: route.abort())
    keys.press("q")
    keys.press("ArrowRight")
    wait_for_time(page, 10)
    keys.press("q")
    page.get_by_text("not saved yet: 2").wait_for()
    page.locator(".vm-code-row", has_text="lying").wait_for()  # drawn all the same
    assert project.revision == before
    reopen(page, project)
    be_too_late(page, project)
    until(page, lambda: saved.get_attribute("data-state") == "saved")
    tabs.complaints.clear()  # of requests that were cut off on purpose


def reopen(page: Any, project: Any) -> None:
    """The page is closed and opened: it has what waits still."""
    page.unroute("**/label/*")
    page.route("**/label/edit", lambda route: route.abort())
    subject = page.locator(".vm-code-subject")
    subject.fill("sow 4")
    subject.press("Enter")
    page.reload()
    page.get_by_text("not saved yet: 2").wait_for()
    until(page, lambda: subject.input_value() == "sow 4")
    subject.fill("")
    subject.press("Enter")
    page.unroute("**/label/edit")
    wait_for_bouts(page, project, "rolling 5.0-5.0", "lying 5.0-10.0")
    page.wait_for_function("document.querySelector('.vm-code-saved').dataset.state === 'saved'")


def be_too_late(page: Any, project: Any) -> None:
    """What somebody else did meanwhile is seen, and an edit that no longer fits is taken back."""
    (lying,) = project.labels.of(VIDEO).labels.bouts_of(behaviour="lying")
    page.route("**/label/*", lambda route: route.abort())
    page.locator(".vm-code-row", has_text="lying").click()
    page.keyboard.press("Delete")
    page.get_by_text("not saved yet: 1").wait_for()
    project.labels.change_bout(lying, lying.changed(end_seconds=12), author="Ann")
    page.unroute("**/label/*")
    page.get_by_role("alert").get_by_text("changed elsewhere").wait_for()
    wait_for_bouts(page, project, "rolling 5.0-5.0", "lying 5.0-12.0")
    page.locator(".vm-code-row", has_text="lying").wait_for()
