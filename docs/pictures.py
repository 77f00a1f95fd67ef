"""Takes the pictures of the documents anew: `python docs/pictures.py [NAME ...]`.

Each is what the app shows in Chromium at 1440 pixels, in light colours, of drawn barns. It wants
what the browser tests want: `make dev`, and a Chromium at `/usr/bin/chromium`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from playwright.sync_api import sync_playwright

from vidmem.data.barn import BarnConfig, write_video
from vidmem.labels import Behaviour, Bout, Span
from vidmem.projects import Project, VideoFacts

DOCS = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
LIMIT_MILLISECONDS = 60_000

SAMPLE_CLIPS = 13
"""Clips of the sample that are judged: it pauses at its 52nd second of 60."""

PENS = "four pens.mp4"

SAMPLE = DOCS.parent / "assets" / "barn-sample.mp4"
POSTURES, ACTIVITIES = ("standing", "walking", "lying lateral"), ("feeding", "nursing")
CODED = (
    *(("walking", 0.0, 8.3), ("standing", 8.3, 20.4), ("walking", 20.4, 31.6)),
    *(("lying lateral", 31.6, 52.0), ("feeding", 9.1, 19.8), ("nursing", 39.7, 47.1)),
)
"""What somebody may have coded of the sample: behaviour, start and end in seconds."""


def write_four_pens(path: Path, minutes: float = 2.0) -> None:
    """Four pens, each with a sow of its own, in one picture: as a video recorder mixes cameras."""
    folder = path.parent / "pens"
    folder.mkdir()
    pens = [folder / f"{seed}.mp4" for seed in (21, 22, 23, 24)]
    for seed, pen in enumerate(pens, start=21):
        config = BarnConfig(minutes=minutes, seed=seed, light_seconds=60.0)
        write_video(config, pen, width=480, height=270, fps=8.0)
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 960, 540, "yuv420p"
        for frames in zip(*map(read_frames, pens), strict=False):
            rows = [np.hstack(frames[:2]), np.hstack(frames[2:])]
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.vstack(rows), format="rgb24")))
        out.mux(stream.encode(None))


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """All frames of a video, as RGB."""
    with av.open(path) as file:
        for frame in file.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


CODED_SECONDS = {"review": 8.3}
"""How much of it is coded for a picture; all for the others."""


def code_sample(project: Project, until_seconds: float = 52.0) -> None:
    """Put the sample, two axes of behaviours and what was coded up to a time into a project."""
    name = project.add_video(SAMPLE, VideoFacts(duration_seconds=60.0, fps=12.5)).name
    keys = iter("qweas")
    for axis, behaviours in (("posture", POSTURES), ("activity", ACTIVITIES)):
        for behaviour in behaviours:
            project.behaviours.add(Behaviour(behaviour, axis=axis, key=next(keys)))
    for behaviour, start, end in CODED:
        if end <= until_seconds:
            project.labels.add_bout(Bout(name, start, end, behaviour, author="Ann"))
    for axis in ("posture", "activity"):
        project.labels.mark_scored(Span(name, 0.0, until_seconds, axis=axis))


@contextmanager
def running_app(videos: Path, project: Path) -> Iterator[str]:
    """The app in a process of its own; gives the address with its token."""
    folders = ["--videos", str(videos), "--project", str(project)]
    command = [sys.executable, "-m", "app", "--port", "0", *folders]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=DOCS.parent) as app:
        assert app.stderr is not None
        lines = iter(app.stderr)
        address = next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
        try:
            yield address
        finally:
            app.terminate()


def go(page: Any, name: str) -> None:
    """Open a page of the app."""
    page.get_by_role("link", name=name, exact=True).click()


def step(page: Any, count: int) -> None:
    """Judge the next clips one by one."""
    for number in range(count):
        page.locator("[data-act=forward]").click()
        reached = f"Analysed to {clock(4 * (number + 1))}"
        page.locator(".vm-pace", has_text=reached).wait_for()
    page.locator(".vm-caption", has_text=clock(4 * count - 1)).wait_for()  # its last picture


def clock(seconds: int) -> str:
    """As the page says it."""
    return f"{seconds // 60:02d}:{seconds % 60:02d}"


def use_spool(page: Any) -> None:
    """Change to the other model."""
    page.locator(".vm-model").select_option("spool-nano")
    page.locator("[data-setting=local_frame_range]").wait_for()


def watch(page: Any) -> None:
    """FAM Swin, in the middle of the sample."""
    step(page, SAMPLE_CLIPS)


def watch_spool(page: Any) -> None:
    """Spool, with its newest clips provisional."""
    use_spool(page)
    step(page, SAMPLE_CLIPS + 1)


def heads(page: Any) -> None:
    """Where one head of Spool looks."""
    watch_spool(page)
    go(page, "Heads")
    page.locator(".vm-pick-grid canvas").first.wait_for(state="attached")
    page.wait_for_timeout(6000)  # its figures


def memory(page: Any) -> None:
    """What mattered to the clip after the meal, beside what is looked at."""
    page.locator(".vm-big").click()
    page.locator(".vm-pace", has_text="Watched to the end").wait_for()
    go(page, "Memory")
    box = page.locator(".vm-plot canvas").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 50 / 60, box["y"] + box["height"] / 2)
    for kind in ("direct", "total"):
        page.locator(f".vm-mat-list [data-kind={kind}]").click()
        page.locator(f".vm-mat-list [data-kind={kind}]", has_text="Again").wait_for()


def streams(page: Any) -> None:
    """Four pens of one recording, decoded once."""
    page.get_by_label("Which video", exact=True).select_option(f"folder/{PENS}")
    page.locator(".vm-file", has_text="960").wait_for()
    go(page, "Streams")
    page.get_by_role("button", name="2 \N{MULTIPLICATION SIGN} 2").click()
    for number, name in enumerate(page.locator(".vm-boxes-list input").all(), start=1):
        name.fill(f"pen {number}")
    page.get_by_role("button", name="Start 4 regions").click()
    page.locator(".vm-tile", has_text=re.compile("01:.. of 02:00")).first.wait_for()
    page.get_by_role("button", name="Add streams").click()


def planner(page: Any) -> None:
    """What a Swin-T costs, at a rate that is typed as an example."""
    go(page, "Planner")
    page.locator(".vm-plan-model").select_option("fam-swin-t")
    page.locator(".vm-plan-facts", has_text="14.1 MiB").wait_for()
    page.get_by_label("Clips per second, all streams").fill("420")
    page.keyboard.press("Tab")
    page.locator(".vm-plan-facts", has_text="896").wait_for()


def label(page: Any) -> None:
    """Somebody's own behaviours on the sample, with what the model says below."""
    page.locator(".vm-big").click()
    page.locator(".vm-pace", has_text="Watched to the end").wait_for()
    go(page, "Label")
    page.locator(".vm-code-run select option").nth(1).wait_for(state="attached")
    page.locator(".vm-code-run select").select_option(index=1)
    page.locator(".vm-code-rows button", has_text="nursing").first.click()


