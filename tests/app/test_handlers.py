"""What a page asks for, and what it gets."""

from __future__ import annotations

import json

import pytest

from app.text import sentence_for
from tests.app.conftest import wait_until
from tests.app.fakes import write_video
from vidmem.errors import DecoderTimeoutError


def sections(answer: dict) -> dict:
    return {topic: section["value"] for topic, section in answer["sections"].items()}


def test_a_new_page_gets_the_sample_the_model_and_the_limits(desk):
    reply = desk.handlers.open_page("page", "")
    answer = json.loads(reply.payload)
    hello = {"max_upload_bytes": 1000, "may_watch_addresses": True, "page": "page"}
    assert answer["hello"] == hello
    shown = sections(answer)
    assert shown["source"]["key"] == "sample"
    assert shown["source"]["facts"].startswith("1 min · 1280×720 · 25 fps · H.264")  # noqa: RUF001
    assert [name for name, _ in shown["videos"]] == ["Bundled sample", "Folder on this machine"]
    assert shown["model"]["trained_on"].startswith("Trained on generated barn videos")
    assert shown["settings"]["values"]["l_mem"] == 25
    assert shown["play"]["status"] == "ready"


def test_nothing_new_is_answered_with_nothing(desk):
    run = desk.open()
    answer = desk.ask(run)
    versions = {topic: section["version"] for topic, section in answer["sections"].items()}
    picture = answer.get("picture", {}).get("number", -1)
    wait_until(lambda: run.pictures.shown)
    picture = desk.ask(run).get("picture", {"number": picture})["number"]
    known = {"versions": versions, "epoch": answer["epoch"], "picture": picture}
    assert desk.ask(run, **known) == {}


def test_a_page_is_sent_only_the_points_it_does_not_have(desk):
    run = desk.open()
    desk.ask(run, ("play", None))
    wait_until(lambda: run.status == "finished")
    answer = desk.ask(run)
    points = answer["points"]
    assert [point[0] for point in points] == list(range(15))
    assert points[0][1:3] == [0.0, 4.0]
    assert len(points[0][4]) == 7
    later = desk.ask(run, epoch=answer["epoch"], point=9, thumbnail=12)
    assert [point[0] for point in later["points"]] == list(range(10, 15))
    assert [clip for clip, _ in later["thumbnails"]] == [13, 14]


def test_points_of_an_earlier_play_are_not_mixed_with_the_new(desk):
    run = desk.open()
    desk.ask(run, ("play", None))
    wait_until(lambda: run.status == "finished")
    before = desk.ask(run)["epoch"]
    desk.ask(run, ("play", None))
    wait_until(lambda: run.status == "finished")
    answer = desk.ask(run, epoch=before, point=14)
    assert answer["epoch"] == before + 1
    assert len(answer["points"]) == 15


def test_a_range_is_answered_in_few_buckets(desk):
    run = desk.open()
    desk.ask(run, ("play", None))
    wait_until(lambda: run.status == "finished")
    answer = desk.ask(run, ("view", {"from": 0, "to": 60, "buckets": 5}))["range"]
    assert answer["start"] == [0, 12, 24, 36, 48]
    assert answer["through"] == 14


def test_a_third_run_beyond_the_limit_is_told_so(desk):
    desk.machine.clip_seconds = 0.2
    runs = [desk.open(f"page {number}") for number in range(3)]
    for number, run in enumerate(runs):
        desk.ask(run, ("play", None), page=f"page {number}")
    assert [run.is_active for run in runs] == [True, True, False]
    assert "already watching 2 videos" in runs[2].board.get("notice")["text"]
    assert "--max-runs 2" in runs[2].board.get("notice")["text"]
    desk.ask(runs[0], ("stop", None), page="page 0")
    desk.ask(runs[2], ("play", None), page="page 2")
    assert runs[2].is_active


def test_an_upload_is_taken_and_what_is_no_video_is_deleted(desk):
    run = desk.open()
    good = write_video(desk.folder / "uploads" / "a" / "mine.mp4", 20)
    bad = desk.folder / "uploads" / "b" / "notes.mp4"
    bad.parent.mkdir()
    bad.write_text("some text")
    desk.ask(run, ("uploaded", {"path": str(good), "name": "mine.mp4"}))
    assert run.board.get("source")["title"] == "mine.mp4"
    desk.ask(run, ("uploaded", {"path": str(bad), "name": "notes.mp4"}))
    assert run.board.get("notice")["text"].startswith("notes.mp4 is not a video")
    assert run.board.get("source")["title"] == "mine.mp4"
    assert not bad.exists()
    desk.registry.clear()
    assert not good.exists()


def test_a_path_outside_the_upload_folder_is_refused(desk):
    run = desk.open()
    desk.ask(run, ("uploaded", {"path": str(desk.folder / "sample.mp4"), "name": "x.mp4"}))
    assert "did not arrive" in run.board.get("notice")["text"]
    assert (desk.folder / "sample.mp4").exists()


@pytest.mark.parametrize(
    "action",
    [
        ("jump", {"seconds": "soon"}),
        ("set", {"setting": "l_mem"}),
        ("no such thing", None),
        ("view", {"from": None}),
        ("speed", 7),
    ],
)
def test_nonsense_from_a_page_changes_nothing(desk, action):
    run = desk.open()
    before = run.status
    desk.ask(run, action)
    assert desk.handlers.sync("page", run.run_id, "no json") is not None
    assert run.status == before


def test_a_setting_that_is_not_allowed_is_answered_with_the_allowed_ones(desk):
    run = desk.open()
    desk.ask(run, ("set", {"setting": "l_mem", "value": 1000}))
    assert "from 0 to 200" in run.board.get("notice")["text"]
    assert run.board.get("settings")["values"]["l_mem"] == 25


def test_a_file_that_vanished_is_said_and_another_can_be_chosen(desk):
    run = desk.open()
    (desk.folder / "videos" / "other.mp4").unlink()
    desk.ask(run, ("choose", {"video": "folder/other.mp4"}))
    assert run.board.get("notice")["text"] == (
        "other.mp4 is not there any more. Choose another video."
    )
    desk.ask(run, ("choose", {"video": "sample"}))
    assert run.board.get("notice") is None


def test_a_run_that_was_freed_is_replaced_by_a_new_one_that_says_so(desk):
    run = desk.open()
    run.play()
    wait_until(lambda: run.status == "finished")
    desk.registry.clear()
    answer = desk.ask(run)
    assert answer["run"] != run.run_id
    notice = sections(answer)["notice"]
    assert "was closed" in notice["text"]
    ((address, name),) = notice["links"]
    assert name == "sample-predictions.csv"
    rows = b"".join(desk.files.open(run.run_id, address.rsplit("/", 1)[-1]).pieces)
    assert len(rows.splitlines()) == 16


def test_a_page_that_heard_nothing_for_a_while_gets_a_sign_of_life(desk):
    run = desk.open()
    message = json.dumps({"run": run.run_id, "known": {}, "beat": 77})
    assert json.loads(desk.handlers.sync("page", run.run_id, message).payload)["beat"] == 77


def test_a_path_of_the_server_is_not_told(desk):
    path = desk.folder / "uploads" / "x.mp4"
    sentence = sentence_for(DecoderTimeoutError(f"{path} gave nothing for 30 s"), "x.mp4", path)
    assert str(desk.folder) not in sentence
    assert "What was analysed is kept" in sentence
