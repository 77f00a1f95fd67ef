"""A file, or the part of it that a browser asks for (RFC 9110, section 14).

    asked                                       answer
    Range: bytes=0-99, =100-, =-100             206, that part
    several parts, or no range at all           200, all of it
    a part that begins behind the end           416
    If-Range with another tag or date           200, all of it
    If-None-Match with its tag                  304

The file is open already, so that it stays one file whatever happens to its name. It is read in
pieces, and no further once the browser has gone.
"""

from __future__ import annotations

import contextlib
import os
import re
from email.utils import formatdate, parsedate_to_datetime
from typing import BinaryIO

import anyio
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from app.budget import Lease
from app.pages.threads import Threads
from app.projects.open_file import OpenFile

PIECE_BYTES = 256 << 10
MAX_THREADS = 8
"""That read at a time: a slow disk must not stop other pages."""

STALL_SECONDS = 300.0
"""A browser that takes nothing for so long asks again when it wants more."""

_readers = Threads("read files for browsers", MAX_THREADS)
_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


class Unsatisfiable(Exception):  # noqa: N818 (the word of the standard)
    """Nothing of the part that was asked for is there."""


def range_of(header: str | None, num_bytes: int) -> tuple[int, int] | None:
    """The half-open part that a header asks for; `None`: all, as where it is malformed.

    Raises:
        Unsatisfiable: If none of it is there.
    """
    match = _ONE_RANGE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        if int(last) == 0 or num_bytes == 0:
            raise Unsatisfiable
        return max(0, num_bytes - int(last)), num_bytes
    if last and int(last) < int(first):
        return None
    if int(first) >= num_bytes:
        raise Unsatisfiable
    return int(first), min(num_bytes, int(last) + 1) if last else num_bytes


class FileRanges:
    """The answer: an ASGI application for one request; it closes the file at its end.

    Args:
        file: Open, at any place.
        lease: A place in the budget, given back at the end.
    """

    def __init__(self, file: OpenFile, lease: Lease | None = None) -> None:
        self._file, self._lease = file, lease

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        with (
            self._lease or contextlib.nullcontext(),
            os.fdopen(self._file.descriptor, "rb", 0) as file,
        ):
            await self._answer(scope, receive, send, file)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, file: BinaryIO) -> None:
        asked = Headers(scope=scope)
        size = self._file.num_bytes
        headers = self._headers()
        status, part = 200, (0, size)
        if self._is_known(asked.get("if-none-match")):
            status, part = 304, (0, 0)
        elif self._is_range_meant(asked.get("if-range")):
            try:
                if (wanted := range_of(asked.get("range"), size)) is not None:
                    status, part = 206, wanted
                    headers["content-range"] = f"bytes {wanted[0]}-{wanted[1] - 1}/{size}"
            except Unsatisfiable:
                status, part = 416, (0, 0)
                headers["content-range"] = f"bytes */{size}"
        if status != 304:
            headers["content-length"] = str(part[1] - part[0])
        await send({"type": "http.response.start", "status": status, "headers": _raw(headers)})
        if scope["method"] == "HEAD" or part[0] == part[1]:
            await send({"type": "http.response.body", "body": b""})
            return
        async with anyio.create_task_group() as group:
            group.start_soon(_wait_until_gone, receive, group.cancel_scope)
            await _send_part(send, file, *part)
            group.cancel_scope.cancel()

    def _headers(self) -> dict[str, str]:
        return {
            "content-type": self._file.media_type,
            "accept-ranges": "bytes",
            "etag": self._file.tag,
            "last-modified": self._date(),
            # It may be kept, and is asked for again: the file may be another one by then.
            "cache-control": "private, no-cache",
        }

    def _date(self) -> str:
        return formatdate(self._file.modified_ns // 10**9, usegmt=True)

    def _is_known(self, header: str | None) -> bool:
        tags = [one.strip() for one in (header or "").split(",")]
        return "*" in tags or self._file.tag in (one.removeprefix("W/") for one in tags)

    def _is_range_meant(self, header: str | None) -> bool:
        """Whether the part is wanted of this file: not of one that it was before."""
        if header is None or header.strip() == self._file.tag:
            return True
        with contextlib.suppress(ValueError, TypeError):
            return parsedate_to_datetime(header) == parsedate_to_datetime(self._date())
        return False


async def _send_part(send: Send, file: BinaryIO, start: int, end: int) -> None:
    await _readers.run(file.seek, start)
    while start < end:
        count = min(PIECE_BYTES, end - start)
        piece = await _readers.run(file.read, count)
        if not piece:
            return  # it was cut meanwhile: the connection ends, and the browser sees that
        start += len(piece)
        with anyio.move_on_after(STALL_SECONDS) as waiting:
            await send({"type": "http.response.body", "body": piece, "more_body": start < end})
        if waiting.cancelled_caught:
            return


async def _wait_until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
