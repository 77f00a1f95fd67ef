"""What the Streams page asks for and gets, as plain requests."""

from __future__ import annotations

import io
import json
import time
import zipfile
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.pages.api import MAX_JSON_BYTES
from app.pages.streams.request import stream_requests
from app.pages.streams.routes import add_streams_routes
from tests.app.pages.fake_streams import RUN, StreamDesk, wait_until
from vidmem.errors import SettingError, VideoNotFoundError
from vidmem.video import AddressPolicy

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Page:
    """A page with a run."""

    def __init__(self, desk: StreamDesk) -> None:
        self.runs = {RUN: SimpleNamespace(run_id=RUN)}
        api = FastAPI()
        add_streams_routes(api, SimpleNamespace(find=self.runs.get), desk.pools)
        self.client = TestClient(api)

    def post(self, name, **asked):
        return self.client.post(f"/streams/{name}", json={"run": RUN, **asked}).json()

    def news(self, since=-1, pool=""):
        address = f"/streams/news?run={RUN}&since={since}&pool={pool}"
        return self.client.get(address).json()

    def get(self, name):
        return self.client.get(f"/streams/files/{RUN}/{name}")

    def wait_for_end(self):
        wait_until(
            lambda: all(
                one["status"] in {"ended", "failed"} for one in self.news()["streams"].values()
            )
        )


@pytest.fixture
def desk(tmp_path):
    made = StreamDesk(tmp_path)
    made.video("a.mp4", 40)
    made.video("b.mp4", 40)
    yield made
    made.gate.set()
    made.pools.close(RUN)


@pytest.fixture
def page(desk):
    return Page(desk)


def start(page, *names):
    return page.post("start", model="fake", videos=[f"folder/{name}" for name in names])


def test_before_anything_runs_there_is_no_pool(page):
    assert page.news() == {"pool": None, "files": []}
    assert "closed" in page.post("pause", stream="s1")["error"]
    assert page.get("figures.json").status_code == 404


def test_videos_are_started_changed_and_closed(page, desk):
    desk.gate.clear()
    assert start(page, "a.mp4", "b.mp4") == {}
    news = page.news()
    first, second = news["order"]
    assert news["about"]["l_mems"][0] == 0
    wait_until(lambda: page.news()["streams"][first]["status"] == "playing")
    assert page.post("pause", stream=first) == {}
    assert page.post("set", stream=second, setting="l_mem", value=1) == {}
    assert page.news()["streams"][first]["status"] == "paused"
    assert page.post("resume", stream=first) == {}
    desk.gate.set()
    page.wait_for_end()
    assert "starts empty" in page.post("jump", stream=first, seconds=2.5)["text"]
    assert page.post("leave", stream=second) == {}
    assert page.news()["order"] == [first]
    assert page.post("close") == {}
    news = page.news()
    assert news["pool"] is None
    assert [name.split("-", 1)[1] for name in news["files"]] == [
        "a-predictions.csv",
        "b-predictions.csv",
    ]


def test_a_page_that_names_another_pool_gets_all(page, desk):
    start(page, "a.mp4")
    page.wait_for_end()
    news = page.news()
    same = page.news(news["version"], news["pool"])
    assert same["streams"] == {}
    other = page.news(news["version"], news["pool"] + 1)
    assert list(other["streams"]) == news["order"]


def test_what_cannot_be_done_is_said_and_nothing_is_logged_by_a_browser(page, desk):
    start(page, "a.mp4")
    for name, asked, said in (
        ("start", {"model": "fake", "videos": []}, "Tick a video"),
        ("start", {"model": "fake", "videos": ["folder/none.mp4"]}, "not there any more"),
        ("start", {"model": "none", "videos": ["folder/a.mp4"]}, "not on this machine"),
        ("start", {"run": "0" * 32, "model": "fake", "videos": ["folder/a.mp4"]}, "Reload"),
        ("leave", {"stream": "s0"}, "was removed"),
    ):
        response = page.client.post(f"/streams/{name}", json={"run": RUN, **asked})
        assert response.status_code == 200
        assert said in response.json()["error"]
    assert page.client.post("/streams/jump", json={"run": RUN}).status_code == 400


def test_requests_that_no_page_sends_are_refused(page):
    start(page, "a.mp4")
    [stream] = page.news()["order"]
    for body in (b"", b"{", b"[]", b"[" * 50_000, b'"run"', b"\xff"):
        assert page.client.post("/streams/set", content=body).status_code == 400
    much = page.client.post("/streams/close", content=b" " * (MAX_JSON_BYTES + 1))
    assert "100,000 bytes" in much.json()["error"]
    assert page.news()["order"] == [stream]


