"""The addresses of the pages: how a request is read, answered, and how errors are answered.

A page adds its addresses to `Routes`, each with a function from a `PageRequest` to its answer. What
that function raises becomes an answer here and nowhere else:

    raised                          a script gets                   a link gets
    VidmemError, OSError            200 {"error": sentence}         400 {"error": sentence}
    MalformedRequestError           400 {"error": sentence}         400 {"error": sentence}
    NoFileError                     200 {"error": sentence}         404, the sentence as text
    WaitingError                    202 {"waiting", "done", "total"}: ask again

A sentence comes with status 200 where a script asks, since a browser logs any other status as an
error of the page. Every other exception is a bug and shows as such.

What takes long needs a place in the budget (`app.budget`). While there is none, and while a past
moment is on its way, a request waits a moment without a thread, then it is answered 202: ask again.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable
from urllib.parse import quote

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect

from app import sentences
from app.budget import Budget, Lease, WaitingError, Work, process_budget
from app.explain.wording import BUSY_APP, going_back
from app.guard.visitor import REMOTE, Visitor, visitor_of
from app.pages.bodies import read_rest
from app.pages.threads import Threads
from app.run.run import Run
from vidmem.errors import SettingError, VidmemError
from vidmem.figures import ThemeName
from vidmem.units import visible

NO_RUN = "This run is not there any more. Reload the page."

MAX_JSON_BYTES = 100_000
"""Of a request in JSON: several times what sixteen regions take."""

MAX_NUMBER = 1e12
"""Beyond any time in seconds, count or size that a page sends: sums of such stay finite."""

MAX_AUTHOR_CHARACTERS = 100

MAX_QUOTED = 60
"""Characters of a malformed value that its sentence repeats."""

MAX_THREADS = 20
"""In which pages are answered; more than all places of the budget that need one. Gradio's own, in
which commands are carried out, are not among them."""

PATIENCE_SECONDS, BUSY_PATIENCE_SECONDS, FILE_PATIENCE_SECONDS = 0.3, 1.5, 5.0
"""How long a request may wait before it is told to ask again: of a script for what is on its way,
and tells how far it is; of a script for a place in the budget; of a link."""

POLL_SECONDS = 0.05
BODY_SECONDS = 30.0
"""What a body that fits into memory may take to arrive."""

REST_SECONDS, REST_BYTES = 10.0, 128 << 20
"""How long, and how much of, a file that is refused is still read."""

RETRY_AFTER_SECONDS = 1
"""In the header: a client that is no script of ours may come again after so long."""

_threads = Threads("answer pages", MAX_THREADS)

Query = Mapping[str, str]
"""The parameters in an address."""


class MalformedRequestError(SettingError):
    """A request that no page of ours sends: no JSON, another type, an infinite number."""


class NoFileError(VidmemError):
    """The file that a link names is not there (any more)."""


@runtime_checkable
class Drawing(Protocol):
    """A Plotly figure, as far as an answer needs it."""

    def to_json(self) -> str:
        """All of it."""
        ...


@dataclass(frozen=True)
class Download:
    """A file for a link."""

    name: str
    media_type: str
    content: bytes | Iterator[bytes]
    num_bytes: int | None = None
    """Of content that comes in pieces, where it is known."""


@dataclass(kw_only=True)
class PageRequest:
    """What a page asks for. Fields are read by their type, or refused as malformed."""

    query: Query
    path: Mapping[str, str]
    """The parts of the address that its pattern names."""

    find_run: Callable[[str], Run | None]
    body: bytes = b""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The query; of a request in JSON, the members of its object."""

    visitor: Visitor = REMOTE
    """Who asks."""

    used_run: Run | None = None
    """The run behind the answer, once `run` was read: sentences about errors name its video."""

    @property
    def run_id(self) -> str:
        """The id of the run that the request names.

        Raises:
            SettingError: If there is no such run (any more).
        """
        return self._find_run().run_id

    @property
    def run(self) -> Run:
        """The run that the request names.

        Raises:
            SettingError: If there is no such run (any more).
        """
        self.used_run = self._find_run()
        return self.used_run

    def _find_run(self) -> Run:
        run = self.find_run(self.text("run"))
        if run is None:
            raise SettingError(NO_RUN)
        return run

    @property
    def author(self) -> str:
        """Who makes an edit, as the page says; empty: nobody in particular."""
        return visible(self.text("author")).strip()[:MAX_AUTHOR_CHARACTERS].strip()

    @property
    def theme(self) -> ThemeName:
        """Of figures; light by default."""
        return "dark" if self.fields.get("theme") == "dark" else "light"

    def text(self, name: str, default: str = "") -> str:
        """A field that is a text; the default where it is left out."""
        value = self.fields.get(name, default)
        if not isinstance(value, str):
            raise _malformed(name, "a text", value)
        return value

    def number(self, name: str, kind: str = "a number") -> float:
        """A field that is a number, with or without a fraction.

        Args:
            name: Of the field.
            kind: What it must be, for the sentence.
        """
        given = self.fields.get(name)
        try:
            # `true` is an int in Python, and no number on a page.
            if not isinstance(given, str | int | float) or isinstance(given, bool):
                raise TypeError
            value = float(given)
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if not abs(value) <= MAX_NUMBER:  # true for nan too
            raise _malformed(name, kind, given)
        return value

    def number_or_none(self, name: str) -> float | None:
        """A field that is a number; `None` where it is left out or empty."""
        return None if self.fields.get(name) in (None, "") else self.number(name)

    def whole(self, name: str, default: int | None = None) -> int:
        """A field that is a whole number; the default, if there is one, where it is left out."""
        if default is not None and self.fields.get(name, "") == "":
            return default
        value = self.number(name, "a whole number")
        if value != int(value):
            raise _malformed(name, "a whole number", self.fields.get(name))
        return int(value)