def review(page: Any) -> None:
    """What the model said of the same video, the doubtful first."""
    page.locator(".vm-big").click()
    page.locator(".vm-pace", has_text="Watched to the end").wait_for()
    go(page, "Review")
    page.locator("[data-review=order]").select_option("time")
    page.locator("[data-review=unchecked]").uncheck()
    page.locator(".vm-review-row", has_text="walking").last.click()
    page.locator(".vm-review-player [data-do=loop][aria-pressed=true]").wait_for()


def results(page: Any) -> None:
    """What follows from the same labels."""
    go(page, "Results")
    page.locator(".vm-results-rows tr[data-at]", has_text="nursing").click()


PICTURES: dict[str, Callable[[Any], None]] = {
    "watch": watch,
    "watch-spool": watch_spool,
    "heads": heads,
    "memory": memory,
    "streams": streams,
    "planner": planner,
    "label": label,
    "review": review,
    "results": results,
}


def main(names: list[str]) -> None:
    """Take the named pictures, or all."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        if not names or "streams" in names:
            write_four_pens(Path(folder) / PENS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name in names or PICTURES:
            place = Path(folder) / f"project {name}"
            with Project.create(place) as project:
                code_sample(project, CODED_SECONDS.get(name, 52.0))
            with running_app(Path(folder), place) as address:
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                page.set_default_timeout(LIMIT_MILLISECONDS)
                page.goto(address)
                page.locator(".vm-big").wait_for()
                PICTURES[name](page)
                page.wait_for_timeout(1500)  # for what fades in
                page.screenshot(path=DOCS / f"{name}-light.png", full_page=True)
                page.close()


if __name__ == "__main__":
    main(sys.argv[1:])
