"""Live sources in the app: addresses of cameras, a visitor's webcam, and what they cannot do."""

from __future__ import annotations

import io
import time
from dataclasses import replace

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from app import sentences
from app.guard.hosts import is_loopback
from app.guard.visitor import LOCAL, REMOTE
from app.pages.streams.tile import StreamRequest
from app.pages.watch.actions import Handlers
from app.pages.watch.routes import add_webcam_routes
from app.run.results.files import CsvFolder
from app.run.run import Run
from app.sources import webcam
from app.sources import wording as source_wording
from app.sources.live import LiveInfo, LivePictures, Reach, address_video, webcam_video
from app.sources.webcam import Webcam
from app.tools import vidmem_tools
from tests.app.conftest import wait_until
from tests.conftest import make_tiny_model
from tests.video.live.http_camera import HttpCamera
from tests.video.making import Kind, write_video
from vidmem.errors import SettingError
from vidmem.streaming import FeedRequest, LiveFigures

FPS = 8
OWNER = Reach().policy_for(LOCAL)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A minute of a camera, to be sent as it would be filmed, or faster."""
    folder = tmp_path_factory.mktemp("camera")
    return write_video(folder, Kind("numbers", fps=FPS), num_frames=60 * FPS)


@pytest.fixture
def live_desk(desk):
    """The desk with real engines and a tiny model of random weights."""
    model = make_tiny_model()
    tools = replace(vidmem_tools(), load_model=lambda name: model)
    desk.registry._make_run = lambda run_id: Run(run_id, tools, "tiny", desk.files)
    desk.handlers = Handlers(
        desk.registry, desk.shelf, desk.machine.tools(), desk.project, max_upload_bytes=1000
    )
    return desk


def jpeg(shade: int = 90, width: int = 64, height: int = 48, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (shade, shade, 10)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    "address",
    ["rtsp://cam:554/live", " http://10.0.0.5/pen.ts ", "RTSPS://pen.example/1", "/dev/video0"],
)
def test_addresses_of_cameras_are_taken(address):
    video = address_video(address, OWNER)
    assert video.is_live
    assert video.address == address.strip()


@pytest.mark.parametrize(
    "address",
    [
        *("file:///etc/passwd", "file:/etc/passwd", "/etc/passwd", "pen.mp4", "", "/dev/sda"),
        *("concat:a.mp4|b.mp4", "subfile,,start,0,end,9,,:/etc/passwd", "data:text/plain,x"),
        *("tcp://0.0.0.0:9?listen", "srt://0.0.0.0:9?mode=listener", "udp://239.0.0.1:5"),
        *("rtsp:/admin:secret@cam/live", "rtsp://admin:secret@[bad/live", "http://"),
        *("gopher://cam/", "rtsp://cam/\nGET /", "/dev/video0/../sda", "http://" + "a" * 3000),
    ],
)
def test_nothing_else_is_opened(address):
    with pytest.raises(SettingError, match="no address of a camera"):
        address_video(address, OWNER)


def test_credentials_of_an_address_are_not_shown():
    video = address_video("rtsp://farmer:secret@cam:554/live?token=abc", OWNER)
    for shown in (video.title, str(video.path), repr(video)):
        assert "secret" not in shown
        assert "abc" not in shown


def test_files_of_a_camera_have_its_whole_name(tmp_path):
    video = address_video("rtsp://192.168.1.10", OWNER)
    assert "-1-192.168.1.10-pred" in CsvFolder(tmp_path).new_path("0" * 32, 1, video.path).name
    assert StreamRequest(video=video, title="pen").file_name.stem == "192.168.1.10"


def test_the_value_of_an_address_is_never_logged(desk, caplog):
    run = desk.open()
    desk.ask(run, ("address", {"adress": "rtsp://farmer:secret@cam/"}))
    assert "the action 'address' was ignored" in caplog.text
    assert "secret" not in caplog.text


def test_what_is_said_of_a_camera_names_it_once():
    video = address_video("rtsp://10.0.0.5", OWNER)
    error = SettingError("rtsp://10.0.0.5 refuses the connection")
    assert sentences.sentence_about(error, video) == str(error)


def test_only_this_machine_is_loopback():
    assert all(map(is_loopback, ("127.0.0.1", "localhost", "::1", "[::1]", "127.8.0.1")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.4", "::", "pen.example", "")))


def test_addresses_are_refused_to_visitors_from_elsewhere(desk):
    run = desk.open()
    desk.ask(run, ("address", {"address": "http://10.0.0.5/pen.ts"}), visitor=REMOTE)
    assert run.board.get("notice")["text"] == source_wording.NOT_ALLOWED
    assert run.video.key == "sample"


@pytest.mark.slow
def test_a_camera_is_watched_paused_and_stopped_and_its_file_stays(live_desk, film):
    desk, run = live_desk, live_desk.open()
    with HttpCamera(film, speed=4.0) as camera:
        desk.ask(run, ("address", {"address": camera.url}))
        wait_until(lambda: run.view.newest and run.view.newest.index >= 2)
        source = run.board.get("source")
        assert (source["is_live"], source["duration_seconds"]) == (True, 0.0)
        assert run.source.pictures.shown.jpeg.startswith(b"\xff\xd8")
        run.tick()
        assert "s behind" in run.board.get("play")["pace"]
        for action in (("jump", {"seconds": 0.0}), ("jump", {"seconds": 3.0, "play": True})):
            desk.ask(run, action)
            assert run.board.get("notice")["text"] == source_wording.NO_SEEK
        desk.ask(run, ("pause", None))
        wait_until(lambda: run.tick() or "dropped" in run.board.get("play")["pace"])
        assert run.board.get("play")["pace"].startswith("Paused. live")
        last = run.view.newest
        desk.ask(run, ("play", None))
        wait_until(lambda: run.view.newest.index > last.index)
        gaps = run.board.get("timeline")["gaps"] or run.view.predicted.gaps
        assert any("slower than the camera" in reason for _, _, reason in gaps)
        desk.ask(run, ("stop", None))
        assert run.status == "stopped"
    (kept,) = desk.project.runs.list()
    assert (kept.state, kept.video, kept.source) == ("stopped", None, run.video.title)
    files = list(kept.folder.glob("*.csv"))
    assert len(files) == 1
    assert len(files[0].read_text().splitlines()) >= last.index + 2


def test_the_newest_moment_can_be_looked_into_and_past_ones_say_why_not(live_desk, film):
    desk, run = live_desk, live_desk.open()
    with HttpCamera(film, speed=4.0) as camera:
        desk.ask(run, ("address", {"address": camera.url}))
        wait_until(lambda: run.view.newest and run.view.newest.index >= 2)
        desk.ask(run, ("pause", None))
        assert run.inside.find("newest").moment.prediction.index >= 2
        past = run.view.timeline.since(-1)[0]  # the first that was judged, however late it began
        with pytest.raises(SettingError, match="cannot go back to it"):
            run.inside.find((past.start + past.end) / 2)
        with pytest.raises(SettingError, match="earlier video of a camera is not kept"):
            run.inside.recorded("newest")
        first = run.view.newest
        frames = run.inside.frames(first.start_seconds, first.end_seconds, 4)
        assert len(frames) == 4
        assert first.start_seconds <= frames[0]["seconds"] < first.end_seconds
        desk.ask(run, ("stop", None))


def test_a_camera_that_is_not_there_is_told_in_a_sentence(live_desk, film):
    run = live_desk.open()
    with HttpCamera(film, status=404) as camera:
        live_desk.ask(run, ("address", {"address": camera.url}))
        wait_until(lambda: run.status == "failed")
    assert "404" in run.board.get("notice")["text"]


def figures(**changes) -> LiveFigures:
    made = LiveFigures(
        frames_received=9,
        frames_dropped=0,
        clips_dropped=0,
        reconnects=0,
        is_connected=True,
        seconds_behind=0.31,
        reason="",
        started_at=1.0,
    )
    return replace(made, **changes)


def test_how_a_live_run_goes_is_told_in_a_line():
    pace = source_wording.pace
    assert pace(figures(), 1.04) == "live · 0.3 s behind · 1.0 clips/s"
    assert (
        source_wording.pace(figures(frames_dropped=1), 0) == "live · 0.3 s behind · 1 frame dropped"
    )
    broken = figures(is_connected=False, reason="it hung up", connects_at=time.time() + 3.5)
    assert pace(broken, 0).startswith("connecting again in 4 s: it hung up")
    assert pace(figures(is_connected=False, frames_received=0), 0).startswith("waiting")
    assert pace(figures(), 0, 7.2).startswith("no picture came from the camera for 7 s")
    assert pace(None, 0) == ""


def request_of(model) -> FeedRequest:
    return FeedRequest(path="webcam", card=model.card, fps=4.0, start_frame=0, reader="auto")


def test_pictures_of_a_webcam_become_frames_of_the_model():
    camera = Webcam(64, 48)
    assert not camera.push(jpeg(), 0.0)  # nobody watches yet
    feed = camera.open_feed(request_of(make_tiny_model()))
    feed.set_windows(8, 8)
    for number in range(9):
        assert camera.push(jpeg(20 * number), 100 + number / 4)
    frames = feed.read(8)
    assert frames.pts_seconds.tolist() == pytest.approx([number / 4 for number in range(8)])
    shades = frames.pixels[:, 0, 0, 0].tolist()
    assert shades == sorted(shades)
    assert shades[-1] > 100
    assert not camera.push(jpeg(), 100.5)  # it was overtaken
    feed.close()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"no picture", "must be a JPEG"),
        (b"", "must be a JPEG"),
        (jpeg(kind="PNG"), "must be a JPEG"),
        (jpeg()[:300], "must be a JPEG"),
        (jpeg(width=2000), "1920 pixels a side"),
        (b"\xff\xd8" + bytes(webcam.MAX_BYTES), "2,000,000 bytes"),
    ],
)
def test_what_is_no_picture_is_refused(sent, said):
    camera = Webcam(64, 48)
    feed = camera.open_feed(request_of(make_tiny_model()))
    with pytest.raises(SettingError, match=said):
        camera.push(sent, 1.0)
    feed.close()
    with pytest.raises(SettingError, match="pixels a side"):
        webcam_video(9, 100_000)


def test_decoding_pictures_leaves_the_warnings_of_the_process_alone(monkeypatch):
    def changed(*given, **more):
        raise AssertionError("filters of warnings belong to the whole process")

    monkeypatch.setattr("warnings.simplefilter", changed)
    monkeypatch.setattr("warnings.catch_warnings", changed)
    camera = Webcam(64, 48)
    feed = camera.open_feed(request_of(make_tiny_model()))
    assert camera.push(jpeg(), 0.0)
    feed.close()


def test_pictures_that_come_too_fast_are_left_out():
    camera = Webcam(64, 48)
    feed = camera.open_feed(request_of(make_tiny_model()))
    taken = [camera.push(jpeg(), number / 1000) for number in range(200)]
    assert webcam.MAX_BURST <= sum(taken) < 200
    feed.close()


def test_a_pause_of_the_webcam_is_a_gap(monkeypatch):
    monkeypatch.setattr(webcam, "SILENT_SECONDS", 0.0)
    camera = Webcam(64, 48)
    feed = camera.open_feed(request_of(make_tiny_model()))
    assert camera.push(jpeg(), 0.0)
    time.sleep(0.01)
    assert camera.push(jpeg(), 5.0)
    assert "no picture came" in feed.figures().reason
    feed.close()


def test_the_address_takes_pictures_of_runs_that_watch_a_webcam(live_desk):
    desk, run = live_desk, live_desk.open()
    api = FastAPI()
    add_webcam_routes(api, desk.registry)
    client = TestClient(api)

    def send(seconds, body=None, run_id=run.run_id):
        asked = {"run": run_id, "seconds": str(seconds)}
        return client.post("/webcam/picture", params=asked, content=body or jpeg()).json()

    assert send(0)["error"] == source_wording.NO_WEBCAM
    assert "Reload the page" in send(0, run_id="gone")["error"]
    desk.ask(run, ("webcam", {"width": 64, "height": 48}))
    assert run.board.get("source")["is_webcam"]
    wait_until(lambda: send(0)["is_taken"])
    assert "must be a time" in send("never")["error"]
    assert "bytes" in send(1, bytes(webcam.MAX_BYTES + 1))["error"]
    number = 0

    def send_more():
        nonlocal number
        number += 1
        send(number / 4, jpeg(number % 200))
        time.sleep(0.01)
        return run.view.newest and run.view.newest.index >= 1

    wait_until(send_more)
    assert run.view.newest.num_real_frames == run.chosen.settings.clip_frames
    desk.ask(run, ("stop", None))
    assert run.status == "stopped"


@pytest.mark.parametrize("num_pictures", [0, 1])
def test_a_webcam_that_sends_nothing_any_more_is_let_go(live_desk, monkeypatch, num_pictures):
    desk, run = live_desk, live_desk.open()
    desk.ask(run, ("webcam", {"width": 64, "height": 48}))
    camera = run.video.webcam
    wait_until(lambda: run.status == "playing")
    for number in range(num_pictures):
        assert camera.push(jpeg(), float(number))
    run.tick()
    assert run.status == "playing"
    monkeypatch.setattr(source_wording, "LOST_SECONDS", 0.0)
    wait_until(lambda: run.tick() or run.status == "stopped")
    assert run.board.get("notice")["text"] == source_wording.LOST


def test_pictures_of_live_clips_are_bounded():
    kept = LivePictures(address_video("rtsp://cam/live", OWNER))
    for number in range(60):
        pixels = np.full((8, 24, 40, 3), number % 250, dtype=np.uint8)
        kept.add_clip(pixels, (number * 2.0, number * 2.0 + 2.0), LiveInfo())
    assert len(kept._frames) == 400
    newest = Image.open(io.BytesIO(kept.shown.jpeg))
    assert newest.width / newest.height == pytest.approx(16 / 9, rel=0.05)
    with pytest.raises(SettingError, match="not kept"):
        kept.frames(0.0, 2.0, 4)
    assert len(kept.frames(118.0, 120.0, 4)) == 4
