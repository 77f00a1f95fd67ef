"""The app on a free port of this machine, and a real Chromium in front of it."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.app.tiny_spool import make_tiny_spool
from tests.conftest import make_tiny_model
from tests.data.footage import write_pen

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--use-fake-device-for-media-stream",  # a camera that shows a test picture
]
HANDLE = r"""
const ask = window.requestAnimationFrame;
const isClock = (callback) => /performance\.now\(\)-.*1e3/s.test(String(callback));
window.requestAnimationFrame = (callback) =>
  window.vidmem && isClock(callback) ? 0 : ask(callback);
addEventListener("DOMContentLoaded", async () => {
  const link = await new Promise((done) => {
    const look = () => {
      const found = document.querySelector("link[href$='/shared/bus.js']");
      found ? done(found) : setTimeout(look, 10);
    };
    look();
  });
  const load = (name) => import(link.href.replace("shared/bus", name));
  const [bus, inside, format] = await Promise.all(
    ["shared/bus", "shared/viewed_moment", "shared/format"].map(load),
  );
  const more = { inside: { value: inside }, clock: { value: format.clock } };
  window.vidmem = Object.create(bus, more);
});
"""
"""Gives tests what the scripts of a page share, as `window.vidmem`: the app has no global.

And ends the clock of Gradio's splash, which Gradio leaves running with each frame, where nobody
sees it: many pages are open for long here. The app comes too late to end it.
"""

VIDEO_SECONDS = 48
CLIP_SECONDS = 2
LONG = "folder/long pen.mp4"
"""The key of a video that does not come to its end while a test looks at it."""

LONG_TIMES = 12
WAIT_SECONDS = 90.0
"""How long an event may take: long, since the machine may have other work."""

LASTING_SECONDS = 3600.0
"""How long a run without a page is kept: a reload may take its time."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip(f"no Chromium on PATH (looked for {', '.join(CHROMIUM)})")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models of random weights and a short barn video."""
    import vidmem

    folder = tmp_path_factory.mktemp("material")
    vidmem.save(make_tiny_model(), folder / "tiny")
    vidmem.save(make_tiny_spool(), folder / "tiny-spool")
    write_pen(folder / "barn.mp4", VIDEO_SECONDS, width=192, height=108, fps=8)
    write_repeated(folder / "barn.mp4", folder / "long.mp4", LONG_TIMES)
    return folder


def write_repeated(path: Path, out: Path, times: int) -> None:
    """The same packets again and again: a long video without drawing it."""
    import av

    with av.open(str(out), "w") as container:
        start = 0
        stream: Any = None
        for _ in range(times):
            with av.open(str(path)) as source:
                video = source.streams.video[0]
                stream = stream or container.add_stream_from_template(video)
                for packet in source.demux(video):
                    if packet.dts is None:
                        continue
                    packet.dts, packet.pts = packet.dts + start, packet.pts + start
                    packet.stream = stream
                    container.mux(packet)
                start += video.duration


@dataclass
class Site:
    """A running app."""

    address: str
    app: Any
    videos: Path
    clip_seconds: float = 0.0
    """Added to what a clip takes, so that a test can lay its hand on a run."""

    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def registry(self) -> Any:
        return self.app.registry

    def set_grace(self, seconds: float) -> None:
        """How long a run without a page is kept from here on."""
        self.app.registry._grace_seconds = seconds


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Slowed:
    """An engine that takes a little longer over each clip."""

    def __init__(self, engine: Any, site: Site) -> None:
        self._engine, self._site = engine, site

    def __next__(self) -> Any:
        time.sleep(self._site.clip_seconds)
        return self._engine.__next__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def slowed_pool(model: Any, site: Site) -> Any:
    """A pool that takes a little longer over each clip."""
    from vidmem.streaming import StreamPool

    class SlowedPool(StreamPool):
        def __next__(self) -> Any:
            time.sleep(site.clip_seconds)
            return super().__next__()

    return SlowedPool(model)


