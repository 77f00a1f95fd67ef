"""The addresses of the Runs page: what is listed, and what may be done with a run."""

from __future__ import annotations

import csv
import json
from itertools import pairwise

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.pages.runs import listing
from app.pages.runs.routes import add_runs_routes
from app.pages.runs.wording import settings_words
from app.pages.services import Services
from tests.app.conftest import wait_until
from tests.app.run.test_kept_runs import finish
from tests.app.run.test_run import step
from vidmem.projects import Project


@pytest.fixture
def client(desk):
    api = FastAPI()
    services = Services(
        registry=desk.registry,
        tools=desk.machine.tools(),
        actions=desk.handlers,
        files=desk.files,
        pools=None,  # type: ignore[arg-type]
        teaching=None,  # type: ignore[arg-type]
        lessons=None,  # type: ignore[arg-type]
        project=desk.project,
    )
    add_runs_routes(api, services)
    return TestClient(api)


def rows(client, **query):
    return client.get("/project/runs", params=query).json()["runs"]


def test_runs_are_listed_newest_first_with_all_that_people_ask_for(desk, client):
    run, other = desk.open("first"), desk.open("second")
    finish(run)
    desk.ask(other, ("choose", {"video": "folder/other.mp4"}), page="second")
    for _ in range(3):
        step(other)
    newest, oldest = rows(client)
    assert (newest["video"], newest["state"], newest["source"]) == (
        "other.mp4",
        "paused",
        "other.mp4",
    )
    assert (newest["is_here"], newest["has_page"], newest["can_resume"]) == (True, True, True)
    assert (oldest["video"], oldest["state"], oldest["progress_seconds"]) == (
        "sample.mp4",
        "finished",
        60,
    )
    assert (oldest["is_here"], oldest["can_resume"], oldest["duration_seconds"]) == (
        False,
        False,
        60,
    )
    assert oldest["settings_words"] == "4 fps · 16 frames · L_mem 25"
    assert oldest["settings"]["l_mem"] == 25
    ((address, name),) = oldest["files"]
    assert desk.files.open(*address.split("/")[1:]).name == name == "sample-predictions.csv"
    assert oldest["size_bytes"] >= desk.files.open(*address.split("/")[1:]).num_bytes
    assert [one["id"] for one in rows(client, video="sample.mp4")] == [oldest["id"]]
    assert rows(client, video="none.mp4") == []
    whole = client.get("/project/runs").json()
    assert whole["total_bytes"] == sum(one["size_bytes"] for one in whole["runs"])
    # Neither where it lies nor the run of the page that played it, whose id is that page's.
    told = client.get("/project/runs").text
    assert str(desk.folder) not in told
    assert run.run_id not in told


def test_of_very_many_the_newest_are_listed_and_the_others_counted(desk, client, monkeypatch):
    monkeypatch.setattr(listing, "MAX_LISTED", 2)
    ids = [desk.project.runs.create(model="m", source="x").run_id for _ in range(5)]
    answer = client.get("/project/runs").json()
    assert [one["id"] for one in answer["runs"]] == ids[:-3:-1]
    assert (answer["num_more"], answer["num_runs"]) == (3, 5)


def bouts_of(text: str) -> list[tuple[str, ...]]:
    """Of a file: made-up engines do not say which model they are, but the file of a run does."""
    table = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return [
        tuple(row[name] for name in ("video", "label", "start_seconds", "end_seconds", "score"))
        for row in table
    ]


def test_a_run_is_stopped_exported_and_deleted(desk, client):
    run = desk.open()
    desk.machine.clip_seconds = 0.05
    run.play()
    wait_until(lambda: run.view.newest is not None and run.view.newest.index > 1)
    (row,) = rows(client)
    refused = client.post("/project/runs/delete", json={"id": row["id"]}).json()
    assert refused == {"error": "This run plays. Stop it first."}
    assert client.post("/project/runs/stop", json={"id": row["id"]}).json() == {}
    assert run.status == "stopped"
    again = client.post("/project/runs/stop", json={"id": row["id"]}).json()
    assert "does not play here" in again["error"]
    (row,) = rows(client)
    assert (row["state"], row["can_resume"]) == ("stopped", True)
    answer = client.get("/project/runs/bouts.csv", params={"id": row["id"]})
    assert answer.headers["content-disposition"] == 'attachment; filename="sample-bouts.csv"'
    played = run.view.bouts_csv(desk.project.videos["sample.mp4"].labelled).decode()
    assert bouts_of(answer.text) == bouts_of(played) != []
    assert client.post("/project/runs/delete", json={"id": row["id"]}).json() == {}
    assert rows(client) == []
    # Its page has nothing to go on with any more.
    assert run.board.get("play")["resume_seconds"] is None
    assert run.board.get("csv") == {"newest": None, "earlier": []}
    assert list((desk.project.folder / "runs").iterdir()) == []
    assert desk.project.videos["sample.mp4"].path.is_file()
    assert client.get("/project/runs/bouts.csv", params={"id": row["id"]}).status_code == 400


def test_interrupted_runs_are_offered_until_somebody_leaves_them(desk, client):
    with Project.open(desk.project.folder) as other:
        gone = other.runs.create(model="fake", source="rtsp://pen")
        assert [one["state"] for one in rows(client)] == ["running"]  # it plays in another app
        assert not rows(client)[0]["is_here"]
        refused = client.post("/project/runs/delete", json={"id": gone.run_id}).json()
        assert "is running" in refused["error"]
    assert [one["state"] for one in rows(client)] == ["interrupted"]
    assert client.post("/project/runs/leave", json={}).json() == {}
    assert [one["state"] for one in rows(client)] == ["stopped"]
    assert not rows(client)[0]["can_resume"]


@pytest.mark.parametrize("wrong", ["", "x", "../x", "*", "0" * 31, "\0", "\ud800", 7, None, [], {}])
def test_an_id_that_is_none_is_a_sentence_and_looks_nothing_up(client, wrong):
    for address in ("stop", "delete"):
        answer = client.post(f"/project/runs/{address}", content=json.dumps({"id": wrong}))
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("id must be")


def test_a_run_without_predictions_has_no_bouts(desk, client):
    kept = desk.project.runs.create(model="m", source="x")
    answer = client.get("/project/runs/bouts.csv", params={"id": kept.run_id})
    assert answer.status_code == 404


def test_settings_in_words_leave_out_what_is_no_number():
    assert settings_words({}) == ""
    words = settings_words(
        {
            "fps": 7.5,
            "clip_frames": 8,
            "window_stride": 4,
            "l_mem": "many",
            "local_frame_range": 6,
            "min_bout_seconds": 2,
            "start_seconds": 40,
        }
    )
    assert words == "7.5 fps · 8 frames · every 4 · range 6 · bouts from 2 s · from 00:40"


def test_rows_of_bouts_are_whole_after_a_restart(desk, client):
    run = desk.open()
    finish(run)
    (row,) = rows(client)
    text = client.get("/project/runs/bouts.csv", params={"id": row["id"]}).text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    spans = [
        (float(one["start_seconds"]), float(one["end_seconds"])) for one in csv.DictReader(lines)
    ]
    assert spans[0][0] == 0
    assert spans[-1][1] == 60
    assert all(end == start for (_, end), (start, _) in pairwise(spans))
