"""How soon bars follow a key in a lesson, measured in Chromium and printed: no test.

    python -m tests.browser.measure_lesson          the bundled sample, keys held in turn
    python -m tests.browser.measure_lesson --mouse  the mouse of `measure_mouse`, by its track

A video plays in real time, and digits are held while behaviours are shown. It is measured from the
release of a key to the drawing of the bars that know of it. Of the mouse, what the bars say of the
rest of the video is held against its track, too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from sklearn.metrics import f1_score

from tests.browser.conftest import CHROMIUM, FLAGS, HANDLE, serving
from tests.data.footage import SAMPLE
from tests.teaching.measure_mouse import FPS, SHARED, VIDEO, track
from vidmem.labels import Behaviour

NUM_RELEASES = 12
SHOWN_SECONDS, PAUSE_SECONDS = 2.0, 0.5
MARGIN_SECONDS = 0.2
"""That a hand is late, and lets go early."""

LISTEN = """
() => {
  const amounts = () =>
    [...document.querySelectorAll(".vm-lesson-show small")].map((one) => one.textContent).join();
  let before = amounts();
  let releasedAt = 0;
  window.releases = [];
  window.said = [];
  const video = document.querySelector(".vm-lesson-player video");
  addEventListener("keyup", () => { releasedAt = performance.now(); }, true);
  // The number of examples is drawn with the bars.
  const look = () => {
    const now = amounts();
    const rows = [...document.querySelectorAll(".vm-lesson-rows li")];
    const top = rows.findIndex((one) => one.hasAttribute("data-top"));
    const isTold = now !== before && releasedAt && top >= 0; // else one behaviour alone was shown
    if (isTold) window.releases.push(performance.now() - releasedAt);
    if (now !== before) [before, releasedAt] = [now, 0];
    if (top >= 0) window.said.push([video.currentTime, top]);
  };
  const list = document.querySelector(".vm-lesson-rows");
  new MutationObserver(look).observe(list, { subtree: true, childList: true, attributes: true });
}
"""
REACHED = "at => document.querySelector('.vm-lesson-player video').currentTime >= at"


def mouse_examples() -> tuple[list[tuple[int, float, float]], Any]:
    """When the mouse moves (0) or is still (1) for a while, and of each frame whether it does."""
    moves, _ = track()
    edges = [0, *(np.flatnonzero(np.diff(moves)) + 1), len(moves)]
    found = [
        (0 if moves[start] else 1, start / FPS + MARGIN_SECONDS, end / FPS - MARGIN_SECONDS)
        for start, end in pairwise(edges)
        if (end - start) / FPS >= 1.0
    ]
    # The mouse runs for half a minute first: two examples of that are enough.
    first = next(number for number, (which, *_) in enumerate(found) if which)
    return found[first - 2 :][:NUM_RELEASES], moves


def made_up_examples() -> list[tuple[int, float, float]]:
    """Two behaviours in turn."""
    step = SHOWN_SECONDS + PAUSE_SECONDS
    return [
        (number % 2, 0.5 + number * step, 0.5 + number * step + SHOWN_SECONDS)
        for number in range(NUM_RELEASES)
    ]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mouse", action="store_true")
    given = parser.parse_args()
    examples, moves = mouse_examples() if given.mouse else (made_up_examples(), None)
    folder = Path(tempfile.mkdtemp(prefix="vidmem-measure-"))
    path = folder / "shown.mp4"
    shutil.copy(SHARED / "animals" / VIDEO if given.mouse else SAMPLE, path)
    with serving(None, folder) as site, sync_playwright() as playwright:
        site.app.project.add_video(path)
        for name in ("moving", "still"):
            site.app.project.behaviours.add(Behaviour(name, axis="activity"))
        program = next(p for p in (f"/usr/bin/{name}" for name in CHROMIUM) if Path(p).exists())
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = open_lesson(browser, site)
        for number, start, end in examples:
            page.wait_for_function(REACHED, arg=start, timeout=120_000)
            page.keyboard.down(str(number + 1))
            page.wait_for_function(REACHED, arg=end, timeout=120_000)
            page.keyboard.up(str(number + 1))
        page.wait_for_timeout(1000)
        report_releases(page)
        if moves is not None:
            report_agreement(page, moves, since=examples[-1][2])
        browser.close()
        site.app.teaching.close()


def open_lesson(browser: Any, site: Any) -> Any:
    """A lesson that has begun, and its video plays."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.add_init_script(HANDLE)
    page = context.new_page()
    page.goto(site.address)
    page.wait_for_function("window.vidmem?.last.source")
    page.evaluate("location.hash = '#lesson'")
    page.wait_for_function(
        "document.querySelector('.vm-lesson .vm-vp-bar .vm-main:not(:disabled)')"
    )
    page.get_by_role("button", name="Begin the lesson").click()
    page.locator(".vm-lesson-rows li").first.wait_for()
    page.evaluate(LISTEN)
    page.keyboard.press("Space")
    return page


def report_releases(page: Any) -> None:
    """From keyup to bars."""
    seconds = [one / 1000 for one in page.evaluate("window.releases")]
    lesson = page.evaluate("fetch(`lesson/state?run=${window.vidmem.run}`).then((x) => x.json())")
    state, load = lesson["lesson"], os.getloadavg()[0]
    sys.stdout.write(
        f"from release to bars: median {statistics.median(seconds):.3f} s, at most "
        f"{max(seconds):.3f} s ({len(seconds)}; load {load:.1f})\n"
        f"{len(state['examples'])} examples, {state['num_feature_frames']} feature frames, "
        f"the last fit took {state['fit_seconds']:.3f} s, macro-F1 of examples left out "
        f"{state['left_out_f1'] or float('nan'):.2f}\n"
    )


def report_agreement(page: Any, moves: Any, since: float) -> None:
    """What the bars say of the rest, beside the track."""
    page.wait_for_function(
        "document.querySelector('.vm-lesson-player video').ended", timeout=300_000
    )
    said = [(at, top) for at, top in page.evaluate("window.said") if since + 1 < at]
    told = np.array([top == 0 for _, top in said])
    true = np.array([moves[min(int(at * FPS), len(moves) - 1)] for at, _ in said])
    f1 = f1_score(true, told, average="macro")
    sys.stdout.write(
        f"the rest of the video, {since:.0f} s on: macro-F1 {f1:.2f} of {len(said)} answers\n"
    )


if __name__ == "__main__":
    main()
