"""The rest of a body whose request is refused."""

from __future__ import annotations

import contextlib

import anyio
from fastapi import Request
from starlette.requests import ClientDisconnect


async def read_rest(request: Request, *, seconds: float, max_bytes: int) -> None:
    """Let some of what is on its way arrive, and hold none of it.

    Where a connection is closed with bytes unread, a browser says that it broke, and not why.

    Args:
        request: Whose answer is known already.
        seconds: For which it is read at most.
        max_bytes: That are read at most, and a piece.
    """
    num_bytes = 0
    with anyio.move_on_after(seconds), contextlib.suppress(ClientDisconnect, RuntimeError):
        async for piece in request.stream():
            num_bytes += len(piece)
            if num_bytes > max_bytes:
                break
