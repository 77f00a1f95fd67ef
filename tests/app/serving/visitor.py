"""A page without a browser: what its scripts ask for, over plain HTTP."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx

SECONDS = 120.0
"""How long an answer may take: long, since the machine may have other work."""


class Visitor:
    """One page of the app.

    Args:
        address: Of the app.
        client: What asks; each visitor has its own, unless several share one for speed.
    """

    def __init__(self, address: str, client: httpx.Client | None = None) -> None:
        self.page = uuid.uuid4().hex[:10]
        self.client = client or httpx.Client(base_url=address, timeout=SECONDS, trust_env=False)
        self.run = ""
        self.board: dict[str, Any] = {}
        self.picture: Any = None

    def close(self) -> None:
        """Hang up; the page tells nobody, as one that crashed."""
        self.client.close()

    def open(self) -> None:
        """What a page does when it opens."""
        self._take(self._call(0, [""]))

    def sync(self, *actions: tuple[str, Any]) -> None:
        """Ask for news, and for something to be done."""
        message = {
            "run": self.run,
            "known": {"versions": {}},
            "actions": [{"name": name, "value": value} for name, value in actions],
        }
        self._take(self._call(1, [None, json.dumps(message)]))

    def get(self, address: str, **query: Any) -> httpx.Response:
        """What a script asks for."""
        return self.client.get(address, params={"run": self.run, **query})

    def upload(self, name: str, content: Any, **more: Any) -> httpx.Response:
        """A video is brought."""
        query = {"run": self.run, "name": name}
        return self.client.post("/uploads", params=query, content=content, **more)

    def _call(self, number: int, data: list[Any]) -> Any:
        body = {"data": data, "fn_index": number, "session_hash": self.page}
        return self.client.post("/gradio_api/run/predict", json=body).raise_for_status().json()

    def _take(self, answer: Any) -> None:
        payload = next((one for one in answer["data"] if isinstance(one, str) and one), None)
        if payload is None:  # nothing is new
            return
        news = json.loads(payload)
        self.run = news["run"]
        self.board |= {topic: one["value"] for topic, one in news.get("sections", {}).items()}
        self.picture = news.get("picture", self.picture)
