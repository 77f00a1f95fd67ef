"""The one way out of a live source's process: each connection is checked when it is made.

FFmpeg follows redirects and playlists by itself, and looks names up by itself. So it gets addresses
that lead through here, on loopback, and here is decided where each connection goes:

    http, https   a proxy, which FFmpeg uses for redirects, playlists and their entries too
    rtsp, rtmp    a relay to one checked address; rtsps and rtmps are decrypted here, since a
                  redirect of RTSP has to be seen: FFmpeg would follow it past the relay

What is connected to is the address that was checked, never a name that is looked up again.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import ssl
import threading
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from vidmem.errors import AddressError
from vidmem.video.live.policy import AddressPolicy

MAX_HEAD_BYTES = 64 * 1024
"""Of a request to the proxy, or of what an RTSP server says before it plays."""

PIECE_BYTES = 64 * 1024
MAX_CONNECTIONS = 16
_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443}
_PLAIN = {"rtsps": "rtsp", "rtmps": "rtmp"}
_REDIRECT = re.compile(rb"RTSP/[^\s\x00]*\s+\+?0*3\d\d(?!\d)")
_LOCATION = re.compile(rb"\nlocation[ \t]*:[ \t]*(\S+)\n", re.IGNORECASE)

PROTOCOLS = {
    "http": "http,https,httpproxy,tcp,tls,hls,crypto",
    "rtsp": "rtsp,tcp",
    "rtmp": "rtmp,tcp",
}
"""What an address of each kind may lead to; all of them pass through the gate."""


class Gate:
    """Connections of one live source, in threads that end with the process.

    Args:
        policy: Where they may lead.
        open_seconds: Longest wait for each.
    """

    def __init__(self, policy: AddressPolicy, open_seconds: float) -> None:
        self._policy, self._open_seconds = policy, open_seconds
        self._listeners: list[socket.socket] = []
        self.refusal: AddressError | None = None
        """Set when a connection was refused by the policy."""

        self.failure: OSError | None = None
        """Why the newest connection could not be made."""

        self.redirect: str | None = None
        """Where an RTSP server sends its clients instead."""

    def lead(self, url: str) -> str:
        """The address that FFmpeg gets for one; the first connection is made for it at once.

        Raises:
            AddressError: If it leads where it must not.
            OSError: If nothing answers there.
        """
        self.redirect = self.failure = None
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme in ("http", "https"):
            # FFmpeg's own way to tell it of a proxy that all its openings use, nested ones too.
            os.environ["http_proxy"] = f"http://127.0.0.1:{self._listen(self._serve_proxy)}"
            for name in ("no_proxy", "NO_PROXY"):
                os.environ.pop(name, None)
            return url
        if scheme in ("rtsp", "rtsps", "rtmp", "rtmps"):
            return self._relay(parts, scheme)
        host = parts.hostname or ""
        return _with_host(parts, self._policy.resolve(host, parts.port or 0)[0][1][0], parts.port)

    def close(self) -> None:
        """Take no more connections."""
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.close()

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to a host.

        Raises:
            AddressError: If it leads where it must not.
            OSError: If it cannot be made.
        """
        try:
            addresses = self._policy.resolve(host, port)
        except AddressError as error:
            self.refusal = error
            raise
        except UnicodeError as error:  # a name that can be none
            raise OSError(f"{host!r} is no name of a host") from error
        except OSError as error:
            self.failure = error
            raise
        failure: OSError | None = None
        for family, address in addresses:
            one = socket.socket(family, socket.SOCK_STREAM)
            one.settimeout(self._open_seconds)
            try:
                one.connect(address)
                return one
            except OSError as error:
                one.close()
                failure = failure or error
        assert failure is not None
        self.failure = failure
        raise failure

    # Relays

    def _relay(self, parts: SplitResult, scheme: str) -> str:
        host, port = parts.hostname or "", parts.port or _PORTS[scheme]
        waiting = [self._connect_to_server(host, port, is_encrypted=scheme in _PLAIN)]

        def serve(client: socket.socket) -> None:
            server = (
                waiting.pop()
                if waiting
                else self._connect_to_server(host, port, is_encrypted=scheme in _PLAIN)
            )
            with server:
                redirects = _RedirectFilter()
                _pump(client, server, redirects if scheme.startswith("rtsp") else _Filter())
                self.redirect = redirects.location

        here = self._listen(serve)
        plain = parts._replace(scheme=_PLAIN.get(scheme, scheme))
        return _with_host(plain, "127.0.0.1", here)

    def _connect_to_server(self, host: str, port: int, *, is_encrypted: bool) -> socket.socket:
        server = self.connect(host, port)
        if not is_encrypted:
            return server
        # As FFmpeg does by default: cameras sign their certificates themselves.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(server, server_hostname=host)

    # The proxy

    def _serve_proxy(self, client: socket.socket) -> None:
        head, rest = _read_head(client)
        method, target, version = (*head.split(b"\r\n", 1)[0].split(b" "), b"", b"")[:3]
        is_tunnel = method == b"CONNECT"
        text = target.decode("ascii", "replace")
        parts = urlsplit(f"//{text}" if is_tunnel else text)
        try:
            if not is_tunnel and parts.scheme.lower() != "http":
                raise OSError(f"the proxy got {text[:80]!r}")
            server = self.connect(parts.hostname or "", parts.port or (443 if is_tunnel else 80))
        except (AddressError, OSError, ValueError):
            client.sendall(
                b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            return
        with server:
            if is_tunnel:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                server.sendall(rest)
            else:
                path = parts._replace(scheme="", netloc="").geturl() or "/"
                path = path if path.startswith("/") else f"/{path}"
                line = b" ".join((method, path.encode("ascii"), version))
                server.sendall(_with_one_answer(line, head) + rest)
            _pump(client, server, _Filter())

    def _listen(self, serve: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        self._listeners.append(listener)
        slots = threading.BoundedSemaphore(MAX_CONNECTIONS)

        def work(client: socket.socket) -> None:
            with slots, client, contextlib.suppress(OSError, AddressError, ValueError):
                client.settimeout(self._open_seconds)
                serve(client)

        def accept() -> None:
            with contextlib.suppress(OSError):  # closed
                while True:
                    client, _ = listener.accept()
                    _start(lambda client=client: work(client))

        _start(accept)
        return listener.getsockname()[1]


class _Filter:
    """Looks at what passes a relay, and lets all of it pass."""

    is_over = False
    """Whether the relay is to end."""

    def may_ask(self, data: bytes) -> bool:
        """Whether what the client says may reach the server."""
        return True

    def may_answer(self, data: bytes) -> bool:
        """Whether what the server says may reach the client."""
        return True


class _RedirectFilter(_Filter):
    """Holds up a redirect that an RTSP server sends before its client asks it to play.

    FFmpeg would follow it to any address. It does so while it connects, and not later.
    """

    def __init__(self) -> None:
        self._heard, self._asked = b"", b""
        self._is_playing = self._is_redirect = False
        self.location: str | None = None

    def may_ask(self, data: bytes) -> bool:
        """True; from the request to play on, everything may pass."""
        if not self._is_playing:
            self._asked = (self._asked + data)[-MAX_HEAD_BYTES:]
            self._is_playing = b"\nPLAY " in self._asked or self._asked.startswith(b"PLAY ")
        return True

    def may_answer(self, data: bytes) -> bool:
        """False for a redirect, and what follows it until it is whole."""
        if self._is_playing:
            return True
        # FFmpeg reads over these, wherever they stand.
        self._heard = (self._heard + data.replace(b"\r", b""))[-MAX_HEAD_BYTES:]
        self._is_redirect = self._is_redirect or _REDIRECT.search(self._heard) is not None
        if self._is_redirect and (match := _LOCATION.search(self._heard)) is not None:
            self.location, self.is_over = match[1].decode("latin-1"), True
        return not self._is_redirect


def _pump(client: socket.socket, server: socket.socket, filter_: _Filter) -> None:
    """Carry bytes both ways until one side ends, or the filter ends both."""
    # The reader of the stream has a time limit of its own, and ends the client's side by it.
    client.settimeout(None)
    server.settimeout(None)
    while not filter_.is_over:
        for source in _ready(client, server):
            data = source.recv(PIECE_BYTES)
            is_answer = source is server
            may_pass = filter_.may_answer(data) if is_answer else filter_.may_ask(data)
            if not data:
                return
            if may_pass:
                (client if is_answer else server).sendall(data)


def _ready(client: socket.socket, server: socket.socket) -> list[socket.socket]:
    """Those that have something to read; waits for one of them."""
    if isinstance(server, ssl.SSLSocket) and server.pending():  # decrypted already
        return [server]
    return select.select([client, server], [], [])[0]


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, without the empty line, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(PIECE_BYTES)
        data += piece
        if not piece or len(data) > MAX_HEAD_BYTES:
            raise OSError("no request came")
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _with_one_answer(line: bytes, head: bytes) -> bytes:
    """A request with another first line, after whose answer the server ends the connection.

    A second request on it could be for another host.
    """
    kept = [
        one
        for one in head.split(b"\r\n")[1:]
        if not re.match(rb"(proxy-)?connection\s*:", one, re.I)
    ]
    return b"\r\n".join((line, *kept, b"Connection: close", b"", b""))


def _with_host(parts: SplitResult, host: str, port: int | None) -> str:
    user, at, _ = parts.netloc.rpartition("@")
    shown = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=f"{user}{at}{shown}" + (f":{port}" if port else "")).geturl()


def _start(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="vidmem-gate", daemon=True).start()
