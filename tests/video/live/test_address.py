"""What counts as live, and that nobody is shown a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidmem.streaming import is_live
from vidmem.video.live.address import LiveAddress, file_stem, without_credentials

ADDRESSES = [
    "rtsp://me:s3cret@cam.local:554/stream1",
    "rtsp://me:s3cret@cam.local/a?channel=1&subtype=0",
    "http://cam/video.cgi?user=me&pwd=s3cret&resolution=640",
    "http://cam/live?token=s3cret",
    "rtsp://me:pa/s3cret@cam.local/stream1",  # slashes belong in no password, but are typed
    "rtsp://me:s3cret@x@cam.local/stream1",
    "HTTPS://me:s3cret@cam/x.ts",
    "rtsp://cam:554/user=admin_password=s3cret_channel=1_stream=0.sdp?real_stream",
    "rtsp://cam:554/user=s3cret&password=s3cret&channel=1&stream=0.sdp",
    "http://cam/videostream.cgi?loginuse=admin&loginpas=s3cret",
    "http://cam/v?usr=s3cret&psw=s3cret",
    "rtsp://me:12/s3cret@cam/x",
    "http://cam/snap?credential=s3cret",
    "rtsp://cam/x?session=s3cret",
    "rtsp://cam/live;password=s3cret",
    "srt://cam:1?streamid=publish:s3cret",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_credentials_are_in_nothing_that_is_shown(address):
    parsed = LiveAddress.parse(address)
    said = parsed.hide_in(f"[Errno 5] Input/output error: '{address}'")
    for text in (parsed.shown, file_stem(address), said, without_credentials(f"saw {address}")):
        assert "s3cret" not in text
        assert "s3cret" not in repr(parsed)
        assert "cam" in text
    assert parsed.url == address


def test_live_are_addresses_and_cameras_and_nothing_else(tmp_path):
    file = tmp_path / "pen.mp4"
    file.write_bytes(b"x")
    live = [*ADDRESSES, "/dev/video0", "udp://239.0.0.1:1234", "avfoundation:0", "v4l2:/dev/video2"]
    files = [file, str(file), "pen.mp4", "C:\\videos\\pen.mp4", "file:///videos/pen.mp4", tmp_path]
    assert all(is_live(source) for source in live)
    assert not any(is_live(source) for source in files)


def test_an_address_that_became_a_path_is_still_one():
    path = Path("rtsp://cam.local/stream1")
    assert is_live(path)
    assert LiveAddress.parse(path).url == "rtsp://cam.local/stream1"


def test_a_camera_is_named_with_the_kind_that_reads_it():
    assert LiveAddress.parse("/dev/video0").format_name == "v4l2"
    parsed = LiveAddress.parse("dshow:video=Barn camera")
    assert (parsed.format_name, parsed.url) == ("dshow", "video=Barn camera")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("rtsp://me:x@cam.local:554/stream1?a=b", "cam.local-554-stream1"),
        ("http://10.0.0.7/", "10.0.0.7"),
        ("/dev/video0", "dev-video0"),
        ("rtsp://" + "a" * 300, "a" * 80),
    ],
)
def test_files_are_named_after_host_and_path(source, name):
    assert file_stem(source) == name