def _malformed(name: str, kind: str, got: Any) -> MalformedRequestError:
    if got is None:
        shown = "nothing"
    elif isinstance(got, str | int | float):
        shown = repr(got)[:MAX_QUOTED]
    else:  # which may be too deep to be written
        shown = type(got).__name__
    return MalformedRequestError(f"{name} must be {kind}, got {shown}")


Make = Callable[[PageRequest], Any]
"""From a request to plain values and drawings, `None` for nothing to say, or to a `Download`."""


class Routes:
    """The addresses of one page.

    Functions run in a thread of the server's pool, since they may draw, or wait for a clip.

    Args:
        api: What serves them.
        find_run: Finds the run of an id; without it, requests have no `run`.
    """

    def __init__(
        self,
        api: FastAPI,
        find_run: Callable[[str], Run | None] = lambda run_id: None,
        budget: Budget = process_budget,
    ) -> None:
        self._api, self._find_run, self._budget = api, find_run, budget

    def json(self, address: str, make: Make, *, work: Work | None = None) -> None:
        """Answer a script that asks; with `work`, as soon as there is a place for that."""
        self._add(address, _Route(make, work=work))

    def post(
        self,
        address: str,
        make: Make,
        *,
        max_bytes: int = 0,
        body: str = "",
        work: Work | None = None,
    ) -> None:
        """Answer a script that has something done.

        Args:
            address: With the fields of the request in its query.
            make: Does it.
            max_bytes: Of the body, which is read where this is more than 0.
            body: What it is, for the sentence about one that is larger.
            work: What it needs a place for.
        """
        self._add(address, _Route(make, max_bytes=max_bytes, body_name=body, work=work), "POST")

    def post_json(self, address: str, make: Make) -> None:
        """Answer a script that has something done, with the fields of its request in JSON."""
        route = _Route(make, max_bytes=MAX_JSON_BYTES, body_name="a request", is_json=True)
        self._add(address, route, "POST")

    def upload(
        self, address: str, make: Make, *, max_bytes: int, body: str, work: Work, seconds: float
    ) -> None:
        """Answer a script that sends a file of a size that memory holds, in the body.

        Nothing of it is held before there is a place for it; who gets none sends it again.

        Args:
            address: With the fields of the request in its query.
            make: Takes the file; it keeps the place until it is done.
            max_bytes: Of the file.
            body: What it is, for the sentence about one that is larger.
            work: What it needs a place for.
            seconds: In which it has to arrive.
        """
        route = _Route(make, max_bytes=max_bytes, body_name=body, work=work, body_seconds=seconds)
        self._add(address, route, "POST")

    def file(
        self, address: str, make: Callable[[PageRequest], Download], *, work: Work | None = None
    ) -> None:
        """Answer a link with a file to save; with `work`, as soon as there is a place for that."""
        self._add(address, _Route(make, is_file=True, work=work))

    def _add(self, address: str, route: _Route, method: str = "GET") -> None:
        async def respond(request: Request) -> Response:
            query = request.query_params
            page_request = PageRequest(
                query=query,
                fields=query,
                path=request.path_params,
                find_run=self._find_run,
                visitor=visitor_of(request.scope),
            )
            if route.body_seconds:
                return await self._receive(route, request, page_request)
            try:
                page_request.body = await _read_body(request, route.max_bytes, route.body_name)
            except SettingError as error:
                return route.refusal(error, page_request)
            return await self._answer(route, page_request)

        self._api.add_api_route(address, respond, methods=[method], response_model=None)

    async def _receive(
        self, route: _Route, request: Request, page_request: PageRequest
    ) -> Response:
        assert route.work is not None
        lease = self._take(route.work, page_request)
        if lease is None:
            await read_rest(request, seconds=REST_SECONDS, max_bytes=REST_BYTES)
            return _waiting_response(WaitingError())
        with lease:
            try:
                page_request.body = await _read_body(
                    request, route.max_bytes, route.body_name, route.body_seconds
                )
            except ClientDisconnect:  # broken off on the page: nobody hears an answer
                return Response(status_code=400)
            except SettingError as error:
                await read_rest(request, seconds=REST_SECONDS, max_bytes=REST_BYTES)
                return route.refusal(error, page_request)
            answer = await _threads.run(route.answer, page_request)
        return answer if isinstance(answer, Response) else _waiting_response(answer)

    async def _answer(self, route: _Route, request: PageRequest) -> Response:
        began_at = time.monotonic()
        while True:
            answer = await self._try(route, request)
            if isinstance(answer, Response):
                return answer
            patience = PATIENCE_SECONDS if answer.total else BUSY_PATIENCE_SECONDS
            if time.monotonic() - began_at > (FILE_PATIENCE_SECONDS if route.is_file else patience):
                return _waiting_response(answer)
            # Nothing is held meanwhile but the connection.
            await anyio.sleep(POLL_SECONDS)

    async def _try(self, route: _Route, request: PageRequest) -> Response | WaitingError:
        if route.work is None:
            return await _threads.run(route.answer, request)
        lease = self._take(route.work, request)
        if lease is None:
            return WaitingError()
        with lease:
            return await _threads.run(route.answer, request)

    def _take(self, work: Work, request: PageRequest) -> Lease | None:
        run_id = request.query.get("run", "")
        # An unknown run has no share of its own: a visitor could make up as many as there are.
        return self._budget.take(work, run_id if self._find_run(run_id) else "")


