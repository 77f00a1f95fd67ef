"""The project's videos at their addresses: found by id, never by a path; nothing else is served."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.budget import Budget, WorkLimit
from app.guard.access import Access
from app.guard.layer import Guard
from app.pages.project_routes import add_project_routes
from app.pages.services import Services
from app.pages.streams.pools import StreamPools
from app.projects.proxies import Proxies
from app.run.results.files import CsvFolder


@pytest.fixture
def budget():
    return Budget({"media": WorkLimit(1, 1)})


@pytest.fixture
def client(desk, budget):
    api = FastAPI()
    tools = desk.machine.tools()
    services = Services(
        registry=desk.registry,
        tools=tools,
        actions=desk.handlers,
        files=desk.files,
        pools=StreamPools(tools, desk.shelf, CsvFolder(desk.folder / "s"), max_pools=1),
        project=desk.project,
        teaching=None,  # type: ignore[arg-type]
        lessons=None,  # type: ignore[arg-type]
    )
    add_project_routes(api, services, Proxies(desk.project), budget)
    return TestClient(api)


def add(client, desk) -> dict:
    answer = client.post("/project/videos/add", json={"run": desk.open().run_id, "key": "sample"})
    return answer.json()["video"]


def test_a_video_is_added_listed_changed_and_taken_out(client, desk):
    record = add(client, desk)
    listed = client.get("/project/videos").json()
    assert listed["videos"] == [record]
    assert [key for key, _, _ in listed["offered"]] == ["folder/other.mp4"]
    name = record["name"]
    facts = client.get("/project/videos/facts", params={"video": name}).json()["video"]
    assert facts == record
    start = client.post("/project/videos/start", json={"video": name, "start": "2026-05-03 02:14"})
    assert start.json()["video"]["start"] == "2026-05-03T02:14:00"
    wrong = client.post("/project/videos/start", json={"video": name, "start": "soon"}).json()
    assert "a date and a time" in wrong["error"]
    assert client.post("/project/videos/remove", json={"video": name}).json() == {"removed": name}
    assert client.get("/project/videos").json()["videos"] == []
    assert "no video" in client.post("/project/videos/remove", json={"video": name}).json()["error"]


def test_a_file_comes_whole_and_in_parts(client, desk):
    record = add(client, desk)
    content = (desk.folder / "sample.mp4").read_bytes()
    address = f"/media/{record['id']}"
    assert client.get(address).content == content
    part = client.get(address, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, content[2:5])
    assert client.head(address).headers["content-length"] == str(len(content))


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "2",
        "1e3",
        "\u0661",
        "9" * 5000,
        "..",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "1.mp4",
    ],
)
def test_what_is_no_id_of_a_video_is_not_found(client, desk, text):
    add(client, desk)
    for more in ("", "/proxy.mp4"):
        answer = client.get(f"/media/{text}{more}")
        assert answer.status_code == 404, text
        assert b"root:" not in answer.content
    for more in ("/proxy", "/times?from=0&to=1"):
        answer = client.get(f"/media/{text}{more}")
        assert answer.status_code == 404 or "not in the project" in answer.json()["error"]


def test_a_file_that_was_replaced_is_a_sentence_and_no_bytes(client, desk):
    record = add(client, desk)
    (desk.folder / "sample.mp4").write_bytes(b"something else")
    for address in ("", "/times?from=0&to=1"):
        answer = client.get(f"/media/{record['id']}{address}")
        assert "another file than the one that was added" in answer.json()["error"]
    assert client.get(f"/media/{record['id']}").status_code == 404
    assert client.post(f"/media/{record['id']}/proxy").json().keys() == {"error"}
    assert str(desk.folder) not in answer.text


def test_places_are_given_back_and_without_one_a_browser_is_told_to_come_again(
    client, desk, budget
):
    address = f"/media/{add(client, desk)['id']}"
    for _ in range(3):
        assert client.get(address).status_code == 200
        assert client.get("/media/999").status_code == 404
    assert budget.num_held("media") == 0
    with budget.take("media") as _:
        answer = client.get(address)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_times_are_those_of_the_file(client, desk, monkeypatch):
    record = add(client, desk)
    missing = client.get(f"/media/{record['id']}/times", params={"from": "0", "to": "soon"})
    assert missing.status_code == 400
    answer = client.get(f"/media/{record['id']}/times", params={"from": 0, "to": 10}).json()
    assert answer.keys() == {"error"}  # a made-up file, which no decoder reads


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_site_plays_a_video(client, desk, site):
    address = f"/media/{add(client, desk)['id']}"
    guard = Guard(client.app, hosts=["testserver"], access=Access(None, None), cookie="pass")
    guarded = TestClient(guard)
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "video", "Sec-Fetch-Mode": "no-cors"}
    answer = guarded.get(address, headers=own)
    assert answer.status_code == 200
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert guarded.get(address, headers={**own, "Sec-Fetch-Site": site}).status_code == 403