@pytest.mark.parametrize("body", ['"value": Infinity', '"value": "many"', '"value": 201'])
def test_a_memory_that_cannot_be_is_answered_with_those_that_can(page, body):
    start(page, "a.mp4")
    [stream] = page.news()["order"]
    wait_until(lambda: page.news()["streams"][stream]["status"] != "opening")
    content = f'{{"run": "{RUN}", "stream": "{stream}", "setting": "l_mem", {body}}}'
    answer = page.client.post("/streams/set", content=content).json()
    assert "l_mem must be a whole number from 0 to 200" in answer["error"]
    for setting in ("no such", "model", "stream_id", "self"):
        answer = page.post("set", stream=stream, setting=setting, value=1)
        assert f"{setting} cannot be changed" in answer["error"]
    assert page.post("set", stream=stream, setting="l_mem", value=2) == {}
    assert page.news()["streams"][stream]["l_mem"] == 2


def test_a_run_that_is_freed_while_its_streams_start_leaves_no_pool(page, desk):
    find = page.runs.pop(RUN)
    answers = iter([find, None])
    api = FastAPI()
    add_streams_routes(api, SimpleNamespace(find=lambda run_id: next(answers)), desk.pools)
    asked = {"run": RUN, "model": "fake", "videos": ["folder/a.mp4"]}
    assert TestClient(api).post("/streams/start", json=asked).status_code == 200
    assert len(desk.pools) == 0


def test_predictions_and_figures_can_be_taken_away(page, desk):
    start(page, "a.mp4", "b.mp4")
    page.wait_for_end()
    streams = page.news()["streams"]
    one = page.get(next(iter(streams.values()))["file"])
    assert one.headers["content-disposition"] == 'attachment; filename="a-predictions.csv"'
    assert len(one.text.splitlines()) == 1 + 10
    archive = zipfile.ZipFile(io.BytesIO(page.get("all.zip").content))
    assert {one.date_time[0] for one in archive.infolist()} == {time.localtime().tm_year}
    assert len(archive.namelist()) == 2
    assert archive.read(archive.namelist()[0]).decode() == one.text
    told = json.loads(page.get("figures.json").content)
    assert told["pool"]["clips_done"] == 20
    assert [one["title"] for one in told["streams"]] == ["a.mp4", "b.mp4"]
    assert told["streams"][0]["state_bytes"] > 0
    assert page.get("9-none-predictions.csv").status_code == 404


def test_regions_have_names_that_differ_and_lie_in_the_picture(desk):
    box = {"left": 0.0, "top": 0.25, "width": 0.5, "height": 0.5}
    asked = {"video": "folder/a.mp4", "regions": [{"name": "pen", **box}, {"name": "Pen", **box}]}
    places = stream_requests(desk.shelf, RUN, asked)
    assert [place.title for place in places] == ["pen", "Pen 2"]
    assert [str(place.file_name) for place in places] == ["a pen.csv", "a Pen 2.csv"]
    assert places[0].region.top == 0.25
    for change, said in (
        ({"width": 0.7, "left": 0.5}, "must lie in the picture"),
        ({"name": "a/b"}, "a region's name"),
        ({"height": "tall"}, "height"),
    ):
        asked["regions"] = [{"name": "pen", **box, **change}]
        with pytest.raises((SettingError, ValueError), match=said):
            stream_requests(desk.shelf, RUN, asked)
    with pytest.raises(SettingError, match="left, top, width and height"):
        stream_requests(desk.shelf, RUN, {"video": "folder/a.mp4", "regions": [{"name": "pen"}]})
    with pytest.raises(SettingError, match="17 more"):
        stream_requests(desk.shelf, RUN, {"video": "folder/a.mp4", "regions": [box] * 17})
    with pytest.raises(VideoNotFoundError):
        stream_requests(desk.shelf, RUN, {"video": "folder/none.mp4", "regions": [box]})


def test_addresses_are_streamed_where_that_is_allowed_and_files_never_by_that_way(desk):
    address = "rtsp://somebody:secret@10.0.0.9:554/pen"
    asked = {"videos": ["folder/a.mp4"], "addresses": [address]}
    places = stream_requests(desk.shelf, RUN, asked, policy=AddressPolicy())
    assert [place.title for place in places] == ["a.mp4", "10.0.0.9:554/pen"]
    assert places[1].video.address == address
    assert str(places[1].file_name) == "10.0.0.9-554-pen.csv"
    with pytest.raises(SettingError, match="--allow-addresses"):
        stream_requests(desk.shelf, RUN, asked)
    for bad in ("file:///etc/passwd", "/etc/passwd", "", "concat:a|b"):
        with pytest.raises(SettingError, match="no address of a camera"):
            stream_requests(desk.shelf, RUN, {"addresses": [bad]}, policy=AddressPolicy())


def test_the_same_video_twice_is_two_streams(desk):
    places = stream_requests(desk.shelf, RUN, {"videos": ["folder/a.mp4", "folder/a.mp4"]})
    assert [place.title for place in places] == ["a.mp4", "a.mp4 2"]
