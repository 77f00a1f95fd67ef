"""Who sends a request, as far as the connection tells: this machine's user, or somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.guard.hosts import host_without_port, is_loopback

SCOPE_KEY = "vidmem.visitor"

_FORWARDING = frozenset({b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip"})
"""Headers that a proxy adds; with them, whoever connects is not whoever asks."""


@dataclass(frozen=True)
class Visitor:
    """Who sends a request."""

    is_local: bool
    """Whether they sit at this machine: the connection and the name that they called the app by
    are loopback's, and no proxy forwarded it."""


LOCAL = Visitor(is_local=True)
REMOTE = Visitor(is_local=False)


def visitor_of(scope: Mapping[str, Any]) -> Visitor:
    """Who sends the request of an ASGI scope, as the guard has found; remote where it has not."""
    return scope.get(SCOPE_KEY, REMOTE)


def look_at(scope: Mapping[str, Any], host: str) -> Visitor:
    """Who sends a request, by its ASGI scope and its one Host header."""
    peer = (scope.get("client") or ("",))[0] or ""
    is_local = (
        is_loopback(peer) and is_loopback(host_without_port(host)) and not was_forwarded(scope)
    )
    return LOCAL if is_local else REMOTE


def was_forwarded(scope: Mapping[str, Any]) -> bool:
    """Whether a proxy says that it stands between."""
    names = {name.lower() for name, _ in scope["headers"]}
    return bool(names & _FORWARDING) or any(name.startswith(b"x-forwarded") for name in names)
