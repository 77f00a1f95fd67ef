"""The real app behind its guard, without a page and with made-up models."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from app.launch import App, AppSettings, build_app
from tests.app.fakes import FakeMachine, write_video

GRADIO_LOOPS = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
"""Where no server runs it, Gradio makes event loops that nobody closes."""

PORT = 7860
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"


@dataclass(frozen=True)
class Refused:
    """An answer of the guard."""

    status_code: int
    headers: Headers


class Site:
    """An app, and clients of it that follow no redirect, and see errors as statuses."""

    def __init__(self, app: App) -> None:
        self.app = app

    def client(self, peer: str = "127.0.0.1", host: str = HOST, **headers: str) -> TestClient:
        """A program at an address, which calls the app by a name."""
        return TestClient(
            self.app.api,
            base_url=f"http://{host}",
            client=(peer, 50_000),
            headers=headers,
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def refused(self, method: str, path: str, headers: dict[str, str]) -> Refused:
        """The answer to a request that the guard refuses at once, as it reaches the whole app."""
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise AssertionError(f"{method} {path} with {headers} was let through")

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "client": ("127.0.0.1", 50_000),
        }
        with pytest.raises(StopIteration):  # it waits for nothing
            self.app.api(scope, receive, send).send(None)  # type: ignore[attr-defined]
        return Refused(sent[0]["status"], Headers(raw=sent[0]["headers"]))

    def signed_in(self, **more: Any) -> TestClient:
        """One that has exchanged the token for a cookie."""
        client = self.client(**more)
        token = self.app.address.partition("?token=")[2]
        assert client.get("/", params={"token": token}).status_code == 303
        return client


@pytest.fixture(scope="package")
def make_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """Makes apps by their settings; all end with the tests."""
    apps = []

    def make(**settings: Any) -> Site:
        folder: Path = tmp_path_factory.mktemp("site")
        sample = write_video(folder / "sample.mp4", 60)
        app = build_app(
            AppSettings(
                port=PORT,
                model="fake",
                sample=sample,
                project=folder / "project",
                runs_folder=folder / "runs",
                upload_folder=folder / "uploads",
                **settings,
            ),
            FakeMachine(clip_seconds=0.005).tools(),
        )
        apps.append(app)
        return Site(app)

    yield make
    for app in apps:
        app.registry.close()
    gc.collect()  # so that loops are collected here, see `GRADIO_LOOPS`


@pytest.fixture(scope="package")
def site(make_site: Callable[..., Site]) -> Site:
    """The app as it starts without flags."""
    return make_site()
