"""Notebooks in a real JupyterLab, in Chromium: run, a slider moved, photographed. No test.

    python -m tests.browser.measure_notebooks FOLDER                    02_memory and 05_attention
    python -m tests.browser.measure_notebooks FOLDER 08_scores --dark

Copies of the notebooks are opened, run from top to bottom by the menu, and the first slider is
moved by the keyboard. It prints how long running took, and how soon after the key the figure had
changed; FOLDER gets a screenshot of the top, of each widget before and after, and of each exercise.
It needs the extra `notebooks`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, free_port
from tests.test_notebooks import FOLDER as NOTEBOOKS

USUAL = ("02_memory", "05_attention")
RUN_MILLISECONDS = 300_000
START_SECONDS = 90.0
FIGURES = ".jupyter-widgets .js-plotly-plot"

WATCH = """
(figures) => {
  // Looked up anew each time: a widget that is drawn again is another element.
  window.title = () => document.querySelector(`${figures} .gtitle`)?.textContent;
  window.before = window.title();
  window.pressedAt = 0;
  addEventListener("keydown", () => { window.pressedAt = performance.now(); }, true);
}
"""
CHANGED = """
() => {
  const isChanged = window.pressedAt && window.title() && window.title() !== window.before;
  return isChanged ? performance.now() - window.pressedAt : false;
}
"""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def is_open(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """The address of a JupyterLab that serves a folder; its settings are kept in another one."""
    port = free_port()
    with tempfile.TemporaryDirectory() as settings:
        names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")
        own = {name: f"{settings}/{name.lower()}" for name in names}
        environment = {**os.environ, **own, "PYTHONPATH": str(NOTEBOOKS.parent)}
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *(f"--port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"),
            *("--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"),
            *("--LabApp.news_url=None", "--LabApp.extension_manager=readonly"),
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]
        server = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            give_up = time.monotonic() + START_SECONDS
            while not is_open(port):
                assert server.poll() is None, "JupyterLab ended while it started"
                assert time.monotonic() < give_up, "JupyterLab does not start"
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def watch_notebook(page: Any, address: str, stem: str, shots: Path) -> None:
    """Open a notebook, run it, move its first slider, and photograph it."""
    page.goto(f"{address}/lab/tree/{stem}.ipynb?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell")
    page.get_by_text("| Idle").wait_for()  # in the status bar, behind the name of the kernel
    page.screenshot(path=shots / f"{stem}-top.png")
    started = time.perf_counter()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    # What the last cell says: the check of the third exercise.
    answers = page.get_by_text("Not answered yet.")
    answers.nth(2).wait_for(state="attached", timeout=RUN_MILLISECONDS)
    say(f"{stem}: ran in {time.perf_counter() - started:.1f} s")
    errors = page.locator(".jp-RenderedText[data-mime-type*='error']").all_inner_texts()
    say(f"  errors: {errors or 'none'}")
    page.wait_for_selector(FIGURES)
    figures = page.locator(".js-plotly-plot").count()
    say(f"  figures drawn: {figures}, of them in widgets: {page.locator(FIGURES).count()}")
    box = page.locator(".jupyter-widgets").filter(has=page.locator(".js-plotly-plot")).first
    box.scroll_into_view_if_needed()
    box.screenshot(path=shots / f"{stem}-before.png")
    page.wait_for_selector(f"{FIGURES} .gtitle")
    page.evaluate(WATCH, FIGURES)
    handle = page.locator(".jupyter-widgets .noUi-handle").first
    handle.focus()
    handle.press("ArrowRight")
    milliseconds = page.wait_for_function(CHANGED, polling="raf").json_value()
    say(f"  the figure followed after {milliseconds:.0f} ms")
    box.screenshot(path=shots / f"{stem}-after.png")
    for number in (1, 2, 3):
        page.get_by_role("heading", name=f"Exercise {number}").scroll_into_view_if_needed()
        page.screenshot(path=shots / f"{stem}-exercise-{number}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shots", type=Path)
    parser.add_argument("stems", nargs="*", default=USUAL)
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    options.shots.mkdir(parents=True, exist_ok=True)
    program = next(filter(None, map(shutil.which, CHROMIUM)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        copies = Path(folder) / "notebooks"
        shutil.copytree(NOTEBOOKS, copies)
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        scheme = "dark" if options.dark else "light"
        page = chromium.new_page(viewport={"width": 1440, "height": 1000}, color_scheme=scheme)
        page.set_default_timeout(60_000)
        with jupyterlab(copies) as address:
            for stem in options.stems:
                watch_notebook(page, address, stem, options.shots)
        chromium.close()


if __name__ == "__main__":
    main()
