"""A camera for tests that speaks RTSP on loopback: H.264 in RTP packets, inside the connection.

It knows what a client needs to watch (OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN), and nothing else.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import av

from tests.video.live.http_camera import Camera, Pace

MAX_PAYLOAD = 1300
PAYLOAD_TYPE, CLOCK_HZ = 96, 90_000
FIRST_TICKS = 4_294_900_000
"""Of the camera's clock: any number but 0, and it runs over within a second."""

FU_A, NAL_TYPE_BITS, IMPORTANCE_BITS = 28, 0x1F, 0x60


def nal_units(data: bytes) -> list[bytes]:
    """The parts of a picture in Annex B form."""
    return [part for part in re.split(rb"\x00\x00\x00?\x01", data) if part]


def payloads(unit: bytes) -> list[bytes]:
    """A part as RTP carries it: as it is, or in fragments (RFC 6184, FU-A)."""
    if len(unit) <= MAX_PAYLOAD:
        return [unit]
    head, body = unit[0], unit[1:]
    pieces = [body[at : at + MAX_PAYLOAD] for at in range(0, len(body), MAX_PAYLOAD)]
    indicator = (head & IMPORTANCE_BITS) | FU_A
    found = []
    for number, piece in enumerate(pieces):
        first = 0x80 if number == 0 else 0
        last = 0x40 if number == len(pieces) - 1 else 0
        found.append(bytes([indicator, first | last | (head & NAL_TYPE_BITS)]) + piece)
    return found


def rtp_packets(path: Path, pace: Pace, stopping: threading.Event) -> Iterator[bytes]:
    """The film as RTP packets, when they are due."""
    sequence = 0
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        for packet in source.demux(stream):
            if packet.pts is None:
                continue
            seconds = float(packet.pts * packet.time_base)
            if not pace.wait(seconds, stopping):
                return
            ticks = (FIRST_TICKS + round(seconds * CLOCK_HZ)) & 0xFFFFFFFF
            parts = [part for unit in nal_units(bytes(packet)) for part in payloads(unit)]
            for number, part in enumerate(parts):
                marker = 0x80 if number == len(parts) - 1 else 0
                head = struct.pack(
                    ">BBHII", 0x80, marker | PAYLOAD_TYPE, sequence & 0xFFFF, ticks, 0x5EED
                )
                yield head + part
                sequence += 1


class RtspCamera(Camera):
    """Serves a file as a live stream by RTSP; the file starts with each connection.

    Args:
        path: A video in H.264 without B-frames, in a transport stream.
        speed: Times as fast as it was filmed.
        user: Ask for this name and password (`name:password`).
        port: 0 is any.
    """

    def __init__(self, path: Path, *, speed: float = 8.0, user: str = "", port: int = 0) -> None:
        self.path, self.speed, self.user = path, speed, user
        self.methods: list[str] = []
        camera = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                camera._sockets.add(self.connection)
                with contextlib.suppress(OSError, ValueError):
                    camera._talk(self.rfile, self.wfile)

        super().__init__(socketserver.ThreadingTCPServer, Handler, port)

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/pen"

    def _talk(self, asked, answers) -> None:
        """Answer requests; after PLAY, send the film until it ends."""
        while line := asked.readline():
            method = line.split()[0].decode()
            headers = {}
            while (row := asked.readline().strip()) != b"":
                name, _, value = row.decode().partition(":")
                headers[name.lower()] = value.strip()
            self.methods.append(method)
            answers.write(self._answer(method, headers))
            if method == "PLAY":
                for packet in rtp_packets(self.path, Pace(self.speed), self.stopping):
                    answers.write(b"$" + struct.pack(">BH", 0, len(packet)) + packet)
                return

    def _answer(self, method: str, headers: dict[str, str]) -> bytes:
        lines, body = [f"CSeq: {headers.get('cseq', '0')}", "Session: 1234"], ""
        status = "200 OK"
        wanted = "Basic " + base64.b64encode(self.user.encode()).decode()
        if self.user and method != "OPTIONS" and headers.get("authorization") != wanted:
            status, lines = "401 Unauthorized", [lines[0], 'WWW-Authenticate: Basic realm="pen"']
        elif method == "OPTIONS":
            lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        elif method == "DESCRIBE":
            body = (
                "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=pen\r\nt=0 0\r\n"
                f"m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\na=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}\r\n"
                f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1\r\na=control:track1\r\n"
            )
            lines += ["Content-Type: application/sdp", f"Content-Base: {self.url}/"]
        elif method == "SETUP" and "tcp" in headers.get("transport", "").lower():
            lines.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        elif method == "SETUP":
            status = "461 Unsupported Transport"
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([f"RTSP/1.0 {status}", *lines, "", body]).encode()
