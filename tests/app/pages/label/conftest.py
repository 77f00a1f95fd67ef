"""The addresses of the editor and of import and export, over a project with labels."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.pages.label.behaviours.routes import add_ethogram_routes
from app.pages.label.exchange.routes import add_exchange_routes
from tests.app.conftest import WAIT_SECONDS
from vidmem.labels import Behaviour, Bout, Ethogram
from vidmem.projects import Project, VideoFacts

ETHOGRAM = Ethogram(
    (
        Behaviour("lying", key="l", axis="posture"),
        Behaviour("standing", key="s", axis="posture"),
        Behaviour("feeding", axis="activity"),
        Behaviour("rolling", kind="point", axis="posture"),
    )
)
LYING = Bout("pen 2.mp4", 0, 612.5, "lying", author="Zoë")
STANDING = Bout("pen 2.mp4", 612.5, 700, "standing", author="Zoë")
FEEDING = Bout("pen 2.mp4", 600, 640, "feeding", author="Ali", comment="at the trough")
ROLLING = Bout("pen 2.mp4", 20, 20, "rolling")


class Page:
    """What a page would ask, and have done."""

    def __init__(self, client: TestClient, run_id: str) -> None:
        self.client, self.run_id = client, run_id

    def get(self, address: str, **query: Any) -> Any:
        return self._until_there(
            lambda: self.client.get(address, params={"run": self.run_id, **query})
        ).json()

    def post(self, address: str, **fields: Any) -> Any:
        return self._until_there(
            lambda: self.client.post(address, json={"run": self.run_id, **fields})
        ).json()

    def edit(self, edit: str, **fields: Any) -> Any:
        """An edit made on the newest revision."""
        revision = self.get("/label/ethogram")["revision"]
        return self.post(f"/label/ethogram/{edit}", **{"revision": revision, **fields})

    def bring(self, **files: bytes | str) -> Any:
        """Files of an import; `monday_csv` is `monday.csv`."""
        answer = {}
        for index, (name, data) in enumerate(files.items()):
            at = name.replace("__", " ")
            answer = self.send(at[::-1].replace("_", ".", 1)[::-1], data, is_first=index == 0)
        return answer

    def send(self, name: str, data: bytes | str, *, is_first: bool = True) -> Any:
        content = data.encode() if isinstance(data, str) else data
        query = {"run": self.run_id, "name": name, "first": int(is_first)}
        return self._until_there(
            lambda: self.client.post("/label/import/file", params=query, content=content)
        ).json()

    def look(self, **how: Any) -> Any:
        return self.post("/label/import/look", **how)

    def apply(self, **how: Any) -> Any:
        return self.post("/label/import/apply", **how)

    def download(self, **query: Any) -> Any:
        return self._until_there(
            lambda: self.client.get("/label/export/file", params={"run": self.run_id, **query})
        )

    def _until_there(self, ask: Any) -> Any:
        end = time.monotonic() + WAIT_SECONDS
        while (answer := ask()).status_code == 202:
            assert time.monotonic() < end, "it did not happen in time"
        return answer


@pytest.fixture
def project(tmp_path) -> Iterator[Project]:
    """Two videos, of which one is labelled."""
    with Project.create(tmp_path / "mine" / "project") as made:
        made.behaviours.unite(ETHOGRAM)
        for name, seconds in (("pen 2.mp4", 720), ("pen 3.mp4", 60)):
            (made.folder / name).write_bytes(name.encode() * 100)
            made.add_video(made.folder / name, VideoFacts(duration_seconds=seconds, fps=25))
        for bout in (LYING, STANDING, FEEDING, ROLLING):
            made.labels.add_bout(bout)
        yield made


@pytest.fixture
def page(desk, project) -> Page:
    api = FastAPI()
    services: Any = SimpleNamespace(registry=desk.registry, project=project)
    add_ethogram_routes(api, services)
    add_exchange_routes(api, services)
    return Page(TestClient(api), desk.open().run_id)