@dataclass(frozen=True)
class _Route:
    """The function of one address, with the limits of its body and its answers to errors."""

    make: Make
    max_bytes: int = 0
    body_name: str = ""
    is_json: bool = False
    is_file: bool = False
    work: Work | None = None
    body_seconds: float = 0.0
    """In which a body has to arrive that is read only with a place; 0: one that is read at once."""

    def answer(self, request: PageRequest) -> Response | WaitingError:
        try:
            if self.is_json:
                request.fields = _json_object(request.body)
            return _response(self.make(request))
        except WaitingError as wait:
            return wait
        except (VidmemError, OSError) as error:
            return self.refusal(error, request)

    def refusal(self, error: Exception, request: PageRequest) -> Response:
        video = request.used_run.video if request.used_run is not None else None
        sentence = sentences.sentence_about(error, video)
        if self.is_file and isinstance(error, NoFileError):
            return PlainTextResponse(sentence, 404)
        is_refused = self.is_file or isinstance(error, MalformedRequestError)
        return _json_response({"error": sentence}, 400 if is_refused else 200)


def _waiting_response(wait: WaitingError) -> Response:
    text = going_back(wait.done, wait.total) if wait.total else BUSY_APP
    answer = {"waiting": text, "done": wait.done, "total": wait.total}
    response = _json_response(answer, 202)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


async def _read_body(
    request: Request, max_bytes: int, name: str, seconds: float = BODY_SECONDS
) -> bytes:
    """The body of a request; nothing of it is read where `max_bytes` is 0.

    Raises:
        SettingError: If it is larger (never more than `max_bytes` and a piece are held), or takes
            too long.
    """
    if not max_bytes:
        return b""
    pieces, num_bytes = [], 0
    with anyio.move_on_after(seconds) as waiting:
        async for piece in request.stream():
            num_bytes += len(piece)
            if num_bytes > max_bytes:
                raise SettingError(f"{name} may have {max_bytes:,} bytes, got more")
            pieces.append(piece)
    if waiting.cancelled_caught:
        raise SettingError(f"{name} did not arrive within {seconds:g} s; send it again")
    return b"".join(pieces)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    # ValueError: no JSON, no UTF-8, too many digits; RecursionError: lists within lists.
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise MalformedRequestError("a request must be an object in JSON")
    return value


def _response(answer: Any) -> Response:
    if answer is None:
        return Response(status_code=204)
    if not isinstance(answer, Download):
        return _json_response(answer)
    headers = {"Content-Disposition": _attachment(answer.name)}
    if answer.num_bytes is not None:
        headers["Content-Length"] = str(answer.num_bytes)
    if isinstance(answer.content, bytes):
        return Response(answer.content, media_type=answer.media_type, headers=headers)
    return StreamingResponse(answer.content, media_type=answer.media_type, headers=headers)


def _json_response(answer: Any, status: int = 200) -> Response:
    return Response(answer_json(answer), status, media_type="application/json")


def answer_json(answer: Any) -> str:
    """JSON of plain values, among which drawings may stand as values of mappings.

    A drawing is put in as Plotly writes it: some are megabytes, and Plotly writes them faster.

    Raises:
        ValueError: If a plain value is not a finite number, which JSON has no word for.
    """
    if isinstance(answer, Drawing):
        return answer.to_json()
    if isinstance(answer, Mapping):
        members = (f"{json.dumps(str(name))}:{answer_json(one)}" for name, one in answer.items())
        return "{" + ",".join(members) + "}"
    # In ASCII: a text that a browser sent may hold half a character, which is no UTF-8.
    return json.dumps(answer, allow_nan=False, separators=(",", ":"))


def _attachment(name: str) -> str:
    quoted = quote(name)
    if quoted == name:
        return f'attachment; filename="{name}"'
    # Headers are ASCII: this form lets a name be of any language.
    return f"attachment; filename*=utf-8''{quoted}"
