"""What a page sends, read as far as it may be."""

from __future__ import annotations

from fastapi import Request

from vidmem.errors import SettingError


async def bounded_body(request: Request, max_bytes: int, name: str) -> bytes:
    """The body of a request.

    Args:
        request: Its body has not been read.
        max_bytes: Of it, at most; no more is ever held.
        name: What it is, for the sentence.

    Raises:
        SettingError: If it is larger.
    """
    pieces, num_bytes = [], 0
    async for piece in request.stream():
        num_bytes += len(piece)
        if num_bytes > max_bytes:
            raise SettingError(f"{name} may have {max_bytes:,} bytes, got more")
        pieces.append(piece)
    return b"".join(pieces)
