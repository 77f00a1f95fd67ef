"""Where addresses that somebody else typed may lead: real servers on loopback, real decoders."""

from __future__ import annotations

import contextlib
import socket
import socketserver
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.video.live.http_camera import Camera, HttpCamera, deaf_port
from tests.video.live.rtsp_camera import RtspCamera
from tests.video.making import Kind, write_video
from vidmem.errors import AddressError, SettingError
from vidmem.video import AddressPolicy
from vidmem.video.live import gate as gate_module
from vidmem.video.live import policy as policy_module
from vidmem.video.live.address import LiveAddress
from vidmem.video.live.connection import ConnectionLimits, LiveConnection
from vidmem.video.live.gate import Gate
from vidmem.video.live.source import LiveSource

OWNER = AddressPolicy(allows_private=True)
STRANGER = AddressPolicy(tells_why=False)
METADATA = "169.254.169.254"


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    kind = Kind("pen", suffix=".ts", gop=25, width=320, height=240)
    return write_video(tmp_path_factory.mktemp("videos"), kind, 300)


@pytest.mark.parametrize(
    ("address", "to_owner", "to_stranger"),
    [
        *((one, True, True) for one in ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8")),
        *((one, True, False) for one in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1")),
        *((one, True, False) for one in ("10.0.0.7", "192.168.1.5", "172.16.3.4", "fd12::1")),
        *((one, True, False) for one in ("100.64.0.1", "64:ff9b::10.0.0.1", "2002:c0a8:0105::1")),
        *((one, False, False) for one in (METADATA, "169.254.1.1", "fe80::1", "fe80::1%eth0")),
        *((one, False, False) for one in ("0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0")),
        *((one, False, False) for one in ("224.0.0.1", "239.1.2.3", "ff02::1", "255.255.255.255")),
        *((one, False, False) for one in ("100.100.100.200", "168.63.129.16", "fd00:ec2::254")),
        *((one, False, False) for one in (f"::ffff:{METADATA}", f"64:ff9b::{METADATA}")),
        *((one, False, False) for one in ("2002:a9fe:a9fe::", f"::{METADATA}", "240.0.0.1")),
    ],
)
def test_which_addresses_are_opened_for_whom(address, to_owner, to_stranger):
    assert (OWNER.refusal(address) is None) == to_owner
    assert (STRANGER.refusal(address) is None) == to_stranger


def test_private_networks_are_opened_where_they_were_named():
    policy = AddressPolicy(networks=("192.168.20.0/24", "10.0.0.7"))
    assert policy.refusal("192.168.20.9") is None
    assert policy.refusal("10.0.0.7") is None
    assert policy.refusal("192.168.21.9") is not None
    assert AddressPolicy(networks=("0.0.0.0/0",)).refusal(METADATA) is not None
    with pytest.raises(SettingError, match=r"192\.168\.20\.0/24"):
        AddressPolicy(networks=("barn",))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost"])
def test_loopback_is_known_however_it_is_written(host):
    with pytest.raises(AddressError, match="leads to"):
        STRANGER.resolve(host, 80)


def test_what_is_connected_to_is_what_was_checked(monkeypatch):
    """A name that leads elsewhere when it is looked up again."""
    answers = ["93.184.216.34", "127.0.0.1"]

    def lookup(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    connected = []

    class Socket(socket.socket):
        def connect(self, address):
            connected.append(address)
            raise ConnectionRefusedError

    monkeypatch.setattr(policy_module.socket, "getaddrinfo", lookup)
    monkeypatch.setattr(gate_module.socket, "socket", Socket)
    with pytest.raises(ConnectionRefusedError):
        Gate(STRANGER, 1.0).connect("rebound.example", 80)
    assert connected == [("93.184.216.34", 80)]


class Server(Camera):
    """Answers each request by HTTP with what a function says: a status, headers, a body."""

    def __init__(self, answer: Callable[[str], tuple[int, dict[str, str], bytes]]) -> None:
        self.paths: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.paths.append(self.path)
                status, headers, body = answer(self.path)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(ThreadingHTTPServer, Handler, 0)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


@pytest.fixture(autouse=True)
def proxy_of_the_process(monkeypatch):
    """What the gate sets is for its own process, which in most of these tests is this one."""
    monkeypatch.setenv("http_proxy", "")
    monkeypatch.setenv("no_proxy", "*")


def opened(url: str, seconds: float = 60.0):
    address = LiveAddress.parse(url)
    source = LiveSource(address, open_seconds=seconds, read_seconds=seconds, policy=OWNER)
    source.close()
    return source.info


def refusal_of(url: str, seconds: float = 60.0) -> str:
    with pytest.raises(AddressError) as refused:
        opened(url, seconds)
    return str(refused.value)


def test_the_owner_watches_by_http_and_rtsp_through_the_gate(video):
    with HttpCamera(video, speed=20.0) as camera:
        assert opened(camera.url).width == 320
    with RtspCamera(video, speed=20.0, user="me:secret") as camera:
        url = camera.url.replace("rtsp://", "rtsp://me:secret@")
        assert opened(url).container == "rtsp"


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:12\n#EXTINF:12,\n{entry}\n#EXT-X-ENDLIST\n"


def test_redirects_and_playlists_lead_where_addresses_may(video):
    entries = {
        "/good.m3u8": "pen.ts",
        "/bad.m3u8": f"http://{METADATA}/pen.ts",
        "/file.m3u8": video.as_uri(),
    }

    def answer(path):
        if path.startswith("/to/"):
            return 302, {"Location": path.removeprefix("/to/")}, b""
        if path in entries:
            text = PLAYLIST.format(entry=entries[path]).encode()
            return 200, {"Content-Type": "application/x-mpegurl"}, text
        return 200, {"Content-Type": "video/mp2t"}, video.read_bytes()

    with Server(answer) as server:
        assert opened(server.url(f"to/{server.url('pen.ts')}")).width == 320
        assert opened(server.url("good.m3u8")).container == "hls"
        for path in (f"to/http://{METADATA}/latest", "bad.m3u8", f"to/{server.url('bad.m3u8')}"):
            assert f"leads to {METADATA} (metadata of a cloud)" in refusal_of(server.url(path))
        for path in ("file.m3u8", f"to/{video.as_uri()}", "to/tcp://127.0.0.1:1/"):
            refusal_of(server.url(path))


class RtspRedirect(Camera):
    """Sends its clients elsewhere, in the bytes that are given."""

    def __init__(self, answer: bytes) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while self.rfile.readline().strip():
                    pass
                with contextlib.suppress(OSError):
                    self.wfile.write(answer)

        super().__init__(socketserver.ThreadingTCPServer, Handler, 0)
        self.url = f"rtsp://127.0.0.1:{self.port}/live"


@pytest.mark.parametrize(
    "line", ["RTSP/1.0 302 Found", "RT\rSP/1.0  0301 Moved", "RTSP/1.0\t303 See"]
)
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_redirect_of_rtsp_is_checked_however_it_is_written(video, line, end):
    with RtspCamera(video, speed=20.0) as camera:
        for target, is_allowed in ((camera.url, True), (f"rtsp://{METADATA}/live", False)):
            answer = f"{line}{end}CSeq: 1{end}Location: {target}{end}{end}".encode()
            with RtspRedirect(answer) as redirect:
                if is_allowed:
                    assert opened(redirect.url).container == "rtsp"
                else:
                    assert METADATA in refusal_of(redirect.url)


def test_rtsp_leads_to_rtsp_only():
    with RtspRedirect(b"RTSP/1.0 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n") as server:
        assert "leads on to elsewhere" in refusal_of(server.url)


@pytest.mark.slow
def test_a_visitor_from_elsewhere_reads_one_sentence_whatever_happens(video):
    """In a process of its own, as it is watched: forbidden, missing, locked, refused."""
    said = set()
    near = AddressPolicy(networks=("127.0.0.1",), tells_why=False)
    with deaf_port() as port:
        pass
    with HttpCamera(video, status=404) as missing, HttpCamera(video, status=401) as locked:
        for url, policy in (
            (missing.url, STRANGER),
            (missing.url, near),
            (locked.url, near),
            (f"rtsp://127.0.0.1:{port}/pen.ts", near),
            (f"http://{METADATA}/pen.ts", near),
            ("/dev/video77", near),
        ):
            limits = ConnectionLimits(open_seconds=60.0, read_seconds=60.0, policy=policy)
            with LiveConnection(url, limits) as one, pytest.raises(AddressError) as refused:
                one.open()
            said.add(str(refused.value).split(" cannot be watched")[1])
    assert len(said) == 1
    with HttpCamera(video, speed=20.0) as camera:
        limits = ConnectionLimits(open_seconds=60.0, read_seconds=60.0, policy=near)
        with LiveConnection(camera.url, limits) as one:
            assert one.open().width == 320
    assert missing.num_connections == locked.num_connections == 1  # where it may be opened


def test_the_owner_reads_what_went_wrong(video):
    with deaf_port() as port:
        pass
    for scheme in ("http", "rtsp", "rtmp"):
        assert "refuses the connection" in refusal_of(f"{scheme}://127.0.0.1:{port}/pen")
    with HttpCamera(video, status=404) as camera:
        assert "is not there (404)" in refusal_of(camera.url)
    with deaf_port() as port:
        assert "did not answer" in refusal_of(f"rtsp://127.0.0.1:{port}/pen", seconds=1.0)
