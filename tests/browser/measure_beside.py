"""What teaching costs a run that plays beside it, measured in Chromium and printed: no test.

    python -m tests.browser.measure_beside

The bundled model watches a long video as quickly as it can, and the page is asked something every
quarter of a second. Measured is how many clips a second it watches and how soon the page is
answered: alone, then while a model is being taught (on labels that mean nothing, and minutes of
video that are encoded first), then alone again, so that a machine that has changed shows.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from app.teaching.request import TeachRequest
from tests.browser.conftest import (
    CHROMIUM,
    FLAGS,
    new_page,
    serving,
    wait_for_clip,
    wait_until,
    write_repeated,
)
from tests.data.footage import SAMPLE
from vidmem.labels import Behaviour, Bout
from vidmem.projects import Project

VIDEO, SAMPLE_TIMES = "long.mp4", 240
BEHAVIOURS = ("lying", "standing")
LABELLED_SECONDS, BOUT_SECONDS = 1200, 20
MEASURED_MILLISECONDS, PERIOD_MILLISECONDS = 20_000, 250

ASK = """
async () => {
  const start = performance.now();
  await fetch(`project/runs?run=${window.vidmem.run}`);
  return performance.now() - start;
}
"""


def main() -> None:
    """Measure, and print."""
    folder = Path(tempfile.mkdtemp(prefix="vidmem-measure-"))
    write_repeated(SAMPLE, folder / VIDEO, SAMPLE_TIMES)
    settings: dict[str, Any] = {"model": "fam-swin-nano", "sample": folder / VIDEO}
    with serving(None, folder, **settings) as site, sync_playwright() as playwright:
        label(site.app.project, folder / VIDEO)
        program = next(p for p in (f"/usr/bin/{name}" for name in CHROMIUM) if Path(p).exists())
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = new_page(browser)
        page.goto(site.address)
        page.locator(".vm-big").click()
        wait_for_clip(page, 2)
        say("alone", measured(page))
        teaching = site.app.teaching
        job = teaching.begin(TeachRequest(name="beside", encoder="lite2", has_baselines=False))
        wait_until(lambda: any(one.get("done") for one in teaching.rows()))
        say("beside teaching", measured(page))
        [row] = teaching.rows()
        assert row["state"] == "running", row
        teaching.cancel(job)
        wait_until(lambda: not teaching.rows())
        say("alone again", measured(page))
        browser.close()
        teaching.close()


def label(project: Project, path: Path) -> None:
    """Two behaviours in turn."""
    project.add_video(path)
    for name in BEHAVIOURS:
        project.behaviours.add(Behaviour(name, axis="posture"))
    bouts = [
        Bout(VIDEO, float(at), float(at + BOUT_SECONDS), BEHAVIOURS[at // BOUT_SECONDS % 2])
        for at in range(0, LABELLED_SECONDS, BOUT_SECONDS)
    ]
    project.labels.edit(VIDEO, lambda labels: labels.add(*bouts), words="labelled")


def measured(page: Any) -> tuple[float, float, float]:
    """Clips a second, and milliseconds to an answer: the median, and of the slowest tenth."""
    count = "window.vidmem.last.now.index"
    first, start = page.evaluate(f"[{count}, performance.now()]")
    answers = []
    for _ in range(MEASURED_MILLISECONDS // PERIOD_MILLISECONDS):
        answers.append(page.evaluate(ASK))
        page.wait_for_timeout(PERIOD_MILLISECONDS)
    last, end = page.evaluate(f"[{count}, performance.now()]")
    slow = statistics.quantiles(answers, n=10)[-1]
    return (last - first) / (end - start) * 1000, statistics.median(answers), slow


def say(when: str, figures: tuple[float, float, float]) -> None:
    """A line."""
    rate, median, slow = figures
    sys.stdout.write(
        f"{when}: {rate:.2f} clips a second; an answer after {median:.0f} ms, nine of ten within "
        f"{slow:.0f} ms (load {os.getloadavg()[0]:.1f})\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
