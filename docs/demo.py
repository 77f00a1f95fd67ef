"""From an empty project to a taught model, in Chromium, as a person does it: `make demo`.

    python docs/demo.py [--video V --truth T] [--seconds S] [--axis A] [--at-least F1]
    python docs/demo.py --film docs/demo.gif

Somebody who knows the video well codes its first minutes by keys while it plays, at the speed that
it has, and does nothing else but press buttons: teach, use, play. The truth is a file of labels; it
tells the hand on the keys what to press, and afterwards how right the model is on the rest, which
nobody labelled. Without a video, a barn is drawn, whose labels are known. All that is printed was
measured in the run. It wants what the browser tests want: `make dev`, and a Chromium.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from pictures import CHROMIUM, FLAGS, running_app
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import sync_playwright

from tests.data.coded_barn import BARN, write_coded_barn
from vidmem.labels import Labels, read
from vidmem.labels.results import score
from vidmem.projects import Project

LIMIT_MILLISECONDS = 900_000

FRAME_SIZE = (960, 600)
FONT_PIXELS = 20
WAITING_FRAMES = 12
"""Of each wait in the film, at most."""


@dataclass
class Film:
    """Screenshots with a sentence below each, for a picture that moves."""

    is_wanted: bool
    frames: list[Image.Image] = field(default_factory=list)
    milliseconds: list[int] = field(default_factory=list)

    def shoot(self, page: Any, sentence: str, *, milliseconds: int = 1500) -> None:
        """Take what is shown."""
        if not self.is_wanted:
            return
        shown = Image.open(BytesIO(page.screenshot())).convert("RGB").resize(FRAME_SIZE)
        frame = Image.new("RGB", (FRAME_SIZE[0], FRAME_SIZE[1] + 2 * FONT_PIXELS), "#14181d")
        frame.paste(shown)
        font = ImageFont.load_default(FONT_PIXELS)
        place = (FONT_PIXELS, FRAME_SIZE[1] + FONT_PIXELS // 2)
        ImageDraw.Draw(frame).text(place, sentence, fill="white", font=font)
        self.frames.append(frame)
        self.milliseconds.append(milliseconds)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Of what is shot in here only some frames stay, evenly."""
        start = len(self.frames)
        yield
        step = max(1, -(-(len(self.frames) - start) // WAITING_FRAMES))
        self.frames[start:] = self.frames[start::step]
        self.milliseconds[start:] = self.milliseconds[start::step]

    def write(self, path: Path) -> None:
        """As a GIF that goes round, all of it in the same colours."""
        together = Image.new("RGB", (FRAME_SIZE[0], FRAME_SIZE[1] * len(self.frames)))
        for index, frame in enumerate(self.frames):
            together.paste(frame, (0, FRAME_SIZE[1] * index))
        palette = together.quantize(96)
        drawn = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in self.frames]
        drawn[0].save(
            path,
            save_all=True,
            append_images=drawn[1:],
            duration=self.milliseconds,
            loop=0,
            optimize=True,
        )


@dataclass(frozen=True)
class Footage:
    """A video, what is true of it, and how much of that is coded."""

    video: Path
    truth: Labels
    seconds: float

    def presses(self) -> list[tuple[float, str]]:
        """When which behaviour's key is pressed; the last ones end what is on."""
        coded = self.truth.between(self.video.name, 0.0, self.seconds).bouts
        starts = [(one.start_seconds, one.behaviour) for one in coded]
        last = {self.truth.ethogram[one.behaviour].axis: one.behaviour for one in coded}
        return sorted(starts) + [(self.seconds, name) for name in last.values()]


def drawn_footage(folder: Path, seconds: float) -> Footage:
    """A barn that nobody has seen, and a person's own words for what happens in it."""
    path = folder / "pen 7.mp4"
    return Footage(path, write_coded_barn(BARN, path), seconds)


def given_footage(video: Path, truth: Path, axis: str | None, seconds: float) -> Footage:
    """A video of one's own."""
    labels = read(truth, video=video.name)
    if axis is not None:
        labels = labels.for_axis(axis)
    return Footage(video, labels, seconds)


def name_behaviours(page: Any, footage: Footage, film: Film) -> None:
    """Put the video into the project, and type what is to be told apart."""
    page.get_by_role("link", name="Label", exact=True).click()
    page.locator(".vm-chooser-offered").select_option(label=footage.video.name)
    page.locator(".vm-chooser-row button", has_text="Add").click()
    page.locator(".vm-chooser-facts", has_text="fps").wait_for()
    film.shoot(page, "An empty project: a video is added ...")
    page.locator(".vm-code-presets button").last.click()
    for behaviour in footage.truth.ethogram:
        box = page.locator("input[data-focus$=add]")
        box.fill(behaviour.name)
        box.press("Enter")
        page.locator(f".vm-eth-row[data-behaviour='{behaviour.name}']").wait_for()
    film.shoot(page, "... and one's own behaviours, each with a key")
    page.keyboard.press("Escape")


def code(page: Any, footage: Footage, film: Film) -> None:
    """Press the keys while the video plays, as it plays."""
    keys = {
        row.get_attribute("data-behaviour"): row.locator("kbd").inner_text()
        for row in page.locator(".vm-code-key").all()
    }
    page.wait_for_function("document.querySelector('.vm-vp-bar .vm-main:not(:disabled)')")
    page.locator(".vm-code-left").focus()
    presses = footage.presses()
    while presses[0][0] <= 0:
        page.keyboard.press(keys[presses.pop(0)[1]])
    page.keyboard.press(" ")
    wait = "at => document.querySelector('.vm-code-player video').currentTime >= at"
    for number, (seconds, behaviour) in enumerate(presses):
        page.wait_for_function(wait, arg=seconds)
        if seconds >= footage.seconds:
            page.keyboard.press(" ")
        page.keyboard.press(keys[behaviour])
        if number % max(1, len(presses) // 8) == 0:
            film.shoot(page, "Coded by keys while it plays", milliseconds=600)
    page.locator(".vm-code-saved", has_text="Saved").wait_for()


def until(wanted: Any, every_seconds: float) -> Iterator[None]:
    """Again and again until something is shown, or for too long."""
    end = time.monotonic() + LIMIT_MILLISECONDS / 1000
    while time.monotonic() < end:
        yield
        with suppress(PlaywrightTimeoutError):
            wanted.wait_for(timeout=1000 * every_seconds)
            return
    raise TimeoutError(f"{wanted} was not shown in time")


CAN_BEGIN = """() => {
  const refused = document.querySelector(".vm-teach-error");
  if (refused?.checkVisibility()) throw new Error(refused.textContent);
  return document.querySelector(".vm-teach-begin")?.disabled === false;
}"""


def teach(page: Any, film: Film) -> str:
    """One button; gives back what the report is led by."""
    page.get_by_role("link", name="Teach", exact=True).click()
    page.wait_for_function(CAN_BEGIN)
    page.locator("[name=name]").fill("my model")
    film.shoot(
        page, "What is labelled, what is kept to test with, and one button", milliseconds=3000
    )
    page.locator(".vm-teach-begin").click()
    with film.waiting():
        for _ in until(page.locator(".vm-teach-report h2", has_text="my model"), 4.0):
            sentence = "It learns on the processor, with nothing sent anywhere"
            film.shoot(page, sentence, milliseconds=400)
    film.shoot(page, "How good it is, on time that it has not seen", milliseconds=4000)
    return page.locator(".vm-teach-report .vm-teach-lead").first.inner_text()


def watch(page: Any, footage: Footage, film: Film) -> None:
    """Use it on the whole video."""
    page.locator(".vm-teach-use").click()
    page.wait_for_function("document.body.dataset.view === 'watch'")
    page.get_by_label("Which video", exact=True).select_option(label=footage.video.name)
    page.wait_for_function(
        "window.getComputedStyle(document.querySelector('.vm-big')).display !== 'none'"
    )
    page.locator(".vm-main[data-act=toggle]").click()
    with film.waiting():
        for _ in until(page.locator(".vm-pace", has_text="Watched to the end"), 3.0):
            film.shoot(page, "The model watches the rest", milliseconds=400)
    film.shoot(page, "What it saw, to be reviewed, corrected, and taken away", milliseconds=4000)


def macro_f1(project: Path, footage: Footage) -> tuple[float, float]:
    """On what was not labelled; and how many seconds that is."""
    with Project.open(project) as opened:
        (path,) = opened.runs.list()[0].folder.glob("*-predictions.csv")
    predicted = read(path, video=footage.video.name)
    end = max(one.end_seconds for one in footage.truth.bouts)
    rest = footage.truth.between(footage.video.name, footage.seconds, end)
    found = score(predicted, rest)
    return found.macro_f1 or 0.0, found.scored_seconds


@contextmanager
def told(what: str, seconds: dict[str, float]) -> Iterator[None]:
    """Print how long something took."""
    start = time.monotonic()
    yield
    seconds[what] = time.monotonic() - start
    print(f"{what}: {seconds[what]:.0f} s", flush=True)


def main() -> int:
    """The whole way; 1 where the model is not as right as was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path)
    parser.add_argument("--truth", type=Path, help="labels of it, of any format that is read")
    parser.add_argument("--seconds", type=float, default=240.0, help="how much of it is coded")
    parser.add_argument("--axis", help="of these labels; default: all")
    parser.add_argument(
        "--at-least", type=float, default=0.0, help="macro-F1 on the rest; below it, it fails"
    )
    parser.add_argument("--film", type=Path, help="a GIF of the way")
    given = parser.parse_args()
    film, took = Film(given.film is not None), {}
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        if given.video is None:
            footage = drawn_footage(folder, given.seconds)
        else:
            footage = given_footage(given.video, given.truth, given.axis, given.seconds)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        project = folder / "project"
        with running_app(footage.video.parent, project) as address:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(LIMIT_MILLISECONDS)
            page.goto(address)
            page.locator(".vm-big").wait_for()
            with told("all", took):
                with told("behaviours", took):
                    name_behaviours(page, footage, film)
                with told("labels", took):
                    code(page, footage, film)
                with told("teaching", took):
                    print(teach(page, film))
                with told("watching the whole video", took):
                    watch(page, footage, film)
            found, seconds = macro_f1(project, footage)
    print(f"macro-F1 {found:.2f} on the {seconds:.0f} s that nobody labelled")
    if given.film is not None:
        film.write(given.film)
    return int(found < given.at_least)


if __name__ == "__main__":
    raise SystemExit(main())
