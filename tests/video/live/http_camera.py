"""Cameras for tests: real servers on loopback that send a video file as it would be filmed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import av

STORED_STEP_SECONDS = 0.02


class Pace:
    """When a packet is due: `speed` times as fast as it was filmed."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._begun: tuple[float, float] | None = None

    def wait(self, seconds: float, stopping: threading.Event) -> bool:
        """Until the packet of this time is due; whether to go on."""
        now = time.monotonic()
        self._begun = self._begun or (now, seconds)
        begun_at, begun_seconds = self._begun
        return not stopping.wait(max(0.0, begun_at + (seconds - begun_seconds) / self.speed - now))


class _Sink:
    """A file for PyAV's muxers that writes to a function."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        self._write(bytes(data))
        return len(data)


def send_transport_stream(
    path: Path,
    write: Callable[[bytes], object],
    stopping: threading.Event,
    *,
    speed: float,
    is_allowed: Callable[[float], bool] = lambda seconds: True,
    muxer: str = "mpegts",
) -> None:
    """Mux a file again, paced, and write what comes out at once.

    Args:
        path: The video.
        write: Raises where the other side has gone.
        stopping: Ends it.
        speed: Times as fast as it was filmed.
        is_allowed: Whether the packet of this time is sent; the others are left out.
        muxer: "mpegts" or "mpjpeg".
    """
    pace = Pace(speed)
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        with av.open(_Sink(write), "w", format=muxer, options={"flush_packets": "1"}) as out:
            copy = out.add_stream_from_template(stream)
            for packet in source.demux(stream):
                if packet.dts is None:
                    continue
                seconds = float(packet.dts * packet.time_base)
                if not pace.wait(seconds, stopping):
                    return
                if is_allowed(seconds):
                    packet.stream = copy
                    out.mux(packet)


def send_stored(
    path: Path, write: Callable[[bytes], object], stopping: threading.Event, seconds: float
) -> None:
    """Write a file's bytes as they are, evenly over some time: its stamps may be of any kind."""
    data = path.read_bytes()
    piece_bytes = max(1, round(len(data) * STORED_STEP_SECONDS / seconds))
    for start in range(0, len(data), piece_bytes):
        write(data[start : start + piece_bytes])
        if stopping.wait(STORED_STEP_SECONDS):
            return


class Camera:
    """A server on loopback that can hang up and be closed; its handlers note their sockets.

    Args:
        server_class: A threading server of `socketserver`.
        handler_class: Of its requests.
        port: 0 is any.
    """

    def __init__(self, server_class: type, handler_class: type, port: int) -> None:
        self.stopping = threading.Event()
        self._sockets: set[socket.socket] = set()

        class Server(server_class):
            daemon_threads = allow_reuse_address = True

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", port), handler_class)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def hang_up(self) -> None:
        """Break all connections; new ones are accepted."""
        for one in list(self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def close(self) -> None:
        self.stopping.set()
        self.hang_up()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class HttpCamera(Camera):
    """Serves a file as a live stream by HTTP; the file starts with each connection.

    Args:
        path: The video.
        speed: Times as fast as it was filmed.
        silent: Accept and say nothing.
        status: Answer with this code instead.
        whole: Send the file as a file, its length told.
        stored_seconds: Send its bytes as they are stored, over this time.
        is_allowed: See `send_transport_stream`.
        port: 0 is any.
    """

    def __init__(
        self,
        path: Path,
        *,
        speed: float = 8.0,
        silent: bool = False,
        status: int = 200,
        whole: bool = False,
        stored_seconds: float | None = None,
        is_allowed: Callable[[float], bool] = lambda seconds: True,
        muxer: str = "mpegts",
        port: int = 0,
    ) -> None:
        self.num_connections = 0
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.num_connections += 1
                camera._sockets.add(self.connection)
                if silent:
                    camera.stopping.wait()
                    return
                self.send_response(status)
                if whole:
                    data = path.read_bytes()
                    self.send_header("Content-Length", str(len(data)))
                self.send_header("Content-Type", "video/mp2t")
                self.end_headers()
                with contextlib.suppress(OSError, ValueError, av.error.FFmpegError):
                    if status != 200:
                        return
                    if whole:
                        self.wfile.write(data)
                        return
                    if stored_seconds is not None:
                        send_stored(path, self.wfile.write, camera.stopping, stored_seconds)
                        return
                    send_transport_stream(
                        path,
                        self.wfile.write,
                        camera.stopping,
                        speed=speed,
                        is_allowed=is_allowed,
                        muxer=muxer,
                    )

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(ThreadingHTTPServer, Handler, port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/pen.ts"


@contextlib.contextmanager
def deaf_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
