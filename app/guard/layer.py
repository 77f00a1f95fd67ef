"""The outermost layer of the app: it answers itself what may not reach the addresses behind it.

    asked                                               answer
    by no name, or by several                           400
    by a name that the app does not have                421
    by a page of another site                           403
    without a pass                                      401; of the first page, with a form
    too many wrong guesses                              429
    else                                                that of the app

All answers get the headers of `app.guard.headers`.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl, urlencode

import anyio
import anyio.to_thread
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.guard import wording
from app.guard.access import Access, Attempts
from app.guard.headers import BARE_POLICY, page_policy, secure
from app.guard.hosts import host_without_port, is_loopback
from app.guard.senders import (
    PAGE,
    Refusal,
    check_host,
    check_sender,
    is_from_another_site,
    values_of,
)
from app.guard.sign_in import FORM_SECONDS, MAX_FORM_BYTES, SignInPage, landing_page
from app.guard.visitor import SCOPE_KEY, look_at, was_forwarded

logger = logging.getLogger(__name__)

SIGN_IN = "/login"
EVERYBODY = ""
"""In place of an address: guesses of all peers together."""


class Guard:
    """The layer.

    Args:
        app: What it stands around.
        hosts: Values of the Host header that are answered, in lower case.
        access: Token, password and passes.
        cookie: The name of the cookie that holds a pass; two apps of one machine need two.
        base_style: The style of the app's pages, for that of the sign-in page.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str],
        access: Access,
        cookie: str,
        base_style: str = "",
    ) -> None:
        self._app, self._hosts, self._access, self._cookie = app, hosts, access, cookie
        self._page = SignInPage(base_style, asks_for_password=access.password is not None)
        self._guesses = Attempts(burst=5, seconds=10.0)
        self._all_guesses = Attempts(burst=60, seconds=1.0)
        self._hashing = anyio.CapacityLimiter(1)  # each takes 16 MiB

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        answer = await self._answer(scope, receive)
        if answer is not None:
            await answer(scope, receive, _Sender(send, BARE_POLICY))
            return
        await self._pass_on(scope, receive, send)

    # What does not get through

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """The guard's own answer; `None`: the request may go on."""
        host = self._check(scope)
        if isinstance(host, Refusal):
            return _refusal(scope, host)
        scope[SCOPE_KEY] = look_at(scope, host)
        if self._access.is_open:
            is_forwarded = was_forwarded(scope)
            return _refusal(scope, Refusal(403, wording.FORWARDED)) if is_forwarded else None
        is_page = scope["path"] == PAGE and scope["method"] in ("GET", "HEAD")
        if is_page and (given := _token_in(scope)) is not None:
            return await self._exchange(scope, *given)
        if scope["path"] == SIGN_IN and scope["method"] == "POST":
            return await self._sign_in(scope, receive)
        if self._has_pass(scope) or await self._brings_token(scope):
            return None
        if is_page and is_from_another_site(scope):
            return HTMLResponse(landing_page(), 401, headers=_UNKEPT)
        if is_page or (scope["path"] == SIGN_IN and scope["method"] == "GET"):
            return self._ask()
        has_password = self._access.password is not None
        sentence = wording.NO_PASS_PASSWORD if has_password else wording.NO_PASS
        return _refusal(scope, Refusal(401, sentence))

    def _check(self, scope: Scope) -> str | Refusal:
        """By which name of the app a request calls it, if a page of the app sends it, or none."""
        host = check_host(scope, self._hosts)
        if isinstance(host, Refusal):
            return host
        # Of a name that the owner gave, a proxy may stand before the app, and encrypt.
        may_be_encrypted = not is_loopback(host_without_port(host))
        return check_sender(scope, host, may_be_encrypted=may_be_encrypted) or host

    def _has_pass(self, scope: Scope) -> bool:
        return any(self._access.is_pass(one) for one in _cookies(scope, self._cookie))

    async def _brings_token(self, scope: Scope) -> bool:
        """Whether a script brings the token itself."""
        for value in values_of(scope, "authorization"):
            kind, _, text = value.partition(" ")
            if kind.lower() == "bearer" and not isinstance(self._is_token(scope, text), Refusal):
                return True
        return False

    async def _exchange(self, scope: Scope, token: str, rest: str) -> Response:
        """A pass for the token in the address, and the same address without it."""
        refusal = self._is_token(scope, token)
        address = f"./?{rest}" if rest else "./"
        if refusal is None:
            return self._let_in(scope, address)
        if self._has_pass(scope):  # by an old address, which somebody has kept
            return RedirectResponse(address, 303, headers=_UNKEPT)
        return self._ask(refusal)

    async def _sign_in(self, scope: Scope, receive: Receive) -> Response:
        """A pass for what the form brings."""
        form = await _read_form(scope, receive)
        if isinstance(form, Refusal):
            return self._ask(form)
        secret = form.get("secret", "")
        refusal = self._is_token(scope, secret.strip())
        if refusal is not None and self._access.password is not None:
            refusal = await self._is_password(scope, secret)
        return self._ask(refusal) if refusal is not None else self._let_in(scope, "./")

    def _is_token(self, scope: Scope, text: str) -> Refusal | None:
        wrong = Refusal(401, wording.WRONG_TOKEN)
        if not self._access.is_token_guessable:
            return None if self._access.is_token(text) else wrong
        if (wait := self._begin_guess(scope)) is not None:
            return wait
        if not self._access.is_token(text):
            return wrong
        self._forgive(scope)
        return None

    async def _is_password(self, scope: Scope, text: str) -> Refusal | None:
        if (wait := self._begin_guess(scope)) is not None:
            return wait
        password = self._access.password
        assert password is not None, "only asked where there is one"
        is_right = await anyio.to_thread.run_sync(password.is_right, text, limiter=self._hashing)
        if not is_right:
            return Refusal(401, wording.WRONG_PASSWORD)
        self._forgive(scope)
        return None

    def _begin_guess(self, scope: Scope) -> Refusal | None:
        for guesses, peer in ((self._guesses, _peer(scope)), (self._all_guesses, EVERYBODY)):
            if seconds := guesses.begin(peer):
                return Refusal(429, wording.too_often(math.ceil(seconds)))
        return None

    def _forgive(self, scope: Scope) -> None:
        self._guesses.forgive(_peer(scope))

    def _let_in(self, scope: Scope, address: str) -> Response:
        response = RedirectResponse(address, 303, headers=_UNKEPT)
        response.set_cookie(
            self._cookie,
            self._access.new_pass(),
            path="/",
            httponly=True,
            samesite="strict",
            secure=_is_encrypted(scope),
        )
        return response

    def _ask(self, refusal: Refusal | None = None) -> Response:
        """The page that asks for token or password."""
        headers = {**_UNKEPT, "Content-Security-Policy": self._page.policy}
        status = 401 if refusal is None else refusal.status
        text = self._page.text("" if refusal is None else refusal.sentence)
        return HTMLResponse(text, status, headers=headers)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = self._check(scope)
        is_in = self._access.is_open and not was_forwarded(scope)
        if not isinstance(host, Refusal) and (is_in or self._has_pass(scope)):
            scope[SCOPE_KEY] = look_at(scope, host)
            await self._app(scope, receive, send)
            return
        await receive()  # `websocket.connect`; closed before it is accepted, a browser gets 403
        await send({"type": "websocket.close", "code": 1008})

    # What does

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == PAGE:
            # Its scripts are hashed as they stand, so not compressed.
            names = (b"accept-encoding", b"range")
            headers = [one for one in scope["headers"] if one[0].lower() not in names]
            scope, sender = {**scope, "headers": headers}, _PageSender(send)
        else:
            sender = _Sender(send, BARE_POLICY)
        try:
            await self._app(scope, receive, sender)
        except Exception:
            if not sender.has_begun:
                answer = _refusal(scope, Refusal(500, wording.BROKEN))
                await answer(scope, receive, _Sender(send, BARE_POLICY))
            raise  # for the log


