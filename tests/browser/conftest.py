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

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
VIDEO_SECONDS = 48
CLIP_SECONDS = 2


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip(f"no Chromium on PATH (looked for {', '.join(CHROMIUM)})")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models of random weights and a short barn video."""
    import vidmem
    from vidmem.data.barn import BarnConfig, write_video

    folder = tmp_path_factory.mktemp("material")
    vidmem.save(make_tiny_model(), folder / "tiny")
    vidmem.save(make_tiny_spool(), folder / "tiny-spool")
    config = BarnConfig(minutes=VIDEO_SECONDS / 60, seed=5, light_seconds=20.0)
    write_video(config, folder / "barn.mp4", width=192, height=108, fps=8.0)
    return folder


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
        changes = {"model": str(material / "tiny"), "sample": material / "barn.mp4", **changes}
    settings = AppSettings(
        port=port,
        videos=videos,
        runs_folder=folder / "runs",
        upload_folder=folder / "uploads",
        **{"grace_seconds": 4.0, "max_runs": 2, **changes},
    )
    site = Site(f"http://127.0.0.1:{port}", None, videos)
    tools = vidmem_tools(settings.model)
    slowed = replace(
        tools,
        open_engine=lambda request: Slowed(tools.open_engine(request), site),
        open_pool=lambda model: slowed_pool(model, site),
    )
    site.app = build_app(settings, slowed)
    config = uvicorn.Config(site.app.api, host="127.0.0.1", port=port, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, seconds=20)
    try:
        yield site
    finally:
        site.app.registry.close()
        site.app.end_connections()
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def site(browser: Any, material: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(material, tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="session")
def spool_site(
    browser: Any, material: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("spool site")
    with serving(material, folder, model=str(material / "tiny-spool")) as running:
        yield running


@pytest.fixture
def open_page(browser: Any, site: Site) -> Iterator[Callable[..., Any]]:
    """Opens the app in a context of its own; no page may complain or call out."""
    contexts = []
    outside: list[str] = []
    complaints: list[str] = []
    site.clip_seconds = 0.0

    def listen(page: Any) -> None:
        page.on("request", lambda request: outside.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda line: complaints.append(line.text) if line.type == "error" else None
        )

    def open_it(address: str = "", width: int = 1440, scheme: str = "light", **more: Any) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 1000 if width > 600 else 844},
            color_scheme=scheme,
            **more,
        )
        contexts.append(context)
        page = context.new_page()
        listen(page)
        page.goto(address or site.address)
        page.wait_for_function(
            "window.vidmem?.last.source && window.vidmem.last.picture", timeout=60_000
        )
        return page

    yield open_it
    for context in contexts:
        context.close()
    site.app.registry.clear()
    allowed = ("http://127.0.0.1:", "data:", "blob:")
    assert [url for url in outside if not url.startswith(allowed)] == []
    assert complaints == []


def wait_until(is_true: Callable[[], Any], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def newest(page: Any) -> dict[str, Any]:
    """The newest prediction that the page has."""
    return page.evaluate("window.vidmem.last.now")


def status(page: Any) -> str:
    return page.evaluate("window.vidmem.last.play.status")


def wait_for_status(page: Any, wanted: str, seconds: float = 20) -> None:
    page.wait_for_function(
        "wanted => window.vidmem.last.play.status === wanted", arg=wanted, timeout=seconds * 1000
    )


def wait_for_clip(page: Any, index: int, seconds: float = 20) -> None:
    """Until the page shows a prediction of at least this number."""
    page.wait_for_function(
        "index => window.vidmem.last.now?.index >= index", arg=index, timeout=seconds * 1000
    )


def set_slider(page: Any, setting: str, value: float) -> None:
    """Move a slider with the keyboard, as a hand would."""
    slider = page.locator(f"[data-setting={setting}]")
    stops = page.evaluate(f"window.vidmem.last.settings.allowed.{setting}")
    steps = stops.index(value) - int(slider.input_value())
    slider.focus()
    for _ in range(abs(steps)):
        slider.press("ArrowRight" if steps > 0 else "ArrowLeft")