@contextmanager
def serving(material: Path | None, folder: Path, **changes: Any) -> Iterator[Site]:
    import uvicorn

    from app.launch import AppSettings, build_app
    from app.tools import vidmem_tools

    port = free_port()
    videos = folder / "videos"
    videos.mkdir()
    if material is not None:
        shutil.copy(material / "barn.mp4", videos / "second pen.mp4")
        shutil.copy(material / "long.mp4", videos / LONG.removeprefix("folder/"))
        changes = {"model": str(material / "tiny"), "sample": material / "barn.mp4", **changes}
    settings = AppSettings(
        port=port,
        videos=videos,
        project=folder / "project",
        runs_folder=folder / "runs",
        upload_folder=folder / "uploads",
        **{"grace_seconds": LASTING_SECONDS, "max_runs": 2, **changes},
    )
    site = Site("", None, videos)
    tools = vidmem_tools(settings.model)
    slowed = replace(
        tools,
        open_engine=lambda request: Slowed(tools.open_engine(request), site),
        open_pool=lambda model: slowed_pool(model, site),
    )
    site.app = build_app(settings, slowed)
    site.address = site.app.address  # with the token, which a page gives back for a cookie
    config = uvicorn.Config(site.app.api, host="127.0.0.1", port=port, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield site
    finally:
        site.app.registry.close()
        site.app.end_connections()
        server.should_exit = True
        thread.join(WAIT_SECONDS)


@pytest.fixture(scope="package")
def site(browser: Any, material: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(material, tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="package")
def spool_site(
    browser: Any, material: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("spool site")
    with serving(material, folder, model=str(material / "tiny-spool")) as running:
        yield running


class Tabs:
    """Tabs that tests use one after the other, each in a context of its own.

    A context that is new has nothing in its cache: to fetch and compile the page's scripts costs
    four times as much as all else that a page does when it opens. What a page keeps is emptied.
    """

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._pages: list[Any] = []
        self._num_used = 0
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def take(self) -> Any:
        """A tab that this test has not taken yet."""
        if self._num_used == len(self._pages):
            self._pages.append(self._heard(new_page(self._browser)))
        self._num_used += 1
        return self._pages[self._num_used - 1]

    def give_back(self) -> None:
        """End what the test showed; the tabs are the next test's."""
        for number, page in enumerate(self._pages[: self._num_used]):
            leave(page)
            if page.is_closed():
                self._pages[number] = self._heard(page.context.new_page())
        self._num_used = 0

    def _heard(self, page: Any) -> Any:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        return page

    def _hear(self, line: Any) -> None:
        if line.type == "error":
            self.complaints.append(line.text)


def leave(page: Any) -> None:
    """Go from the app, as one who closes the tab; a visit later in it is another visitor's."""
    if not page.is_closed():
        page.unroute_all()  # what is held back or refused is so for one test
    if not page.is_closed() and page.url != "about:blank":
        page.evaluate("sessionStorage.clear(), localStorage.clear()")
        page.goto("about:blank")
        page.mouse.move(0, 0)


@pytest.fixture(scope="package")
def tabs(browser: Any) -> Tabs:
    return Tabs(browser)


@pytest.fixture
def open_page(tabs: Tabs, site: Site) -> Iterator[Callable[..., Any]]:
    """Opens the app for a new visitor; no page may complain or call out."""
    tabs.requests.clear()
    tabs.complaints.clear()
    site.app.registry.clear()  # of what pages that are no tabs of ours began
    site.clip_seconds = 0.0
    site.set_grace(LASTING_SECONDS)

    def open_it(address: str = "", width: int = 1440, is_calm: bool = False) -> Any:
        page = tabs.take()
        page.set_viewport_size({"width": width, "height": 1000 if width > 600 else 844})
        motion = "reduce" if is_calm else "no-preference"
        page.emulate_media(color_scheme="light", reduced_motion=motion)
        page.goto(address or site.address)
        page.wait_for_function("window.vidmem?.last.source && window.vidmem.last.picture")
        wait_until_it_listens(page)
        return page

    yield open_it
    allowed = ("http://127.0.0.1:", "data:", "blob:", "about:blank")
    outside = [url for url in tabs.requests if not url.startswith(allowed)]
    complaints = list(tabs.complaints)  # not of what is cut short by leaving
    tabs.give_back()
    site.app.registry.clear()
    assert outside == []
    assert complaints == []


def new_page(browser: Any, **more: Any) -> Any:
    """A page in a context of its own, patient and open to tests."""
    context = browser.new_context(**more)
    context.add_init_script(HANDLE)
    context.set_default_timeout(1000 * WAIT_SECONDS)
    return context.new_page()


def wait_until_it_listens(page: Any) -> None:
    """The scripts of a page come when it is first on view."""
    page.wait_for_function(
        "![...document.querySelectorAll('[inert]')].some((one) => one.checkVisibility())"
    )


def wait_until(is_true: Callable[[], Any]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not is_true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def newest(page: Any) -> dict[str, Any]:
    """The newest prediction that the page has."""
    return page.evaluate("window.vidmem.last.now")


def status(page: Any) -> str:
    return page.evaluate("window.vidmem.last.play.status")


def wait_for_status(page: Any, wanted: str) -> None:
    page.wait_for_function("wanted => window.vidmem.last.play.status === wanted", arg=wanted)


def wait_for_clip(page: Any, index: int) -> None:
    """Until the page shows a prediction of at least this number."""
    page.wait_for_function("index => window.vidmem.last.now?.index >= index", arg=index)


def choose(page: Any, video: str) -> None:
    """Another video, by the key of the list."""
    page.evaluate("video => window.vidmem.act('choose', { video })", video)
    page.wait_for_function("key => window.vidmem.last.source.key === key", arg=video)


def step_to(page: Any, index: int) -> None:
    """Judge clips one by one up to this number: then none is on its way, and nothing moves."""
    first = newest(page)["index"] + 1 if newest(page) else 0
    for number in range(first, index + 1):
        page.locator("[data-act=forward]").click()
        wait_for_clip(page, number)
    wait_for_status(page, "paused")


def set_slider(page: Any, setting: str, value: float) -> None:
    """Move a slider with the keyboard, as a hand would, until the app has the value in use."""
    slider = page.locator(f"[data-setting={setting}]")
    stops = page.evaluate(f"window.vidmem.last.settings.allowed.{setting}")
    steps = stops.index(value) - int(slider.input_value())
    slider.focus()
    for _ in range(abs(steps)):
        slider.press("ArrowRight" if steps > 0 else "ArrowLeft")
    in_use = "([setting, value]) => window.vidmem.last.settings.values[setting] === value"
    page.wait_for_function(in_use, arg=[setting, value])