_UNKEPT = {"Cache-Control": "no-store"}


class _Sender:
    """Adds the headers to an answer on its way."""

    def __init__(self, send: Send, policy: str) -> None:
        self._send, self._policy = send, policy
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            secure(headers, headers.get("content-security-policy", self._policy))
        await self._send(message)


class _PageSender(_Sender):
    """Holds a page until its end, since its policy tells which scripts stand in it."""

    def __init__(self, send: Send) -> None:
        super().__init__(send, BARE_POLICY)
        self._start: Message = {}
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun, self._start = True, message
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        headers = MutableHeaders(scope=self._start)
        is_page = headers.get("content-type", "").startswith("text/html")
        secure(headers, page_policy(bytes(self._body)) if is_page else BARE_POLICY)
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": bytes(self._body)})


def _refusal(scope: Scope, refusal: Refusal) -> Response:
    body = json.dumps({"error": refusal.sentence})
    headers = dict(_UNKEPT)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="vidmem"'
    return Response(body, refusal.status, headers, media_type="application/json")


def _token_in(scope: Scope) -> tuple[str, str] | None:
    """The token in the address of a request, and the rest of its query."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    tokens = [value for name, value in query if name == "token"]
    if not tokens:
        return None
    return tokens[-1], urlencode([(name, value) for name, value in query if name != "token"])


def _cookies(scope: Scope, name: str) -> list[str]:
    """The values of a cookie, which may be there several times, of several paths."""
    values = []
    for header in values_of(scope, "cookie"):
        for one in header.split(";"):
            key, _, value = one.partition("=")
            if key.strip() == name:
                values.append(value.strip().strip('"'))
    return values


def _is_encrypted(scope: Scope) -> bool:
    """Whether the browser's connection is, to a proxy at least, as far as that says so."""
    return scope.get("scheme") == "https" or "https" in values_of(scope, "x-forwarded-proto")


def _peer(scope: Scope) -> str:
    return (scope.get("client") or ("unknown",))[0] or "unknown"


async def _read_form(scope: Scope, receive: Receive) -> dict[str, Any] | Refusal:
    request, body = Request(scope, receive), bytearray()
    try:
        with anyio.fail_after(FORM_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_FORM_BYTES:
                    return Refusal(413, wording.TOO_LARGE.format(limit=MAX_FORM_BYTES))
    except (TimeoutError, ClientDisconnect):
        return Refusal(408, wording.TOO_SLOW)
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=10))
    except ValueError:
        return {}
