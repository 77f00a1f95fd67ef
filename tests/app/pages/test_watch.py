"""What a page asks for, and what it gets."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from app.budget import WORK_LIMITS
from app.guard.visitor import LOCAL
from app.pages.watch.corrections import correction_place
from app.pages.watch.message import MAX_ACTIONS
from app.run.run import Run
from app.sentences import sentence_for
from app.tools import ModelChoice
from tests.app.conftest import wait_until
from tests.app.fakes import FakeSpool, write_video
from tests.app.sources.test_uploads import bring
from vidmem.errors import DecoderTimeoutError, SettingError


def sections(answer: dict) -> dict:
    return {topic: section["value"] for topic, section in answer["sections"].items()}


def test_a_new_page_gets_the_sample_the_model_and_the_limits(desk):
    reply = desk.handlers.open_page("page", "", LOCAL)
    answer = json.loads(reply.payload)
    hello = {"max_upload_bytes": 1000, "may_watch_addresses": True, "page": "page"}
    assert answer["hello"] == hello
    shown = sections(answer)
    assert shown["source"]["key"] == "sample"
    assert shown["source"]["facts"].startswith("1 min · 1280×720 · 25 fps · H.264")  # noqa: RUF001
    assert [name for name, _ in shown["videos"]] == ["Bundled sample", "Folder on this machine"]
    note = "Trained on generated barn videos. On other footage its labels mean nothing."
    assert shown["model"]["trained_on"] == note  # of the card, without what nothing does yet
    assert shown["settings"]["values"]["l_mem"] == 25
    assert shown["play"]["status"] == "ready"


def test_nothing_new_is_answered_with_nothing(desk):
    run = desk.open()
    answer = desk.ask(run)
    versions = {topic: section["version"] for topic, section in answer["sections"].items()}
    picture = answer.get("picture", {}).get("number", -1)
    wait_until(lambda: run.source.pictures.shown)
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


def test_what_is_written_of_an_upload_is_named_after_the_file_of_its_owner(desk):
    run, name = desk.open(), "Käfig 3 [Nacht].mp4"
    video = write_video(desk.folder / name, 8).read_bytes()
    upload, _ = bring(desk.shelf.upload_folder, run.run_id, video, name)
    desk.ask(run, ("uploaded", {"path": upload, "name": name}), ("play", None))
    wait_until(lambda: run.status == "finished")
    assert run.board.get("source")["title"] == name
    assert run.video.path.name == "Käfig 3 _Nacht_.mp4"  # in logs, and of the file of bouts
    assert run.board.get("csv")["newest"][1] == "Käfig 3 _Nacht_-predictions.csv"
    desk.registry.clear()
    assert list(desk.shelf.upload_folder.path.iterdir()) == []


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


@pytest.mark.parametrize(
    "message",
    [
        '{"actions": ["x"]}',
        '{"actions": {"name": "stop"}}',
        '{"actions": [{"name": ["stop"]}, {"value": 3}, null]}',
        '{"actions": [{"name": "jump", "value": {"seconds": "inf"}}]}',
        '{"actions": [{"name": "jump", "value": {"seconds": "nan"}}]}',
        '{"actions": [{"name": "jump", "value": {"seconds": 1e400}}]}',
        '{"actions": [{"name": "jump", "value": {"seconds": NaN}}]}',
        '{"actions": [{"name": "view", "value": {"from": 0, "to": "1e999"}}]}',
        '{"actions": [{"name": "view", "value": {"from": 0, "to": 9, "buckets": "many"}}]}',
        '{"actions": [{"name": "webcam", "value": {"width": "inf", "height": 9}}]}',
        '{"actions": [{"name": "set", "value": {"setting": "model", "value": 3}}]}',
        '{"actions": [{"name": "uploaded", "value": {"name": "x", "path": "\\u0000"}}]}',
        '{"known": 7, "beat": [1], "is_hidden": {}}',
        '{"known": {"versions": 3, "point": 1.5, "picture": "x", "epoch": []}}',
        '{"run": ["x"], "beat": NaN}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "[1]",
        "null",
        "",
    ],
    ids=lambda message: message[:50],
)
def test_messages_that_no_page_sends_change_nothing_and_are_answered(desk, message):
    run = desk.open()
    before = run.board.get("play")
    reply = desk.handlers.sync("page", run.run_id, message)
    answer = json.loads(reply.payload, parse_constant=pytest.fail)
    assert answer["run"] == run.run_id
    assert run.board.get("play") == before
    assert run.chosen.settings.l_mem == 25


def test_what_is_left_out_of_a_message_is_logged(desk, caplog):
    run = desk.open()
    desk.ask(run, ("jump", {"seconds": "inf"}), ("no such thing", None))
    desk.handlers.sync("page", run.run_id, '{"actions": ["x"]}')
    desk.handlers.sync("page", run.run_id, "[" * 100_000)
    assert "the action 'jump' was ignored: ValueError" in caplog.text
    assert "the action 'no such thing' was ignored: KeyError" in caplog.text
    assert "an action without a name" in caplog.text
    assert "cannot be read" in caplog.text


def test_a_page_is_sent_no_number_that_json_does_not_know(desk, caplog):
    run = desk.open()
    run.board.put("now", {"classes": [["lying", 0, float("nan")]], "values": (1.5, float("inf"))})
    reply = desk.handlers.sync("page", run.run_id, "{}")
    now = sections(json.loads(reply.payload, parse_constant=pytest.fail))["now"]
    assert now == {"classes": [["lying", 0, None]], "values": [1.5, None]}


def test_a_tick_before_the_page_was_answered_makes_no_second_run(desk):
    opens, load = threading.Event(), desk.handlers.tools.load_model
    asked_for = threading.Event()

    def load_slowly(name):
        asked_for.set()
        assert opens.wait(10)
        return load(name)

    tools = replace(desk.handlers.tools, load_model=load_slowly)
    desk.registry._make_run = lambda run_id: Run(run_id, tools, "fake", desk.files)
    assert desk.handlers.sync("page", "", '{"run": "", "known": {}}') is None  # before it began
    assert len(desk.registry) == 0
    replies = []
    opening = threading.Thread(target=lambda: replies.append(desk.handlers.open_page("page", "")))
    opening.start()
    assert asked_for.wait(10)
    assert desk.handlers.sync("page", "", '{"run": "", "known": {}}') is None  # meanwhile
    opens.set()
    opening.join(10)
    assert len(desk.registry) == 1
    shown = sections(json.loads(replies[0].payload))
    assert shown.get("notice") is None
    assert desk.handlers.sync("page", replies[0].run_id, "{}") is not None
    in_vain = '{"run": "", "known": {}, "is_waiting_in_vain": true}'  # the answer was lost
    answer = json.loads(desk.handlers.sync("page", "", in_vain).payload)
    assert answer["run"] == replies[0].run_id
    assert answer["hello"]["page"] == "page"
    assert sections(answer).get("notice") is None
    assert len(desk.registry) == 1
    assert desk.handlers.sync("another", "", in_vain).run_id != replies[0].run_id


def test_after_a_restart_of_the_app_a_page_that_still_knows_its_run_gets_another(desk):
    run = desk.open()
    desk.registry.clear()
    message = json.dumps({"run": run.run_id, "known": {}})
    answer = json.loads(desk.handlers.sync("page", "", message).payload)
    assert answer["run"] != run.run_id
    assert "run of this page is over" in sections(answer)["notice"]["text"]


def test_another_video_begins_at_its_beginning(desk):
    run = desk.open()
    desk.ask(run, ("jump", {"seconds": 33.0}))
    assert run.board.get("play")["playhead"]["seconds"] == 33.0
    desk.ask(run, ("choose", {"video": "folder/other.mp4"}))
    assert run.board.get("play")["playhead"]["seconds"] == 0.0


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
    assert "run of this page is over" in notice["text"]
    ((address, name),) = notice["links"]
    assert name == "sample-predictions.csv"
    _, kept_id, last = address.split("/")
    rows = b"".join(desk.files.open(kept_id, last).pieces)
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


def test_of_one_message_so_many_actions_are_carried_out_and_no_more(desk, monkeypatch):
    done = []
    monkeypatch.setattr(desk.handlers._commands, "carry_out", lambda *action: done.append(action))
    run = desk.open()
    desk.ask(run, *[("pause", None)] * 10 * MAX_ACTIONS)
    assert len(done) == MAX_ACTIONS


def test_what_stays_with_another_model_is_named_as_its_page_names_it(desk):
    desk.machine.models["spool"] = FakeSpool()
    run = desk.open()
    desk.ask(run, ("set", {"setting": "l_mem", "value": 4}), ("model", {"model": "spool"}))
    assert run.board.get("notice")["text"] == "Kept as you set it: Window."
    desk.ask(run, ("model", {"model": "fake"}))
    assert run.board.get("notice")["text"] == "Kept as you set it: L_mem."
    desk.ask(run, ("set", {"setting": "window_stride", "value": 4}), ("model", {"model": "spool"}))
    assert run.board.get("notice")["text"] == (
        "Kept as you set it: Window. Not kept, since it does not suit Spool nano: Window stride."
    )


def test_a_visitor_can_load_no_model_but_those_on_the_list(desk, tmp_path):
    loaded = []
    desk.machine.models["elsewhere"] = desk.machine.models["fake"]
    choices = [
        ModelChoice("fake", "Fake", is_available=True),
        ModelChoice("to be fetched", "Another", is_available=False),
    ]
    run = desk.open()
    run.chosen._tools = replace(
        run.chosen._tools, list_models=lambda: choices, load_model=loaded.append
    )
    for name in ("elsewhere", "to be fetched", str(tmp_path), "../models", "http://example/x"):
        desk.ask(run, ("model", {"model": name}))
        assert "is not on this machine" in run.board.get("notice")["text"], name
    assert loaded == []
    assert run.chosen.name == "fake"


def test_hidden_files_and_files_deeper_down_are_not_served(desk):
    run, folder = desk.open(), desk.folder / "videos"
    hidden = [".secret.mp4", ".git/clip.mp4", "pen/.thumb.mp4", "a/b/deep.mp4", "notes.txt"]
    for name in (*hidden, "pen/day.mp4"):
        write_video(folder / name, 10)
    keys = [key for _, videos in desk.shelf.groups(run.run_id) for key, _ in videos]
    assert "folder/pen/day.mp4" in keys
    for name in (*hidden, "../sample.mp4"):
        assert f"folder/{name}" not in keys
        desk.ask(run, ("choose", {"video": f"folder/{name}"}))
        assert "not there" in run.board.get("notice")["text"], name
    assert run.board.get("source")["key"] == "sample"


def test_a_page_that_asks_for_much_at_once_holds_few_threads(desk):
    run = desk.open()
    limit = WORK_LIMITS["command"].per_run
    with run.commands:  # something that takes long is being done
        threads = [
            threading.Thread(target=desk.ask, args=(run, ("pause", None))) for _ in range(3 * limit)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: sum(thread.is_alive() for thread in threads) <= limit)
        assert "still being done" in run.board.get("notice")["text"]
    for thread in threads:
        thread.join()


def test_what_a_run_says_is_corrected_on_its_video_in_the_project(desk):
    run = desk.open()
    assert correction_place(run, desk.project) == {"video": "", "run": ""}
    desk.ask(run, ("play", None))
    wait_until(lambda: run.status == "finished")
    (video,) = desk.project.videos.list()
    here = {"video": video.name, "run": run.kept_id}
    assert correction_place(run, desk.project) == here
    desk.project.remove_video(video.name)
    assert correction_place(run, desk.project) == {"video": "", "run": run.kept_id}
    desk.project.add_video(desk.folder / "sample.mp4")
    assert correction_place(run, desk.project) == here
    desk.ask(run, ("webcam", {"width": 64, "height": 48}))
    with pytest.raises(SettingError, match="This is live"):
        correction_place(run, desk.project)
