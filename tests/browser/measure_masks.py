"""How quick the Masks page is, measured and printed: no test, since it depends on the machine.

    python -m tests.browser.measure_masks                  # with fam-swin-nano and spool-nano
    python -m tests.browser.measure_masks fam-swin-nano    # with models of your choice

Every mask of the list is redrawn as often as a slider is moved: from the input to the frame in
which both figures are drawn. What the request takes of it (the server's view, its figures and their
JSON) stands beside it; the rest is the browser's. Behind both stands the time of the processor that
the server and the page's thread took, which other work on the machine lengthens least.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import sync_playwright

from app.pages.api import answer_json
from app.pages.masks.views import figures
from tests.browser.conftest import CHROMIUM, FLAGS, serving

MODELS = ("fam-swin-nano", "spool-nano")
REDRAWS = 15
LIMIT_MILLISECONDS = 200

REDRAW = """
async (count) => {
  const plots = [...document.querySelectorAll(".vm-masks .vm-plotly")];
  const slider = document.querySelector(".vm-mask-fields input[data-number=block]");
  const frame = () => new Promise(requestAnimationFrame);
  const start = Number(slider.value);
  const other = start > 0 ? start - 1 : start + 1;
  const times = [];
  for (let number = 0; number < count; number++) {
    const drawn = Promise.all(
      plots.map((plot) => new Promise((done) => plot.once("plotly_afterplot", done))),
    );
    performance.clearResourceTimings();
    const began = performance.now();
    slider.value = number % 2 ? start : other;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn;
    await frame();
    const whole = performance.now() - began;
    const request = performance
      .getEntriesByType("resource")
      .find(({ name }) => name.includes("masks/figures"));
    times.push([whole, request.duration, request.name]);
    await frame();
  }
  return times;
}
"""


def main() -> None:
    """Measure, and print."""
    models = sys.argv[1:] or MODELS
    slow = []
    with sync_playwright() as playwright:
        program = next(p for p in (f"/usr/bin/{name}" for name in CHROMIUM) if Path(p).exists())
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for model in models:
            folder = Path(tempfile.mkdtemp(prefix="vidmem-measure-"))
            with serving(None, folder, model=model) as site:
                slow += measure(browser, site, model)
        browser.close()
    sys.stdout.write(f"slower than {LIMIT_MILLISECONDS} ms: {', '.join(slow) or 'none'}\n")


def measure(browser: Any, site: Any, model: str) -> list[str]:
    """Redraw every mask; the names of those whose median is above the limit."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(180_000)  # a machine with other work takes long to begin
    page.goto(f"{site.address}#masks")
    page.wait_for_function("document.querySelector('.vm-mask-blocks .main-svg')")
    page.wait_for_selector(".vm-mask option[value='model:1']", state="attached")
    options = page.locator(".vm-mask option").evaluate_all(
        "all => all.map((one) => [one.value, one.text])"
    )
    session, slow = page.context.new_cdp_session(page), []
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    for value, title in options:
        if value == "mask:saved":  # has no mask before a file is chosen
            continue
        page.locator(".vm-mask").select_option(value)
        page.wait_for_timeout(500)
        page.evaluate(REDRAW, 2)
        before = task_seconds(session)
        times = page.evaluate(REDRAW, REDRAWS)
        of_page = 1000 * (task_seconds(session) - before) / REDRAWS
        wholes, requests, addresses = (sorted(column) for column in zip(*times, strict=True))
        median, most = statistics.median(wholes), wholes[int(len(wholes) * 0.95)]
        load = os.getloadavg()[0]
        name = title if value.startswith("mask:") else title.removeprefix(f"{model}: ")
        sys.stdout.write(
            f"{model}, {name}: median {median:.0f} ms, 95 % {most:.0f} ms; the request "
            f"{statistics.median(requests):.0f} ms; of the processor "
            f"{processor_milliseconds(addresses[0]):.0f} + {of_page:.0f} ms "
            f"({len(wholes)}; load {load:.1f})\n"
        )
        slow += [f"{model}, {name}"] * (median > LIMIT_MILLISECONDS)
    page.close()
    return slow


def task_seconds(session: Any) -> float:
    """What the page's thread has taken of the processor."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in metrics if one["name"] == "TaskDuration")


def processor_milliseconds(address: str) -> float:
    """What a request's view, figures and JSON take of the processor, in this process."""
    query = dict(parse_qsl(urlsplit(address).query))
    began = time.process_time()
    for _ in range(REDRAWS):
        answer_json(figures(query, "light"))
    return 1000 * (time.process_time() - began) / REDRAWS


if __name__ == "__main__":
    main()
