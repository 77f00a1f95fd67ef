"""What reaches Gradio: the addresses that the page uses, and calls that are well formed.

Gradio answers others of its addresses with all that it knows of the app, and a call that no page
of ours makes with an error of its own and a traceback.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CALL = "/gradio_api/run/predict"
USED = re.compile(
    r"/|/(assets|static)/.*|/theme\.css|/favicon\.ico|/manifest\.json"
    rf"|{CALL}|/gradio_api/(heartbeat/[^/]*|app_id)"
)
"""The addresses that Gradio's scripts ask for on the page, and no others: videos are uploaded to an
address of our own."""

MAX_CALL_BYTES = 1_000_000
"""Of a call: a page's message is some kilobytes."""


class GradioRequests:
    """Gradio, as far as the page uses it: the rest is not there.

    Args:
        app: Gradio.
        num_inputs: How many values each of its functions takes, by number.
    """

    def __init__(self, app: ASGIApp, num_inputs: Mapping[int, int]) -> None:
        self._app, self._num_inputs = app, num_inputs
        self.routes = getattr(app, "routes", [])
        """For whoever lists the addresses of the app."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that there is nothing, or what is wrong with it."""
        if scope["type"] != "http" or not USED.fullmatch(scope["path"]):
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
        elif scope["path"] == CALL and scope["method"] == "POST":
            await self._call(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        try:
            async for piece in Request(scope, receive).stream():
                body += piece
                if len(body) > MAX_CALL_BYTES:
                    error = {"error": f"a call may have {MAX_CALL_BYTES:,} bytes, got more"}
                    await JSONResponse(error, 413)(scope, receive, send)
                    return
        except ClientDisconnect:
            return
        wrong = self._what_is_wrong(bytes(body))
        if wrong:
            await JSONResponse({"error": wrong}, 400)(scope, receive, send)
            return
        await self._app(scope, _replayed(bytes(body), receive), send)

    def _what_is_wrong(self, body: bytes) -> str:
        """What is wrong with a call, in a sentence; empty where nothing is."""
        try:
            call = json.loads(body, parse_constant=_refuse, parse_float=_finite)
        # ValueError: no JSON, no UTF-8, too many digits, not finite; RecursionError: too deep.
        except (ValueError, RecursionError):
            call = None
        if not isinstance(call, dict):
            return "a call must be an object in JSON with finite numbers"
        number, data = call.get("fn_index"), call.get("data")
        if type(number) is not int or number not in self._num_inputs:
            return f"fn_index must be one of {sorted(self._num_inputs)}"
        if not isinstance(data, list) or not all(isinstance(one, str | None) for one in data):
            return "data must be a list of texts"
        if len(data) != self._num_inputs[number]:
            return f"data must have {self._num_inputs[number]} values, got {len(data)}"
        if not isinstance(call.get("session_hash"), str):
            return "session_hash must be a text"
        return _wrong_details(call)


def _wrong_details(call: Mapping[str, Any]) -> str:
    """What is wrong with the fields that Gradio's scripts add, and that do nothing here."""
    for name, kinds in (("trigger_id", int | None), ("event_id", str | None)):
        if not isinstance(call.get(name), kinds):
            return f"{name} is of another kind"
    return ""


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What receives a body again that was read already."""
    left = [body]

    async def again() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return again


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number
