"""How quick the Label page is, measured and printed: no test, since it depends on the machine.

    python -m tests.browser.measure_label

An hour of video with 2,000 bouts, and about as many of a model, is zoomed and moved, one step for
each frame of the browser; then behaviours' keys are pressed five times a second, and it is measured
how long each takes from the press to its drawing.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, HANDLE, serving
from vidmem.data.barn import BarnConfig, write_video
from vidmem.labels import Bout, preset
from vidmem.projects import Project, VideoFacts

VIDEO = "hour.mp4"
NUM_BOUTS, HOUR = 2000, 3600.0
RUN = {"id": "r", "model": "made up", "state": "finished", "created": "", "video": VIDEO}
FRAMES = """
async () => {
  const canvas = document.querySelector(".vm-code-plot canvas");
  canvas.scrollIntoView({ block: "center" });
  await new Promise((done) => setTimeout(done, 600));
  const { left, top, width } = canvas.getBoundingClientRect();
  const at = { clientX: left + width * 0.6, clientY: top + 20, bubbles: true, cancelable: true };
  const wheel = (deltaY, deltaX = 0) =>
    canvas.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY, deltaX }));
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  let last = await frame();
  for (const act of [() => wheel(-25), () => wheel(0, 30), () => wheel(25), () => wheel(0, -40)]) {
    for (let step = 0; step < 120; step++) {
      act();
      const now = await frame();
      times.push(now - last);
      last = now;
    }
  }
  return times;
}
"""
PRESSES = """
window.presses = [];
window.vidmem.on("label_drawn", (time) => time && window.presses.push(time));
"""


def main() -> None:
    """Measure, and print."""
    folder = Path(tempfile.mkdtemp(prefix="vidmem-measure-"))
    write_video(BarnConfig(minutes=0.5, seed=1), folder / VIDEO, width=320, height=180, fps=8.0)
    with serving(None, folder) as site, sync_playwright() as playwright:
        fill_project(site.app.project, folder / VIDEO)
        program = next(p for p in (f"/usr/bin/{name}" for name in CHROMIUM) if Path(p).exists())
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = open_page(browser, site)
        say("from frame to frame", page.evaluate(FRAMES))
        page.evaluate(PRESSES)
        page.locator(".vm-code-left").focus()
        for number in range(50):
            page.keyboard.press("qwas"[number % 4])
            page.wait_for_timeout(200)
        say("from key to drawing", page.evaluate("window.presses"))
        browser.close()


def fill_project(project: Project, path: Path) -> None:
    """An hour of bouts on two axes, and points."""
    project.add_video(path, VideoFacts(duration_seconds=HOUR, fps=8.0))
    project.behaviours.unite(preset("mouse"))
    bouts = [*states(("still", "moving"), 1), *states(("grooming", "rearing", "sniffing"), 2)]
    draw = random.Random(3)
    times = sorted(draw.uniform(0, HOUR) for _ in range(NUM_BOUTS - len(bouts)))
    bouts += [Bout(VIDEO, at, at, "jump") for at in times]
    project.labels.edit(VIDEO, lambda labels: labels.add(*bouts), words="made up")
    sys.stdout.write(f"{len(project.labels.of(VIDEO).labels.bouts)} bouts\n")


def states(names: Sequence[str], seed: int) -> list[Bout]:
    """900 states of an axis, with gaps."""
    draw, bouts, at = random.Random(seed), [], 0.0
    for _ in range(900):
        length = draw.uniform(0.5, 6.5)
        bouts.append(Bout(VIDEO, at, at + length, draw.choice(names)))
        at += length + draw.choice((0, 0, 0.5))
    return bouts


def open_page(browser: Any, site: Any) -> Any:
    """The page, with a model's run that says nearly the same."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.add_init_script(HANDLE)
    page = context.new_page()
    predicted = [
        {"behaviour": b.behaviour, "start": b.start_seconds, "end": b.end_seconds - 0.2, "score": 1}
        for b in site.app.project.labels.of(VIDEO).labels.bouts
        if not b.is_point
    ]
    runs, bouts = {"runs": [RUN]}, {"run": "r", "model": "made up", "bouts": predicted}
    page.route("**/project/runs?*", lambda route: route.fulfill(json=runs))
    page.route("**/project/runs/bouts?*", lambda route: route.fulfill(json=bouts))
    page.goto(f"{site.address}#label")
    page.locator(".vm-code-run select").select_option("r")
    page.wait_for_function("document.querySelector('.vm-vp-bar .vm-main:not(:disabled)')")
    page.locator("[data-code-zoom=all]").click()
    return page


def say(what: str, milliseconds: Sequence[float]) -> None:
    """Median and 95 %, with the load of the machine beside it."""
    ordered = sorted(milliseconds)
    median, most = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    load = os.getloadavg()[0]
    sys.stdout.write(
        f"{what}: median {median:.1f} ms, 95 % {most:.1f} ms ({len(ordered)}; load {load:.1f})\n"
    )


if __name__ == "__main__":
    main()
